import ArgumentParser
import Cryptography
import Diagnostics
import Evidence
import KeyCustody

/// Where a passphrase or a PIN is read from: exactly one source, never the command line or an environment variable.
struct PassphraseOptions: ParsableArguments {
  @Option(help: "Read the passphrase from this open file descriptor.")
  var passphraseFd: Int32?

  @Option(help: "Read the passphrase from this file (mode 0600 or 0400, yours, no symbolic link).")
  var passphraseFile: String?

  @Option(help: "Read the passphrase from this systemd credential ($CREDENTIALS_DIRECTORY/NAME).")
  var passphraseCredential: String?

  /// Whether any source was named.
  var isGiven: Bool { passphraseFd != nil || passphraseFile != nil || passphraseCredential != nil }

  /// The one source that was named; `passphrase.source` (64) when there is none, or more than one.
  func source() throws(Problem) -> PassphraseSource {
    var sources: [PassphraseSource] = []
    if let passphraseFd { sources.append(.descriptor(passphraseFd)) }
    if let passphraseFile { sources.append(.file(passphraseFile)) }
    if let passphraseCredential { sources.append(.credential(passphraseCredential)) }
    guard sources.count == 1 else {
      throw .usage(
        "passphrase.source", "exactly one source of the passphrase is expected, not \(sources.count)",
        hint: "use --passphrase-fd N, --passphrase-file FILE or --passphrase-credential NAME")
    }
    return sources[0]
  }

  /// The key in the sealed file `path`.
  func unseal(_ path: String) throws(Problem) -> Ed25519.SigningKey {
    guard !TokenURI.isOne(path), !path.hasPrefix(SignerAddress.commandPrefix) else {
      throw .usage(
        "key.sealed", "this is done with a sealed key file alone", hint: "signed notes know Ed25519 keys of our own")
    }
    return try KeyFile.load(path: path, passphrase: try source().read())
  }

  /// The key at an address: on a token, behind a command, or in a sealed file.
  func signer(_ address: String) throws(Problem) -> any Signer {
    switch try SignerAddress(address) {
    case .file(let path): return try unseal(path)
    case .command(let path):
      guard !isGiven else {
        throw .usage("passphrase.surplus", "a command gets no passphrase from us", hint: "leave --passphrase-… away")
      }
      return try ExternalSigner(path: path)
    case .token(let uri): return try TokenKey(uri) { () throws(Problem) in try pin(uri) }
    }
  }

  /// The PIN from the options or from the file that the address names; nil where the token has a keypad.
  private func pin(_ uri: TokenURI) throws(Problem) -> SecretBytes? {
    guard let file = uri.pinFile else { return isGiven ? try source().read() : nil }
    guard !isGiven else {
      throw .usage("passphrase.source", "the PIN has two sources: pin-source in the address and a --passphrase option")
    }
    return try PassphraseSource.file(file).read()
  }
}

/// Where a signing key is.
enum SignerAddress {
  case file(String), token(TokenURI), command(String)

  static let commandPrefix = "command:"
  /// What the option `--key` takes, for people.
  static let help: ArgumentHelp =
    "The key to sign with: a sealed file, “pkcs11:…” on a token, or “command:FILE” of an external signer."

  /// `pkcs11:…`, `command:FILE`, or a path; `./` before a path keeps it one.
  init(_ text: String) throws(Problem) {
    if TokenURI.isOne(text) {
      self = .token(try TokenURI(text))
    } else if text.hasPrefix(SignerAddress.commandPrefix) {
      self = .command(String(text.dropFirst(SignerAddress.commandPrefix.count)))
    } else {
      self = .file(text)
    }
  }
}

/// The signing key of a verb: `--key` and the source of its passphrase or PIN.
struct KeyOptions: ParsableArguments {
  @Option(help: SignerAddress.help)
  var key: String

  @OptionGroup var passphrase: PassphraseOptions

  /// The key, wherever it is.
  func load() throws(Problem) -> any Signer { try passphrase.signer(key) }

  /// The key, which must be in a sealed file.
  func unseal() throws(Problem) -> Ed25519.SigningKey { try passphrase.unseal(key) }
}

/// The key that signs a measurement: one that is named, or that of the preview profile.
struct SignerOptions: ParsableArguments {
  @Option(help: "The key to sign with, as for sign (default: the preview key, made on first use).") var key: String?
  @OptionGroup var passphrase: PassphraseOptions

  func load() throws(Problem) -> any Signer {
    if let key { return try passphrase.signer(key) }
    return try PreviewIdentity.load().key
  }
}

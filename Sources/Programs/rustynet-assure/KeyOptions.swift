import ArgumentParser
import Cryptography
import Diagnostics
import Evidence
import KeyCustody

/// Where a passphrase is read from: exactly one source, never the command line or an environment variable.
struct PassphraseOptions: ParsableArguments {
  @Option(help: "Read the passphrase from this open file descriptor.")
  var passphraseFd: Int32?

  @Option(help: "Read the passphrase from this file (mode 0600 or 0400, yours, no symbolic link).")
  var passphraseFile: String?

  @Option(help: "Read the passphrase from this systemd credential ($CREDENTIALS_DIRECTORY/NAME).")
  var passphraseCredential: String?

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
    try KeyFile.load(path: path, passphrase: try source().read())
  }
}

/// The signing key of a verb: `--key FILE` and the source of its passphrase.
struct KeyOptions: ParsableArguments {
  @Option(help: "The sealed key file to sign with.")
  var key: String

  @OptionGroup var passphrase: PassphraseOptions

  /// The unsealed key.
  func load() throws(Problem) -> Ed25519.SigningKey {
    try passphrase.unseal(key)
  }
}

/// The key that signs a measurement: one that is named, or that of the preview profile.
struct SignerOptions: ParsableArguments {
  @Option(help: "The sealed key file to sign with (default: the preview key, made on first use).") var key: String?
  @OptionGroup var passphrase: PassphraseOptions

  func load() throws(Problem) -> Ed25519.SigningKey {
    if let key { return try passphrase.unseal(key) }
    return try PreviewIdentity.load().key
  }
}

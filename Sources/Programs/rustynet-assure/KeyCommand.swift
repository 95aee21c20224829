import ArgumentParser
import Cryptography
import Diagnostics
import KeyCustody
import LinuxKit
import StrictJSON

/// `rustynet-assure key`: the signing keys of this toolkit.
struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Make and look after sealed signing keys, and say how a key is kept.",
    discussion: """
      Example: rustynet-assure key generate --output keys/ada.json --passphrase-file pass

      A key file is sealed under a passphrase and lies with mode 0600 in a folder with mode 0700, both yours. \
      The format is documents/specs/sealed-key.md.
      """,
    subcommands: [Generate.self, Public.self, Inspect.self, ChangePassphrase.self, Attest.self])
}

extension KeyCommand {
  /// `key generate`.
  struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "generate",
      abstract: "Make a new Ed25519 key and seal it into a new file; a file is never overwritten.")

    @Option(help: "The key file to create; its folder is made with mode 0700 when it is missing.")
    var output: String
    @Option(help: "One line for people.") var comment: String?
    @Option(help: "A word for what the key is meant for, such as “release”.") var use: String?
    @Flag(help: "Print the public key as JSON.") var json = false
    @OptionGroup var passphrase: PassphraseOptions

    func run() throws {
      let label = try SealedKey.Label(comment: comment, use: use)
      let secret = try passphrase.source().read()
      try KeyFile.makeFolder(of: output)
      let key = Ed25519.SigningKey()
      try KeyFile.create(path: output, key: key, passphrase: secret, created: Host.now(), label: label)
      Console.print(json ? key.publicKey.json : "created \(key.publicKey.id) in \(Printable.oneLine(output))")
    }
  }

  /// `key public`.
  struct Public: ParsableCommand {
    /// How a public key is printed.
    enum Format: String, ExpressibleByArgument, CaseIterable { case json, raw, pem, note }

    static let configuration = CommandConfiguration(
      commandName: "public",
      abstract: "Print the public key that a key file states, without its passphrase, or that a token has.",
      discussion: """
        Without the passphrase the file is not authenticated; its owner and its modes are what speaks for it. \
        raw is the base 64 of the 32 bytes, pem a SubjectPublicKeyInfo, note a C2SP verifier key.
        """)

    @Option(help: "The key: a sealed file, “pkcs11:…” on a token, or “command:FILE” of an external signer.")
    var key: String
    @Option(help: "json, raw, pem or note.") var format = Format.json
    @Option(help: "The name in a note's verifier key.") var name: String?
    @OptionGroup var passphrase: PassphraseOptions

    func validate() throws {
      if (format == .note) != (name != nil) { throw ValidationError("--name belongs to --format note, which needs it") }
    }

    func run() throws {
      let publicKey = try publicKey()
      switch format {
      case .json: Console.print(publicKey.json)
      case .raw: Console.print(publicKey.base64)
      case .pem: Console.print(publicKey.pem)
      case .note:
        guard let key = publicKey.ed25519 else {
          throw Problem.usage("usage.note", "signed notes know Ed25519 keys, not \(publicKey.algorithm.rawValue)")
        }
        Console.print(try key.noteVerifier(name: name ?? ""))
      }
    }

    private func publicKey() throws(Problem) -> VerificationKey {
      if case .file(let path) = try SignerAddress(key) { return VerificationKey(try KeyFile.publicKey(path: path)) }
      return try passphrase.signer(key).verificationKey
    }
  }

  /// `key inspect`.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Print what a key file states without its passphrase, after the custody rules were judged.")

    @Option(help: "The key file.") var key: String
    @Flag(help: "Print canonical JSON.") var json = false

    func run() throws {
      let sealed = try KeyFile.inspect(path: key)
      guard !json else { return Console.print(sealed.facts.printable) }
      for (name, value) in try JSONReader(sealed.facts).members() {
        let text = if case .string(let text) = value.value { text } else { value.value.canonicalText }
        Console.print("\(name): \(Printable.oneLine(text))")
      }
    }
  }

  /// `key change-passphrase`.
  struct ChangePassphrase: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "change-passphrase",
      abstract: "Seal a key under another passphrase; the key stays the same.")

    @OptionGroup var key: KeyOptions
    @Option(help: "Read the new passphrase from this open file descriptor.") var newPassphraseFd: Int32?
    @Option(help: "Read the new passphrase from this file.") var newPassphraseFile: String?

    func run() throws {
      guard case .file = try SignerAddress(key.key) else {
        throw Problem.usage("key.sealed", "only a sealed key file has a passphrase that we can change")
      }
      let old = try key.passphrase.source().read()
      let new = try newSource().read()
      try KeyFile.changePassphrase(path: key.key, from: old, to: new)
      Console.print("changed the passphrase of \(Printable.oneLine(key.key))")
    }

    private func newSource() throws(Problem) -> PassphraseSource {
      switch (newPassphraseFd, newPassphraseFile) {
      case (let number?, nil): return .descriptor(number)
      case (nil, let path?): return .file(path)
      default:
        throw .usage(
          "passphrase.source", "exactly one source of the new passphrase is expected",
          hint: "use --new-passphrase-fd N or --new-passphrase-file FILE")
      }
    }
  }
}

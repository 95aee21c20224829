import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import KeyCustody
import LinuxKit
import StrictJSON
import Wire

/// `rustynet-assure trust …`.
struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust", abstract: "Say whom to trust for what.",
    discussion: """
      A trust file is written as a draft (plain JSON), then signed by its own root role. A change of a signed file
      makes a draft of the next version.

      Example: rustynet-assure trust init --principal ada --public-key ada.json --output trust.json
               rustynet-assure trust sign trust.json --key ada-key.json --passphrase-file pass
      """,
    subcommands: [
      TrustInit.self, TrustAdd.self, TrustRole.self, TrustRevoke.self, TrustSign.self, TrustInspect.self,
      TrustShow.self,
    ])
}

/// A trust file on disk: a draft, or an envelope.
enum TrustDraft {
  static func read(_ path: String) throws(Problem) -> (file: TrustFile, envelope: Envelope?) {
    let bytes = try FileSystem.read(path, limit: 1 << 20)
    do throws(Problem) {
      let document = try TrustFile.document(parsing: bytes)
      return (try TrustFile(parsing: document.bytes), document.envelope)
    } catch { throw error.at(path) }
  }

  /// Changes the file at `path`: a signed one becomes a draft of the next version.
  static func change(
    _ path: String, output: String?, _ body: (inout TrustFile) throws(Problem) -> Void
  ) throws(Problem) {
    var (file, envelope) = try read(path)
    if envelope != nil {
      file.version += 1
      file.issued = Host.now()
    }
    try body(&file)
    try Output.write(Array(file.json.pretty.utf8), to: output ?? path)
    Console.note("wrote \(output ?? path), version \(file.version), unsigned: rustynet-assure trust sign")
  }
}

/// A public key and the time for which it is trusted.
struct TrustedKeyOptions: ParsableArguments {
  @Option(help: "The name of the principal.") var principal: String
  @Option(help: "A public key file (key public), or a sealed key file.") var publicKey: String?
  @Option(help: "A signed attestation (key attest --output) instead: the key, and how it is kept.")
  var keyAttestation: String?
  @Option(help: "The first second of its validity (default: now).") var validFrom: String?
  @Option(help: "For how many days it is valid.") var days: Int64 = 365

  func trustedKey(_ profile: Profile) throws(Problem) -> TrustedKey {
    guard Principal.isName(principal) else {
      throw .usage("usage.principal", "“\(principal)” is not a name: a to z, 0 to 9, dot, hyphen and @ are allowed")
    }
    guard (1...3650).contains(days) else { throw .usage("usage.days", "the days must be between 1 and 3650") }
    let start = try Input.time(validFrom)
    let (key, custody) = try attestedKey()
    return TrustedKey(
      key: key, validFrom: start, validUntil: start.adding(seconds: days * 86_400), use: profile, custody: custody)
  }

  private func attestedKey() throws(Problem) -> (VerificationKey, KeyProtection?) {
    switch (publicKey, keyAttestation) {
    case (let path?, nil): return (try Input.publicKey(path), nil)
    case (nil, let path?):
      let attestation = try Input.attestation(path)
      return (attestation.key, attestation.custody)
    default:
      throw .usage("usage.public-key", "exactly one of --public-key and --key-attestation is expected")
    }
  }
}

extension Input {
  /// A time that an option names; now where it is not given.
  static func time(_ text: String?) throws(Problem) -> Timestamp {
    guard let text else { return Host.now() }
    return try Timestamp(text)
  }

  /// A public key from a public key file or from a sealed key file.
  static func publicKey(_ path: String) throws(Problem) -> VerificationKey {
    let bytes = try FileSystem.read(path, limit: 65_536)
    if let key = try? VerificationKey(json: bytes) { return key }
    return VerificationKey(try KeyFile.publicKey(path: path))
  }
}

struct TrustInit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Begin a trust file with one principal in every role.")

  @Option(help: "What it is for.") var profile: Profile = .release
  @OptionGroup var key: TrustedKeyOptions
  @Option(help: "For how many days the file is valid.") var fileDays: Int64 = 365
  @Option(help: "The draft to write.") var output: String

  func run() throws {
    let now = Host.now()
    let rule = RoleRule(threshold: 1, principals: [key.principal])
    let file = try TrustFile(
      version: 1, issued: now, expires: now.adding(seconds: fileDays * 86_400), profile: profile,
      principals: [Principal(name: key.principal, keys: [try key.trustedKey(profile)])],
      roles: Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0, rule) }))
    try FileSystem.create(Array(file.json.pretty.utf8), at: output, mode: 0o644)
    Console.note("wrote \(output), unsigned: rustynet-assure trust sign")
  }
}

struct TrustAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a key to a principal, or a principal to roles.")

  @Argument(help: "The trust file.") var file: String
  @OptionGroup var key: TrustedKeyOptions
  @Option(help: "A role to act in; may be repeated.") var role: [Role] = []
  @Option(help: "The new threshold of these roles.") var threshold: Int?
  @Option(help: "The draft to write (default: the same file).") var output: String?

  func run() throws {
    try TrustDraft.change(file, output: output) { trust throws(Problem) in
      try trust.add(try key.trustedKey(trust.profile), of: key.principal)
      for role in role { try trust.allow(key.principal, in: role, threshold: threshold) }
    }
  }
}

struct TrustRole: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "role", abstract: "Say who acts in a role, and how many of them it takes; replaces what was said.",
    discussion:
      "Example: rustynet-assure trust role trust.json --role root --principal ada --principal bob --threshold 2")

  @Argument(help: "The trust file.") var file: String
  @Option(help: "The role.") var role: Role
  @Option(help: "A principal who acts in it; may be repeated.") var principal: [String]
  @Option(help: "How many different principals must have signed.") var threshold = 1
  @Option(help: "The draft to write (default: the same file).") var output: String?

  func run() throws {
    try TrustDraft.change(file, output: output) { trust throws(Problem) in
      try trust.set(role, to: RoleRule(threshold: threshold, principals: principal))
    }
  }
}

struct TrustRevoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Revoke a key: nothing that it signed since then counts.")

  @Argument(help: "The trust file.") var file: String
  @Option(help: "The id of the key, as trust inspect prints it.") var keyId: String
  @Option(help: "Since when (default: now).") var since: String?
  @Option(help: "The id of the key that takes its place.") var supersededBy: String?
  @Option(help: "The draft to write (default: the same file).") var output: String?

  func run() throws {
    try TrustDraft.change(file, output: output) { trust throws(Problem) in
      try trust.revoke(keyId, since: try Input.time(since), supersededBy: supersededBy)
    }
  }
}

struct TrustSign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign a draft, or add a signature to a signed file.")

  @Argument(help: "The draft or the signed file.") var file: String
  @OptionGroup var key: KeyOptions
  @Option(help: "The file to write (default: the same file).") var output: String?

  func run() throws {
    let (trust, envelope) = try TrustDraft.read(file)
    let key = try key.load()
    var signed =
      try envelope ?? Envelope(payloadType: TrustFile.payloadType, payload: trust.json.canonical, signedBy: [key])
    try signed.sign(with: key)
    try Output.write(signed.encoded, to: output ?? file)
    let checks = trust.judge(signed, role: .root, at: Host.now(), for: trust.profile)
    Console.note(
      "signed; the root role \(checks.outcome == .passed ? "is satisfied" : "needs more signatures"), "
        + "root fingerprint \(trust.rootFingerprint)")
  }
}

struct TrustInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print a trust file, its root fingerprint and who signed it.")

  @Argument(help: "The trust file.") var file: String
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: JSONOptions

  func run() throws {
    let (trust, envelope) = try TrustDraft.read(file)
    let time = try time.time()
    let checks =
      envelope.map { trust.judge($0, role: .root, at: time, for: trust.profile) }
      ?? [.notRun("signature", "trust.draft", "this is a draft: nobody has signed it")]
    if format.json {
      let facts: JSON = [
        "trust": trust.json, "rootFingerprint": .string(trust.rootFingerprint.description),
        "checks": .array(checks.map(\.json)),
      ]
      return Console.print(facts.printable)
    }
    Console.print(trust.json.pretty.trimmingSuffix("\n"))
    Console.print("root fingerprint \(trust.rootFingerprint)")
    for principal in trust.principals {
      for key in principal.keys {
        let custody = key.custody.map { ", custody \($0.rawValue)" } ?? ""
        Console.print("key \(key.key.id) of \(principal.name), until \(key.validUntil)\(custody)")
      }
    }
    for line in Report.lines(checks) { Console.print(line) }
  }
}

extension String {
  func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}

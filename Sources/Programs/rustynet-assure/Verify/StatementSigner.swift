import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import SupplyChain
import Wire

/// Whose signature counts on an envelope: one key, or a role of a trust file.
struct StatementSignerOptions: ParsableArguments {
  @Option(help: "The public key (PEM) that must have signed the envelope.") var key: String?
  @Option(help: "The trust file that says who may sign the envelope.") var trust: String?
  @Option(help: "The fingerprint of the trust file's root, from elsewhere.") var trustFingerprint: String?

  /// Whether a key or a trust file was named.
  var isNamed: Bool { key != nil || trust != nil || trustFingerprint != nil }

  /// Judges the signatures of `envelope`; nil where neither a key nor a trust file was named.
  ///
  /// - Returns: the checks, and who signed for people.
  func judge(_ envelope: Envelope, role: Role, at time: Timestamp) throws(Problem) -> (checks: [Check], name: String)? {
    guard key == nil || trust == nil else {
      throw .usage("usage.signer", "--key and --trust are two ways to say who may sign; give one of them")
    }
    guard trust != nil || trustFingerprint == nil else {
      throw .usage("usage.signer", "--trust-fingerprint belongs to --trust")
    }
    if let key {
      let found = try Input.foreignKey(key)
      let name = "the key in \(key)"
      return (envelope.judge(key: found, named: name, policy: try AlgorithmPolicy(), at: time), name)
    }
    guard let trust else { return nil }
    let file = try loadTrust(trust, fingerprint: trustFingerprint, profile: nil, at: time)
    return (file.judge(envelope, role: role, at: time, for: file.profile), "the role \(role.rawValue) of \(trust)")
  }
}

/// What a statement must speak of: a file, a digest, or an identifier such as `gce_image_id:1`.
enum Artifact {
  case digests(name: String, [Digest])
  case identifier(Subject.Identifier)

  /// Reads an argument; a file of that name comes first.
  init(_ text: String, allowsIdentifiers: Bool = false) throws(Problem) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let isIdentifier =
      parts.count == 2 && !parts[1].isEmpty && !parts[0].isEmpty && FileSystem.status(text) == nil
      && parts[0].utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || $0 == 0x5f }
    if allowsIdentifiers, isIdentifier {
      self = .identifier(Subject.Identifier(name: String(parts[0]), value: String(parts[1])))
      return
    }
    let (name, digests) = try Input.subject(text)
    self = .digests(name: name, digests)
  }

  /// Whether `statement` speaks of it.
  func check(in statement: Statement) -> Check {
    switch self {
    case .digests(let name, let digests): SubjectRules.check("subject.\(name)", digests, in: statement)
    case .identifier(let identifier): SubjectRules.check("subject.\(identifier.name)", identifier, in: statement)
    }
  }
}

extension Envelope {
  /// Refuses an envelope of anything but an in-toto Statement.
  func requireStatement(in path: String) throws(Problem) {
    guard payloadType.isExactly(Envelope.statementType) else {
      throw .refused(
        "dsse.payload-type", "the envelope holds no in-toto Statement but \(payloadType)", place: path,
        source: "DSSE protocol.md; V6")
    }
  }
}

/// A duration on the command line: `90s`, `15m`, `36h`, `30d`, or seconds.
struct Age: ExpressibleByArgument {
  let seconds: Int64

  init?(argument: String) {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    let unit = argument.last.flatMap { units[$0] }
    let digits = unit == nil ? Substring(argument) : argument.dropLast()
    guard !digits.isEmpty, digits.utf8.count <= 9, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int64(digits)
    else { return nil }
    seconds = number * (unit ?? 1)
  }
}

public import Attestation
import Cryptography
public import Diagnostics
import LinuxKit
import StrictJSON
public import TransparencyLog

/// What an auditor has seen before of one root of trust: versions, the last verdict and the ledger, which only ever grow.
///
/// A state file that cannot be read in full is malformed: an auditor who has lost it begins again knowingly, by
/// removing it, and is never told that nothing is older when nothing was compared.
public struct SeenState: Sendable {
  static let type = "rustynet-seen/v1"

  /// The numbers that only grow.
  struct Marks: Sendable {
    var trustVersion: Int64 = 0
    var policyVersion: Int64 = 0
    var sequence: Int64 = 0
    var ledgerSize: Int64 = 0

    /// The numbers with their names, in the order in which they are compared.
    var named: [(name: String, value: Int64)] {
      [
        ("trustVersion", trustVersion), ("policyVersion", policyVersion), ("sequence", sequence),
        ("ledgerSize", ledgerSize),
      ]
    }
  }

  private let path: String
  /// The checkpoint of the ledger that was seen last; nil where nothing was seen yet.
  public let checkpoint: SignedCheckpoint?

  /// Reads the state of the root of `trust` from `folder`, which is made where it is missing.
  public init(folder: String, trust: Envelope) throws(Problem) {
    try FileSystem.makeFolder(folder, mode: 0o700)
    path = "\(folder)/seen-\(try TrustFile(parsing: trust.payload).rootFingerprint.hex.prefix(16)).json"
    (_, checkpoint) = try SeenState.load(path)
  }

  private static func load(_ path: String) throws(Problem) -> (Marks, SignedCheckpoint?) {
    guard FileSystem.status(path) != nil else { return (Marks(), nil) }
    let bytes = try FileSystem.read(path, limit: 1 << 18, links: .refused)
    do throws(Problem) {
      let (marks, checkpoint) = try JSON.decode(bytes) { reader throws(Problem) in try SeenState.read(reader) }
      return (marks, checkpoint)
    } catch { throw error.at(path) }
  }

  private static func read(_ reader: JSONReader) throws(Problem) -> (Marks, SignedCheckpoint) {
    try reader.closed("type", "trustVersion", "policyVersion", "sequence", "ledgerSize", "checkpoint")
    let found = try reader.member("type").token()
    guard found == type else {
      throw reader.problem("state.type", "“\(found)” is not a state file that we read", source: "P1-15")
    }
    let marks = Marks(
      trustVersion: try reader.member("trustVersion").integer(),
      policyVersion: try reader.member("policyVersion").integer(),
      sequence: try reader.member("sequence").integer(), ledgerSize: try reader.member("ledgerSize").integer())
    return (marks, try SignedCheckpoint(parsing: Array(try reader.member("checkpoint").text().utf8)))
  }

  /// Compares the pack with what was seen, then remembers it; call it only for a pack that passed its audit.
  public func update(_ pack: Pack, trust: TrustFile) throws(Problem) -> Check {
    // Two audits at once must not leave the older of both as the memory: compare again with what stands there now.
    let lock = try FileLock("\(path).lock")
    defer { withExtendedLifetime(lock) {} }
    let (marks, _) = try SeenState.load(path)
    let claim = try pack.claim()
    let policy = try pack.policy(trust: try pack.trust(at: claim.time), at: claim.time)
    let checkpoint = try pack.checkpoint()
    let now = Marks(
      trustVersion: trust.version, policyVersion: policy.version, sequence: claim.sequence,
      ledgerSize: Int64(checkpoint.checkpoint.size))
    for (last, found) in zip(marks.named, now.named) where found.value < last.value {
      return .failed(
        "state", "state.rollback", "an older \(last.name) than seen before", expected: "at least \(last.value)",
        found: "\(found.value)", source: "documents/threat-model.md")
    }
    var object = JSONObject()
    object["type"] = .string(SeenState.type)
    for (name, value) in now.named { object[name] = .integer(value) }
    object["checkpoint"] = .string(String(decoding: checkpoint.note.bytes, as: UTF8.self))
    try FileSystem.write(JSON.object(object).canonical + [0x0a], to: path, mode: 0o600)
    return .passed("state", "nothing here is older than what was seen before")
  }
}

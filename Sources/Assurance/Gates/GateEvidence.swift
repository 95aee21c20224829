public import Attestation
import Diagnostics
public import Wire

/// Everything that a judgement may depend on; nothing else does, so an auditor gets the same verdict years later.
public struct GateEvidence: Sendable {
  /// The policy, with every threshold.
  public let policy: ReleasePolicy
  /// Whom to trust; nil where nothing is signed yet, and then signed evidence is not run.
  public let trust: TrustFile?
  /// The time of the judgement.
  public let time: Timestamp
  /// The commit that is released.
  public let commit: String
  /// The binaries that are released.
  public let subjects: [Subject]
  /// Signed and plain documents of the release, by their name in the evidence pack.
  public let documents: [String: [UInt8]]

  /// Evidence for a judgement at `time`.
  public init(
    policy: ReleasePolicy, trust: TrustFile?, time: Timestamp, commit: String, subjects: [Subject],
    documents: [String: [UInt8]]
  ) {
    self.policy = policy
    self.trust = trust
    self.time = time
    self.commit = commit
    self.subjects = subjects
    self.documents = documents
  }

  /// The document `name`; `evidence.missing` where there is none.
  func document(_ name: String) throws(Problem) -> [UInt8] {
    guard let document = documents[name] else {
      throw .couldNotRun("evidence.missing", "the evidence has no \(name)")
    }
    return document
  }

  /// The Statement inside the signed document `name`, after its signatures have been judged by `role`.
  func statement(_ name: String, signedBy role: Role) throws(Problem) -> (Statement, [Check]) {
    let envelope = try Envelope(parsing: try document(name))
    guard let trust else {
      throw .couldNotRun("evidence.no-trust", "\(name) is signed, and no trust file is given to judge it by")
    }
    guard envelope.payloadType == Envelope.statementType else {
      throw .malformed("dsse.payload-type", "\(name) holds no in-toto Statement but \(envelope.payloadType)")
    }
    let checks = trust.judge(envelope, role: role, at: time, for: policy.profile)
    return (try Statement(parsing: envelope.payload), checks)
  }
}

public import Attestation
import Cryptography
public import Diagnostics
public import Gates
import StrictJSON
public import TransparencyLog
public import Wire

/// An evidence pack as it was read: the container is canonical, nothing is verified yet.
public struct Pack: Sendable {
  /// The signed manifest.
  public let envelope: Envelope
  /// The members that the manifest lists.
  public let manifest: Manifest
  /// Every member but the manifest.
  public let members: [Container.Member]
  /// The members by name.
  public let documents: [String: [UInt8]]

  /// Reads a pack; whatever is not in canonical form is malformed.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    let all = try Container.decode(bytes)
    guard let signed = all.first(where: { $0.name == Manifest.name }) else {
      throw .malformed("pack.manifest", "the pack has no manifest")
    }
    envelope = try Envelope(parsing: signed.bytes)
    // One signature, no hint, canonical JSON: otherwise bytes would be left that no signature covers.
    guard envelope.encoded == signed.bytes, envelope.signatures.count == 1, envelope.signatures[0].keyID == nil,
      envelope.payloadType == Manifest.payloadType
    else {
      throw .malformed("pack.manifest", "the manifest is not in its canonical form", place: Manifest.name)
    }
    manifest = try Manifest(parsing: envelope.payload)
    guard manifest.json.canonical == envelope.payload else {
      throw .malformed("pack.manifest", "the signed part of the manifest is not canonical JSON", place: Manifest.name)
    }
    members = all.filter { $0.name != Manifest.name }
    documents = Dictionary(members.map { ($0.name, $0.bytes) }, uniquingKeysWith: { first, _ in first })
  }

  /// The member `name`; a missing one is refused.
  public func document(_ name: String) throws(Problem) -> [UInt8] {
    guard let bytes = documents[name] else {
      throw .refused("pack.missing", "the pack has no \(name)", source: "documents/specs/evidence-pack.md")
    }
    return bytes
  }

  /// The trust file of the release, judged by the root that it names itself.
  public func trust(at time: Timestamp) throws(Problem) -> TrustFile {
    try TrustFile.verified(
      try Envelope(parsing: try document(MemberName.trust)), fingerprint: nil, at: time, for: manifest.profile)
  }

  /// The release policy: pinned for the preview profile, signed by the root for the release profile.
  public func policy(trust: TrustFile, at time: Timestamp) throws(Problem) -> ReleasePolicy {
    let bytes = try document(MemberName.policy)
    switch manifest.profile {
    case .preview: return try PinnedPolicy.read(bytes)
    case .release: return try ReleasePolicy.verified(try Envelope(parsing: bytes), trust: trust, at: time)
    }
  }

  /// What the verdict of the pack says of itself, to derive it again with the same time, commit and subjects.
  public func claim() throws(Problem) -> VerdictClaim { try VerdictClaim(parsing: try document(MemberName.verdict)) }

  /// Derives the verdict again from the evidence in the pack.
  public func deriveVerdict() throws(Problem) -> Verdict {
    let claim = try claim()
    let trust = try trust(at: claim.time)
    let evidence = GateEvidence(
      policy: try policy(trust: trust, at: claim.time), trust: trust, time: claim.time, commit: claim.commit,
      subjects: claim.subjects, documents: documents)
    var definitions: [String: [UInt8]] = [:]
    for gate in evidence.policy.gates { definitions[gate.id] = documents[MemberName.gate(gate.id)] }
    return Verdict(sequence: claim.sequence, evidence: evidence, definitions: definitions)
  }

  /// The checkpoint of the ledger.
  public func checkpoint() throws(Problem) -> SignedCheckpoint {
    try SignedCheckpoint(parsing: try document(MemberName.checkpoint))
  }
}

/// The inputs of a verdict, read out of its document. They decide nothing: the verdict is derived again from them and
/// the evidence, and compared byte by byte.
public struct VerdictClaim: Sendable {
  /// When it was judged.
  public let time: Timestamp
  /// The index in the ledger.
  public let sequence: Int64
  /// The commit.
  public let commit: String
  /// The binaries.
  public let subjects: [Subject]
  /// Whether it says that it passed.
  public let isPassed: Bool
  /// Its first line.
  public let title: String

  /// Reads `verdict.json`.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 4 << 20)) { reader throws(Problem) in
      try VerdictClaim(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    time = try reader.member("time").timestamp()
    sequence = try reader.member("sequence").integer()
    commit = try reader.member("commit").token(atMost: 64)
    isPassed = try reader.member("outcome").text(atMost: 16) == "passed"
    title = try reader.member("title").text(atMost: 256)
    var subjects: [Subject] = []
    for element in try reader.member("subjects").elements(atMost: Statement.subjectLimit) {
      subjects.append(try Subject(element))
    }
    guard !subjects.isEmpty else { throw reader.problem("verdict.no-subject", "the verdict speaks of no binary") }
    self.subjects = subjects
  }
}

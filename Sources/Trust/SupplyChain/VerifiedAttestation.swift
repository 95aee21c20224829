public import Attestation
import Cryptography
import Diagnostics
import StrictJSON
public import Wire

/// A statement whose signatures hold, and what they prove: what the rules of a policy are given.
public struct VerifiedAttestation: Sendable {
  /// Who signed.
  public enum Signer: Sendable {
    /// A certificate, judged with its chain and its time.
    case certificate(SignerIdentity)
    /// Keys of a trust file: for each role the principals who signed, each once.
    case principals([Role: [String]])
  }

  /// Where it stands, for people: a file, or a file and a line.
  public let label: String
  /// What was signed.
  public let statement: Statement
  /// Who signed.
  public let signer: Signer
  /// When it was signed by the word of a log or an authority; nil where nobody but the signer says so.
  public let time: Timestamp?

  /// An attestation; the caller has verified it.
  public init(label: String, statement: Statement, signer: Signer, time: Timestamp?) {
    self.label = label
    self.statement = statement
    self.signer = signer
    self.time = time
  }
}

/// What an attestation says that others can be compared with.
struct AttestationFacts {
  /// The commit that was built or measured.
  let commit: String?
  /// The run, as a URI.
  let run: String?
  /// When that was, which its age is counted from.
  let time: Timestamp?
  /// The digests of all subjects as bytes of their text; made once, because a search asks for them at every step.
  private let subjects: Set<[UInt8]>

  init(_ attestation: VerifiedAttestation) {
    let statement = attestation.statement
    var claims = SignerIdentity.Claims()
    if case .certificate(let identity) = attestation.signer { claims = identity.claims }
    var commit: String?
    var run: String?
    var time: Timestamp?
    if let provenance = try? SLSAProvenance(statement) {
      commit = provenance.source?.commit
      run = provenance.run
      time = provenance.finished ?? provenance.started
    } else if let record = try? Record(statement) {
      commit = record.source.commit
      time = record.finished
    } else if let summary = try? VerificationSummary(statement) {
      time = summary.time
    } else if statement.predicateType.isExactly(PredicateType.simpleVerificationResult) {
      let written = try? JSONReader(statement.predicate).member("timeCreated").text(atMost: 64)
      time = written.flatMap { try? Timestamp(rfc3339: $0) }
    }
    // What the certificate says stands in for what the predicate does not say; it never replaces it.
    self.commit = commit ?? claims.sourceRepositoryDigest ?? claims.workflowCommit
    self.run = run ?? claims.runInvocationURI
    self.time = time ?? attestation.time
    subjects = Set(statement.subjects.flatMap { $0.digests.map { Array($0.description.utf8) } })
  }

  /// The values that a join compares, by their bytes; empty where there are none, which joins with nothing.
  func values(_ join: SupplyPolicy.Join.Subject) -> Set<[UInt8]> {
    switch join {
    case .commit: Set([commit].compactMap { $0.map { Array($0.utf8) } })
    case .run: Set([run].compactMap { $0.map { Array($0.utf8) } })
    case .subject: subjects
    }
  }
}

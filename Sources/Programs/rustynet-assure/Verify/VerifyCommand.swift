import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import Gates
import LinuxKit
import Provenance
import StrictJSON
import Wire

/// `rustynet-assure verify …`: nothing here opens a socket.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Verify what was signed, offline.",
    discussion: """
      Every verb prints each check in order as passed, failed or not-run, with what was compared; --json and --sarif
      give the same to programs (documents/specs/verification-answer.md).
      """,
    subcommands: [
      VerifyAuto.self,
      VerifyAttestation.self,
      VerifyBundle.self,
      VerifyBundles.self,
      VerifyProvenance.self,
      VerifySummary.self,
      VerifyPolicy.self,
      VerifyNPM.self,
      VerifyPEP740.self,
      VerifySSHSignature.self,
      VerifyMinisign.self,
      VerifyOpenSSL.self,
      VerifyLayout.self,
    ])
}

/// `rustynet-assure verify attestation`.
struct VerifyAttestation: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attestation", abstract: "Verify a signed in-toto Statement about files.",
    discussion: """
      Every subject named here must be one of the Statement's, by digest. There is no mode without one.

      With --timestamp-authority each signature that has a timestamp, beside it or named, is judged at that time.

      Example: rustynet-assure verify attestation --envelope provenance.json --trust trust.json rustynet-assure
      """)

  @Option(help: "The DSSE envelope.") var envelope: String
  @Option(help: "The trust file that says who may sign.") var trust: String
  @Option(help: "The fingerprint of the trust file's root, from elsewhere.") var trustFingerprint: String?
  @Option(help: "A release policy that a provenance must fit.") var policy: String?
  @Option(help: "The role that must have signed.") var role: Role = .builder
  @Option(help: "The type that the predicate must have: a URI or a short name.") var predicateType: String?
  @Option(help: "The profile that the keys must be for (default: the trust file's).") var profile: Profile?
  @Option(help: "A timestamp over a signature of the envelope, besides those inside of it.") var timestamp: [String] =
    []
  @Option(help: "The chain of a trusted timestamp authority, in PEM.") var timestampAuthority: [String] = []
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "Files, or digests such as sha256:HEX.") var subjects: [String]

  func run() throws {
    guard !subjects.isEmpty else { throw Problem.usage("usage.subject", "name at least one subject") }
    try format.answer(about: envelope) { () throws(Problem) -> Answer in try answer() }
  }

  private func answer() throws(Problem) -> Answer {
    let time = try time.time()
    let signed = try Input.envelope(envelope)
    let trust = try loadTrust(trust, fingerprint: trustFingerprint, profile: profile, at: time)
    guard signed.payloadType == Envelope.statementType else {
      throw Problem.refused(
        "dsse.payload-type", "the envelope holds no in-toto Statement but \(signed.payloadType)", place: envelope,
        source: "DSSE protocol.md; V6")
    }
    var (checks, times) = try signingTimes(of: signed, at: time)
    checks += trust.judge(signed, role: role, at: times, for: trust.profile)
    var facts: [(String, JSON)] = [("asOf", .string(time.description))]
    if !times.trusted.isEmpty {
      facts.append(("signedAt", .array(times.trusted.values.sorted().map { .string($0.description) })))
    }
    // The payload is parsed only after its signatures hold, from the very bytes that were signed.
    if checks.outcome == .passed {
      let statement = try Statement(parsing: signed.payload)
      facts.append(("predicateType", .string(statement.predicateType)))
      checks += try predicate(statement, trust: trust, at: time)
      for text in subjects { checks.append(subject(try Input.subject(text), in: statement)) }
    } else {
      checks.append(.notRun("subjects", "signature.first", "nothing else was looked at: the signatures do not hold"))
    }
    return Answer("\(envelope) as of \(time)", place: envelope, checks, facts: facts)
  }

  /// The timestamps of the envelope and those that were named, judged where an authority is trusted.
  private func signingTimes(of signed: Envelope, at time: Timestamp) throws(Problem) -> ([Check], SigningTimes) {
    var times = SigningTimes(time)
    guard !timestampAuthority.isEmpty else {
      guard timestamp.isEmpty else {
        throw .usage("usage.timestamp", "a timestamp needs --timestamp-authority", hint: "name whom to trust for it")
      }
      return ([], times)
    }
    var tokens = try Input.stamped(envelope).tokens
    for path in timestamp { tokens.append(try Input.token(path)) }
    guard !tokens.isEmpty, tokens.count <= StampedDocument.limit else {
      throw .usage("usage.timestamp", "1 to \(StampedDocument.limit) timestamps can be judged, not \(tokens.count)")
    }
    let checks = times.judge(
      tokens, over: signed.signatures.map(\.bytes), authorities: try Input.authorities(timestampAuthority))
    return (checks, times)
  }

  private func subject(_ file: (name: String, digests: [Digest]), in statement: Statement) -> Check {
    let id = "subject.\(file.name)"
    let found = file.digests[0].description
    if let match = statement.subjects.first(where: { $0.matches(file.digests) }) {
      return .passed(id, "the file is the subject “\(match.name)”", expected: found, found: found)
    }
    return .failed(
      id, "subject.digest", "the file is no subject of the Statement",
      expected: statement.subjects.flatMap { $0.digests.map(\.description) }.joined(separator: ", "), found: found,
      source: "in-toto Statement v1; V10, V12")
  }

  private func predicate(_ statement: Statement, trust: TrustFile, at time: Timestamp) throws(Problem) -> [Check] {
    var checks: [Check] = []
    if let predicateType {
      checks.append(
        .equal(
          "predicate-type", "statement.predicate-type", "the type of the predicate",
          expected: try Input.predicateType(predicateType), found: statement.predicateType,
          source: "CVE-2022-35929; V6"))
    }
    if statement.predicateType == PredicateType.record {
      let record = try Record(statement)
      checks.append(.passed("record", "a record of “\(record.name)”", found: "\(record.finished)"))
    }
    guard let policy else { return checks }
    let rules = try loadPolicy(policy, trust: trust, at: time)
    guard statement.predicateType == PredicateType.provenance else {
      return checks + [
        .passed("policy", "the policy is valid; it says nothing of this predicate", found: "\(rules.digest)")
      ]
    }
    let document = try ProvenanceDocument(JSONReader(statement.json))
    return checks + ProvenanceRules.judge(document, policy: rules)
  }
}

/// Reads a trust file and judges it; the profile is the file's own unless another is demanded.
func loadTrust(
  _ path: String, fingerprint: String?, profile: Profile?, at time: Timestamp
) throws(Problem) -> TrustFile {
  let envelope = try Input.envelope(path)
  do throws(Problem) {
    let own = try TrustFile(parsing: envelope.payload).profile
    return try TrustFile.verified(
      envelope, fingerprint: try fingerprint.map { text throws(Problem) in try Digest(text) }, at: time,
      for: profile ?? own)
  } catch { throw error.at(path) }
}

/// Reads a release policy: the pinned one as plain JSON, any other as an envelope that the root has signed.
func loadPolicy(_ path: String, trust: TrustFile, at time: Timestamp) throws(Problem) -> ReleasePolicy {
  let bytes = try FileSystem.read(path, limit: 1 << 20)
  do throws(Problem) {
    if let envelope = try ReleasePolicy.document(parsing: bytes).envelope {
      return try ReleasePolicy.verified(envelope, trust: trust, at: time)
    }
    let policy = try PinnedPolicy.read(bytes)
    try policy.requireValid(at: time)
    return policy
  } catch { throw error.at(path) }
}

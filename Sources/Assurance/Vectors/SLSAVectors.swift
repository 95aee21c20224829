import Attestation
import Cryptography
public import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import SupplyChain

/// SLSA provenance as slsa-verifier keeps it: Sigstore bundles, and bare envelopes with a certificate beside them.
public enum SLSAVectors {
  /// Judges every file that `expected.json` at `path` names.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    let expected = try Corpus.document(of: "\(path)/expected.json")
    let verifier = SigstoreVerifier(root: try TrustedRoot.Instance.production.root())
    var report = VectorReport()
    for (name, wanted) in try expected.members(atMost: 10_000) {
      let facts = try Facts(wanted)
      let found: String
      do throws(Problem) {
        let bytes = try Corpus.bytes(of: "\(path)/\(name)")
        found =
          name.hasPrefix("bare/")
          ? try bare(bytes, facts) : try bundle(bytes, facts, verifier)
      } catch { found = "\(error.code): \(error.message)" }
      report.judge(name, expected: "agrees", found: found)
    }
    return report
  }

  /// What the corpus says of a file.
  private struct Facts {
    var signature: String
    var log: String
    var identity: String?
    var issuer: String?
    var builder: String
    var predicateType: String
    var subjects: [Digest]

    init(_ reader: JSONReader) throws(Problem) {
      signature = try reader.member("signature").token()
      log = try reader.member("log").token()
      identity = try reader.optional("identity")?.token()
      issuer = try reader.optional("issuer")?.token()
      builder = try reader.member("builder_id").token()
      predicateType = try reader.member("predicateType").token()
      subjects = []
      for subject in try reader.member("subject").elements() {
        if let digest = try Subject(subject, allowsIdentifiersOnly: true).digests.first { subjects.append(digest) }
      }
    }
  }

  /// `agrees`, or the first thing that does not.
  private static func bundle(
    _ bytes: [UInt8], _ facts: Facts, _ verifier: SigstoreVerifier
  ) throws(Problem) -> String {
    let bundle = try SigstoreBundle(parsing: bytes)
    let artifact = SignedArtifact(name: "the subject", digests: Array(facts.subjects.prefix(1)))
    // The envelope and the log alone decide about the signature; the subjects are compared below.
    func checks(_ signer: SigstoreVerifier.Signer) -> (SigstoreVerifier.Judgement, [Check]) {
      let judgement = verifier.judge(bundle, artifact: artifact, signer: signer)
      return (judgement, judgement.checks.filter { $0.id != "subject" })
    }
    func judged(_ name: String, _ issuer: String) -> Outcome {
      checks(.identity(name: name, issuer: issuer)).1.outcome
    }
    let (judgement, all) = checks(.judgedByCaller)
    let codes = all.filter { $0.outcome != .passed }.map(\.code)
    let signature = codes.isEmpty ? "pass" : codes.contains("log.missing") ? "not-provable" : "fail"
    guard signature == facts.signature else { return "signature \(signature): \(codes.joined(separator: ", "))" }
    let log = bundle.entries.isEmpty ? "none" : bundle.entries.allSatisfy { $0.proof != nil } ? "proof" : "promise"
    guard log == facts.log else { return "log \(log)" }
    guard let identity = facts.identity, let issuer = facts.issuer else { return "the corpus names no identity" }
    if signature == "pass" {
      guard judged(identity, issuer) == .passed else { return "the identity does not match" }
      guard judged("\(identity)x", issuer) == .failed, judged(identity, "\(issuer)x") == .failed else {
        return "another identity matches"
      }
    } else if judgement.signer?.name != identity || judgement.signer?.issuer != issuer {
      return "the identity does not match"
    }
    guard case .envelope(let envelope) = bundle.content else { return "there is no envelope" }
    return try statement(try Statement(parsing: envelope.payload, allowsIdentifiersOnly: true), facts)
  }

  private static func bare(_ bytes: [UInt8], _ facts: Facts) throws(Problem) -> String {
    let envelope = try Envelope(parsing: bytes)
    let certificate = try BareCertificate(document: bytes, of: envelope)
    let signature = certificate?.signature.outcome == .failed ? "fail" : "not-provable"
    guard signature == facts.signature else { return "signature \(signature)" }
    guard facts.log == "none", certificate?.identity.name == facts.identity,
      certificate?.identity.issuer == facts.issuer
    else { return "identity \(certificate?.identity.name ?? "none")" }
    return try statement(try Statement(parsing: envelope.payload, allowsIdentifiersOnly: true), facts)
  }

  private static func statement(_ statement: Statement, _ facts: Facts) throws(Problem) -> String {
    guard statement.predicateType == facts.predicateType else { return "predicate \(statement.predicateType)" }
    for digest in facts.subjects where !statement.subjects.contains(where: { $0.matches([digest]) }) {
      return "\(digest) is no subject"
    }
    let provenance = try SLSAProvenance(statement)
    return provenance.builder.text == facts.builder ? "agrees" : "builder \(provenance.builder.text)"
  }
}

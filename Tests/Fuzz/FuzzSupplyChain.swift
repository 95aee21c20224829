import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import SupplyChain
import Wire

/// A statement of anybody: what can be read is judged without a crash, and never passes for a signer who is nobody.
func provenance(_ bytes: [UInt8]) {
  guard let statement = try? Statement(parsing: bytes, allowsIdentifiersOnly: true) else { return }
  let nobody = ProvenanceSigner.certificate(SignerIdentity(name: "urn:nobody", issuer: "urn:nobody"))
  if let provenance = try? SLSAProvenance(statement) {
    let expectation = ProvenanceExpectation(
      builder: provenance.builder.text, source: provenance.source?.repository ?? "example.org/x")
    let checks = expectation.judge(statement, signer: nobody, artifact: statement.subjects[0].digests)
    precondition(
      provenance.builder.text == "urn:nobody" || checks.outcome != .passed, "nobody spoke for a builder")
  }
  if let summary = try? VerificationSummary(statement) {
    guard
      let again = try? VerificationSummary(
        Statement(subjects: statement.subjects, predicateType: statement.predicateType, predicate: summary.json))
    else { preconditionFailure("a summary does not read what it wrote") }
    precondition(again.json == summary.json, "a summary changed on its way")
    let expectation = SummaryExpectation(
      verifier: summary.verifier, resource: summary.resource, levels: summary.levels)
    let checks = try? expectation.judge(summary, at: .latest)
    precondition(summary.isPassed || checks?.outcome != .passed, "a summary that failed has passed")
  }
}

/// Policies and tables of builders: layout changes nothing, and a policy passes on no attestation at all.
func supply(_ bytes: [UInt8]) {
  if let policy = try? SupplyPolicy(parsing: bytes), let document = try? JSON(parsing: bytes) {
    precondition((try? SupplyPolicy(parsing: document.canonical))?.digest == policy.digest, "layout changed a digest")
    let verdict = policy.judge([], artifact: [Digest(of: [])], at: policy.issued)
    precondition(verdict.outcome == .refused, "a policy passed on nothing")
  }
  _ = try? BuilderTable(parsing: bytes)
}

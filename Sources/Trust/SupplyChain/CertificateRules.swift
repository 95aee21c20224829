import Attestation
import StrictJSON

/// What the provenance says against what the certificate authority wrote into the signer's certificate.
///
/// The certificate is the stronger word: the builder writes the provenance, the issuer of the identity token says the
/// rest. Claims that a certificate does not have are not judged, except where the builder's rule needs them.
struct CertificateRules {
  let identity: SignerIdentity
  let provenance: SLSAProvenance

  private static let rule = "Fulcio, docs/oid-info.md; SLSA v1.0, “Verifying artifacts”, step 2"

  var checks: [Check] { repository + reference + commit + signer + run + workflow + event + machine }

  /// The signer of a build is bound to what started it.
  private var started: SourceReference? { provenance.trigger ?? provenance.source }

  private func equal(_ id: String, _ what: String, certificate: String?, provenance: String?) -> [Check] {
    guard let certificate, let provenance else { return [] }
    return [
      .equal(
        "certificate.\(id)", "provenance.certificate-\(id)", what, expected: certificate, found: provenance,
        source: Self.rule)
    ]
  }

  private var repository: [Check] {
    let claims = identity.claims
    let named = claims.sourceRepositoryURI ?? claims.workflowRepository.map { "https://github.com/\($0)" }
    guard let named else { return [] }
    let found = equal(
      "repository", "the repository in the certificate", certificate: SourceReference.normalised(named),
      provenance: started?.repository ?? "nothing")
    guard let new = claims.sourceRepositoryURI, let old = claims.workflowRepository else { return found }
    return found
      + equal(
        "repository-legacy", "the older extension of the repository", certificate: new,
        provenance: "https://github.com/\(old)")
  }

  private var reference: [Check] {
    let claims = identity.claims
    return equal(
      "ref", "the ref in the certificate", certificate: claims.sourceRepositoryRef ?? claims.workflowRef,
      provenance: started?.ref)
  }

  private var commit: [Check] {
    let claims = identity.claims
    return equal(
      "commit", "the commit in the certificate", certificate: claims.sourceRepositoryDigest ?? claims.workflowCommit,
      provenance: provenance.trigger?.commit ?? provenance.source?.commit)
  }

  private var signer: [Check] {
    equal(
      "signer", "the workflow that signed", certificate: identity.claims.buildSignerURI, provenance: identity.name)
  }

  private var run: [Check] {
    equal("run", "the run", certificate: identity.claims.runInvocationURI, provenance: provenance.run)
  }

  /// The workflow that started the build, where the provenance names a workflow and not a file of its own kind.
  private var workflow: [Check] {
    guard let entry = provenance.entryPoint, entry.contains(".github/workflows/") else { return [] }
    var named: String?
    if entry.hasPrefix(".github/") {
      if let started, let ref = started.ref, started.repository.hasPrefix("git+") {
        named = "\(started.repository.dropFirst(4))/\(entry)@\(ref)"
      }
    } else {
      named = "https://github.com/\(entry)"
    }
    return equal("workflow", "the workflow", certificate: identity.claims.buildConfigURI, provenance: named)
  }

  private var event: [Check] {
    let claims = identity.claims
    return equal(
      "trigger", "the event that started the build", certificate: claims.buildTrigger ?? claims.workflowTrigger,
      provenance: provenance.event)
  }

  private var machine: [Check] {
    equal(
      "runner", "the machine", certificate: identity.claims.runnerEnvironment, provenance: provenance.runnerEnvironment)
  }
}

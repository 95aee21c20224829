import Attestation
import StrictJSON

/// Who built, and whether the signer may say so.
struct BuilderRules {
  let expected: BuilderID
  let issuer: String?
  let provenance: SLSAProvenance
  let signer: ProvenanceSigner
  let table: BuilderTable

  private static let rule = "SLSA v1.0, “Verifying artifacts”, step 1"
  private static let github = "https://token.actions.githubusercontent.com"

  var checks: [Check] { [identifier] + version + vouched }

  private var identifier: Check {
    let found = provenance.builder
    return found.satisfies(expected)
      ? .passed(
        "builder.id", "the builder is the expected one", expected: expected.text, found: found.text, source: Self.rule)
      : .failed(
        "builder.id", "provenance.builder", "the builder is not the expected one", expected: expected.text,
        found: found.text, source: Self.rule,
        hint: "a version is compared where one is demanded: …@v2.1.0 or …@refs/tags/v2.1.0")
  }

  /// A workflow must be one of its releases, unless the version was demanded as it stands (slsa-verifier's rule, which
  /// has no such exception).
  private var version: [Check] {
    let found = provenance.builder
    guard found.isWorkflow else { return [] }
    let id = "builder.version"
    if found.isRelease {
      return [.passed(id, "the builder's workflow is a release", found: found.version, source: "slsa-verifier")]
    }
    if let demanded = expected.version, let version = found.version, version.isExactly(demanded) {
      return [.passed(id, "the builder's workflow is at the ref that was demanded", found: version)]
    }
    return [
      .failed(
        id, "provenance.builder-version", "the builder's workflow is not one of its releases",
        expected: "refs/tags/vX.Y.Z", found: found.version ?? "no ref", source: "slsa-verifier",
        hint: "a branch, a short tag or a pre-release moves; to accept it, demand it in full")
    ]
  }

  private var vouched: [Check] {
    switch signer {
    case .key(let name):
      return [
        .passed(
          "builder.signer", "the key was named as the builder's by the one who verifies", found: name,
          source: Self.rule)
      ]
    case .certificate(let identity): return [issuer(identity), speaksFor(identity)]
    }
  }

  private func issuer(_ identity: SignerIdentity) -> Check {
    let id = "builder.issuer"
    let onGitHub = provenance.builder.name.hasPrefix("https://github.com/")
    guard let expected = issuer ?? (onGitHub ? Self.github : nil) else {
      return .failed(
        id, "provenance.issuer", "nobody said who issues the identities of this builder", expected: "an issuer",
        found: identity.issuer, source: Self.rule, hint: "name it with --certificate-oidc-issuer")
    }
    return .equal(
      id, "provenance.issuer", "the issuer of the signer's identity", expected: expected, found: identity.issuer,
      source: Self.rule)
  }

  private func speaksFor(_ identity: SignerIdentity) -> Check {
    let id = "builder.signer"
    let builder = provenance.builder
    if identity.name.isExactly(builder.text) {
      return .passed(
        id, "the signer is the builder", expected: builder.text, found: identity.name, source: Self.rule)
    }
    if let runner = table.runner(builder) { return onRunner(id, runner, identity) }
    let repository = provenance.source?.repository
    return table.allows(identity, builder: builder, repository: repository)
      ? .passed(
        id, "the signer is listed as speaking for this builder", expected: builder.text, found: identity.name,
        source: "attestations/policies/slsa-builders.json")
      : .failed(
        id, "provenance.signer", "the signer may not speak for this builder", expected: builder.text,
        found: identity.name, source: Self.rule,
        hint: "the signer must be the builder, or be listed for it in attestations/policies/slsa-builders.json")
  }

  /// Every workflow may name the runner; that it was this repository's is then for the certificate to prove.
  private func onRunner(_ id: String, _ runner: BuilderTable.Runner, _ identity: SignerIdentity) -> Check {
    let claims = identity.claims
    guard identity.issuer.isExactly(runner.issuer),
      claims.sourceRepositoryURI != nil || claims.workflowRepository != nil
    else {
      return .failed(
        id, "provenance.signer", "the certificate does not say which repository's workflow ran",
        expected: "the source repository in the certificate", found: identity.name, source: Self.rule)
    }
    if let environment = runner.environment {
      return .equal(
        id, "provenance.signer", "the machine that the certificate names", expected: environment,
        found: claims.runnerEnvironment ?? "nothing", source: Self.rule)
    }
    return .passed(
      id, "a workflow may name the machine that it runs on", expected: runner.builder, found: identity.name,
      source: "attestations/policies/slsa-builders.json")
  }
}

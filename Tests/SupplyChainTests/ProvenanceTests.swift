import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import SupplyChain

@Suite struct ProvenanceReadingTests {
  @Test func readsVersion1() throws {
    let provenance = try SLSAProvenance(statement(predicateV1))
    #expect(provenance.version == .v1)
    #expect(provenance.builder.text == workflow)
    #expect(provenance.source?.repository == "git+https://github.com/o/r")
    #expect(provenance.source?.ref == "refs/tags/v1.2.3")
    #expect(provenance.source?.commit == commit)
    #expect(provenance.run == "https://github.com/o/r/actions/runs/7/attempts/1")
    #expect(provenance.event == "push")
    #expect(provenance.started == (try Timestamp("2026-11-22T10:00:00Z")))
    #expect(provenance.finished == provenance.started)
    #expect(provenance.unknownParameters == [])
  }

  @Test func readsVersion02() throws {
    let provenance = try SLSAProvenance(statement(predicateV02, SLSAProvenance.Version.v02.rawValue))
    #expect(provenance.version == .v02)
    #expect(provenance.source == provenance.trigger)
    #expect(provenance.source?.commit == commit)
    #expect(provenance.run == "https://github.com/o/r/actions/runs/7/attempts/1")
    #expect(provenance.event == "push")
    #expect(provenance.entryPoint == ".github/workflows/release.yml")
  }

  static let wrong: [(path: String, value: JSON?, code: String)] = [
    ("runDetails/builder/id", nil, "json.missing-field"), ("runDetails/builder/id", 1, "json.kind"),
    ("runDetails/builder/id", "a b", "json.token"), ("buildDefinition", nil, "json.missing-field"),
    ("buildDefinition/buildType", "", "json.token"), ("buildDefinition/externalParameters", [], "json.kind"),
    ("buildDefinition/externalParameters/workflow", nil, "json.missing-field"),
    ("buildDefinition/externalParameters/workflow/repository", 1, "json.kind"),
    ("buildDefinition/resolvedDependencies", 1, "json.kind"),
    ("buildDefinition/resolvedDependencies/0/digest/gitCommit", 1, "json.kind"),
    ("buildDefinition/resolvedDependencies", .array(Array(repeating: [:], count: 16_385)), "json.too-many"),
    ("runDetails/metadata/startedOn", "yesterday", "time.format"),
    ("buildDefinition/resolvedDependencies", .null, "accepted"), ("surplus", 1, "accepted"),
  ]

  @Test(arguments: wrong) func refusesWhatIsMalformed(_ row: (path: String, value: JSON?, code: String)) {
    #expect(outcome { try SLSAProvenance(statement(predicateV1)) } == "accepted")
    #expect(outcome { try SLSAProvenance(statement(predicateV1.with(row.path, row.value))) } == row.code, "\(row.path)")
  }

  @Test func otherPredicatesAreRefused() {
    for type in ["https://slsa.dev/provenance/v0.1", "https://slsa.dev/provenance/v1.0", PredicateType.cycloneDX] {
      #expect(outcome { try SLSAProvenance(statement(predicateV1, type)) } == "provenance.predicate-type")
    }
  }
}

@Suite struct ProvenanceRuleTests {
  static let expectation = ProvenanceExpectation(
    builder: workflow, source: "github.com/o/r", ref: .tag("v1.2.3"), commit: commit)

  private static func judge(
    _ predicate: JSON = predicateV1, signer: SignerIdentity = identity(),
    _ expectation: ProvenanceExpectation = expectation, digest: Digest = artifact
  ) -> [String] {
    codes(expectation.judge(statement(predicate), signer: .certificate(signer), artifact: [digest]))
  }

  @Test func everythingInOrderPasses() {
    let checks = Self.expectation.judge(
      statement(predicateV1), signer: .certificate(identity()), artifact: [artifact])
    #expect(checks.outcome == .passed)
    #expect(codes(checks) == [])
    #expect(checks.filter { $0.id.hasPrefix("certificate.") }.count == 8)
  }

  /// A list where an object with known members belongs was known as a whole, whatever it held.
  @Test(arguments: [["uri": "x"], ["evil": 1], [["evil": 1]], "x", .null] as [JSON])
  func parametersOfAnotherFormAreNotKnown(_ image: JSON) throws {
    let type = try #require(BuildType.named("https://slsa.dev/container-based-build/v0.1", .v1))
    var parameters = JSONObject()
    parameters["builderImage"] = image
    let expected: [String] =
      switch image {
      case ["uri": "x"], .null: []
      case ["evil": 1]: ["/builderImage/evil"]
      default: ["/builderImage"]
      }
    #expect(type.unknownParameters(in: parameters) == expected)
  }

  static let predicates: [(path: String, value: JSON?, codes: [String])] = [
    ("buildDefinition/buildType", "urn:other", ["provenance.build-type"]),
    ("buildDefinition/externalParameters/inputs", ["a": "b"], []),
    ("buildDefinition/externalParameters/extra", 1, ["provenance.unknown-parameter"]),
    ("buildDefinition/externalParameters/workflow/extra", 1, ["provenance.unknown-parameter"]),
    (
      "buildDefinition/externalParameters/workflow/repository", "https://github.com/o/other",
      ["provenance.certificate-repository", "provenance.certificate-workflow", "provenance.trigger"]
    ),
    (
      "buildDefinition/externalParameters/workflow/ref", "refs/heads/main",
      ["provenance.certificate-ref", "provenance.certificate-workflow", "provenance.trigger"]
    ),
    (
      "buildDefinition/externalParameters/workflow/path", ".github/workflows/other.yml",
      ["provenance.certificate-workflow"]
    ),
    (
      "buildDefinition/resolvedDependencies/0/uri", "git+https://github.com/x/r@refs/tags/v1.2.3", ["provenance.source"]
    ),
    (
      "buildDefinition/resolvedDependencies/0/digest/gitCommit", "0000000000000000000000000000000000000000",
      ["provenance.certificate-commit", "provenance.commit"]
    ),
    ("buildDefinition/resolvedDependencies/0", nil, ["provenance.source"]),
    ("buildDefinition/internalParameters/github/event_name", "pull_request", ["provenance.certificate-trigger"]),
    ("buildDefinition/internalParameters/github/runner_environment", "self-hosted", ["provenance.certificate-runner"]),
    (
      "runDetails/metadata/invocationId", "https://github.com/o/r/actions/runs/8/attempts/1",
      ["provenance.certificate-run"]
    ),
    ("runDetails/builder/id", "https://a.example/b", ["provenance.builder", "provenance.issuer", "provenance.signer"]),
    (
      "runDetails/builder/id", "https://github.com/o/r/.github/workflows/release.yml@refs/heads/main",
      ["provenance.builder", "provenance.builder-version", "provenance.signer"]
    ),
  ]

  @Test(arguments: predicates) func eachRuleFailsAlone(_ row: (path: String, value: JSON?, codes: [String])) {
    #expect(Self.judge(predicateV1.with(row.path, row.value)) == row.codes, "\(row.path)")
  }

  static let claims: [(name: String, change: @Sendable (inout SignerIdentity.Claims) -> Void, codes: [String])] = [
    ("none", { $0 = SignerIdentity.Claims() }, []),
    ("repository", { $0.sourceRepositoryURI = "https://github.com/x/r" }, ["provenance.certificate-repository"]),
    ("legacy repository", { $0.workflowRepository = "x/r" }, ["provenance.certificate-repository-legacy"]),
    (
      "legacy alone",
      {
        $0 = SignerIdentity.Claims()
        $0.workflowRepository = "x/r"
      }, ["provenance.certificate-repository"]
    ),
    ("ref", { $0.sourceRepositoryRef = "refs/heads/main" }, ["provenance.certificate-ref"]),
    ("commit", { $0.sourceRepositoryDigest = "1" }, ["provenance.certificate-commit"]),
    ("signer", { $0.buildSignerURI = "https://github.com/x" }, ["provenance.certificate-signer"]),
    ("config", { $0.buildConfigURI = "https://github.com/x" }, ["provenance.certificate-workflow"]),
    ("run", { $0.runInvocationURI = "https://github.com/x" }, ["provenance.certificate-run"]),
    ("trigger", { $0.buildTrigger = "pull_request_target" }, ["provenance.certificate-trigger"]),
    ("runner", { $0.runnerEnvironment = "self-hosted" }, ["provenance.certificate-runner"]),
  ]

  @Test(arguments: claims) func theCertificateMustAgree(
    _ row: (name: String, change: @Sendable (inout SignerIdentity.Claims) -> Void, codes: [String])
  ) {
    #expect(Self.judge(signer: identity(workflow, row.change)) == row.codes, "\(row.name)")
  }

  @Test func theSignerMustSpeakForTheBuilder() {
    let other = "https://github.com/o/r/.github/workflows/other.yml@refs/tags/v1.2.3"
    #expect(Self.judge(signer: identity(other)) == ["provenance.signer"])
    let stranger = SignerIdentity(name: workflow, issuer: "https://issuer.example")
    #expect(Self.judge(signer: stranger) == ["provenance.issuer"])
    var expectation = Self.expectation
    expectation.issuer = "https://issuer.example"
    #expect(Self.judge(signer: stranger, expectation) == [])
  }

  static let expectations: [(name: String, change: @Sendable (inout ProvenanceExpectation) -> Void, codes: [String])] =
    [
      ("no version", { $0.builder = BuilderID(BuilderID(workflow).name) }, []),
      ("short version", { $0.builder = BuilderID(BuilderID(workflow).name + "@v1.2.3") }, []),
      ("other version", { $0.builder = BuilderID(BuilderID(workflow).name + "@v1.2.4") }, ["provenance.builder"]),
      ("other tag", { $0.ref = .tag("v1.2.4") }, ["provenance.tag"]),
      ("branch for tag", { $0.ref = .branch("main") }, ["provenance.branch"]),
      ("no ref", { $0.ref = nil }, []), ("other commit", { $0.commit = "1" }, ["provenance.commit"]),
    ]

  @Test(arguments: expectations) func theExpectationDecides(
    _ row: (name: String, change: @Sendable (inout ProvenanceExpectation) -> Void, codes: [String])
  ) {
    var expectation = Self.expectation
    row.change(&expectation)
    #expect(Self.judge(predicateV1, signer: identity(), expectation) == row.codes, "\(row.name)")
  }

  @Test func aBranchOfABuilderMustBeDemandedInFull() {
    let branch = "https://github.com/o/r/.github/workflows/release.yml@refs/heads/main"
    let predicate = predicateV1.with("runDetails/builder/id", .string(branch))
    let signer = identity(branch) { $0.buildSignerURI = branch }
    var expectation = Self.expectation
    expectation.builder = BuilderID(BuilderID(branch).name)
    #expect(Self.judge(predicate, signer: signer, expectation) == ["provenance.builder-version"])
    expectation.builder = BuilderID(branch)
    #expect(Self.judge(predicate, signer: signer, expectation) == [])
  }

  @Test func anUnknownBuildTypeMayBeAcceptedByName() {
    let predicate = predicateV1.with("buildDefinition/buildType", "urn:other")
    var expectation = Self.expectation
    expectation.otherBuildTypes = ["urn:other"]
    #expect(Self.judge(predicate, signer: identity { $0.buildConfigURI = nil }, expectation) == [])
    expectation.otherBuildTypes = ["urn:another"]
    #expect(
      Self.judge(predicate, signer: identity(), expectation).contains("provenance.build-type"))
  }

  @Test func anotherArtifactIsRefused() {
    #expect(Self.judge(digest: Digest(of: [1])) == ["subject.digest"])
    #expect(
      codes(Self.expectation.judge(statement(predicateV1), signer: .certificate(identity()), artifact: []))
        == ["subject.none"])
    let wide = Digest(of: Array("artifact".utf8), .sha512)
    let checks = Self.expectation.judge(
      statement(predicateV1, PredicateType.provenance, wide), signer: .key("k"), artifact: [artifact, wide])
    #expect(checks.outcome == .passed)
  }

  /// Both digests of a subject must be the artifact's, and one algorithm that the artifact does not have spoils nothing.
  @Test func everyComparableDigestCounts() {
    let bytes = Array("artifact".utf8)
    let mixed = Statement(
      subjects: [Subject(name: "a", digests: [Digest(of: bytes), Digest(of: [1], .sha512)])],
      predicateType: PredicateType.provenance, predicate: predicateV1)
    func judge(_ found: [Digest]) -> [String] {
      codes(Self.expectation.judge(mixed, signer: .certificate(identity()), artifact: found))
    }
    #expect(judge([Digest(of: bytes), Digest(of: bytes, .sha512)]) == ["subject.digest"])
    #expect(judge([Digest(of: bytes)]) == [])
  }
}

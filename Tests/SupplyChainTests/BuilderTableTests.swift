import Attestation
import Diagnostics
import LinuxKit
import StrictJSON
import TestSupport
import Testing

@testable import SupplyChain

@Suite struct BuilderTableTests {
  private static var root: String {
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return folder
  }

  @Test func theProgramHoldsTheFile() throws {
    let file = try FileSystem.read("\(Self.root)/attestations/policies/slsa-builders.json", limit: 1 << 20)
    #expect(try JSON(parsing: file) == JSON(parsing: Array(BuilderTable.builtInText.utf8)))
    #expect(BuilderTable.builtIn.signers.count == 3)
    #expect(BuilderTable.builtIn.runners.count == 3)
  }

  private static let lowPermissions = "\(generator)/delegator_lowperms-generic_slsa3.yml"
  private static let delegator = "\(generator)/delegator_generic_slsa3.yml"
  private static let maven = "\(generator)/builder_maven_slsa3.yml@refs/tags/v2.1.0"
  private static let sample =
    "https://github.com/slsa-framework/example-trw/.github/workflows/builder_high-perms_slsa3.yml@refs/tags/v1.9.0"
  private static let package = "git+https://github.com/slsa-framework/example-package"

  static let rows: [(signer: String, issuer: String, builder: String, repository: String, holds: Bool)] = [
    ("\(lowPermissions)@refs/tags/v2.1.0", github, maven, "git+https://github.com/o/r", true),
    ("\(lowPermissions)@refs/tags/v2.1.0", "https://issuer.example", maven, "git+https://github.com/o/r", false),
    ("\(lowPermissions)@refs/heads/main", github, maven, package, false),
    ("\(lowPermissions)@refs/tags/v2.1.0-rc.1", github, maven, package, false),
    (
      "\(lowPermissions)@refs/tags/v2.1.0", github, "\(generator)/builder_maven_slsa3.yml@refs/heads/main", package,
      false
    ),
    ("\(lowPermissions)@refs/tags/v2.1.0", github, "\(generator)/builder_maven_slsa3.yml", package, false),
    ("\(delegator)@refs/tags/v2.1.0", github, maven, package, false),
    ("\(delegator)@refs/tags/v2.1.0", github, sample, "git+https://github.com/o/r", true),
    ("\(delegator)@refs/heads/main", github, sample, package, true),
    ("\(delegator)@refs/heads/main", github, sample, "git+https://github.com/o/r", false),
    ("\(delegator)@refs/heads/other", github, sample, package, false),
    (
      "https://github.com/evil/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml@refs/tags/v2.1.0",
      github, sample, package, false
    ),
  ]

  @Test(arguments: rows) func listsWhoMaySpeak(
    _ row: (signer: String, issuer: String, builder: String, repository: String, holds: Bool)
  ) {
    let identity = SignerIdentity(name: row.signer, issuer: row.issuer)
    #expect(
      BuilderTable.builtIn.allows(identity, builder: BuilderID(row.builder), repository: row.repository) == row.holds,
      "\(row.signer)")
  }

  static let changes: [(path: String, value: JSON?, code: String)] = [
    ("type", "rustynet-slsa-builders/v2", "builders.type"), ("checked", nil, "json.missing-field"),
    ("extra", 1, "json.unknown-field"), ("signers/0/extra", 1, "json.unknown-field"),
    ("signers/0/builders", [], "builders.empty"), ("signers/0/builders/0", "a@v1", "builders.version"),
    ("signers/0/signer", "a@refs/heads/main", "builders.version"), ("signers/0/issuer", nil, "json.missing-field"),
    ("signers/0/source", nil, "json.missing-field"), ("runners/0/environment", 1, "json.kind"),
    ("runners/0/builder", "https://github.com/actions/runner", "builders.duplicate"), ("signers", [], "accepted"),
  ]

  @Test(arguments: changes) func isClosed(_ row: (path: String, value: JSON?, code: String)) throws {
    let table = try JSON(parsing: Array(BuilderTable.builtInText.utf8))
    #expect(outcome { try BuilderTable(parsing: table.canonical) } == "accepted")
    #expect(outcome { try BuilderTable(parsing: table.with(row.path, row.value).canonical) } == row.code, "\(row.path)")
  }

  /// npm names the machine; then the certificate must say whose workflow ran, and on which machine.
  @Test func aRunnerIsProvenByTheCertificate() {
    let runner = "https://github.com/actions/runner/github-hosted"
    let predicate = predicateV1.with("runDetails/builder/id", .string(runner))
    let expectation = ProvenanceExpectation(builder: runner, source: "github.com/o/r")
    func judge(_ change: (inout SignerIdentity.Claims) -> Void) -> [String] {
      codes(
        expectation.judge(statement(predicate), signer: .certificate(identity(workflow, change)), artifact: [artifact]))
    }
    #expect(judge { _ in } == [])
    #expect(judge { $0 = SignerIdentity.Claims() } == ["provenance.signer"])
    #expect(
      judge { $0.runnerEnvironment = "self-hosted" } == ["provenance.certificate-runner", "provenance.signer"])
    #expect(judge { $0.sourceRepositoryURI = "https://github.com/x/y" } == ["provenance.certificate-repository"])
  }
}

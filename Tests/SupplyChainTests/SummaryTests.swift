import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import SupplyChain

/// A summary of somebody, as it stands in a statement.
private let predicate: JSON = [
  "verifier": ["id": "https://verifier.example/v1"], "timeVerified": "2026-11-22T11:00:00.25Z",
  "resourceUri": "https://example.org/tool",
  "policy": ["uri": "https://example.org/policy", "digest": ["sha256": .string(Digest(of: [2]).hex)]],
  "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_3", "SLSA_SOURCE_LEVEL_1", "FEDRAMP"],
]

private func read(_ predicate: JSON) throws -> VerificationSummary {
  try VerificationSummary(
    Statement(subjects: [], predicateType: PredicateType.verificationSummary, predicate: predicate))
}

@Suite struct SummaryTests {
  static let forms: [(path: String, value: JSON?, code: String)] = [
    ("verificationResult", "passed", "vsa.result"), ("verificationResult", "PASSED ", "vsa.result"),
    ("verificationResult", nil, "json.missing-field"), ("verificationResult", true, "vsa.result"),
    ("verificationResult", "FAILED", "vsa.levels"), ("verifiedLevels", ["FAILED"], "vsa.levels"),
    ("verifiedLevels", nil, "json.missing-field"), ("verifiedLevels", "SLSA_BUILD_LEVEL_3", "json.kind"),
    ("resourceUri", nil, "json.missing-field"), ("verifier/id", nil, "json.missing-field"),
    ("verifier", nil, "json.missing-field"), ("timeVerified", "now", "time.format"),
    ("policy", nil, "json.missing-field"), ("policy/digest/sha256", "00", "hex.length"),
    ("policy/digest", nil, "accepted"), ("surplus", 1, "accepted"), ("verifiedLevels", [], "accepted"),
    ("inputAttestations", [["uri": "a", "digest": ["sha512": "0"]]], "hex.length"),
    ("inputAttestations", [["uri": "a", "digest": ["md5": "0"]]], "accepted"),
  ]

  @Test(arguments: forms) func readsStrictly(_ row: (path: String, value: JSON?, code: String)) {
    #expect(outcome { try read(predicate) } == "accepted")
    #expect(outcome { try read(predicate.with(row.path, row.value)) } == row.code, "\(row.path)")
  }

  @Test func aFailedSummaryIsRead() throws {
    let failed = predicate.with("verificationResult", "FAILED")
    for levels in [["FAILED"], []] as [JSON] {
      #expect(try !read(failed.with("verifiedLevels", levels)).isPassed)
    }
  }

  @Test func anotherPredicateIsRefused() {
    let other = Statement(
      subjects: [], predicateType: "https://slsa.dev/verification_summary/v0.2", predicate: predicate)
    #expect(outcome { try VerificationSummary(other) } == "vsa.predicate-type")
  }

  @Test func ownSummariesAreReadBack() throws {
    let own = VerificationSummary(
      verifier: "urn:v", program: Digest(of: [1]), time: now, resource: "urn:r",
      policy: .init(uri: "p", digest: Digest(of: [2])), inputs: [.init(uri: "i", digest: Digest(of: [3]))],
      isPassed: true, levels: ["L"])
    #expect(try read(own.json).json == own.json)
  }

  static let expectation = SummaryExpectation(
    verifier: "https://verifier.example/v1", resource: "https://example.org/tool", levels: ["SLSA_BUILD_LEVEL_2"],
    maximumAge: 7200, policy: Digest(of: [2]))

  static let demands: [(name: String, change: @Sendable (inout SummaryExpectation) -> Void, codes: [String])] = [
    ("nothing", { _ in }, []), ("the same level", { $0.levels = ["SLSA_BUILD_LEVEL_3"] }, []),
    ("a higher level", { $0.levels = ["SLSA_BUILD_LEVEL_4"] }, ["vsa.level"]),
    ("another track", { $0.levels = ["SLSA_SOURCE_LEVEL_2"] }, ["vsa.level"]),
    ("an absent track", { $0.levels = ["SLSA_DEPENDENCY_LEVEL_1"] }, ["vsa.level"]),
    ("a property", { $0.levels = ["FEDRAMP", "SLSA_SOURCE_LEVEL_1"] }, []),
    ("another property", { $0.levels = ["fedramp"] }, ["vsa.level"]),
    ("unevaluated", { $0.levels = ["SLSA_BUILD_LEVEL_UNEVALUATED"] }, ["vsa.level"]),
    ("no level", { $0.levels = [] }, ["vsa.no-level"]),
    ("another verifier", { $0.verifier = "https://verifier.example/v1/" }, ["vsa.verifier"]),
    ("another resource", { $0.resource = "https://example.org/tool-dev" }, ["vsa.resource"]),
    ("another policy", { $0.policy = Digest(of: [3]) }, ["vsa.policy"]),
    ("no policy", { $0.policy = nil }, []), ("old", { $0.maximumAge = 3599 }, ["evidence.stale"]),
    ("just young enough", { $0.maximumAge = 3600 }, []), ("any age", { $0.maximumAge = nil }, []),
  ]

  @Test(arguments: demands) func eachDemandDecides(
    _ row: (name: String, change: @Sendable (inout SummaryExpectation) -> Void, codes: [String])
  ) throws {
    var expectation = Self.expectation
    row.change(&expectation)
    #expect(codes(try expectation.judge(read(predicate), at: now)) == row.codes, "\(row.name)")
  }

  @Test func aFutureOrFailedSummaryIsRefused() throws {
    var expectation = Self.expectation
    expectation.maximumAge = nil
    let earlier = try Timestamp("2026-11-22T10:00:00Z")
    #expect(codes(try expectation.judge(read(predicate), at: earlier)) == ["evidence.future"])
    let failed = predicate.with("verificationResult", "FAILED").with("verifiedLevels", ["FAILED"])
    #expect(codes(try expectation.judge(read(failed), at: now)) == ["vsa.level", "vsa.result"])
  }

  static let duplicates: [(levels: [String], code: String)] = [
    (["SLSA_BUILD_LEVEL_3", "SLSA_BUILD_LEVEL_2"], "vsa.duplicate-track"),
    (["SLSA_BUILD_LEVEL_3", "SLSA_BUILD_LEVEL_UNEVALUATED"], "vsa.duplicate-track"),
    (["SLSA_BUILD_LEVEL_3", "SLSA_BUILD_LEVEL_3"], "vsa.duplicate-track"), (["A", "A"], "vsa.duplicate-level"),
    (["SLSA_BUILD_LEVEL_3", "SLSA_SOURCE_LEVEL_3", "A"], "accepted"),
  ]

  @Test(arguments: duplicates) func aTrackStandsOnce(_ row: (levels: [String], code: String)) {
    #expect(outcome { try VerifiedLevels(row.levels) } == row.code)
  }
}

/// Google's published summary, where it is here.
@Suite struct SummaryCorpusTests {
  static var folder: String { "\(SLSACorpusTests.path)/other" }

  @Test(.enabled(if: FileSystem.status(folder) != nil, "not-run: ../shared/corpora is not here"))
  func googlesSummaryHolds() throws {
    let bytes = try FileSystem.read("\(Self.folder)/vsa__gce__v1__gke-gce-pre.bcid-vsa.jsonl", limit: 1 << 20)
    let pem = try FileSystem.read("\(Self.folder)/vsa__gce__v1__vsa_signing_public_key.pem", limit: 1 << 16)
    let key = try ForeignPublicKey(pem: String(decoding: pem, as: UTF8.self))
    let envelope = try Envelope(parsing: bytes)
    let policy = try AlgorithmPolicy()
    #expect(envelope.judge(key: key, named: "google", policy: policy, at: now).outcome == .passed)
    let statement = try Statement(parsing: envelope.payload, allowsIdentifiersOnly: true)
    #expect(outcome { try Statement(parsing: envelope.payload) } == "subject.no-digest")
    let expectation = SummaryExpectation(
      verifier: "https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1",
      resource: "gce_image://gke-node-images:gke-12615-gke1418000-cos-101-17162-463-29-c-cgpv1-pre",
      levels: ["BCID_L1", "SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_1"])
    #expect(codes(try expectation.judge(VerificationSummary(statement), at: now)) == [])
    func subject(_ value: String) -> [String] {
      codes([SubjectRules.check("s", Subject.Identifier(name: "gce_image_id", value: value), in: statement)])
    }
    #expect(subject("8970095005306000053") == [])
    #expect(subject("8970095005306000054") == ["subject.digest"])
    #expect(codes([SubjectRules.check("s", [artifact], in: statement)]) == ["subject.digest"])
    let changed = Envelope(payloadType: envelope.payloadType, payload: envelope.payload + [0x20], signedBy: [])
    #expect(codes(changed.judge(key: key, named: "google", policy: policy, at: now)) == ["signature.invalid"])
  }
}

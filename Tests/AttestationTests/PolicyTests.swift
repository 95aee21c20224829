import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Attestation

private func gate(_ id: String) -> JSON { ["id": .string(id), "definition": .string("\(Digest(of: Array(id.utf8)))")] }

private func samplePolicy(profile: Profile = .preview) -> JSON {
  [
    "type": "rustynet-release-policy/v1", "version": 3, "issued": .string("\(now.adding(seconds: -day))"),
    "expires": .string("\(now.adding(seconds: day))"), "profile": .string(profile.rawValue), "subjects": ["tool"],
    "gates": [gate("layers"), gate("soak")],
    "deferred": profile == .release
      ? []
      : [
        [
          "requirement": "PF5", "gate": "soak", "reason": "later", "owner": "engineering",
          "expires": .string("\(now.adding(seconds: day))"),
        ]
      ], "limits": ["tests.minimum": 10],
    "provenance": ["builders": ["urn:b"], "sources": ["urn:s"], "buildTypes": ["urn:t"]],
    "dependencies": [["purl": "pkg:swift/h/o/n", "licence": "MIT"]],
  ]
}

@Suite struct ReleasePolicyTests {
  static let changes: [(name: String, change: @Sendable (inout JSON) -> Void, outcome: String)] = [
    ("nothing", { _ in }, "accepted"), ("type", { $0["type"] = "rustynet-release-policy/v2" }, "policy.type"),
    ("unknown field", { $0["note"] = "x" }, "json.unknown-field"),
    ("unknown field in provenance", { $0["provenance", "x"] = 1 }, "json.unknown-field"),
    ("version 0", { $0["version"] = 0 }, "json.integer-range"),
    ("version 2^53", { $0["version"] = .number(9_007_199_254_740_992) }, "json.number-range"),
    ("no gates", { $0["gates"] = [] }, "policy.no-gate"),
    ("gates left out", { $0["gates"] = nil }, "json.missing-field"),
    ("gate twice", { $0["gates"] = [gate("soak"), gate("soak")] }, "policy.duplicate-gate"),
    ("gate without digest", { $0["gates"] = [["id": "soak"]] }, "json.missing-field"),
    (
      "gate with unknown field", { $0["gates"] = [["id": "soak", "definition": "sha256:00", "x": 1]] },
      "json.unknown-field"
    ),
    ("gate with short digest", { $0["gates"] = [["id": "soak", "definition": "sha256:00"]] }, "digest.length"),
    ("gate with sha1", { $0["gates"] = [["id": "soak", "definition": "sha1:00"]] }, "digest.format"),
    ("no subject", { $0["subjects"] = [] }, "policy.no-subject"),
    ("deferral of a gate that is not required", { $0["gates"] = [gate("layers")] }, "policy.deferral"),
    ("deferral in a release", { $0["profile"] = "release" }, "policy.deferral"),
    (
      "deferral without end",
      { $0["deferred"] = [["requirement": "PF5", "gate": "soak", "reason": "x", "owner": "e"]] }, "json.missing-field"
    ),
    (
      "deferral without owner",
      {
        $0["deferred"] = [
          ["requirement": "PF5", "gate": "soak", "reason": "x", "owner": "", "expires": "2027-01-01T00:00:00Z"]
        ]
      },
      "json.token"
    ),
    ("no deferral", { $0["deferred"] = [] }, "accepted"),
    ("negative limit", { $0["limits", "a"] = -1 }, "json.integer-range"),
    ("limit as text", { $0["limits", "a"] = "1" }, "json.kind"),
    ("limit with fraction", { $0["limits", "a"] = .number(0.5) }, "json.kind"),
    ("no limits", { $0["limits"] = nil }, "json.missing-field"),
    ("valid never", { $0["expires"] = $0["issued"] }, "policy.validity"),
    (
      "unknown field of a dependency", { $0["dependencies"] = [["purl": "p", "licence": "MIT", "x": 1]] },
      "json.unknown-field"
    ),
    ("profile", { $0["profile"] = "lab" }, "json.choice"),
  ]

  @Test(arguments: changes) func keepsItsRules(
    _ row: (name: String, change: @Sendable (inout JSON) -> Void, outcome: String)
  ) {
    var json = samplePolicy()
    row.change(&json)
    #expect(outcome { try ReleasePolicy(parsing: json.canonical) } == row.outcome, "\(row.name)")
  }

  @Test func aMissingLimitIsMalformedAndNeverUnlimited() throws {
    let policy = try ReleasePolicy(parsing: samplePolicy().canonical)
    #expect(try policy.limit("tests.minimum") == 10)
    #expect(outcome { try policy.limit("tests.maximum") } == "policy.no-limit")
    #expect(#expect(throws: Problem.self) { try policy.limit("") }?.kind == .malformed)
  }

  @Test func itsDigestIsThatOfTheContent() throws {
    let json = samplePolicy()
    let digest = try ReleasePolicy(parsing: json.canonical).digest
    #expect(try ReleasePolicy(parsing: Array(json.pretty.utf8)).digest == digest)
    #expect(try ReleasePolicy(parsing: [0x20, 0x0a] + json.canonical + [0x0a]).digest == digest)
    var others = 0
    for (place, changed) in mutations(of: json) {
      guard let policy = try? ReleasePolicy(parsing: changed.canonical) else { continue }
      #expect(policy.digest != digest, "\(place)")
      others += 1
    }
    #expect(others > 10)
  }

  static let times: [(issued: Int64, expires: Int64, outcome: String)] = [
    (-10, 1, "accepted"), (-10, 0, "policy.expired"), (-10, -1, "policy.expired"), (300, 999, "accepted"),
    (301, 999, "policy.future"),
  ]

  @Test(arguments: times) func isValidForATime(_ row: (issued: Int64, expires: Int64, outcome: String)) throws {
    var json = samplePolicy()
    json["issued"] = .string("\(now.adding(seconds: row.issued))")
    json["expires"] = .string("\(now.adding(seconds: row.expires))")
    let policy = try ReleasePolicy(parsing: json.canonical)
    #expect(outcome { try policy.requireValid(at: now) } == row.outcome)
  }

  @Test func isSignedByTheRoot() throws {
    func verify(
      _ signers: [UInt8], type: String = ReleasePolicy.payloadType, profile: Profile = .release,
      trust: Profile = .release
    ) throws -> String {
      let envelope = Envelope(
        payloadType: type, payload: samplePolicy(profile: profile).canonical, signedBy: try signers.map { try key($0) })
      let file = try sampleTrust(profile: trust)
      return outcome { try ReleasePolicy.verified(envelope, trust: file, at: now) }
    }
    #expect(try verify([5]) == "accepted")
    #expect(try verify([9, 1, 5]) == "accepted")
    #expect(try verify([1]) == "signature.role")
    #expect(try verify([9]) == "signature.unknown")
    #expect(try verify([5], type: TrustFile.payloadType) == "policy.payload-type")
    #expect(try verify([5], profile: .preview) == "policy.profile")
    #expect(try verify([5], trust: .preview) == "key.use")
  }
}

@Suite struct FreshnessTests {
  static let rows: [(age: Int64, code: String)] = [
    (0, "passed"), (1, "passed"), (999, "passed"), (1000, "passed"), (1001, "evidence.stale"),
    (1_000_000, "evidence.stale"),
    (-1, "passed"), (-299, "passed"), (-300, "passed"), (-301, "evidence.future"), (-1_000_000, "evidence.future"),
  ]

  @Test(arguments: rows) func hasExactBorders(_ row: (age: Int64, code: String)) {
    let check = Freshness.check("fresh", measured: now.adding(seconds: -row.age), at: now, maximum: 1000)
    #expect(check.code == row.code)
    #expect((check.outcome == .passed) == (row.code == "passed"))
  }

  @Test func theBordersOfTimeAreHeld() {
    let first = Timestamp(seconds: 0) ?? now
    #expect(Freshness.check("f", measured: first, at: .latest, maximum: .max).outcome == .passed)
    #expect(Freshness.check("f", measured: .latest, at: first, maximum: .max).code == "evidence.future")
  }
}

@Suite struct RecordTests {
  private static let record = Record(
    name: "tests", started: now.adding(seconds: -5), finished: now,
    machine: .init(host: "h", kernel: "6.1", architecture: "x86_64"),
    source: .init(commit: String(repeating: "a", count: 40), isClean: true), tool: Digest(of: [1]),
    commands: [.init(argv: ["swift", "test"], exitCode: 0, milliseconds: 12, log: Digest(of: [2]))],
    facts: ["sample": 1, "list": [.null, true]])

  @Test func readsBackWhatItWrote() throws {
    let json = RecordTests.record.json
    #expect(try Record(JSONReader(json)).json == json)
    let statement = Statement(subjects: [], predicateType: PredicateType.record, predicate: json)
    #expect(try Record(statement).json == json)
    let other = Statement(subjects: [], predicateType: PredicateType.testResult, predicate: json)
    #expect(outcome { try Record(other) } == "record.predicate-type")
  }

  static let changes: [(name: String, change: @Sendable (inout JSON) -> Void, outcome: String)] = [
    ("nothing", { _ in }, "accepted"), ("unknown field", { $0["x"] = 1 }, "json.unknown-field"),
    ("unknown field of the machine", { $0["machine", "x"] = 1 }, "json.unknown-field"),
    ("unknown field of the source", { $0["source", "x"] = 1 }, "json.unknown-field"),
    ("unknown field of the tool", { $0["tool", "x"] = 1 }, "json.unknown-field"),
    ("tool without digest", { $0["tool", "digest"] = nil }, "json.missing-field"),
    ("a name of the tool that is none", { $0["tool", "name"] = 5 }, "json.kind"),
    ("no version of the tool", { $0["tool", "version"] = nil }, "json.missing-field"),
    ("clean as text", { $0["source", "clean"] = "true" }, "json.kind"),
    ("clean left out", { $0["source", "clean"] = nil }, "json.missing-field"),
    ("empty commit", { $0["source", "commit"] = "" }, "json.token"),
    ("end before start", { $0["finished"] = .string("\(now.adding(seconds: -6))") }, "record.time"),
    ("end at start", { $0["finished"] = $0["started"] }, "accepted"),
    ("no facts", { $0["facts"] = nil }, "json.missing-field"),
    ("no commands", { $0["commands"] = nil }, "json.missing-field"),
    ("an empty list of commands", { $0["commands"] = [] }, "accepted"),
    (
      "exit code 256",
      { $0["commands"] = [["argv": ["a"], "exitCode": 256, "milliseconds": 0, "log": .string("\(Digest(of: []))")]] },
      "json.integer-range"
    ),
    (
      "exit code -1",
      { $0["commands"] = [["argv": ["a"], "exitCode": -1, "milliseconds": 0, "log": .string("\(Digest(of: []))")]] },
      "json.integer-range"
    ),
    (
      "unknown field of a command",
      {
        $0["commands"] = [
          ["argv": ["a"], "exitCode": 0, "milliseconds": 0, "log": .string("\(Digest(of: []))"), "x": 1]
        ]
      }, "json.unknown-field"
    ),
    (
      "argv as text",
      { $0["commands"] = [["argv": "a", "exitCode": 0, "milliseconds": 0, "log": .string("\(Digest(of: []))")]] },
      "json.kind"
    ),
    ("log left out", { $0["commands"] = [["argv": ["a"], "exitCode": 0, "milliseconds": 0]] }, "json.missing-field"),
  ]

  @Test(arguments: changes) func isClosed(
    _ row: (name: String, change: @Sendable (inout JSON) -> Void, outcome: String)
  ) {
    var json = RecordTests.record.json
    row.change(&json)
    #expect(outcome { try Record(JSONReader(json)) } == row.outcome, "\(row.name)")
  }
}

@Suite struct PredicateTests {
  @Test func aSummaryThatFailedVerifiesNothing() {
    func summary(_ isPassed: Bool) -> JSON {
      VerificationSummary(
        verifier: "urn:v", program: Digest(of: [1]), time: now, resource: "urn:r",
        policy: .init(uri: "p", digest: Digest(of: [2])), inputs: [.init(uri: "i", digest: Digest(of: [3]))],
        isPassed: isPassed, levels: ["L"]
      ).json
    }
    #expect(summary(true)["verificationResult"] == "PASSED")
    #expect(summary(true)["verifiedLevels"] == ["L"])
    #expect(summary(false)["verificationResult"] == "FAILED")
    #expect(summary(false)["verifiedLevels"] == [])
    #expect(summary(true)["verifier", "id"] == "urn:v")
    #expect(summary(true)["timeVerified"] == .string("\(now)"))
    #expect(summary(true)["policy", "digest", "sha256"] == .string(Digest(of: [2]).hex))
    #expect(summary(true)["inputAttestations"] == [["uri": "i", "digest": ["sha256": .string(Digest(of: [3]).hex)]]])
  }

  @Test func aResultNamesItsProperties() {
    let json = SimpleVerificationResult(
      verifier: "urn:v", time: now, policy: .init(uri: "p", digest: Digest(of: [2])), properties: ["A", "B"]
    ).json
    #expect(json["properties"] == ["A", "B"])
    #expect(json["verifier", "id"] == "urn:v")
    #expect(json["timeCreated"] == .string("\(now)"))
  }

  static let runs: [(passed: [String], failed: [String], result: JSON)] = [
    (["a"], [], "PASSED"), (["a"], ["b"], "FAILED"), ([], [], "FAILED"), ([], ["b"], "FAILED"),
  ]

  @Test(arguments: runs) func aRunOfNothingFailed(_ row: (passed: [String], failed: [String], result: JSON)) {
    #expect(TestResult(passed: row.passed, failed: row.failed, configuration: []).json["result"] == row.result)
  }
}

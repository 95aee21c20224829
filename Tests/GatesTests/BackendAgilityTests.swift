import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

@Suite struct BackendAgilityTests {
  static let rest = """
    parameters:
      prefix: records/conformance-
      command: [bench, conformance, BACKEND, --json, BACKEND.json]
      devices: [tun]
      cases: [a, b]
    """

  static func results(_ backend: String) -> JSON {
    [
      "type": "rustynet-conformance/v1", "backend": .string(backend), "name": .string(backend), "devices": ["tun"],
      "packets": 500,
      "cases": [
        ["id": "a", "outcome": "passed", "detail": ""], ["id": "b", "outcome": "passed", "detail": ""],
      ],
    ]
  }

  static func argv(_ backend: String) -> [String] { ["bench", "conformance", backend, "--json", "\(backend).json"] }

  static func notRun(_ backend: String) -> JSON {
    results(backend).with("notRun", value: "lab.no-tun: there is none").with("cases", value: []).with(
      "devices", value: [])
  }

  /// What differs from two backends that passed.
  struct Change: Sendable, CustomTestStringConvertible {
    var name: String
    var codes: [String]
    var facts: [String: JSON] = [:]
    var left: [String] = ["one", "two"]
    var exit: Int64 = 0
    var argv: [String]?
    var age: Int64 = 10
    var commit = GatesTests.commit
    var signer: UInt8 = 1
    var isOtherBinary = false
    var isReplaced = false
    var testDescription: String { name }
  }

  static let changes: [Change] = [
    Change(name: "two backends passed", codes: []),
    Change(name: "three backends passed", codes: [], left: ["one", "three", "two"]),
    Change(name: "one record is missing", codes: ["gate.sample", "agility.too-few"], left: ["one"]),
    Change(
      name: "one case failed", codes: ["agility.case", "agility.too-few"],
      facts: [
        "two": results("two").with(
          "cases",
          value: [["id": "a", "outcome": "passed", "detail": ""], ["id": "b", "outcome": "failed", "detail": "x"]])
      ]),
    Change(
      name: "one case is missing", codes: ["agility.case", "agility.too-few"],
      facts: ["two": results("two").with("cases", value: [["id": "a", "outcome": "passed", "detail": ""]])]),
    Change(
      name: "a case that is not mandatory failed", codes: ["agility.case", "agility.too-few"],
      facts: [
        "two": results("two").with(
          "cases",
          value: [
            ["id": "a", "outcome": "passed", "detail": ""], ["id": "b", "outcome": "passed", "detail": ""],
            ["id": "c", "outcome": "failed", "detail": ""],
          ])
      ]),
    Change(
      name: "a case stands twice", codes: ["agility.case", "agility.too-few"],
      facts: [
        "two": results("two").with(
          "cases",
          value: [
            ["id": "a", "outcome": "failed", "detail": ""], ["id": "a", "outcome": "passed", "detail": ""],
            ["id": "b", "outcome": "passed", "detail": ""],
          ])
      ]),
    Change(
      name: "no packets", codes: ["agility.not-real", "agility.too-few"],
      facts: ["two": results("two").with("packets", value: 9)]),
    Change(
      name: "no device", codes: ["agility.not-real", "agility.too-few"],
      facts: ["two": results("two").with("devices", value: [])]),
    Change(
      name: "a device of another kind", codes: ["agility.not-real", "agility.too-few"],
      facts: ["two": results("two").with("devices", value: ["dummy"])]),
    Change(
      name: "one backend under two names", codes: ["agility.too-few"],
      facts: ["two": results("two").with("name", value: "one")]),
    Change(
      name: "a record of another backend", codes: ["agility.name", "agility.command", "agility.too-few"],
      facts: ["two": results("one")]),
    Change(name: "stale", codes: ["evidence.stale", "evidence.stale", "agility.too-few"], age: 5000),
    Change(
      name: "another commit", codes: ["record.commit", "record.commit", "agility.too-few"],
      commit: String(repeating: "d", count: 40)),
    Change(
      name: "another binary", codes: ["record.subjects", "record.subjects", "agility.too-few"], isOtherBinary: true),
    Change(name: "a stranger signed", codes: ["signature.threshold"], signer: 9),
    Change(name: "the run failed", codes: ["agility.exit", "agility.exit", "agility.too-few"], exit: 78),
    Change(
      name: "another command", codes: ["agility.command", "agility.command", "agility.too-few"],
      argv: ["cp", "old.json", "new.json"]),
    Change(
      name: "other records than were looked at", codes: ["agility.document", "agility.too-few"], isReplaced: true),
  ]

  static func evidence(_ change: Change) throws -> (facts: JSON, evidence: GateEvidence) {
    var sample = try Sample()
    sample.policy = sample.policy.with("limits", "agility.backends", value: 2).with(
      "limits", "agility.packets", value: 100)
    if change.isOtherBinary {
      sample.subjects = [Subject(name: "tool", digests: [Digest(of: [7]), Digest(of: [7], .sha512)])]
    }
    var seen: [JSON] = []
    for backend in change.left {
      let facts = change.facts[backend] ?? results(backend)
      let isSkipped = member(facts, "notRun") != nil
      let record = sample.record(
        facts, name: "conformance-\(backend)", age: change.age, commit: change.commit,
        commands: [command(change.argv ?? argv(backend), exitCode: isSkipped ? 70 : change.exit)])
      let bytes = try sample.statement(record.json, type: PredicateType.record, by: change.signer)
      let name = "records/conformance-\(backend).json"
      sample.documents[name] = bytes
      let digest = change.isReplaced && backend == "two" ? Digest(of: [1]) : Digest(of: bytes)
      seen.append(["name": .string(name), "digest": .string(digest.description)])
    }
    sample.subjects = try Sample().subjects
    return (["sample": .integer(Int64(seen.count)), "records": .array(seen)], try sample.evidence)
  }

  static func judge(_ change: Change) throws -> [Check] {
    let (facts, evidence) = try evidence(change)
    return try definition("backend-agility", minimum: 2, rest: rest).judge(facts, by: evidence)
  }

  @Test(arguments: changes) func judgesRecords(_ change: Change) throws {
    let found = faults(try Self.judge(change))
    let wanted = change.codes
    // A stranger's signature is the reason in both records, and what else it brings is not of interest.
    if change.signer != 1 { return #expect(found.contains { $0.hasPrefix("signature.") }, "\(found)") }
    #expect(found.sorted() == wanted.sorted(), "\(change.name)")
  }

  @Test func isRedOrNotRunNeverGreenWithoutTwo() throws {
    for change in Self.changes where !change.codes.isEmpty {
      #expect(try Self.judge(change).outcome == .failed, "\(change.name)")
    }
  }

  @Test func whatCouldNotRunIsNotRun() throws {
    let one = Change(name: "one could not run", codes: [], facts: ["two": Self.notRun("two")])
    let both = Change(name: "none could run", codes: [], facts: ["one": Self.notRun("one"), "two": Self.notRun("two")])
    for change in [one, both] {
      let checks = try Self.judge(change)
      #expect(checks.outcome == .notRun && faults(checks) == ["agility.not-run"], "\(change.name)")
    }
    // With a third that passed there are two, and the one that could not run is said.
    let three = Change(
      name: "two of three", codes: [], facts: ["two": Self.notRun("two")], left: ["one", "three", "two"])
    let checks = try Self.judge(three)
    #expect(checks.outcome == .passed && checks.last?.found?.contains("not-run") ?? false)
  }

  @Test func aListWithoutRecordsIsNothing() throws {
    var (facts, evidence) = try Self.evidence(Self.changes[0])
    facts = ["sample": 2, "records": []]
    let checks = try definition("backend-agility", minimum: 2, rest: Self.rest).judge(facts, by: evidence)
    #expect(checks.outcome == .failed && faults(checks).contains("agility.records"))
  }

  @Test func theResultsOfTheSuiteAreRead() throws {
    #expect(try ConformanceResults(JSONReader(Self.results("one"))).cases.count == 2)
    for key in ["type", "backend", "name", "devices", "packets", "cases"] {
      let found = outcome { try ConformanceResults(JSONReader(Self.results("one").with(key, value: nil))) }
      #expect(found == "json.missing-field", "\(key)")
    }
    #expect(
      outcome { try ConformanceResults(JSONReader(Self.results("one").with("extra", value: 1))) }
        == "json.unknown-field")
    #expect(
      outcome { try ConformanceResults(JSONReader(Self.results("one").with("type", value: "x"))) } == "conformance.type"
    )
  }
}

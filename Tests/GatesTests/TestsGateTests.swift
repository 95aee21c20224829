import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

private func test(_ id: String) -> String {
  #"{"kind":"test","payload":{"kind":"function","id":"\#(id)","name":"n"},"version":0}"#
}

private func event(_ kind: String, _ id: String? = nil, _ rest: String = "") -> String {
  let test = id.map { #","testID":"\#($0)""# } ?? ""
  return #"{"kind":"event","payload":{"kind":"\#(kind)"\#(test)\#(rest)},"version":0}"#
}

private func issue(known: Bool = false, severity: String? = nil) -> String {
  let level = severity.map { #","severity":"\#($0)""# } ?? ""
  return #","issue":{"isKnown":\#(known)\#(level)}"#
}

private let one = "M.S/one()/F.swift:1:1"
private let two = "M.S/two()/F.swift:2:1"

@Suite struct TestResultsTests {
  private static func counts(_ results: TestResults) -> [Int] {
    [results.passed.count, results.failed.count, results.notRun.count]
  }

  /// Lines between the two tests and the end of the run, and how many then passed, failed and were not run.
  static let streams: [(name: String, lines: [String], counts: [Int])] = [
    ("both pass", [event("testStarted", one), event("testEnded", one), event("testEnded", two)], [2, 0, 0]),
    ("an issue", [event("issueRecorded", one, issue()), event("testEnded", one), event("testEnded", two)], [1, 1, 0]),
    (
      "an issue afterwards", [event("testEnded", one), event("testEnded", two), event("issueRecorded", one, issue())],
      [1, 1, 0]
    ),
    (
      "a known issue",
      [event("issueRecorded", one, issue(known: true)), event("testEnded", one), event("testEnded", two)], [2, 0, 0]
    ),
    (
      "a warning",
      [event("issueRecorded", one, issue(severity: "warning")), event("testEnded", one), event("testEnded", two)],
      [2, 0, 0]
    ),
    (
      "an error",
      [event("issueRecorded", one, issue(severity: "error")), event("testEnded", one), event("testEnded", two)],
      [1, 1, 0]
    ),
    (
      "an odd severity",
      [event("issueRecorded", one, issue(severity: "Warning")), event("testEnded", one), event("testEnded", two)],
      [1, 1, 0]
    ),
    ("skipped", [event("testSkipped", one), event("testEnded", two)], [1, 0, 1]),
    (
      "skipped with a reason", [event("testSkipped", one, #","_comments":["no root"]"#), event("testEnded", two)],
      [1, 0, 1]
    ),
    ("skipped and ended", [event("testSkipped", one), event("testEnded", one), event("testEnded", two)], [1, 0, 1]),
    ("started and never ended", [event("testStarted", one), event("testEnded", two)], [1, 1, 0]),
    ("never started", [event("testEnded", two)], [1, 1, 0]), ("nothing happened", [], [0, 2, 0]),
    (
      "an issue of no test", [event("testEnded", one), event("testEnded", two), event("issueRecorded", nil, issue())],
      [2, 1, 0]
    ),
    (
      "an issue of an unknown test",
      [event("testEnded", one), event("testEnded", two), event("issueRecorded", "x", issue())], [2, 1, 0]
    ),
    (
      "cases of one test",
      [
        event("testCaseStarted", one), event("testCaseEnded", one), event("testCaseStarted", one),
        event("issueRecorded", one, issue()), event("testCaseEnded", one), event("testEnded", one),
        event("testEnded", two),
      ], [1, 1, 0]
    ),
    ("one event twice", [event("testEnded", one), event("testEnded", one), event("testEnded", two)], [2, 0, 0]),
    (
      "suites do not count",
      [#"{"kind":"test","payload":{"kind":"suite","id":"M.S"}}"#, event("testEnded", one), event("testEnded", two)],
      [2, 0, 0]
    ),
  ]

  @Test(arguments: streams) func readsEvents(_ row: (name: String, lines: [String], counts: [Int])) throws {
    let lines = [test(one), test(two), event("runStarted")] + row.lines + [event("runEnded")]
    let results = try TestResults(swiftTestingEvents: Array(lines.joined(separator: "\n").utf8))
    #expect(TestResultsTests.counts(results) == row.counts, "\(row.name)")
    #expect(results.passed.allSatisfy { $0.hasPrefix("M.S/") })
  }

  static let broken: [(text: String, outcome: String)] = [
    (event("runEnded"), "accepted"), ("", "tests.incomplete"),
    (test(one) + "\n" + event("testEnded", one), "tests.incomplete"),
    (event("runEnded") + "\n{", "json.syntax"), (#"{"kind":"event"}"#, "json.missing-field"), ("[]", "json.kind"),
    (event("issueRecorded", one), "json.missing-field"),
    (event("issueRecorded", one, #","issue":{}"#), "json.missing-field"),
    (event("testEnded") + "\n" + event("runEnded"), "json.missing-field"),
    (#"{"kind":"event","kind":"event","payload":{"kind":"runEnded"}}"#, "json.duplicate-key"),
  ]

  @Test(arguments: broken) func aStreamThatWasCutShortIsMalformed(_ row: (text: String, outcome: String)) {
    let found = outcome { try TestResults(swiftTestingEvents: Array(row.text.utf8)) }
    #expect((found == "accepted") == (row.outcome == "accepted"), "\(row.text)")
    #expect(row.outcome == "json.syntax" || found == row.outcome, "\(row.text)")
  }

  @Test func readsBackWhatItWrote() throws {
    let lines = [test(one), test(two), event("testEnded", one), event("testSkipped", two), event("runEnded")]
    let results = try TestResults(swiftTestingEvents: Array(lines.joined(separator: "\n").utf8))
    let read = try TestResults(JSONReader(results.json))
    #expect(read.json == results.json)
    for key in ["passed", "failed", "notRun"] {
      #expect(outcome { try TestResults(JSONReader(results.json.with(key, value: nil))) } == "json.missing-field")
    }
    #expect(outcome { try TestResults(JSONReader(results.json.with("x", value: 1))) } == "json.unknown-field")
  }
}

@Suite struct TestsGateTests {
  private static let good: JSON = ["passed": ["a", "b"], "failed": [], "notRun": []]

  private func judge(
    _ facts: JSON = good, change: (inout Sample) throws -> Void = { _ in }, by signer: UInt8 = 1, age: Int64 = 10,
    commit: String = GatesTests.commit, clean: Bool = true, commands: [Record.Command] = [command(["swift", "test"])],
    type: String = PredicateType.record, subjects: [Subject]? = nil
  ) throws -> [String] {
    var sample = try Sample()
    let record = sample.record(facts, name: "tests", age: age, commit: commit, clean: clean, commands: commands)
    let statement = Statement(subjects: subjects ?? sample.subjects, predicateType: type, predicate: record.json)
    sample.documents["records/tests.json"] = statement.signed(by: [try key(signer)]).encoded
    try change(&sample)
    let gate = try definition(
      "tests", rest: "parameters: {record: records/tests.json, command: [swift, test]}", id: "tests")
    let seen = Digest(of: sample.documents["records/tests.json"] ?? []).description
    return faults(gate.judge(["sample": 1, "record": .string(seen)], by: try sample.evidence))
  }

  @Test func passesOnAGoodRecord() throws { #expect(try judge() == []) }

  @Test func judgesResults() throws {
    let empty: JSON = []
    let rows: [(facts: JSON, codes: [String])] = [
      (["passed": ["a"], "failed": [], "notRun": []], ["tests.too-few"]),
      (["passed": empty, "failed": [], "notRun": []], ["tests.too-few"]),
      (["passed": ["a", "b"], "failed": ["c"], "notRun": []], ["tests.failed"]),
      (["passed": ["a", "b"], "failed": [], "notRun": ["c: no root"]], ["tests.not-run"]),
      (["passed": ["a", "b"], "failed": ["c"], "notRun": ["d"]], ["tests.failed", "tests.not-run"]),
      (["passed": ["a", "b"], "failed": []], ["json.missing-field"]), (.null, ["json.kind"]),
    ]
    for row in rows { #expect(try judge(row.facts) == row.codes) }
  }

  @Test func judgesTheRecord() throws {
    #expect(try judge(age: 1000) == [])
    #expect(try judge(age: 1001) == ["evidence.stale"])
    #expect(try judge(age: -300) == [])
    #expect(try judge(age: -301) == ["evidence.future"])
    #expect(try judge(commit: String(repeating: "d", count: 40)) == ["record.commit"])
    #expect(try judge(clean: false) == ["record.dirty"])
    // A copied stream of events, or the command in one piece, is no run of the tests.
    for argv in [["cp", "old", "new"], ["swift test"], ["swift", "test", "--filter", "a"]] {
      #expect(try judge(commands: [command(argv)]) == ["tests.command"])
    }
    #expect(try judge(commands: []) == ["tests.command", "tests.no-command"])
    #expect(try judge(commands: [command(["swift", "test"], exitCode: 1)]) == ["tests.exit"])
    #expect(try judge(commands: [command(["a"]), command(["b"], exitCode: 9)]) == ["tests.command", "tests.exit"])
    #expect(try judge(type: PredicateType.testResult) == ["record.predicate-type"])
    #expect(
      try judge(change: { $0.policy = $0.policy.with("limits", "tests.minimum", value: nil) }) == ["policy.no-limit"])
    #expect(try judge(change: { $0.documents["records/tests.json"] = nil }) == ["evidence.missing"])
    #expect(try judge(change: { $0.trust = nil }) == ["evidence.no-trust"])
    #expect(try judge(change: { $0.documents["records/tests.json"] = Array("{}".utf8) }) == ["json.missing-field"])
  }

  @Test func onlyABuilderMeasures() throws {
    #expect(try judge(by: 2) == ["signature.role", "signature.threshold"])
    #expect(try judge(by: 9) == ["signature.unknown", "signature.threshold"])
  }

  @Test func theRecordIsAboutTheReleasedBinaries() throws {
    let other = Digest(of: [9])
    let right = Digest(of: toolBytes)
    let rows: [(subjects: [Subject], passes: Bool)] = [
      ([Subject(name: "tool", digests: [right])], true),
      ([Subject(name: "tool", digests: [Digest(of: toolBytes, .sha512)])], true),
      ([Subject(name: "tool", digests: [other])], false), ([Subject(name: "other", digests: [right])], false),
      // The first digest is right and the second wrong: all must agree.
      ([Subject(name: "tool", digests: [right, Digest(of: [9], .sha512)])], false),
      ([Subject(name: "tool", digests: [right]), Subject(name: "more", digests: [other])], false),
      ([Subject(name: "tool", digests: [right]), Subject(name: "tool", digests: [right])], false),
      ([Subject(name: "tool", digests: [Digest(of: toolBytes, .sha384)])], false),
    ]
    for row in rows {
      #expect(try judge(subjects: row.subjects) == (row.passes ? [] : ["record.subjects"]), "\(row.subjects)")
    }
  }
}

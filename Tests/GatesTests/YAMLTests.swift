import Attestation
import Diagnostics
import LinuxKit
import StrictJSON
import TestSupport
import Testing

@testable import Gates

@Suite struct YAMLTests {
  static let rows: [(text: String, outcome: String)] = [
    ("a: 1", "accepted"), ("a: [1, -2, x, 'y', true, null]", "accepted"), ("a:\n  - b: c\n", "accepted"),
    ("a: 'x'\nb: \"y\"\nc: |\n  z\n", "accepted"), ("", "yaml.empty"), ("# only a comment", "yaml.empty"),
    ("a: &x 1\nb: *x", "yaml.alias"), ("a: &x 1", "yaml.alias"), ("a: &x [1]\nb: *x", "yaml.alias"),
    ("a: &x {b: 1}\nc: {<<: *x}", "yaml.alias"), ("&x a: 1", "yaml.key"), ("a: [&x 1, *x]", "yaml.alias"),
    ("b: *x", "yaml.syntax"), ("a: !!str 5", "yaml.tag"), ("a: !!binary aGk=", "yaml.tag"), ("a: !own x", "yaml.tag"),
    ("a: !!binary 'aGk='", "yaml.tag"), ("a: !!set {x}", "yaml.tag"), ("a: !!seq [1]", "yaml.tag"),
    ("a: ! 5", "yaml.tag"), ("a: !!str 'x'", "yaml.tag"), ("!!str a: 1", "yaml.tag"), ("a: !", "yaml.tag"),
    ("a: 1\na: 2", "yaml.syntax"), ("a: 1\n'a': 2", "yaml.key"), ("a: {b: 1, b: 2}", "yaml.syntax"),
    ("[a]: 1", "yaml.key"),
    ("a: 1\n---\nb: 2", "yaml.syntax"), ("---\na: 1\n...\n", "accepted"), ("a: [", "yaml.syntax"),
    ("\ta: 1", "yaml.syntax"),
    ("a: 9007199254740991", "accepted"), ("a: 9007199254740992", "yaml.number"),
    ("a: -9007199254740992", "yaml.number"),
    // The least integer has no absolute value.
    ("a: -9223372036854775808", "yaml.number"), ("a: \u{0}", "yaml.syntax"),
  ]

  @Test(arguments: rows) func readsThePlainPart(_ row: (text: String, outcome: String)) {
    let found = outcome { try YAML.parse(Array(row.text.utf8), path: "f") }
    // Two spellings of one key are found by either of the two.
    let expected = row.outcome == "yaml.key" && found == "yaml.syntax" ? found : row.outcome
    #expect(found == expected, "\(row.text)")
  }

  static let scalars: [(text: String, value: JSON)] = [
    ("1", 1), ("-1", -1), ("0", 0), ("'1'", "1"), ("true", true), ("'true'", "true"), ("True", "True"), ("yes", "yes"),
    ("no", "no"), ("on", "on"), ("null", .null), ("~", .null), ("''", ""), ("1.5", "1.5"), ("0x10", "0x10"),
    ("0o17", "0o17"), ("1_000", "1_000"), ("+1", "+1"), ("-", .array([.null])), ("1e3", "1e3"), (".inf", ".inf"),
    ("2026-11-22", "2026-11-22"), ("99999999999999999999", "99999999999999999999"),
  ]

  @Test(arguments: scalars) func scalarsAreWhatTheyLookLike(_ row: (text: String, value: JSON)) throws {
    let json = try YAML.parse(Array("a: [\(row.text)]".utf8), path: "f")
    if row.text != "-" { #expect(member(json, "a") == .array([row.value])) }
  }

  @Test func depthIsLimited() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(outcome { try YAML.parse(nested(16), path: "f") } == "accepted")
    #expect(outcome { try YAML.parse(nested(17), path: "f") } == "yaml.depth")
    #expect(outcome { try YAML.parse(nested(900), path: "f") } == "yaml.depth")
    #expect(outcome { try YAML.parse(nested(100_000), path: "f") } == "yaml.syntax")
    let block = String(repeating: "- ", count: 50_000) + "x"
    #expect(outcome { try YAML.parse(Array(block.utf8), path: "f") } != "accepted")
  }

  @Test func anErrorHasItsLineAndColumn() throws {
    let places = [("a: 1\nb: {x: 1, x: 2}", "f:2:11"), ("a:\n  - &x 1", "f:2:5"), ("a: 1\nb: [", "f:3:1")]
    for (text, place) in places {
      let problem = #expect(throws: Problem.self) { try YAML.parse(Array(text.utf8), path: "f") }
      #expect(try #require(problem).place == place, "\(text)")
    }
  }

  @Test func messagesStayShort() throws {
    let line = "a: [" + String(repeating: "x", count: 100_000)
    let problem = #expect(throws: Problem.self) { try YAML.parse(Array(line.utf8), path: "f") }
    #expect(try #require(problem).code == "yaml.syntax")
    #expect(try #require(problem).message.utf8.count < 4000)
  }

  @Test func isUTF8() {
    #expect(outcome { try YAML.parse([0x61, 0x3a, 0x20, 0xff], path: "f") } == "yaml.utf-8")
    #expect(outcome { try YAML.parse([0xff, 0xfe, 0x61, 0x00], path: "f") } == "yaml.utf-8")
  }
}

@Suite struct GateDefinitionTests {
  static let rows: [(old: String, new: String, outcome: String)] = [
    ("", "", "accepted"), ("id: g", "id: h", "gate.id"), ("id: g", "", "json.missing-field"),
    ("kind: command", "kind: command\nextra: 1", "json.unknown-field"), ("count: 1", "count: 0", "json.integer-range"),
    ("count: 1", "count: -1", "json.integer-range"), ("count: 1", "count: '1'", "json.kind"),
    ("count: 1", "count: 1000001", "json.integer-range"), ("count: 1", "count: 1\n  x: 1", "json.unknown-field"),
    ("  of: things", "", "json.missing-field"), ("minimum:\n  count: 1\n  of: things", "", "json.missing-field"),
    ("[P1-1]", "[]", "gate.requirements"), ("[P1-1]", "P1-1", "json.kind"),
    ("severity: high", "severity: low", "json.choice"),
    ("severity: high", "", "json.missing-field"), ("title: A gate", "", "json.missing-field"),
    ("kind: command", "kind: command\nrun: [a, 1]", "json.kind"),
    ("kind: command", "kind: command\nread: a", "json.kind"),
    ("kind: command", "kind: command\nid: g", "yaml.syntax"),
  ]

  @Test(arguments: rows) func keepsItsRules(_ row: (old: String, new: String, outcome: String)) {
    var text = String(decoding: yaml("command"), as: UTF8.self)
    if !row.old.isEmpty {
      #expect(text.contains(row.old))
      text = text.replacing(row.old, with: row.new)
    }
    #expect(outcome { try GateDefinition(yaml: Array(text.utf8), name: "g") } == row.outcome, "\(row.new)")
  }

  @Test func itsDigestIsThatOfTheFile() throws {
    #expect(try definition("command").digest != definition("command", rest: "# a comment").digest)
    #expect(outcome { try GateDefinition(yaml: yaml("command"), name: "other") } == "gate.id")
  }

  @Test(arguments: ["", "../g", "G", "a/b", "a.b", "a_b", "ä"]) func onlyPlainNamesAreLoaded(_ id: String) {
    #expect(outcome { try GateDefinition.load(id, root: "/nowhere") } == "gate.id")
    #expect(outcome { try GateDefinition.load("plain-1", root: "/nowhere") } == "file.missing")
  }

  static let sets: [(text: String, outcome: String)] = [
    ("title: t\ngates: [a, b]", "accepted"), ("title: t\ngates: []", "gate.empty-set"),
    ("title: t", "json.missing-field"),
    ("title: t\ngates: [a, a]", "gate.set"), ("title: t\ngates: [a]\nx: 1", "json.unknown-field"), ("", "yaml.empty"),
  ]

  @Test(arguments: sets) func setsAreNeverEmpty(_ row: (text: String, outcome: String)) throws {
    let root = "/tmp/rustynet-gates-test.\(UInt64.random(in: 0 ... .max))"
    try FileSystem.makeFolder("\(root)/gates/sets")
    defer { try? FileSystem.removeTree(root) }
    try FileSystem.write(Array(row.text.utf8), to: "\(root)/gates/sets/commit.yaml")
    #expect(outcome { try GateSet.commit.gates(root: root) } == row.outcome)
    #expect(outcome { try GateSet.release.gates(root: root) } == "file.missing")
  }

  static let facts: [(name: String, facts: JSON, outcome: Outcome, code: String)] = [
    ("enough", ["sample": 3, "exitCode": 0, "said": []], .passed, "passed"),
    ("more", ["sample": 4, "exitCode": 0, "said": []], .passed, "passed"),
    ("too few", ["sample": 2, "exitCode": 0, "said": []], .failed, "gate.sample"),
    ("none", ["sample": 0, "exitCode": 0, "said": []], .failed, "gate.sample"),
    ("no sample", ["exitCode": 0, "said": []], .failed, "json.missing-field"),
    ("sample as text", ["sample": "3", "exitCode": 0], .failed, "json.kind"),
    ("not run", ["notRun": ["code": "tool.missing", "message": "m"]], .notRun, "tool.missing"),
    ("not run with facts", ["notRun": ["code": "c", "message": "m"], "sample": 9, "exitCode": 0], .notRun, "c"),
    ("not run without a reason", ["notRun": true], .failed, "json.kind"), ("null", .null, .failed, "json.kind"),
    ("a list", [], .failed, "json.kind"), ("nothing", .object(JSONObject()), .failed, "json.missing-field"),
  ]

  @Test(arguments: facts) func judgesTheSampleFirst(
    _ row: (name: String, facts: JSON, outcome: Outcome, code: String)
  ) throws {
    let checks = try definition("command", minimum: 3).judge(row.facts, by: Sample().evidence)
    #expect(checks.outcome == row.outcome, "\(row.name)")
    #expect(row.outcome == .passed || faults(checks).contains(row.code), "\(row.name): \(faults(checks))")
  }

  @Test func anUnknownKindIsNeverGreen() throws {
    let checks = try definition("magic").judge(["sample": 1, "exitCode": 0], by: Sample().evidence)
    #expect(faults(checks) == ["gate.kind"])
    let pending = try definition("pending").judge(["sample": 1], by: Sample().evidence)
    #expect(pending.outcome == .notRun)
    #expect(GateKinds.all.count == Set(GateKinds.all.map { $0.name }).count)
  }

  @Test func everyKindRefusesEmptyFacts() throws {
    for kind in GateKinds.all {
      let checks = try definition(kind.name).judge(["sample": 1], by: Sample().evidence)
      #expect(checks.outcome != .passed, "\(kind.name)")
    }
  }

  @Test func onlyThePinnedPreviewPolicyIsRead() throws {
    var preview = Sample.policy.with("profile", value: "preview")
    #expect(outcome { try PinnedPolicy.read(preview.canonical) } == "policy.pinned")
    preview = preview.with("limits", "tests.minimum", value: 0)
    #expect(outcome { try PinnedPolicy.read(preview.canonical) } == "policy.pinned")
    #expect(outcome { try PinnedPolicy.read(Sample.policy.canonical) } == "policy.pinned")
    #expect(
      try ReleasePolicy(parsing: preview.canonical).digest != ReleasePolicy(parsing: Sample.policy.canonical).digest)
  }
}

import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

@Suite struct SearchGateTests {
  private static let parameters = """
    parameters:
      patterns:
        - {id: one, expression: 'a', control: 'a'}
        - {id: two, expression: 'b', control: 'b'}
    """

  private static func pattern(_ id: String, _ matches: [JSON] = [], found: Bool = true) -> JSON {
    ["id": .string(id), "matches": .array(matches), "controlFound": .bool(found)]
  }

  static let rows: [(name: String, patterns: [JSON], codes: [String])] = [
    ("clean", [pattern("one"), pattern("two")], []),
    ("a match", [pattern("one", ["f:1"]), pattern("two")], ["search.match"]),
    (
      "three matches", [pattern("one", ["f:1", "g:2"]), pattern("two", ["h:3"])],
      ["search.match", "search.match", "search.match"]
    ),
    ("no control", [pattern("one", found: false), pattern("two")], ["search.control"]),
    ("one was not searched", [pattern("one")], ["search.patterns"]), ("none was searched", [], ["search.patterns"]),
    ("another was searched", [pattern("one"), pattern("three")], ["search.patterns"]),
    ("one more was searched", [pattern("one"), pattern("two"), pattern("three")], ["search.patterns"]),
    ("twice, once with a match", [pattern("one"), pattern("two"), pattern("one", ["f:1"])], ["search.match"]),
    ("control left out", [["id": "one", "matches": []], pattern("two")], ["json.missing-field"]),
    ("matches left out", [["id": "one", "controlFound": true], pattern("two")], ["json.missing-field"]),
  ]

  @Test(arguments: rows) func judges(_ row: (name: String, patterns: [JSON], codes: [String])) throws {
    let gate = try definition("search", rest: SearchGateTests.parameters)
    let checks = gate.judge(["sample": 5, "patterns": .array(row.patterns)], by: try Sample().evidence)
    #expect(faults(checks) == row.codes, "\(row.name)")
    #expect((checks.outcome == .passed) == row.codes.isEmpty)
  }

  @Test func aGateWithoutPatternsIsMalformed() throws {
    for rest in ["parameters: {patterns: []}", "", "parameters: {patterns: [], x: 1}"] {
      let checks = try definition("search", rest: rest).judge(["sample": 5, "patterns": []], by: Sample().evidence)
      #expect(checks.outcome == .failed, "\(rest)")
    }
  }
}

@Suite struct CommandGateTests {
  static let rows: [(facts: JSON, codes: [String])] = [
    (["sample": 1, "exitCode": 0, "said": []], []), (["sample": 1, "exitCode": 0], []),
    (["sample": 1, "exitCode": 1, "said": []], ["command.exit"]),
    (["sample": 1, "exitCode": 137, "said": ["x", "y"]], ["command.exit", "command.said", "command.said"]),
    (["sample": 1, "exitCode": 256, "said": []], ["json.integer-range"]),
    (["sample": 1, "exitCode": -1], ["json.integer-range"]),
    (["sample": 1, "exitCode": false], ["json.kind"]), (["sample": 1, "exitCode": .null], ["json.kind"]),
    (["sample": 1], ["json.missing-field"]),
  ]

  @Test(arguments: rows) func judges(_ row: (facts: JSON, codes: [String])) throws {
    #expect(faults(try definition("command").judge(row.facts, by: Sample().evidence)) == row.codes)
  }
}

@Suite struct DocumentsTests {
  static let links: [(text: String, links: [String])] = [
    ("[a](b.md)", ["b.md"]), ("[a](b.md) and [c](d.md#e)", ["b.md", "d.md#e"]), ("![i](p.png)", ["p.png"]),
    ("[a](b.md \"title\")", ["b.md"]), ("`[a](b.md)`", []), ("``[a](b.md) ` ``", []), ("`x` [a](b.md) `y`", ["b.md"]),
    // A backtick that nothing closes is plain text, and the link behind it is a link.
    ("a ` b [a](b.md)", ["b.md"]), ("``x` [a](b.md)", ["b.md"]), ("[`code`](b.md)", ["b.md"]), ("[a]()", [""]),
    ("```\n[a](b.md)\n```\n[c](d.md)", ["d.md"]), ("~~~\n[a](b.md)\n~~~\n[c](d.md)", ["d.md"]),
    // A longer fence holds a shorter one; what follows is text again.
    ("````md\n```\n[a](b.md)\n````\n[c](d.md)", ["d.md"]), ("~~~\n```\n~~~\n[c](d.md)", ["d.md"]),
    ("```a`b``` [c](d.md)", ["d.md"]), ("[r]: d.md", ["d.md"]), ("[r]: d.md \"t\"", ["d.md"]), ("no link", []),
    ("", []),
    ("| [a](b.md) | [c](d.md) |", ["b.md", "d.md"]), ("[a][r]\n\n[r]: d.md", ["d.md"]),
  ]

  @Test(arguments: links) func findsLinks(_ row: (text: String, links: [String])) {
    #expect(Markdown.links(row.text) == row.links, "\(row.text)")
  }

  static let anchors: [(text: String, anchors: Set<String>)] = [
    ("# One two", ["one-two"]), ("## Was `code` — und: mehr?", ["was-code--und-mehr"]), ("text # no", []),
    ("```\n# not a heading\n```", []), ("# A\n## B", ["a", "b"]), ("### 1.2 Rules_x", ["12-rules_x"]),
  ]

  @Test(arguments: anchors) func findsAnchors(_ row: (text: String, anchors: Set<String>)) {
    #expect(Markdown.anchors(row.text) == row.anchors)
  }

  private static func document(_ path: String, words: Int64 = 100, broken: [JSON] = []) -> JSON {
    ["path": .string(path), "words": .integer(words), "links": 1, "broken": .array(broken)]
  }

  static let rows: [(name: String, documents: [JSON], codes: [String])] = [
    ("right", [document("a.md"), document("b.md")], []),
    ("more", [document("a.md"), document("b.md"), document("c.md", words: 1)], []),
    ("just enough", [document("a.md", words: 60), document("b.md")], []),
    ("too short", [document("a.md", words: 59), document("b.md")], ["documents.empty"]),
    ("missing", [document("a.md")], ["documents.missing"]), ("none", [], ["documents.missing", "documents.missing"]),
    ("broken", [document("a.md", broken: ["x.md"]), document("b.md")], ["documents.link"]),
    (
      "broken elsewhere", [document("a.md"), document("b.md"), document("c.md", broken: ["x", "y"])],
      ["documents.link", "documents.link"]
    ),
    ("path of another spelling", [document("A.md"), document("b.md")], ["documents.missing"]),
  ]

  @Test(arguments: rows) func judges(_ row: (name: String, documents: [JSON], codes: [String])) throws {
    let gate = try definition("documents", rest: "parameters: {minimumWords: 60, required: [a.md, b.md]}")
    let checks = gate.judge(["sample": 3, "documents": .array(row.documents)], by: try Sample().evidence)
    #expect(faults(checks) == row.codes, "\(row.name)")
  }
}

@Suite struct AlgorithmsGateTests {
  private static func lists(_ change: (String, JSON)? = nil) -> JSON {
    var object = JSONObject()
    for use in AlgorithmPolicy.Use.allCases {
      object[use.rawValue] = .array((AlgorithmPolicy.allowed[use] ?? []).map { .string($0) })
    }
    if let change { object[change.0] = change.1 }
    return .object(object)
  }

  static let rows: [(name: String, lists: JSON, codes: [String])] = [
    ("right", lists(), []),
    ("sha1 for identifiers", lists(("identifier-only", ["sha1"])), []),
    ("sha1 for signing", lists(("own-signing", ["ed25519", "sha1"])), ["algorithm.denied"]),
    ("md5 at rest", lists(("at-rest", ["md5"])), ["algorithm.denied"]),
    ("an empty list", lists(("tunnel", [])), ["algorithm.no-list"]),
    (
      "no lists", .object(JSONObject()),
      [String](repeating: "algorithm.no-list", count: AlgorithmPolicy.Use.allCases.count)
    ),
  ]

  @Test(arguments: rows) func judges(_ row: (name: String, lists: JSON, codes: [String])) throws {
    let facts: JSON = ["sample": 1, "lists": row.lists]
    #expect(faults(try definition("algorithms").judge(facts, by: Sample().evidence)) == row.codes, "\(row.name)")
  }

  @Test func withoutTrustNoKeyWasJudged() throws {
    var sample = try Sample()
    sample.trust = nil
    let checks = try definition("algorithms").judge(
      ["sample": 1, "lists": AlgorithmsGateTests.lists()], by: sample.evidence)
    #expect(checks.outcome == .notRun)
  }

  /// Days of validity, from and until now, and what has become of the key.
  static let keys: [(name: String, from: Int64, until: Int64, revoked: Int64?, superseded: Bool, codes: [String])] = [
    ("31 days", -1, 30, nil, false, []), ("32 days", -1, 31, nil, false, ["key.validity"]),
    ("expired", -9, -1, nil, false, ["key.expired"]), ("not yet valid", 1, 9, nil, false, ["key.not-yet-valid"]),
    ("revoked", -1, 300, -1, false, []), ("expired and superseded", -300, -1, nil, true, []),
    ("revoked later on", -1, 300, 1, false, ["key.validity"]),
    // A superseded key signs on, so it must keep the rules.
    ("superseded, for a century", -1, 36_500, nil, true, ["key.validity"]), ("superseded", -1, 30, nil, true, []),
  ]

  @Test(arguments: keys) func judgesKeys(
    _ row: (name: String, from: Int64, until: Int64, revoked: Int64?, superseded: Bool, codes: [String])
  ) throws {
    var sample = try Sample()
    var judged = TrustedKey(
      key: try key(20).publicKey, validFrom: now.adding(seconds: row.from * day),
      validUntil: now.adding(seconds: row.until * day), use: .release)
    judged.revokedSince = row.revoked.map { now.adding(seconds: $0 * day) }
    judged.supersededBy = row.superseded ? try key(1).publicKey.id : nil
    try sample.trust?.add(judged, of: "builder")
    let facts: JSON = ["sample": 1, "lists": AlgorithmsGateTests.lists()]
    #expect(faults(try definition("algorithms").judge(facts, by: sample.evidence)) == row.codes, "\(row.name)")
  }

  @Test func aPreviewKeyIsFound() throws {
    var sample = try Sample()
    let preview = TrustedKey(
      key: try key(20).publicKey, validFrom: now, validUntil: now.adding(seconds: day), use: .preview)
    try sample.trust?.add(preview, of: "builder")
    let facts: JSON = ["sample": 1, "lists": AlgorithmsGateTests.lists()]
    #expect(faults(try definition("algorithms").judge(facts, by: sample.evidence)) == ["key.use"])
  }
}

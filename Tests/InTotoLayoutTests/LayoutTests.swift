import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import InTotoLayout

@Suite struct LayoutTests {
  let chain: Chain
  init() throws { chain = try Chain() }

  private func content(_ steps: [JSON]? = nil, expires: String = "2027-01-01T00:00:00Z") -> JSON {
    layout(keys: [chain.ada, chain.bob, chain.eve], steps: steps ?? chain.steps(), expires: expires)
  }

  @Test(arguments: [SignedMetadata.Form.metablock, .dsse]) func passes(form: SignedMetadata.Form) throws {
    let verdict = try chain.judge(content(), try chain.folder(form: form), form: form)
    #expect(verdict.checks.outcome == .passed)
    #expect(verdict.products?.paths == [ExactText("foo.tar")])
  }

  @Test func needsEveryLayoutKey() throws {
    let bytes = try signed(content(), by: [chain.owner])
    let judge = LayoutJudge(time: now, policy: try AlgorithmPolicy())
    let verdict = try judge.judge(
      try SignedMetadata(parsing: bytes), keys: [chain.owner.key, chain.eve.key], links: try chain.folder())
    #expect(verdict.failures == ["layout.signature"])
    #expect(verdict.notRun == ["signature.first"])
  }

  /// The signature is over the document as it stands: a member that nobody knows changes it too.
  @Test(arguments: ["readme", "unknown"]) func refusesAChangedLayout(member: String) throws {
    var object = try JSONReader(try JSON(parsing: try signed(content(), by: [chain.owner]))).object()
    var inner = try JSONReader(object["signed"] ?? .null).object()
    inner[member] = "changed"
    object["signed"] = .object(inner)
    let verdict = try LayoutJudge(time: now, policy: try AlgorithmPolicy()).judge(
      try SignedMetadata(parsing: JSON.object(object).canonical), keys: [chain.owner.key], links: try chain.folder())
    #expect(verdict.failures == ["layout.signature"])
  }

  @Test func expires() throws {
    let last = try Timestamp("2026-12-31T23:59:59Z")
    #expect(try chain.judge(content(), try chain.folder(), at: last).failures == [])
    #expect(
      try chain.judge(content(), try chain.folder(), at: last.adding(seconds: 1)).failures == ["layout.expired"])
  }

  /// Signature and expiry are both said.
  @Test func saysAllFailures() throws {
    let bytes = try signed(content(expires: "2026-01-01T00:00:00Z"), by: [chain.eve])
    let verdict = try LayoutJudge(time: now, policy: try AlgorithmPolicy()).judge(
      try SignedMetadata(parsing: bytes), keys: [chain.owner.key], links: try chain.folder())
    #expect(verdict.failures == ["layout.expired", "layout.signature"])
  }

  @Test func refusesAKeyUnderAForeignID() throws {
    var object = try JSONReader(content()).object()
    var keys = try JSONReader(object["keys"] ?? .null).object()
    var key = try JSONReader(chain.eve.object).object()
    key["keyid"] = "00"
    keys[chain.eve.key.id] = nil
    keys["00"] = .object(key)
    object["keys"] = .object(keys)
    #expect(try chain.judge(.object(object), try chain.folder()).failures == ["layout.key-id"])
  }

  static let malformed: [(code: String, change: @Sendable (inout JSONObject) -> Void)] = [
    ("accepted", { $0["readme"] = "x" }), ("layout.empty", { $0["steps"] = [] }),
    ("json.missing-field", { $0["expires"] = nil }), ("time.format", { $0["expires"] = "2027-01-01" }),
    ("json.choice", { $0["_type"] = "plan" }), ("layout.type", { $0["_type"] = "link" }),
    ("olpc.number", { $0["readme"] = .number(1.5) }),
    ("json.integer-range", { $0["steps"] = [step("a", by: [], threshold: 0)] }),
    ("layout.name", { $0["steps"] = [step("a", by: []), step("a", by: [])] }),
    ("layout.name", { $0["steps"] = [step("a/b", by: [])] }),
    ("layout.item", { $0["steps"] = [["_type": "inspection", "name": "a", "threshold": 1]] }),
    ("rule.format", { $0["steps"] = [step("a", by: [], materials: ["ALLOW * x"])] }),
    ("rule.format", { $0["steps"] = [step("a", by: [], materials: ["MATCH * WITH PRODUCTS"])] }),
    ("rule.format", { $0["steps"] = [step("a", by: [], materials: ["EXPECT *"])] }),
    ("layout.parameter-missing", { $0["steps"] = [step("a", by: [], materials: ["ALLOW {other}"])] }),
    ("layout.parameter", { $0["steps"] = [step("a", by: [], materials: ["ALLOW {name.x}"])] }),
    ("layout.parameter", { $0["steps"] = [step("a", by: [], materials: ["ALLOW a}"])] }),
  ]

  @Test(arguments: malformed.indices) func refusesMalformedLayouts(index: Int) throws {
    let (code, change) = LayoutTests.malformed[index]
    var object = try JSONReader(content()).object()
    change(&object)
    let parameters = try Parameters(["name": "value"])
    #expect(outcome { try chain.judge(.object(object), try chain.folder(), parameters: parameters) } == code)
  }

  @Test func substitutesParameters() throws {
    let steps = [step("write", by: [chain.ada], products: ["CREATE {base}.py", "ALLOW {{x}}", "DISALLOW *"])]
    let folder = LinkFolder(files: [file("write.a.link", try signed(chain.written, by: [chain.ada]))])
    let parameters = try Parameters(["base": "foo"])
    #expect(try chain.judge(content(steps), folder, parameters: parameters).failures == [])
    #expect(try chain.judge(content(steps), folder).failures == ["rule.disallow"])
    #expect(outcome { try Parameters(["a b": ""]) } == "layout.parameter")
  }

  @Test func listsInspectionsWithoutRunningThem() throws {
    let inspection: JSON = [
      "_type": "inspection", "name": "untar", "run": ["tar", "xf"],
      "expected_materials": rules(["MATCH foo.tar WITH PRODUCTS FROM pack", "DISALLOW *"]),
      "expected_products": rules(["MATCH foo.py WITH PRODUCTS FROM write"]),
    ]
    let content = layout(keys: [chain.ada, chain.bob], steps: chain.steps(), inspections: [inspection])
    let verdict = try chain.judge(content, try chain.folder())
    #expect(verdict.failures == [] && verdict.notRun == ["inspection.not-allowed"])
    #expect(verdict.pending.map(\.command) == [["tar", "xf"]])

    func found(_ text: String) throws -> LayoutJudge.Verdict {
      let before = Artifacts([ExactText("foo.tar"): ArtifactHashes([Digest(of: Array(text.utf8))])])
      let link = Link(name: "untar", materials: before, products: before)
      return try chain.judge(content, try chain.folder(), inspected: ["inspection.untar": .success(link)])
    }
    #expect(try found("archive").checks.outcome == .passed)
    #expect(try found("another").failures == ["rule.disallow"])
    let failed = Result<Link, Problem>.failure(.refused("inspection.exit", ""))
    #expect(
      try chain.judge(content, try chain.folder(), inspected: ["inspection.untar": failed]).failures
        == ["inspection.exit"])
  }

  /// Key ids as tools have made them, and a PEM file beside a key object.
  @Test func readsKeys() throws {
    let template = JSON.object(
      {
        var object = JSONObject()
        object["keytype"] = "ed25519"
        object["scheme"] = "ed25519"
        object["keyval"] = ["public": .string(Hex.encode(chain.ada.secret.publicKey.bytes))]
        return object
      }())
    #expect(outcome { try LayoutKey(parsing: template.canonical) } == "accepted")
    #expect(try LayoutKey(parsing: template.canonical) == chain.ada.key)
    #expect(outcome { try LayoutKey(parsing: Array("{}".utf8)) } == "json.missing-field")
    #expect(outcome { try LayoutKey(parsing: Array("nothing".utf8)) } == "key.pem")
    var object = try JSONReader(template).object()
    object["scheme"] = "rsassa-pss-sha224"
    #expect(outcome { try LayoutKey(parsing: JSON.object(object).canonical) } == "key.algorithm")
    object["scheme"] = "ecdsa-sha2-nistp256"
    #expect(outcome { try LayoutKey(parsing: JSON.object(object).canonical) } == "key.algorithm")
    object["keytype"] = "ecdsa"
    #expect(outcome { try LayoutKey(parsing: JSON.object(object).canonical) } == "key.pem")
  }

  /// The canonical form is not RFC 8785's: order by code points, line feeds raw.
  @Test func writesOLPC() throws {
    let value: JSON = ["\u{ffff}": 1, "\u{1f600}": -2, "a\n\"\\": [true, .null, "\u{1}"]]
    #expect(
      String(decoding: try OLPCCanonicalJSON.encode(value), as: UTF8.self)
        == "{\"a\n\\\"\\\\\":[true,null,\"\u{1}\"],\"\u{ffff}\":1,\"\u{1f600}\":-2}")
  }
}

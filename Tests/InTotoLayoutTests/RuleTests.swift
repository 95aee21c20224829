import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing

@testable import InTotoLayout

@Suite struct RuleTests {
  /// The item under test went from a, b and c to b (changed), c and d; `other` made what it took.
  private func failures(
    _ list: [String], _ side: ArtifactRule.Side = .products, other: [(String, String)] = []
  ) throws -> [String] {
    func artifacts(_ contents: [(String, String)]) -> Artifacts {
      Artifacts(
        Dictionary(
          uniqueKeysWithValues: contents.map {
            (ExactText($0.0), ArtifactHashes([Digest(of: Array($0.1.utf8))]))
          }))
    }
    let item = Link(
      name: "item", materials: artifacts([("a", "1"), ("b", "2"), ("c", "3")]),
      products: artifacts([("b", "changed"), ("c", "3"), ("d", "4"), ("lib/e", "5")]))
    let before = Link(name: "before", materials: artifacts([("m", "1")]), products: artifacts(other))
    let links = [ExactText("item"): item, ExactText("before"): before]
    let evaluation = RuleEvaluation(
      link: item, side: side, links: links, known: [ExactText("item"), ExactText("before"), ExactText("lost")])
    return evaluation.judge(try list.map { try ArtifactRule($0.split(separator: " ").map(String.init)) }, id: "x")
      .filter { $0.outcome != .passed }.map { "\($0.id) \($0.code)" }
  }

  @Test(
    arguments: [
      // Everything that is left is allowed.
      ([], .products, []), (["DISALLOW *"], .products, ["x.products.0 rule.disallow"]),
      (["ALLOW *", "DISALLOW *"], .products, []), (["DISALLOW z*"], .products, []),
      // What a rule consumed is gone for REQUIRE and DISALLOW after it.
      (
        ["CREATE *", "MODIFY *", "DISALLOW c", "DISALLOW *"], .products,
        ["x.products.2 rule.disallow", "x.products.3 rule.disallow"]
      ),
      (["CREATE *", "DISALLOW d", "DISALLOW lib/*"], .products, []), (["MODIFY *", "DISALLOW b"], .products, []),
      (["MODIFY c", "DISALLOW c"], .products, ["x.products.1 rule.disallow"]),
      (["DELETE *", "DISALLOW a"], .materials, []),
      (["DELETE b", "DISALLOW b"], .materials, ["x.materials.1 rule.disallow"]),
      (["REQUIRE d"], .products, []), (["REQUIRE *"], .products, ["x.products.0 rule.require"]),
      (["ALLOW d", "REQUIRE d"], .products, ["x.products.1 rule.require"]),
      // All failures, not the first.
      (["REQUIRE x", "REQUIRE y"], .products, ["x.products.0 rule.require", "x.products.1 rule.require"]),
      // A step that the layout does not have consumes nothing; one without a link stops the list.
      (["MATCH * WITH PRODUCTS FROM nowhere", "DISALLOW d"], .products, ["x.products.1 rule.disallow"]),
      (
        ["MATCH * WITH PRODUCTS FROM lost", "DISALLOW d"], .products,
        ["x.products.0 rule.no-link", "x.products.1 rule.no-link"]
      ),
    ] as [([String], ArtifactRule.Side, [String])])
  func applies(rules: [String], side: ArtifactRule.Side, expected: [String]) throws {
    #expect(try failures(rules, side) == expected)
  }

  @Test(arguments: [
    ("MATCH a WITH PRODUCTS FROM before", [("a", "1")], true),
    ("match a with products from before", [("a", "1")], true),
    ("MATCH a WITH PRODUCTS FROM before", [("a", "other")], false),
    ("MATCH a WITH MATERIALS FROM before", [("a", "1")], false),
    ("MATCH a WITH PRODUCTS IN out FROM before", [("out/a", "1")], true),
    ("MATCH a WITH PRODUCTS IN out/ FROM before", [("out/a", "1")], true),
    ("MATCH a WITH PRODUCTS IN out FROM before", [("a", "1")], false),
    ("MATCH * IN lib WITH PRODUCTS FROM before", [("a", "1")], false),
  ]) func matchesMaterials(rule: String, other: [(String, String)], isConsumed: Bool) throws {
    let found = try failures([rule, "DISALLOW a"], .materials, other: other)
    #expect(found == (isConsumed ? [] : ["x.materials.1 rule.disallow"]))
  }

  @Test func matchesBelowAPrefix() throws {
    let rules = ["MATCH * IN lib WITH PRODUCTS IN build/lib FROM before", "DISALLOW lib/*"]
    #expect(try failures(rules, other: [("build/lib/e", "5")]) == [])
    #expect(try failures(rules, other: [("lib/e", "5")]) == ["x.products.1 rule.disallow"])
  }

  @Test(arguments: [
    "", "ALLOW", "ALLOW a b", "MATCH a", "MATCH a WITH FROM b", "MATCH a IN WITH PRODUCTS FROM b",
    "MATCH a WITH PRODUCTS IN FROM b", "MATCH a WITH PRODUCTS FROM b c", "MATCH a WITH LINKS FROM b",
    "MATCH a IN x IN y WITH PRODUCTS FROM b", "ALLOW_ a",
  ]) func refusesRules(text: String) {
    #expect(outcome { try ArtifactRule(text.split(separator: " ").map(String.init)) } == "rule.format")
  }

  @Test func refusesTooMuchWork() throws {
    let hashes = ArtifactHashes([Digest(of: [1])])
    let paths = (0..<1024).map { ExactText(String($0 + 10_000) + String(repeating: "a", count: 4091)) }
    let artifacts = Artifacts(Dictionary(uniqueKeysWithValues: paths.map { ($0, hashes) }))
    let link = Link(name: "x", materials: artifacts, products: Artifacts())
    func codes(_ count: Int) throws -> [String] {
      let rules = try (0..<count).map { _ in try ArtifactRule(["DISALLOW", String(repeating: "b", count: 1024)]) }
      return RuleEvaluation(link: link, side: .materials, links: [:], known: []).judge(rules, id: "x").map(\.code)
    }
    #expect(try codes(2) == ["rule.limit"])
    #expect(try !codes(1).contains("rule.limit"))
  }

  @Test func refusesPatterns() {
    #expect(outcome { try ArtifactRule(["ALLOW", ""]) } == "rule.pattern")
    #expect(outcome { try ArtifactRule(["ALLOW", String(repeating: "a", count: 1024)]) } == "accepted")
    #expect(outcome { try ArtifactRule(["ALLOW", String(repeating: "a", count: 1025)]) } == "rule.pattern")
  }

  @Test func comparesProducts() throws {
    let (right, wrong) = (Digest(of: [1]), Digest(of: [2]))
    let long = Digest(of: [1], .sha512)
    let hashes = ArtifactHashes([right, long])
    #expect(Products.check("a", hashes, found: [right, long]).outcome == .passed)
    #expect(Products.check("a", hashes, found: [right]).code == "product.digest")
    #expect(Products.check("a", hashes, found: [wrong, long]).code == "product.digest")
    #expect(Products.check("a", hashes, found: nil).code == "product.missing")
    for path in ["a", "a/b.c", "ä"] { #expect(Products.isSafe(path)) }
    for path in ["", "/a", "a//b", "../a", "a/..", "./a", "a\\b", "a\u{0}", "a\nb"] { #expect(!Products.isSafe(path)) }
    // A slash before a combining mark is one character with it, and leads out of the folder all the same.
    for path in ["..\u{2f}\u{301}a", "\u{2f}\u{301}a", "a/..\u{2f}\u{301}"] { #expect(!Products.isSafe(path)) }
  }
}

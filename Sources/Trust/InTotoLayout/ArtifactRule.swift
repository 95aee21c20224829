public import Diagnostics
import StrictJSON

/// One artifact rule of a step or an inspection (in-toto 1.0 §4.3.3).
public struct ArtifactRule: Sendable, Equatable {
  /// Where artifacts are looked for: among a step's materials, or its products.
  public enum Side: String, Sendable, CaseIterable { case materials, products }

  /// What `MATCH` compares with.
  public struct Target: Sendable, Equatable {
    /// The folder that the artifacts lie in here, without a final slash; empty for none.
    public let sourcePrefix: String
    /// Where the other step's artifacts are looked for.
    public let side: Side
    /// The folder that they lie in there.
    public let targetPrefix: String
    /// The other step.
    public let step: String
  }

  /// What the rule does.
  public enum Action: Sendable, Equatable {
    case match(Target)
    case create, delete, modify, allow, disallow
    /// The pattern is the name of one artifact, as the reference reads it: wildcards have no meaning.
    case require
  }

  /// What the rule does.
  public let action: Action
  /// Which artifacts it is about.
  public let pattern: PathPattern
  /// The rule as it was written, for people.
  public let text: String

  private static let generic: [String: Action] = [
    "CREATE": .create, "DELETE": .delete, "MODIFY": .modify, "ALLOW": .allow, "DISALLOW": .disallow,
    "REQUIRE": .require,
  ]

  /// Reads the words of a rule; key words may be in either case, as the reference takes them.
  public init(_ words: [String]) throws(Problem) {
    let text = words.joined(separator: " ")
    guard (2...10).contains(words.count), words.allSatisfy({ $0.utf8.count <= 4096 }) else {
      throw ArtifactRule.malformed(text)
    }
    pattern = try PathPattern(words[1])
    self.text = text
    let name = words[0].uppercased()
    if words.count == 2, let action = ArtifactRule.generic[name] {
      self.action = action
    } else if name == "MATCH" {
      action = .match(try ArtifactRule.target(words, text))
    } else {
      throw ArtifactRule.malformed(text)
    }
  }

  /// `MATCH pattern [IN prefix] WITH (MATERIALS|PRODUCTS) [IN prefix] FROM step`.
  private static func target(_ words: [String], _ text: String) throws(Problem) -> Target {
    var rest = words.dropFirst(2)
    func isNext(_ word: String) -> Bool { rest.first.map { $0.uppercased() == word } ?? false }
    func prefix() throws(Problem) -> String {
      guard isNext("IN") else { return "" }
      rest.removeFirst()
      guard var prefix = rest.popFirst() else { throw malformed(text) }
      while prefix.hasSuffix("/") { prefix.removeLast() }
      return prefix
    }
    let source = try prefix()
    guard isNext("WITH") else { throw malformed(text) }
    rest.removeFirst()
    guard let word = rest.popFirst(), let side = Side(rawValue: word.lowercased()) else { throw malformed(text) }
    let target = try prefix()
    guard isNext("FROM"), rest.count == 2, let step = rest.last, !step.isEmpty else { throw malformed(text) }
    return Target(sourcePrefix: source, side: side, targetPrefix: target, step: step)
  }

  private static func malformed(_ text: String) -> Problem {
    .malformed(
      "rule.format", "“\(text.prefix(200))” is not an artifact rule", source: "in-toto 1.0 §4.3.3",
      hint:
        "MATCH pattern [IN prefix] WITH MATERIALS|PRODUCTS [IN prefix] FROM step, or CREATE, DELETE, MODIFY, ALLOW, "
        + "DISALLOW, REQUIRE and a pattern")
  }
}

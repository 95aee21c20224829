import Testing

@testable import InTotoLayout

@Suite struct PatternTests {
  /// Answers of `fnmatch.fnmatchcase` of Python 3.11.
  static let cases: [(pattern: String, path: String, matches: Bool)] = [
    ("*", "", true), ("*", "a/b", true), ("foo.*", "foo.py", true), ("foo.*", "foo", false), ("?", "ü", true),
    ("?", "", false), ("?", "ab", false), ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyycd", false),
    ("[abc]", "b", true), ("[abc]", "d", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
    ("[!a-c]x", "dx", true), ("[]]", "]", true), ("[!]]", "]", false), ("[!]]", "a", true), ("[a", "[a", true),
    ("[a", "a", false), ("[]", "[]", true), ("[!]", "[!]", true), ("[c-a]", "b", false), ("[!c-a]", "b", true),
    ("[a-]", "-", true), ("[-a]", "-", true), ("[a-c-e]", "d", false), ("[a-c-e]", "-", true), ("[a-c-e]", "e", true),
    ("[--0]", ".", true), ("[^a]", "a", true), ("[^a]", "b", false), ("a\\*", "a\\bc", true), ("a\\*", "a*", false),
    ("*.[!o]", "x.c", true), ("src/*", "src/a/b.c", true), ("FOO", "foo", false), ("**", "a", true), ("a**", "a", true),
    ("é", "e\u{301}", false), ("*\n", "a\n", true),
  ]

  @Test(arguments: cases) func matchesAsPython(one: (pattern: String, path: String, matches: Bool)) throws {
    #expect(try PathPattern(one.pattern).matches(one.path) == one.matches)
  }

  /// Backtracking over every star would take longer than the universe is old.
  @Test func takesNoTimeOverManyStars() throws {
    let pattern = try PathPattern(String(repeating: "*a", count: 400) + "b")
    #expect(!pattern.matches(String(repeating: "a", count: 4000)))
  }
}

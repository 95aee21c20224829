import Diagnostics
@testable import ForeignSignatures
import Testing
import Wire

@Suite struct AllowedSignersTests {
  static let key: String = {
    let line = (try? Fixture.text("allowed_signers"))?.split(separator: "\n").first { $0.hasPrefix("ed25519@") } ?? ""
    return line.split(separator: " ").dropFirst(2).prefix(2).joined(separator: " ")
  }()

  static func read(_ text: String) throws(Problem) -> AllowedSigners { try AllowedSigners(parsing: Array(text.utf8)) }

  @Test func readsTheFixture() throws {
    let signers = try AllowedSigners(parsing: try Fixture.bytes("allowed_signers"))
    #expect(signers.entries.count == 10)
    #expect(signers.entries.count(where: \.isAuthority) == 1)
  }

  /// One line each, with `KEY` for a key.
  static let accepted: [(line: String, principals: String)] = [
    ("a KEY", "a"), ("a,b KEY comment with words", "a,b"), ("\"a b\" KEY", "a b"), ("  a\tKEY", "a"),
    ("a namespaces=\"x y\" KEY", "a"), ("a NAMESPACES=\"x\",valid-after=\"20260101Z\" KEY", "a"),
    ("a valid-after=\"202601011200Z\",valid-before=\"20260101120001Z\" KEY", "a"), ("a cert-authority KEY", "a"),
    // Sorts that we do not verify match no signature, and do not spoil the file.
    ("a ssh-dss AAAAB3NzaC1kc3M=", "a"),
  ]

  @Test(arguments: accepted) func accepts(line: String, principals: String) throws {
    let signers = try AllowedSignersTests.read(line.replacing("KEY", with: AllowedSignersTests.key))
    #expect(signers.entries.map(\.principals.text) == [principals])
  }

  static let refused: [(code: String, line: String)] = [
    ("signers.line", "a"), ("signers.line", "a ssh-ed25519"), ("signers.sort", "a namespaces=\"x\" b KEY"),
    ("signers.option", "a no-touch-required KEY"), ("signers.option", "a cert-authority=\"1\" KEY"),
    ("signers.option", "a namespaces KEY"), ("signers.option-twice", "a cert-authority,cert-authority KEY"),
    ("signers.quote", "a namespaces=x KEY"), ("signers.quote", "\"a KEY"), ("signers.line", "a namespaces=\"x KEY"),
    ("signers.time", "a valid-after=\"20260101\" KEY"), ("signers.time", "a valid-after=\"2026Z\" KEY"),
    ("time.format", "a valid-after=\"20261301Z\" KEY"),
    ("signers.validity", "a valid-after=\"20270101Z\",valid-before=\"20260101Z\" KEY"),
    ("signers.patterns", "a,,b KEY"), ("signers.patterns", "! KEY"), ("signers.key", "a ssh-rsa AAAAC3NzaC1lZDI1NTE5"),
    ("base64.length", "a ssh-ed25519 AAA"), ("ssh.short", "a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"),
    ("text.character", "a\u{1b} KEY"),
  ]

  @Test(arguments: refused) func refuses(code: String, line: String) throws {
    let text = "# a comment\n\nz KEY\n\(line)\n".replacing("KEY", with: AllowedSignersTests.key)
    let error = #expect(throws: Problem.self) { try AllowedSignersTests.read(text) }
    #expect(error?.code == code)
    #expect(error?.place?.contains("line 4") == true)
  }

  @Test func refusesTooMany() throws {
    let line = "a \(AllowedSignersTests.key)\n"
    _ = try AllowedSignersTests.read(String(repeating: line, count: AllowedSigners.entryLimit))
    #expect(throws: Problem.malformed("signers.count", "")) {
      try AllowedSignersTests.read(String(repeating: line, count: AllowedSigners.entryLimit + 1))
    }
    let patterns = Array(repeating: "a", count: AllowedSigners.patternLimit + 1).joined(separator: ",")
    #expect(throws: Problem.malformed("signers.patterns", "")) { try AllowedSignersTests.read("\(patterns) \(line)") }
    #expect(throws: Problem.malformed("signers.size", "")) {
      try AllowedSigners(parsing: Array(repeating: 0x0a, count: AllowedSigners.sizeLimit + 1))
    }
  }

  static let patterns: [(list: String, value: String, isMatched: Bool)] = [
    ("a", "a", true), ("a", "b", false), ("*", "", true), ("*", "anything", true), ("a*c", "abbc", true),
    ("a*c", "abb", false), ("?", "a", true), ("?", "", false), ("a?c", "abc", true), ("*@x,!eve@*", "bob@x", true),
    ("*@x,!eve@*", "eve@x", false), ("!eve@*", "bob@x", false), ("a*b*c", "aXbXbc", true), ("**a", "ba", true),
    ("A", "a", false), ("a\\*", "a\\b", true), ("k", "\u{212a}", false),
  ]

  @Test(arguments: patterns) func matchesPatterns(list: String, value: String, isMatched: Bool) throws {
    #expect(try PatternList(list).matches(value) == isMatched)
  }

  @Test func aHostilePatternCostsLittle() throws {
    let list = try PatternList(String(repeating: "a*", count: 1000) + "b")
    #expect(!list.matches(String(repeating: "a", count: 4000)))
  }
}

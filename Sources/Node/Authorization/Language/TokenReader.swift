import Diagnostics

/// A walk over tokens, shared by the parsers of policies and of schemas.
struct TokenReader {
  private let tokens: [Token]
  private var index = 0
  /// The prefix of the codes of errors.
  let area: String

  /// A walk over the tokens of `bytes`.
  init(_ bytes: [UInt8], area: String) throws(Problem) {
    tokens = try Lexer.tokens(of: bytes, area: area)
    self.area = area
  }

  /// The token that stands here.
  var current: Token { tokens[index] }

  /// The token behind the one that stands here.
  var following: Token { tokens[min(index + 1, tokens.count - 1)] }

  /// Where the current token begins.
  var position: SourcePosition { current.position }

  /// Passes the current token; the end is never passed.
  mutating func advance() { index = min(index + 1, tokens.count - 1) }

  /// Whether the symbol stands here.
  func isAt(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }

  /// Whether the word stands here.
  func isAt(word: String) -> Bool { current.kind == .word(word) }

  /// Passes the symbol, if it stands here.
  mutating func take(_ symbol: String) -> Bool {
    guard isAt(symbol) else { return false }
    advance()
    return true
  }

  /// Passes the word, if it stands here.
  mutating func take(word: String) -> Bool {
    guard isAt(word: word) else { return false }
    advance()
    return true
  }

  /// Passes the symbol, which must stand here.
  mutating func expect(_ symbol: String, _ purpose: String) throws(Problem) {
    guard take(symbol) else { throw unexpected("“\(symbol)” \(purpose)") }
  }

  /// A string, which must stand here.
  mutating func string(_ purpose: String) throws(Problem) -> Text {
    guard case .string(let raw) = current.kind else { throw unexpected("a string \(purpose)") }
    let text = try StringEscapes.text(raw, at: position, area: area)
    advance()
    return text
  }

  /// A word, which must stand here and must not be one of `reserved`.
  mutating func word(_ purpose: String, reserved: Set<String>) throws(Problem) -> String {
    guard case .word(let text) = current.kind else { throw unexpected("a name \(purpose)") }
    guard !reserved.contains(text) else {
      throw problem("reserved", "“\(text)” is a reserved word and no name")
    }
    advance()
    return text
  }

  /// That something else stands here than what is expected.
  func unexpected(_ expected: String, hint: String? = nil) -> Problem {
    problem("syntax", "\(expected) is expected, and \(current.description) stands here", hint: hint)
  }

  /// A problem at the current token.
  func problem(_ reason: String, _ message: String, hint: String? = nil) -> Problem {
    problem(reason, message, at: position, hint: hint)
  }

  /// A problem at a place.
  func problem(_ reason: String, _ message: String, at position: SourcePosition, hint: String? = nil) -> Problem {
    .malformed("\(area).\(reason)", message, place: "\(position)", source: "Cedar, grammar", hint: hint)
  }
}

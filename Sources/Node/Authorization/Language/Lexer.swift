import Diagnostics

/// Cuts the text of a policy or a schema into tokens.
///
/// Source: Cedar's grammar of policies and of schemas (docs.cedarpolicy.com, “Grammar”); both have the same tokens.
struct Lexer {
  /// The largest text, in bytes: 1 MiB.
  static let sizeLimit = 1 << 20

  private let bytes: [UInt8]
  private var index = 0
  private var line: UInt32 = 1
  private var lineStart = 0
  /// The prefix of the codes of errors: `cedar` or `schema`.
  private let area: String

  private init(_ bytes: [UInt8], area: String) {
    self.bytes = bytes
    self.area = area
  }

  /// All tokens of `bytes`; the last one is the end.
  ///
  /// - Throws: `AREA.size`, `AREA.utf-8`, `AREA.character` or `AREA.string`, each with its line and column.
  static func tokens(of bytes: [UInt8], area: String) throws(Problem) -> [Token] {
    guard bytes.count <= sizeLimit else {
      throw .malformed("\(area).size", "the text has \(bytes.count) bytes, more than the \(sizeLimit) allowed")
    }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .malformed("\(area).utf-8", "the text is not UTF-8", place: "1:1")
    }
    var lexer = Lexer(bytes, area: area)
    var tokens: [Token] = []
    repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
    return tokens
  }

  private var position: SourcePosition {
    SourcePosition(line: line, column: UInt32(index - lineStart + 1))
  }

  private mutating func next() throws(Problem) -> Token {
    skipSpace()
    let position = position
    guard index < bytes.count else { return Token(kind: .end, position: position) }
    let start = index
    switch bytes[index] {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      while index < bytes.count, Lexer.isWordByte(bytes[index]) { index += 1 }
      return Token(kind: .word(text(from: start)), position: position)
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
      return Token(kind: .number(text(from: start)), position: position)
    case UInt8(ascii: "\""):
      return Token(kind: .string(try string()), position: position)
    default:
      return Token(kind: .symbol(try symbol()), position: position)
    }
  }

  private func text(from start: Int) -> String { String(decoding: bytes[start..<index], as: UTF8.self) }

  static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  /// White space as Unicode has it, and comments up to the end of their line.
  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x0a:
        index += 1
        line += 1
        lineStart = index
      case 0x09, 0x0b, 0x0c, 0x0d, 0x20: index += 1
      case UInt8(ascii: "/"):
        guard index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "/") else { return }
        while index < bytes.count, bytes[index] != 0x0a, bytes[index] != 0x0d { index += 1 }
      case 0x80...:
        guard let length = spaceLength() else { return }
        index += length
      default: return
      }
    }
  }

  /// The bytes of the white space character beyond ASCII that stands here, nil where there is none.
  private func spaceLength() -> Int? {
    let character = bytes[index...].prefix(3)
    for scalar in String(decoding: character, as: UTF8.self).unicodeScalars.prefix(1) {
      return scalar.properties.isWhitespace ? UTF8.width(scalar) : nil
    }
    return nil
  }

  private mutating func string() throws(Problem) -> [UInt8] {
    let place = position
    index += 1
    let start = index
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index += 1
        return Array(bytes[start..<(index - 1)])
      case UInt8(ascii: "\\"):
        guard index + 1 < bytes.count, bytes[index + 1] != 0x0a else { break }
        index += 2
        continue
      case 0x0a:
        line += 1
        lineStart = index + 1
      default: break
      }
      index += 1
    }
    throw .malformed("\(area).string", "a string has no end", place: "\(place)", hint: "close it with \"")
  }

  private static let symbols = [
    "::", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", "<", ">", "@", ".", ",", ";", ":", "!", "+",
    "-", "*", "/", "%", "=", "?",
  ].map { (text: $0, bytes: Array($0.utf8)) }

  private mutating func symbol() throws(Problem) -> String {
    for symbol in Lexer.symbols where bytes[index...].starts(with: symbol.bytes) {
      index += symbol.bytes.count
      return symbol.text
    }
    throw .malformed("\(area).character", "no token starts with this character", place: "\(position)")
  }
}

extension UTF8 {
  /// How many bytes a character takes.
  fileprivate static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case ..<0x80: 1
    case ..<0x800: 2
    case ..<0x10000: 3
    default: 4
    }
  }
}

public import Diagnostics
import Wire

extension JSON {
  /// What a parser accepts before it gives up; every reader of untrusted input states its own.
  public struct Limits: Sendable {
    /// The largest document, in bytes.
    public var size: Int
    /// How deep arrays and objects may nest.
    public var depth: Int
    /// How many values the document may hold; each takes memory many times its size in the document.
    public var values: Int
    /// Which integers are held. Formats of others that count in 64 bits name them all; ours keep to what every
    /// implementation of JSON keeps.
    public var integers: ClosedRange<Int64>

    /// Limits for a document of at most `size` bytes (default 16 MiB), nested at most `depth` deep (default 64), of at
    /// most `values` values (default 250,000), with integers between -(2^53-1) and 2^53-1 unless `integers` says more.
    public init(
      size: Int = 16 << 20, depth: Int = 64, values: Int = 250_000,
      integers: ClosedRange<Int64> = -JSON.largestInteger...JSON.largestInteger
    ) {
      self.size = size
      self.depth = depth
      self.values = values
      self.integers = integers
    }
  }

  /// Parses one JSON document (RFC 8259) strictly.
  ///
  /// Refused, each with line, column and JSON pointer: duplicate keys, lone surrogates, invalid UTF-8, a byte order
  /// mark, trailing bytes, integers beyond 2^53-1, numbers that no double can hold, too deep or too large documents.
  public init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(Problem) {
    var parser = try JSONParser(checking: bytes, limits: limits)
    self = try parser.document()
  }

  /// Parses a document held in a string.
  public init(parsing text: String, limits: Limits = Limits()) throws(Problem) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }
}

/// A recursive descent over the bytes; recursion is safe because depth is limited.
struct JSONParser {
  let bytes: [UInt8]
  let depth: Int
  let integers: ClosedRange<Int64>
  /// How many more values may follow.
  var remaining: Int
  var index = 0
  var path: [Step] = []
  /// When set, this member of the outermost object is decoded from base 64 where it stands, and an empty text is left in
  /// its place. What cannot be decoded so stays a text, for its reader to refuse.
  var lifting: (name: String, alphabet: Base64.Alphabet)?
  /// What was decoded.
  var lifted: [UInt8]?
  /// When set, the place of this pointer is recorded in `located`.
  var wanted: String?
  var located: Int?

  enum Step {
    case key(String)
    case element(Int)
  }

  init(bytes: [UInt8], limits: JSON.Limits) {
    self.bytes = bytes
    depth = limits.depth
    integers = limits.integers
    remaining = limits.values
  }

  /// A parser of a document that is not too large.
  init(checking bytes: [UInt8], limits: JSON.Limits) throws(Problem) {
    guard bytes.count <= limits.size else {
      throw .malformed("json.size", "the document has \(bytes.count) bytes, more than the \(limits.size) allowed")
    }
    self.init(bytes: bytes, limits: limits)
  }

  mutating func document() throws(Problem) -> JSON {
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      throw problem("json.byte-order-mark", "a byte order mark is not allowed", source: "RFC 8259 §8.1")
    }
    skipSpace()
    let value = try value()
    skipSpace()
    guard index == bytes.count else {
      throw problem("json.trailing-bytes", "something follows the document")
    }
    return value
  }

  // MARK: values

  private mutating func value() throws(Problem) -> JSON {
    if let wanted, located == nil, pointer == wanted { located = index }
    guard index < bytes.count else { throw endOfDocument() }
    guard remaining > 0 else { throw problem("json.too-many", "the document holds too many values") }
    remaining -= 1
    switch bytes[index] {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), 0x30...0x39: return try number()
    default: throw problem("json.syntax", "no JSON value starts here")
    }
  }

  private mutating func literal(_ text: StaticString, _ value: JSON) throws(Problem) -> JSON {
    let expected = Array("\(text)".utf8)
    guard bytes[index...].starts(with: expected) else { throw problem("json.syntax", "no JSON value starts here") }
    index += expected.count
    return value
  }

  private mutating func object() throws(Problem) -> JSON {
    try enter()
    var object = JSONObject()
    skipSpace()
    if take("}") { return .object(object) }
    while true {
      guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
        throw index < bytes.count ? problem("json.syntax", "a member's name is expected here") : endOfDocument()
      }
      let start = index
      let key = try string()
      skipSpace()
      guard take(":") else { throw problem("json.syntax", "a colon is expected here") }
      skipSpace()
      path.append(.key(key))
      let member = if let lifted = lift(key) { lifted } else { try value() }
      path.removeLast()
      guard object.append(key, member) else {
        index = start
        throw problem(
          "json.duplicate-key", "the key “\(key)” stands twice in one object", source: "RFC 8785 §3.1, RFC 7493 §2.3")
      }
      skipSpace()
      if take("}") { return .object(object) }
      guard take(",") else { throw problem("json.syntax", "a comma or a closing brace is expected here") }
      skipSpace()
    }
  }

  private mutating func lift(_ key: String) -> JSON? {
    guard let lifting, path.count == 1, key.isExactly(lifting.name), lifted == nil, remaining > 0, index < bytes.count,
      bytes[index] == UInt8(ascii: "\"")
    else { return nil }
    let end = endOfPlainText(from: index + 1)
    guard end < bytes.count, bytes[end] == UInt8(ascii: "\""),
      let decoded = try? Base64.decode(bytes.span.extracting(index + 1..<end), alphabet: lifting.alphabet)
    else { return nil }
    lifted = decoded
    remaining -= 1
    index = end + 1
    return .string("")
  }

  private mutating func array() throws(Problem) -> JSON {
    try enter()
    var elements: [JSON] = []
    skipSpace()
    if take("]") { return .array(elements) }
    while true {
      path.append(.element(elements.count))
      elements.append(try value())
      path.removeLast()
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw problem("json.syntax", "a comma or a closing bracket is expected here") }
      skipSpace()
    }
  }

  /// Passes the opening bracket, and refuses what is nested too deep. The path is as long as the nesting.
  private mutating func enter() throws(Problem) {
    guard path.count < depth else { throw problem("json.depth", "the document is nested deeper than \(depth)") }
    index += 1
  }

  // MARK: numbers

  private mutating func number() throws(Problem) -> JSON {
    let start = index
    _ = take("-")
    if take("0") {
      guard !isDigit() else { throw problem("json.number", "a number starts with a superfluous zero") }
    } else {
      try digits()
    }
    var isInteger = true
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let integer = Int64(text), integers.contains(integer) { return .integer(integer) }
    guard !isInteger, let double = Double(text), double.isFinite, double != 0 || isZero(text) else {
      index = start
      throw problem(
        "json.number-range", "the number \(text.prefix(40)) cannot be held exactly enough",
        source: "RFC 8785 §3.2.2.3, RFC 7493 §2.2")
    }
    return .number(double)
  }

  private mutating func digits() throws(Problem) {
    guard isDigit() else { throw problem("json.number", "a digit is expected here") }
    while isDigit() { index += 1 }
  }

  private func isDigit() -> Bool { index < bytes.count && (0x30...0x39).contains(bytes[index]) }

  /// Whether every digit before the exponent is zero, so that a double of zero is exact and not an underflow.
  private func isZero(_ text: String) -> Bool {
    text.utf8.prefix { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }.allSatisfy { !(0x31...0x39).contains($0) }
  }

  // MARK: strings

  private mutating func string() throws(Problem) -> String {
    index += 1
    var pieces: String?
    while true {
      let start = index
      index = endOfPlainText(from: start)
      guard index < bytes.count else { throw endOfDocument() }
      guard let piece = String(validating: bytes[start..<index], as: UTF8.self) else {
        throw problem("json.utf-8", "a string is not UTF-8", source: "RFC 8259 §8.1")
      }
      switch bytes[index] {
      case 0x22:
        index += 1
        return pieces.map { $0 + piece } ?? piece
      case 0x5c:
        pieces = (pieces ?? "") + piece
        pieces?.unicodeScalars.append(try escape())
      default:
        throw problem("json.control-character", "a control character stands in a string", source: "RFC 8259 §7")
      }
    }
  }

  /// The first place at or after `start` that is a quotation mark, a backslash or a control character.
  ///
  /// Most bytes of a signed document pass through here: blocks of 64 without such a character are skipped as a whole,
  /// eight bytes at a time, and the place is looked for byte by byte where a block has one.
  private func endOfPlainText(from start: Int) -> Int {
    let bytes = bytes.span
    // Safe: a span of bytes has no padding.
    let words = unsafe bytes.bytes
    var place = start
    while place &+ 64 <= bytes.count {
      var special: UInt64 = 0
      for word in 0..<8 {
        // Safe: the block ends within the bytes, which is checked above, and any eight bytes are a number.
        let eight = unsafe words.unsafeLoadUnaligned(fromUncheckedByteOffset: place &+ word &* 8, as: UInt64.self)
        special |= specials(eight)
      }
      if special & 0x8080_8080_8080_8080 != 0 { break }
      place &+= 64
    }
    while place < bytes.count {
      let byte = bytes[place]
      if byte == 0x22 || byte == 0x5c || byte < 0x20 { break }
      place &+= 1
    }
    return place
  }

  /// Has the highest bit of some byte set when a byte of `word` is a quotation mark, a backslash or a control character,
  /// and of none when there is no such byte: a byte is zero if taking one from it carries into a bit that it had not.
  @inline(__always) private func specials(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* 0x22)
    let backslashes = word ^ (ones &* 0x5c)
    let controls = word & (ones &* 0xe0)
    return (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (controls &- ones) & ~controls
  }

  private mutating func escape() throws(Problem) -> Unicode.Scalar {
    index += 1
    guard index < bytes.count else { throw endOfDocument() }
    defer { index += 1 }
    switch bytes[index] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw problem("json.escape", "no such escape sequence", source: "RFC 8259 §7")
    }
  }

  /// Reads `uXXXX`, or a pair of surrogates; `index` ends on the last digit.
  private mutating func unicodeEscape() throws(Problem) -> Unicode.Scalar {
    let start = index
    let high = try hexadecimal()
    if let scalar = Unicode.Scalar(high) { return scalar }
    if high < 0xdc00, index + 2 < bytes.count, bytes[index + 1] == 0x5c, bytes[index + 2] == UInt8(ascii: "u") {
      index += 2
      let low = try hexadecimal()
      if (0xdc00...0xdfff).contains(low),
        let scalar = Unicode.Scalar(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
      {
        return scalar
      }
    }
    index = start
    throw problem("json.lone-surrogate", "a surrogate stands without its other half", source: "RFC 7493 §2.1")
  }

  private mutating func hexadecimal() throws(Problem) -> UInt32 {
    guard index + 4 < bytes.count else { throw endOfDocument() }
    var value: UInt32 = 0
    for offset in 1...4 {
      guard let digit = Character(Unicode.Scalar(bytes[index + offset])).hexDigitValue else {
        throw problem("json.escape", "four hexadecimal digits are expected here", source: "RFC 8259 §7")
      }
      value = value << 4 | UInt32(digit)
    }
    index += 4
    return value
  }

  // MARK: places

  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0a, 0x0d: index += 1
      default: return
      }
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  var pointer: String {
    path.reduce(into: "") { text, step in
      switch step {
      case .key(let key): text += "/" + JSONPointer.escape(key)
      case .element(let number): text += "/\(number)"
      }
    }
  }

  private func endOfDocument() -> Problem { problem("json.end", "the document ends too early") }

  private func problem(_ code: String, _ message: String, source: String? = nil) -> Problem {
    let place = JSONPlace(offset: min(index, bytes.count), in: bytes)
    let pointer = pointer
    return .malformed(
      code, message, place: pointer.isEmpty ? "\(place)" : "\(place) \(pointer)", source: source ?? "RFC 8259")
  }
}

/// JSON pointers (RFC 6901).
public enum JSONPointer {
  /// One key as it stands in a pointer (section 3).
  public static func escape(_ key: String) -> String {
    var text = ""
    for scalar in key.unicodeScalars {
      switch scalar {
      case "~": text += "~0"
      case "/": text += "~1"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

/// A line and a column, both counted from 1; the column counts bytes.
public struct JSONPlace: Sendable, CustomStringConvertible {
  /// The line, from 1.
  public let line: Int
  /// The column in bytes, from 1.
  public let column: Int

  init(offset: Int, in bytes: [UInt8]) {
    var line = 1
    var start = 0
    for (index, byte) in bytes[..<offset].enumerated() where byte == 0x0a {
      line += 1
      start = index + 1
    }
    self.line = line
    column = offset - start + 1
  }

  /// Where the value of `pointer` starts; nil when there is none. For messages: it parses the document again.
  public init?(of pointer: String, in bytes: [UInt8], limits: JSON.Limits = JSON.Limits()) {
    var parser = JSONParser(bytes: bytes, limits: limits)
    parser.wanted = pointer
    _ = try? parser.document()
    guard let offset = parser.located else { return nil }
    self.init(offset: offset, in: bytes)
  }

  /// `line:column`.
  public var description: String { "\(line):\(column)" }
}

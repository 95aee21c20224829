public import Diagnostics
public import Wire

/// Reads typed values out of a parsed document; every error names the JSON pointer of the value that is wrong.
public struct JSONReader: Sendable {
  /// The value at this place.
  public let value: JSON
  private let place: Place

  /// The way to a value; written out only where something is wrong there.
  private indirect enum Place: Sendable {
    case start(String)
    case member(String, of: Place)
    case element(Int, of: Place)

    var pointer: String {
      switch self {
      case .start(let pointer): pointer
      case .member(let key, let outer): "\(outer.pointer)/\(JSONPointer.escape(key))"
      case .element(let index, let outer): "\(outer.pointer)/\(index)"
      }
    }
  }

  /// A reader of a whole document, or of a part that stands at `pointer`.
  public init(_ value: JSON, pointer: String = "") { self.init(value, .start(pointer)) }

  private init(_ value: JSON, _ place: Place) {
    self.value = value
    self.place = place
  }

  /// Where the value stands (RFC 6901); empty for the whole document.
  public var pointer: String { place.pointer }

  // MARK: structure

  /// The object at this place.
  public func object() throws(Problem) -> JSONObject {
    guard case .object(let object) = value else { throw wrongKind("an object") }
    return object
  }

  /// Refuses every member but those named: the formats of our own are closed (R7).
  public func closed(_ keys: String...) throws(Problem) {
    for member in try object().members where !keys.contains(where: { $0.isExactly(member.key) }) {
      throw problem("json.unknown-field", "the field “\(member.key)” is not known here", hint: "known: \(keys)")
    }
  }

  /// The member `key`, which must be there.
  public func member(_ key: String) throws(Problem) -> JSONReader {
    guard let member = try optional(key) else { throw problem("json.missing-field", "the field “\(key)” is missing") }
    return member
  }

  /// The member `key`, nil where there is none. `null` is a value, not an absence.
  public func optional(_ key: String) throws(Problem) -> JSONReader? {
    try object()[key].map { JSONReader($0, .member(key, of: place)) }
  }

  /// The elements of the array at this place, at most `limit`.
  public func elements(atMost limit: Int = 4096) throws(Problem) -> [JSONReader] {
    guard case .array(let elements) = value else { throw wrongKind("an array") }
    guard elements.count <= limit else {
      throw problem("json.too-many", "the array has \(elements.count) elements, more than the \(limit) allowed")
    }
    return elements.enumerated().map { JSONReader($0.element, .element($0.offset, of: place)) }
  }

  /// The members of the object at this place, in the order of the document, at most `limit`.
  public func members(atMost limit: Int = 4096) throws(Problem) -> [(key: String, value: JSONReader)] {
    let members = try object().members
    guard members.count <= limit else {
      throw problem("json.too-many", "the object has \(members.count) members, more than the \(limit) allowed")
    }
    return members.map { ($0.key, JSONReader($0.value, .member($0.key, of: place))) }
  }

  // MARK: values

  /// Any text of at most `limit` bytes: for people. What decides about trust is a `token`.
  public func text(atMost limit: Int = 65_536) throws(Problem) -> String {
    guard case .string(let text) = value else { throw wrongKind("a string") }
    guard text.utf8.count <= limit else { throw problem("json.too-long", "the text has more than \(limit) bytes") }
    return text
  }

  /// Text of 1 to `limit` visible ASCII characters without a space: identifiers, URIs, names of algorithms.
  ///
  /// Safe to compare with `==`, because ASCII has one spelling for each character.
  public func token(atMost limit: Int = 2048) throws(Problem) -> String {
    let text = try text(atMost: limit)
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw problem("json.token", "“\(text)” is not a token: visible ASCII characters without a space are expected")
    }
    return text
  }

  /// An integer in `range`.
  public func integer(in range: ClosedRange<Int64> = 0...JSON.largestInteger) throws(Problem) -> Int64 {
    guard case .integer(let integer) = value else { throw wrongKind("an integer") }
    guard range.contains(integer) else {
      throw problem("json.integer-range", "\(integer) is not between \(range.lowerBound) and \(range.upperBound)")
    }
    return integer
  }

  /// A boolean; nothing else counts as one.
  public func bool() throws(Problem) -> Bool {
    guard case .bool(let flag) = value else { throw wrongKind("true or false") }
    return flag
  }

  /// A time in our own spelling.
  public func timestamp() throws(Problem) -> Timestamp {
    let text = try text(atMost: 64)
    do { return try Timestamp(text) } catch { throw located(error) }
  }

  /// Standard base 64.
  public func base64(atMost limit: Int = 32 << 20, alphabet: Base64.Alphabet = .standard) throws(Problem) -> [UInt8] {
    let text = try text(atMost: limit)
    do { return try Base64.decode(text, alphabet: alphabet) } catch { throw located(error) }
  }

  /// Lower-case hexadecimal of exactly `count` bytes, or of any number of them.
  public func hex(count: Int? = nil) throws(Problem) -> [UInt8] {
    let text = try text()
    let bytes: [UInt8]
    do { bytes = try Hex.decode(text) } catch { throw located(error) }
    guard count == nil || bytes.count == count else {
      throw problem("hex.length", "\(bytes.count) bytes stand where \(count ?? 0) are expected")
    }
    return bytes
  }

  /// The value of a closed set of words.
  public func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) throws(Problem) -> Choice
  where Choice.RawValue == String {
    let text = try text(atMost: 256)
    guard let choice = Choice.allCases.first(where: { $0.rawValue.isExactly(text) }) else {
      throw problem(
        "json.choice", "“\(text)” is not one of the words allowed here",
        hint: "allowed: \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  // MARK: lists

  /// The texts of the array at this place: at most `limit` of them, each of at most `length` bytes.
  public func texts(atMost limit: Int = 4096, length: Int = 65_536) throws(Problem) -> [String] {
    try elements(atMost: limit).map { element throws(Problem) in try element.text(atMost: length) }
  }

  /// The tokens of the array at this place, at most `limit`.
  public func tokens(atMost limit: Int = 4096) throws(Problem) -> [String] {
    try elements(atMost: limit).map { element throws(Problem) in try element.token() }
  }

  // MARK: errors

  /// A malformed-input problem at this place.
  public func problem(_ code: String, _ message: String, source: String? = nil, hint: String? = nil) -> Problem {
    .malformed(code, message, place: shown, source: source, hint: hint)
  }

  /// The same problem, with this place put before its own.
  public func located(_ problem: Problem) -> Problem { problem.at(shown) }

  private var shown: String {
    let pointer = pointer
    return pointer.isEmpty ? "/" : pointer
  }

  private func wrongKind(_ expected: String) -> Problem {
    problem("json.kind", "\(value.kind) stands where \(expected) is expected")
  }
}

extension JSON {
  /// Parses `bytes` and reads them with `read`; a problem that has only a pointer gets its line and column too.
  public static func decode<Value>(
    _ bytes: [UInt8], limits: Limits = Limits(), _ read: (JSONReader) throws(Problem) -> Value
  ) throws(Problem) -> Value {
    try decode(bytes, limits: limits, lifting: nil) { reader, _ throws(Problem) in try read(reader) }
  }

  /// Does the same, and hands `read` the member `name` of the outermost object decoded from base 64, so that a large
  /// text is not copied twice. An empty text stands in its place; nil where the reader has to decode it, or to say why it
  /// cannot be.
  public static func decode<Value>(
    _ bytes: [UInt8], limits: Limits = Limits(), lifting member: (name: String, alphabet: Base64.Alphabet)?,
    _ read: (JSONReader, _ lifted: [UInt8]?) throws(Problem) -> Value
  ) throws(Problem) -> Value {
    var parser = try JSONParser(checking: bytes, limits: limits)
    parser.lifting = member
    let document = try parser.document()
    do {
      return try read(JSONReader(document), parser.lifted)
    } catch {
      guard let place = error.place.flatMap({ JSON.place(named: $0, in: bytes, limits: limits) }) else { throw error }
      throw error.at("\(place)")
    }
  }

  /// Where the value stands whose pointer `text` is or begins with: a key may hold colons, and a problem may hold another
  /// place behind `: `.
  private static func place(named text: String, in bytes: [UInt8], limits: Limits) -> JSONPlace? {
    guard text.hasPrefix("/") else { return nil }
    var pointer = text[...]
    while true {
      if let place = JSONPlace(of: pointer == "/" ? "" : String(pointer), in: bytes, limits: limits) { return place }
      // Octet by octet: a search for a string would link the library of regular expressions, a megabyte and a half.
      let octets = pointer.utf8
      let colon = octets.indices.last { octets[$0] == UInt8(ascii: ":") && octets[$0...].dropFirst().first == 0x20 }
      guard let colon else { return nil }
      pointer = text[..<colon]
    }
  }
}

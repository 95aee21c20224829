import Diagnostics

/// The escapes in strings and in patterns: `\n \r \t \\ \0 \' \" \xHH \u{…}`, and `\*` in patterns.
enum StringEscapes {
  /// One element of a string that may be a pattern.
  enum Element {
    case byte(UInt8)
    case star
  }

  /// The text of a string.
  static func text(_ raw: [UInt8], at position: SourcePosition, area: String) throws(Problem) -> Text {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    for element in try elements(raw, isPattern: false, at: position, area: area) {
      if case .byte(let byte) = element { bytes.append(byte) }
    }
    return Text(utf8: bytes)
  }

  /// The pattern behind `like`: an unescaped star stands for any text.
  static func pattern(_ raw: [UInt8], at position: SourcePosition) throws(Problem) -> Pattern {
    Pattern(
      parts: try elements(raw, isPattern: true, at: position, area: "cedar").map { element in
        switch element {
        case .byte(let byte): UInt16(byte)
        case .star: Pattern.star
        }
      })
  }

  private static func elements(
    _ raw: [UInt8], isPattern: Bool, at position: SourcePosition, area: String
  ) throws(Problem) -> [Element] {
    var rest = raw[...]
    var result: [Element] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\\"):
        if isPattern, rest.first == UInt8(ascii: "*") {
          rest.removeFirst()
          result.append(.byte(UInt8(ascii: "*")))
        } else if let scalar = escape(&rest) {
          result += Array(String(scalar).utf8).map { .byte($0) }
        } else {
          throw .malformed(
            "\(area).escape", "a string holds an escape that there is not", place: "\(position)",
            hint: "write \\n \\r \\t \\\\ \\0 \\' \\\" \\x41 or \\u{1f600}")
        }
      case UInt8(ascii: "*") where isPattern: result.append(.star)
      case 0x0d:
        throw .malformed("\(area).escape", "a bare carriage return stands in a string", place: "\(position)")
      default: result.append(.byte(byte))
      }
    }
    return result
  }

  /// The character of the escape whose backslash is passed; nil when there is no such escape.
  private static func escape(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard let kind = rest.popFirst() else { return nil }
    switch kind {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "0"): return "\0"
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "'"): return "'"
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "x"):
      guard rest.count >= 2, let value = hexadecimal(rest.prefix(2)), value < 0x80 else { return nil }
      rest = rest.dropFirst(2)
      return Unicode.Scalar(value)
    case UInt8(ascii: "u"): return unicode(&rest)
    default: return nil
    }
  }

  /// `{` one to six hexadecimal digits, with underscores behind the first, and `}`.
  private static func unicode(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")) else { return nil }
    let inner = rest[(rest.startIndex + 1)..<end]
    guard inner.first != UInt8(ascii: "_") else { return nil }
    let digits = inner.filter { $0 != UInt8(ascii: "_") }
    guard (1...6).contains(digits.count), let value = hexadecimal(digits[...]) else { return nil }
    rest = rest[(end + 1)...]
    return Unicode.Scalar(value)
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    for digit in digits {
      guard digit < 0x80, let next = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
      value = value << 4 | UInt32(next)
    }
    return value
  }
}

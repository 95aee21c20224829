/// Text compared byte by byte, as Cedar compares strings: Swift's `==` on `String` takes different spellings of a
/// character as one, which must not decide about rights.
public struct Text: Hashable, Sendable {
  /// The bytes in UTF-8.
  public let bytes: [UInt8]

  /// The text of a string.
  public init(_ string: some StringProtocol) { bytes = Array(string.utf8) }

  /// The text of bytes that are UTF-8 already.
  init(utf8 bytes: [UInt8]) { self.bytes = bytes }

  /// The text as a string.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Feeds eight bytes at a time; the count goes first, so that no two texts feed the same.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(bytes.count)
    var word: UInt64 = 0
    var filled = 0
    for byte in bytes {
      word = word << 8 | UInt64(byte)
      filled += 1
      if filled == 8 {
        hasher.combine(word)
        (word, filled) = (0, 0)
      }
    }
    if filled > 0 { hasher.combine(word) }
  }
}

extension Text: Comparable {
  /// The order of the bytes.
  public static func < (left: Text, right: Text) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

extension Text: ExpressibleByStringLiteral, CustomStringConvertible {
  /// The text of a literal.
  public init(stringLiteral value: String) { self.init(value) }

  /// The text as it is.
  public var description: String { string }

  /// The text as a literal of Cedar: in quotation marks, with what could not be seen escaped.
  public var quoted: String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\0": result += "\\0"
      default:
        if Text.isShown(scalar) {
          result.unicodeScalars.append(scalar)
        } else {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        }
      }
    }
    return result + "\""
  }

  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
    default: true
    }
  }
}

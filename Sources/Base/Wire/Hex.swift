public import Diagnostics

/// Hexadecimal text: lower case out; in, lower case only, so that one value has one spelling.
public enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  /// The lower-case hexadecimal of `bytes`.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.underestimatedCount * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes of `text`; an odd length, an upper-case digit or any other character is malformed.
  public static func decode(_ text: String) throws(Problem) -> [UInt8] {
    let utf8 = Array(text.utf8)
    guard utf8.count.isMultiple(of: 2) else {
      throw .malformed("hex.length", "hexadecimal text has an odd number of digits")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count / 2)
    for index in stride(from: 0, to: utf8.count, by: 2) {
      guard let high = nibble(utf8[index]), let low = nibble(utf8[index + 1]) else {
        throw .malformed("hex.digit", "hexadecimal text holds something else than 0-9 and a-f", place: "\(index)")
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func nibble(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x61...0x66: character - 0x61 + 10
    default: nil
    }
  }
}

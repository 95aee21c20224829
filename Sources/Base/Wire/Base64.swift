public import Diagnostics

/// Base 64 (RFC 4648), read strictly: padding is required, its spare bits are zero, nothing else may stand in the text.
///
/// One value has one spelling for an alphabet, so a changed character is always noticed.
public enum Base64 {
  /// Which 64 characters are accepted.
  public enum Alphabet: Sendable {
    /// RFC 4648 section 4 (`+` and `/`).
    case standard
    /// RFC 4648 section 4 or section 5 (`-` and `_`), but not a mixture of both. DSSE envelopes may use either.
    case standardOrURLSafe
  }

  private static let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The value of each character, 0xff where it has none; index 256 and up: the URL-safe spelling.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xff, count: 256)
    for (value, character) in characters.enumerated() { table[Int(character)] = UInt8(value) }
    return table
  }()

  /// The standard, padded base 64 of `bytes`.
  public static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
      let left = bytes.count - index
      let group =
        UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
        | (left > 2 ? UInt32(bytes[index + 2]) : 0)
      text.append(characters[Int(group >> 18 & 63)])
      text.append(characters[Int(group >> 12 & 63)])
      text.append(left > 1 ? characters[Int(group >> 6 & 63)] : 0x3d)
      text.append(left > 2 ? characters[Int(group & 63)] : 0x3d)
      index += 3
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes of `text`.
  public static func decode(_ text: String, alphabet: Alphabet = .standard) throws(Problem) -> [UInt8] {
    var utf8 = Array(text.utf8)
    guard utf8.count.isMultiple(of: 4) else {
      throw .malformed("base64.length", "base 64 text is not a multiple of four characters", source: "RFC 4648 §4")
    }
    if alphabet == .standardOrURLSafe { try foldURLSafe(&utf8) }
    return try decodeStandard(utf8)
  }

  private static func decodeStandard(_ utf8: [UInt8]) throws(Problem) -> [UInt8] {
    if utf8.isEmpty { return [] }
    let padding = utf8[utf8.count - 1] != 0x3d ? 0 : utf8[utf8.count - 2] != 0x3d ? 1 : 2
    let table = values
    var bytes = [UInt8](repeating: 0, count: utf8.count / 4 * 3 - padding)
    let whole = padding == 0 ? utf8.count : utf8.count - 4
    var index = 0
    var place = 0
    while index < whole {
      let a = table[Int(utf8[index])]
      let b = table[Int(utf8[index + 1])]
      let c = table[Int(utf8[index + 2])]
      let d = table[Int(utf8[index + 3])]
      if (a | b | c | d) & 0xc0 != 0 { throw garbage(index) }
      bytes[place] = a << 2 | b >> 4
      bytes[place &+ 1] = b << 4 | c >> 2
      bytes[place &+ 2] = c << 6 | d
      index &+= 4
      place &+= 3
    }
    guard padding > 0 else { return bytes }
    let a = table[Int(utf8[index])]
    let b = table[Int(utf8[index + 1])]
    let c = padding == 1 ? table[Int(utf8[index + 2])] : 0
    if (a | b | c) & 0xc0 != 0 { throw garbage(index) }
    guard padding == 2 ? b & 15 == 0 : c & 3 == 0 else {
      throw .malformed("base64.spare-bits", "the spare bits of base 64 padding are not zero", source: "RFC 4648 §3.5")
    }
    bytes[place] = a << 2 | b >> 4
    if padding == 1 { bytes[place + 1] = b << 4 | c >> 2 }
    return bytes
  }

  private static func foldURLSafe(_ utf8: inout [UInt8]) throws(Problem) {
    var standard = false
    var urlSafe = false
    for index in utf8.indices {
      switch utf8[index] {
      case 0x2b, 0x2f: standard = true
      case 0x2d:
        urlSafe = true
        utf8[index] = 0x2b
      case 0x5f:
        urlSafe = true
        utf8[index] = 0x2f
      default: break
      }
    }
    if standard && urlSafe {
      throw .malformed("base64.alphabet", "base 64 text mixes the standard and the URL-safe alphabet")
    }
  }

  private static func garbage(_ index: Int) -> Problem {
    .malformed(
      "base64.character", "base 64 text holds a character outside its alphabet", place: "\(index)",
      source: "RFC 4648 §3.3")
  }
}

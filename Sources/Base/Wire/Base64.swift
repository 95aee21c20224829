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

  /// The value of each character in its low six bits, and above them what kind of character it is.
  private static let values: [UInt32] = {
    var table = [UInt32](repeating: garbage, count: 256)
    for (value, character) in characters.enumerated() { table[Int(character)] = UInt32(value) }
    table[0x2b] = 62 | standardOnly
    table[0x2f] = 63 | standardOnly
    table[0x2d] = 62 | urlSafeOnly
    table[0x5f] = 63 | urlSafeOnly
    return table
  }()
  /// The same for each of the four characters of a group, whose bits stand where they stand in the group.
  private static let shiftedValues: [UInt32] = [18, 12, 6, 0].flatMap { (shift: UInt32) in
    values.map { $0 & ~63 | ($0 & 63) << shift }
  }
  private static let standardOnly: UInt32 = 1 << 24
  private static let urlSafeOnly: UInt32 = 1 << 25
  private static let garbage: UInt32 = 1 << 26

  /// The standard, padded base 64 of `bytes`.
  public static func encode(_ bytes: [UInt8]) -> String {
    var text = [UInt8](repeating: 0x3d, count: (bytes.count + 2) / 3 * 4)
    let whole = bytes.count - bytes.count % 3
    encodeGroups(bytes.span, whole: whole, into: &text)
    let left = bytes.count - whole
    if left > 0 {
      let group = UInt32(bytes[whole]) << 16 | (left > 1 ? UInt32(bytes[whole + 1]) << 8 : 0)
      let place = text.count - 4
      text[place] = characters[Int(group >> 18 & 63)]
      text[place + 1] = characters[Int(group >> 12 & 63)]
      if left > 1 { text[place + 2] = characters[Int(group >> 6 & 63)] }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Encodes whole groups of three bytes.
  private static func encodeGroups(_ bytes: Span<UInt8>, whole: Int, into text: inout [UInt8]) {
    let characters = characters.span
    var output = text.mutableSpan
    precondition(whole <= bytes.count && whole / 3 * 4 <= output.count && characters.count == 64)
    var index = 0
    var place = 0
    while index < whole {
      // Safe: `whole` is a multiple of three within what the precondition compares, and six bits are less than 64.
      let group =
        unsafe UInt32(bytes[unchecked: index]) << 16 | UInt32(bytes[unchecked: index &+ 1]) << 8
        | UInt32(bytes[unchecked: index &+ 2])
      unsafe output[unchecked: place] = characters[unchecked: Int(group >> 18)]
      unsafe output[unchecked: place &+ 1] = characters[unchecked: Int(group >> 12 & 63)]
      unsafe output[unchecked: place &+ 2] = characters[unchecked: Int(group >> 6 & 63)]
      unsafe output[unchecked: place &+ 3] = characters[unchecked: Int(group & 63)]
      index &+= 3
      place &+= 4
    }
  }

  /// The bytes of `text`.
  public static func decode(_ text: String, alphabet: Alphabet = .standard) throws(Problem) -> [UInt8] {
    var text = text
    text.makeContiguousUTF8()
    return try decode(text.utf8Span.span, alphabet: alphabet)
  }

  /// The bytes of a text that stands in a larger one.
  public static func decode(_ characters: Span<UInt8>, alphabet: Alphabet) throws(Problem) -> [UInt8] {
    let count = characters.count
    guard count.isMultiple(of: 4) else {
      throw .malformed("base64.length", "base 64 text is not a multiple of four characters", source: "RFC 4648 §4")
    }
    if count == 0 { return [] }
    let padding = characters[count - 1] != 0x3d ? 0 : characters[count - 2] != 0x3d ? 1 : 2
    var bytes = [UInt8](repeating: 0, count: count / 4 * 3 - padding)
    let whole = padding == 0 ? count : count - 4
    var kinds = decodeGroups(characters.extracting(0..<whole), into: &bytes)
    if padding > 0 {
      let last = characters.extracting(whole..<count)
      kinds |= try decodeLast(last, padding: padding, into: &bytes)
    }
    guard kinds & garbage == 0, alphabet == .standardOrURLSafe || kinds & urlSafeOnly == 0 else {
      throw character(firstGarbage(characters.extracting(0..<(count - padding)), alphabet))
    }
    guard kinds & standardOnly == 0 || kinds & urlSafeOnly == 0 else {
      throw .malformed("base64.alphabet", "base 64 text mixes the standard and the URL-safe alphabet")
    }
    return bytes
  }

  /// Decodes whole groups of four characters; the kinds of all of them come back, and are judged once at the end,
  /// because most bytes of a signed document pass through this loop.
  private static func decodeGroups(_ characters: Span<UInt8>, into bytes: inout [UInt8]) -> UInt32 {
    let table = shiftedValues.span
    var output = bytes.mutableSpan
    precondition(characters.count / 4 * 3 <= output.count && table.count == 1024)
    var kinds: UInt32 = 0
    var index = 0
    var place = 0
    while index &+ 4 <= characters.count {
      // Safe: both places are within what the precondition and the loop compare, and a byte is less than 256.
      let group =
        unsafe table[unchecked: Int(characters[unchecked: index])]
        | table[unchecked: 256 &+ Int(characters[unchecked: index &+ 1])]
        | table[unchecked: 512 &+ Int(characters[unchecked: index &+ 2])]
        | table[unchecked: 768 &+ Int(characters[unchecked: index &+ 3])]
      kinds |= group
      unsafe output[unchecked: place] = UInt8(truncatingIfNeeded: group >> 16)
      unsafe output[unchecked: place &+ 1] = UInt8(truncatingIfNeeded: group >> 8)
      unsafe output[unchecked: place &+ 2] = UInt8(truncatingIfNeeded: group)
      index &+= 4
      place &+= 3
    }
    return kinds
  }

  /// Decodes the last group, which ends in one or two padding characters.
  private static func decodeLast(
    _ characters: Span<UInt8>, padding: Int, into bytes: inout [UInt8]
  ) throws(Problem) -> UInt32 {
    let a = values[Int(characters[0])]
    let b = values[Int(characters[1])]
    let c = padding == 1 ? values[Int(characters[2])] : 0
    let kinds = a | b | c
    guard kinds & garbage != 0 || (padding == 2 ? b & 15 == 0 : c & 3 == 0) else {
      throw .malformed("base64.spare-bits", "the spare bits of base 64 padding are not zero", source: "RFC 4648 §3.5")
    }
    bytes[bytes.count - 3 + padding] = UInt8(truncatingIfNeeded: a << 2 | (b >> 4 & 3))
    if padding == 1 { bytes[bytes.count - 1] = UInt8(truncatingIfNeeded: b << 4 | (c >> 2 & 15)) }
    return kinds
  }

  private static func firstGarbage(_ characters: Span<UInt8>, _ alphabet: Alphabet) -> Int {
    let refused = alphabet == .standard ? garbage | urlSafeOnly : garbage
    for index in characters.indices where values[Int(characters[index])] & refused != 0 { return index }
    return characters.count
  }

  private static func character(_ index: Int) -> Problem {
    .malformed(
      "base64.character", "base 64 text holds a character outside its alphabet", place: "\(index)",
      source: "RFC 4648 §3.3")
  }
}

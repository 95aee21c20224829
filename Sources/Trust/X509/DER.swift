public import Diagnostics

/// A strict reader of DER (X.690 §10, §11) for the few structures that certificates of ours need: tags of one byte,
/// definite lengths in their shortest form, nothing after the last element.
public struct DER: Sendable {
  /// One element: its tag byte and its content.
  public struct Element: Sendable, Equatable {
    /// Class, constructed bit and number, in one byte.
    public let tag: UInt8
    /// What stands inside.
    public let content: [UInt8]
  }

  /// Universal tags that are read here.
  public enum Tag {
    /// BOOLEAN.
    public static let boolean: UInt8 = 0x01
    /// INTEGER.
    public static let integer: UInt8 = 0x02
    /// BIT STRING.
    public static let bitString: UInt8 = 0x03
    /// OCTET STRING.
    public static let octetString: UInt8 = 0x04
    /// OBJECT IDENTIFIER.
    public static let objectIdentifier: UInt8 = 0x06
    /// UTF8String.
    public static let utf8String: UInt8 = 0x0c
    /// SEQUENCE.
    public static let sequence: UInt8 = 0x30
  }

  /// The elements that stand one after another in `bytes`, at most `limit`.
  public static func elements(_ bytes: [UInt8], atMost limit: Int = 256) throws(Problem) -> [Element] {
    try places(in: bytes, 0..<bytes.count, atMost: limit).map {
      Element(tag: $0.tag, content: Array(bytes[$0.content]))
    }
  }

  /// Where an element stands in the bytes that hold it.
  struct Place {
    let tag: UInt8
    /// With tag and length.
    let whole: Range<Int>
    /// What stands inside.
    let content: Range<Int>
  }

  /// The places of the elements that stand one after another in this part of `bytes`, at most `limit`.
  static func places(in bytes: [UInt8], _ part: Range<Int>, atMost limit: Int = 256) throws(Problem) -> [Place] {
    var places: [Place] = []
    var index = part.lowerBound
    while index < part.upperBound {
      guard places.count < limit else { throw malformed("it has more than \(limit) elements") }
      let start = index
      let tag = bytes[index]
      guard tag & 0x1f != 0x1f else { throw malformed("it has a tag of several bytes") }
      index += 1
      let count = try length(bytes, &index, end: part.upperBound)
      guard count <= part.upperBound - index else { throw malformed("an element is longer than what holds it") }
      places.append(Place(tag: tag, whole: start..<(index + count), content: index..<(index + count)))
      index += count
    }
    return places
  }

  /// The place of the only element of this part of `bytes`, which must have this tag.
  static func place(in bytes: [UInt8], _ part: Range<Int>, tag: UInt8) throws(Problem) -> Place {
    let places = try places(in: bytes, part, atMost: 1)
    guard let place = places.first, place.tag == tag else {
      throw malformed("the element with the tag \(tag) is missing")
    }
    return place
  }

  /// The content of the only element of `bytes`, which must have this tag.
  public static func single(_ bytes: [UInt8], tag: UInt8) throws(Problem) -> [UInt8] {
    Array(bytes[try place(in: bytes, 0..<bytes.count, tag: tag).content])
  }

  /// Reads a length: one byte below 128, else the number of its bytes and the bytes, as few as possible.
  private static func length(_ bytes: [UInt8], _ index: inout Int, end: Int) throws(Problem) -> Int {
    guard index < end else { throw malformed("a length is missing") }
    let first = bytes[index]
    index += 1
    if first < 0x80 { return Int(first) }
    let count = Int(first & 0x7f)
    guard (1...4).contains(count), count <= end - index else { throw malformed("a length is not definite") }
    let value = bytes[index..<(index + count)].reduce(0) { $0 << 8 | Int($1) }
    guard value >= 0x80, bytes[index] != 0 else { throw malformed("a length is not in its shortest form") }
    index += count
    return value
  }

  /// The dotted text of an object identifier's content (X.690 §8.19).
  public static func dotted(_ content: [UInt8]) throws(Problem) -> String {
    var numbers: [UInt64] = []
    var value: UInt64 = 0
    var isInside = false
    for byte in content {
      guard isInside || byte != 0x80, value < 1 << 56, numbers.count < 32 else {
        throw malformed("an object identifier is not in its shortest form, or too long")
      }
      value = value << 7 | UInt64(byte & 0x7f)
      isInside = byte & 0x80 != 0
      if !isInside {
        numbers.append(value)
        value = 0
      }
    }
    guard let first = numbers.first, !isInside else { throw malformed("an object identifier ends too early") }
    let top = min(first / 40, 2)
    return ([top, first - top * 40] + numbers.dropFirst()).map(String.init).joined(separator: ".")
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed("der.format", "this is not DER: \(why)", source: "X.690 §10")
  }
}

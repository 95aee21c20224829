import Diagnostics

extension DER {
  /// An element with this tag and content, its length in the shortest form.
  static func encode(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
    var length: [UInt8] = []
    var rest = content.count
    while rest > 0 {
      length.insert(UInt8(rest & 0xff), at: 0)
      rest >>= 8
    }
    return [tag, 0x80 | UInt8(length.count)] + length + content
  }

  /// The content of an object identifier that is written with dots; only identifiers of our own source come here.
  static func identifier(_ dotted: String) -> [UInt8] {
    let numbers = dotted.split(separator: ".").compactMap { UInt64($0) }
    var content: [UInt8] = []
    for number in [numbers[0] * 40 + numbers[1]] + numbers.dropFirst(2) {
      var groups = [UInt8(number & 0x7f)]
      var rest = number >> 7
      while rest > 0 {
        groups.insert(UInt8(rest & 0x7f) | 0x80, at: 0)
        rest >>= 7
      }
      content += groups
    }
    return content
  }

  /// The content of an INTEGER for a number in big-endian bytes: as short as possible, and not negative.
  static func positive(_ bytes: [UInt8]) -> [UInt8] {
    let digits = Array(bytes.drop { $0 == 0 })
    guard let first = digits.first else { return [0] }
    return first & 0x80 == 0 ? digits : [0] + digits
  }

  /// Refuses bytes that are not one element in DER all the way down: definite lengths in their shortest form,
  /// strings in one piece, no long tags, nothing left over.
  ///
  /// The order inside a SET is not judged: many authorities write the certificates of a token in the order of their
  /// chain, and nothing that is decided here depends on it.
  static func requireStrict(_ bytes: [UInt8], depth: Int = 24) throws(Problem) {
    for element in try elements(bytes, atMost: 1) { try requireStrict(element, depth: depth) }
  }

  private static func requireStrict(_ element: Element, depth: Int) throws(Problem) {
    let isConstructed = element.tag & 0x20 != 0
    // Of the universal types EXTERNAL (8), SEQUENCE (16) and SET (17) have elements, and no other has.
    if element.tag & 0xc0 == 0 {
      guard isConstructed == [8, 16, 17].contains(element.tag & 0x1f) else {
        throw .malformed("der.format", "this is not DER: a string in pieces, or a bare sequence", source: "X.690 §10.2")
      }
    }
    guard isConstructed else { return }
    guard depth > 0 else { throw .malformed("der.depth", "elements lie too deep inside one another") }
    for inner in try elements(element.content) { try requireStrict(inner, depth: depth - 1) }
  }
}

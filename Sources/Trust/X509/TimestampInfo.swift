import CCrypto
public import Cryptography
import Diagnostics
public import Wire

/// What a timestamp authority signs: that a digest existed at a time (TSTInfo, RFC 3161 §2.4.2).
public struct TimestampInfo: Sendable, Equatable {
  /// The digest that was sent to the authority, and its hash function.
  public let imprint: Digest
  /// The time, its fraction of a second cut off.
  public let time: Timestamp
  /// The digits after the point, without a zero at the end; empty for a whole second.
  public let fraction: String
  /// The authority's number for the token: an INTEGER's content, shown in hexadecimal.
  public let serial: String
  /// The dotted identifier of the authority's policy.
  public let policy: String
  /// The number that the request held: an INTEGER's content; nil where none.
  public let nonce: [UInt8]?
  /// The GeneralName of the authority in DER, nil where the token names none.
  let authority: [UInt8]?

  /// Reads a TSTInfo in DER; the hash functions SHA-256, SHA-384 and SHA-512 alone are taken.
  init(der: [UInt8]) throws(Problem) {
    guard TimestampInfo.survives(der) else { throw TimestampInfo.malformed("libcrypto would write it differently") }
    var rest = try DER.elements(try DER.single(der, tag: DER.Tag.sequence), atMost: 10)[...]
    guard rest.popFirst() == DER.Element(tag: DER.Tag.integer, content: [1]) else {
      throw .malformed("timestamp.version", "the token's version is not 1", source: "RFC 3161 §2.4.2")
    }
    policy = try DER.dotted(try TimestampInfo.next(&rest, DER.Tag.objectIdentifier))
    imprint = try TimestampInfo.imprint(try TimestampInfo.next(&rest, DER.Tag.sequence))
    serial = Hex.encode(try TimestampInfo.next(&rest, DER.Tag.integer))
    (time, fraction) = try TimestampInfo.time(try TimestampInfo.next(&rest, 0x18))
    // Accuracy and ordering: they widen no interval here, so that nothing is decided by them.
    TimestampInfo.skip(&rest, DER.Tag.sequence)
    TimestampInfo.skip(&rest, DER.Tag.boolean)
    nonce = rest.first?.tag == DER.Tag.integer ? rest.removeFirst().content : nil
    authority = rest.first?.tag == 0xa0 ? rest.removeFirst().content : nil
    if rest.first?.tag == 0xa1 { try TimestampInfo.requireKnown(rest.removeFirst().content) }
    guard rest.isEmpty else { throw TimestampInfo.malformed("something stands where nothing should") }
  }

  private static func next(_ rest: inout ArraySlice<DER.Element>, _ tag: UInt8) throws(Problem) -> [UInt8] {
    guard let element = rest.popFirst(), element.tag == tag else { throw malformed("a field is missing") }
    return element.content
  }

  private static func skip(_ rest: inout ArraySlice<DER.Element>, _ tag: UInt8) {
    if rest.first?.tag == tag { rest.removeFirst() }
  }

  private static func imprint(_ content: [UInt8]) throws(Problem) -> Digest {
    let parts = try DER.elements(content, atMost: 2)
    guard parts.count == 2, parts[0].tag == DER.Tag.sequence, parts[1].tag == DER.Tag.octetString else {
      throw malformed("the imprint has not two parts")
    }
    let algorithm = try DER.elements(parts[0].content, atMost: 2)
    guard let name = algorithm.first, name.tag == DER.Tag.objectIdentifier else {
      throw malformed("the hash function has no name")
    }
    let identifier = try DER.dotted(name.content)
    guard let hash = HashAlgorithm.allCases.first(where: { $0.identifier == identifier }) else {
      throw .refused(
        "timestamp.imprint-algorithm", "the token's hash function \(identifier) is not one that we take",
        source: "RFC 3161 §2.4.1; P1-9", hint: "ask for a token over sha256, sha384 or sha512")
    }
    // The parameters are absent or NULL (RFC 5754 §2).
    guard algorithm.count == 1 || algorithm[1] == DER.Element(tag: 0x05, content: []) else {
      throw malformed("the hash function has parameters")
    }
    return try Digest(hash, bytes: parts[1].content)
  }

  /// `YYYYMMDDhhmmss`, perhaps a point and digits of which the last is not zero, and `Z`.
  private static func time(_ content: [UInt8]) throws(Problem) -> (Timestamp, String) {
    let digits = content.dropLast()
    let fraction = digits.dropFirst(15)
    guard content.last == UInt8(ascii: "Z"), digits.count == 14 || (16...30).contains(digits.count),
      digits.prefix(14).allSatisfy({ (0x30...0x39).contains($0) }), fraction.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.count == 14 || digits[14] == UInt8(ascii: "."), fraction.last != 0x30
    else { throw malformed("its time is not in the form of the specification") }
    func text(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
    let rfc3339 = "\(text(0..<4))-\(text(4..<6))-\(text(6..<8))T\(text(8..<10)):\(text(10..<12)):\(text(12..<14))Z"
    return (try Timestamp(rfc3339), String(decoding: fraction, as: UTF8.self))
  }

  /// Nobody has defined an extension that we know, so that a critical one is refused.
  private static func requireKnown(_ extensions: [UInt8]) throws(Problem) {
    for element in try DER.elements(extensions, atMost: 32) {
      let parts = try DER.elements(element.content, atMost: 3)
      if parts.count == 3 {
        throw .refused(
          "timestamp.extension", "the token has a critical extension that we do not know", source: "RFC 3161 §2.4.2")
      }
    }
  }

  /// Whether libcrypto reads all of `der` and writes the same bytes again.
  private static func survives(_ der: [UInt8]) -> Bool {
    LibCrypto.ready
    // Safe: d2i reads at most `count` bytes of an array that is alive, and returns a value that is freed here.
    let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe d2i_TS_TST_INFO(nil, &position, buffer.count)
    }
    guard let parsed = unsafe parsed else {
      ERR_clear_error()
      return false
    }
    defer { unsafe TS_TST_INFO_free(parsed) }
    return unsafe encoding { unsafe i2d_TS_TST_INFO(parsed, $0) } == der
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed("timestamp.info", "the token's content is malformed: \(why)", source: "RFC 3161 §2.4.2")
  }
}

public import Diagnostics

/// A timestamp token (RFC 3161 §2.4.2), read but not judged.
public struct TimestampToken: Sendable, Equatable {
  /// The largest token or response that is read: 64 KiB.
  public static let sizeLimit = 65_536
  /// The largest number of certificates inside.
  public static let certificateLimit = 16

  /// The TimeStampToken: CMS signed data in DER, without the response around it.
  public let der: [UInt8]
  /// What the authority says.
  public let info: TimestampInfo
  /// The certificates that came with it, in DER: candidates, which nobody has to trust.
  public let certificates: [[UInt8]]

  /// Reads a TimeStampResp that was granted, or a bare TimeStampToken; nothing is verified yet.
  ///
  /// - Throws: `timestamp.size`, `der.format` and `timestamp.format` for bytes that are neither, `timestamp.status` for
  ///   a refusal of the authority, `timestamp.content`, `timestamp.signers`, `timestamp.info`,
  ///   `timestamp.imprint-algorithm`, `timestamp.extension`.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= TimestampToken.sizeLimit else {
      throw .malformed("timestamp.size", "a timestamp has at most \(TimestampToken.sizeLimit) bytes")
    }
    try DER.requireStrict(bytes)
    let parts = try DER.elements(try DER.single(bytes, tag: DER.Tag.sequence))
    guard let first = parts.first, parts.count <= 2 else { throw TimestampToken.malformed("it has not two parts") }
    if first.tag == DER.Tag.sequence {
      try TimestampToken.requireGranted(first.content)
      guard parts.count == 2 else { throw TimestampToken.malformed("the response has no token") }
      // Writing the element anew gives its very bytes: its length was in the one form that DER has.
      der = DER.encode(parts[1].tag, parts[1].content)
    } else {
      der = bytes
    }
    let message = try SignedMessage(der: der)
    info = try TimestampInfo(der: try message.content())
    certificates = try message.certificates(atMost: TimestampToken.certificateLimit)
  }

  /// The status of a response must be `granted`: with modifications, the token is not what was asked for.
  private static func requireGranted(_ status: [UInt8]) throws(Problem) {
    let parts = try DER.elements(status, atMost: 3)
    guard let first = parts.first, first.tag == DER.Tag.integer, first.content.count == 1 else {
      throw malformed("its status is no number")
    }
    guard first.content == [0] else {
      throw .refused(
        "timestamp.status", "the authority did not grant the timestamp: status \(first.content[0])",
        source: "RFC 3161 §2.4.2", hint: "ask again; the authority's answer may say why")
    }
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed(
      "timestamp.format", "this is neither a timestamp response nor a token: \(why)", source: "RFC 3161 §2.4.2")
  }
}

import Cryptography
public import Diagnostics
import NetworkTypes

/// Server cookies: a client that has one of ours can receive where it says that it is (RFC 7873; form of RFC 9018, 4).
public struct CookieJar: Sendable {
  private let hash: ShortHash

  /// A jar with a secret of sixteen octets; servers that share an address share it.
  public init(secret: [UInt8]) throws(Problem) { hash = try ShortHash(key: secret) }

  /// Seconds that a cookie is taken after it was made, and by which clocks may differ (RFC 9018, 4.3).
  static let lifetime: UInt32 = 3600
  static let skew: UInt32 = 300

  /// The last eight octets of a cookie: over the client's, version 1 with what is reserved, the time and the client's
  /// address. What is reserved is zero in cookies that we make, and counts as it came in those that we check.
  func tag(client: UInt64, version: UInt32 = 0x0100_0000, time: UInt32, source: IPAddress) -> UInt64 {
    var input = InlineArray<32, UInt8>(repeating: 0)
    for index in 0..<8 { input[index] = UInt8(truncatingIfNeeded: client >> UInt64(56 - 8 * index)) }
    for index in 0..<4 { input[8 + index] = UInt8(truncatingIfNeeded: version >> UInt32(24 - 8 * index)) }
    for index in 0..<4 { input[12 + index] = UInt8(truncatingIfNeeded: time >> UInt32(24 - 8 * index)) }
    switch source {
    case .v4(let value):
      for index in 0..<4 { input[16 + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
      return hash.tag(input.span.extracting(0..<20))
    case .v6(let value):
      for index in 0..<16 { input[16 + index] = UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * index)) }
      return hash.tag(input.span.extracting(0..<32))
    }
  }

  /// Whether the option's data, client part and server part, hold a cookie of ours for this source that is not too old.
  func isValid(_ bytes: Span<UInt8>, at start: Int, length: Int, source: IPAddress, now: UInt32) -> Bool {
    guard length == 24, bytes[start + 8] == 1 else { return false }
    let time = UInt32(bytes.word(start + 12)) << 16 | UInt32(bytes.word(start + 14))
    // Serial arithmetic: the clock wraps in 2106 (RFC 9018, 4.3).
    let age = Int32(bitPattern: now &- time)
    guard age <= Int32(CookieJar.lifetime), age >= -Int32(CookieJar.skew) else { return false }
    // A forger learns nothing from how long the comparison of two words takes.
    let version = UInt32(bytes.word(start + 8)) << 16 | UInt32(bytes.word(start + 10))
    let expected = tag(client: CookieJar.long(bytes, start), version: version, time: time, source: source)
    return CookieJar.long(bytes, start + 16) == expected
  }

  static func long(_ bytes: Span<UInt8>, _ at: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<8 { value = value << 8 | UInt64(bytes[at + index]) }
    return value
  }
}

import CCrypto
import Wire

/// A UUID made from a name (RFC 9562 §5.5, version 5): the same name has the same UUID everywhere.
///
/// SHA-1 is what version 5 prescribes. The UUID names a document and proves nothing about it: nothing here compares
/// it to decide about trust, so that a collision would at worst give two documents one name.
public struct NameBasedUUID: Hashable, Sendable, CustomStringConvertible {
  /// The 16 bytes.
  public let bytes: [UInt8]

  /// The name space of URLs (RFC 9562 §6.6).
  public static let urls = NameBasedUUID(unchecked: [
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
  ])
  /// The name space of domain names (RFC 9562 §6.6).
  public static let domainNames = NameBasedUUID(unchecked: [
    0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
  ])

  private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  /// The UUID of `name` in `space`.
  public init(of name: [UInt8], in space: NameBasedUUID) {
    let input = space.bytes + name
    var digest = [UInt8](repeating: 0, count: 20)
    LibCrypto.ready
    // Safe: both arrays are alive for the call, and SHA-1 writes 20 bytes.
    let result = unsafe input.withUnsafeBytes {
      unsafe EVP_Digest($0.baseAddress, $0.count, &digest, nil, EVP_sha1(), nil)
    }
    guard result == 1 else { fatalError("libcrypto has no SHA-1 for UUIDs") }
    digest[6] = digest[6] & 0x0f | 0x50
    digest[8] = digest[8] & 0x3f | 0x80
    bytes = Array(digest[..<16])
  }

  /// 8, 4, 4, 4 and 12 lower-case hexadecimal digits.
  public var description: String {
    let parts = [bytes[0..<4], bytes[4..<6], bytes[6..<8], bytes[8..<10], bytes[10..<16]]
    return parts.map { Hex.encode($0) }.joined(separator: "-")
  }
}

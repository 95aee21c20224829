import Cryptography
import Diagnostics
import StrictJSON
import Wire
import X509

/// What the JSON of protocol buffers does in its own way: 64-bit integers as text, and defaults that are left out
/// (protobuf.dev, "ProtoJSON Format").
extension JSONReader {
  /// An integer that is not negative, as a number or as decimal text without superfluous zeros.
  func count() throws(Problem) -> Int {
    guard case .string = value else { return Int(try integer()) }
    let text = try token(atMost: 20)
    guard let number = Int(text), number >= 0, String(number) == text else {
      throw problem("sigstore.number", "this is not a number from 0 to 2^63-1")
    }
    return number
  }

  /// A member that is there; null is how some writers say that it is not.
  func present(_ key: String) throws(Problem) -> JSONReader? {
    try optional(key).flatMap { $0.value == .null ? nil : $0 }
  }

  /// A member that may be left out when it is zero.
  func countOrZero(_ key: String) throws(Problem) -> Int { try present(key)?.count() ?? 0 }

  /// 1 to `limit` bytes in base 64, in either alphabet.
  func bytes(atMost limit: Int) throws(Problem) -> [UInt8] {
    let bytes = try base64(atMost: (limit + 2) / 3 * 4, alphabet: .standardOrURLSafe)
    guard (1...limit).contains(bytes.count) else {
      throw problem("sigstore.length", "there must be 1 to \(limit) bytes here")
    }
    return bytes
  }

  /// Like `bytes`, with line breaks between the characters: the command `base64` wraps its lines, and bundles are made by
  /// hand with it. Nothing is signed over this text, so its spelling proves nothing.
  func wrappedBytes(atMost limit: Int) throws(Problem) -> [UInt8] {
    let text = try text(atMost: limit * 2).utf8.filter { $0 != 0x0a && $0 != 0x0d }
    return try JSONReader(.string(String(decoding: text, as: UTF8.self)), pointer: pointer).bytes(atMost: limit)
  }

  /// A list that may be left out when it is empty.
  func list(_ key: String, atMost limit: Int) throws(Problem) -> [JSONReader] {
    try present(key)?.elements(atMost: limit) ?? []
  }

  /// A certificate in `rawBytes`.
  func certificate() throws(Problem) -> Certificate {
    let bytes = try member("rawBytes").bytes(atMost: Certificate.sizeLimit)
    do { return try Certificate(der: bytes) } catch { throw located(error) }
  }
}

/// The hash algorithms by their names in Sigstore's formats; others are not computed here.
enum SigstoreHash {
  static func algorithm(_ name: String) -> HashAlgorithm? {
    switch name {
    case "SHA2_256", "sha256": .sha256
    case "SHA2_384", "sha384": .sha384
    case "SHA2_512", "sha512": .sha512
    default: nil
    }
  }
}

import CCrypto
public import Cryptography
public import Diagnostics
import Glibc
public import Wire

/// An X.509 certificate (RFC 5280), read by libcrypto.
///
/// Safe: libcrypto's object is made here and freed with this value. It is only read; what libcrypto caches inside of it
/// on first use is guarded by its own lock, and is made to be cached before the initialiser returns.
@safe public final class Certificate: @unchecked Sendable {
  /// An extension as it stands in the certificate.
  public struct Extension: Sendable, Equatable {
    /// The dotted object identifier.
    public let oid: String
    /// Whether who does not understand it must refuse the certificate.
    public let isCritical: Bool
    /// The content of its octet string.
    public let value: [UInt8]
  }

  /// The largest certificate that is read: 64 KiB.
  public static let sizeLimit = 65_536

  /// The certificate's encoding.
  public let der: [UInt8]
  /// The first second of its validity.
  public let notBefore: Timestamp
  /// The last second of its validity.
  public let notAfter: Timestamp
  /// The key that it certifies.
  public let publicKey: ForeignPublicKey
  /// The extensions, in their order; no identifier stands twice.
  public let extensions: [Extension]
  /// Whether basic constraints and key usage make it a certificate authority.
  public let isAuthority: Bool
  /// Whether subject and issuer are the same.
  public let isSelfIssued: Bool

  let handle: OpaquePointer

  /// Reads a certificate in DER, with nothing after it.
  public init(der: [UInt8]) throws(Problem) {
    LibCrypto.ready
    guard der.count <= Certificate.sizeLimit, let handle = unsafe Certificate.parse(der) else {
      throw Certificate.malformed("libcrypto cannot read it, or something follows it")
    }
    do throws(Problem) {
      guard unsafe encoding({ unsafe i2d_X509(handle, $0) }) == der else {
        throw Certificate.malformed("it is not in DER")
      }
      notBefore = try unsafe Certificate.time(X509_get0_notBefore(handle))
      notAfter = try unsafe Certificate.time(X509_get0_notAfter(handle))
      guard let key = unsafe X509_get_X509_PUBKEY(handle) else { throw Certificate.malformed("it has no key") }
      // The key was read with the certificate; reading it again would cost more than verifying with it.
      publicKey = try unsafe ForeignPublicKey(
        spki: encoding { unsafe i2d_X509_PUBKEY(key, $0) }, held: X509_get_pubkey(handle))
      extensions = try unsafe Certificate.extensions(handle)
    } catch {
      unsafe X509_free(handle)
      throw error
    }
    isAuthority = unsafe X509_check_ca(handle) == 1
    isSelfIssued = unsafe X509_NAME_cmp(X509_get_subject_name(handle), X509_get_issuer_name(handle)) == 0
    self.der = der
    unsafe self.handle = handle
  }

  deinit { unsafe X509_free(handle) }

  /// The extension of this identifier, nil where there is none.
  public subscript(oid: String) -> Extension? { extensions.first { $0.oid == oid } }

  /// Whether the certificate is valid at `time`, both ends included (RFC 5280 §4.1.2.5).
  public func isValid(at time: Timestamp) -> Bool { notBefore <= time && time <= notAfter }

  // MARK: reading

  private static func parse(_ der: [UInt8]) -> OpaquePointer? {
    // Safe: d2i reads at most `count` bytes of an array that is alive; the place after the last byte is compared only.
    unsafe der.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      guard let parsed = unsafe d2i_X509(nil, &position, buffer.count) else {
        ERR_clear_error()
        return nil
      }
      if let start = buffer.baseAddress, unsafe position == start + buffer.count { return unsafe parsed }
      unsafe X509_free(parsed)
      return nil
    }
  }

  private static func time(_ value: UnsafePointer<ASN1_TIME>?) throws(Problem) -> Timestamp {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(value, &parts) == 1, let time = Timestamp(seconds: Int64(unsafe timegm(&parts))) else {
      throw malformed("it has a time that cannot be")
    }
    return time
  }

  private static func extensions(_ handle: OpaquePointer) throws(Problem) -> [Extension] {
    var extensions: [Extension] = []
    let count = unsafe X509_get_ext_count(handle)
    guard count <= 64 else { throw malformed("it has more than 64 extensions") }
    for place in 0..<max(count, 0) {
      let one = unsafe X509_get_ext(handle, place)
      var name = [CChar](repeating: 0, count: 128)
      let length = unsafe OBJ_obj2txt(&name, Int32(name.count), X509_EXTENSION_get_object(one), 1)
      guard length > 0, length < name.count, let data = unsafe X509_EXTENSION_get_data(one) else {
        throw malformed("it has an extension without a name")
      }
      let oid = String(decoding: name.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard !extensions.contains(where: { $0.oid == oid }) else { throw malformed("the extension \(oid) stands twice") }
      // Safe: the octet string belongs to the certificate, and its bytes are copied here.
      let value = unsafe Array(
        UnsafeBufferPointer(start: ASN1_STRING_get0_data(data), count: Int(ASN1_STRING_length(data))))
      extensions.append(
        Extension(oid: oid, isCritical: unsafe X509_EXTENSION_get_critical(one) == 1, value: value))
    }
    return extensions
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed("certificate.format", "this is not a certificate: \(why)", source: "RFC 5280 §4.1")
  }
}

extension Certificate: Hashable {
  /// Equal when the encodings are.
  public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
  /// Feeds the encoding.
  public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

extension Certificate {
  /// Reads `CERTIFICATE` blocks (RFC 7468 §5), one after another; text between them is refused.
  public static func pem(_ text: String, atMost limit: Int = 16) throws(Problem) -> [Certificate] {
    let blocks = try PEM.blocks(Array(text.utf8), labels: ["CERTIFICATE"], atMost: limit, malformed: malformed)
    return try blocks.map { block throws(Problem) in try Certificate(der: block.bytes) }
  }
}

import CCrypto
public import Diagnostics
public import Wire

/// A public key of somebody else, from a SubjectPublicKeyInfo: Ed25519, ECDSA P-256 and P-384, RSA.
///
/// One key has one encoding: named curves with uncompressed points, RSA with its NULL parameters, DER throughout.
/// RFC 5480 §2.2 would allow compressed points too; nobody whom we verify writes them.
public struct ForeignPublicKey: Sendable {
  /// The sort of key.
  public enum Kind: Sendable, Equatable {
    case ed25519, ecdsaP256, ecdsaP384
    case rsa(bits: Int)
  }

  /// The sort of key.
  public let kind: Kind
  /// The SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
  public let der: [UInt8]
  private let key: KeyHandle?

  /// What stands before the point (or the key) in the SubjectPublicKeyInfo of a fixed length.
  private static let heads: [(kind: Kind, head: [UInt8], length: Int)] = [
    (.ed25519, [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], 44),
    (
      .ecdsaP256,
      [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
      ], 91
    ),
    (
      .ecdsaP384,
      [
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
        0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
      ], 120
    ),
  ]

  /// Reads a SubjectPublicKeyInfo in DER; refuses other sorts, weak RSA keys and points that are not on their curve.
  ///
  /// - Throws: `key.rsa-strength` for RSA keys below 2048 bits or with a public exponent below 65,537.
  public init(spki der: [UInt8]) throws(Problem) { try self.init(spki: der, exponents: .atLeast65537) }

  /// The SubjectPublicKeyInfo of an uncompressed point on the curve of `kind` (RFC 5480 §2.2).
  static func spki(_ kind: Kind, point: [UInt8]) throws(Problem) -> [UInt8] {
    guard let (_, head, length) = heads.first(where: { $0.kind == kind }), head.count - 1 + point.count == length,
      point.first == 0x04
    else {
      throw .malformed("key.point", "this is not an uncompressed point of the curve", source: "RFC 5480 §2.2")
    }
    return head + point.dropFirst()
  }

  /// Which public exponents of RSA keys are taken.
  package enum Exponents {
    /// Those that NIST FIPS 186-5 §5.4 allows; what everyone but a judge of test vectors asks for.
    case atLeast65537
    /// 3 and more: Wycheproof has valid signatures by a key with the exponent 3, and they test the primitive.
    case any
  }

  /// A key that libcrypto has read already, as part of a certificate, with its encoding.
  ///
  /// - Parameter held: a reference that this value takes over; nil when libcrypto could not read the key.
  package init(spki der: [UInt8], held: OpaquePointer?) throws(Problem) {
    let handle = try unsafe held.map { held throws(Problem) in unsafe KeyHandle(taking: held) }
    guard let handle, let kind = ForeignPublicKey.fixedKind(of: der), kind != .ed25519 else {
      // Everything but a named curve is judged from its bytes alone.
      self = try ForeignPublicKey(spki: der)
      return
    }
    self.der = der
    self.kind = kind
    key = handle
  }

  /// The sort of a key whose encoding has a fixed head and a fixed length.
  private static func fixedKind(of der: [UInt8]) -> Kind? {
    heads.first { der.count == $0.length && der.starts(with: $0.head) }?.kind
  }

  /// Reads a SubjectPublicKeyInfo in DER, for judges of test vectors.
  package init(spki der: [UInt8], exponents: Exponents) throws(Problem) {
    self.der = der
    if let kind = ForeignPublicKey.fixedKind(of: der) {
      self.kind = kind
      if kind == .ed25519 {
        _ = try Ed25519.PublicKey(Array(der.suffix(32)))
        key = nil
      } else {
        // Head and length leave one encoding; the head ends with the first byte of the point.
        let length = kind == .ecdsaP256 ? 65 : 97
        key = try KeyHandle(curve: kind == .ecdsaP256 ? "prime256v1" : "secp384r1", point: Array(der.suffix(length)))
      }
    } else {
      let key = try KeyHandle(der)
      kind = .rsa(bits: try key.checkRSA(leastExponentBits: exponents == .any ? 2 : 17))
      self.key = key
    }
  }

  /// Reads one `PUBLIC KEY` block (RFC 7468 §13), with nothing before or after it but white space.
  public init(pem text: String) throws(Problem) {
    let blocks = try PEM.blocks(Array(text.utf8), labels: ["PUBLIC KEY"], atMost: 1) { why in
      .malformed("key.pem", "this is not one PUBLIC KEY block: \(why)", source: "RFC 7468 §13")
    }
    try self.init(spki: blocks[0].bytes)
  }

  // MARK: verifying

  /// Returns when `signature` is this key's over `message`; refuses by the policy, or as `signature.invalid`.
  public func verify(
    _ signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm, policy: AlgorithmPolicy,
    at time: Timestamp
  ) throws(Problem) {
    try policy.require(algorithm.rawValue, for: .foreignSignatures, at: time)
    guard isValid(signature, over: message, algorithm) else {
      throw .refused("signature.invalid", "the \(algorithm.rawValue) signature does not verify with this key")
    }
  }

  /// Whether `signature` is this key's over `message`; false also when key and algorithm do not fit.
  public func isValid(_ signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
    guard let hash = algorithm.hash else {
      return kind == .ed25519 && Ed25519.isValid(signature, over: message, publicKey: Array(der.suffix(32)))
    }
    return isValid(signature, overDigest: Digest(of: message, hash), algorithm)
  }

  /// Whether `signature` is this Ed25519 key's over the SHA-512 digest of `message`; false for every other kind of key.
  public func isValidPrehashed(_ signature: [UInt8], over message: [UInt8]) -> Bool {
    kind == .ed25519 && Ed25519.isValidPrehashed(signature, over: message, publicKey: Array(der.suffix(32)))
  }

  /// Whether `signature` is this key's over the message of this digest; false for Ed25519, which needs the message.
  public func isValid(_ signature: [UInt8], overDigest digest: Digest, _ algorithm: SignatureAlgorithm) -> Bool {
    guard let key, algorithm.hash == digest.algorithm else { return false }
    switch (kind, algorithm.scheme) {
    case (.ecdsaP256, .ecdsaP256), (.ecdsaP384, .ecdsaP384):
      return ECDSASignature.isCanonical(signature) && key.isValid(signature, digest, padding: nil)
    case (.rsa, .rsaPKCS1): return key.isValid(signature, digest, padding: RSA_PKCS1_PADDING)
    case (.rsa, .rsaPSS): return key.isValid(signature, digest, padding: RSA_PKCS1_PSS_PADDING)
    default: return false
    }
  }
}

extension ForeignPublicKey: Hashable {
  /// Equal when the encodings are.
  public static func == (left: ForeignPublicKey, right: ForeignPublicKey) -> Bool { left.der == right.der }
  /// Feeds the encoding.
  public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

/// The encoding of ECDSA signatures (RFC 3279 §2.2.3).
public enum ECDSASignature {
  /// The DER encoding of a raw signature r||s, as tokens return it (PKCS #11 §6.3.1): two numbers of the same length.
  public static func der(raw: [UInt8]) throws(Problem) -> [UInt8] {
    LibCrypto.ready
    let half = raw.count / 2
    guard raw.count == 64 || raw.count == 96, let signature = unsafe ECDSA_SIG_new() else {
      throw .malformed("signature.length", "a raw ECDSA signature has 64 or 96 bytes, not \(raw.count)")
    }
    defer { unsafe ECDSA_SIG_free(signature) }
    // Safe: both reads stay inside the array, and the signature takes the numbers over.
    let isSet = unsafe raw.withUnsafeBufferPointer { buffer in
      unsafe ECDSA_SIG_set0(
        signature, BN_bin2bn(buffer.baseAddress, Int32(half), nil),
        BN_bin2bn(buffer.baseAddress.map { unsafe $0 + half }, Int32(half), nil))
    }
    let encoded = unsafe isSet == 1 ? encoding { unsafe i2d_ECDSA_SIG(signature, $0) } : []
    guard !encoded.isEmpty else { throw .malformed("signature.encoding", "a raw ECDSA signature cannot be encoded") }
    return encoded
  }

  /// Whether `signature` is DER and nothing follows it: libcrypto reads it and writes the same bytes.
  ///
  /// `d2i` alone would take BER too, and one signature would have many spellings.
  static func isCanonical(_ signature: [UInt8]) -> Bool {
    guard (8...256).contains(signature.count) else { return false }
    // Safe: d2i reads at most `count` bytes of an array that is alive, and returns a value that is freed here.
    let parsed: OpaquePointer? = unsafe signature.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe d2i_ECDSA_SIG(nil, &position, buffer.count)
    }
    guard let parsed = unsafe parsed else {
      ERR_clear_error()
      return false
    }
    defer { unsafe ECDSA_SIG_free(parsed) }
    return unsafe encoding { unsafe i2d_ECDSA_SIG(parsed, $0) } == signature
  }
}

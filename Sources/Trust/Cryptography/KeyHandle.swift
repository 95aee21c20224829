import CCrypto
import Diagnostics

/// A public key inside libcrypto.
///
/// Safe: the key is made here, freed with this value, and never changed, so that several threads may verify with it.
@safe final class KeyHandle: @unchecked Sendable {
  private let key: OpaquePointer

  /// Takes over a reference to a key that libcrypto has read.
  init(taking key: OpaquePointer) { unsafe self.key = key }

  /// The key of an uncompressed point on a named curve; refuses a point that is not on it.
  ///
  /// A fifth of what reading the SubjectPublicKeyInfo costs, for which libcrypto looks through all its decoders.
  init(curve: StaticString, point: [UInt8]) throws(Problem) {
    LibCrypto.ready
    var point = point
    // Safe: names and curve are constants of the program, to which the parameters point; the point lives for the
    // closure, its parameter has its length, and libcrypto copies it.
    let made: OpaquePointer? = unsafe point.withUnsafeMutableBufferPointer { point -> OpaquePointer? in
      guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
      defer { unsafe EVP_PKEY_CTX_free(context) }
      var parameters = unsafe [
        // OSSL_PKEY_PARAM_GROUP_NAME and OSSL_PKEY_PARAM_PUB_KEY: as strings of Swift they would be gone after the call.
        OSSL_PARAM_construct_utf8_string(
          LibCrypto.constant("group"), UnsafeMutablePointer(mutating: LibCrypto.constant(curve)), 0),
        OSSL_PARAM_construct_octet_string(LibCrypto.constant("pub"), point.baseAddress, point.count),
        OSSL_PARAM_construct_end(),
      ]
      var key: OpaquePointer?
      guard unsafe EVP_PKEY_fromdata_init(context) == 1,
        unsafe EVP_PKEY_fromdata(context, &key, Int32(CCrypto_EVP_PKEY_PUBLIC_KEY), &parameters) == 1
      else {
        unsafe EVP_PKEY_free(key)
        return nil
      }
      return unsafe key
    }
    guard let made = unsafe made else {
      ERR_clear_error()
      throw .malformed(
        "key.spki", "this is not a SubjectPublicKeyInfo of a key on its curve", source: "RFC 5280 §4.1.2.7")
    }
    unsafe key = made
  }

  /// Reads a SubjectPublicKeyInfo; refuses what libcrypto would write in other bytes.
  init(_ der: [UInt8]) throws(Problem) {
    guard der.count <= 4096 else {
      throw .malformed("key.size", "a public key has at most 4096 bytes, not \(der.count)")
    }
    // Safe: d2i reads at most `count` bytes of an array that is alive.
    LibCrypto.ready
    let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe d2i_PUBKEY(nil, &position, buffer.count)
    }
    guard let parsed = unsafe parsed else {
      ERR_clear_error()
      throw .malformed(
        "key.spki", "this is not a SubjectPublicKeyInfo of a key on its curve", source: "RFC 5280 §4.1.2.7")
    }
    unsafe key = parsed
    guard unsafe encoding({ unsafe i2d_PUBKEY(parsed, $0) }) == der else {
      throw .malformed("key.der", "the public key is not in DER, or something follows it", source: "X.690 §11")
    }
  }

  deinit { unsafe EVP_PKEY_free(key) }

  /// The length of the modulus, if this is an RSA key of 2048 to 8192 bits with an odd exponent.
  ///
  /// An odd number of at least 17 bits is at least 65,537.
  /// The upper bounds keep a foreign key from taking our time (NIST FIPS 186-5 §5.1: exponents below 2^256).
  func checkRSA(leastExponentBits: Int32) throws(Problem) -> Int {
    guard unsafe EVP_PKEY_is_a(key, "RSA") == 1 else {
      throw .refused(
        "key.algorithm", "this sort of public key is not supported", source: "P1-9",
        hint: "Ed25519, ECDSA P-256 or P-384, RSA from 2048 bits")
    }
    let bits = Int(unsafe EVP_PKEY_get_bits(key))
    var exponent: OpaquePointer?
    defer { unsafe BN_free(exponent) }
    guard unsafe EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1, let exponent = unsafe exponent
    else { throw .malformed("key.rsa", "the RSA key has no exponent") }
    let exponentBits = unsafe BN_num_bits(exponent)
    guard (2048...8192).contains(bits), (leastExponentBits...256).contains(exponentBits),
      unsafe BN_is_odd(exponent) == 1
    else {
      throw .refused(
        "key.rsa-strength", "the RSA key has \(bits) bits, or an exponent that is even, small or huge", source: "P1-10",
        hint: "2048 to 8192 bits with the exponent 65537")
    }
    return bits
  }

  /// Whether `signature` is this key's over `digest`; `padding` is for RSA alone.
  func isValid(_ signature: [UInt8], _ digest: Digest, padding: Int32?) -> Bool {
    guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return false }
    defer {
      unsafe EVP_PKEY_CTX_free(context)
      // A refused signature leaves its reason in a queue of the thread, which nobody reads.
      ERR_clear_error()
    }
    let hash = unsafe digest.algorithm.implementation
    guard unsafe EVP_PKEY_verify_init(context) == 1 else { return false }
    if let padding {
      guard unsafe EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 else { return false }
    }
    guard unsafe EVP_PKEY_CTX_set_signature_md(context, hash) == 1 else { return false }
    if padding == RSA_PKCS1_PSS_PADDING {
      // One form only: the salt is as long as the digest, and MGF1 uses the same hash (RFC 8446 §4.2.3 does so too).
      guard unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(context, Int32(digest.bytes.count)) == 1,
        unsafe EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1
      else { return false }
    }
    // Safe: both lengths are those of their arrays.
    return unsafe EVP_PKEY_verify(context, signature, signature.count, digest.bytes, digest.bytes.count) == 1
  }
}

/// What an `i2d` function of libcrypto writes, empty when it fails.
///
/// Safe: the function allocates the buffer that it returns, which is copied and freed here.
package func encoding(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32) -> [UInt8] {
  var buffer: UnsafeMutablePointer<UInt8>?
  let count = unsafe write(&buffer)
  guard count > 0, let start = unsafe buffer else { return [] }
  defer { unsafe CRYPTO_free(start, #fileID, #line) }
  return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
}

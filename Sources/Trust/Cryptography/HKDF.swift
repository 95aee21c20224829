import CCrypto
public import Diagnostics

/// HKDF with SHA-256 (RFC 5869), extract and expand, by libcrypto.
public enum HKDF {
  /// The longest output, in bytes: 255 blocks (RFC 5869 §2.3).
  public static let lengthLimit = 255 * 32

  /// `length` bytes of key material from a secret.
  public static func derive(
    _ length: Int, from secret: SecretBytes, salt: [UInt8] = [], info: [UInt8] = []
  ) throws(Problem) -> SecretBytes {
    guard (1...lengthLimit).contains(length) else {
      throw .malformed(
        "hkdf.length", "HKDF-SHA256 yields 1 to \(lengthLimit) bytes, not \(length)", source: "RFC 5869 §2.3")
    }
    guard let function = unsafe EVP_KDF_fetch(nil, OSSL_KDF_NAME_HKDF, nil) else { fatalError("libcrypto has no HKDF") }
    defer { unsafe EVP_KDF_free(function) }
    guard let context = unsafe EVP_KDF_CTX_new(function) else { fatalError("libcrypto has no memory") }
    // Freeing the context wipes its copy of the secret.
    defer { unsafe EVP_KDF_CTX_free(context) }
    return try unsafe SecretBytes(count: length) { output throws(Problem) in
      guard unsafe run(context, secret, salt, info, output, length) == 1 else {
        throw .couldNotRun("hkdf.failed", "libcrypto cannot derive a key")
      }
    }
  }

  /// Safe: every buffer that a parameter points to lives until `EVP_KDF_derive` returned, and libcrypto only reads
  /// them, although the type of a parameter is not constant. Empty salt and info are the same as none.
  private static func run(
    _ context: OpaquePointer, _ secret: SecretBytes, _ salt: [UInt8], _ info: [UInt8],
    _ output: UnsafeMutablePointer<UInt8>, _ length: Int
  ) -> Int32 {
    var digest = Array("SHA256".utf8CString)
    var salt = salt
    var info = info
    return unsafe secret.withBytes { key in
      unsafe digest.withUnsafeMutableBufferPointer { digest in
        unsafe salt.withUnsafeMutableBytes { salt in
          unsafe info.withUnsafeMutableBytes { info in
            var parameters = unsafe [
              OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.baseAddress, 0),
              OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, UnsafeMutablePointer(mutating: key), secret.count),
            ]
            if unsafe !salt.isEmpty {
              unsafe parameters.append(
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.baseAddress, salt.count))
            }
            if unsafe !info.isEmpty {
              unsafe parameters.append(
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.baseAddress, info.count))
            }
            unsafe parameters.append(OSSL_PARAM_construct_end())
            return unsafe EVP_KDF_derive(context, output, length, parameters)
          }
        }
      }
    }
  }
}

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
    LibCrypto.ready
    guard let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil), unsafe EVP_PKEY_derive_init(context) == 1,
      unsafe EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1
    else { fatalError("libcrypto has no memory or no HKDF") }
    // Freeing the context wipes its copy of the secret.
    defer { unsafe EVP_PKEY_CTX_free(context) }
    // Safe: libcrypto copies each input, as long as its array, before the call returns. No salt and an empty salt are
    // the same (RFC 5869 §2.2), likewise for info.
    let isReady =
      unsafe secret.withBytes { unsafe EVP_PKEY_CTX_set1_hkdf_key(context, $0, Int32(secret.count)) == 1 }
      && (salt.isEmpty || EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1)
      && (info.isEmpty || EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) == 1)
    // Safe: the output has room for `length` bytes.
    return try unsafe SecretBytes(count: length) { output throws(Problem) in
      var written = length
      guard isReady, unsafe EVP_PKEY_derive(context, output, &written) == 1, written == length else {
        ERR_clear_error()
        throw .couldNotRun("hkdf.failed", "libcrypto cannot derive a key")
      }
    }
  }
}

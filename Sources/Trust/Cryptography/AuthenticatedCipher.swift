import CSodium
public import Diagnostics

/// Authenticated encryption with associated data, by libsodium. The raw values are the names in `AlgorithmPolicy`.
public enum AuthenticatedCipher: String, Sendable, CaseIterable {
  /// RFC 8439: 12-byte nonces, which must come from a counter; for the tunnel.
  case chacha20Poly1305 = "chacha20-poly1305"
  /// draft-irtf-cfrg-xchacha-03: 24-byte nonces, long enough to be drawn at random; for data at rest.
  case xchacha20Poly1305 = "xchacha20-poly1305"

  /// The length of a key, in bytes.
  public static let keyLength = 32
  /// The length of the tag at the end of a ciphertext, in bytes.
  public static let tagLength = 16

  /// The length of a nonce, in bytes.
  public var nonceLength: Int {
    switch self {
    case .chacha20Poly1305: 12
    case .xchacha20Poly1305: 24
    }
  }

  /// Encrypts `plaintext`; the result is the ciphertext followed by its tag.
  ///
  /// The caller never uses a nonce twice with one key.
  public func seal(
    _ plaintext: SecretBytes, key: SecretBytes, nonce: [UInt8], associatedData: [UInt8]
  ) throws(Problem) -> [UInt8] {
    try check(key, nonce)
    var output = [UInt8](repeating: 0, count: plaintext.count + AuthenticatedCipher.tagLength)
    let function =
      switch self {
      case .chacha20Poly1305: unsafe crypto_aead_chacha20poly1305_ietf_encrypt
      case .xchacha20Poly1305: unsafe crypto_aead_xchacha20poly1305_ietf_encrypt
      }
    // Safe: `output` has room for the text and the tag, and every length that is passed is that of its buffer.
    let result = unsafe plaintext.withBytes { text in
      unsafe key.withBytes { key in
        unsafe function(
          &output, nil, text, UInt64(plaintext.count), associatedData, UInt64(associatedData.count), nil, nonce, key)
      }
    }
    precondition(result == 0, "libsodium cannot fail to encrypt")
    return output
  }

  /// Decrypts what `seal` returned; refuses when anything differs, without telling what.
  public func open(
    _ ciphertext: [UInt8], key: SecretBytes, nonce: [UInt8], associatedData: [UInt8]
  ) throws(Problem) -> SecretBytes {
    try check(key, nonce)
    let length = ciphertext.count - AuthenticatedCipher.tagLength
    guard length >= 0 else { throw AuthenticatedCipher.refusal }
    let function =
      switch self {
      case .chacha20Poly1305: unsafe crypto_aead_chacha20poly1305_ietf_decrypt
      case .xchacha20Poly1305: unsafe crypto_aead_xchacha20poly1305_ietf_decrypt
      }
    // Safe: the output is as long as the ciphertext without its tag. When the tag is wrong the function writes zeros
    // at most, and the memory is wiped when the initialiser throws.
    return try unsafe SecretBytes(count: length) { output throws(Problem) in
      let result = unsafe key.withBytes { key in
        unsafe function(
          output, nil, nil, ciphertext, UInt64(ciphertext.count), associatedData, UInt64(associatedData.count), nonce,
          key)
      }
      guard result == 0 else { throw AuthenticatedCipher.refusal }
    }
  }

  private func check(_ key: SecretBytes, _ nonce: [UInt8]) throws(Problem) {
    Sodium.ready
    guard key.count == AuthenticatedCipher.keyLength else {
      throw .malformed("cipher.key", "a \(rawValue) key has \(AuthenticatedCipher.keyLength) bytes, not \(key.count)")
    }
    guard nonce.count == nonceLength else {
      throw .malformed("cipher.nonce", "a \(rawValue) nonce has \(nonceLength) bytes, not \(nonce.count)")
    }
  }

  private static let refusal = Problem.refused(
    "cipher.authentication", "the ciphertext, its key or what is bound to it was changed", source: "RFC 8439 §2.8")
}

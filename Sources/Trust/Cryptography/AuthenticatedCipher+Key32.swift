import CSodium

/// Short messages under keys that come and go by thousands a second; the contents are public when they are known at all.
extension AuthenticatedCipher {
  /// Encrypts; the result is the ciphertext followed by its tag. The caller never uses a nonce twice with one key.
  public func seal(_ plaintext: RawSpan, key: Key32, nonce: [UInt8], associatedData: RawSpan) -> [UInt8] {
    unsafe key.withBytes { unsafe seal(plaintext, key: $0, nonce: nonce, associatedData: associatedData) }
  }

  /// Decrypts what `seal` returned; nil when anything differs.
  public func open(_ ciphertext: RawSpan, key: Key32, nonce: [UInt8], associatedData: RawSpan) -> [UInt8]? {
    unsafe key.withBytes { unsafe open(ciphertext, key: $0, nonce: nonce, associatedData: associatedData) }
  }

  /// As above, with 32 bytes of key that the caller lends.
  func seal(_ plaintext: RawSpan, key: UnsafePointer<UInt8>, nonce: [UInt8], associatedData: RawSpan) -> [UInt8] {
    precondition(nonce.count == nonceLength, "a nonce of another cipher")
    Sodium.ready
    let length = plaintext.byteCount + AuthenticatedCipher.tagLength
    let function =
      switch self {
      case .chacha20Poly1305: unsafe crypto_aead_chacha20poly1305_ietf_encrypt
      case .xchacha20Poly1305: unsafe crypto_aead_xchacha20poly1305_ietf_encrypt
      }
    return unsafe [UInt8](unsafeUninitializedCapacity: length) { output, count in
      // Safe: the output has room for text and tag, and every length is that of its buffer.
      let result = unsafe plaintext.withUnsafeBytes { text in
        unsafe associatedData.withUnsafeBytes { data in
          unsafe function(
            output.baseAddress!, nil, text.assumingMemoryBound(to: UInt8.self).baseAddress, UInt64(text.count),
            data.assumingMemoryBound(to: UInt8.self).baseAddress, UInt64(data.count), nil, nonce, key)
        }
      }
      precondition(result == 0, "libsodium cannot fail to encrypt")
      count = length
    }
  }

  /// As above, with 32 bytes of key that the caller lends.
  func open(_ ciphertext: RawSpan, key: UnsafePointer<UInt8>, nonce: [UInt8], associatedData: RawSpan) -> [UInt8]? {
    precondition(nonce.count == nonceLength, "a nonce of another cipher")
    Sodium.ready
    let length = ciphertext.byteCount - AuthenticatedCipher.tagLength
    guard length >= 0 else { return nil }
    let function =
      switch self {
      case .chacha20Poly1305: unsafe crypto_aead_chacha20poly1305_ietf_decrypt
      case .xchacha20Poly1305: unsafe crypto_aead_xchacha20poly1305_ietf_decrypt
      }
    var isAuthentic = false
    let plaintext = unsafe [UInt8](unsafeUninitializedCapacity: max(length, 1)) { output, count in
      // Safe: the output is as long as the ciphertext without its tag, and every length is that of its buffer. When the
      // tag is wrong nothing of the output is used.
      let result = unsafe ciphertext.withUnsafeBytes { text in
        unsafe associatedData.withUnsafeBytes { data in
          unsafe function(
            output.baseAddress!, nil, nil, text.assumingMemoryBound(to: UInt8.self).baseAddress!, UInt64(text.count),
            data.assumingMemoryBound(to: UInt8.self).baseAddress, UInt64(data.count), nonce, key)
        }
      }
      isAuthentic = result == 0
      count = isAuthentic ? length : 0
    }
    return isAuthentic ? plaintext : nil
  }
}

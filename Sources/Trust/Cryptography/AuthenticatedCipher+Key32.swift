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
    var output = [UInt8](repeating: 0, count: length)
    // Safe: the output has room for text and tag, and every length is that of its buffer.
    let result = unsafe plaintext.withUnsafeBytes { text in
      unsafe associatedData.withUnsafeBytes { data in
        unsafe function(
          &output, nil, text.assumingMemoryBound(to: UInt8.self).baseAddress, UInt64(text.count),
          data.assumingMemoryBound(to: UInt8.self).baseAddress, UInt64(data.count), nil, nonce, key)
      }
    }
    precondition(result == 0, "libsodium cannot fail to encrypt")
    return output
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
    var plaintext = [UInt8](repeating: 0, count: length)
    // Safe: the output is as long as the ciphertext without its tag, and every length is that of its buffer. When the tag
    // is wrong nothing of the output is used.
    let result = unsafe ciphertext.withUnsafeBytes { text -> Int32 in
      guard let start = unsafe text.assumingMemoryBound(to: UInt8.self).baseAddress else { return -1 }
      return unsafe associatedData.withUnsafeBytes { data in
        unsafe function(
          &plaintext, nil, nil, start, UInt64(text.count), data.assumingMemoryBound(to: UInt8.self).baseAddress,
          UInt64(data.count), nonce, key)
      }
    }
    return result == 0 ? plaintext : nil
  }
}

import Cryptography
import Diagnostics
import StrictJSON

/// The judges of ciphers, key agreement and key derivation.
enum WycheproofCiphers {
  /// `aead_test_schema_v1` for ChaCha20-Poly1305.
  static func chacha20(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    try aead(.chacha20Poly1305, test)
  }

  /// `aead_test_schema_v1` for XChaCha20-Poly1305.
  static func xchacha20(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    try aead(.xchacha20Poly1305, test)
  }

  /// What `Key32` opens, sealed again to the same; nil when it refuses, and for nonces that no caller of it can have.
  private static func openQuickly(
    _ cipher: AuthenticatedCipher, _ ciphertext: [UInt8], _ test: JSONReader, nonce: [UInt8], data: [UInt8]
  ) throws(Problem) -> [UInt8]? {
    guard nonce.count == cipher.nonceLength, let key = Key32(try test.member("key").hex()),
      let opened = unsafe cipher.open(
        ciphertext.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes),
      unsafe cipher.seal(opened.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes) == ciphertext
    else { return nil }
    return opened
  }

  /// Accepted when the ciphertext opens to the message, and the message seals to the same ciphertext.
  private static func aead(_ cipher: AuthenticatedCipher, _ test: JSONReader) throws(Problem) -> Bool? {
    let key = try secret(test.member("key"))
    let nonce = try test.member("iv").hex()
    let data = try test.member("aad").hex()
    let message = try test.member("msg").hex()
    let ciphertext = try test.member("ct").hex() + test.member("tag").hex()
    // The form for short-lived keys must say the same; where it does not, nothing is said, and a skipped case is seen.
    let quick = try openQuickly(cipher, ciphertext, test, nonce: nonce, data: data)
    guard let opened = try? cipher.open(ciphertext, key: key, nonce: nonce, associatedData: data) else {
      return quick == nil ? false : nil
    }
    guard quick == bytes(opened) else { return nil }
    let sealed = try? cipher.seal(opened, key: key, nonce: nonce, associatedData: data)
    return bytes(opened) == message && sealed == ciphertext
  }

  /// `xdh_comp_schema_v1` for X25519.
  static func x25519(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    guard try group.member("curve").text() == "curve25519" else { return nil }
    let privateKey = try secret(test.member("private"))
    let publicKey = try test.member("public").hex()
    let expected = try test.member("shared").hex()
    // As above: the form for short-lived keys must say the same.
    let quick = Key32(try test.member("private").hex()).flatMap { X25519.sharedKey($0, with: publicKey) }
    guard let shared = try? X25519.sharedSecret(privateKey, with: publicKey) else { return quick == nil ? false : nil }
    guard let quick, let expectedKey = Key32(bytes(shared)), quick.isEqual(to: expectedKey) else { return nil }
    return bytes(shared) == expected
  }

  /// `hkdf_test_schema_v1` for SHA-256.
  static func hkdf(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    let key = try secret(test.member("ikm"))
    let length = Int(try test.member("size").integer())
    let salt = try test.member("salt").hex()
    let info = try test.member("info").hex()
    let expected = try test.member("okm").hex()
    guard let derived = try? HKDF.derive(length, from: key, salt: salt, info: info) else { return false }
    return bytes(derived) == expected
  }

  private static func secret(_ reader: JSONReader) throws(Problem) -> SecretBytes {
    var bytes = try reader.hex()
    return SecretBytes(consuming: &bytes)
  }

  /// A copy in ordinary memory: these are published test vectors, not secrets.
  private static func bytes(_ secret: SecretBytes) -> [UInt8] {
    unsafe secret.withBytes { unsafe Array(UnsafeBufferPointer(start: $0, count: secret.count)) }
  }
}

import CSodium
public import Diagnostics

/// X25519 (RFC 7748) by libsodium.
public enum X25519 {
  /// The length of a private key, a public key and a shared secret, in bytes.
  public static let length = 32

  /// The public key of a private key (RFC 7748 §6.1).
  public static func publicKey(of privateKey: SecretBytes) throws(Problem) -> [UInt8] {
    try check(privateKey)
    var output = [UInt8](repeating: 0, count: length)
    _ = unsafe privateKey.withBytes { unsafe crypto_scalarmult_base(&output, $0) }
    return output
  }

  /// The shared secret; refused when it would be all zero, which only a public key of low order brings about
  /// (RFC 7748 §6.1, P1-12).
  public static func sharedSecret(_ privateKey: SecretBytes, with publicKey: [UInt8]) throws(Problem) -> SecretBytes {
    try check(privateKey)
    guard publicKey.count == length else {
      throw .malformed("x25519.length", "an X25519 public key has \(length) bytes, not \(publicKey.count)")
    }
    return try unsafe SecretBytes(count: length) { output throws(Problem) in
      guard unsafe privateKey.withBytes({ unsafe crypto_scalarmult(output, $0, publicKey) }) == 0 else {
        throw .refused("x25519.low-order", "the public key is of low order", source: "RFC 7748 §6.1, P1-12")
      }
    }
  }

  private static func check(_ privateKey: SecretBytes) throws(Problem) {
    Sodium.ready
    guard privateKey.count == length, unsafe privateKey.withBytes({ unsafe sodium_is_zero($0, length) == 0 }) else {
      throw .malformed("x25519.key", "an X25519 private key has \(length) bytes that are not all zero", source: "P1-12")
    }
  }
}

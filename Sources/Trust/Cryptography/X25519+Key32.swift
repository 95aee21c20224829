import CSodium

/// X25519 for keys that come and go by thousands a second: without guarded memory, and without a `Problem` for what a
/// stranger may send.
extension X25519 {
  /// The public key of a private key (RFC 7748 §6.1).
  public static func publicKey(of privateKey: Key32) -> [UInt8] {
    Sodium.ready
    var output = [UInt8](repeating: 0, count: length)
    // Safe: both have 32 bytes.
    _ = unsafe privateKey.withBytes { unsafe crypto_scalarmult_base(&output, $0) }
    return output
  }

  /// The shared secret; nil for a public key of another length, and when the result would be all zero, which only a
  /// point of low order brings about (RFC 7748 §6.1).
  public static func sharedKey(_ privateKey: Key32, with publicKey: [UInt8]) -> Key32? {
    guard publicKey.count == length else { return nil }
    Sodium.ready
    var isUsable = false
    let shared = unsafe Key32 { output in
      // Safe: all three have 32 bytes. libsodium refuses an all-zero result itself.
      isUsable = unsafe privateKey.withBytes { unsafe crypto_scalarmult(output, $0, publicKey) } == 0
    }
    return isUsable && !shared.isZero ? shared : nil
  }

  /// The private key as it is used: bits 0 to 2 and 255 cleared, bit 254 set (RFC 7748 §5).
  public static func clamped(_ privateKey: Key32) -> Key32 {
    unsafe Key32 { output in
      // Safe: both have 32 bytes.
      unsafe privateKey.withBytes { unsafe output.update(from: $0, count: length) }
      unsafe output[0] &= 248
      unsafe output[31] = output[31] & 127 | 64
    }
  }
}

extension Key32 {
  /// Takes thirty-two bytes over and wipes the array that held them; nil for any other count.
  public convenience init?(consuming bytes: inout [UInt8]) {
    guard bytes.count == Self.length else { return nil }
    unsafe self.init { memory in
      for index in 0..<Self.length { unsafe memory[index] = bytes[index] }
    }
    unsafe sodium_memzero(&bytes, Self.length)
    bytes = []
  }
}

import CSodium
public import Diagnostics

/// SipHash-2-4: a keyed hash of 64 bits for short inputs, such as the cookies of RFC 9018. Not for signatures.
public struct ShortHash: Sendable {
  private let key: [UInt8]

  /// A hash with a secret key of sixteen octets; `hash.key-length` otherwise.
  public init(key: [UInt8]) throws(Problem) {
    guard key.count == 16 else { throw .malformed("hash.key-length", "a SipHash key has 16 octets") }
    self.key = key
  }

  /// The hash of `bytes`, its first octet highest; allocates nothing.
  public func tag(_ bytes: Span<UInt8>) -> UInt64 {
    var result: UInt64 = 0
    // Safe: the output has the eight octets that libsodium writes, the key sixteen, and nothing is kept.
    unsafe withUnsafeMutableBytes(of: &result) { output in
      unsafe key.withUnsafeBufferPointer { key in
        unsafe bytes.withUnsafeBufferPointer { input in
          guard let out = output.baseAddress, let key = key.baseAddress else { return }
          unsafe _ = crypto_shorthash(
            out.assumingMemoryBound(to: UInt8.self), input.baseAddress, UInt64(input.count), key)
        }
      }
    }
    return UInt64(bigEndian: result)
  }
}

import CSodium

/// BLAKE2b with 64 bytes of output and no key (RFC 7693), over libsodium: what minisign hashes files with.
///
/// It is no `HashAlgorithm`: nothing of ours names a file by it, and no list of digests may hold it.
/// Safe: the state is made, used and freed by this value alone, and is as large and as aligned as libsodium asks.
@safe public struct BLAKE2b: ~Copyable {
  /// The length of a digest, in bytes.
  public static let length = 64

  private let memory: UnsafeMutableRawPointer
  private var state: OpaquePointer { unsafe OpaquePointer(memory) }

  /// Starts a hash.
  public init() {
    Sodium.ready
    // libsodium declares its state with an alignment of 64 bytes, which a Swift value on the stack need not have.
    unsafe memory = .allocate(byteCount: crypto_generichash_blake2b_statebytes(), alignment: 64)
    _ = unsafe crypto_generichash_blake2b_init(state, nil, 0, BLAKE2b.length)
  }

  deinit { unsafe memory.deallocate() }

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) {
    // Safe: both the array and its length are the call's own.
    _ = unsafe crypto_generichash_blake2b_update(state, bytes, UInt64(bytes.count))
  }

  /// Adds bytes.
  public mutating func update(_ bytes: RawSpan) {
    // Safe: the span is alive for the call, and libsodium reads `count` bytes of it.
    unsafe bytes.withUnsafeBytes { buffer in
      let start = unsafe buffer.assumingMemoryBound(to: UInt8.self).baseAddress
      _ = unsafe crypto_generichash_blake2b_update(state, start, UInt64(buffer.count))
    }
  }

  /// The digest of everything added.
  public consuming func finish() -> [UInt8] {
    var output = [UInt8](repeating: 0, count: BLAKE2b.length)
    _ = unsafe crypto_generichash_blake2b_final(state, &output, output.count)
    return output
  }

  /// The digest of `bytes`.
  public static func digest(of bytes: [UInt8]) -> [UInt8] {
    var hash = BLAKE2b()
    hash.update(bytes)
    return hash.finish()
  }
}

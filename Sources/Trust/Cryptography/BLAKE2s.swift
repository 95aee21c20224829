import CCrypto
import CSodium

/// BLAKE2s with 32 bytes of output (RFC 7693), its 16-byte keyed form, HMAC (RFC 2104) and the key derivation of Noise
/// over it: what the tunnel's handshake is made of.
///
/// One object for very many short messages: libcrypto's functions are fetched once and its contexts used again, for a
/// fetch costs more than a hash. Not `Sendable`: one thread at a time. Like BLAKE2b it is no `HashAlgorithm`.
/// Safe: contexts and scratch memory are made, used and freed by this object alone.
@safe public final class BLAKE2s {
  /// The length of a digest and of every derived key, in bytes.
  public static let length = 32
  /// The length of a keyed hash, in bytes.
  public static let macLength = 16
  /// The length of a block, in bytes; HMAC pads its key to it.
  static let blockLength = 64

  private let function: OpaquePointer
  private let context: OpaquePointer
  private let macContext: OpaquePointer
  /// A padded key, then an inner digest, then a pseudo-random key and one byte more than a digest.
  private let scratch: UnsafeMutablePointer<UInt8>
  private static let scratchLength = blockLength + 3 * length + 1

  /// Makes a machine; the process ends when libcrypto has no BLAKE2s, because no tunnel is possible then.
  public init() {
    LibCrypto.ready
    Sodium.ready
    guard let function = unsafe EVP_MD_fetch(nil, "BLAKE2S-256", nil), let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex2(context, function, nil) == 1, let mac = unsafe EVP_MAC_fetch(nil, "BLAKE2SMAC", nil),
      let macContext = unsafe EVP_MAC_CTX_new(mac)
    else { fatalError("libcrypto has no memory or no BLAKE2s") }
    // The context holds the function on its own.
    unsafe EVP_MAC_free(mac)
    unsafe self.function = function
    unsafe self.context = context
    unsafe self.macContext = macContext
    unsafe scratch = .allocate(capacity: Self.scratchLength)
    unsafe scratch.initialize(repeating: 0, count: Self.scratchLength)
    var length = Self.macLength
    // Safe: libcrypto reads the parameter during the call; the length stays set when the key changes.
    let isSized = unsafe withUnsafeMutablePointer(to: &length) { pointer in
      // OSSL_MAC_PARAM_SIZE.
      let parameters = unsafe [
        OSSL_PARAM_construct_size_t(LibCrypto.constant("size"), pointer), OSSL_PARAM_construct_end(),
      ]
      return unsafe EVP_MAC_CTX_set_params(macContext, parameters) == 1
    }
    guard isSized else { fatalError("libcrypto has no BLAKE2s of 16 bytes") }
  }

  deinit {
    unsafe sodium_memzero(scratch, Self.scratchLength)
    unsafe scratch.deallocate()
    unsafe EVP_MAC_CTX_free(macContext)
    unsafe EVP_MD_CTX_free(context)
    unsafe EVP_MD_free(function)
  }

  /// The digest of two messages, one behind the other.
  public func digest(_ first: RawSpan, _ second: RawSpan) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: Self.length) { output, count in
      begin()
      unsafe first.withUnsafeBytes { unsafe add($0.baseAddress, $0.count) }
      unsafe second.withUnsafeBytes { unsafe add($0.baseAddress, $0.count) }
      unsafe finish(output.baseAddress)
      count = Self.length
    }
  }

  /// The digest of two messages, one behind the other.
  public func digest(_ first: [UInt8], _ second: [UInt8] = []) -> [UInt8] {
    unsafe digest(first.span.bytes, second.span.bytes)
  }

  /// The keyed hash of 16 bytes (RFC 7693, 2.9). The key has 1 to 32 bytes.
  public func mac(_ message: RawSpan, key: [UInt8]) -> [UInt8] {
    precondition((1...Self.length).contains(key.count), "a BLAKE2s key has 1 to 32 bytes")
    return unsafe [UInt8](unsafeUninitializedCapacity: Self.macLength) { output, count in
      // Safe: key, message and output are alive for the calls and as long as their counts say.
      var written = 0
      let isDone = unsafe message.withUnsafeBytes { bytes in
        unsafe EVP_MAC_init(macContext, key, key.count, nil) == 1
          && (bytes.isEmpty || EVP_MAC_update(macContext, bytes.baseAddress, bytes.count) == 1)
          && EVP_MAC_final(macContext, output.baseAddress, &written, Self.macLength) == 1
      }
      guard isDone, written == Self.macLength else { fatalError("libcrypto could not finish a keyed hash") }
      count = Self.macLength
    }
  }

  /// The HMAC of a message; the key has at most 64 bytes.
  public func hmac(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    precondition(key.count <= Self.blockLength, "a longer key would have to be hashed first")
    return unsafe [UInt8](unsafeUninitializedCapacity: Self.length) { output, count in
      unsafe hmac(output.baseAddress, key: key, key.count, message, message.count)
      count = Self.length
    }
  }

  /// Noise's HKDF (revision 34, 4.3): `outputs` keys of 32 bytes, 1 to 3, from a chaining key of at
  /// most 64 bytes and an input.
  public func derive(_ outputs: Int, chainingKey: [UInt8], input: [UInt8]) -> [[UInt8]] {
    precondition((1...3).contains(outputs) && chainingKey.count <= Self.blockLength)
    var result = [UInt8](repeating: 0, count: 3 * Self.length)
    unsafe result.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe derive(
        chainingKey, keyCount: chainingKey.count, input, input.count, start, outputs > 1 ? start + 32 : nil,
        outputs > 2 ? start + 64 : nil)
    }
    return (0..<outputs).map { Array(result[$0 * Self.length..<($0 + 1) * Self.length]) }
  }

  // MARK: Over raw memory, for the handshake

  /// The digest of two pieces of memory; the output may be one of them.
  func digest(
    _ output: UnsafeMutablePointer<UInt8>?, _ first: UnsafePointer<UInt8>, _ firstCount: Int,
    _ second: UnsafeRawPointer?, _ secondCount: Int
  ) {
    begin()
    unsafe add(first, firstCount)
    unsafe add(second, secondCount)
    unsafe finish(output)
  }

  /// Derives up to three keys from a chaining key; the first output may be the chaining key's own memory.
  func derive(
    _ chainingKey: UnsafePointer<UInt8>, keyCount: Int = length, _ input: UnsafeRawPointer?, _ count: Int,
    _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>? = nil,
    _ third: UnsafeMutablePointer<UInt8>? = nil
  ) {
    let secret = unsafe scratch + Self.blockLength + Self.length
    let block = unsafe secret + Self.length
    unsafe hmac(secret, key: chainingKey, keyCount, input, count)
    unsafe block[0] = 1
    unsafe hmac(first, key: secret, Self.length, block, 1)
    if let second = unsafe second {
      unsafe expand(first, 2, into: second)
      if let third = unsafe third { unsafe expand(second, 3, into: third) }
    }
    unsafe sodium_memzero(scratch, Self.scratchLength)
  }

  /// The next output of HKDF: the HMAC of the previous one and a number, under the key that lies in the scratch memory.
  private func expand(_ previous: UnsafePointer<UInt8>, _ number: UInt8, into output: UnsafeMutablePointer<UInt8>) {
    let secret = unsafe scratch + Self.blockLength + Self.length
    let block = unsafe secret + Self.length
    unsafe block.update(from: previous, count: Self.length)
    unsafe block[Self.length] = number
    unsafe hmac(output, key: secret, Self.length, block, Self.length + 1)
  }

  private func hmac(
    _ output: UnsafeMutablePointer<UInt8>?, key: UnsafePointer<UInt8>, _ keyCount: Int, _ message: UnsafeRawPointer?,
    _ count: Int
  ) {
    let inner = unsafe scratch + Self.blockLength
    unsafe pad(key, keyCount, 0x36)
    unsafe digest(inner, scratch, Self.blockLength, message, count)
    unsafe pad(key, keyCount, 0x5c)
    unsafe digest(output, scratch, Self.blockLength, inner, Self.length)
  }

  private func pad(_ key: UnsafePointer<UInt8>, _ count: Int, _ value: UInt8) {
    for index in 0..<count { unsafe scratch[index] = key[index] ^ value }
    for index in count..<Self.blockLength { unsafe scratch[index] = value }
  }

  private func begin() {
    guard unsafe EVP_DigestInit_ex2(context, nil, nil) == 1 else { fatalError("libcrypto cannot begin a digest") }
  }

  private func add(_ bytes: UnsafeRawPointer?, _ count: Int) {
    if count > 0 { _ = unsafe EVP_DigestUpdate(context, bytes, count) }
  }

  private func finish(_ output: UnsafeMutablePointer<UInt8>?) {
    guard unsafe EVP_DigestFinal_ex(context, output, nil) == 1 else {
      fatalError("libcrypto could not finish a digest")
    }
  }
}

/// Comparing what an attacker may guess.
public enum ConstantTime {
  /// Whether both have the same bytes; only their lengths can be learned from the time.
  public static func isEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    return unsafe left.withUnsafeBytes { left in
      // Safe: both are as long as the count says.
      unsafe right.withUnsafeBytes { right in
        unsafe left.isEmpty || sodium_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
      }
    }
  }
}

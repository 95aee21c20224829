import CCrypto
import Cryptography
import Glibc

/// RFC 8439, 2.8, put together from libcrypto's ChaCha20 and Poly1305 (documents/decisions/0010).
///
/// ChaCha20 runs once from block 0, whose first 32 octets key Poly1305, over a multiple of 1,024 octets: the library's own
/// construction calls it three times for a packet and is slow at the end of odd lengths. There is no associated data, so
/// what is authenticated is the text, its padding to sixteen octets, eight zero octets, and the length.
@safe struct SplitCipher: PacketCipher {
  private let mac: OpaquePointer
  /// Block counter, four zero octets, and the counter: what libcrypto calls the IV of ChaCha20.
  private let nonce: Octets
  private let keystream: Octets
  private let zeros: Octets
  /// Padding and lengths, at most 32 octets.
  private let tail: Octets
  /// 64 octets that stood before a text, a key of Poly1305, and a tag.
  private let saved: Octets

  /// Octets of the longest text, a block and the rounding.
  private static let room = 68 << 10

  static func make() -> SplitCipher {
    LibCrypto.ready
    guard let algorithm = unsafe EVP_MAC_fetch(nil, "POLY1305", nil), let mac = unsafe EVP_MAC_CTX_new(algorithm) else {
      fatalError("libcrypto has no Poly1305")
    }
    let small = unsafe Slab.map(4_096)
    return unsafe SplitCipher(
      mac: mac, nonce: small, keystream: Slab.map(room), zeros: Slab.map(room), tail: small + 64, saved: small + 128)
  }

  func free() {
    unsafe EVP_MAC_CTX_free(mac)
    // The key of the last packet's Poly1305 goes with its memory.
    unsafe OPENSSL_cleanse(nonce, 4_096)
    unsafe OPENSSL_cleanse(keystream, Self.room)
    unsafe Slab.unmap(nonce, 4_096)
    unsafe Slab.unmap(keystream, Self.room)
    unsafe Slab.unmap(zeros, Self.room)
  }

  nonisolated(unsafe) private static let algorithm: OpaquePointer? = {
    LibCrypto.ready
    return unsafe EVP_CIPHER_fetch(nil, "ChaCha20", nil)
  }()

  static func makeContext(_ key: Key32, isSealing: Bool) -> OpaquePointer? {
    guard let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
    // A stream is the same in both directions.
    let done = unsafe key.withBytes { unsafe EVP_EncryptInit_ex2(context, algorithm, $0, nil, nil) }
    if done == 1 { return unsafe context }
    unsafe EVP_CIPHER_CTX_free(context)
    return nil
  }

  /// A block for the key, and the text, up to a multiple of 1,024.
  @inline(__always) private static func rounded(_ count: Int) -> Int { (count &+ 64 &+ 1_023) & ~1_023 }

  @inline(__always)
  private func stream(
    _ context: OpaquePointer, _ from: Octets, _ to: Octets, _ count: Int, _ counter: UInt64, _ prefix: UInt32
  ) {
    unsafe nonce.put(raw32: prefix, 4)
    unsafe nonce.put(raw64: counter.littleEndian, 8)
    var written: Int32 = 0
    unsafe EVP_EncryptInit_ex2(context, nil, nil, nonce.assumingMemoryBound(to: UInt8.self), nil)
    unsafe EVP_EncryptUpdate(
      context, to.assumingMemoryBound(to: UInt8.self), &written, from.assumingMemoryBound(to: UInt8.self),
      Int32(truncatingIfNeeded: count))
  }

  /// The tag over associated data and text, each padded to sixteen octets, and both lengths (RFC 8439, 2.8).
  @inline(__always)
  private func authenticate(
    _ key: Octets, _ associated: Octets, _ associatedCount: Int, _ start: Octets, _ count: Int, to tag: Octets
  ) -> Bool {
    guard unsafe EVP_MAC_init(mac, key.assumingMemoryBound(to: UInt8.self), 32, nil) == 1 else { return false }
    // A packet has none, and the compiler leaves this out.
    if associatedCount > 0 {
      unsafe tail.put(raw64: 0, 0)
      unsafe tail.put(raw64: 0, 8)
      guard unsafe EVP_MAC_update(mac, associated.assumingMemoryBound(to: UInt8.self), associatedCount) == 1,
        unsafe EVP_MAC_update(mac, tail.assumingMemoryBound(to: UInt8.self), (16 &- (associatedCount & 15)) & 15) == 1
      else { return false }
    }
    let padding = (16 &- (count & 15)) & 15
    unsafe tail.put(raw64: 0, 0)
    unsafe tail.put(raw64: 0, 8)
    unsafe tail.put(raw64: 0, 16)
    unsafe tail.put(raw64: UInt64(truncatingIfNeeded: associatedCount).littleEndian, padding)
    unsafe tail.put(raw64: UInt64(truncatingIfNeeded: count).littleEndian, padding &+ 8)
    var length = 0
    guard unsafe EVP_MAC_update(mac, start.assumingMemoryBound(to: UInt8.self), count) == 1,
      unsafe EVP_MAC_update(mac, tail.assumingMemoryBound(to: UInt8.self), padding &+ 16) == 1
    else { return false }
    return unsafe EVP_MAC_final(mac, tag.assumingMemoryBound(to: UInt8.self), &length, 16) == 1 && length == 16
  }

  @inline(__always)
  func seal(_ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64) {
    unsafe seal(context, start, count, counter, prefix: 0, associated: start, 0)
  }

  @inline(__always)
  func open(_ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64) -> Bool {
    unsafe open(context, start, count, counter, prefix: 0, associated: start, 0)
  }

  /// As `seal`, for the vectors of others: with the first four octets of the nonce, and associated data.
  @inline(__always)
  func seal(
    _ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64, prefix: UInt32, associated: Octets,
    _ associatedCount: Int
  ) {
    let block = unsafe start - 64
    unsafe memcpy(saved, block, 64)
    unsafe memset(block, 0, 64)
    unsafe stream(context, block, block, Self.rounded(count), counter, prefix)
    unsafe memcpy(saved + 64, block, 32)
    unsafe memcpy(block, saved, 64)
    unsafe _ = authenticate(saved + 64, associated, associatedCount, start, count, to: start + count)
  }

  /// As `open`, for the vectors of others.
  @inline(__always)
  func open(
    _ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64, prefix: UInt32, associated: Octets,
    _ associatedCount: Int
  ) -> Bool {
    guard count <= Self.room - 2_048 else { return false }
    unsafe stream(context, zeros, keystream, Self.rounded(count), counter, prefix)
    // The tag is compared, in constant time, before a single octet is decrypted.
    guard unsafe authenticate(keystream, associated, associatedCount, start, count, to: saved + 96),
      unsafe CRYPTO_memcmp(saved + 96, start + count, tagLength) == 0
    else { return false }
    let key = unsafe keystream + 64
    var at = 0
    while at &+ 64 <= count {
      let one = unsafe start.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt64>.self)
      let other = unsafe key.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt64>.self)
      unsafe start.storeBytes(of: one ^ other, toByteOffset: at, as: SIMD8<UInt64>.self)
      at &+= 64
    }
    while at < count {
      unsafe start.put(octet: start.octet(at) ^ key.octet(at), at)
      at &+= 1
    }
    return true
  }

  /// Whether it does what libcrypto's own construction does, for every length around a block's and a packet's end; run
  /// at every start, and the stock construction is used where it does not.
  static func agreesWithStock() -> Bool {
    guard let key = Key32((0..<32).map { UInt8($0 &* 7 &+ 1) }) else { return false }
    let (stock, split) = (StockCipher.make(), make())
    defer {
      stock.free()
      split.free()
    }
    guard let sealing = unsafe StockCipher.makeContext(key, isSealing: true) else { return false }
    defer { unsafe EVP_CIPHER_CTX_free(sealing) }
    guard let ours = unsafe makeContext(key, isSealing: true) else { return false }
    defer { unsafe EVP_CIPHER_CTX_free(ours) }
    let memory = unsafe Slab.map(3 << 16)
    defer { unsafe Slab.unmap(memory, 3 << 16) }
    let (one, other) = unsafe (memory + 64, memory + 1 << 16)
    for count in Array(0...130) + [959, 960, 961, 1_023, 1_024, 1_408, 1_420, 1_423, 9_000] {
      for at in 0..<count {
        unsafe one.put(octet: at &* 31 &+ count, at)
        unsafe other.put(octet: at &* 31 &+ count, at)
      }
      let counter = UInt64(count) << 40 | 5
      unsafe stock.seal(sealing, one, count, counter)
      unsafe split.seal(ours, other, count, counter)
      guard unsafe memcmp(one, other, count + tagLength) == 0, unsafe split.open(ours, other, count, counter) else {
        return false
      }
      for at in 0..<count where unsafe other.octet(at) != (at &* 31 &+ count) & 255 { return false }
      unsafe one.put(octet: one.octet(count) ^ 1, count)
      guard unsafe !split.open(ours, one, count, counter) else { return false }
    }
    return true
  }
}

extension CipherKind {
  /// A keyed context of this kind; see `PacketCipher.makeContext`.
  func makeContext(_ key: Key32, isSealing: Bool) -> OpaquePointer? {
    switch self {
    case .stock: unsafe StockCipher.makeContext(key, isSealing: isSealing)
    case .split: unsafe SplitCipher.makeContext(key, isSealing: isSealing)
    }
  }
}

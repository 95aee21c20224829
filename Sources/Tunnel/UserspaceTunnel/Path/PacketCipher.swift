import CCrypto
import Cryptography

/// ChaCha20-Poly1305 (RFC 8439) over packets in place. The loops are generic over it and specialised for each kind.
///
/// A value belongs to one thread; a context belongs to one session and one direction, and so to one thread too.
/// The nonce is four zero octets and the counter, little-endian (whitepaper, 5.4.6). There is no associated data.
protocol PacketCipher {
  /// What a thread needs once.
  static func make() -> Self
  /// Gives back what `make` took.
  func free()
  /// A keyed context for one direction of a session; nil when the library has no memory. Made by the control thread.
  static func makeContext(_ key: Key32, isSealing: Bool) -> OpaquePointer?
  /// Encrypts `count` octets at `start`, and writes sixteen behind them. The 64 octets before `start` and 1,088 behind
  /// belong to the caller; those before are as they were afterwards.
  func seal(_ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64)
  /// Decrypts `count` octets at `start`, whose tag stands behind them; false, and nothing is known of the octets, when
  /// it is wrong.
  func open(_ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64) -> Bool
}

/// The tag behind every sealed packet, in octets.
let tagLength = 16

/// libcrypto's own construction; only the nonce is set for a packet, the key stays in the context.
@safe struct StockCipher: PacketCipher {
  /// Twelve octets, of which the first four stay zero.
  private let nonce: Octets
  /// The tag as a parameter, and the end of the list: a call that takes it ready-made costs less than `ctrl`.
  private let tag: UnsafeMutablePointer<OSSL_PARAM>

  static func make() -> StockCipher {
    LibCrypto.ready
    // Safe: memory of this value alone, which `free` gives back. The parameter's octets are set before each use.
    let nonce = Octets.allocate(byteCount: 16, alignment: 16)
    unsafe nonce.initializeMemory(as: UInt8.self, repeating: 0, count: 16)
    let tag = UnsafeMutablePointer<OSSL_PARAM>.allocate(capacity: 2)
    // OSSL_CIPHER_PARAM_AEAD_TAG.
    unsafe tag.initialize(to: OSSL_PARAM_construct_octet_string(LibCrypto.constant("tag"), nonce, tagLength))
    unsafe (tag + 1).initialize(to: OSSL_PARAM_construct_end())
    return unsafe StockCipher(nonce: nonce, tag: tag)
  }

  func free() {
    unsafe nonce.deallocate()
    unsafe tag.deallocate()
  }

  /// Fetched once: fetching takes locks and memory.
  nonisolated(unsafe) private static let algorithm: OpaquePointer? = {
    LibCrypto.ready
    return unsafe EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil)
  }()

  static func makeContext(_ key: Key32, isSealing: Bool) -> OpaquePointer? {
    guard let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
    let done = unsafe key.withBytes {
      unsafe EVP_CipherInit_ex2(context, algorithm, $0, nil, isSealing ? 1 : 0, nil)
    }
    if done == 1 { return unsafe context }
    unsafe EVP_CIPHER_CTX_free(context)
    return nil
  }

  @inline(__always)
  func seal(_ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64) {
    unsafe nonce.put(raw64: counter.littleEndian, 4)
    let text = unsafe start.assumingMemoryBound(to: UInt8.self)
    var written: Int32 = 0
    // None of these can fail with a keyed context and lengths of a packet; a tag is checked by the other side anyway.
    unsafe EVP_EncryptInit_ex2(context, nil, nil, nonce.assumingMemoryBound(to: UInt8.self), nil)
    unsafe EVP_EncryptUpdate(context, text, &written, text, Int32(truncatingIfNeeded: count))
    unsafe EVP_EncryptFinal_ex(context, text + count, &written)
    unsafe tag.pointee.data = start + count
    unsafe EVP_CIPHER_CTX_get_params(context, tag)
  }

  @inline(__always)
  func open(_ context: OpaquePointer, _ start: Octets, _ count: Int, _ counter: UInt64) -> Bool {
    unsafe nonce.put(raw64: counter.littleEndian, 4)
    let text = unsafe start.assumingMemoryBound(to: UInt8.self)
    var written: Int32 = 0
    unsafe tag.pointee.data = start + count
    guard unsafe EVP_DecryptInit_ex2(context, nil, nil, nonce.assumingMemoryBound(to: UInt8.self), nil) == 1,
      unsafe EVP_CIPHER_CTX_set_params(context, tag) == 1,
      unsafe EVP_DecryptUpdate(context, text, &written, text, Int32(truncatingIfNeeded: count)) == 1
    else { return false }
    return unsafe EVP_DecryptFinal_ex(context, text, &written) == 1
  }
}

import CSodium

/// The symmetric state of a Noise handshake with BLAKE2s and ChaCha20-Poly1305 (Noise revision 34, 5.1 and 5.2).
///
/// Each key seals one message only: every pattern that we use mixes a new key in between, so the nonce is always zero
/// and is not kept. One allocation a handshake; wiped when dropped.
/// Safe: the memory is made, used and freed by this object alone, at fixed places inside its length.
@safe public final class NoiseState {
  private static let byteCount = 96
  private static let nonce = [UInt8](repeating: 0, count: 12)

  private let machine: BLAKE2s
  private let memory: UnsafeMutablePointer<UInt8>
  private var chainingKey: UnsafeMutablePointer<UInt8> { unsafe memory }
  private var hash: UnsafeMutablePointer<UInt8> { unsafe memory + 32 }
  private var key: UnsafeMutablePointer<UInt8> { unsafe memory + 64 }
  /// Whether the key was mixed since it sealed something.
  private var isFresh = false

  /// A state for a protocol whose name is longer than a digest (5.2, InitializeSymmetric), with its prologue mixed in.
  public init(protocolName: String, prologue: [UInt8], machine: BLAKE2s) {
    self.machine = machine
    unsafe memory = .allocate(capacity: Self.byteCount)
    unsafe memory.initialize(repeating: 0, count: Self.byteCount)
    let name = Array(protocolName.utf8)
    precondition(name.count > BLAKE2s.length, "a short name would be padded instead of hashed")
    unsafe machine.digest(chainingKey, name, name.count, nil, 0)
    unsafe hash.update(from: chainingKey, count: 32)
    unsafe mixHash(prologue.span.bytes)
  }

  /// The same state once more: to try a message that may be forged.
  public init(copying other: NoiseState) {
    machine = other.machine
    unsafe memory = .allocate(capacity: Self.byteCount)
    unsafe memory.initialize(from: other.memory, count: Self.byteCount)
    isFresh = other.isFresh
  }

  deinit {
    unsafe sodium_memzero(memory, Self.byteCount)
    unsafe memory.deallocate()
  }

  /// Binds public bytes to the transcript.
  public func mixHash(_ bytes: RawSpan) {
    // Safe: the digest reads all of its input before it writes its output.
    unsafe bytes.withUnsafeBytes { unsafe machine.digest(hash, hash, 32, $0.baseAddress, $0.count) }
  }

  /// Mixes a shared secret into the chaining key and makes a new key.
  public func mixKey(_ secret: Key32) {
    unsafe secret.withBytes { unsafe machine.derive(chainingKey, $0, Key32.length, chainingKey, key) }
    isFresh = true
  }

  /// Mixes an ephemeral public key, as the pre-shared-key modifier wants it (9.2), into the chaining key.
  public func mixKey(publicKey: RawSpan) {
    unsafe publicKey.withUnsafeBytes { unsafe machine.derive(chainingKey, $0.baseAddress, $0.count, chainingKey, key) }
    isFresh = true
  }

  /// Mixes a pre-shared key into key and transcript (5.2, MixKeyAndHash).
  public func mixKeyAndHash(_ presharedKey: Key32) {
    // Safe: 32 bytes each; the temporary memory is wiped before it is given back.
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { middle in
      guard let start = middle.baseAddress else { preconditionFailure("internal error: no memory") }
      unsafe presharedKey.withBytes { unsafe machine.derive(chainingKey, $0, Key32.length, chainingKey, start, key) }
      unsafe machine.digest(hash, hash, 32, start, 32)
      unsafe sodium_memzero(start, 32)
    }
    isFresh = true
  }

  /// Seals a payload under the key and binds the ciphertext to the transcript.
  public func seal(_ plaintext: RawSpan) -> [UInt8] {
    precondition(isFresh, "a key seals once")
    isFresh = false
    // Safe: the hash has 32 bytes and is not written during the call.
    let transcript = unsafe UnsafeRawBufferPointer(start: hash, count: 32).bytes
    let sealed = unsafe AuthenticatedCipher.chacha20Poly1305.seal(
      plaintext, key: key, nonce: Self.nonce, associatedData: transcript)
    unsafe mixHash(sealed.span.bytes)
    return sealed
  }

  /// Opens what the other side sealed; nil, and the state is of no more use, when anything differs.
  public func open(_ ciphertext: RawSpan) -> [UInt8]? {
    precondition(isFresh, "a key opens once")
    isFresh = false
    let transcript = unsafe UnsafeRawBufferPointer(start: hash, count: 32).bytes
    let plaintext = unsafe AuthenticatedCipher.chacha20Poly1305.open(
      ciphertext, key: key, nonce: Self.nonce, associatedData: transcript)
    mixHash(ciphertext)
    return plaintext
  }

  /// Two keys for what follows: the first is the initiator's for sending (5.2, Split).
  public func split() -> (Key32, Key32) {
    var second: Key32?
    let empty: [UInt8] = [0]
    let first = unsafe Key32 { first in
      second = unsafe Key32 { second in unsafe machine.derive(chainingKey, empty, 0, first, second) }
    }
    guard let second else { preconditionFailure("internal error: no second key") }
    return (first, second)
  }

  /// The transcript's hash; the same on both sides.
  public var transcript: [UInt8] { unsafe Array(UnsafeBufferPointer(start: hash, count: 32)) }
}

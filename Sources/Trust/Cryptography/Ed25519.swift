import CSodium
public import Diagnostics
import Wire

/// Ed25519 (RFC 8032) as libsodium 1.0.18 judges it: canonical S, canonical A, no A or R of low order, cofactorless.
public enum Ed25519 {
  /// The length of a signature, in bytes.
  public static let signatureLength = 64

  /// A public key of 32 bytes.
  public struct PublicKey: Hashable, Sendable {
    /// The encoded point (RFC 8032 section 5.1.2).
    public let bytes: [UInt8]

    /// Refuses what is not 32 bytes, all zero, not canonical, of low order, or outside the main subgroup (P1-12).
    public init(_ bytes: [UInt8]) throws(Problem) {
      Sodium.ready
      guard bytes.count == 32 else {
        throw .malformed(
          "key.length", "an Ed25519 public key has 32 bytes, not \(bytes.count)", source: "RFC 8032 §5.1.5")
      }
      guard unsafe crypto_core_ed25519_is_valid_point(bytes) == 1 else {
        throw .malformed(
          "key.point", "this is not a usable Ed25519 public key: not canonical, of low order or not on the curve",
          source: "RFC 8032 §5.1.3, P1-12")
      }
      self.bytes = bytes
    }

    /// A key whose point is judged by `isValid` alone: for keys that come with each signature to be verified.
    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// A short name for people and hints: `ed25519:` and the first 16 hexadecimal digits of SHA-256 over the key.
    ///
    /// Never trust it alone: it is 64 bits long. What decides is the key itself.
    public var id: String { "ed25519:" + Digest(of: bytes).hex.prefix(16) }

    /// Whether `signature` is this key's over `message`.
    public func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
      Ed25519.isValid(signature, over: message, publicKey: bytes)
    }
  }

  /// Whether `signature` is valid for `publicKey` over `message`; false for wrong lengths too.
  public static func isValid(_ signature: [UInt8], over message: [UInt8], publicKey: [UInt8]) -> Bool {
    Sodium.ready
    guard signature.count == signatureLength, publicKey.count == 32 else { return false }
    return unsafe crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
  }

  /// Whether `signature` is valid for `publicKey` over the SHA-512 digest of `message` (Ed25519ph with an empty context,
  /// RFC 8032 §5.1). It is never one of `isValid` too: what is hashed begins with a text of its own (§2, dom2).
  public static func isValidPrehashed(_ signature: [UInt8], over message: [UInt8], publicKey: [UInt8]) -> Bool {
    Sodium.ready
    guard signature.count == signatureLength, publicKey.count == 32 else { return false }
    var state = crypto_sign_state()
    unsafe crypto_sign_init(&state)
    unsafe crypto_sign_update(&state, message, UInt64(message.count))
    return unsafe crypto_sign_final_verify(&state, signature, publicKey) == 0
  }

  /// A private key; its seed stays in guarded memory.
  public struct SigningKey: Sendable {
    /// 64 bytes: the seed and the public key, as libsodium keeps them.
    private let secret: SecretBytes
    /// The public half.
    public let publicKey: PublicKey

    /// A new key.
    public init() {
      self.init(
        secret: unsafe SecretBytes(count: 64) { memory in
          var discarded = [UInt8](repeating: 0, count: 32)
          _ = unsafe crypto_sign_keypair(&discarded, memory)
        })
    }

    /// The key of a 32-byte seed (RFC 8032 section 5.1.5).
    public init(seed: SecretBytes) throws(Problem) {
      guard seed.count == 32, unsafe seed.withBytes({ unsafe sodium_is_zero($0, 32) == 0 }) else {
        throw .malformed(
          "key.seed", "an Ed25519 seed has 32 bytes that are not all zero", source: "RFC 8032 §5.1.5, P1-12")
      }
      self.init(
        secret: unsafe SecretBytes(count: 64) { memory in
          var discarded = [UInt8](repeating: 0, count: 32)
          _ = unsafe seed.withBytes { unsafe crypto_sign_seed_keypair(&discarded, memory, $0) }
        })
    }

    private init(secret: SecretBytes) {
      self.secret = secret
      publicKey = PublicKey(
        unchecked: unsafe secret.withBytes { unsafe Array(UnsafeBufferPointer(start: $0 + 32, count: 32)) })
    }

    /// The seed, in guarded memory: to be sealed into a key file, nothing else.
    public var seed: SecretBytes {
      unsafe SecretBytes(count: 32) { memory in
        unsafe secret.withBytes { unsafe memory.update(from: $0, count: 32) }
      }
    }

    /// The signature over `message`, deterministic (RFC 8032 section 5.1.6).
    public func sign(_ message: [UInt8]) -> [UInt8] {
      var signature = [UInt8](repeating: 0, count: Ed25519.signatureLength)
      _ = unsafe secret.withBytes {
        unsafe crypto_sign_detached(&signature, nil, message, UInt64(message.count), $0)
      }
      return signature
    }
  }
}

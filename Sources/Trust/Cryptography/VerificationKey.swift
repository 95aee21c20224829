public import Diagnostics
import Wire

/// The public half of a key that signs for this project: Ed25519, or ECDSA where a token has nothing else.
///
/// P1-9 lists Ed25519 for our own signing. Most tokens cannot do it, so that keys on hardware (P8-1) may be ECDSA with
/// P-256 and SHA-256 or P-384 and SHA-384: the list `token-signing` of `AlgorithmPolicy`.
public struct VerificationKey: Hashable, Sendable {
  /// The algorithms, each with one curve and one hash. The raw values are the names in documents and policies.
  public enum Algorithm: String, Sendable, CaseIterable {
    case ed25519
    case ecdsaP256SHA256 = "ecdsa-p256-sha256"
    case ecdsaP384SHA384 = "ecdsa-p384-sha384"

    /// The same algorithm among those that we verify.
    public var signature: SignatureAlgorithm {
      switch self {
      case .ed25519: .ed25519
      case .ecdsaP256SHA256: .ecdsaP256SHA256
      case .ecdsaP384SHA384: .ecdsaP384SHA384
      }
    }

    /// The length of a raw ECDSA signature r||s, two numbers as long as the curve's order; nil for Ed25519.
    public var rawLength: Int? {
      switch self {
      case .ed25519: nil
      case .ecdsaP256SHA256: 64
      case .ecdsaP384SHA384: 96
      }
    }
  }

  private enum Storage: Hashable, Sendable {
    case ed25519(Ed25519.PublicKey)
    case ecdsa(ForeignPublicKey, Algorithm)
  }

  private let storage: Storage

  /// The key of an Ed25519 signer.
  public init(_ key: Ed25519.PublicKey) { storage = .ed25519(key) }

  /// Reads what stands in a document: 32 bytes for Ed25519, a SubjectPublicKeyInfo in DER for ECDSA.
  public init(_ algorithm: Algorithm, _ bytes: [UInt8]) throws(Problem) {
    guard algorithm != .ed25519 else {
      storage = .ed25519(try Ed25519.PublicKey(bytes))
      return
    }
    let key = try ForeignPublicKey(spki: bytes)
    guard key.kind == (algorithm == .ecdsaP256SHA256 ? .ecdsaP256 : .ecdsaP384) else {
      throw .malformed(
        "key.algorithm", "the public key is not one for \(algorithm.rawValue)", source: "RFC 5480 §2.1.1")
    }
    storage = .ecdsa(key, algorithm)
  }

  /// Reads a point as tokens give it: 32 bytes for Ed25519, 0x04, x and y for ECDSA (SEC 1 §2.3.3).
  public init(_ algorithm: Algorithm, point: [UInt8]) throws(Problem) {
    switch algorithm {
    case .ed25519: try self.init(algorithm, point)
    case .ecdsaP256SHA256: try self.init(algorithm, try ForeignPublicKey.spki(.ecdsaP256, point: point))
    case .ecdsaP384SHA384: try self.init(algorithm, try ForeignPublicKey.spki(.ecdsaP384, point: point))
    }
  }

  /// How it signs.
  public var algorithm: Algorithm {
    switch storage {
    case .ed25519: .ed25519
    case .ecdsa(_, let algorithm): algorithm
    }
  }

  /// What stands in documents: 32 bytes for Ed25519, a SubjectPublicKeyInfo in DER for ECDSA.
  public var bytes: [UInt8] {
    switch storage {
    case .ed25519(let key): key.bytes
    case .ecdsa(let key, _): key.der
    }
  }

  /// The key where it is an Ed25519 one; nil otherwise.
  public var ed25519: Ed25519.PublicKey? {
    if case .ed25519(let key) = storage { key } else { nil }
  }

  /// Returns when keys of this algorithm may sign from a token or behind a command, as the policy says.
  public func requireTokenSigning() throws(Problem) {
    // `latest`: all are allowed without an exception, and no exception may count here.
    try AlgorithmPolicy().require(algorithm.rawValue, for: .tokenSigning, at: .latest)
  }

  /// A short name for people and hints: the algorithm and 16 hexadecimal digits of SHA-256 over `bytes`.
  ///
  /// Never trust it alone: it is 64 bits long.
  public var id: String { "\(algorithm.rawValue):\(Digest(of: bytes).hex.prefix(16))" }

  /// Whether `signature` is this key's over `message`.
  public func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
    switch storage {
    case .ed25519(let key): key.isValid(signature, over: message)
    case .ecdsa(let key, let algorithm): key.isValid(signature, over: message, algorithm.signature)
    }
  }
}

/// Something that signs for us: a key in memory, on a token, or behind a command.
///
/// Whoever signs with one verifies what comes back before using it: a token, a driver and a command are not ours.
public protocol Signer: Sendable {
  /// The public half.
  var verificationKey: VerificationKey { get }
  /// The signature over `message`, in DER for ECDSA (RFC 3279 §2.2.3). ECDSA signatures differ each time.
  func signature(over message: [UInt8]) throws(Problem) -> [UInt8]
}

extension Ed25519.SigningKey: Signer {
  /// The public half.
  public var verificationKey: VerificationKey { VerificationKey(publicKey) }
  /// The signature over `message`.
  public func signature(over message: [UInt8]) throws(Problem) -> [UInt8] { sign(message) }
}

extension Signer {
  /// The signature over `message`, refused unless it verifies with `verificationKey`.
  public func verifiedSignature(over message: [UInt8]) throws(Problem) -> [UInt8] {
    let signature = try signature(over: message)
    guard verificationKey.isValid(signature, over: message) else {
      throw .refused(
        "signer.signature", "what the signer returned is no signature of \(verificationKey.id)",
        hint: "the private key does not belong to the public one, or the signer is broken")
    }
    return signature
  }
}

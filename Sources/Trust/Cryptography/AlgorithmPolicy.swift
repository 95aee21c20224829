public import Diagnostics
public import Wire

/// Which algorithm may serve which purpose, in one place (P1-9, P1-10, P1-11).
///
/// What stands in no list is denied. A denied name can be let through for a time by an exception; an exception for an
/// allowed one is an error, because it would hide that the list already has it.
public struct AlgorithmPolicy: Sendable {
  /// The purposes, each with a list of its own.
  public enum Use: String, Sendable, CaseIterable {
    case ownSigning = "own-signing"
    /// Our own signatures by keys that never leave a token or a service: most of those cannot do Ed25519.
    case tokenSigning = "token-signing"
    case foreignSignatures = "foreign-signatures"
    case tunnel
    case atRest = "at-rest"
    case identifierOnly = "identifier-only"
  }

  /// A time-limited permission for one denied algorithm and one purpose, accepted by a named person.
  public struct Exception: Sendable {
    /// The algorithm's name, as in the lists.
    public let algorithm: String
    /// The purpose.
    public let use: Use
    /// Who accepted the risk.
    public let owner: String
    /// The last second of its validity.
    public let expires: Timestamp

    /// An exception, judged by `AlgorithmPolicy.init`.
    public init(algorithm: String, use: Use, owner: String, expires: Timestamp) {
      self.algorithm = algorithm
      self.use = use
      self.owner = owner
      self.expires = expires
    }
  }

  /// The algorithms of each purpose.
  public static let allowed: [Use: [String]] = [
    .ownSigning: [
      "tls1.3", "ed25519", "sha256", "sha512", "blake2s", "blake2b", "hkdf-sha256", "argon2id", "aes-256-gcm",
      "xchacha20-poly1305", "chacha20-poly1305",
    ],
    .tokenSigning: ["ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384"],
    .foreignSignatures: [
      "ed25519", "ecdsa-p256-sha256", "ecdsa-p256-sha384", "ecdsa-p256-sha512", "ecdsa-p384-sha256",
      "ecdsa-p384-sha384", "ecdsa-p384-sha512", "rsa-pkcs1-sha256", "rsa-pkcs1-sha384", "rsa-pkcs1-sha512",
      "rsa-pss-sha256", "rsa-pss-sha384", "rsa-pss-sha512", "sha256", "sha384", "sha512",
    ],
    .tunnel: ["x25519", "chacha20-poly1305", "blake2s"],
    .atRest: ["xchacha20-poly1305", "argon2id", "aes-256-gcm", "sha256", "sha512"],
    .identifierOnly: ["sha1", "sha256", "sha512"],
  ]

  /// Never without an exception (P1-10), whatever the lists above come to say.
  public static let denied: Set<String> = [
    "md5", "sha1", "rc4", "des", "3des", "blowfish-cbc", "aes-cbc", "dh-1024", "rsa-1024", "tls1.2", "tls1.1", "tls1.0",
    "ssl3", "static-session-key",
  ]

  private let exceptions: [Exception]

  /// The built-in lists and these exceptions; an exception for something allowed, or without an owner, is malformed.
  ///
  /// The lists are judged too (P1-15): a program makes a policy before it does anything else, so that lists that
  /// contradict each other end it at its start.
  public init(exceptions: [Exception] = []) throws(Problem) {
    try AlgorithmPolicy.check(AlgorithmPolicy.allowed, against: AlgorithmPolicy.denied)
    for exception in exceptions {
      guard !(AlgorithmPolicy.allowed[exception.use] ?? []).contains(exception.algorithm) else {
        throw .malformed(
          "algorithm.needless-exception", "\(exception.algorithm) is allowed for \(exception.use.rawValue) already",
          source: "P1-11")
      }
      guard AlgorithmPolicy.denied.contains(exception.algorithm), !exception.owner.isEmpty else {
        throw .malformed(
          "algorithm.exception", "an exception needs a denied algorithm and the owner of the risk", source: "P1-11")
      }
    }
    self.exceptions = exceptions
  }

  /// Every use has a list without repetition, and no list but the one for identifiers holds a denied name.
  static func check(_ allowed: [Use: [String]], against denied: Set<String>) throws(Problem) {
    for use in Use.allCases {
      let list = allowed[use] ?? []
      guard !list.isEmpty, Set(list).count == list.count, use == .identifierOnly || denied.isDisjoint(with: list) else {
        throw .malformed(
          "algorithm.policy", "the list of algorithms for \(use.rawValue) is empty, repeats or contradicts itself",
          source: "P1-10, P1-15")
      }
    }
  }

  /// Returns when `algorithm` may be used for `use` at `time`; refuses otherwise, an expired exception by its own code.
  public func require(_ algorithm: String, for use: Use, at time: Timestamp) throws(Problem) {
    if let exception = exceptions.first(where: { $0.algorithm == algorithm && $0.use == use }) {
      guard time <= exception.expires else {
        throw .refused(
          "algorithm.exception-expired", "the exception for \(algorithm) expired at \(exception.expires)",
          source: "P1-11")
      }
      return
    }
    let listed = (AlgorithmPolicy.allowed[use] ?? []).contains(algorithm)
    guard listed, use == .identifierOnly || !AlgorithmPolicy.denied.contains(algorithm) else {
      throw .refused(
        "algorithm.denied", "\(algorithm) is not allowed for \(use.rawValue)", source: "P1-9, P1-10",
        hint: "allowed: \((AlgorithmPolicy.allowed[use] ?? []).joined(separator: ", "))")
    }
  }
}

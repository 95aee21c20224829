public import Attestation
public import Cryptography
public import Diagnostics
public import Wire

/// A bare signature beside a file, as `openssl dgst -sign` and `openssl pkeyutl -sign -rawin` write it.
///
/// The bytes say nothing of how they were made, so the reader says it: nothing is guessed (V22).
public struct DetachedSignature: Sendable {
  /// The largest file that is read: a signature of RSA with 8192 bits has 1024.
  public static let sizeLimit = 1024

  static let source = "openssl-dgst(1), openssl-pkeyutl(1)"

  private let bytes: [UInt8]

  /// Takes the bytes as they stand; what they must be depends on the algorithm.
  public init(_ bytes: [UInt8]) throws(Problem) {
    guard (1...DetachedSignature.sizeLimit).contains(bytes.count) else {
      throw .malformed(
        "openssl.size", "a signature has 1 to \(DetachedSignature.sizeLimit) bytes, not \(bytes.count)",
        hint: "the binary form is read, not base 64")
    }
    self.bytes = bytes
  }

  /// What was signed: the message, or where the algorithm hashes it first, its digest.
  public enum Signed: Sendable {
    case message([UInt8])
    case digest(Digest)
  }

  /// Every check, in order.
  public func judge(
    _ signed: Signed, key: ForeignPublicKey, _ algorithm: SignatureAlgorithm, policy: AlgorithmPolicy,
    at time: Timestamp
  ) -> [Check] {
    [algorithmCheck(algorithm, policy, time), keyCheck(key, algorithm), signatureCheck(signed, key, algorithm)]
  }

  private func algorithmCheck(_ algorithm: SignatureAlgorithm, _ policy: AlgorithmPolicy, _ time: Timestamp) -> Check {
    do throws(Problem) {
      try policy.require(algorithm.rawValue, for: .foreignSignatures, at: time)
      return .passed(
        "algorithm", "the algorithm is allowed for signatures of others", found: algorithm.rawValue, source: "P1-9")
    } catch { return Check("algorithm", error) }
  }

  private func keyCheck(_ key: ForeignPublicKey, _ algorithm: SignatureAlgorithm) -> Check {
    let fits =
      switch (key.kind, algorithm.scheme) {
      case (.ed25519, .ed25519), (.ecdsaP256, .ecdsaP256), (.ecdsaP384, .ecdsaP384), (.rsa, .rsaPKCS1), (.rsa, .rsaPSS):
        true
      default: false
      }
    let found = "\(key.kind.name), \(Digest(of: key.der))"
    return fits
      ? .passed("key", "the key is of the sort that the algorithm needs", found: found)
      : .failed(
        "key", "openssl.key-kind", "the key is not of the sort that the algorithm needs", expected: algorithm.rawValue,
        found: found, source: DetachedSignature.source, hint: "say with --algorithm how the signature was made")
  }

  private func signatureCheck(_ signed: Signed, _ key: ForeignPublicKey, _ algorithm: SignatureAlgorithm) -> Check {
    let isValid: Bool
    let found: String
    switch signed {
    case .message(let message):
      isValid = key.isValid(bytes, over: message, algorithm)
      found = "\(message.count) bytes, \(Digest(of: message))"
    case .digest(let digest):
      guard digest.algorithm == algorithm.hash else {
        return .notRun(
          "signature", "openssl.digest", "\(algorithm.rawValue) cannot be judged by \(digest)",
          source: DetachedSignature.source, hint: "name the file itself")
      }
      isValid = key.isValid(bytes, overDigest: digest, algorithm)
      found = digest.description
    }
    if isValid { return .passed("signature", "the key has signed this file", found: found) }
    let hint =
      algorithm.scheme == .rsaPSS
      ? "the salt must be as long as the digest: sign with -sigopt rsa_pss_saltlen:digest"
      : "the file or the signature was changed, or it was made in another way than --algorithm says"
    return .failed(
      "signature", "signature.invalid", "the signature is not this key's over this file", found: found,
      source: DetachedSignature.source, hint: hint)
  }
}

extension ForeignPublicKey.Kind {
  /// The sort of key, for people.
  public var name: String {
    switch self {
    case .ed25519: "Ed25519"
    case .ecdsaP256: "ECDSA P-256"
    case .ecdsaP384: "ECDSA P-384"
    case .rsa(let bits): "RSA \(bits)"
    }
  }
}

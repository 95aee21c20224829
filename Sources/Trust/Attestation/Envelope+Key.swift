public import Cryptography
import Diagnostics
public import Wire

extension Envelope {
  /// Judges the signatures by one key that the one who verifies has named: one of them must be the key's.
  ///
  /// The algorithm follows from the key alone, never from the envelope: Ed25519, ECDSA with the hash of the curve's
  /// size, RSA with PKCS #1 v1.5 and SHA-256.
  ///
  /// - Parameter name: what the key is called in the check.
  public func judge(key: ForeignPublicKey, named name: String, policy: AlgorithmPolicy, at time: Timestamp) -> [Check] {
    let algorithm: SignatureAlgorithm =
      switch key.kind {
      case .ed25519: .ed25519
      case .ecdsaP256: .ecdsaP256SHA256
      case .ecdsaP384: .ecdsaP384SHA384
      case .rsa: .rsaPKCS1SHA256
      }
    let id = "signature"
    do throws(Problem) { try policy.require(algorithm.rawValue, for: .foreignSignatures, at: time) } catch {
      return [Check(id, error)]
    }
    let signed = signedBytes
    // DSSE leaves the form of a signature to signer and verifier: ECDSA is met as DER and as r and s (DSSE protocol.md,
    // “Test Vectors”; Google's summaries).
    let valid = signatures.filter {
      key.isValid($0.bytes, over: signed, algorithm) || key.isValid(rawECDSA: $0.bytes, over: signed, algorithm)
    }
    let found = "\(valid.count) of \(signatures.count) signatures"
    return [
      valid.isEmpty
        ? .failed(
          id, "signature.invalid", "no signature verifies with the key", expected: "\(algorithm.rawValue), \(name)",
          found: found, source: "DSSE protocol.md", hint: "check that this is the signer's key")
        : .passed(
          id, "a signature verifies with the key", expected: "\(algorithm.rawValue), \(name)", found: found,
          source: "DSSE protocol.md")
    ]
  }
}

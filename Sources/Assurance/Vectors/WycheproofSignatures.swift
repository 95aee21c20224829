import Cryptography
import Diagnostics
import StrictJSON

/// The judges of signatures.
enum WycheproofSignatures {
  private static let hashes: [String: HashAlgorithm] = ["SHA-256": .sha256, "SHA-384": .sha384, "SHA-512": .sha512]
  private static let curves: [String: SignatureAlgorithm.Scheme] = [
    "secp256r1": .ecdsaP256, "secp384r1": .ecdsaP384,
  ]

  /// `ecdsa_verify_schema_v1`: DER signatures.
  static func ecdsa(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    let curve = try group.member("publicKey").member("curve").text()
    guard let scheme = curves[curve] else { return nil }
    return try verify(group, test, scheme, signature: try test.member("sig").hex())
  }

  /// `ecdsa_p1363_verify_schema_v1`: r and s side by side, each as long as the curve's order.
  static func ecdsaP1363(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    let curve = try group.member("publicKey").member("curve").text()
    guard let scheme = curves[curve] else { return nil }
    let signature = try test.member("sig").hex()
    let half = scheme == .ecdsaP256 ? 32 : 48
    guard signature.count == 2 * half else { return false }
    let body = derInteger(signature.prefix(half)) + derInteger(signature.suffix(half))
    return try verify(group, test, scheme, signature: [0x30, UInt8(body.count)] + body)
  }

  /// A positive INTEGER of at most 48 bytes in DER (X.690 §8.3): no superfluous zero, none missing before a high bit.
  private static func derInteger(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var digits = Array(bytes.drop { $0 == 0 })
    if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
    return [0x02, UInt8(digits.count)] + digits
  }

  /// `rsassa_pkcs1_verify_schema_v1`.
  static func rsa(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    try verify(group, test, .rsaPKCS1, signature: try test.member("sig").hex())
  }

  /// `eddsa_verify_schema_v1`: Ed25519 alone.
  static func eddsa(_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool? {
    let key = try group.member("publicKey")
    guard try key.member("curve").text() == "edwards25519" else { return nil }
    return Ed25519.isValid(
      try test.member("sig").hex(), over: try test.member("msg").hex(), publicKey: try key.member("pk").hex())
  }

  private static func verify(
    _ group: JSONReader, _ test: JSONReader, _ scheme: SignatureAlgorithm.Scheme, signature: [UInt8]
  ) throws(Problem) -> Bool? {
    let hash = hashes[try group.member("sha").text()]
    guard let algorithm = SignatureAlgorithm.allCases.first(where: { $0.scheme == scheme && $0.hash == hash }) else {
      return nil
    }
    let der = try group.member("publicKeyDer").hex()
    let message = try test.member("msg").hex()
    // A key that we refuse has no valid signature. Our rule on exponents is set aside: the primitive is judged here.
    guard let key = try? ForeignPublicKey(spki: der, exponents: .any) else { return false }
    return key.isValid(signature, over: message, algorithm)
  }
}

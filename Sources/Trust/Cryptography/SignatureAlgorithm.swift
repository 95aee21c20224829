/// The signature algorithms of others that we verify. The raw values are the names in `AlgorithmPolicy`.
public enum SignatureAlgorithm: String, Sendable, CaseIterable {
  case ed25519
  case ecdsaP256SHA256 = "ecdsa-p256-sha256"
  case ecdsaP256SHA384 = "ecdsa-p256-sha384"
  case ecdsaP256SHA512 = "ecdsa-p256-sha512"
  case ecdsaP384SHA256 = "ecdsa-p384-sha256"
  case ecdsaP384SHA384 = "ecdsa-p384-sha384"
  case ecdsaP384SHA512 = "ecdsa-p384-sha512"
  case rsaPKCS1SHA256 = "rsa-pkcs1-sha256"
  case rsaPKCS1SHA384 = "rsa-pkcs1-sha384"
  case rsaPKCS1SHA512 = "rsa-pkcs1-sha512"
  case rsaPSSSHA256 = "rsa-pss-sha256"
  case rsaPSSSHA384 = "rsa-pss-sha384"
  case rsaPSSSHA512 = "rsa-pss-sha512"

  /// How a signature is made.
  public enum Scheme: Sendable { case ed25519, ecdsaP256, ecdsaP384, rsaPKCS1, rsaPSS }

  /// How the signature is made.
  public var scheme: Scheme {
    switch self {
    case .ed25519: .ed25519
    case .ecdsaP256SHA256, .ecdsaP256SHA384, .ecdsaP256SHA512: .ecdsaP256
    case .ecdsaP384SHA256, .ecdsaP384SHA384, .ecdsaP384SHA512: .ecdsaP384
    case .rsaPKCS1SHA256, .rsaPKCS1SHA384, .rsaPKCS1SHA512: .rsaPKCS1
    case .rsaPSSSHA256, .rsaPSSSHA384, .rsaPSSSHA512: .rsaPSS
    }
  }

  /// The hash function over the message; nil for Ed25519, which hashes on its own.
  public var hash: HashAlgorithm? {
    switch self {
    case .ed25519: nil
    case .ecdsaP256SHA256, .ecdsaP384SHA256, .rsaPKCS1SHA256, .rsaPSSSHA256: .sha256
    case .ecdsaP256SHA384, .ecdsaP384SHA384, .rsaPKCS1SHA384, .rsaPSSSHA384: .sha384
    case .ecdsaP256SHA512, .ecdsaP384SHA512, .rsaPKCS1SHA512, .rsaPSSSHA512: .sha512
    }
  }
}

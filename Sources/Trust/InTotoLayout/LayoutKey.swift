public import Cryptography
public import Diagnostics
import StrictJSON
import Wire

/// A public key that signs layouts or links, with the one algorithm that it signs by.
///
/// Two keys are the same when their content is; a key id is a hint and never decides (in-toto 1.0 §4.2.1).
public struct LayoutKey: Sendable {
  /// The id that the document gave it; for a PEM file the first digits of SHA-256 over the key.
  public let id: String
  /// The key.
  public let key: ForeignPublicKey
  /// How it signs.
  public let algorithm: SignatureAlgorithm

  /// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 §4).
  private static let ed25519Head: [UInt8] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  /// The schemes of securesystemslib that are verified, by the sort of key.
  private static let schemes: [String: (types: [String], algorithm: SignatureAlgorithm)] = [
    "ed25519": (["ed25519"], .ed25519), "rsassa-pss-sha256": (["rsa"], .rsaPSSSHA256),
    "rsassa-pss-sha384": (["rsa"], .rsaPSSSHA384), "rsassa-pss-sha512": (["rsa"], .rsaPSSSHA512),
    "rsa-pkcs1v15-sha256": (["rsa"], .rsaPKCS1SHA256), "rsa-pkcs1v15-sha384": (["rsa"], .rsaPKCS1SHA384),
    "rsa-pkcs1v15-sha512": (["rsa"], .rsaPKCS1SHA512),
    "ecdsa-sha2-nistp256": (["ecdsa", "ecdsa-sha2-nistp256"], .ecdsaP256SHA256),
    "ecdsa-sha2-nistp384": (["ecdsa", "ecdsa-sha2-nistp384"], .ecdsaP384SHA384),
  ]

  private init(id: String, key: ForeignPublicKey, algorithm: SignatureAlgorithm) {
    self.id = id
    self.key = key
    self.algorithm = algorithm
  }

  /// An Ed25519 key of 32 bytes, with the id that securesystemslib would give it.
  public init(ed25519 bytes: [UInt8]) throws(Problem) {
    let object: JSON = [
      "keytype": "ed25519", "scheme": "ed25519", "keyval": ["public": .string(Hex.encode(bytes))],
    ]
    self.init(
      id: Digest(of: try OLPCCanonicalJSON.encode(object)).hex,
      key: try ForeignPublicKey(spki: LayoutKey.ed25519Head + bytes), algorithm: .ed25519)
  }

  /// Reads a file given to `--layout-key`: a `PUBLIC KEY` block, or a key object of securesystemslib.
  ///
  /// A PEM file does not say how the key signs: RSA is RSASSA-PSS with SHA-256, as in-toto 1.0 §4.2.1 has it.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= 16_384 else { throw .malformed("key.size", "a public key has at most 16384 bytes") }
    if bytes.first == UInt8(ascii: "{") {
      self = try JSON.decode(bytes, limits: JSON.Limits(size: 16_384, depth: 4, values: 64)) {
        reader throws(Problem) in try LayoutKey(reader, id: nil)
      }
      return
    }
    let key = try ForeignPublicKey(pem: String(decoding: bytes, as: UTF8.self))
    let algorithm: SignatureAlgorithm =
      switch key.kind {
      case .ed25519: .ed25519
      case .ecdsaP256: .ecdsaP256SHA256
      case .ecdsaP384: .ecdsaP384SHA384
      case .rsa: .rsaPSSSHA256
      }
    self.init(id: Digest(of: key.der).hex, key: key, algorithm: algorithm)
  }

  /// Reads a key object: `keytype`, `scheme` and `keyval.public`, in hexadecimal for Ed25519 and as PEM otherwise.
  init(_ reader: JSONReader, id: String?) throws(Problem) {
    guard try reader.optional("method") == nil else {
      throw .refused(
        "key.algorithm", "keys of GnuPG are not supported", place: reader.pointer, source: "in-toto 1.0 §4.2.1",
        hint: "use a key of securesystemslib")
    }
    let type = try reader.member("keytype").token(atMost: 64)
    let scheme = try reader.member("scheme").token(atMost: 64)
    guard let known = LayoutKey.schemes[scheme], known.types.contains(type) else {
      throw .refused(
        "key.algorithm", "keys of type \(type) with the scheme \(scheme) are not supported", place: reader.pointer,
        source: "in-toto 1.0 §4.2.1", hint: LayoutKey.schemes.keys.sorted().joined(separator: ", "))
    }
    let value = try reader.member("keyval").member("public")
    let key: ForeignPublicKey
    if known.algorithm == .ed25519 {
      let bytes = try value.hex(count: 32)
      do { key = try ForeignPublicKey(spki: LayoutKey.ed25519Head + bytes) } catch { throw value.located(error) }
    } else {
      let text = try value.text(atMost: 16_384)
      do { key = try ForeignPublicKey(pem: text) } catch { throw value.located(error) }
    }
    let fits =
      switch (key.kind, known.algorithm.scheme) {
      case (.ed25519, .ed25519), (.ecdsaP256, .ecdsaP256), (.ecdsaP384, .ecdsaP384), (.rsa, .rsaPSS), (.rsa, .rsaPKCS1):
        true
      default: false
      }
    guard fits else { throw reader.problem("key.scheme", "the key is of another sort than its scheme \(scheme) says") }
    self.init(id: id ?? Digest(of: key.der).hex, key: key, algorithm: known.algorithm)
  }

  /// Whether `id` is what the key object hashes to (in-toto 1.0 §4.2.1: SHA-256 over its canonical JSON).
  ///
  /// Tools have hashed the object with and without the list of hash functions that it may carry, and with the empty
  /// private half beside the public one: all of these name the same key, and nothing else is taken.
  static func isID(_ id: String, of reader: JSONReader) throws(Problem) -> Bool {
    let object = try reader.object()
    let value = try reader.member("keyval").object()
    var publicHalf = JSONObject()
    publicHalf["public"] = value["public"]
    var forms: [JSONObject] = []
    for half in [publicHalf, value] {
      var form = JSONObject()
      for name in ["keytype", "scheme"] { form[name] = object[name] }
      form["keyval"] = .object(half)
      forms.append(form)
      guard let hashes = object["keyid_hash_algorithms"] else { continue }
      form["keyid_hash_algorithms"] = hashes
      forms.append(form)
    }
    for form in forms {
      let bytes = try OLPCCanonicalJSON.encode(.object(form))
      if id.isExactly(Digest(of: bytes).hex) || id.isExactly(Digest(of: bytes, .sha512).hex) { return true }
    }
    return false
  }
}

extension LayoutKey: Hashable {
  /// Equal when key and algorithm are; the id is only a name.
  public static func == (left: LayoutKey, right: LayoutKey) -> Bool {
    left.key == right.key && left.algorithm == right.algorithm
  }
  /// Feeds the key.
  public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

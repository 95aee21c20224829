public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire

/// A sealed key file as it stands on the disk: `documents/specs/sealed-key.md` (P1-13).
///
/// Everything but the ciphertext is readable by whoever reads the file, and nothing of it is authentic before the file
/// was unsealed: the associated data of the cipher binds it all.
public struct SealedKey: Sendable {
  /// The format and its major version; another one is refused (P1-15).
  public static let type = "rustynet-sealed-key/v1"
  /// The largest file that is read, in bytes.
  public static let sizeLimit = 16_384

  /// What a person wrote about the key; it decides nothing.
  public struct Label: Sendable, Equatable {
    /// One line for people, at most 256 bytes.
    public let comment: String?
    /// A word for what the key is meant for, such as `release`.
    public let use: String?

    /// Refuses what the format has no room for.
    public init(comment: String? = nil, use: String? = nil) throws(Problem) {
      if let comment {
        guard comment.utf8.count <= 256, Printable.oneLine(comment).utf8.elementsEqual(comment.utf8) else {
          throw .malformed("sealed-key.comment", "a comment is one line of at most 256 bytes")
        }
      }
      if let use {
        guard KeyName.isName(use, atMost: 64) else {
          throw .malformed("sealed-key.use", "a use is a word of a-z, A-Z, 0-9, “.”, “_” and “-”, at most 64 long")
        }
      }
      self.comment = comment
      self.use = use
    }

    /// Neither comment nor use.
    public static let none = Label(empty: ())

    private init(empty: Void) {
      comment = nil
      use = nil
    }
  }

  /// The public half that the file states.
  public let publicKey: Ed25519.PublicKey
  /// When the key was made.
  public let created: Timestamp
  /// What a person wrote about it.
  public let label: Label
  /// What one guess at the passphrase costs.
  public let cost: Argon2id.Cost
  let salt: [UInt8]
  let nonce: [UInt8]
  private(set) var ciphertext: [UInt8]

  private static let cipher = AuthenticatedCipher.xchacha20Poly1305
  private static let derivation = "argon2id"
  private static let seedLength = 32

  // MARK: sealing

  /// Seals `key`; salt and nonce are new each time. Only tests state another public key than the key's own.
  init(
    sealing key: Ed25519.SigningKey, stating stated: Ed25519.PublicKey? = nil, passphrase: SecretBytes,
    created: Timestamp, label: Label, cost: Argon2id.Cost
  ) throws(Problem) {
    publicKey = stated ?? key.publicKey
    self.created = created
    self.label = label
    self.cost = cost
    salt = Randomness.bytes(Argon2id.saltLength)
    nonce = Randomness.bytes(SealedKey.cipher.nonceLength)
    ciphertext = []
    // The derived key lives in guarded memory and is wiped when this call returns or throws.
    let derived = try derive(passphrase)
    ciphertext = try SealedKey.cipher.seal(key.seed, key: derived, nonce: nonce, associatedData: associatedData)
  }

  /// The key, if the passphrase is right and nothing in the file was changed.
  func unseal(passphrase: SecretBytes) throws(Problem) -> Ed25519.SigningKey {
    let derived = try derive(passphrase)
    let seed: SecretBytes
    do {
      seed = try SealedKey.cipher.open(ciphertext, key: derived, nonce: nonce, associatedData: associatedData)
    } catch {
      throw .refused(
        "sealed-key.passphrase", "the passphrase is wrong, or the file was changed", source: "P1-13",
        hint: "try the passphrase again, then the backup of the file")
    }
    let key = try Ed25519.SigningKey(seed: seed)
    // The cipher binds the public key, but whoever sealed the file may have stated a wrong one.
    guard key.publicKey == publicKey else {
      throw .refused("sealed-key.public-key", "the sealed key does not belong to the public key that the file states")
    }
    return key
  }

  private func derive(_ passphrase: SecretBytes) throws(Problem) -> SecretBytes {
    let policy = try AlgorithmPolicy()
    // `latest`: both are allowed without an exception, and no exception may count here.
    try policy.require(SealedKey.derivation, for: .atRest, at: .latest)
    try policy.require(SealedKey.cipher.rawValue, for: .atRest, at: .latest)
    return try Argon2id.derive(AuthenticatedCipher.keyLength, from: passphrase, salt: salt, cost: cost)
  }

  // MARK: the document

  /// The canonical document without the ciphertext: what the cipher authenticates beside it.
  private var associatedData: [UInt8] { JSON.object(document(with: nil)).canonical }

  /// The content of the file: the canonical document and a newline.
  var bytes: [UInt8] { JSON.object(document(with: ciphertext)).canonical + [0x0a] }

  /// The document without salt, nonce and ciphertext: what `key inspect` prints.
  public var facts: JSON {
    var facts = document(with: nil)
    facts["kdf"] = [
      "algorithm": .string(SealedKey.derivation), "opslimit": .integer(Int64(cost.passes)),
      "memlimit": .integer(Int64(cost.memory)),
    ]
    facts["aead"] = ["algorithm": .string(SealedKey.cipher.rawValue)]
    return .object(facts)
  }

  private func document(with ciphertext: [UInt8]?) -> JSONObject {
    var kdf = JSONObject()
    kdf["algorithm"] = .string(SealedKey.derivation)
    kdf["opslimit"] = .integer(Int64(cost.passes))
    kdf["memlimit"] = .integer(Int64(cost.memory))
    kdf["salt"] = .string(Base64.encode(salt))
    var aead = JSONObject()
    aead["algorithm"] = .string(SealedKey.cipher.rawValue)
    aead["nonce"] = .string(Base64.encode(nonce))
    aead["ciphertext"] = ciphertext.map { .string(Base64.encode($0)) }
    var document = JSONObject()
    document["type"] = .string(SealedKey.type)
    document["algorithm"] = "ed25519"
    document["publicKey"] = .string(Base64.encode(publicKey.bytes))
    document["keyId"] = .string(publicKey.id)
    document["created"] = .string(created.description)
    document["comment"] = label.comment.map { .string($0) }
    document["use"] = label.use.map { .string($0) }
    document["kdf"] = .object(kdf)
    document["aead"] = .object(aead)
    return document
  }

  /// Reads the content of a file; nothing is authentic yet.
  init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: SealedKey.sizeLimit, depth: 4)) {
      (reader) throws(Problem) in try SealedKey(reader)
    }
    // One key has one spelling: a file that differs in white space or order was not written by us.
    guard self.bytes == bytes else {
      throw .malformed(
        "sealed-key.canonical", "the file is not one canonical JSON object and a newline", source: "RFC 8785")
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    // The version first: what else stands in a file of another version is unknown.
    let type = try reader.member("type")
    guard try type.token().isExactly(SealedKey.type) else {
      throw type.problem(
        "sealed-key.version", "this is not a sealed key of a version that is known here", source: "P1-15",
        hint: "known: \(SealedKey.type)")
    }
    try reader.closed("type", "algorithm", "publicKey", "keyId", "created", "comment", "use", "kdf", "aead")
    try SealedKey.expect("ed25519", at: reader.member("algorithm"))
    let keyReader = try reader.member("publicKey")
    do {
      publicKey = try Ed25519.PublicKey(try keyReader.base64(atMost: 64))
    } catch { throw keyReader.located(error) }
    let id = try reader.member("keyId")
    guard try id.token().isExactly(publicKey.id) else {
      throw id.problem("sealed-key.key-id", "the key id does not belong to the public key")
    }
    created = try reader.member("created").timestamp()
    label = try Label(
      comment: try reader.optional("comment")?.text(atMost: 256), use: try reader.optional("use")?.token(atMost: 64))
    (cost, salt) = try SealedKey.derivation(reader.member("kdf"))
    (nonce, ciphertext) = try SealedKey.box(reader.member("aead"))
  }

  private static func derivation(_ reader: JSONReader) throws(Problem) -> (Argon2id.Cost, [UInt8]) {
    try reader.closed("algorithm", "opslimit", "memlimit", "salt")
    try expect(derivation, at: reader.member("algorithm"))
    let passes = Int(try reader.member("opslimit").integer())
    let memory = Int(try reader.member("memlimit").integer())
    let cost: Argon2id.Cost
    do { cost = try Argon2id.Cost(passes: passes, memory: memory) } catch { throw reader.located(error) }
    return (cost, try bytes(Argon2id.saltLength, at: reader.member("salt")))
  }

  private static func box(_ reader: JSONReader) throws(Problem) -> ([UInt8], [UInt8]) {
    try reader.closed("algorithm", "nonce", "ciphertext")
    try expect(cipher.rawValue, at: reader.member("algorithm"))
    let nonce = try bytes(cipher.nonceLength, at: reader.member("nonce"))
    return (nonce, try bytes(seedLength + AuthenticatedCipher.tagLength, at: reader.member("ciphertext")))
  }

  private static func expect(_ word: String, at reader: JSONReader) throws(Problem) {
    guard try reader.token().isExactly(word) else {
      throw reader.problem("sealed-key.algorithm", "“\(word)” is expected here", source: "P1-9")
    }
  }

  private static func bytes(_ count: Int, at reader: JSONReader) throws(Problem) -> [UInt8] {
    let bytes = try reader.base64(atMost: 1024)
    guard bytes.count == count else {
      throw reader.problem("sealed-key.length", "\(bytes.count) bytes stand where \(count) are expected")
    }
    return bytes
  }
}

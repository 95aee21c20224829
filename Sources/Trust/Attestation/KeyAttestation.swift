public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire

/// How the private half of a key is kept (P8-1).
public enum KeyProtection: String, Sendable, CaseIterable {
  /// On a token in hardware, from which it cannot be taken.
  case hardware
  /// On a token that is a program.
  case software
  /// Behind a command: what stands behind it is its owner's word.
  case asserted
  /// In a sealed file.
  case file
}

/// What the host of a key saw of its custody, signed by that key itself (`documents/specs/key-attestation.md`).
///
/// It is what the token's driver said, not a certificate of its maker: it tells an honest owner from a careless one, and
/// whoever puts the key into a trust file answers for it.
public struct KeyAttestation: Sendable, Equatable {
  /// The media type of a signed attestation.
  public static let payloadType = "application/vnd.rustynet.key-attestation.v1+json"
  static let type = "rustynet-key-attestation/v1"

  /// What a PKCS #11 driver says of a token (PKCS #11 v2.40 §3.2, CK_TOKEN_INFO and CK_SLOT_INFO).
  public struct Token: Sendable, Equatable {
    /// Who made it.
    public let manufacturer: String
    /// Its model.
    public let model: String
    /// Its serial number.
    public let serial: String
    /// What its owner calls it.
    public let label: String
    /// CKF_HW_SLOT: the slot is a device.
    public let isHardwareSlot: Bool

    /// What a driver said.
    public init(manufacturer: String, model: String, serial: String, label: String, isHardwareSlot: Bool) {
      self.manufacturer = manufacturer
      self.model = model
      self.serial = serial
      self.label = label
      self.isHardwareSlot = isHardwareSlot
    }
  }

  /// What a token says of a private key (PKCS #11 v2.40 §4.9).
  public struct Attributes: Sendable, Equatable {
    /// CKA_SENSITIVE.
    public let isSensitive: Bool
    /// CKA_ALWAYS_SENSITIVE.
    public let isAlwaysSensitive: Bool
    /// CKA_EXTRACTABLE.
    public let isExtractable: Bool
    /// CKA_NEVER_EXTRACTABLE.
    public let isNeverExtractable: Bool
    /// CKA_LOCAL: made on the token.
    public let isLocal: Bool

    /// What a token said; what it did not say is taken for the worse answer.
    public init(
      isSensitive: Bool, isAlwaysSensitive: Bool, isExtractable: Bool, isNeverExtractable: Bool, isLocal: Bool
    ) {
      self.isSensitive = isSensitive
      self.isAlwaysSensitive = isAlwaysSensitive
      self.isExtractable = isExtractable
      self.isNeverExtractable = isNeverExtractable
      self.isLocal = isLocal
    }
  }

  /// Where the private key is.
  public enum Place: Sendable, Equatable {
    case token(Token, Attributes)
    case command
    case file
  }

  /// The key.
  public let key: VerificationKey
  /// When the host looked.
  public let created: Timestamp
  /// Where the private key is.
  public let place: Place

  /// What a host saw at `created`.
  public init(key: VerificationKey, created: Timestamp, place: Place) {
    self.key = key
    self.created = created
    self.place = place
  }

  /// What follows from it.
  public var custody: KeyProtection {
    switch place {
    case .file: .file
    case .command: .asserted
    case .token(let token, let attributes):
      token.isHardwareSlot && attributes.isAlwaysSensitive && attributes.isNeverExtractable
        && !KeyAttestation.isSoftware(token) ? .hardware : .software
    }
  }

  /// Whether the maker is known to sell no hardware. Such a driver may set any flag, and a list can only name those
  /// that are known: an attestation does not make a lie impossible.
  static func isSoftware(_ token: Token) -> Bool {
    let known = [
      "softhsm", "software", "softtoken", "soft token", "simulator", "emulator", "mozilla", "nss ", "kryoptic",
      "gnome", "p11-kit", "opencryptoki",
    ]
    let names = [token.manufacturer, token.model].map { $0.lowercased() }
    return names.contains { name in name == "soft" || known.contains { (name + " ").contains($0) } }
  }

  // MARK: the document

  /// Reads the payload of a signed attestation; a custody that does not follow from the facts is malformed.
  public init(parsing payload: [UInt8]) throws(Problem) {
    self = try JSON.decode(payload, limits: JSON.Limits(size: 16_384, depth: 4)) { reader throws(Problem) in
      try KeyAttestation(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("type", "created", "algorithm", "public", "keyId", "custody", "place", "token", "attributes")
    guard try reader.member("type").token().isExactly(KeyAttestation.type) else {
      throw reader.problem("key-attestation.type", "this is no key attestation that we read", source: "P1-15")
    }
    let algorithm = try reader.member("algorithm").choice(VerificationKey.Algorithm.self)
    let bytes = try reader.member("public").base64(atMost: 256)
    do { key = try VerificationKey(algorithm, bytes) } catch { throw reader.located(error) }
    created = try reader.member("created").timestamp()
    place = try KeyAttestation.place(reader)
    guard try reader.member("keyId").token(atMost: 64).isExactly(key.id) else {
      throw reader.problem("key-attestation.key-id", "the key id does not belong to the key")
    }
    guard try reader.member("custody").choice(KeyProtection.self) == custody else {
      throw reader.problem(
        "key-attestation.custody", "the facts make the custody \(custody.rawValue)", source: "P8-1")
    }
  }

  private static func place(_ reader: JSONReader) throws(Problem) -> Place {
    let name = try reader.member("place").token(atMost: 16)
    guard name == "token" else {
      guard try reader.optional("token") == nil, try reader.optional("attributes") == nil,
        name == "command" || name == "file"
      else { throw reader.problem("key-attestation.place", "place is token, command or file") }
      return name == "command" ? .command : .file
    }
    let token = try reader.member("token")
    try token.closed("manufacturer", "model", "serial", "label", "hardwareSlot")
    let attributes = try reader.member("attributes")
    try attributes.closed("sensitive", "alwaysSensitive", "extractable", "neverExtractable", "local")
    return .token(
      Token(
        manufacturer: try token.member("manufacturer").text(atMost: 128),
        model: try token.member("model").text(atMost: 64),
        serial: try token.member("serial").text(atMost: 64), label: try token.member("label").text(atMost: 128),
        isHardwareSlot: try token.member("hardwareSlot").bool()),
      Attributes(
        isSensitive: try attributes.member("sensitive").bool(),
        isAlwaysSensitive: try attributes.member("alwaysSensitive").bool(),
        isExtractable: try attributes.member("extractable").bool(),
        isNeverExtractable: try attributes.member("neverExtractable").bool(),
        isLocal: try attributes.member("local").bool()))
  }

  /// The attestation as JSON, in the form that is signed.
  public var json: JSON {
    var object = JSONObject()
    object["type"] = .string(KeyAttestation.type)
    object["created"] = .string(created.description)
    object["algorithm"] = .string(key.algorithm.rawValue)
    object["public"] = .string(Base64.encode(key.bytes))
    object["keyId"] = .string(key.id)
    object["custody"] = .string(custody.rawValue)
    switch place {
    case .command: object["place"] = "command"
    case .file: object["place"] = "file"
    case .token(let token, let attributes):
      object["place"] = "token"
      object["token"] = [
        "manufacturer": .string(token.manufacturer), "model": .string(token.model), "serial": .string(token.serial),
        "label": .string(token.label), "hardwareSlot": .bool(token.isHardwareSlot),
      ]
      object["attributes"] = [
        "sensitive": .bool(attributes.isSensitive), "alwaysSensitive": .bool(attributes.isAlwaysSensitive),
        "extractable": .bool(attributes.isExtractable), "neverExtractable": .bool(attributes.isNeverExtractable),
        "local": .bool(attributes.isLocal),
      ]
    }
    return .object(object)
  }

  /// The attestation of a signed one: its own key must have signed it, which proves that its owner can use that key.
  public static func verified(_ envelope: Envelope) throws(Problem) -> KeyAttestation {
    guard envelope.payloadType.isExactly(payloadType) else {
      throw .malformed(
        "key-attestation.payload-type", "this envelope holds no key attestation but \(envelope.payloadType)")
    }
    let attestation = try KeyAttestation(parsing: envelope.payload)
    let signed = envelope.signedBytes
    guard envelope.signatures.contains(where: { attestation.key.isValid($0.bytes, over: signed) }) else {
      throw .refused(
        "key-attestation.signature", "the attestation is not signed by the key that it is about", source: "P8-2")
    }
    return attestation
  }
}

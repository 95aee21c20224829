public import Cryptography
public import Diagnostics
public import StrictJSON
import Wire

/// A Dead Simple Signing Envelope (DSSE 1.0): bytes, their type, and signatures over both.
public struct Envelope: Sendable, Equatable {
  /// One signature. The key id is an unauthenticated hint; nothing of ours decides by it.
  public struct Signature: Sendable, Equatable {
    /// What the signer wrote about the key, nil where nothing.
    public var keyID: String?
    /// The raw signature.
    public var bytes: [UInt8]

    /// A signature.
    public init(keyID: String? = nil, bytes: [UInt8]) {
      self.keyID = keyID
      self.bytes = bytes
    }
  }

  /// The media type of an in-toto Statement.
  public static let statementType = "application/vnd.in-toto+json"
  /// The largest envelope that is read: 32 MiB.
  public static let limits = JSON.Limits(size: 32 << 20, depth: 16, values: 4096)
  /// The largest number of signatures.
  public static let signatureLimit = 32

  /// The type of the payload, as signed.
  public let payloadType: String
  /// The payload, exactly as signed; it is parsed from these bytes and never written anew.
  public let payload: [UInt8]
  /// At least one signature.
  public private(set) var signatures: [Signature]

  /// A payload signed by each of `keys`; without key ids where `hints` is false.
  public init(payloadType: String, payload: [UInt8], signedBy keys: [Ed25519.SigningKey], hints: Bool = true) {
    self.payloadType = payloadType
    self.payload = payload
    let encoded = Envelope.preAuthenticationEncoding(payloadType, payload)
    signatures = keys.map { Signature(keyID: hints ? $0.publicKey.id : nil, bytes: $0.sign(encoded)) }
  }

  /// A payload signed by each of `keys`, wherever they are; what a signer returns is verified before it is used.
  public init(
    payloadType: String, payload: [UInt8], signedBy keys: [any Signer], hints: Bool = true
  ) throws(Problem) {
    self.payloadType = payloadType
    self.payload = payload
    let encoded = Envelope.preAuthenticationEncoding(payloadType, payload)
    var signatures: [Signature] = []
    for key in keys {
      signatures.append(
        Signature(
          keyID: hints ? key.verificationKey.id : nil, bytes: try key.verifiedSignature(over: encoded)))
    }
    self.signatures = signatures
  }

  /// An envelope whose parts come from another format, such as an attestation of PEP 740; at least one signature.
  public init(payloadType: String, payload: [UInt8], signatures: [Signature]) {
    precondition(!signatures.isEmpty, "an envelope without a signature")
    self.payloadType = payloadType
    self.payload = payload
    self.signatures = signatures
  }

  /// Reads an envelope: strict JSON, strict base 64 in either alphabet, 1 to 32 signatures.
  ///
  /// Members that DSSE does not name are ignored, as its specification asks; nothing is verified yet.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(
      bytes, limits: Envelope.limits, lifting: ("payload", .standardOrURLSafe)
    ) { reader, payload throws(Problem) in try Envelope(reader, payload: payload) }
  }

  /// Reads an envelope that stands inside another document.
  public init(_ reader: JSONReader) throws(Problem) { try self.init(reader, payload: nil) }

  private init(_ reader: JSONReader, payload: [UInt8]?) throws(Problem) {
    payloadType = try reader.member("payloadType").token(atMost: 256)
    if let payload {
      self.payload = payload
    } else {
      self.payload = try reader.member("payload").base64(alphabet: .standardOrURLSafe)
    }
    let list = try reader.member("signatures").elements(atMost: Envelope.signatureLimit)
    guard !list.isEmpty else {
      throw reader.problem("dsse.no-signature", "the envelope has no signature", source: "DSSE protocol.md")
    }
    var signatures: [Signature] = []
    for signature in list {
      signatures.append(
        Signature(
          keyID: try Envelope.keyID(signature),
          bytes: try signature.member("sig").base64(atMost: 16_384, alphabet: .standardOrURLSafe)))
    }
    self.signatures = signatures
  }

  /// The hint; null is how some writers say that there is none.
  private static func keyID(_ signature: JSONReader) throws(Problem) -> String? {
    guard let hint = try signature.optional("keyid"), hint.value != .null else { return nil }
    return try hint.text(atMost: 1024)
  }

  /// The bytes that a signature covers: `DSSEv1`, both lengths in bytes, type and payload (DSSE protocol.md).
  public static func preAuthenticationEncoding(_ payloadType: String, _ payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
  }

  /// The bytes that a signature of this envelope covers.
  public var signedBytes: [UInt8] { Envelope.preAuthenticationEncoding(payloadType, payload) }

  /// Adds a signature over the same bytes; a key that signed already is not added again.
  public mutating func sign(with key: Ed25519.SigningKey) {
    let signature = key.sign(signedBytes)
    guard !signatures.contains(where: { $0.bytes == signature }) else { return }
    signatures.append(Signature(keyID: key.publicKey.id, bytes: signature))
  }

  /// Adds a signature over the same bytes by a key wherever it is; a key that signed already is not asked again.
  ///
  /// An ECDSA signature is another one each time, so that only verifying tells whether a key has signed.
  public mutating func sign(with key: any Signer) throws(Problem) {
    let signed = signedBytes
    guard !signatures.contains(where: { key.verificationKey.isValid($0.bytes, over: signed) }) else { return }
    signatures.append(Signature(keyID: key.verificationKey.id, bytes: try key.verifiedSignature(over: signed)))
  }

  /// The envelope as JSON.
  public var json: JSON {
    [
      "payload": .string(Base64.encode(payload)), "payloadType": .string(payloadType),
      "signatures": .array(
        signatures.map { signature in
          var object = JSONObject()
          object["keyid"] = signature.keyID.map { .string($0) }
          object["sig"] = .string(Base64.encode(signature.bytes))
          return .object(object)
        }),
    ]
  }

  /// The envelope as one line of canonical JSON with a final newline: how every envelope of ours is stored.
  public var encoded: [UInt8] { json.canonical + [0x0a] }
}

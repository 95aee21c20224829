import CPKCS11
public import Cryptography
public import Diagnostics
import Synchronization

/// A private key on a PKCS #11 token: it signs there and never leaves it.
///
/// The session lives as long as this value; then the token is logged out, the session closed and the driver unloaded.
/// Safe to share: everything that can change, the session, is behind a lock that lets in one call at a time.
public final class TokenKey: Signer {
  /// The public half, as the token states it. Each signature is verified with it before it is used.
  public let verificationKey: VerificationKey
  /// What the driver says of the token.
  public let token: TokenFacts
  /// What the token says of the key.
  public let attributes: KeyFlags

  /// What a token says of a private key; what it does not say is taken for the worse answer (PKCS #11 v2.40 §4.9).
  public struct KeyFlags: Sendable, Equatable {
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
  }

  private let session: Mutex<TokenSession>
  private let key: CK_OBJECT_HANDLE
  private let pin: SecretBytes?
  private let asksEachTime: Bool

  /// Finds the one key that `address` names.
  ///
  /// - Parameter pin: read only where the token asks for one, so that nobody types it for nothing.
  public init(_ address: TokenURI, pin: () throws(Problem) -> SecretBytes?) throws(Problem) {
    let session = try TokenSession(try TokenDriver(address.driver), token: address.token)
    var secret: SecretBytes?
    if session.needsLogin {
      secret = try pin()
      try session.login(secret)
    }
    key = try TokenKey.one(session, CKO_PRIVATE_KEY, address.object.map { Array($0.utf8) }, address.id)
    verificationKey = try TokenKey.publicKey(of: key, session)
    try verificationKey.requireTokenSigning()
    attributes = KeyFlags(
      isSensitive: session.bool(CKA_SENSITIVE, of: key) ?? false,
      isAlwaysSensitive: session.bool(CKA_ALWAYS_SENSITIVE, of: key) ?? false,
      isExtractable: session.bool(CKA_EXTRACTABLE, of: key) ?? true,
      isNeverExtractable: session.bool(CKA_NEVER_EXTRACTABLE, of: key) ?? false,
      isLocal: session.bool(CKA_LOCAL, of: key) ?? false)
    asksEachTime = session.bool(CKA_ALWAYS_AUTHENTICATE, of: key) ?? false
    // Kept only for a key that asks each time; dropped, the guarded memory is wiped.
    self.pin = asksEachTime ? secret : nil
    token = session.facts
    self.session = Mutex(session)
  }

  /// The signature over `message`: of its digest for ECDSA, in DER; of the message itself for Ed25519.
  public func signature(over message: [UInt8]) throws(Problem) -> [UInt8] {
    let algorithm = verificationKey.algorithm
    let data = algorithm.signature.hash.map { Digest(of: message, $0).bytes } ?? message
    let mechanism = algorithm == .ed25519 ? CKM_EDDSA : CKM_ECDSA
    let raw = try session.withLock { session throws(Problem) in
      try session.sign(data, key: key, mechanism: mechanism, pin: pin, asksEachTime: asksEachTime)
    }
    guard let length = algorithm.rawLength else { return raw }
    guard raw.count == length else {
      throw .refused("pkcs11.signature", "the token returned \(raw.count) bytes where a signature has \(length)")
    }
    return try ECDSASignature.der(raw: raw)
  }

  // MARK: finding

  private static func one(
    _ session: borrowing TokenSession, _ kind: UInt, _ label: [UInt8]?, _ id: [UInt8]?
  ) throws(Problem) -> CK_OBJECT_HANDLE {
    let what = kind == CKO_PRIVATE_KEY ? "private" : "public"
    let found = try session.objects(kind, label: label, id: id, limit: 2)
    guard let first = found.first else {
      throw .malformed(
        "pkcs11.no-key", "the token has no \(what) key that fits the address",
        hint: "pkcs11-tool --list-objects shows what is there")
    }
    guard found.count == 1 else {
      throw .malformed(
        "pkcs11.ambiguous-key", "more than one \(what) key fits the address", hint: "add id= to it")
    }
    return first
  }

  /// The public half: from the private object where the token keeps it there, else from the public one of the same id.
  private static func publicKey(
    of key: CK_OBJECT_HANDLE, _ session: borrowing TokenSession
  ) throws(Problem) -> VerificationKey {
    guard let parameters = session.value(CKA_EC_PARAMS, of: key), let algorithm = curve(parameters) else {
      throw .refused(
        "pkcs11.algorithm", "the key on the token is of a sort that does not sign for us", source: "P1-9",
        hint: "ECDSA P-256, ECDSA P-384 or Ed25519")
    }
    var point = session.value(CKA_EC_POINT, of: key)
    if point?.isEmpty ?? true {
      let label = session.value(CKA_LABEL, of: key)
      let id = session.value(CKA_ID, of: key)
      guard label?.isEmpty == false || id?.isEmpty == false else {
        throw .malformed("pkcs11.no-key", "the private key has neither label nor id to find its public half by")
      }
      point = session.value(
        CKA_EC_POINT,
        of: try one(session, CKO_PUBLIC_KEY, id?.isEmpty == false ? nil : label, id))
    }
    return try VerificationKey(algorithm, point: try unwrap(point ?? [], algorithm))
  }

  /// The named curve (RFC 5480 §2.1.1.1); Ed25519 is an OID, or a PrintableString (PKCS #11 v3.0 §2.3.5).
  private static func curve(_ parameters: [UInt8]) -> VerificationKey.Algorithm? {
    switch parameters {
    case [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]: .ecdsaP256SHA256
    case [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]: .ecdsaP384SHA384
    case [0x06, 0x03, 0x2b, 0x65, 0x70], [0x13, 0x0c] + Array("edwards25519".utf8): .ed25519
    default: nil
    }
  }

  /// CKA_EC_POINT is a DER OCTET STRING around the point; some drivers leave that out.
  private static func unwrap(_ value: [UInt8], _ algorithm: VerificationKey.Algorithm) throws(Problem) -> [UInt8] {
    let length = algorithm.rawLength.map { $0 + 1 } ?? 32
    if value.count == length { return value }
    guard value.count == length + 2, value[0] == 0x04, value[1] == UInt8(length) else {
      throw .malformed("pkcs11.point", "the public key on the token is in a form that is not known here")
    }
    return Array(value.dropFirst(2))
  }
}

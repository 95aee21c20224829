public import Cryptography
public import Diagnostics
import Wire

/// A public key as OpenSSH writes it (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH PROTOCOL.u2f).
public struct SSHPublicKey: Sendable, Hashable {
  /// The sorts of keys that we verify with; the raw value is the name in the key.
  public enum Kind: String, Sendable, CaseIterable {
    case ed25519 = "ssh-ed25519"
    case ecdsaP256 = "ecdsa-sha2-nistp256"
    case ecdsaP384 = "ecdsa-sha2-nistp384"
    case rsa = "ssh-rsa"
    case securityKeyEd25519 = "sk-ssh-ed25519@openssh.com"
    case securityKeyECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
  }

  /// The largest key, in bytes: RSA with 8192 bits has about 1,050.
  static let sizeLimit = 2048

  /// The sort of key.
  public let kind: Kind
  /// The key itself.
  public let key: ForeignPublicKey
  /// What a security key was registered for, such as `ssh:`; nil for keys of other sorts.
  public let application: String?
  /// The key as SSH writes it; equal keys have equal bytes.
  public let bytes: [UInt8]

  /// Reads a key up to its last byte.
  ///
  /// - Throws: `key.algorithm` for a sort that is not verified here, `sshsig.certificate` for certificates,
  ///   `key.rsa-strength` for weak RSA keys.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    var reader = SSHReader(bytes, what: "the SSH key")
    let name = try reader.name()
    guard let kind = Kind(rawValue: name) else { throw SSHPublicKey.unsupported(name) }
    self.kind = kind
    switch kind {
    case .ed25519, .securityKeyEd25519: key = try SSHPublicKey.ed25519(&reader)
    case .ecdsaP256, .securityKeyECDSA: key = try SSHPublicKey.ecdsa(&reader, .p256)
    case .ecdsaP384: key = try SSHPublicKey.ecdsa(&reader, .p384)
    case .rsa: key = try SSHPublicKey.rsa(&reader)
    }
    application = kind.isSecurityKey ? try reader.name() : nil
    try reader.end()
    self.bytes = bytes
  }

  /// `SHA256:` and base 64 without padding, as `ssh-keygen -l` prints it.
  public var fingerprint: String {
    "SHA256:" + Base64.encode(Digest(of: bytes).bytes).filter { $0 != "=" }
  }

  /// Why a key of this name is not taken.
  static func unsupported(_ name: String) -> Problem {
    if name.contains("-cert-v0") {
      return .refused(
        "sshsig.certificate", "the signer is an SSH certificate (\(name)); certificates are not supported",
        source: "OpenSSH PROTOCOL.certkeys", hint: "list the key itself in the allowed signers")
    }
    return .refused(
      "key.algorithm", "SSH keys of the sort \(name) are not verified here", source: "P1-9",
      hint: "supported: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  // MARK: the sorts

  /// The head of the SubjectPublicKeyInfo, and the curve's name in SSH.
  private enum Curve: String {
    case p256 = "nistp256"
    case p384 = "nistp384"

    /// RFC 5480 §2.1.1: id-ecPublicKey and the named curve.
    var algorithm: [UInt8] {
      let publicKey: [UInt8] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
      switch self {
      case .p256: return publicKey + [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
      case .p384: return publicKey + [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]
      }
    }
  }

  private static func ed25519(_ reader: inout SSHReader) throws(Problem) -> ForeignPublicKey {
    let point = try reader.string(atMost: 32)
    // RFC 8410 §3: the algorithm has no parameters.
    return try ForeignPublicKey(spki: DER.sequence(DER.sequence([0x06, 0x03, 0x2b, 0x65, 0x70]) + DER.bits(point)))
  }

  private static func ecdsa(_ reader: inout SSHReader, _ curve: Curve) throws(Problem) -> ForeignPublicKey {
    let name = try reader.name()
    guard name == curve.rawValue else {
      throw .malformed(
        "ssh.curve", "the key names the curve \(name), and its sort \(curve.rawValue)", source: "RFC 5656 §3.1")
    }
    let point = try reader.string(atMost: 97)
    return try ForeignPublicKey(spki: DER.sequence(DER.sequence(curve.algorithm) + DER.bits(point)))
  }

  private static func rsa(_ reader: inout SSHReader) throws(Problem) -> ForeignPublicKey {
    let exponent = try reader.positiveInteger(atMost: 1024)
    let modulus = try reader.positiveInteger(atMost: 1024)
    // RFC 3279 §2.3.1: rsaEncryption with its NULL.
    let algorithm: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00]
    let key = DER.sequence(DER.integer(modulus) + DER.integer(exponent))
    return try ForeignPublicKey(spki: DER.sequence(DER.sequence(algorithm) + DER.bits(key)))
  }
}

extension SSHPublicKey.Kind {
  /// Whether the private half lives in a FIDO token.
  public var isSecurityKey: Bool { self == .securityKeyEd25519 || self == .securityKeyECDSA }
}

public import Attestation
public import Cryptography
public import Diagnostics
public import Wire

/// A signature as `ssh-keygen -Y sign` writes it (OpenSSH PROTOCOL.sshsig, version 1).
///
/// Nothing is verified by reading it: the key inside is the signer's claim, and the allowed signers decide.
public struct SSHSignature: Sendable {
  /// The largest file that is read: RSA with 8192 bits makes about 3 kB of text.
  public static let sizeLimit = 16 << 10
  /// The longest namespace, in bytes.
  public static let namespaceLimit = 256

  static let source = "OpenSSH PROTOCOL.sshsig"
  private static let magic = Array("SSHSIG".utf8)

  /// The key that signed, by its own account.
  public let key: SSHPublicKey
  /// What the signature is for, such as `file` or `git`; part of what is signed.
  public let namespace: String
  /// The hash function over the message.
  public let hash: HashAlgorithm
  /// The name of the signature algorithm.
  public let algorithmName: String
  /// What a security key adds; nil for other keys.
  public let securityKey: SecurityKeyData?
  private let reserved: [UInt8]
  private let algorithm: SignatureAlgorithm
  private let signature: [UInt8]

  /// What a FIDO token signs beside the message (OpenSSH PROTOCOL.u2f).
  public struct SecurityKeyData: Sendable, Equatable {
    /// The flags of the authenticator.
    public let flags: UInt8
    /// How often the token has signed.
    public let counter: UInt32

    /// Bit 0: somebody touched the token.
    public var isUserPresent: Bool { flags & 1 == 1 }
    /// Bit 2: the token verified who it was, by a PIN or a finger.
    public var isUserVerified: Bool { flags & 4 == 4 }
  }

  // MARK: reading

  /// Reads the armoured form: one block, with nothing after it.
  public init(armoured bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= SSHSignature.sizeLimit else {
      throw .malformed("sshsig.size", "an SSH signature has at most \(SSHSignature.sizeLimit) bytes")
    }
    var lines = try TextLines.split(bytes, what: "the SSH signature")[...]
    guard lines.count > 2, lines.removeFirst() == "-----BEGIN SSH SIGNATURE-----",
      lines.removeLast() == "-----END SSH SIGNATURE-----"
    else { throw .malformed("sshsig.armour", "this is not one SSH SIGNATURE block", source: SSHSignature.source) }
    try self.init(blob: try Base64.decode(lines.joined()))
  }

  /// Reads the binary form up to its last byte.
  ///
  /// - Throws: `sshsig.namespace-empty`, `sshsig.hash` (SHA-256 and SHA-512 only), `sshsig.algorithm` (SHA-1 with RSA,
  ///   or an algorithm that is not the key's).
  public init(blob: [UInt8]) throws(Problem) {
    var reader = SSHReader(blob, what: "the SSH signature")
    guard try reader.bytes(6) == SSHSignature.magic else {
      throw .malformed("sshsig.magic", "the SSH signature does not begin with SSHSIG", source: SSHSignature.source)
    }
    let version = try reader.uint32()
    guard version == 1 else {
      throw .malformed("sshsig.version", "the SSH signature has version \(version), not 1", source: SSHSignature.source)
    }
    key = try SSHPublicKey(parsing: try reader.string(atMost: SSHPublicKey.sizeLimit))
    namespace = try SSHSignature.namespace(try reader.string(atMost: SSHSignature.namespaceLimit))
    reserved = try reader.string(atMost: 1024)
    let name = try reader.name()
    guard let hash = HashAlgorithm(rawValue: name), hash != .sha384 else {
      throw .refused(
        "sshsig.hash", "the hash function \(name) is not one of this format", source: SSHSignature.source,
        hint: "sha256 or sha512")
    }
    self.hash = hash
    let inner = try reader.string(atMost: 2048)
    try reader.end()
    (algorithmName, algorithm, signature, securityKey) = try SSHSignature.inner(inner, key: key)
  }

  private static func namespace(_ bytes: [UInt8]) throws(Problem) -> String {
    guard !bytes.isEmpty else {
      throw .malformed("sshsig.namespace-empty", "the namespace is empty", source: SSHSignature.source)
    }
    guard let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 })
    else { throw .malformed("sshsig.namespace-text", "the namespace is not printable text") }
    return text
  }

  private static func inner(
    _ bytes: [UInt8], key: SSHPublicKey
  ) throws(Problem) -> (String, SignatureAlgorithm, [UInt8], SecurityKeyData?) {
    var reader = SSHReader(bytes, what: "the inner SSH signature")
    let name = try reader.name()
    guard let algorithm = algorithm(name, for: key.kind) else {
      throw .refused(
        "sshsig.algorithm", "\(name) is no signature algorithm for a key of the sort \(key.kind.rawValue)",
        source: SSHSignature.source, hint: "RSA signs with rsa-sha2-512 or rsa-sha2-256, never with SHA-1")
    }
    var raw = try reader.string(atMost: 1024)
    var data: SecurityKeyData?
    if key.kind.isSecurityKey {
      data = SecurityKeyData(flags: try reader.bytes(1)[0], counter: try reader.uint32())
    }
    try reader.end()
    if algorithm.scheme == .ecdsaP256 || algorithm.scheme == .ecdsaP384 {
      var numbers = SSHReader(raw, what: "the ECDSA signature")
      let r = try numbers.positiveInteger(atMost: 48)
      let s = try numbers.positiveInteger(atMost: 48)
      try numbers.end()
      raw = DER.sequence(DER.integer(r) + DER.integer(s))
    }
    return (name, algorithm, raw, data)
  }

  private static func algorithm(_ name: String, for kind: SSHPublicKey.Kind) -> SignatureAlgorithm? {
    switch (kind, name) {
    case (.ed25519, "ssh-ed25519"), (.securityKeyEd25519, "sk-ssh-ed25519@openssh.com"): .ed25519
    case (.ecdsaP256, "ecdsa-sha2-nistp256"), (.securityKeyECDSA, "sk-ecdsa-sha2-nistp256@openssh.com"):
      .ecdsaP256SHA256
    case (.ecdsaP384, "ecdsa-sha2-nistp384"): .ecdsaP384SHA384
    case (.rsa, "rsa-sha2-256"): .rsaPKCS1SHA256
    case (.rsa, "rsa-sha2-512"): .rsaPKCS1SHA512
    default: nil
    }
  }

  // MARK: judging

  /// What is demanded of a signature; nothing has a default.
  public struct Demand: Sendable {
    /// Who must have signed, as the patterns of the allowed signers are asked.
    public var identity: String
    /// What the signature must be for.
    public var namespace: String
    /// Who may sign.
    public var signers: AllowedSigners
    /// When the signature is judged: it holds no trusted time of its own.
    public var time: Timestamp

    /// A demand.
    public init(identity: String, namespace: String, signers: AllowedSigners, time: Timestamp) {
      self.identity = identity
      self.namespace = namespace
      self.signers = signers
      self.time = time
    }
  }

  /// Every check of this signature over the message with this digest, in order.
  public func judge(_ digest: Digest, by demand: Demand, policy: AlgorithmPolicy) -> [Check] {
    var checks: [Check] = [
      .passed(
        "format", "an SSH signature of version 1 by a key of the sort \(key.kind.rawValue)", found: key.fingerprint,
        source: SSHSignature.source),
      .equal(
        "namespace", "sshsig.namespace", "the namespace", expected: demand.namespace, found: namespace,
        source: SSHSignature.source,
        hint: "a signature made for one purpose must not serve another; name the namespace that the signer used"),
      algorithmCheck(policy, at: demand.time),
      demand.signers.judge(key, demand),
      signatureCheck(digest),
    ]
    if !reserved.isEmpty {
      checks.append(
        .failed(
          "reserved", "sshsig.reserved",
          "the reserved field holds \(reserved.count) bytes, of an extension unknown here",
          source: SSHSignature.source))
    }
    if let securityKey { checks.append(presence(securityKey)) }
    return checks
  }

  private func algorithmCheck(_ policy: AlgorithmPolicy, at time: Timestamp) -> Check {
    do throws(Problem) {
      try policy.require(algorithm.rawValue, for: .foreignSignatures, at: time)
      try policy.require(hash.rawValue, for: .foreignSignatures, at: time)
      return .passed(
        "algorithm", "\(algorithmName) over \(hash.rawValue) is allowed for signatures of others",
        found: "\(algorithm.rawValue), \(hash.rawValue)", source: "P1-9")
    } catch { return Check("algorithm", error) }
  }

  private func signatureCheck(_ digest: Digest) -> Check {
    guard digest.algorithm == hash else {
      return .notRun(
        "signature", "sshsig.digest", "the signature is over \(hash.rawValue), and the digest is \(digest.description)",
        source: SSHSignature.source, hint: "name the file itself, or its \(hash.rawValue)")
    }
    guard key.key.isValid(signature, over: signedBytes(digest), algorithm) else {
      return .failed(
        "signature", "signature.invalid", "the signature is not this key's over this file",
        found: digest.description, source: SSHSignature.source,
        hint: "the file or the signature was changed, or they do not belong together")
    }
    return .passed(
      "signature", "the key has signed this file", found: digest.description, source: SSHSignature.source)
  }

  /// What the key signs; a security key signs a hash of it between its own data (PROTOCOL.u2f).
  private func signedBytes(_ digest: Digest) -> [UInt8] {
    let message =
      SSHSignature.magic + SSHWriter.string(namespace) + SSHWriter.string(reserved) + SSHWriter.string(hash.rawValue)
      + SSHWriter.string(digest.bytes)
    guard let securityKey, let application = key.application else { return message }
    return Digest(of: Array(application.utf8)).bytes + [securityKey.flags]
      + SSHWriter.uint32(Int(securityKey.counter)) + Digest(of: message).bytes
  }

  private func presence(_ data: SecurityKeyData) -> Check {
    let flags = "user present: \(data.isUserPresent), verified: \(data.isUserVerified), counter \(data.counter)"
    guard data.isUserPresent else {
      return .failed(
        "user-presence", "sshsig.user-presence", "nobody touched the security key", expected: "user present: true",
        found: flags, source: "OpenSSH PROTOCOL.u2f", hint: "ssh-keygen -Y does not ask for this; sshd does")
    }
    return .passed("user-presence", "somebody touched the security key", found: flags, source: "OpenSSH PROTOCOL.u2f")
  }
}

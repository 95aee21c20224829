import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TransparencyLog
import Wire
import X509

/// Reads what Fulcio writes into a certificate (sigstore/fulcio, docs/oid-info.md and docs/certificate-specification.md).
enum FulcioCertificate {
  private static let arc = "1.3.6.1.4.1.57264.1."

  /// Returns when the certificate may sign code, and is none of an authority.
  static func requireUsage(_ certificate: Certificate) throws(Problem) {
    guard !certificate.isAuthority else {
      throw refused("usage", "the signing certificate is one of an authority")
    }
    guard try certificate.allowsDigitalSignature() else {
      throw refused("usage", "the key usage does not allow signatures")
    }
    guard try certificate.extendedKeyUsages()?.contains(Certificate.OID.codeSigning) ?? false else {
      throw refused("usage", "the certificate is not for signing code")
    }
  }

  /// Whom the certificate names: exactly one name, and the issuer of the identity token in one or both of its forms.
  static func identity(_ certificate: Certificate) throws(Problem) -> SignerIdentity {
    let names = try certificate.alternativeNames()
    guard names.count == 1, let name = try text(of: names[0]) else {
      throw refused("name", "the certificate must have exactly one name of a kind of Fulcio's, it has \(names.count)")
    }
    let current = try utf8(certificate, "8")
    let legacy = try raw(certificate, "1")
    guard let issuer = current ?? legacy else { throw refused("issuer", "the certificate names no issuer") }
    guard current.map({ legacy?.isExactly($0) ?? true }) ?? true else {
      throw refused("issuer", "the two forms of the issuer differ: “\(legacy ?? "")” and “\(current ?? "")”")
    }
    return SignerIdentity(name: name, issuer: issuer, claims: try claims(certificate))
  }

  /// The name as text: of an other name only where it is the user name of a machine, `.7`. A certificate may hold other
  /// names of any kind, and the same text under another one names somebody else.
  private static func text(of name: GeneralName) throws(Problem) -> String? {
    guard case .other(let oid, let text) = name else { return name.text }
    guard oid.isExactly(arc + "7"), let text else { return nil }
    return try self.text(Array(text.utf8), "7")
  }

  private static func claims(_ certificate: Certificate) throws(Problem) -> SignerIdentity.Claims {
    var claims = SignerIdentity.Claims()
    claims.workflowTrigger = try raw(certificate, "2")
    claims.workflowCommit = try raw(certificate, "3")
    claims.workflowName = try raw(certificate, "4")
    claims.workflowRepository = try raw(certificate, "5")
    claims.workflowRef = try raw(certificate, "6")
    claims.buildSignerURI = try utf8(certificate, "9")
    claims.buildSignerDigest = try utf8(certificate, "10")
    claims.runnerEnvironment = try utf8(certificate, "11")
    claims.sourceRepositoryURI = try utf8(certificate, "12")
    claims.sourceRepositoryDigest = try utf8(certificate, "13")
    claims.sourceRepositoryRef = try utf8(certificate, "14")
    claims.sourceRepositoryIdentifier = try utf8(certificate, "15")
    claims.sourceRepositoryOwnerURI = try utf8(certificate, "16")
    claims.sourceRepositoryOwnerIdentifier = try utf8(certificate, "17")
    claims.buildConfigURI = try utf8(certificate, "18")
    claims.buildConfigDigest = try utf8(certificate, "19")
    claims.buildTrigger = try utf8(certificate, "20")
    claims.runInvocationURI = try utf8(certificate, "21")
    claims.sourceRepositoryVisibility = try utf8(certificate, "22")
    return claims
  }

  /// An extension whose value is a string in DER.
  private static func utf8(_ certificate: Certificate, _ number: String) throws(Problem) -> String? {
    guard let value = certificate[arc + number]?.value else { return nil }
    return try text(try DER.single(value, tag: DER.Tag.utf8String), number)
  }

  /// An extension of the older form, whose value is the text itself.
  private static func raw(_ certificate: Certificate, _ number: String) throws(Problem) -> String? {
    try certificate[arc + number].map { one throws(Problem) in try text(one.value, number) }
  }

  private static func text(_ bytes: [UInt8], _ number: String) throws(Problem) -> String {
    guard bytes.count <= 4096, let text = String(validating: bytes, as: UTF8.self),
      !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
    else { throw refused("extension", "the extension \(arc)\(number) is no line of text") }
    return text
  }

  private static func refused(_ code: String, _ message: String) -> Problem {
    .refused("certificate.\(code)", message, source: "sigstore/fulcio, certificate-specification.md")
  }
}

/// Timestamps of certificate logs inside of certificates (RFC 6962 §3.3).
struct CertificateTimestamp {
  let logID: [UInt8]
  let milliseconds: UInt64
  let extensions: [UInt8]
  /// The TLS numbers of hash and signature algorithm.
  let algorithm: (hash: UInt8, signature: UInt8)
  let signature: [UInt8]

  static let oid = "1.3.6.1.4.1.11129.2.4.2"

  /// The timestamps that a certificate carries.
  static func list(in certificate: Certificate) throws(Problem) -> [CertificateTimestamp] {
    guard let value = certificate[oid]?.value else { return [] }
    var outer = Cursor(try DER.single(value, tag: DER.Tag.octetString))
    var list = Cursor(try outer.vector())
    guard outer.isAtEnd else { throw Cursor.malformed }
    var timestamps: [CertificateTimestamp] = []
    while !list.isAtEnd {
      guard timestamps.count < 16 else { throw Cursor.malformed }
      timestamps.append(try CertificateTimestamp(try list.vector()))
    }
    return timestamps
  }

  private init(_ bytes: [UInt8]) throws(Problem) {
    var cursor = Cursor(bytes)
    guard try cursor.take(1) == [0] else { throw Cursor.malformed }
    logID = try cursor.take(32)
    milliseconds = try cursor.take(8).reduce(0) { $0 << 8 | UInt64($1) }
    extensions = try cursor.vector()
    let algorithm = try cursor.take(2)
    self.algorithm = (algorithm[0], algorithm[1])
    signature = try cursor.vector()
    guard cursor.isAtEnd else { throw Cursor.malformed }
  }

  /// Returns when `log` signed this timestamp for `certificate`, which `issuer` issued (RFC 6962 §3.2, precert_entry).
  func require(_ log: TrustedRoot.Log, for certificate: Certificate, issuer: Certificate) throws(Problem) {
    guard let time = Timestamp(seconds: Int64(clamping: milliseconds / 1000)), log.isTrusted(at: time) else {
      throw .refused("certificate.sct", "the certificate log is not trusted for the time of its timestamp")
    }
    let body = try certificate.precertificate()
    let length = [body.count >> 16, body.count >> 8, body.count].map { UInt8(truncatingIfNeeded: $0) }
    let time8 = (0..<8).map { UInt8(truncatingIfNeeded: milliseconds >> (56 - 8 * UInt64($0))) }
    let extensionsLength = [
      UInt8(truncatingIfNeeded: extensions.count >> 8), UInt8(truncatingIfNeeded: extensions.count),
    ]
    let signed =
      [0, 0] + time8 + [0, 1] + Digest(of: issuer.publicKey.der).bytes + length + body + extensionsLength + extensions
    guard let key = log.key, let algorithm = log.algorithm, self.algorithm.hash == 4,
      self.algorithm.signature == (algorithm == .rsaPKCS1SHA256 ? 1 : 3),
      key.isValid(signature, over: signed, algorithm)
    else {
      throw .refused(
        "certificate.sct", "the timestamp is not signed by the certificate log \(log.name)", source: "RFC 6962 §3.2")
    }
  }

  /// Reads the vectors of TLS (RFC 8446 §3.4).
  private struct Cursor {
    static let malformed = Problem.malformed(
      "certificate.sct", "the list of certificate timestamps is malformed", source: "RFC 6962 §3.3")

    let bytes: [UInt8]
    var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ count: Int) throws(Problem) -> [UInt8] {
      guard count <= bytes.count - index else { throw Cursor.malformed }
      defer { index += count }
      return Array(bytes[index..<(index + count)])
    }

    /// A vector with a length of two bytes.
    mutating func vector() throws(Problem) -> [UInt8] {
      let length = try take(2)
      return try take(Int(length[0]) << 8 | Int(length[1]))
    }
  }
}

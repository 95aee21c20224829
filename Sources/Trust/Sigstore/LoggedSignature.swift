import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import Wire
import X509

/// What the body of a log's entry says: which signature, by which key, over what.
///
/// Without this comparison any entry of the log would do, and an entry proves the time of somebody else's signature.
struct LoggedSignature {
  /// Over what the signature is.
  enum Subject {
    /// The message that is signed: the artifact, or the encoding of an envelope.
    case message(Digest)
    /// The payload of an envelope.
    case payload(Digest)
  }

  let signature: [UInt8]
  /// A certificate or a SubjectPublicKeyInfo, in DER.
  let verifier: [UInt8]
  let subject: Subject

  private static let limits = JSON.Limits(size: 24 << 20, depth: 16, values: 4096)

  /// Reads the body of `entry`, which must be of the kind and the version that the entry claims.
  init(_ entry: LogEntry) throws(Problem) {
    self = try JSON.decode(entry.body, limits: LoggedSignature.limits) { reader throws(Problem) in
      guard try reader.member("kind").token().isExactly(entry.kind),
        try reader.member("apiVersion").token().isExactly(entry.kindVersion)
      else { throw reader.problem("log.kind", "the body is of another kind than \(entry.kind) \(entry.kindVersion)") }
      let spec = try reader.member("spec")
      switch (entry.kind, entry.kindVersion) {
      case ("hashedrekord", "0.0.1"): return try LoggedSignature(hashedRekord1: spec)
      case ("hashedrekord", "0.0.2"): return try LoggedSignature(hashedRekord2: spec.member("hashedRekordV002"))
      case ("dsse", "0.0.1"): return try LoggedSignature(dsse1: spec)
      case ("dsse", "0.0.2"): return try LoggedSignature(dsse2: spec.member("dsseV002"))
      case ("intoto", "0.0.2"): return try LoggedSignature(inToto2: spec.member("content"))
      default:
        throw .refused(
          "log.kind", "entries of the kind \(entry.kind) \(entry.kindVersion) are not supported",
          source: "sigstore/rekor, pkg/types")
      }
    }
  }

  private init(hashedRekord1 spec: JSONReader) throws(Problem) {
    let signature = try spec.member("signature")
    self.signature = try signature.member("content").bytes(atMost: 16_384)
    verifier = try LoggedSignature.pem(try signature.member("publicKey").member("content").bytes(atMost: 65_536))
    subject = .message(try LoggedSignature.hexDigest(try spec.member("data").member("hash")))
  }

  private init(hashedRekord2 spec: JSONReader) throws(Problem) {
    subject = .message(try LoggedSignature.digest(try spec.member("data")))
    let signature = try spec.member("signature")
    self.signature = try signature.member("content").bytes(atMost: 16_384)
    verifier = try LoggedSignature.verifier(try signature.member("verifier"))
  }

  private init(dsse1 spec: JSONReader) throws(Problem) {
    subject = .payload(try LoggedSignature.hexDigest(try spec.member("payloadHash")))
    let signature = try LoggedSignature.only(try spec.member("signatures"))
    self.signature = try signature.member("signature").bytes(atMost: 16_384)
    verifier = try LoggedSignature.pem(try signature.member("verifier").bytes(atMost: 65_536))
  }

  private init(dsse2 spec: JSONReader) throws(Problem) {
    subject = .payload(try LoggedSignature.digest(try spec.member("payloadHash")))
    let signature = try LoggedSignature.only(try spec.member("signatures"))
    self.signature = try signature.member("content").bytes(atMost: 16_384)
    verifier = try LoggedSignature.verifier(try signature.member("verifier"))
  }

  /// The signature of this kind is in base 64 twice: once by the envelope, once by the log.
  private init(inToto2 content: JSONReader) throws(Problem) {
    subject = .payload(try LoggedSignature.hexDigest(try content.member("payloadHash")))
    let signature = try LoggedSignature.only(try content.member("envelope").member("signatures"))
    let inner = try signature.member("sig").bytes(atMost: 32_768)
    guard let text = String(validating: inner, as: UTF8.self) else {
      throw signature.problem("log.signature", "the logged signature is no text")
    }
    self.signature = try Base64.decode(text, alphabet: .standardOrURLSafe)
    verifier = try LoggedSignature.pem(try signature.member("publicKey").bytes(atMost: 65_536))
  }

  /// The hash of the message that is logged; nil where the entry is about an envelope's payload.
  var messageHash: HashAlgorithm? {
    if case .message(let digest) = subject { digest.algorithm } else { nil }
  }

  // MARK: comparing

  /// Returns when the entry is about `content`, signed by the key or the certificate in `verifier`.
  func requireAbout(
    _ content: SigstoreBundle.Content, verifier: [UInt8], artifact: SignedArtifact
  ) throws(Problem) {
    let signed: [UInt8]
    switch content {
    case .message(let signature, _): signed = signature
    case .envelope(let envelope): signed = envelope.signatures[0].bytes
    }
    guard signed == signature else {
      throw LoggedSignature.refused("signature", "the logged signature is not the one of this bundle")
    }
    guard verifier == self.verifier else {
      throw LoggedSignature.refused("verifier", "the logged key or certificate is not the one of this bundle")
    }
    let expected: Digest
    let found: Digest?
    switch (subject, content) {
    case (.message(let digest), .message):
      expected = digest
      found = artifact.digest(digest.algorithm)
    case (.message(let digest), .envelope(let envelope)):
      expected = digest
      found = Digest(of: envelope.signedBytes, digest.algorithm)
    case (.payload(let digest), .envelope(let envelope)):
      expected = digest
      found = Digest(of: envelope.payload, digest.algorithm)
    case (.payload, .message):
      throw LoggedSignature.refused("kind", "the entry is about an envelope, and the bundle has none")
    }
    guard found == expected else {
      throw LoggedSignature.refused(
        "digest", "the log has \(expected), this is \(found.map(\.description) ?? "without such a digest")")
    }
  }

  private static func refused(_ code: String, _ message: String) -> Problem {
    .refused("log.entry-\(code)", message, source: "sigstore/rekor, pkg/types")
  }

  // MARK: reading

  private static func only(_ list: JSONReader) throws(Problem) -> JSONReader {
    let elements = try list.elements(atMost: 1)
    guard let first = elements.first else { throw list.problem("log.signature", "the entry has no signature") }
    return first
  }

  private static func hexDigest(_ reader: JSONReader) throws(Problem) -> Digest {
    let name = try reader.member("algorithm").token(atMost: 32)
    guard let algorithm = SigstoreHash.algorithm(name) else {
      throw reader.problem("log.hash", "\(name) is not a hash that is supported")
    }
    return try Digest(algorithm, bytes: try reader.member("value").hex(count: algorithm.length))
  }

  private static func digest(_ reader: JSONReader) throws(Problem) -> Digest {
    let name = try reader.member("algorithm").token(atMost: 32)
    guard let algorithm = SigstoreHash.algorithm(name) else {
      throw reader.problem("log.hash", "\(name) is not a hash that is supported")
    }
    let bytes = try reader.member("digest").bytes(atMost: 64)
    do { return try Digest(algorithm, bytes: bytes) } catch { throw reader.located(error) }
  }

  private static func verifier(_ reader: JSONReader) throws(Problem) -> [UInt8] {
    if let certificate = try reader.optional("x509Certificate") {
      return try certificate.member("rawBytes").bytes(atMost: Certificate.sizeLimit)
    }
    return try reader.member("publicKey").member("rawBytes").bytes(atMost: 4096)
  }

  /// The DER inside of the first PEM block, of a certificate or of a public key.
  ///
  /// It is only compared, so it is not read; of a chain the signing certificate comes first, as Rekor was given it.
  private static func pem(_ bytes: [UInt8]) throws(Problem) -> [UInt8] {
    var rest = bytes[...]
    let malformed = { (why: String) -> Problem in
      .malformed("log.verifier", "the logged key is no PEM block: \(why)", source: "RFC 7468")
    }
    guard let block = try PEM.next(&rest, labels: ["CERTIFICATE", "PUBLIC KEY"], malformed: malformed) else {
      throw malformed("there is none")
    }
    return block.bytes
  }
}

public import Attestation
public import Cryptography
public import Diagnostics
public import StrictJSON
public import X509

/// A Sigstore bundle of version 0.1, 0.2 or 0.3: a signature with everything that proves it later
/// (sigstore/protobuf-specs, sigstore_bundle.proto). Reading verifies nothing.
public struct SigstoreBundle: Sendable {
  /// The versions, which differ in what they must hold.
  public enum Version: String, Sendable, Comparable, CaseIterable {
    /// With the log's promise of inclusion; the proof may be missing.
    case v01 = "0.1"
    /// With the proof of inclusion.
    case v02 = "0.2"
    /// With one certificate and not a chain.
    case v03 = "0.3"

    /// Earlier than.
    public static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
  }

  /// Whose key signed.
  public enum Material: Sendable {
    /// A certificate; older bundles have further ones after it, issuing one first.
    case certificate(Certificate, others: [Certificate])
    /// A key that the verifier has; the hint says which, and is not to be relied on.
    case publicKey(hint: String)
  }

  /// What was signed.
  public enum Content: Sendable {
    /// An artifact, by itself or by its digest.
    case message(signature: [UInt8], digest: Digest?)
    /// An attestation, in an envelope with exactly one signature.
    case envelope(Envelope)
  }

  /// The largest bundle that is read: 32 MiB.
  public static let limits = JSON.Limits(size: 32 << 20, depth: 24, values: 16_384)

  /// The version that the media type names.
  public let version: Version
  /// Whose key signed.
  public let material: Material
  /// Entries of transparency logs.
  public let entries: [LogEntry]
  /// RFC 3161 time-stamp responses over the signature, in DER.
  public let timestamps: [[UInt8]]
  /// What was signed.
  public let content: Content

  init(version: Version, material: Material, entries: [LogEntry], timestamps: [[UInt8]] = [], content: Content) {
    self.version = version
    self.material = material
    self.entries = entries
    self.timestamps = timestamps
    self.content = content
  }

  /// Reads a bundle.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: SigstoreBundle.limits) { reader throws(Problem) in
      try SigstoreBundle(reader)
    }
  }

  /// Reads a bundle that stands inside another document.
  public init(_ reader: JSONReader) throws(Problem) {
    let mediaType = try reader.member("mediaType")
    guard let version = SigstoreBundle.version(mediaType: try mediaType.token(atMost: 128)) else {
      throw mediaType.problem(
        "bundle.version", "this is not a Sigstore bundle of version 0.1, 0.2 or 0.3",
        source: "protobuf-specs, sigstore_bundle.proto")
    }
    self.version = version
    let material = try reader.member("verificationMaterial")
    self.material = try SigstoreBundle.material(material, version)
    var entries: [LogEntry] = []
    for entry in try material.list("tlogEntries", atMost: 32) { entries.append(try LogEntry(entry, version)) }
    self.entries = entries
    var timestamps: [[UInt8]] = []
    if let data = try material.present("timestampVerificationData") {
      for token in try data.list("rfc3161Timestamps", atMost: 16) {
        timestamps.append(try token.member("signedTimestamp").wrappedBytes(atMost: TimestampToken.sizeLimit))
      }
    }
    self.timestamps = timestamps
    content = try SigstoreBundle.content(reader)
  }

  /// The version of a media type, nil where it is none of ours. Two spellings are in use.
  public static func version(mediaType: String) -> Version? {
    Version.allCases.first {
      mediaType == "application/vnd.dev.sigstore.bundle+json;version=\($0.rawValue)"
        || ($0 == .v03 && mediaType == "application/vnd.dev.sigstore.bundle.v0.3+json")
    }
  }

  private static func material(_ reader: JSONReader, _ version: Version) throws(Problem) -> Material {
    let certificate = try reader.present("certificate")
    let chain = try reader.present("x509CertificateChain")
    let key = try reader.present("publicKey")
    switch (certificate, chain, key) {
    case (.some(let certificate), nil, nil): return .certificate(try certificate.certificate(), others: [])
    case (nil, .some(let chain), nil):
      guard version < .v03 else {
        throw chain.problem(
          "bundle.chain", "a bundle of version 0.3 holds one certificate and no chain",
          source: "protobuf-specs, sigstore_bundle.proto")
      }
      var certificates: [Certificate] = []
      for one in try chain.member("certificates").elements(atMost: 8) { certificates.append(try one.certificate()) }
      guard let first = certificates.first else { throw chain.problem("bundle.chain", "the chain is empty") }
      return .certificate(first, others: Array(certificates.dropFirst()))
    case (nil, nil, .some(let key)): return .publicKey(hint: try key.present("hint")?.text(atMost: 1024) ?? "")
    default:
      throw reader.problem("bundle.material", "there must be one of certificate, x509CertificateChain, publicKey")
    }
  }

  private static func content(_ reader: JSONReader) throws(Problem) -> Content {
    switch (try reader.present("messageSignature"), try reader.present("dsseEnvelope")) {
    case (.some(let message), nil):
      let signature = try message.member("signature").bytes(atMost: 16_384)
      guard let digest = try message.present("messageDigest") else {
        return .message(signature: signature, digest: nil)
      }
      let name = try digest.member("algorithm").token(atMost: 32)
      guard let algorithm = SigstoreHash.algorithm(name) else {
        throw digest.problem("bundle.digest", "\(name) digests are not supported", hint: "SHA2_256, SHA2_384, SHA2_512")
      }
      let value = try digest.member("digest").bytes(atMost: 64)
      do throws(Problem) {
        return .message(signature: signature, digest: try Digest(algorithm, bytes: value))
      } catch { throw digest.located(error) }
    case (nil, .some(let envelope)):
      let parsed = try Envelope(envelope)
      guard parsed.signatures.count == 1 else {
        throw envelope.problem(
          "bundle.signatures", "the envelope of a bundle has exactly one signature, not \(parsed.signatures.count)",
          source: "protobuf-specs, sigstore_bundle.proto")
      }
      return .envelope(parsed)
    default: throw reader.problem("bundle.content", "there must be one of messageSignature and dsseEnvelope")
    }
  }

  /// The signature that the whole bundle is about.
  public var signature: [UInt8] {
    switch content {
    case .message(let signature, _): signature
    case .envelope(let envelope): envelope.signatures[0].bytes
    }
  }
}

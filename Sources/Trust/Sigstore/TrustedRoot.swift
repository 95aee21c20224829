public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire
public import X509

/// Whom a verifier of Sigstore bundles trusts: certificate authorities, logs and time-stamp authorities
/// (sigstore/protobuf-specs, sigstore_trustroot.proto).
public struct TrustedRoot: Sendable {
  /// A log, of entries or of certificates.
  public struct Log: Sendable {
    /// Where it is; its host is the name under which it signs checkpoints.
    public let baseURL: String
    /// SHA-256 over the key, or over name and key.
    public let id: [UInt8]
    /// Its key; nil when the key is of a kind that is not supported here, and then nothing of this log verifies.
    public let key: ForeignPublicKey?
    /// How it signs.
    public let algorithm: SignatureAlgorithm?
    /// The first second of trust.
    public let validFrom: Timestamp
    /// The last second of trust, nil while it lasts.
    public let validUntil: Timestamp?
    /// What its signature lines in checkpoints begin with, where the root says that it is not the start of `id`.
    let checkpointID: [UInt8]?

    /// The short id of its key in checkpoints (C2SP signed-note).
    var noteID: UInt32 { (checkpointID ?? id).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    /// Whether the log is trusted at `time`: a closed interval, both ends included.
    public func isTrusted(at time: Timestamp) -> Bool { validFrom <= time && time <= validUntil ?? .latest }

    /// The name under which the log signs its checkpoints: its URL without a scheme and without a final slash.
    public var name: String {
      var text = Substring(baseURL)
      for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
      if text.hasSuffix("/") { text = text.dropLast() }
      return String(text)
    }
  }

  /// The largest trusted root that is read.
  public static let limits = JSON.Limits(size: 4 << 20, depth: 16, values: 16_384)

  /// Logs of signatures (Rekor).
  public let transparencyLogs: [Log]
  /// Logs of certificates (RFC 6962).
  public let certificateLogs: [Log]
  /// Authorities that issue signing certificates (Fulcio).
  public let certificateAuthorities: [TrustedAuthority<CertificateAuthority>]
  /// Time-stamp authorities.
  public let timestampAuthorities: [TrustedAuthority<TimestampAuthority>]

  /// Reads a trusted root; every instance needs the start of its validity, because trust without one has no beginning.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: TrustedRoot.limits) { reader throws(Problem) in try TrustedRoot(reader) }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    let mediaType = try reader.member("mediaType")
    let known = [
      "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      "application/vnd.dev.sigstore.trustedroot.v0.1+json", "application/vnd.dev.sigstore.trustedroot.v0.2+json",
    ]
    guard known.contains(try mediaType.token(atMost: 128)) else {
      throw mediaType.problem(
        "trusted-root.version", "this is not a Sigstore trusted root",
        source: "protobuf-specs, sigstore_trustroot.proto")
    }
    transparencyLogs = try TrustedRoot.logs(reader, "tlogs")
    certificateLogs = try TrustedRoot.logs(reader, "ctlogs")
    certificateAuthorities = try TrustedRoot.authorities(reader, "certificateAuthorities") { one throws(Problem) in
      try CertificateAuthority(chain: one.chain, validFrom: one.validFrom, validUntil: one.validUntil)
    }
    timestampAuthorities = try TrustedRoot.authorities(reader, "timestampAuthorities") { one throws(Problem) in
      try TimestampAuthority(chain: one.chain, validFrom: one.validFrom, validUntil: one.validUntil, uri: one.uri)
    }
  }

  private static func logs(_ reader: JSONReader, _ key: String) throws(Problem) -> [Log] {
    var logs: [Log] = []
    for one in try reader.list(key, atMost: 256) {
      guard try one.member("hashAlgorithm").token(atMost: 32) == "SHA2_256" else {
        throw one.problem("trusted-root.hash", "only logs over SHA2_256 are supported", source: "RFC 9162 §2.1")
      }
      let key = try one.member("publicKey")
      let (from, until) = try validity(key.member("validFor"))
      let details = try key.member("keyDetails").token(atMost: 64)
      let algorithm = algorithms[details]
      let bytes = try key.member("rawBytes").bytes(atMost: 4096)
      logs.append(
        Log(
          baseURL: try one.member("baseUrl").text(atMost: 2048),
          id: try one.member("logId").member("keyId").bytes(atMost: 32),
          // A key of a kind that we do not verify with must not make the whole root unreadable.
          key: algorithm == nil ? nil : try? ForeignPublicKey(spki: bytes), algorithm: algorithm, validFrom: from,
          validUntil: until, checkpointID: try one.present("checkpointKeyId")?.bytes(atMost: 32)))
    }
    return logs
  }

  /// The log that wrote `entry`, nil where none is known. A log may stand here several times, with a time of trust each:
  /// the one that is trusted at the time of the entry is meant.
  func log(of entry: LogEntry) -> Log? {
    let logs = transparencyLogs.filter { $0.id == entry.logID }
    return logs.first { log in entry.integratedTime.map(log.isTrusted) ?? true } ?? logs.first
  }

  /// How a key signs, by `keyDetails` (sigstore_common.proto, PublicKeyDetails).
  static let algorithms: [String: SignatureAlgorithm] = [
    "PKIX_ECDSA_P256_SHA_256": .ecdsaP256SHA256, "PKIX_ECDSA_P384_SHA_384": .ecdsaP384SHA384,
    "PKIX_ED25519": .ed25519, "PKIX_RSA_PKCS1V15_2048_SHA256": .rsaPKCS1SHA256,
    "PKIX_RSA_PKCS1V15_3072_SHA256": .rsaPKCS1SHA256, "PKIX_RSA_PKCS1V15_4096_SHA256": .rsaPKCS1SHA256,
    "PKCS1_RSA_PKCS1V5": .rsaPKCS1SHA256, "PKIX_RSA_PSS_2048_SHA256": .rsaPSSSHA256,
    "PKIX_RSA_PSS_3072_SHA256": .rsaPSSSHA256, "PKIX_RSA_PSS_4096_SHA256": .rsaPSSSHA256,
  ]

  private static func authorities<Authority>(
    _ reader: JSONReader, _ key: String,
    make: @escaping @Sendable (TrustedAuthority<Authority>) throws(Problem) -> Authority
  ) throws(Problem) -> [TrustedAuthority<Authority>] {
    var authorities: [TrustedAuthority<Authority>] = []
    for one in try reader.list(key, atMost: 64) {
      var chain: [Certificate] = []
      // An authority without certificates can vouch for nothing; it must not take the others with it.
      for certificate in try one.member("certChain").member("certificates").elements(atMost: 8) {
        chain.append(try certificate.certificate())
      }
      let (from, until) = try validity(try one.member("validFor"))
      authorities.append(
        TrustedAuthority(
          chain: chain, validFrom: from, validUntil: until, uri: try one.present("uri")?.text(atMost: 2048), make: make
        ))
    }
    return authorities
  }

  private static func validity(_ reader: JSONReader) throws(Problem) -> (Timestamp, Timestamp?) {
    let start = try reader.member("start")
    do throws(Problem) {
      let from = try Timestamp(rfc3339: try start.token(atMost: 64))
      let until = try reader.present("end").map { end throws(Problem) in
        try Timestamp(rfc3339: try end.token(atMost: 64))
      }
      return (from, until)
    } catch { throw reader.located(error) }
  }
}

extension TrustedRoot {
  /// A public instance of Sigstore whose root is compiled in.
  public enum Instance: String, Sendable, CaseIterable {
    /// The public-good instance.
    case production
    /// The one for tests.
    case staging

    /// When the file was taken from its source (`attestations/trust/README.md`).
    public static let taken = "2026-11-22"

    /// The trusted root, byte for byte.
    public var bytes: [UInt8] {
      switch self {
      case .production: Array(PublicTrustedRoots.production.utf8)
      case .staging: Array(PublicTrustedRoots.staging.utf8)
      }
    }

    /// The trusted root.
    ///
    /// - Throws: never in practice: a test reads both.
    public func root() throws(Problem) -> TrustedRoot { try TrustedRoot(parsing: bytes) }
  }
}

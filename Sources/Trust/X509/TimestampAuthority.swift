public import Diagnostics
public import Wire

/// A timestamp authority that the reader trusts: its certificates and the time in which it is trusted.
public struct TimestampAuthority: Sendable {
  /// The one certificate that signs its tokens; nil where any that `issuers` issued may.
  public let signer: Certificate?
  /// The authority's chain from the issuing certificate up to the root, and its time.
  public let issuers: CertificateAuthority
  /// Where it is asked; nothing is decided by it.
  public let uri: String?
  let anchors: CertificateStore

  /// The first second of trust.
  public var validFrom: Timestamp { issuers.validFrom }
  /// The last second of trust, nil while it lasts.
  public var validUntil: Timestamp? { issuers.validUntil }

  /// An authority from its chain: the signer's certificate first where it is known, the root last.
  ///
  /// A first certificate that is no certificate authority pins the signer: no other certificate of the same issuer
  /// may then sign, however it came into the token.
  ///
  /// - Throws: `authority.empty`, `authority.constraints`, `authority.chain`.
  public init(
    chain: [Certificate], validFrom: Timestamp, validUntil: Timestamp?, uri: String? = nil
  ) throws(Problem) {
    let signer = chain.first.flatMap { $0.isAuthority ? nil : $0 }
    let issuers = try CertificateAuthority(
      chain: signer == nil ? chain : Array(chain.dropFirst()), validFrom: validFrom, validUntil: validUntil)
    anchors = try CertificateStore([issuers.chain[0]])
    if let signer, let reason = anchors.refusal(of: signer, through: [], at: nil) {
      throw .malformed("authority.chain", "the authority's chain does not hold together: \(reason)")
    }
    self.signer = signer
    self.issuers = issuers
    self.uri = uri
  }
}

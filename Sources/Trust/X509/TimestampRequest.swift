public import Cryptography

/// What one asks a timestamp authority for (RFC 3161 §2.4.1): a time for a digest.
public struct TimestampRequest: Sendable, Equatable {
  /// The digest of what is to be stamped.
  public let imprint: Digest
  /// A number that the answer must repeat, as the content of an INTEGER; nil where none is asked for.
  public let nonce: [UInt8]?

  /// A request for a digest.
  ///
  /// - Parameter nonce: random bytes, read as one number that is not negative.
  public init(imprint: Digest, nonce: [UInt8]?) {
    self.imprint = imprint
    self.nonce = nonce.map(DER.positive)
  }

  /// The request in DER; it asks for the authority's certificate, so that the token can be judged with the root alone.
  public var der: [UInt8] {
    let algorithm =
      DER.encode(DER.Tag.objectIdentifier, DER.identifier(imprint.algorithm.identifier)) + [0x05, 0x00]
    var content = DER.encode(DER.Tag.integer, [1])
    content += DER.encode(
      DER.Tag.sequence,
      DER.encode(DER.Tag.sequence, algorithm) + DER.encode(DER.Tag.octetString, imprint.bytes))
    if let nonce { content += DER.encode(DER.Tag.integer, nonce) }
    content += DER.encode(DER.Tag.boolean, [0xff])
    return DER.encode(DER.Tag.sequence, content)
  }
}

extension HashAlgorithm {
  /// The dotted object identifier (NIST, 2.16.840.1.101.3.4.2).
  var identifier: String {
    switch self {
    case .sha256: "2.16.840.1.101.3.4.2.1"
    case .sha384: "2.16.840.1.101.3.4.2.2"
    case .sha512: "2.16.840.1.101.3.4.2.3"
    }
  }
}

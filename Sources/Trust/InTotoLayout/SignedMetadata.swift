public import Attestation
public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire

/// A layout or a link with its signatures: an old-style metablock, or a DSSE envelope (in-toto 1.0 §4.1, ITE-5).
public struct SignedMetadata: Sendable {
  /// How the signatures stand.
  public enum Form: String, Sendable {
    /// `signed` and `signatures`; what is signed is the canonical JSON of OLPC of `signed`.
    case metablock
    /// A payload with its type; what is signed are its bytes.
    case dsse
  }

  /// What is signed.
  public enum Content: String, Sendable, CaseIterable { case layout, link }

  /// The limits of one file: 16 MiB, 250,000 values.
  public static let limits = JSON.Limits(size: 16 << 20, depth: 16, values: 250_000)
  /// The largest number of signatures.
  public static let signatureLimit = Envelope.signatureLimit

  /// How the signatures stand.
  public let form: Form
  /// What is signed, as the document says of itself.
  public let content: Content
  /// The bytes that each signature covers.
  public let signedBytes: [UInt8]
  /// The signatures; their key ids are hints.
  public let signatures: [Envelope.Signature]
  let document: JSONReader

  /// Reads either form; nothing is verified yet.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    let parts = try JSON.decode(bytes, limits: SignedMetadata.limits) { reader throws(Problem) in
      try SignedMetadata.parts(reader)
    }
    (form, signedBytes, signatures, document) = parts
    content = try document.member("_type").choice(Content.self)
  }

  private typealias Parts = (Form, [UInt8], [Envelope.Signature], JSONReader)

  private static func parts(_ reader: JSONReader) throws(Problem) -> Parts {
    if try reader.optional("payload") != nil {
      let envelope = try Envelope(reader)
      guard envelope.payloadType.isExactly(Envelope.statementType) else {
        throw .refused(
          "dsse.payload-type", "the envelope holds no in-toto metadata but \(envelope.payloadType)",
          source: "DSSE protocol.md", hint: "expected \(Envelope.statementType)")
      }
      // The payload is parsed from the very bytes that are signed.
      let payload = try JSON(parsing: envelope.payload, limits: limits)
      return (.dsse, envelope.signedBytes, envelope.signatures, JSONReader(payload))
    }
    let signed = try reader.member("signed")
    let bytes: [UInt8]
    do { bytes = try OLPCCanonicalJSON.encode(signed.value) } catch { throw signed.located(error) }
    var signatures: [Envelope.Signature] = []
    for signature in try reader.member("signatures").elements(atMost: signatureLimit) {
      let id = try signature.member("keyid").text(atMost: 1024)
      // A signature of GnuPG has other members; none of our keys could have made it.
      guard let value = try signature.optional("sig") else { continue }
      signatures.append(Envelope.Signature(keyID: id, bytes: try value.hex()))
    }
    return (.metablock, bytes, signatures, signed)
  }

  /// Whether `key` made one of the signatures. Every signature is tried, whatever key id stands beside it.
  public func isSigned(by key: LayoutKey, policy: AlgorithmPolicy, at time: Timestamp) -> Bool {
    // Those whose hint fits come first: almost always the only one that has to be computed.
    let hinted = signatures.filter { $0.keyID == key.id }
    let others = signatures.filter { $0.keyID != key.id }
    return (hinted + others).contains { signature in
      (try? key.key.verify(signature.bytes, over: signedBytes, key.algorithm, policy: policy, at: time)) != nil
    }
  }
}

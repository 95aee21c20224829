public import Diagnostics

extension Certificate {
  /// The certificate's own statement (TBSCertificate) without its embedded timestamps of certificate logs: what those
  /// logs signed (RFC 6962 §3.2). Everything else stays byte for byte.
  public func precertificate() throws(Problem) -> [UInt8] {
    let whole = try DER.place(in: der, 0..<der.count, tag: DER.Tag.sequence)
    guard let statement = try DER.places(in: der, whole.content, atMost: 3).first,
      statement.tag == DER.Tag.sequence,
      let extensions = try DER.places(in: der, statement.content, atMost: 16).first(where: { $0.tag == 0xa3 })
    else { throw Certificate.noTimestamps }
    let list = try DER.place(in: der, extensions.content, tag: DER.Tag.sequence)
    var kept: [UInt8] = []
    kept.reserveCapacity(der.count)
    for one in try DER.places(in: der, list.content) {
      let name = try DER.places(in: der, one.content, atMost: 3).first?.content ?? one.content
      if !der[name].elementsEqual(Certificate.timestampsIdentifier) { kept += der[one.whole] }
    }
    guard kept.count < list.content.count else { throw Certificate.noTimestamps }
    return DER.encode(
      DER.Tag.sequence,
      der[statement.content.lowerBound..<extensions.whole.lowerBound]
        + DER.encode(0xa3, DER.encode(DER.Tag.sequence, kept))
        + der[extensions.whole.upperBound..<statement.content.upperBound])
  }

  /// 1.3.6.1.4.1.11129.2.4.2 (RFC 6962 §3.3).
  private static let timestampsIdentifier = DER.identifier("1.3.6.1.4.1.11129.2.4.2")

  private static let noTimestamps = Problem.malformed(
    "certificate.format", "the certificate carries no signed certificate timestamps", source: "RFC 6962 §3.3")
}

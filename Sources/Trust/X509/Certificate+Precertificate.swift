public import Diagnostics

extension Certificate {
  /// The certificate's own statement (TBSCertificate) without its embedded timestamps of certificate logs: what those
  /// logs signed (RFC 6962 §3.2). Everything else stays byte for byte.
  public func precertificate() throws(Problem) -> [UInt8] {
    let parts = try DER.elements(try DER.single(der, tag: DER.Tag.sequence), atMost: 3)
    guard let statement = parts.first, statement.tag == DER.Tag.sequence else { throw Certificate.noTimestamps }
    var body: [UInt8] = []
    var isFound = false
    for field in try DER.elements(statement.content, atMost: 16) {
      guard field.tag == 0xa3 else {
        body += DER.encode(field.tag, field.content)
        continue
      }
      var kept: [UInt8] = []
      for one in try DER.elements(try DER.single(field.content, tag: DER.Tag.sequence)) {
        let isTimestamps = try DER.elements(one.content, atMost: 3).first?.content == Certificate.timestampsIdentifier
        isFound = isFound || isTimestamps
        if !isTimestamps { kept += DER.encode(one.tag, one.content) }
      }
      body += DER.encode(0xa3, DER.encode(DER.Tag.sequence, kept))
    }
    guard isFound else { throw Certificate.noTimestamps }
    return DER.encode(DER.Tag.sequence, body)
  }

  /// 1.3.6.1.4.1.11129.2.4.2 (RFC 6962 §3.3).
  private static let timestampsIdentifier = DER.identifier("1.3.6.1.4.1.11129.2.4.2")

  private static let noTimestamps = Problem.malformed(
    "certificate.format", "the certificate carries no signed certificate timestamps", source: "RFC 6962 §3.3")
}

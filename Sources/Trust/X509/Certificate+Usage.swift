public import Diagnostics

/// A name of a certificate's subject (RFC 5280 §4.2.1.6).
public enum GeneralName: Sendable, Equatable {
  /// An e-mail address.
  case email(String)
  /// A URI.
  case uri(String)
  /// A host name.
  case dns(String)
  /// A name of another kind: its identifier and, where it is a UTF-8 string, its text.
  case other(oid: String, text: String?)

  /// The name as text, nil where it has none.
  public var text: String? {
    switch self {
    case .email(let text), .uri(let text), .dns(let text): text
    case .other(_, let text): text
    }
  }
}

extension Certificate {
  /// The identifiers of extensions that are read here (RFC 5280 §4.2.1).
  public enum OID {
    /// The names of the subject (§4.2.1.6).
    public static let subjectAlternativeName = "2.5.29.17"
    /// What the key may do (§4.2.1.3).
    public static let keyUsage = "2.5.29.15"
    /// What the certificate is for (§4.2.1.12).
    public static let extendedKeyUsage = "2.5.29.37"
    /// The purpose of signing code.
    public static let codeSigning = "1.3.6.1.5.5.7.3.3"
    /// The purpose of giving timestamps.
    public static let timeStamping = "1.3.6.1.5.5.7.3.8"
  }

  /// The subject's alternative names; empty where the extension is absent.
  public func alternativeNames() throws(Problem) -> [GeneralName] {
    guard let names = self[OID.subjectAlternativeName] else { return [] }
    var result: [GeneralName] = []
    for element in try DER.elements(try DER.single(names.value, tag: DER.Tag.sequence)) {
      switch element.tag {
      case 0x81: result.append(.email(try text(element.content)))
      case 0x82: result.append(.dns(try text(element.content)))
      case 0x86: result.append(.uri(try text(element.content)))
      case 0xa0: result.append(try other(element.content))
      default: result.append(.other(oid: "tag \(element.tag)", text: nil))
      }
    }
    return result
  }

  /// The purposes of the extended key usage, as dotted identifiers; nil where the extension is absent.
  public func extendedKeyUsages() throws(Problem) -> [String]? {
    guard let usage = self[OID.extendedKeyUsage] else { return nil }
    var purposes: [String] = []
    for element in try DER.elements(try DER.single(usage.value, tag: DER.Tag.sequence)) {
      guard element.tag == DER.Tag.objectIdentifier else { throw malformed("an extended key usage is no identifier") }
      purposes.append(try DER.dotted(element.content))
    }
    return purposes
  }

  /// Whether the key usage allows signatures over data (RFC 5280 §4.2.1.3, bit 0); false where the extension is absent.
  public func allowsDigitalSignature() throws(Problem) -> Bool {
    guard let usage = self[OID.keyUsage] else { return false }
    let bits = try DER.single(usage.value, tag: DER.Tag.bitString)
    return bits.count >= 2 && bits[1] & 0x80 != 0
  }

  private func other(_ content: [UInt8]) throws(Problem) -> GeneralName {
    let parts = try DER.elements(content, atMost: 2)
    guard parts.count == 2, parts[0].tag == DER.Tag.objectIdentifier, parts[1].tag == 0xa0 else {
      throw malformed("an other name has not two parts")
    }
    let value = try DER.elements(parts[1].content, atMost: 1)
    let text = value.first?.tag == DER.Tag.utf8String ? String(validating: value[0].content, as: UTF8.self) : nil
    return .other(oid: try DER.dotted(parts[0].content), text: text)
  }

  /// An IA5String of printable characters; a name with a zero byte or an escape is refused, not shown.
  private func text(_ content: [UInt8]) throws(Problem) -> String {
    guard content.allSatisfy({ (0x20...0x7e).contains($0) }), !content.isEmpty else {
      throw malformed("an alternative name is empty or not printable ASCII")
    }
    return String(decoding: content, as: UTF8.self)
  }

  private func malformed(_ why: String) -> Problem {
    .malformed("certificate.extension", "an extension of the certificate is malformed: \(why)", source: "RFC 5280 §4.2")
  }
}

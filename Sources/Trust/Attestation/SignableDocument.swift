public import Diagnostics
import StrictJSON

/// A document that stands in its file as it is, or inside an envelope; nothing is verified here.
///
/// An object with the member `payloadType` is an envelope and must be a right one: a damaged envelope is never taken
/// for a plain document.
public struct SignableDocument: Sendable {
  /// The bytes of the document itself.
  public let bytes: [UInt8]
  /// What was around them; nil for a plain document.
  public let envelope: Envelope?

  /// Reads a file; an envelope around anything but `payloadType` is malformed.
  ///
  /// - Parameters:
  ///   - kind: the area of the problem's code, such as `policy`.
  ///   - name: what is expected, for people, such as `release policy`.
  public init(parsing file: [UInt8], payloadType: String, kind: String, name: String) throws(Problem) {
    guard case .object(let object) = try JSON(parsing: file), object["payloadType"] != nil else {
      bytes = file
      envelope = nil
      return
    }
    let envelope = try Envelope(parsing: file)
    guard envelope.payloadType.isExactly(payloadType) else {
      throw .malformed("\(kind).payload-type", "this envelope holds no \(name) but \(envelope.payloadType)")
    }
    bytes = envelope.payload
    self.envelope = envelope
  }
}

extension ReleasePolicy {
  /// The plain policy or the envelope in a file.
  public static func document(parsing file: [UInt8]) throws(Problem) -> SignableDocument {
    try SignableDocument(parsing: file, payloadType: payloadType, kind: "policy", name: "release policy")
  }
}

extension TrustFile {
  /// The draft or the envelope in a file.
  public static func document(parsing file: [UInt8]) throws(Problem) -> SignableDocument {
    try SignableDocument(parsing: file, payloadType: payloadType, kind: "trust", name: "trust file")
  }
}

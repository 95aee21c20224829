public import Diagnostics
public import StrictJSON
import Wire
public import X509

/// A DSSE envelope or a Sigstore bundle with the timestamps that stand beside its signatures
/// (`documents/specs/timestamps.md`); nothing is verified here.
public struct StampedDocument: Sendable {
  /// The largest number of timestamps in one document.
  public static let limit = 16

  /// The whole document; members that are not known here stay as they are.
  public private(set) var json: JSON
  /// The signatures, in their order.
  public let signatures: [[UInt8]]
  /// The timestamps, in their order.
  public private(set) var tokens: [TimestampToken] = []
  /// Whether it is a bundle, which keeps its timestamps one level deeper.
  private let isBundle: Bool

  /// Reads a document; what has a `payloadType` is an envelope, anything else a bundle.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    let limits = JSON.Limits(size: Envelope.limits.size, depth: 32, values: 65_536)
    self = try JSON.decode(bytes, limits: limits) { reader throws(Problem) in
      try StampedDocument(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    json = reader.value
    isBundle = try reader.optional("payloadType") == nil
    if isBundle, let message = try reader.optional("messageSignature") {
      signatures = [try message.member("signature").base64(atMost: 16_384)]
    } else {
      signatures = try Envelope(isBundle ? try reader.member("dsseEnvelope") : reader).signatures.map(\.bytes)
    }
    let holder = isBundle ? try reader.member("verificationMaterial") : reader
    let list = try holder.optional("timestampVerificationData")?.optional("rfc3161Timestamps")
    for element in try list?.elements(atMost: StampedDocument.limit) ?? [] {
      let member = try element.member("signedTimestamp")
      do { tokens.append(try TimestampToken(parsing: try member.base64(atMost: TimestampToken.sizeLimit))) } catch {
        throw member.located(error)
      }
    }
  }

  /// Keeps `token` beside the signature that it is about; one that is there already is not added again.
  ///
  /// - Throws: `timestamp.imprint` for a token about something else, `timestamp.too-many`.
  public mutating func attach(_ token: TimestampToken) throws(Problem) {
    guard signatures.contains(where: { token.isAbout($0) }) else {
      throw .refused(
        "timestamp.imprint", "the token is about none of the document's signatures", source: "RFC 3161 §2.4.2",
        hint: "ask with `timestamp request --envelope` or `--bundle`")
    }
    guard !tokens.contains(token) else { return }
    guard tokens.count < StampedDocument.limit else {
      throw .refused("timestamp.too-many", "a document has at most \(StampedDocument.limit) timestamps")
    }
    tokens.append(token)
    let list = tokens.map { ["signedTimestamp": .string(Base64.encode($0.response))] as JSON }
    json = json.setting(
      (isBundle ? ["verificationMaterial"] : []) + ["timestampVerificationData", "rfc3161Timestamps"], .array(list))
  }

  /// The document as one line of canonical JSON with a final newline.
  public var encoded: [UInt8] { json.canonical + [0x0a] }
}

extension JSON {
  /// The same document with another value at `path`; objects on the way are made where they are not there.
  fileprivate func setting(_ path: [String], _ value: JSON) -> JSON {
    guard let key = path.first else { return value }
    var object = JSONObject()
    if case .object(let own) = self { object = own }
    object[key] = (object[key] ?? .object(JSONObject())).setting(Array(path.dropFirst()), value)
    return .object(object)
  }
}

import Attestation
public import Diagnostics
import StrictJSON
import Wire

/// What a file looks like. It only chooses the rules; each kind's own reader decides whether the file is valid.
public struct Recognised: Sendable, Equatable {
  /// The largest file that is looked at.
  public static let sizeLimit = 32 << 20

  /// The kind.
  public let kind: ForeignKind
  /// What the file says of itself, such as a media type; nil where it says nothing more.
  public let detail: String?

  init(_ kind: ForeignKind, _ detail: String? = nil) {
    self.kind = kind
    self.detail = detail
  }

  /// Recognises a file by its content alone: its name and its folder say nothing.
  ///
  /// - Throws: `auto.unknown` where nothing fits, and the problem of the JSON parser for what begins like JSON and is
  ///   none.
  public init(_ bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= Recognised.sizeLimit else {
      throw .malformed("auto.size", "the file has more than \(Recognised.sizeLimit) bytes")
    }
    guard let found = try Recognised.text(bytes) ?? Recognised.der(bytes) ?? Recognised.binary(bytes) else {
      throw .malformed(
        "auto.unknown", "this is no kind of signature or attestation that is known here",
        hint: "known: \(ForeignKind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = found
  }

  // MARK: text

  private static func text(_ bytes: [UInt8]) throws(Problem) -> Recognised? {
    let start = bytes.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
    func begins(_ text: String) -> Bool { start.starts(with: text.utf8) }
    if begins("-----BEGIN SSH SIGNATURE-----") { return Recognised(.sshsig) }
    if begins("-----BEGIN PGP SIGNATURE-----") { return Recognised(.openPGP) }
    if begins("untrusted comment:") {
      // signify writes two lines; what makes it minisign is the trusted comment.
      let isMinisign = start.split(separator: 0x0a).dropFirst().contains { $0.starts(with: "trusted comment:".utf8) }
      return Recognised(isMinisign ? .minisign : .signify)
    }
    if begins("{") || begins("[") { return try json(bytes) }
    return nil
  }

  private static func json(_ bytes: [UInt8]) throws(Problem) -> Recognised? {
    let limits = JSON.Limits(size: sizeLimit, depth: 64, values: 1 << 20)
    let document: JSON
    do { document = try JSON(parsing: bytes, limits: limits) } catch {
      // Lists of envelopes are written with one JSON text a line; the first line speaks for all.
      guard let end = bytes.firstIndex(of: 0x0a), let first = try? JSON(parsing: Array(bytes[..<end]), limits: limits)
      else { throw error }
      document = first
    }
    if case .array(let elements) = document, let first = elements.first { return try json(JSONReader(first)) }
    return try json(JSONReader(document))
  }

  private static func json(_ reader: JSONReader) throws(Problem) -> Recognised? {
    guard case .object(let object) = reader.value else { return nil }
    func text(_ key: String) -> String? {
      if case .string(let text)? = object[key] { text } else { nil }
    }
    if let type = text("mediaType"), type.hasPrefix("application/vnd.dev.sigstore.bundle") {
      return Recognised(.sigstoreBundle, type)
    }
    if object["payloadType"] != nil, object["signatures"] != nil { return try envelope(reader) }
    if object["attestation_bundles"] != nil { return Recognised(.pep740Provenance) }
    if object["verification_material"] != nil, object["envelope"] != nil { return Recognised(.pep740Attestation) }
    if case .array(let list)? = object["attestations"], case .object(let first)? = list.first,
      first["predicateType"] != nil, first["bundle"] != nil
    {
      return Recognised(.npmAttestations, "\(list.count) attestations")
    }
    if case .object(let signed)? = object["signed"], object["signatures"] != nil { return inToto(signed) }
    if let format = text("bomFormat"), format == "CycloneDX" { return Recognised(.cycloneDX, text("specVersion")) }
    if let version = text("spdxVersion") { return Recognised(.spdx, version) }
    if object["@graph"] != nil, text("@context")?.hasPrefix("https://spdx.org/") == true { return Recognised(.spdx) }
    return inToto(object)
  }

  /// The signed part of an in-toto metablock of the old form, or of the payload of an envelope.
  private static func inToto(_ object: JSONObject) -> Recognised? {
    switch object["_type"] {
    case .string("layout"): Recognised(.layout)
    case .string("link"): Recognised(.link)
    default: nil
    }
  }

  private static func envelope(_ reader: JSONReader) throws(Problem) -> Recognised {
    let envelope = try Envelope(reader)
    let type = envelope.payloadType
    if type.hasPrefix("application/vnd.rustynet.") { return Recognised(.trustFile, type) }
    guard case .object(let payload)? = try? JSON(parsing: envelope.payload) else {
      return Recognised(.attestation, type)
    }
    if let found = inToto(payload) { return found }
    guard case .string(let predicate)? = payload["predicateType"] else { return Recognised(.attestation, type) }
    if predicate.hasPrefix("https://slsa.dev/provenance/") { return Recognised(.provenance, predicate) }
    if predicate.hasPrefix("https://slsa.dev/verification_summary/") {
      return Recognised(.verificationSummary, predicate)
    }
    return Recognised(.attestation, predicate)
  }

  // MARK: bytes

  /// DER of which the outer SEQUENCE ends with the file: a timestamp response, a CMS structure, an ECDSA signature.
  private static func der(_ bytes: [UInt8]) -> Recognised? {
    guard let outer = element(bytes[...]), outer.tag == 0x30, outer.end == bytes.count else { return nil }
    let content = bytes[outer.start..<outer.end]
    guard let first = element(content) else { return nil }
    // RFC 5652 §3: ContentInfo begins with an OID; that of signed data is 1.2.840.113549.1.7.2.
    let signedData: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]
    if content.starts(with: signedData) { return Recognised(.timestampToken) }
    // RFC 3161 §2.4.2: PKIStatusInfo begins with the status, an INTEGER.
    if first.tag == 0x30, let status = element(bytes[first.start..<first.end]), status.tag == 0x02,
      status.end - status.start == 1
    {
      return Recognised(.timestampResponse)
    }
    // RFC 3279 §2.2.3: two INTEGERs.
    if first.tag == 0x02, let second = element(bytes[first.end..<outer.end]), second.tag == 0x02,
      second.end == outer.end
    {
      return Recognised(.detached, "ECDSA in DER")
    }
    return nil
  }

  /// The head of a DER element: where its content starts and ends, as indices of `bytes`.
  private static func element(_ bytes: ArraySlice<UInt8>) -> (tag: UInt8, start: Int, end: Int)? {
    guard bytes.count >= 2 else { return nil }
    let start = bytes.startIndex
    var length = Int(bytes[start + 1])
    var content = start + 2
    if length >= 0x80 {
      let count = length & 0x7f
      guard (1...4).contains(count), bytes.count >= 2 + count else { return nil }
      length = bytes[content..<content + count].reduce(0) { $0 << 8 | Int($1) }
      content += count
    }
    guard length <= bytes.endIndex - content else { return nil }
    return (bytes[start], content, content + length)
  }

  private static func binary(_ bytes: [UInt8]) -> Recognised? {
    // ustar (POSIX.1-1988): the magic stands at 257, and a pack's first member is named first.
    if bytes.count > 512, bytes[257..<262].elementsEqual("ustar".utf8) { return Recognised(.evidencePack) }
    guard bytes.contains(where: { $0 < 0x09 || $0 >= 0x80 }) else { return nil }
    switch bytes.count {
    case 64: return Recognised(.detached, "64 bytes, as Ed25519 has")
    case 256, 384, 512, 1024: return Recognised(.detached, "\(bytes.count) bytes, as RSA has")
    default: return nil
    }
  }
}

import Cryptography
public import Diagnostics
import Wire

/// A signature line of a note: `— name base64(id || signature)`.
public struct NoteSignature: Hashable, Sendable {
  /// The name of the key.
  public let name: String
  /// The short id of the key.
  public let id: UInt32
  /// The signature; 64 bytes for Ed25519, other types have other lengths.
  public let signature: [UInt8]

  /// Makes a signature line.
  public init(name: String, id: UInt32, signature: [UInt8]) {
    self.name = name
    self.id = id
    self.signature = signature
  }

  /// The line without its newline.
  var line: String {
    let prefix = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: id >> $0) }
    return "\(SignedNote.dash)\(name) \(Base64.encode(prefix + signature))"
  }
}

/// A text with signatures (C2SP signed-note).
///
/// The text ends with a newline; a blank line follows, then signature lines. Read strictly: what this type writes is
/// byte for byte what it read.
public struct SignedNote: Hashable, Sendable {
  /// A note may have this many bytes.
  public static let sizeLimit = 65_536
  /// A note may have this many signatures; the specification asks for at least 16.
  public static let signatureLimit = 64

  /// An em dash (U+2014) and a space open a signature line.
  static let dash = "\u{2014} "

  /// What is signed, with its final newline.
  public let text: String
  /// The signatures, in their order; at least one.
  public let signatures: [NoteSignature]

  /// Signs `text`, which must end with a newline and hold no other control character.
  public init(text: String, signers: [NoteSigner]) throws(Problem) {
    try self.init(parsing: SignedNote.serialise(text, signers.map { $0.sign(text) }))
  }

  /// Reads a note; nothing is verified yet.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= SignedNote.sizeLimit else { throw SignedNote.malformed("size", "it has more than 64 KiB") }
    guard let whole = String(validating: bytes, as: UTF8.self), !bytes.contains(where: { $0 < 0x20 && $0 != 0x0a })
    else {
      throw SignedNote.malformed("character", "it is not UTF-8 or has a control character")
    }
    guard bytes.last == 0x0a, let cut = SignedNote.lastBlankLine(bytes) else {
      throw SignedNote.malformed("format", "it has no signatures after a blank line, or no newline at its end")
    }
    text = String(decoding: bytes[...cut], as: UTF8.self)
    // Split as bytes: to Swift's `Character`, a newline may join what follows it.
    let lines = whole.utf8.dropFirst(cut + 2).dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
    guard lines.count <= SignedNote.signatureLimit else {
      throw SignedNote.malformed("signatures", "it has more than \(SignedNote.signatureLimit) signatures")
    }
    var signatures: [NoteSignature] = []
    for line in lines { signatures.append(try SignedNote.signature(Substring(line))) }
    self.signatures = signatures
  }

  /// The note as a file.
  public var bytes: [UInt8] { SignedNote.serialise(text, signatures) }

  /// Checks the note against the keys that the caller trusts, and returns those that signed it, in the order of lines.
  ///
  /// Source: C2SP signed-note, "Verifying". A line is ours when name *and* id are those of a known key; lines of others
  /// are ignored. A wrong signature of a known key refuses the whole note, and so does none of a known key. Stricter:
  /// two lines of one known key are refused, since one of them would go unchecked or be redundant.
  public func verify(by keys: [NoteKey]) throws(Problem) -> [NoteKey] {
    var found: [NoteKey] = []
    let message = Array(text.utf8)
    for signature in signatures {
      let known = keys.filter { $0.id == signature.id && $0.name.utf8.elementsEqual(signature.name.utf8) }
      guard let key = known.first else { continue }
      guard known.count == 1 || Set(known).count == 1 else {
        throw refused("ambiguous", "two known keys share the name and the id of a signature")
      }
      guard !found.contains(key) else { throw refused("duplicate", "key \(key.name)+\(key.idText) signed it twice") }
      guard key.publicKey.isValid(signature.signature, over: message) else {
        throw refused("signature", "the signature of \(key.name)+\(key.idText) is wrong")
      }
      found.append(key)
    }
    guard !found.isEmpty else {
      throw .refused(
        "note.unsigned", "no known key signed this note", source: "C2SP signed-note",
        hint: "give the verifier key of \(signatures.map(\.name).joined(separator: ", "))")
    }
    return found
  }

  private func refused(_ code: String, _ message: String) -> Problem {
    .refused("note.\(code)", message, source: "C2SP signed-note")
  }

  private static func malformed(_ code: String, _ why: String) -> Problem {
    .malformed("note.\(code)", "this is not a signed note: \(why)", source: "C2SP signed-note")
  }

  private static func serialise(_ text: String, _ signatures: [NoteSignature]) -> [UInt8] {
    var bytes = Array(text.utf8) + [0x0a]
    for signature in signatures { bytes += Array(signature.line.utf8) + [0x0a] }
    return bytes
  }

  /// The place of the last newline that another one follows.
  private static func lastBlankLine(_ bytes: [UInt8]) -> Int? {
    var index = bytes.count - 2
    while index >= 0 {
      if bytes[index] == 0x0a && bytes[index + 1] == 0x0a { return index }
      index -= 1
    }
    return nil
  }

  private static func signature(_ line: Substring) throws(Problem) -> NoteSignature {
    let parts = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].elementsEqual(dash.utf8.dropLast()), NoteKey.isName(String(Substring(parts[1])))
    else { throw malformed("signature-line", "a signature line is not “\(dash)name base64”") }
    let decoded = try Base64.decode(String(Substring(parts[2])))
    guard decoded.count >= 5 else { throw malformed("signature-line", "a signature has fewer than 5 bytes") }
    let id = decoded.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return NoteSignature(name: String(Substring(parts[1])), id: id, signature: Array(decoded.dropFirst(4)))
  }
}

public import Attestation
import Cryptography
public import Diagnostics
import Wire

/// A minisign public key: a key id and an Ed25519 key.
public struct MinisignKey: Sendable, Equatable {
  /// The largest file that is read.
  public static let sizeLimit = 4 << 10

  /// Eight bytes that say which key is meant; a hint, which no trust rests on.
  public let id: [UInt8]
  let key: Ed25519.PublicKey

  /// Reads the file that `minisign -G` writes, or its second line alone.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= MinisignKey.sizeLimit else {
      throw .malformed("minisign.size", "a minisign key has at most \(MinisignKey.sizeLimit) bytes")
    }
    var lines = try TextLines.split(bytes, what: "the minisign key")[...]
    if lines.count == 2, lines.first?.hasPrefix(Minisign.untrusted) == true { lines.removeFirst() }
    guard lines.count == 1, let text = lines.first else {
      throw .malformed(
        "minisign.key", "this is no minisign public key: a comment and one line of base 64", source: Minisign.source)
    }
    let blob = try Base64.decode(text)
    guard blob.count == 42, blob.starts(with: Minisign.legacy) else {
      throw .malformed(
        "minisign.key", "a minisign public key has 42 bytes and begins with “Ed”", source: Minisign.source)
    }
    id = Array(blob[2..<10])
    key = try Ed25519.PublicKey(Array(blob[10...]))
  }

  /// The key id as minisign prints it.
  public var name: String { Minisign.name(of: id) }
}

/// A signature as `minisign -S` writes it: over the file or over its BLAKE2b-512, and a second one over the first and
/// the trusted comment.
public struct MinisignSignature: Sendable {
  /// The largest file that is read; minisign allows a trusted comment of 8 kB.
  public static let sizeLimit = 16 << 10

  /// What the key has signed.
  public enum Form: String, Sendable {
    /// `Ed`: the file itself.
    case legacy
    /// `ED`: the BLAKE2b-512 of the file.
    case prehashed
  }

  /// What the key has signed.
  public let form: Form
  /// Which key signed, by its own account.
  public let keyID: [UInt8]
  /// The comment that the second signature covers.
  public let trustedComment: String
  private let signature: [UInt8]
  private let globalSignature: [UInt8]

  /// Reads the four lines, with nothing after them.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= MinisignSignature.sizeLimit else {
      throw .malformed("minisign.size", "a minisign signature has at most \(MinisignSignature.sizeLimit) bytes")
    }
    let lines = try TextLines.split(bytes, what: "the minisign signature")
    guard lines.count == 4, lines[0].hasPrefix(Minisign.untrusted), lines[2].hasPrefix(Minisign.trusted) else {
      throw .malformed(
        "minisign.lines", "a minisign signature has four lines: comment, signature, trusted comment, signature",
        source: Minisign.source)
    }
    let blob = try Base64.decode(lines[1])
    guard blob.count == 74 else { throw MinisignSignature.algorithm("has \(blob.count) bytes, not 74") }
    switch Array(blob[..<2]) {
    case Minisign.legacy: form = .legacy
    case Minisign.prehashed: form = .prehashed
    default: throw MinisignSignature.algorithm("is neither of the form Ed nor of the form ED")
    }
    keyID = Array(blob[2..<10])
    signature = Array(blob[10...])
    trustedComment = String(lines[2].dropFirst(Minisign.trusted.count))
    globalSignature = try Base64.decode(lines[3])
    guard globalSignature.count == Ed25519.signatureLength else {
      throw .malformed("minisign.global", "the global signature has \(globalSignature.count) bytes, not 64")
    }
  }

  private static func algorithm(_ message: String) -> Problem {
    .malformed("minisign.algorithm", "the signature \(message)", source: Minisign.source)
  }

  /// Every check of this signature, in order.
  ///
  /// - Parameter signed: what `form` says: the whole file, or its BLAKE2b-512.
  public func judge(_ signed: [UInt8], key: MinisignKey) -> [Check] {
    let digest =
      form == .prehashed ? "blake2b512:\(Hex.encode(signed))" : "\(signed.count) bytes, \(Digest(of: signed))"
    return [
      .passed(
        "format", "a minisign signature in the \(form.rawValue) form",
        found: form == .prehashed ? "ED, Ed25519 over BLAKE2b-512" : "Ed, Ed25519 over the file",
        source: Minisign.source),
      .equal(
        "key-id", "minisign.key-id", "the key id", expected: key.name, found: Minisign.name(of: keyID),
        source: Minisign.source, hint: "the signature was made with another key"),
      verdict(
        "signature", "signature.invalid", signature, over: signed, key, "the key has signed this file",
        "the signature is not this key's over this file", found: digest,
        hint: "the file or the signature was changed, or they do not belong together"),
      verdict(
        "trusted-comment", "minisign.trusted-comment", globalSignature, over: signature + Array(trustedComment.utf8),
        key, "the key has signed the trusted comment", "the trusted comment is not what the key has signed",
        found: trustedComment, hint: "the comment or the signature before it was changed"),
    ]
  }

  private func verdict(
    _ id: String, _ code: String, _ signature: [UInt8], over message: [UInt8], _ key: MinisignKey, _ passed: String,
    _ failed: String, found: String, hint: String
  ) -> Check {
    key.key.isValid(signature, over: message)
      ? .passed(id, passed, found: found, source: Minisign.source)
      : .failed(id, code, failed, found: found, source: Minisign.source, hint: hint)
  }
}

/// What both files have in common.
enum Minisign {
  static let source = "minisign(1), signature format"
  static let untrusted = "untrusted comment: "
  static let trusted = "trusted comment: "
  static let legacy = Array("Ed".utf8)
  static let prehashed = Array("ED".utf8)

  /// The eight bytes are a little-endian number, printed in upper-case hexadecimal without leading zeros.
  static func name(of id: [UInt8]) -> String {
    let digits = Hex.encode(id.reversed()).uppercased().drop { $0 == "0" }
    return digits.isEmpty ? "0" : String(digits)
  }
}

public import Cryptography
public import Diagnostics
import StrictJSON
import Wire

extension VerificationKey {
  /// Our public key document: one line of canonical JSON, without its newline.
  public var json: String {
    let document: JSON = [
      "algorithm": .string(algorithm.rawValue), "key": .string(Base64.encode(bytes)), "keyId": .string(id),
    ]
    return document.canonicalText
  }

  /// What stands in documents, in base 64: 32 bytes for Ed25519, a SubjectPublicKeyInfo for ECDSA.
  public var base64: String { Base64.encode(bytes) }

  /// The SubjectPublicKeyInfo in PEM (RFC 7468 §13), without its last newline.
  public var pem: String {
    var text = Base64.encode(ed25519?.spki ?? bytes)[...]
    var lines = ["-----BEGIN PUBLIC KEY-----"]
    while !text.isEmpty {
      lines.append(String(text.prefix(64)))
      text = text.dropFirst(64)
    }
    return (lines + ["-----END PUBLIC KEY-----"]).joined(separator: "\n")
  }

  /// Reads our public key document, with or without a newline after it.
  public init(json bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 1024, depth: 1)) {
      (reader) throws(Problem) -> VerificationKey in
      try reader.closed("algorithm", "key", "keyId")
      let algorithm = try reader.member("algorithm")
      guard let known = VerificationKey.Algorithm(rawValue: try algorithm.token()) else {
        throw algorithm.problem("key.algorithm", "keys of this algorithm do not sign for this project", source: "P1-9")
      }
      let key = try VerificationKey(known, try reader.member("key").base64(atMost: 256))
      let id = try reader.member("keyId")
      guard try id.token().isExactly(key.id) else {
        throw id.problem("key.id", "the key id does not belong to the key")
      }
      return key
    }
  }
}

extension Ed25519.PublicKey {
  /// The fixed head of an Ed25519 SubjectPublicKeyInfo; the 32 bytes of the key follow (RFC 8410 §4).
  private static let spkiHead: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]

  /// Our public key document: one line of canonical JSON, without its newline.
  public var json: String {
    let document: JSON = [
      "algorithm": "ed25519", "key": .string(Base64.encode(bytes)), "keyId": .string(id),
    ]
    return document.canonicalText
  }

  /// The 32 bytes in base 64.
  public var base64: String { Base64.encode(bytes) }

  /// The SubjectPublicKeyInfo in DER (RFC 8410 §4).
  public var spki: [UInt8] { Ed25519.PublicKey.spkiHead + bytes }

  /// The SubjectPublicKeyInfo in PEM (RFC 7468 §13), without its last newline.
  public var pem: String {
    // 44 bytes are 60 characters: one line.
    "-----BEGIN PUBLIC KEY-----\n\(Base64.encode(spki))\n-----END PUBLIC KEY-----"
  }

  /// The verifier key of signed notes, `NAME+ID+KEY` (C2SP signed-note, "Verifier keys").
  ///
  /// The id is the first four bytes of SHA-256 over name, newline, 0x01 (Ed25519) and the key.
  public func noteVerifier(name: String) throws(Problem) -> String {
    guard !name.isEmpty, name.utf8.count <= 255, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x2b })
    else {
      throw .malformed(
        "note.name", "the name of a note's key is visible ASCII without space and “+”", source: "C2SP signed-note")
    }
    let key = [0x01] + bytes
    let digest = Digest(of: Array(name.utf8) + [0x0a] + key)
    return "\(name)+\(digest.hex.prefix(8))+\(Base64.encode(key))"
  }

  /// Reads our public key document, with or without a newline after it.
  public init(json bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 1024, depth: 1)) {
      (reader) throws(Problem) -> Ed25519.PublicKey in
      try reader.closed("algorithm", "key", "keyId")
      let algorithm = try reader.member("algorithm")
      guard try algorithm.token().isExactly("ed25519") else {
        throw algorithm.problem("key.algorithm", "“ed25519” is expected here", source: "P1-9")
      }
      let key = try Ed25519.PublicKey(try reader.member("key").base64(atMost: 64))
      let id = try reader.member("keyId")
      guard try id.token().isExactly(key.id) else {
        throw id.problem("key.id", "the key id does not belong to the key")
      }
      return key
    }
  }
}

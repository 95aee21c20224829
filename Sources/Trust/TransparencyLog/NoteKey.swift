public import Cryptography
public import Diagnostics
import Wire

/// A key that verifies notes: a name, its short id and an Ed25519 public key (C2SP signed-note, "Verifier keys").
///
/// Spelled `name+hash+base64(0x01 || public key)`; name and id only select the key, the key itself decides.
public struct NoteKey: Hashable, Sendable {
  /// The signature type of Ed25519 in C2SP signed-note.
  static let ed25519: UInt8 = 1

  /// The name of who signs; for a log its origin.
  public let name: String
  /// The first four bytes, big-endian, of SHA-256 over `name`, a newline, the type and the key.
  public let id: UInt32
  /// The key.
  public let publicKey: Ed25519.PublicKey

  /// Makes a key; the name must not be empty, nor hold a space, a `+` or a control character.
  public init(name: String, publicKey: Ed25519.PublicKey) throws(Problem) {
    guard NoteKey.isName(name) else {
      throw .malformed(
        "note.key-name", "“\(name.prefix(80))” is no key name: it is empty or has a space, a + or a control character",
        source: "C2SP signed-note")
    }
    self.name = name
    self.publicKey = publicKey
    let digest = Digest(of: Array(name.utf8) + [0x0a, NoteKey.ed25519] + publicKey.bytes)
    id = digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads `name+hash+base64`; the hash must be the right one for name and key.
  public init(_ text: String) throws(Problem) {
    // At most two cuts, because `+` is a digit of base 64.
    let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, text.utf8.count <= 1024 else { throw NoteKey.malformed("it is not name+hash+base64") }
    let encoded = try Base64.decode(String(parts[2]))
    guard encoded.first == NoteKey.ed25519 else { throw NoteKey.malformed("its type is not 1, Ed25519") }
    try self.init(name: String(parts[0]), publicKey: try Ed25519.PublicKey(Array(encoded.dropFirst())))
    guard idText.utf8.elementsEqual(parts[1].utf8) else { throw NoteKey.malformed("its hash is not the key's") }
  }

  /// The id as eight lower-case hexadecimal digits.
  public var idText: String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Whether `name` may name a key: not empty, no Unicode space, no `+`, no control character (C2SP signed-note).
  public static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 512
      && name.unicodeScalars.allSatisfy {
        !$0.properties.isWhitespace && $0 != "+" && $0.properties.generalCategory != .control
      }
  }

  /// Equal when name, byte by byte, and key are: Swift's `==` on text takes different spellings for the same.
  public static func == (left: NoteKey, right: NoteKey) -> Bool {
    left.name.utf8.elementsEqual(right.name.utf8) && left.publicKey == right.publicKey
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) { hasher.combine(publicKey) }

  private static func malformed(_ why: String) -> Problem {
    .malformed("note.key", "this is not a verifier key: \(why)", source: "C2SP signed-note")
  }
}

extension NoteKey: CustomStringConvertible {
  /// `name+hash+base64`.
  public var description: String { "\(name)+\(idText)+\(Base64.encode([NoteKey.ed25519] + publicKey.bytes))" }
}

/// A key that signs notes under a name.
public struct NoteSigner: Sendable {
  /// The verifying half.
  public let key: NoteKey
  private let signingKey: Ed25519.SigningKey

  /// Gives a signing key a name; the rules of `NoteKey` hold.
  public init(name: String, signingKey: Ed25519.SigningKey) throws(Problem) {
    key = try NoteKey(name: name, publicKey: signingKey.publicKey)
    self.signingKey = signingKey
  }

  /// The signature line for `text`.
  public func sign(_ text: String) -> NoteSignature {
    NoteSignature(name: key.name, id: key.id, signature: signingKey.sign(Array(text.utf8)))
  }
}

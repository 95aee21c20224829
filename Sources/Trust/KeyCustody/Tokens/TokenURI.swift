public import Diagnostics

/// The address of a key on a token: a PKCS #11 URI (RFC 7512), read strictly.
///
/// Each attribute stands once, is known, and has a value; a value is UTF-8 without NUL. What could hold a secret
/// (`pin-value`) or start a program (`pin-source=|…`) is refused.
public struct TokenURI: Sendable, Equatable {
  /// The longest address, in bytes.
  public static let sizeLimit = 2048

  /// What the token must be; nil where any value will do.
  public struct Token: Sendable, Equatable {
    /// CK_TOKEN_INFO.label.
    public internal(set) var label: String?
    /// CK_TOKEN_INFO.manufacturerID.
    public internal(set) var manufacturer: String?
    /// CK_TOKEN_INFO.model.
    public internal(set) var model: String?
    /// CK_TOKEN_INFO.serialNumber.
    public internal(set) var serial: String?
    /// The number of the slot.
    public internal(set) var slot: UInt?
  }

  /// Where the driver is.
  public enum Driver: Sendable, Equatable {
    /// `module-path`: an absolute path.
    case path(String)
    /// `module-name`: a name without folder and ending.
    case name(String)
    /// p11-kit, which asks every driver that the system knows.
    case system
  }

  /// What the token must be.
  public private(set) var token = Token()
  /// CKA_LABEL of the key.
  public private(set) var object: String?
  /// CKA_ID of the key.
  public private(set) var id: [UInt8]?
  /// Where the driver is.
  public private(set) var driver = Driver.system
  /// The file that `pin-source` names.
  public private(set) var pinFile: String?

  /// Whether `text` means to be such an address.
  public static func isOne(_ text: String) -> Bool { text.hasPrefix("pkcs11:") }

  /// Reads an address; it must name a key by `object` or `id`.
  public init(_ text: String) throws(Problem) {
    guard text.utf8.count <= TokenURI.sizeLimit, TokenURI.isOne(text) else {
      throw TokenURI.malformed("an address begins with “pkcs11:” and has at most \(TokenURI.sizeLimit) bytes")
    }
    let bytes = Array(text.utf8.dropFirst("pkcs11:".utf8.count))
    let parts = bytes.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    for (name, value) in try TokenURI.attributes(parts[0], separator: ";", alsoAllowed: "&") {
      try setPath(name, value)
    }
    if parts.count == 2 {
      for (name, value) in try TokenURI.attributes(parts[1], separator: "&", alsoAllowed: "/?|") {
        try setQuery(name, value)
      }
    }
    guard object != nil || id != nil else {
      throw TokenURI.malformed("the address names no key", hint: "add object=LABEL or id=%01")
    }
  }

  private mutating func setPath(_ name: String, _ value: [UInt8]) throws(Problem) {
    switch name {
    case "token": token.label = try TokenURI.text(name, value, atMost: 32)
    case "manufacturer": token.manufacturer = try TokenURI.text(name, value, atMost: 32)
    case "model": token.model = try TokenURI.text(name, value, atMost: 16)
    case "serial": token.serial = try TokenURI.text(name, value, atMost: 16)
    case "object": object = try TokenURI.text(name, value, atMost: 255)
    case "id":
      guard value.count <= 255 else { throw TokenURI.malformed("an id has at most 255 bytes") }
      id = value
    case "slot-id":
      let text = try TokenURI.text(name, value, atMost: 20)
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt(text) else {
        throw TokenURI.malformed("slot-id is a decimal number")
      }
      token.slot = number
    case "type":
      guard value == Array("private".utf8) else { throw TokenURI.malformed("a key that signs has type=private") }
    default: throw TokenURI.unknown(name)
    }
  }

  private mutating func setQuery(_ name: String, _ value: [UInt8]) throws(Problem) {
    switch name {
    case "module-path":
      let path = try TokenURI.text(name, value, atMost: 1024)
      guard path.hasPrefix("/"), driver == .system else {
        throw TokenURI.malformed("module-path is an absolute path, and does not stand beside module-name")
      }
      driver = .path(path)
    case "module-name":
      let name = try TokenURI.text(name, value, atMost: 64)
      guard KeyName.isName(name), driver == .system else {
        throw TokenURI.malformed("module-name is a name without a folder, and does not stand beside module-path")
      }
      driver = .name(name)
    case "pin-source":
      let source = try TokenURI.text(name, value, atMost: 1024)
      let path = source.hasPrefix("file:") ? String(source.dropFirst(5)) : source
      guard path.hasPrefix("/"), !path.hasPrefix("//") else {
        throw Problem.refused(
          "pkcs11-uri.pin-source", "pin-source names a file by its absolute path; nothing is run for a PIN",
          source: "RFC 7512 §2.4")
      }
      pinFile = path
    case "pin-value":
      throw Problem.refused(
        "pkcs11-uri.pin-value", "a PIN never stands in an address: other processes can read it there",
        source: "RFC 7512 §4", hint: "use --passphrase-fd, --passphrase-file or pin-source=file:/PATH")
    default: throw TokenURI.unknown(name)
    }
  }

  // MARK: the grammar

  /// The attributes of one half, in order, each name once, their values decoded (RFC 7512 §2.3).
  private static func attributes(
    _ bytes: ArraySlice<UInt8>, separator: Character, alsoAllowed: String
  ) throws(Problem) -> [(String, [UInt8])] {
    guard !bytes.isEmpty else { return [] }
    var attributes: [(String, [UInt8])] = []
    let separator = separator.asciiValue ?? 0
    for part in bytes.split(separator: separator, omittingEmptySubsequences: false) {
      guard let equals = part.firstIndex(of: UInt8(ascii: "=")), equals > part.startIndex, attributes.count < 32 else {
        throw malformed("an attribute is NAME=VALUE, and there are at most 32")
      }
      let name = part[..<equals]
      guard name.allSatisfy({ (0x61...0x7a).contains($0) || $0 == 0x2d }) else {
        throw malformed("the name of an attribute is of a to z and hyphens")
      }
      let text = String(decoding: name, as: UTF8.self)
      guard !attributes.contains(where: { $0.0 == text }) else {
        throw Problem.malformed("pkcs11-uri.duplicate", "the attribute \(text) stands twice", source: "RFC 7512 §2.3")
      }
      let value = try decode(part[(equals + 1)...], alsoAllowed: alsoAllowed, of: text)
      guard !value.isEmpty else { throw malformed("the attribute \(text) has no value") }
      attributes.append((text, value))
    }
    return attributes
  }

  private static let allowed = Set("-._~:[]@!$'()*+,=".utf8)

  private static func decode(
    _ value: ArraySlice<UInt8>, alsoAllowed: String, of name: String
  ) throws(Problem) -> [UInt8] {
    var result: [UInt8] = []
    var rest = value
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
          throw malformed("“%” is followed by two hexadecimal digits, in \(name)")
        }
        result.append(high << 4 | low)
      } else {
        let isLetterOrDigit =
          (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
        guard isLetterOrDigit || allowed.contains(byte) || alsoAllowed.utf8.contains(byte) else {
          throw malformed("the value of \(name) holds a character that must be written as %HH")
        }
        result.append(byte)
      }
    }
    return result
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }

  private static func text(_ name: String, _ value: [UInt8], atMost limit: Int) throws(Problem) -> String {
    guard value.count <= limit, !value.contains(0), let text = String(validating: value, as: UTF8.self) else {
      throw malformed("\(name) is UTF-8 of at most \(limit) bytes, without NUL")
    }
    return text
  }

  private static func malformed(_ message: String, hint: String? = nil) -> Problem {
    .malformed("pkcs11-uri.syntax", message, source: "RFC 7512 §2.3", hint: hint)
  }

  private static func unknown(_ name: String) -> Problem {
    .malformed(
      "pkcs11-uri.attribute", "the attribute \(name) is not known here", source: "RFC 7512 §2.3",
      hint: "known: token, manufacturer, model, serial, slot-id, object, id, type; module-path, module-name, pin-source"
    )
  }
}

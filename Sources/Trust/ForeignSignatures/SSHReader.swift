import Diagnostics

/// Reads the data types of SSH (RFC 4251 §5) up to the last byte.
struct SSHReader {
  private var rest: ArraySlice<UInt8>
  /// What is read, for messages.
  private let what: String

  init(_ bytes: some Collection<UInt8>, what: String) {
    rest = Array(bytes)[...]
    self.what = what
  }

  /// Exactly `count` bytes, without a length before them.
  mutating func bytes(_ count: Int) throws(Problem) -> [UInt8] {
    guard rest.count >= count else { throw malformed("ssh.short", "ends too early") }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  mutating func uint32() throws(Problem) -> UInt32 {
    try bytes(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// A `string`: its length and as many bytes, at most `limit`.
  mutating func string(atMost limit: Int) throws(Problem) -> [UInt8] {
    let count = Int(try uint32())
    guard count <= limit else { throw malformed("ssh.length", "holds a field of \(count) bytes, more than \(limit)") }
    return try bytes(count)
  }

  /// A `string` of visible ASCII characters: names of keys, curves and algorithms.
  mutating func name() throws(Problem) -> String {
    let bytes = try string(atMost: 64)
    guard !bytes.isEmpty, bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw malformed("ssh.name", "holds a name that is not visible ASCII")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A `mpint` that is positive and has no needless zero: the magnitude, without a leading zero.
  mutating func positiveInteger(atMost limit: Int) throws(Problem) -> [UInt8] {
    let bytes = try string(atMost: limit + 1)
    guard let first = bytes.first, first < 0x80, first != 0 || (bytes.count > 1 && bytes[1] >= 0x80) else {
      throw malformed("ssh.integer", "holds an integer that is not positive or not in its one form")
    }
    return first == 0 ? Array(bytes.dropFirst()) : bytes
  }

  func end() throws(Problem) {
    guard rest.isEmpty else { throw malformed("ssh.trailing", "goes on after its end, by \(rest.count) bytes") }
  }

  private func malformed(_ code: String, _ message: String) -> Problem {
    .malformed(code, "\(what) \(message)", source: "RFC 4251 §5")
  }
}

/// Writes the data types of SSH (RFC 4251 §5), for what is signed.
enum SSHWriter {
  static func uint32(_ value: Int) -> [UInt8] {
    let value = UInt32(truncatingIfNeeded: value)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func string(_ bytes: [UInt8]) -> [UInt8] { uint32(bytes.count) + bytes }

  static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }
}

/// As much of DER (X.690) as keys and signatures need, to be read by libcrypto.
enum DER {
  static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }

  /// A positive INTEGER of a magnitude without leading zeros.
  static func integer(_ magnitude: [UInt8]) -> [UInt8] {
    element(0x02, magnitude.first.map { $0 >= 0x80 } == true ? [0] + magnitude : magnitude)
  }

  static func bits(_ content: [UInt8]) -> [UInt8] { element(0x03, [0] + content) }

  private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    switch content.count {
    case 0..<0x80: [tag, UInt8(content.count)] + content
    case 0x80..<0x100: [tag, 0x81, UInt8(content.count)] + content
    default: [tag, 0x82, UInt8(content.count >> 8 & 0xff), UInt8(content.count & 0xff)] + content
    }
  }
}

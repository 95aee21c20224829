public import Diagnostics

/// The canonical container of an evidence pack: a POSIX ustar archive that has exactly one spelling
/// (`documents/specs/evidence-pack.md`).
///
/// Reading writes the archive anew and compares: a set bit in any header field, in padding or behind the end is
/// noticed, so nothing can be hidden in slack bytes. `tar tf` and `tar xf` read it like any other archive.
public enum Container {
  /// The largest pack: 16 MiB.
  public static let sizeLimit = 16 << 20
  /// The largest number of members.
  public static let memberLimit = 1024
  private static let block = 512

  /// A file in the container.
  public struct Member: Sendable, Equatable {
    /// A relative path of lower-case letters, digits, dot, hyphen, underscore and slash, at most 99 bytes.
    public let name: String
    /// The content.
    public let bytes: [UInt8]

    /// A member.
    public init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  /// The archive of `members`, which are sorted by name; a bad or repeated name is malformed.
  public static func encode(_ members: [Member]) throws(Problem) -> [UInt8] {
    let sorted = members.sorted { $0.name < $1.name }
    guard sorted.count <= memberLimit else {
      throw .malformed("pack.members", "the pack has more than \(memberLimit) members")
    }
    for (index, member) in sorted.enumerated() {
      guard isName(member.name), index == 0 || sorted[index - 1].name != member.name else {
        throw .malformed("pack.name", "“\(member.name)” is no name for a member, or stands twice")
      }
    }
    var bytes: [UInt8] = []
    for member in sorted {
      bytes += header(member)
      bytes += member.bytes
      bytes += [UInt8](repeating: 0, count: (block - member.bytes.count % block) % block)
    }
    bytes += [UInt8](repeating: 0, count: 2 * block)
    guard bytes.count <= sizeLimit else {
      throw .malformed("pack.size", "the pack would have \(bytes.count) bytes, more than the \(sizeLimit) allowed")
    }
    return bytes
  }

  /// The members of an archive that `encode` could have written; anything else is malformed.
  public static func decode(_ bytes: [UInt8]) throws(Problem) -> [Member] {
    guard bytes.count <= sizeLimit, bytes.count.isMultiple(of: block) else {
      throw .malformed("pack.size", "the pack is larger than \(sizeLimit) bytes, or cut short")
    }
    var members: [Member] = []
    var offset = 0
    while offset + block <= bytes.count, bytes[offset] != 0 {
      guard members.count < memberLimit else { throw .malformed("pack.members", "the pack has too many members") }
      let member = try self.member(bytes, at: offset)
      members.append(member)
      offset += block + (member.bytes.count + block - 1) / block * block
    }
    guard try encode(members) == bytes else {
      throw .malformed(
        "pack.canonical", "the pack is not in its canonical form", place: "after \(members.last?.name ?? "the start")",
        source: "documents/specs/evidence-pack.md", hint: "it was changed, or written by another tool")
    }
    return members
  }

  private static func member(_ bytes: [UInt8], at offset: Int) throws(Problem) -> Member {
    let name = String(decoding: bytes[offset..<offset + 100].prefix { $0 != 0 }, as: UTF8.self)
    var size = 0
    for digit in bytes[offset + 124..<offset + 135] {
      guard (0x30...0x37).contains(digit) else { throw .malformed("pack.header", "a size is not octal", place: name) }
      size = size * 8 + Int(digit - 0x30)
    }
    let start = offset + block
    guard isName(name), size <= bytes.count - start else {
      throw .malformed("pack.header", "a header is malformed, or the pack is cut short", place: "byte \(offset)")
    }
    return Member(name: name, bytes: Array(bytes[start..<start + size]))
  }

  private static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return !name.isEmpty && name.utf8.count <= 99
      && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
      && name.utf8.allSatisfy {
        switch $0 {
        case 0x61...0x7a, 0x30...0x39, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"): true
        default: false
        }
      }
  }

  /// The header of POSIX.1-1988 ustar: mode 0644, everything else zero or empty.
  private static func header(_ member: Member) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: block)
    func put(_ text: String, _ offset: Int) {
      for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
    }
    func octal(_ value: Int, _ width: Int) -> String {
      let digits = String(value, radix: 8)
      return String(repeating: "0", count: width - digits.count) + digits
    }
    put(member.name, 0)
    put("0000644", 100)
    put("0000000", 108)
    put("0000000", 116)
    put(octal(member.bytes.count, 11), 124)
    put("00000000000", 136)
    put("        ", 148)
    put("0", 156)
    put("ustar", 257)
    put("00", 263)
    put("0000000", 329)
    put("0000000", 337)
    let sum = header.reduce(0) { $0 + Int($1) }
    put(octal(sum, 6) + "\0 ", 148)
    return header
  }
}

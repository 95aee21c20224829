public import Diagnostics
import LinuxKit

/// The dynamic section of an ELF file: which libraries it asks for by name (ELF gABI, chapter 5, “Dynamic Linking”).
public struct ELFFile: Sendable, Hashable {
  /// The `DT_NEEDED` entries in the order of the file; empty for a static program.
  public let needed: [String]

  /// Whether `bytes` start like an ELF file.
  private static func isELF(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) }

  /// Reads the file `path`, which must be a 64-bit little-endian ELF file.
  public init(reading path: String) throws(Problem) {
    // Only the parts that matter are read: a program may be larger than the memory that a verb may use.
    let file = OpenFile(try FileSystem.open(path))
    do throws(Problem) {
      let size = try file.descriptor.status().size
      try self.init(
        Image(size: size) { offset, count throws(Problem) in try file.descriptor.read(count, at: offset) })
    } catch { throw error.at(path) }
  }

  /// Reads the bytes of a 64-bit little-endian ELF file.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    try self.init(Image(size: bytes.count) { offset, count in Array(bytes[offset..<offset + count]) })
  }

  private init(_ image: Image) throws(Problem) {
    let head = image.size >= 64 ? try image.read(0, 64) : []
    // ELFCLASS64 and ELFDATA2LSB.
    guard ELFFile.isELF(head), head.count == 64, head[4] == 2, head[5] == 1 else {
      throw .malformed("inventory.elf", "this is not a 64-bit little-endian ELF file")
    }
    let segments = try image.segments()
    // PT_DYNAMIC; without one the program is static.
    guard let dynamic = segments.first(where: { $0.kind == 2 }) else {
      needed = []
      return
    }
    var names: [Int] = []
    var (table, size) = (0, 0)
    for position in stride(from: dynamic.offset, to: dynamic.offset + dynamic.size, by: 16) {
      let tag = try image.word64(position)
      let value = try image.word64(position + 8)
      if tag == 0 { break }  // DT_NULL ends the section.
      switch tag {
      case 1: names.append(value)  // DT_NEEDED
      case 5: table = value  // DT_STRTAB
      case 10: size = value  // DT_STRSZ
      default: continue
      }
    }
    // The table's place is an address in memory; a loaded segment (PT_LOAD) says where in the file that is.
    guard names.isEmpty || segments.contains(where: { $0.kind == 1 && $0.holds(table) }) else {
      throw .malformed("inventory.elf", "the string table is in no segment")
    }
    let start = segments.first { $0.kind == 1 && $0.holds(table) }.map { table - $0.address + $0.offset } ?? 0
    var needed: [String] = []
    for name in names { needed.append(try image.text(at: start + name, before: start + size)) }
    self.needed = needed
  }

  private struct Segment {
    let kind: Int
    let offset: Int
    let address: Int
    let size: Int

    func holds(_ place: Int) -> Bool { place >= address && place - address < size }
  }

  /// Holds a descriptor for the closure of an image.
  private final class OpenFile {
    let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
  }

  /// The file, of which single places are read; `read` gets an offset and a count inside `size`.
  private struct Image {
    let size: Int
    let read: (Int, Int) throws(Problem) -> [UInt8]

    func segments() throws(Problem) -> [Segment] {
      let (start, size, count) = (try word64(32), try word16(54), try word16(56))
      guard size >= 56 || count == 0 else { throw truncated }
      var segments: [Segment] = []
      for index in 0..<count {
        let place = start + index * size
        segments.append(
          Segment(
            kind: try number(place, 4), offset: try word64(place + 8), address: try word64(place + 16),
            size: try word64(place + 32)))
      }
      return segments
    }

    func text(at start: Int, before end: Int) throws(Problem) -> String {
      guard start >= 0, start < end, end <= size else { throw truncated }
      // No file name is longer than 4,096 bytes.
      let bytes = try read(start, min(end - start, 4096))
      guard let stop = bytes.firstIndex(of: 0) else { throw truncated }
      return String(decoding: bytes[..<stop], as: UTF8.self)
    }

    func word16(_ place: Int) throws(Problem) -> Int { try number(place, 2) }

    func word64(_ place: Int) throws(Problem) -> Int { try number(place, 8) }

    /// A number of 2^48 or more is cut to 2^48: no file is that long, so that it lies outside of every file, and no
    /// sum of such numbers can overflow.
    func number(_ place: Int, _ width: Int) throws(Problem) -> Int {
      guard place >= 0, place <= size - width else { throw truncated }
      let bytes = try read(place, width)
      guard bytes.count == width else { throw truncated }
      var value: UInt64 = 0
      for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
      return value < 1 << 48 ? Int(value) : 1 << 48
    }

    var truncated: Problem { .malformed("inventory.elf", "a part of the ELF file lies outside of it") }
  }
}

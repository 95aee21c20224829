import Diagnostics
import Glibc
import LinuxKit
import TransparencyLog

/// The format of the journal, the only file of a ledger that cannot be built from others.
///
/// A line with the version, then records: 2 bytes length, 8 bytes index (both big-endian), 32 bytes leaf hash, entry.
/// The leaf hash is SHA-256 over 0x00 and the entry, so one hash serves the tree and finds a torn record. A length of
/// zero is no record: a tail of zeros, as file systems leave it after a power cut, is recognised as torn.
enum Journal {
  static let header = Array("rustynet-ledger-journal@v1\n".utf8)
  static let recordHeader = 2 + 8 + LogHash.length

  /// Adds a record to `buffer`.
  static func append(_ entry: [UInt8], index: Int, leaf: LogHash, to buffer: inout [UInt8]) {
    buffer.append(UInt8(truncatingIfNeeded: entry.count >> 8))
    buffer.append(UInt8(truncatingIfNeeded: entry.count))
    var shift = 56
    while shift >= 0 {
      buffer.append(UInt8(truncatingIfNeeded: index >> shift))
      shift -= 8
    }
    leaf.append(to: &buffer)
    buffer.append(contentsOf: entry)
  }
}

/// One entry of the journal with its leaf hash, which has been checked.
struct JournalRecord {
  let index: Int
  let leaf: LogHash
  let entry: [UInt8]
  /// Where the record begins in the file.
  let start: Int
}

/// Reads records one after the other and stops at the first one that is not whole.
struct JournalReader: ~Copyable {
  /// Where the last whole record ends.
  private(set) var offset: Int
  /// The index of the next record.
  private(set) var index: Int
  /// The length of the file when it was opened.
  let length: Int

  private let file: FileDescriptor
  private let hasher: MerkleHasher
  private var buffer: [UInt8] = []
  private var position = 0

  /// Opens the journal at its first record, or at one that is expected to be number `index`.
  init(_ path: String, offset: Int = Journal.header.count, index: Int = 0, hasher: MerkleHasher) throws(Problem) {
    let file = try FileDescriptor(opening: path, O_RDONLY | O_NOFOLLOW)
    let length = try file.status().size
    guard try file.read(Journal.header.count, at: 0) == Journal.header else {
      throw LedgerProblem.damaged("journal", "it does not begin with the line of its format")
    }
    self.file = file
    self.length = length
    self.offset = offset
    self.index = index
    self.hasher = hasher
  }

  /// Whether bytes follow the last whole record.
  var isTorn: Bool { offset < length }

  /// The next record, nil where no whole one follows.
  mutating func next() throws(Problem) -> JournalRecord? {
    guard try fill(Journal.recordHeader) else { return nil }
    let count = Int(buffer[position]) << 8 | Int(buffer[position + 1])
    var number = 0
    for byte in buffer[position + 2..<position + 10] { number = number << 8 | Int(byte) }
    guard count > 0, number == index, try fill(Journal.recordHeader + count) else { return nil }
    let body = position + Journal.recordHeader
    let entry = Array(buffer[body..<body + count])
    let leaf = hasher.leaf(entry)
    guard try leaf == LogHash(Array(buffer[position + 10..<body])) else { return nil }
    let record = JournalRecord(index: index, leaf: leaf, entry: entry, start: offset)
    position += Journal.recordHeader + count
    offset += Journal.recordHeader + count
    index += 1
    return record
  }

  /// Makes `count` bytes available at `position`; false where the file ends before.
  private mutating func fill(_ count: Int) throws(Problem) -> Bool {
    if position + count <= buffer.count { return true }
    guard offset + count <= length else { return false }
    buffer = try file.read(max(1 << 20, count), at: offset)
    position = 0
    return count <= buffer.count
  }
}

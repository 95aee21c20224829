public import Diagnostics

/// The content of a hash tile: `width` hashes of 32 bytes, nothing else (C2SP tlog-tiles, "Merkle tree").
public enum HashTile {
  /// Reads the first `width` hashes; the file must have exactly `stored` of them.
  public static func parse(_ bytes: [UInt8], width: Int, stored: Int) throws(Problem) -> [LogHash] {
    guard bytes.count == stored * LogHash.length, width <= stored else {
      throw .malformed(
        "tile.length", "a tile with \(stored) hashes has \(stored * LogHash.length) bytes, not \(bytes.count)",
        source: "C2SP tlog-tiles")
    }
    return (0..<width).map { LogHash(unchecked: bytes, at: $0 * LogHash.length) }
  }

  /// The bytes of the hashes.
  public static func serialise(_ hashes: [LogHash]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hashes.count * LogHash.length)
    for hash in hashes { hash.append(to: &bytes) }
    return bytes
  }

  /// The root of the subtree whose `2^n` lowest hashes are `hashes`.
  public static func fold(_ hashes: ArraySlice<LogHash>, hasher: MerkleHasher) -> LogHash {
    var level = Array(hashes)
    while level.count > 1 {
      for index in 0..<level.count / 2 { level[index] = hasher.node(level[2 * index], level[2 * index + 1]) }
      level.removeLast(level.count / 2)
    }
    return level.first ?? MerkleTree.emptyRoot
  }
}

/// The content of an entry bundle: each entry after its length, 16 bits big-endian (C2SP tlog-tiles, "Log entries").
public enum EntryBundle {
  /// An entry may have this many bytes; the length field ends here.
  public static let entryLimit = 65_535

  /// Reads exactly `count` entries; a byte more or less is malformed. An empty entry is, too: this ledger has none.
  public static func parse(_ bytes: [UInt8], count: Int) throws(Problem) -> [[UInt8]] {
    var entries: [[UInt8]] = []
    var index = 0
    while entries.count < count {
      guard index + 2 <= bytes.count else { throw malformed("it ends before entry \(count)") }
      let length = Int(bytes[index]) << 8 | Int(bytes[index + 1])
      index += 2
      guard length > 0, index + length <= bytes.count else { throw malformed("an entry is empty or cut off") }
      entries.append(Array(bytes[index..<index + length]))
      index += length
    }
    guard index == bytes.count else { throw malformed("bytes follow the last entry") }
    return entries
  }

  /// Adds an entry of 1 to 65,535 bytes, which the caller has checked, to the bytes of a bundle.
  public static func append(_ entry: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(UInt8(truncatingIfNeeded: entry.count >> 8))
    bytes.append(UInt8(truncatingIfNeeded: entry.count))
    bytes.append(contentsOf: entry)
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed("tile.entries", "this is not the entry bundle expected: \(why)", source: "C2SP tlog-tiles")
  }
}

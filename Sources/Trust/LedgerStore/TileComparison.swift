import Diagnostics
import LinuxKit
import TransparencyLog

/// Compares stored tiles with what the journal says, and afterwards rewrites those that differ.
final class TileComparison {
  private(set) var differences: [LedgerDifference] = []
  private(set) var count = 0
  private var damaged: Set<Tile> = []
  private let ledger: Ledger
  private let reader: TileReader

  init(ledger: Ledger) {
    self.ledger = ledger
    reader = TileReader(ledger.path)
  }

  /// Compares one tile with the bytes that it must have.
  ///
  /// A wider stored tile is good as well when it begins with them: a reader without the lock may meet one.
  func compare(_ tile: Tile, _ bytes: [UInt8]) throws(Problem) {
    count += 1
    let message: String
    do {
      let (stored, width) = try reader.load(tile)
      if width == tile.width ? stored == bytes : stored.starts(with: bytes) { return }
      message = "the tile differs from the journal"
    } catch {
      if error.kind == .couldNotRun { throw error }
      message = error.message
    }
    damaged.insert(tile)
    differences.append(LedgerDifference(place: tile.path, message: message, severity: .repairable))
  }

  /// Writes the tiles that differed anew. Call it only when the journal was found to have the root of the checkpoint:
  /// a second reading costs little, and good tiles are never overwritten from a journal that is wrong.
  func repair(size: Int, hasher: MerkleHasher) throws(Problem) {
    guard !damaged.isEmpty else { return }
    var journal = try JournalReader(ledger.journalPath, hasher: hasher)
    var edge = LedgerEdge(hasher: hasher)
    while edge.size < size, let record = try journal.next() {
      try edge.append(record.entry, leaf: record.leaf, sink: rewrite)
    }
    try edge.forEachPartial(rewrite)
  }

  private func rewrite(_ tile: Tile, _ bytes: [UInt8]) throws(Problem) {
    guard damaged.contains(tile) else { return }
    let path = "\(ledger.path)/\(tile.path)"
    // What stands there may be a link or a folder, which writing would not replace.
    if let status = FileSystem.status(path), status.kind != .regular { try FileSystem.removeTree(path) }
    try FileSystem.writeRebuildable(bytes, to: path)
  }
}

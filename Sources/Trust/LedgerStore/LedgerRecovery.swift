import Diagnostics
import LinuxKit
import TransparencyLog

/// The state that a writer begins with.
struct LedgerState {
  var edge: LedgerEdge
  /// Where the last whole record begins, and where it ends.
  var start: Int
  var end: Int
  /// Whole records that no checkpoint covers yet: a process ended after the journal and before the checkpoint.
  var pending: Int
}

/// Brings a ledger that may have been left at any point to a state from which it can go on.
struct LedgerRecovery {
  let ledger: Ledger
  let checkpoint: Checkpoint
  let hasher = MerkleHasher()

  /// Finds the end of the journal, repairs tiles where needed, and cuts a torn tail off. Call it with the lock held.
  func run() throws(Problem) -> LedgerState {
    if let state = try fromTiles() { return state }
    return try fromJournal()
  }

  /// The usual way: the tiles of the right edge fit the checkpoint, and a hint leads to the end of the journal.
  private func fromTiles() throws(Problem) -> LedgerState? {
    guard let hint = Position.read(ledger.positionPath), hint.size <= checkpoint.size else { return nil }
    do {
      let edge = try LedgerEdge(size: checkpoint.size, reader: TileReader(ledger.path))
      guard edge.root == checkpoint.root else { return nil }
      var reader = try JournalReader(
        ledger.journalPath, offset: hint.start, index: max(0, hint.size - 1), hasher: hasher)
      var last: JournalRecord?
      while reader.index < checkpoint.size {
        guard let record = try reader.next() else { return nil }
        last = record
      }
      if let last, let leaf = edge.lastLeaf, last.leaf != leaf { return nil }
      return try finish(edge, &reader, start: last?.start ?? hint.start)
    } catch {
      // Damaged tiles are rebuilt; what may pass, such as a full disk, is not taken for damage.
      if error.kind == .couldNotRun { throw error }
      return nil
    }
  }

  /// The sure way: every record is read; once the root is right, tiles that differ are written anew.
  private func fromJournal() throws(Problem) -> LedgerState {
    let comparison = TileComparison(ledger: ledger)
    var reader = try JournalReader(ledger.journalPath, hasher: hasher)
    var edge = LedgerEdge(hasher: hasher)
    var start = Journal.header.count
    while edge.size < checkpoint.size {
      guard let record = try reader.next() else {
        throw LedgerProblem.damaged(
          "journal", "record \(edge.size) is missing or damaged, but the checkpoint has \(checkpoint.size)")
      }
      try edge.append(record.entry, leaf: record.leaf, sink: comparison.compare)
      start = record.start
    }
    guard edge.root == checkpoint.root else {
      throw LedgerProblem.damaged("journal", "its entries do not have the root of the checkpoint")
    }
    try edge.forEachPartial(comparison.compare)
    try comparison.repair(size: checkpoint.size, hasher: hasher)
    return try finish(edge, &reader, start: start)
  }

  /// Takes up the records behind the checkpoint, and cuts off what follows the last whole one.
  private func finish(_ edge: consuming LedgerEdge, _ reader: inout JournalReader, start: Int) throws(Problem)
    -> LedgerState
  {
    var edge = edge
    var start = start
    var pending = 0
    while let record = try reader.next() {
      try edge.append(record.entry, leaf: record.leaf) { (tile, bytes) throws(Problem) in
        try FileSystem.writeRebuildable(bytes, to: "\(ledger.path)/\(tile.path)")
      }
      start = record.start
      pending += 1
    }
    return LedgerState(edge: edge, start: start, end: reader.offset, pending: pending)
  }
}

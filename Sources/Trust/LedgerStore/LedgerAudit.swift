public import Diagnostics
import Glibc
import LinuxKit
public import TransparencyLog

/// One thing that is not as it should be.
public struct LedgerDifference: Sendable, CustomStringConvertible {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// Left behind by a process that ended in the middle; nothing reads it.
    case leftover
    /// Can be rebuilt from the journal.
    case repairable
    /// Only a backup helps.
    case fatal
  }

  /// The file, below the folder of the ledger.
  public let place: String
  /// One sentence.
  public let message: String
  /// How bad it is.
  public let severity: Severity

  /// One line.
  public var description: String { "\(place): \(message) (\(severity.rawValue))" }
}

/// The result of a full check of a ledger.
public struct LedgerAudit: Sendable {
  /// The checkpoint, whose signature was verified.
  public let checkpoint: SignedCheckpoint
  /// Whole records of the journal that the checkpoint does not cover.
  public let pending: Int
  /// How many tiles and bundles were compared.
  public let tiles: Int
  /// What was found, in the order of the journal.
  public let differences: [LedgerDifference]
  /// Whether repairable differences have been repaired.
  public let isRepaired: Bool

  /// The worst of the differences that remain, nil where the ledger is whole.
  public var worst: LedgerDifference? {
    differences.first { $0.severity == .fatal } ?? (isRepaired ? nil : differences.first { $0.severity == .repairable })
  }
}

extension Ledger {
  /// Checks everything: the signature, each record, each tile and bundle, the root, and that it extends `earlier`.
  ///
  /// Needs no lock and writes nothing. Records behind the checkpoint are no fault, whole or torn: nobody was told that
  /// they are there.
  public func verify(key: NoteKey, extending earlier: SignedCheckpoint? = nil) throws(Problem) -> LedgerAudit {
    let audit = try audit(key: key, repair: false)
    if let worst = audit.worst { throw LedgerProblem.damaged(worst.place, worst.message) }
    if let earlier {
      try earlier.verify(by: [key], origin: key.name)
      try requireExtension(of: earlier.checkpoint, by: audit.checkpoint.checkpoint)
    }
    return audit
  }

  /// Checks everything and reports every difference; with `repair`, rebuilds tiles and clears leftovers under the lock.
  public func check(key: NoteKey, repair: Bool) throws(Problem) -> LedgerAudit {
    guard repair else { return try audit(key: key, repair: false) }
    _ = try checkpoint()
    let lock = try FileLock(lockPath)
    defer { withExtendedLifetime(lock) {} }
    return try audit(key: key, repair: true)
  }

  private func audit(key: NoteKey, repair: Bool) throws(Problem) -> LedgerAudit {
    let signed = try checkpoint(key: key)
    let tree = signed.checkpoint
    let comparison = TileComparison(ledger: self)
    let hasher = MerkleHasher()
    var edge = LedgerEdge(hasher: hasher)
    var fatal: LedgerDifference?
    var leftovers: [LedgerDifference] = []
    var pending = 0
    do {
      var reader = try JournalReader(journalPath, hasher: hasher)
      while edge.size < tree.size, let record = try reader.next() {
        try edge.append(record.entry, leaf: record.leaf, sink: comparison.compare)
      }
      fatal = Ledger.judge(edge, tree)
      if fatal == nil {
        try edge.forEachPartial(comparison.compare)
        if repair { try comparison.repair(size: tree.size, hasher: hasher) }
        while try reader.next() != nil { pending += 1 }
        if reader.isTorn { leftovers.append(try tornTail(at: reader.offset, repair: repair)) }
        leftovers += try strays(size: tree.size, repair: repair)
      }
    } catch {
      if error.kind == .couldNotRun { throw error }
      fatal = LedgerDifference(place: "journal", message: error.message, severity: .fatal)
    }
    return LedgerAudit(
      checkpoint: signed, pending: pending, tiles: comparison.count,
      differences: (fatal.map { [$0] } ?? []) + comparison.differences + leftovers, isRepaired: repair)
  }

  /// What the records up to the checkpoint say about it.
  private static func judge(_ edge: LedgerEdge, _ tree: Checkpoint) -> LedgerDifference? {
    if edge.size < tree.size {
      return LedgerDifference(
        place: "journal", message: "record \(edge.size) is missing or damaged, but the checkpoint has \(tree.size)",
        severity: .fatal)
    }
    if edge.root != tree.root {
      return LedgerDifference(
        place: "journal", message: "its entries do not have the root of the checkpoint", severity: .fatal)
    }
    return nil
  }

  private func tornTail(at offset: Int, repair: Bool) throws(Problem) -> LedgerDifference {
    if repair { try FileDescriptor(opening: journalPath, O_WRONLY | O_NOFOLLOW).truncate(to: offset) }
    return LedgerDifference(
      place: "journal", message: "a torn record follows byte \(offset), behind the checkpoint", severity: .leftover)
  }

  /// Files below `tile` that the tree of `size` entries does not have, and checkpoints that were never renamed.
  private func strays(size: Int, repair: Bool) throws(Problem) -> [LedgerDifference] {
    let partials = Set(Tile.partials(size: size).map(\.path))
    var found: [LedgerDifference] = []
    let unfinished = try FileSystem.list(path).filter { $0.hasSuffix(".tmp") }
    for file in try files("tile") + unfinished {
      if let tile = try? Tile(path: file) {
        if tile.isFull ? Ledger.isWithin(tile, size) : partials.contains(file) { continue }
      }
      found.append(LedgerDifference(place: file, message: "the ledger has no such file", severity: .leftover))
      if repair { try FileSystem.remove("\(path)/\(file)") }
    }
    return found
  }

  private static func isWithin(_ tile: Tile, _ size: Int) -> Bool {
    switch tile.kind {
    case .entries: tile.index < size >> 8
    case .hashes(let level): tile.index < size >> (8 * (level + 1))
    }
  }

  /// All files below a folder of the ledger, as paths below the ledger.
  private func files(_ folder: String) throws(Problem) -> [String] {
    guard let status = FileSystem.status("\(path)/\(folder)") else { return [] }
    guard status.kind == .directory else { return [folder] }
    var found: [String] = []
    for name in try FileSystem.list("\(path)/\(folder)") { found += try files("\(folder)/\(name)") }
    return found
  }
}

public import Diagnostics
import Glibc
import LinuxKit
public import TransparencyLog

/// What an append was acknowledged with.
public struct LedgerReceipt: Sendable {
  /// The indices of the new entries.
  public let indices: Range<Int>
  /// The checkpoint that covers them.
  public let checkpoint: SignedCheckpoint
}

/// Appends to a ledger; it holds the ledger's lock as long as it lives.
///
/// Order of a batch: journal, fsync; then the checkpoint under another name, fsync; then, when the tiles are written too,
/// rename, fsync of the folder. Three waits for the disk in all, and the tiles are made meanwhile. Whatever point the
/// machine stops at, no checkpoint is signed over an entry that is not durable, and an acknowledged entry is always
/// covered.
public struct LedgerWriter: ~Copyable {
  /// How many bytes of records are collected before they are written.
  private static let bufferSize = 1 << 20
  /// Superseded partial tiles may take this much of the disk before they are removed.
  private static let supersededLimit = 64 << 20
  /// From this number of entries on, it is worth a second thread to hash.
  private static let parallelHashes = 512

  private let ledger: Ledger
  private let signer: NoteSigner
  private let lock: FileLock
  private let journal: FileDescriptor
  private let hasher = MerkleHasher()
  private var state: LedgerState
  /// Partial tiles of former checkpoints that are still there, and their bytes.
  private var superseded: [Tile] = []
  private var supersededBytes = 0
  /// The present checkpoint.
  public private(set) var checkpoint: SignedCheckpoint
  /// Entries found durable but not covered by the checkpoint when the ledger was opened; the next checkpoint has them.
  public var pending: Int { state.pending }
  /// Set while a batch is under way: after a failure the state in memory is not that of the disk.
  private var isBroken = false

  /// Makes an empty ledger with a signed checkpoint of size 0; `ledger.exists` where there is one.
  public static func create(_ path: String, signer: NoteSigner) throws(Problem) -> SignedCheckpoint {
    let ledger = Ledger(path)
    try FileSystem.makeFolder(path)
    let lock = try FileLock(ledger.lockPath)
    defer { withExtendedLifetime(lock) {} }
    let journal = FileSystem.status(ledger.journalPath)?.size ?? 0
    guard FileSystem.status(ledger.checkpointPath) == nil, journal <= Journal.header.count else {
      throw .malformed("ledger.exists", "there is a ledger already", place: path)
    }
    let empty = try Checkpoint(origin: signer.key.name, size: 0, root: MerkleTree.emptyRoot)
    let signed = try SignedCheckpoint(empty, signers: [signer])
    // The journal first: a checkpoint without a journal would be a damaged ledger.
    try FileSystem.write(Journal.header, to: ledger.journalPath)
    try FileSystem.write(signed.note.bytes, to: ledger.checkpointPath)
    Position.write(ledger.positionPath, size: 0, start: Journal.header.count)
    return signed
  }

  /// Opens a ledger, recovers it where a process or the machine stopped, and checks that it extends `earlier`.
  public init(
    opening path: String, signer: NoteSigner, extending earlier: SignedCheckpoint? = nil, lockSeconds: Int = 10
  )
    throws(Problem)
  {
    let ledger = Ledger(path)
    // Before the lock file is made: a folder that is no ledger stays as it is.
    _ = try ledger.checkpoint()
    let lock = try FileLock(ledger.lockPath, seconds: lockSeconds)
    let signed = try ledger.checkpoint(key: signer.key)
    let state = try LedgerRecovery(ledger: ledger, checkpoint: signed.checkpoint).run()
    if let earlier {
      try earlier.verify(by: [signer.key], origin: signer.key.name)
      try ledger.requireExtension(of: earlier.checkpoint, by: signed.checkpoint)
    }
    let journal = try FileDescriptor(opening: ledger.journalPath, O_WRONLY | O_NOFOLLOW)
    // Only now: everything before the cut has been checked against the checkpoint.
    if try journal.status().size > state.end { try journal.truncate(to: state.end) }
    try journal.seekToEnd()
    self.ledger = ledger
    self.signer = signer
    self.lock = lock
    self.journal = journal
    self.state = state
    checkpoint = signed
  }

  /// Adds the entries, each of 1 to 65,535 bytes, as one batch; when it returns they are durable and covered.
  ///
  /// After a failure that is not about an entry's size the writer refuses further work: open the ledger anew. Entries
  /// of the failed batch may then be found durable, so a caller that tries again should look first.
  public mutating func append(_ entries: [[UInt8]]) throws(Problem) -> LedgerReceipt {
    for index in entries.indices where entries[index].isEmpty || entries[index].count > EntryBundle.entryLimit {
      throw .malformed(
        "ledger.entry-size", "an entry has 1 to 65535 bytes, not \(entries[index].count)", place: "entry \(index)")
    }
    guard !isBroken else {
      throw .couldNotRun("ledger.stopped", "an earlier batch failed", place: ledger.path, hint: "open it again")
    }
    isBroken = true
    let first = state.edge.size
    let leaves = try hash(entries)
    var edge = state.edge
    var end = (start: state.start, offset: state.end)
    var next: Publication?
    try Parallel.run(
      beside: { () throws(Problem) in try LedgerWriter.write(entries, leaves, from: first, to: journal, &end) },
      { (journal) throws(Problem) in
        for leaf in leaves { edge.grow(by: leaf) }
        let tree = try Checkpoint(origin: signer.key.name, size: edge.size, root: edge.root)
        // What a crash leaves of the tiles lies behind the present checkpoint, where nobody looks.
        let tiles = TileWriter(folder: ledger.path, present: checkpoint.checkpoint.size)
        try Parallel.run(
          { () throws(Problem) in
            try journal.finish()
            next = try LedgerWriter.stage(tree, of: ledger, signer)
          }, { () throws(Problem) in try tiles.write(entries, leaves, &edge) })
      })
    guard let next else { throw .couldNotRun("ledger.stopped", "there is no next checkpoint", place: ledger.path) }
    state = LedgerState(edge: edge, start: end.start, end: end.offset, pending: state.pending)
    try publish(next)
    isBroken = false
    return LedgerReceipt(indices: first..<state.edge.size, checkpoint: checkpoint)
  }

  /// Signs a checkpoint over everything that is durable, which is more than the present one only after a crash.
  public mutating func sign() throws(Problem) -> SignedCheckpoint {
    try append([]).checkpoint
  }

  /// The leaf hashes, in two halves where that pays.
  private func hash(_ entries: [[UInt8]]) throws(Problem) -> [LogHash] {
    guard entries.count >= LedgerWriter.parallelHashes else { return entries.map(hasher.leaf) }
    let middle = entries.count / 2
    var left: [LogHash] = []
    var right: [LogHash] = []
    try Parallel.run(
      { () throws(Problem) in left = entries[..<middle].map(hasher.leaf) },
      { () throws(Problem) in right = entries[middle...].map(MerkleHasher().leaf) })
    return left + right
  }

  /// Writes the records and waits for the disk; `end` is moved behind them.
  private static func write(
    _ entries: [[UInt8]], _ leaves: [LogHash], from first: Int, to journal: borrowing FileDescriptor,
    _ end: inout (start: Int, offset: Int)
  ) throws(Problem) {
    var buffer: [UInt8] = []
    buffer.reserveCapacity(min(bufferSize, entries.reduce(0) { $0 + $1.count + Journal.recordHeader }) + 65_536)
    for (number, entry) in entries.enumerated() {
      Journal.append(entry, index: first + number, leaf: leaves[number], to: &buffer)
      end = (end.offset, end.offset + Journal.recordHeader + entry.count)
      if buffer.count >= bufferSize {
        try journal.write(buffer)
        buffer.removeAll(keepingCapacity: true)
      }
    }
    try journal.write(buffer)
    // Also without new entries: pending ones may not have reached the disk.
    try journal.synchronize()
  }

  /// A checkpoint that is durable under another name.
  private typealias Publication = (checkpoint: SignedCheckpoint, file: StagedFile)

  /// Signs a checkpoint over entries that are durable, and makes it durable under another name.
  private static func stage(
    _ tree: Checkpoint, of ledger: Ledger, _ signer: NoteSigner
  ) throws(Problem) -> Publication {
    let signed = try SignedCheckpoint(tree, signers: [signer])
    return (signed, try StagedFile(signed.note.bytes, replacing: ledger.checkpointPath))
  }

  /// Puts the next checkpoint into its place, then clears away what it replaces.
  private mutating func publish(_ next: Publication) throws(Problem) {
    try next.file.takePlace()
    let old = checkpoint.checkpoint.size
    let size = next.checkpoint.checkpoint.size
    checkpoint = next.checkpoint
    supersede(from: old, to: size)
    state.pending = 0
    Position.write(ledger.positionPath, size: size, start: state.start)
  }

  /// Remembers the partial tiles of the former checkpoint, to be removed later: some file systems make files slowly
  /// while many have just been removed. Readers that still hold that checkpoint find the wider ones.
  private mutating func supersede(from old: Int, to new: Int) {
    guard old != new else { return }
    let present = Set(Tile.partials(size: new))
    for tile in Tile.partials(size: old) where !present.contains(tile) {
      superseded.append(tile)
      supersededBytes += FileSystem.status("\(ledger.path)/\(tile.path)")?.size ?? 0
    }
    if superseded.count >= 4096 || supersededBytes >= LedgerWriter.supersededLimit { removeSuperseded() }
  }

  /// Removes them; one that stays, for whatever reason, is a leftover that `fsck` clears away.
  private mutating func removeSuperseded() {
    LedgerWriter.remove(superseded, below: ledger.path, size: checkpoint.checkpoint.size)
    superseded = []
    supersededBytes = 0
  }

  private static func remove(_ tiles: [Tile], below folder: String, size: Int) {
    let folders = Set(Tile.partials(size: size).map(\.partialFolder))
    for tile in tiles {
      if folders.contains(tile.partialFolder) {
        try? FileSystem.remove("\(folder)/\(tile.path)")
      } else {
        // The tile is full now, so nothing of the folder is needed.
        try? FileSystem.removeTree("\(folder)/\(tile.partialFolder)")
      }
    }
  }

  deinit { LedgerWriter.remove(superseded, below: ledger.path, size: checkpoint.checkpoint.size) }
}

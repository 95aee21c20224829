public import Diagnostics
import LinuxKit
public import TransparencyLog

/// A ledger in a folder: append-only, tamper-evident, in the layout of C2SP tlog-tiles.
///
/// Reading needs no lock. The folder is never believed: a proof is checked before it is handed out, and whoever
/// verifies brings the key.
public struct Ledger: Sendable {
  /// The folder.
  public let path: String

  /// Names a ledger; nothing is read yet.
  public init(_ path: String) { self.path = path }

  var journalPath: String { "\(path)/journal" }
  var checkpointPath: String { "\(path)/checkpoint" }
  var lockPath: String { "\(path)/lock" }
  var positionPath: String { "\(path)/position" }

  /// The checkpoint, not verified.
  public func checkpoint() throws(Problem) -> SignedCheckpoint {
    do {
      return try SignedCheckpoint(
        parsing: try FileSystem.read(checkpointPath, limit: SignedNote.sizeLimit, links: .refused))
    } catch {
      guard error.code != "file.missing" else {
        throw .malformed("ledger.missing", "there is no ledger", place: path, hint: "make one with `ledger init`")
      }
      throw error.at("checkpoint")
    }
  }

  /// The checkpoint, verified with the key of the log.
  public func checkpoint(key: NoteKey) throws(Problem) -> SignedCheckpoint {
    let signed = try checkpoint()
    try signed.verify(by: [key], origin: key.name)
    return signed
  }

  /// An entry, checked against its hash in the tree.
  public func entry(_ index: Int) throws(Problem) -> [UInt8] {
    let size = try checkpoint().checkpoint.size
    try check(index, size)
    let bundle = index / Tile.fullWidth
    let tile = Tile(.entries, index: bundle, width: min(Tile.fullWidth, size - bundle * Tile.fullWidth))
    let reader = TileReader(path)
    let entry = try reader.entries(tile)[index % Tile.fullWidth]
    guard try reader.hasher.leaf(entry) == reader.hash(Subtree(height: 0, index: index), size: size) else {
      throw LedgerProblem.damaged(tile.path, "entry \(index) does not fit its hash")
    }
    return entry
  }

  /// The proof that entry `index` is in the tree of `earlier`, or else of the present checkpoint.
  ///
  /// Read from tiles alone: at any size not more than eight of them. The result has been checked, apart from the
  /// signature, for which the ledger has no key.
  public func prove(_ index: Int, in earlier: SignedCheckpoint? = nil) throws(Problem) -> InclusionProof {
    let current = try checkpoint()
    let signed = earlier ?? current
    let tree = signed.checkpoint
    try check(index, tree.size)
    guard tree.size <= current.checkpoint.size else { throw shorter(tree.size, current.checkpoint.size) }
    let reader = TileReader(path)
    let read: SubtreeReader = { (subtree) throws(Problem) in try reader.hash(subtree, size: tree.size) }
    let leaf = try read(Subtree(height: 0, index: index))
    let hashes = try MerkleTree.inclusionProof(index: index, size: tree.size, hasher: reader.hasher, reading: read)
    do {
      try MerkleTree.verifyInclusion(of: leaf, index: index, size: tree.size, root: tree.root, proof: hashes)
    } catch { throw LedgerProblem.damaged("tile", "the tiles do not lead to the root of the checkpoint") }
    return InclusionProof(index: index, hashes: hashes, checkpoint: signed)
  }

  /// The root of the first `size` entries, from tiles.
  public func root(size: Int) throws(Problem) -> LogHash {
    let current = try checkpoint().checkpoint.size
    guard size >= 0, size <= current else { throw shorter(size, current) }
    let reader = TileReader(path)
    return try MerkleTree.root(size: size, hasher: reader.hasher) { (subtree) throws(Problem) in
      try reader.hash(subtree, size: size)
    }
  }

  /// The hashes that show that the first `old` of `new` entries are unchanged.
  public func consistencyProof(from old: Int, to new: Int) throws(Problem) -> [LogHash] {
    let current = try checkpoint().checkpoint.size
    guard new <= current else { throw shorter(new, current) }
    let reader = TileReader(path)
    return try MerkleTree.consistencyProof(from: old, to: new, hasher: reader.hasher) { (subtree) throws(Problem) in
      try reader.hash(subtree, size: new)
    }
  }

  /// Checks that this ledger, as `current` states it, only adds to `earlier`; both are already verified.
  ///
  /// This is what finds a rollback: an older copy of the folder is consistent in itself.
  public func requireExtension(of earlier: Checkpoint, by current: Checkpoint) throws(Problem) {
    guard earlier.origin.utf8.elementsEqual(current.origin.utf8) else {
      throw LedgerProblem.rollback("the earlier checkpoint is of “\(earlier.origin)”")
    }
    guard earlier.size <= current.size else {
      throw LedgerProblem.rollback("the ledger has \(current.size) entries, an earlier checkpoint has \(earlier.size)")
    }
    // Every tree extends the empty one, whose root the checkpoint was required to have.
    if earlier.size == 0 { return }
    let proof = try consistencyProof(from: earlier.size, to: current.size)
    do {
      try MerkleTree.verifyConsistency(
        from: earlier.size, root: earlier.root, to: current.size, root: current.root, proof: proof)
    } catch { throw LedgerProblem.rollback("the ledger does not extend the earlier checkpoint") }
  }

  private func check(_ index: Int, _ size: Int) throws(Problem) {
    guard index >= 0, index < size else {
      throw .malformed("ledger.index", "there is no entry \(index), the ledger has \(size)", place: path)
    }
  }

  private func shorter(_ wanted: Int, _ size: Int) -> Problem {
    .malformed("ledger.size", "the ledger has \(size) entries, not \(wanted)", place: path)
  }
}

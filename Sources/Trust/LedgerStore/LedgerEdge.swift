import Diagnostics
import TransparencyLog

/// The right edge of a ledger in memory: what an append needs, and nothing that grows with the ledger.
struct LedgerEdge {
  /// Receives the bytes of a tile or bundle.
  typealias Sink = (Tile, [UInt8]) throws(Problem) -> Void

  /// The tree.
  private(set) var frontier: Frontier
  /// The hashes of the partial tile of each level, empty where the last tile is full.
  private var hashes: [[LogHash]]
  /// The bytes of the partial entry bundle.
  private var bundle: [UInt8]
  /// How many entries the tiles hold: as many as the tree, but for those that `grow` has added and `fill` has not.
  private var filled: Int
  /// The hashes of those for the levels above the lowest, in the order in which `fill` will need them.
  private var upper: [LogHash] = []
  private var completed: [LogHash] = []

  /// The edge of an empty ledger.
  init(hasher: MerkleHasher) {
    frontier = Frontier(hasher: hasher)
    hashes = Array(repeating: [], count: 8)
    bundle = []
    filled = 0
  }

  /// Reads the edge of a ledger of `size` entries from its tiles, and checks the bundle against its hashes.
  init(size: Int, reader: TileReader) throws(Problem) {
    hashes = Array(repeating: [], count: 8)
    bundle = []
    filled = size
    for tile in Tile.partials(size: size) {
      switch tile.kind {
      case .hashes(let level): hashes[level] = try reader.hashes(tile)
      case .entries:
        for entry in try reader.entries(tile) { EntryBundle.append(entry, to: &bundle) }
      }
    }
    frontier = try Frontier(size: size, hasher: reader.hasher) { (subtree) throws(Problem) in
      try reader.hash(subtree, size: size)
    }
    let count = hashes[0].count
    let entries = try EntryBundle.parse(bundle, count: count)
    guard zip(entries, hashes[0]).allSatisfy({ reader.hasher.leaf($0) == $1 }) else {
      throw LedgerProblem.damaged("tile/entries", "the last entry bundle does not fit its hashes")
    }
  }

  /// How many entries there are.
  var size: Int { frontier.size }
  /// The root of the tree.
  var root: LogHash { frontier.root }
  /// The hash of the last entry, where its tile is partial.
  var lastLeaf: LogHash? { hashes[0].last }

  /// Adds an entry, and passes every tile that it fills to `sink`.
  mutating func append(_ entry: [UInt8], leaf: LogHash, sink: Sink) throws(Problem) {
    grow(by: leaf)
    try fill(entry, leaf: leaf, sink: sink)
  }

  /// Adds a leaf to the tree alone, so that the root of a batch is known before its tiles are made; `fill` must follow
  /// for each, in the same order.
  mutating func grow(by leaf: LogHash) {
    completed.removeAll(keepingCapacity: true)
    frontier.append(leaf, completing: &completed)
    upper += completed.dropFirst()
  }

  /// Adds an entry that the tree has to the tiles, and passes every tile that it fills to `sink`.
  mutating func fill(_ entry: [UInt8], leaf: LogHash, sink: Sink) throws(Problem) {
    EntryBundle.append(entry, to: &bundle)
    var hash = leaf
    for level in hashes.indices {
      hashes[level].append(hash)
      guard hashes[level].count == Tile.fullWidth else { break }
      let number = filled >> (8 * (level + 1))
      if level == 0 {
        try sink(Tile(.entries, index: number), bundle)
        bundle.removeAll(keepingCapacity: true)
      }
      try sink(Tile(.hashes(level: level), index: number), HashTile.serialise(hashes[level]))
      hashes[level].removeAll(keepingCapacity: true)
      // A full tile is one hash of the level above, which the tree had from this very leaf.
      hash = upper.removeFirst()
    }
    filled += 1
  }

  /// Passes the partial tiles to `sink`.
  func forEachPartial(_ sink: Sink) throws(Problem) {
    for tile in Tile.partials(size: size) {
      switch tile.kind {
      case .hashes(let level): try sink(tile, HashTile.serialise(hashes[level]))
      case .entries: try sink(tile, bundle)
      }
    }
  }
}

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
  private var completed: [LogHash] = []

  /// The edge of an empty ledger.
  init(hasher: MerkleHasher) {
    frontier = Frontier(hasher: hasher)
    hashes = Array(repeating: [], count: 8)
    bundle = []
  }

  /// Reads the edge of a ledger of `size` entries from its tiles, and checks the bundle against its hashes.
  init(size: Int, reader: TileReader) throws(Problem) {
    hashes = Array(repeating: [], count: 8)
    bundle = []
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
    let index = size
    completed.removeAll(keepingCapacity: true)
    frontier.append(leaf, completing: &completed)
    EntryBundle.append(entry, to: &bundle)
    for level in completed.indices {
      hashes[level].append(completed[level])
      guard hashes[level].count == Tile.fullWidth else { break }
      let number = index >> (8 * (level + 1))
      if level == 0 {
        try sink(Tile(.entries, index: number), bundle)
        bundle.removeAll(keepingCapacity: true)
      }
      try sink(Tile(.hashes(level: level), index: number), HashTile.serialise(hashes[level]))
      hashes[level].removeAll(keepingCapacity: true)
    }
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

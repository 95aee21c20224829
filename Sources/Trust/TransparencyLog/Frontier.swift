public import Diagnostics

/// The right edge of a growing tree: the roots of its perfect subtrees, at most one of each height.
///
/// Adding a leaf costs one hash on average, the root at most 62. Not `Sendable`, for it shares a hasher.
public struct Frontier {
  /// How many leaves there are.
  public private(set) var size: Int
  /// The roots, the largest subtree first; the set bits of `size` are their heights.
  private var roots: [LogHash]
  private let hasher: MerkleHasher

  /// An empty tree.
  public init(hasher: MerkleHasher = MerkleHasher()) {
    size = 0
    roots = []
    self.hasher = hasher
  }

  /// The frontier of the first `size` leaves of a stored tree.
  public init(size: Int, hasher: MerkleHasher = MerkleHasher(), reading: SubtreeReader) throws(Problem) {
    self.size = size
    self.hasher = hasher
    roots = []
    var start = 0
    while start < size {
      let height = MerkleTree.bitWidth(size - start) - 1
      roots.append(try reading(Subtree(height: height, index: start >> height)))
      start += 1 << height
    }
  }

  /// Adds a leaf.
  public mutating func append(_ leaf: LogHash) {
    var ignored: [LogHash] = []
    append(leaf, completing: &ignored)
  }

  /// Adds a leaf; `tileHashes` gets the hash for each level of tiles that gains one, the lowest level first.
  ///
  /// These are the subtrees of height 0, 8, 16 … that the leaf ends. The caller empties the array before the call.
  public mutating func append(_ leaf: LogHash, completing tileHashes: inout [LogHash]) {
    var hash = leaf
    tileHashes.append(hash)
    var height = 0
    while size >> height & 1 == 1, let left = roots.popLast() {
      hash = hasher.node(left, hash)
      height += 1
      if height.isMultiple(of: Tile.height) { tileHashes.append(hash) }
    }
    roots.append(hash)
    size += 1
  }

  /// The root of the tree (RFC 9162 §2.1.1).
  public var root: LogHash { MerkleTree.fold(roots, hasher) }
}

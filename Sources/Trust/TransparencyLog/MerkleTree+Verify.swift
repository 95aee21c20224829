public import Diagnostics

extension MerkleTree {
  /// Checks that `leaf` is entry `index` of the tree of `size` entries with this `root`.
  ///
  /// Source: RFC 9162 §2.1.3.2. Before the first hash, the one length that a proof may have is computed: a longer or
  /// shorter one is refused without work, so a proof cannot cost more than 63 hashes.
  public static func verifyInclusion(
    of leaf: LogHash, index: Int, size: Int, root: LogHash, proof: [LogHash]
  ) throws(Problem) {
    guard index >= 0, index < size else { throw outside(index, size) }
    try checkLength(proof.count, inclusionLength(index: index, size: size), "RFC 9162 §2.1.3.2")
    let hasher = MerkleHasher()
    var node = index
    var last = size - 1
    var hash = leaf
    for part in proof {
      if node & 1 == 1 || node == last {
        hash = hasher.node(part, hash)
        // A node without a right sibling moves up unhashed until it has a left one.
        while node & 1 == 0 && node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        hash = hasher.node(hash, part)
      }
      node >>= 1
      last >>= 1
    }
    guard last == 0, hash == root else { throw mismatch("inclusion", "RFC 9162 §2.1.3.2") }
  }

  /// Checks that the tree of `new` entries begins with the `old` entries of the old root.
  ///
  /// Source: RFC 9162 §2.1.4.2. Stricter in one point, as the vectors of transparency-dev are: an empty old tree is
  /// refused, because a proof from it would say nothing; equal sizes need equal roots and an empty proof.
  public static func verifyConsistency(
    from old: Int, root oldRoot: LogHash, to new: Int, root newRoot: LogHash, proof: [LogHash]
  ) throws(Problem) {
    guard old >= 0, old <= new else { throw shrunk(old, new) }
    if old == new {
      try checkLength(proof.count, 0, "RFC 9162 §2.1.4.2")
      guard oldRoot == newRoot else { throw mismatch("consistency", "RFC 9162 §2.1.4.2") }
      return
    }
    guard old > 0 else {
      throw .refused("merkle.empty-tree", "nothing can be proved of an empty tree", source: "RFC 9162 §2.1.4")
    }
    try checkLength(proof.count, consistencyLength(from: old, to: new), "RFC 9162 §2.1.4.2")
    // Both trees share the perfect subtree that ends the old one; of a power of two it is the old root itself.
    let isPerfect = old & (old - 1) == 0
    let shift = old.trailingZeroBitCount
    guard let start = isPerfect ? oldRoot : proof.first else { throw mismatch("consistency", "RFC 9162 §2.1.4.2") }
    let roots = climb(
      from: start, node: (old - 1) >> shift, last: (new - 1) >> shift, isPerfect ? proof[...] : proof.dropFirst())
    guard let roots, roots.old == oldRoot, roots.new == newRoot else {
      throw mismatch("consistency", "RFC 9162 §2.1.4.2")
    }
  }

  /// Steps 5 and 6 of RFC 9162 §2.1.4.2: both roots from one path; nil where the path ends before the new root.
  private static func climb(from start: LogHash, node: Int, last: Int, _ path: ArraySlice<LogHash>) -> (
    old: LogHash, new: LogHash
  )? {
    let hasher = MerkleHasher()
    var (node, last) = (node, last)
    var (old, new) = (start, start)
    for part in path {
      if node & 1 == 1 || node == last {
        old = hasher.node(part, old)
        new = hasher.node(part, new)
        while node & 1 == 0 && node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        new = hasher.node(new, part)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 ? (old, new) : nil
  }

  /// The one length that an inclusion proof has: a hash for each level below the point where the paths of the leaf and
  /// of the last leaf part, above it one for each left sibling.
  static func inclusionLength(index: Int, size: Int) -> Int {
    let below = bitWidth(index ^ (size - 1))
    return below + (index >> below).nonzeroBitCount
  }

  /// The one length that a consistency proof has: the inclusion proof of the last old leaf without the levels inside
  /// the perfect subtree that it ends, and that subtree's own hash unless it is the old root.
  static func consistencyLength(from old: Int, to new: Int) -> Int {
    let isPerfect = old & (old - 1) == 0
    return inclusionLength(index: old - 1, size: new) - old.trailingZeroBitCount + (isPerfect ? 0 : 1)
  }

  private static func checkLength(_ count: Int, _ expected: Int, _ source: String) throws(Problem) {
    guard count == expected else {
      throw .refused("merkle.proof-length", "this proof has \(count) hashes instead of \(expected)", source: source)
    }
  }

  private static func mismatch(_ what: String, _ source: String) -> Problem {
    .refused("merkle.root", "the \(what) proof does not lead to the root", source: source)
  }
}

import Cryptography
public import Diagnostics

/// A perfect subtree: the `2^height` leaves from `index * 2^height` on.
public struct Subtree: Hashable, Sendable {
  /// The levels below its root; a leaf has none.
  public let height: Int
  /// Its number among the subtrees of its height, from the left.
  public let index: Int

  /// Names a subtree.
  public init(height: Int, index: Int) {
    self.height = height
    self.index = index
  }
}

/// Returns the stored hash of a perfect subtree. All proofs are made from such hashes.
public typealias SubtreeReader = (Subtree) throws(Problem) -> LogHash

/// Merkle trees as transparency logs use them (RFC 9162 §2.1). Nothing here reads a file.
public enum MerkleTree {
  /// The root of a tree without entries: SHA-256 of nothing (RFC 9162 §2.1.1).
  public static let emptyRoot: LogHash = {
    guard let hash = try? LogHash(Digest(of: []).bytes) else { fatalError("SHA-256 has 32 bytes") }
    return hash
  }()

  /// The hash of a leaf; for many leaves use a `MerkleHasher`.
  public static func leafHash(_ entry: [UInt8]) -> LogHash { MerkleHasher().leaf(entry) }

  /// The root of the first `size` leaves.
  public static func root(size: Int, hasher: MerkleHasher = MerkleHasher(), reading: SubtreeReader) throws(Problem)
    -> LogHash
  {
    size == 0 ? emptyRoot : try hash(of: 0..<size, hasher, reading)
  }

  /// The hashes that lead from leaf `index` to the root of `size` leaves (RFC 9162 §2.1.3.1).
  public static func inclusionProof(
    index: Int, size: Int, hasher: MerkleHasher = MerkleHasher(), reading: SubtreeReader
  ) throws(Problem) -> [LogHash] {
    guard index >= 0, index < size else { throw outside(index, size) }
    var proof: [LogHash] = []
    var range = 0..<size
    while range.count > 1 {
      let middle = range.lowerBound + split(range.count)
      let left = range.lowerBound..<middle
      let right = middle..<range.upperBound
      // The proof is read from the leaf upwards, so what is found on the way down comes last.
      proof.append(try hash(of: index < middle ? right : left, hasher, reading))
      range = index < middle ? left : right
    }
    return proof.reversed()
  }

  /// The hashes that show that the first `old` of `new` leaves are unchanged (RFC 9162 §2.1.4.1).
  public static func consistencyProof(
    from old: Int, to new: Int, hasher: MerkleHasher = MerkleHasher(), reading: SubtreeReader
  ) throws(Problem) -> [LogHash] {
    guard old >= 0, old <= new else { throw shrunk(old, new) }
    // Nothing has to be shown of an empty tree, nor of two equal ones.
    if old == 0 || old == new { return [] }
    var proof: [LogHash] = []
    var range = 0..<new
    while range.upperBound > old {
      let middle = range.lowerBound + split(range.count)
      let left = range.lowerBound..<middle
      let right = middle..<range.upperBound
      proof.append(try hash(of: old <= middle ? right : left, hasher, reading))
      range = old <= middle ? left : right
    }
    // The verifier knows the old root; it needs the last subtree only where that root is made of several.
    if range.lowerBound > 0 { proof.append(try hash(of: range, hasher, reading)) }
    return proof.reversed()
  }

  /// The largest power of two below `count`, which is at least 2 (RFC 9162 §2.1.1).
  static func split(_ count: Int) -> Int { 1 << (bitWidth(count - 1) - 1) }

  /// The number of bits that `value` needs; none for zero.
  static func bitWidth(_ value: Int) -> Int { Int.bitWidth - value.leadingZeroBitCount }

  /// The hash of a range that stands where the tree has a node: perfect subtrees from the left, folded from the right.
  private static func hash(of range: Range<Int>, _ hasher: MerkleHasher, _ reading: SubtreeReader) throws(Problem)
    -> LogHash
  {
    var parts: [LogHash] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let height = bitWidth(range.upperBound - start) - 1
      parts.append(try reading(Subtree(height: height, index: start >> height)))
      start += 1 << height
    }
    return fold(parts, hasher)
  }

  /// Joins the hashes of ever smaller subtrees into one, beginning with the smallest; `parts` is not empty.
  static func fold(_ parts: [LogHash], _ hasher: MerkleHasher) -> LogHash {
    guard var hash = parts.last else { return emptyRoot }
    for part in parts.dropLast().reversed() { hash = hasher.node(part, hash) }
    return hash
  }

  static func outside(_ index: Int, _ size: Int) -> Problem {
    .refused("merkle.index", "entry \(index) is outside a tree of \(size)", source: "RFC 9162 §2.1.3")
  }

  static func shrunk(_ old: Int, _ new: Int) -> Problem {
    .refused("merkle.sizes", "a tree of \(new) cannot follow one of \(old)", source: "RFC 9162 §2.1.4")
  }
}

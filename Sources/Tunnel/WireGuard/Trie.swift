/// Builds a path-compressed binary trie of ranges: every node is a range or the place where two of them part.
///
/// Both families are left-aligned in 128 bits. A parent stands before its children, so the first node is the root, and
/// the left child stands right behind its parent, which is what the processor reads next anyway.
struct Trie {
  /// A range and the peer that owns it.
  struct Route {
    /// The range's bits from the top; those behind the length are zero.
    var bits: UInt128
    var length: Int
    var slot: Int32
  }

  /// A node; -1 stands for no peer and no child.
  struct Node {
    var bits: UInt128
    var length: Int
    var slot: Int32
    var left: Int32 = -1
    var right: Int32 = -1
  }

  private(set) var nodes: [Node] = []

  /// The trie of these routes; no range twice.
  init(_ routes: [Route]) {
    // In this order a range stands before what it holds, and what parts at a bit is on both sides of one place.
    let sorted = routes.sorted { ($0.bits, $0.length) < ($1.bits, $1.length) }
    nodes.reserveCapacity(2 * sorted.count)
    if !sorted.isEmpty { _ = build(sorted[...]) }
  }

  /// The mask of the first `length` bits.
  static func mask(_ length: Int) -> UInt128 { length == 0 ? 0 : ~0 << (128 - UInt128(length)) }

  /// The first bit behind `length`, by which a node's children differ; none behind the last.
  static func branch(_ length: Int) -> UInt128 { length == 128 ? 0 : 1 << (127 - UInt128(length)) }

  /// Adds the nodes of sorted routes and returns the first's index. At most 129 calls deep: each level is longer.
  private mutating func build(_ routes: ArraySlice<Route>) -> Int32 {
    guard let first = routes.first, let last = routes.last else { return -1 }
    let common = (first.bits ^ last.bits).leadingZeroBitCount
    // Sorted, so what all have in common is what the first and the last have in common.
    let length = min(common, first.length)
    let owns = length == first.length
    let index = nodes.count
    nodes.append(Node(bits: first.bits & Self.mask(length), length: length, slot: owns ? first.slot : -1))
    let rest = owns ? routes.dropFirst() : routes
    guard !rest.isEmpty else { return Int32(index) }
    let side = Self.branch(length)
    let middle = rest.partitioningIndex { $0.bits & side != 0 }
    if middle > rest.startIndex { nodes[index].left = build(rest[..<middle]) }
    if middle < rest.endIndex { nodes[index].right = build(rest[middle...]) }
    return Int32(index)
  }
}

extension ArraySlice {
  /// The first index from which on the predicate holds, by halving.
  fileprivate func partitioningIndex(_ belongsToSecond: (Element) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

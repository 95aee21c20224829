import Cryptography
import Diagnostics
import TransparencyLog

/// The definitions of RFC 9162 §2.1, written down as they stand there: slow, and by nothing but recursion.
enum MerkleModel {
  static func leaves(_ count: Int) -> [[UInt8]] { (0..<count).map { [UInt8($0 & 0xff), UInt8($0 >> 8), 7] } }

  /// MTH (§2.1.1).
  static func root(_ entries: ArraySlice<[UInt8]>) -> [UInt8] {
    if entries.isEmpty { return Digest(of: []).bytes }
    if entries.count == 1, let entry = entries.first { return Digest(of: [0] + entry).bytes }
    let k = entries.startIndex + power(below: entries.count)
    return Digest(of: [1] + root(entries[..<k]) + root(entries[k...])).bytes
  }

  /// PATH (§2.1.3.1).
  static func path(_ m: Int, _ entries: ArraySlice<[UInt8]>) -> [[UInt8]] {
    if entries.count == 1 { return [] }
    let k = power(below: entries.count)
    let left = entries[..<(entries.startIndex + k)]
    let right = entries[(entries.startIndex + k)...]
    return m < k ? path(m, left) + [root(right)] : path(m - k, right) + [root(left)]
  }

  /// SUBPROOF (§2.1.4.1).
  static func subproof(_ m: Int, _ entries: ArraySlice<[UInt8]>, _ known: Bool) -> [[UInt8]] {
    if m == entries.count { return known ? [] : [root(entries)] }
    let k = power(below: entries.count)
    let left = entries[..<(entries.startIndex + k)]
    let right = entries[(entries.startIndex + k)...]
    return m <= k ? subproof(m, left, known) + [root(right)] : subproof(m - k, right, false) + [root(left)]
  }

  static func power(below count: Int) -> Int {
    var k = 1
    while k * 2 < count { k *= 2 }
    return k
  }

  /// Subtree hashes from the entries themselves.
  static func reader(_ entries: [[UInt8]]) -> SubtreeReader {
    { (subtree) throws(Problem) in
      let start = subtree.index << subtree.height
      return try LogHash(root(entries[start..<start + 1 << subtree.height]))
    }
  }
}

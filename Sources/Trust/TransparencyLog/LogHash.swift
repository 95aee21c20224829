import Cryptography
public import Diagnostics
import Wire

/// A hash of a log: 32 bytes of SHA-256, of a leaf, a node or a whole tree (RFC 9162 §2.1.1).
public struct LogHash: Hashable, Sendable {
  /// The length of a hash, in bytes.
  public static let length = 32

  /// The bytes, as four words in the order of memory: arrays of hashes are then flat, and copying one is cheap.
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// Takes over a digest of a `SHA256Machine`.
  init(_ words: SHA256Machine.Words) {
    (first, second, third, fourth) = words
  }

  /// Reads 32 bytes; any other length is malformed.
  public init(_ bytes: [UInt8]) throws(Problem) {
    guard bytes.count == LogHash.length else {
      throw .malformed("merkle.hash-length", "a hash has 32 bytes, not \(bytes.count)", source: "RFC 9162 §2.1.1")
    }
    self.init(unchecked: bytes, at: 0)
  }

  /// Reads the base 64 of 32 bytes.
  public init(base64: String) throws(Problem) {
    try self.init(try Base64.decode(base64))
  }

  /// Reads 32 bytes from `offset` on; the caller has checked that they are there.
  init(unchecked bytes: [UInt8], at offset: Int) {
    var words: SHA256Machine.Words = (0, 0, 0, 0)
    // Safe: the slice is checked by Swift, and four words are 32 bytes.
    unsafe withUnsafeMutableBytes(of: &words) { unsafe $0.copyBytes(from: bytes[offset..<offset + 32]) }
    self.init(words)
  }

  /// The four words, in the order of memory.
  var words: SHA256Machine.Words { (first, second, third, fourth) }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }

  /// Adds the 32 bytes to `buffer`, without an array of their own.
  public func append(to buffer: inout [UInt8]) {
    // Safe: the pointer lives for the call and covers exactly the four words.
    unsafe withUnsafeBytes(of: words) { unsafe buffer.append(contentsOf: $0) }
  }

  /// The base 64 of the bytes.
  public var base64: String { Base64.encode(bytes) }
}

extension LogHash: CustomStringConvertible {
  /// The base 64 of the bytes, as checkpoints spell it.
  public var description: String { base64 }
}

/// The two hash functions of the tree: `SHA-256(0x00 || entry)` and `SHA-256(0x01 || left || right)`.
///
/// Source: RFC 9162 §2.1.1. The first byte keeps a leaf from passing as a node. Use one hasher for many hashes; it is
/// not `Sendable`.
public final class MerkleHasher {
  private let machine = SHA256Machine()

  /// Makes a hasher.
  public init() {}

  /// The hash of a leaf.
  public func leaf(_ entry: [UInt8]) -> LogHash {
    // Safe: bytes have no padding that could be uninitialised.
    LogHash(machine.digest(prefix: 0, unsafe entry.span.bytes))
  }

  /// The hash of a leaf.
  public func leaf(_ entry: RawSpan) -> LogHash { LogHash(machine.digest(prefix: 0, entry)) }

  /// The hash of an inner node.
  public func node(_ left: LogHash, _ right: LogHash) -> LogHash {
    LogHash(machine.digest(prefix: 1, left.words, right.words))
  }
}

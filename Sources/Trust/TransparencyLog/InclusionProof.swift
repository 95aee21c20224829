public import Diagnostics
import Wire

/// A file that proves that an entry is in a log (C2SP tlog-proof, version 1): index, hashes and a signed checkpoint.
///
/// Together with the entry and a verifier key it can be checked anywhere, offline.
public struct InclusionProof: Hashable, Sendable {
  /// The first line of the file.
  public static let header = "c2sp.org/tlog-proof@v1"
  /// A proof file may have this many bytes: a note, and 63 hashes with room to spare.
  public static let sizeLimit = SignedNote.sizeLimit * 2 + 65_536

  /// Data for the application that no signature covers; nil where the line is not there.
  public let extra: [UInt8]?
  /// The number of the entry.
  public let index: Int
  /// The hashes from the leaf to the root.
  public let hashes: [LogHash]
  /// The checkpoint of the tree.
  public let checkpoint: SignedCheckpoint

  /// Makes a proof; nothing is verified.
  public init(extra: [UInt8]? = nil, index: Int, hashes: [LogHash], checkpoint: SignedCheckpoint) {
    self.extra = extra
    self.index = index
    self.hashes = hashes
    self.checkpoint = checkpoint
  }

  /// Reads a proof file strictly: what is read is written back byte for byte.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= InclusionProof.sizeLimit else { throw InclusionProof.malformed("it is too long") }
    var lines = LineReader(bytes: bytes)
    guard lines.next() == InclusionProof.header else {
      throw InclusionProof.malformed("its first line is not \(InclusionProof.header)")
    }
    var line = lines.next()
    var extra: [UInt8]?
    if let text = line, text.hasPrefix("extra ") {
      extra = try Base64.decode(String(text.utf8.dropFirst(6)) ?? "")
      line = lines.next()
    }
    guard let text = line, text.hasPrefix("index "), let index = Decimal.parse(text.dropFirst(6)) else {
      throw InclusionProof.malformed("a line “index N” is missing, or N is not a decimal number")
    }
    var hashes: [LogHash] = []
    while let hash = lines.next(), !hash.isEmpty {
      guard hashes.count < 63 else { throw InclusionProof.malformed("it has more than 63 hashes") }
      hashes.append(try LogHash(base64: hash))
    }
    self.init(
      extra: extra, index: index, hashes: hashes, checkpoint: try SignedCheckpoint(parsing: lines.rest))
    guard self.bytes == bytes else { throw InclusionProof.malformed("it is not in its only spelling") }
  }

  /// The proof as a file.
  public var bytes: [UInt8] {
    var text = InclusionProof.header + "\n"
    if let extra { text += "extra \(Base64.encode(extra))\n" }
    text += "index \(index)\n"
    for hash in hashes { text += hash.base64 + "\n" }
    return Array((text + "\n").utf8) + checkpoint.note.bytes
  }

  /// Checks that `entry` is in the log `origin`, by the keys that the caller trusts.
  public func verify(entry: [UInt8], keys: [NoteKey], origin: String) throws(Problem) {
    try verify(leaf: MerkleTree.leafHash(entry), keys: keys, origin: origin)
  }

  /// Checks that the entry with this leaf hash is in the log `origin`, by the keys that the caller trusts.
  public func verify(leaf: LogHash, keys: [NoteKey], origin: String) throws(Problem) {
    try checkpoint.verify(by: keys, origin: origin)
    let tree = checkpoint.checkpoint
    try MerkleTree.verifyInclusion(of: leaf, index: index, size: tree.size, root: tree.root, proof: hashes)
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed("proof.format", "this is not an inclusion proof: \(why)", source: "C2SP tlog-proof")
  }
}

/// Cuts lines off the front of a file.
private struct LineReader {
  let bytes: [UInt8]
  var index = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The next line without its newline; nil where there is none, or it is no UTF-8 or longer than 64 KiB.
  mutating func next() -> String? {
    guard let end = bytes[index...].firstIndex(of: 0x0a), end - index <= SignedNote.sizeLimit else { return nil }
    defer { index = end + 1 }
    return String(validating: bytes[index..<end], as: UTF8.self)
  }

  var rest: [UInt8] { Array(bytes[index...]) }
}

public import Diagnostics
import Wire

/// A statement of a log about all of its entries (C2SP tlog-checkpoint): origin, size, root, extension lines.
public struct Checkpoint: Hashable, Sendable {
  /// The name of the log, usually a URL without a scheme.
  public let origin: String
  /// How many entries the log has.
  public let size: Int
  /// The root of the tree of all entries.
  public let root: LogHash
  /// Further lines; not empty, not ours to interpret.
  public let extensions: [String]

  /// Makes a checkpoint.
  public init(origin: String, size: Int, root: LogHash, extensions: [String] = []) throws(Problem) {
    let lines = [origin] + extensions
    guard size >= 0, lines.allSatisfy({ !$0.isEmpty && !$0.utf8.contains { $0 < 0x20 } }) else {
      throw Checkpoint.malformed("format", "a line is empty or has a control character, or the size is negative")
    }
    guard size > 0 || root == MerkleTree.emptyRoot else {
      throw Checkpoint.malformed("root", "the root of an empty tree is not SHA-256 of nothing")
    }
    self.origin = origin
    self.size = size
    self.root = root
    self.extensions = extensions
  }

  /// Reads the text of a note.
  public init(text: String) throws(Problem) {
    guard text.utf8.last == 0x0a else { throw Checkpoint.malformed("format", "it does not end with a newline") }
    let lines = text.utf8.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
    guard lines.count >= 3 else { throw Checkpoint.malformed("format", "it has fewer than three lines") }
    guard let size = Decimal.parse(lines[1]) else {
      throw Checkpoint.malformed("size", "its size is not a decimal number without leading zeros")
    }
    try self.init(
      origin: lines[0], size: size, root: try LogHash(base64: lines[2]), extensions: Array(lines.dropFirst(3)))
  }

  /// The text to be signed.
  public var text: String {
    ([origin, String(size), root.base64] + extensions).joined(separator: "\n") + "\n"
  }

  private static func malformed(_ code: String, _ why: String) -> Problem {
    .malformed("checkpoint.\(code)", "this is not a checkpoint: \(why)", source: "C2SP tlog-checkpoint")
  }
}

/// A checkpoint together with the note that carries it.
public struct SignedCheckpoint: Hashable, Sendable {
  /// What the note says.
  public let checkpoint: Checkpoint
  /// The note, byte for byte.
  public let note: SignedNote

  /// Signs a checkpoint.
  public init(_ checkpoint: Checkpoint, signers: [NoteSigner]) throws(Problem) {
    self.checkpoint = checkpoint
    note = try SignedNote(text: checkpoint.text, signers: signers)
  }

  /// Reads a signed checkpoint; nothing is verified yet.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    note = try SignedNote(parsing: bytes)
    checkpoint = try Checkpoint(text: note.text)
  }

  /// Checks that the log `origin` signed it with one of `keys`; witnesses among the keys must be right as well.
  ///
  /// Source: C2SP tlog-checkpoint: the key of a log has the origin as its name.
  public func verify(by keys: [NoteKey], origin: String) throws(Problem) {
    guard checkpoint.origin.utf8.elementsEqual(origin.utf8) else {
      throw .refused(
        "checkpoint.origin", "the checkpoint is of “\(checkpoint.origin)”, not of “\(origin)”",
        source: "C2SP tlog-checkpoint")
    }
    let signers = try note.verify(by: keys)
    guard signers.contains(where: { $0.name.utf8.elementsEqual(origin.utf8) }) else {
      throw .refused(
        "checkpoint.unsigned", "no key of the log “\(origin)” signed the checkpoint", source: "C2SP tlog-checkpoint")
    }
  }
}

/// Decimal numbers of the log formats: one spelling, no sign, no leading zero.
enum Decimal {
  static func parse(_ text: some StringProtocol) -> Int? {
    guard let first = text.utf8.first, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      first != 0x30 || text.utf8.count == 1
    else { return nil }
    return Int(text)
  }
}

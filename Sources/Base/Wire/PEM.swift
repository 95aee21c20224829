public import Diagnostics

/// Base 64 between two lines (RFC 7468 §3), read strictly: nothing may stand beside it.
public enum PEM {
  /// One block.
  public struct Block: Sendable, Equatable {
    /// What the lines around it say, such as `CERTIFICATE`.
    public let label: String
    /// The bytes, which are DER nearly always.
    public let bytes: [UInt8]
  }

  /// Reads blocks with one of `labels` one after another; only empty lines may stand outside of them.
  ///
  /// - Parameters:
  ///   - limit: how many blocks there may be; there must be one.
  ///   - malformed: the problem of the caller's format, with the reason.
  public static func blocks(
    _ text: [UInt8], labels: [String], atMost limit: Int, malformed: (_ why: String) -> Problem
  ) throws(Problem) -> [Block] {
    var rest = text[...]
    var blocks: [Block] = []
    while let block = try next(&rest, labels: labels, malformed: malformed) {
      guard blocks.count < limit else { throw malformed("there are more than \(limit) blocks") }
      blocks.append(block)
    }
    guard !blocks.isEmpty else {
      throw malformed("there is no block with the label \(labels.joined(separator: " or "))")
    }
    return blocks
  }

  /// Reads the next block of `rest`, and leaves what follows it; nil where nothing but empty lines is left.
  public static func next(
    _ rest: inout ArraySlice<UInt8>, labels: [String], malformed: (_ why: String) -> Problem
  ) throws(Problem) -> Block? {
    var line = line(&rest)
    while line?.isEmpty == true { line = self.line(&rest) }
    guard let first = line else { return nil }
    guard let label = labels.first(where: { first.elementsEqual("-----BEGIN \($0)-----".utf8) }) else {
      throw malformed("there is text outside of a block with the label \(labels.joined(separator: " or "))")
    }
    let end = Array("-----END \(label)-----".utf8)
    var body: [UInt8] = []
    body.reserveCapacity(rest.count)
    while let line = self.line(&rest) {
      if line.elementsEqual(end) {
        return Block(label: label, bytes: try Base64.decode(body.span, alphabet: .standard))
      }
      body += line
    }
    throw malformed("the block \(label) does not end")
  }

  /// Takes a line, without its end, from the front of `rest`; nil where nothing is left.
  private static func line(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard !rest.isEmpty else { return nil }
    let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
    let line = rest[rest.startIndex..<end]
    rest = rest[min(end + 1, rest.endIndex)...]
    return line.last == 0x0d ? line.dropLast() : line
  }
}

/// A place in a text: line and column from 1; the column counts bytes.
public struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
  /// The line, from 1.
  public let line: UInt32
  /// The column in bytes, from 1.
  public let column: UInt32

  /// `line:column`.
  public var description: String { "\(line):\(column)" }
}

public import Diagnostics
import StrictJSON

/// A name, or a pattern for names: literal text, and `*` for one or more characters other than `/` and `@`.
///
/// It is always compared with the whole name, so it cannot be left unanchored as a regular expression can, and a star
/// never leaves its part of a path or reaches into a ref.
public struct NamePattern: Sendable, Equatable, CustomStringConvertible {
  /// The largest number of stars.
  static let starLimit = 8

  /// The text between the stars.
  private let parts: [[UInt8]]
  /// The name or the pattern, as it was written.
  public let description: String

  /// This name and no other.
  public init(exactly name: String) {
    parts = [Array(name.utf8)]
    description = name
  }

  /// A pattern; refused when it begins with a star or has more than 8.
  public init(pattern: String) throws(Problem) {
    let parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    guard parts.count <= NamePattern.starLimit + 1, !parts[0].isEmpty, !parts.dropFirst().dropLast().contains([]) else {
      throw .malformed(
        "policy.pattern", "“\(pattern)” is no pattern: it begins with text, and has at most 8 stars, none side by side")
    }
    self.parts = parts
    description = pattern
  }

  /// Whether the whole of `name` fits.
  ///
  /// Each part is taken at its first place, without going back: the stretch that a later place would leave to its star
  /// lies within what the next star may cover, so no other choice fits where this one does not.
  public func matches(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard let first = parts.first, let last = parts.last, bytes.starts(with: first) else { return false }
    if parts.count == 1 { return bytes.count == first.count }
    var rest = bytes[first.count...]
    for part in parts.dropFirst().dropLast() {
      guard let after = NamePattern.skip(rest, to: part) else { return false }
      rest = after
    }
    guard rest.count > last.count, rest.suffix(last.count).elementsEqual(last) else { return false }
    return rest.dropLast(last.count).allSatisfy { !NamePattern.isSeparator($0) }
  }

  /// What follows `part` at its first place in `bytes`, after at least one character that is no separator.
  private static func skip(_ bytes: ArraySlice<UInt8>, to part: [UInt8]) -> ArraySlice<UInt8>? {
    var rest = bytes
    while let byte = rest.first, !isSeparator(byte) {
      rest = rest.dropFirst()
      if rest.starts(with: part) { return rest.dropFirst(part.count) }
    }
    return nil
  }

  private static func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "@") }
}

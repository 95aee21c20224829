import Wire

/// The pattern of `like`: bytes, and stars that stand for any text, the empty one included.
///
/// Bytes are enough, because no character of UTF-8 begins in the middle of another.
public struct Pattern: Hashable, Sendable {
  static let star: UInt16 = 0x100

  /// Bytes below 0x100, or stars.
  let parts: [UInt16]

  /// Whether the whole of `text` fits.
  func matches(_ text: Text) -> Bool {
    Glob.matches(parts, text.bytes, isStar: { $0 == Pattern.star }, fits: { $0 == UInt16($1) })
  }
}

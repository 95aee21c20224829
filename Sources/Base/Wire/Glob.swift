/// Matching with stars, whatever the parts of a pattern are.
///
/// Linear in value times pattern at worst: after a mismatch only the last star is tried again.
public enum Glob {
  /// Whether the whole of `value` fits the pattern `parts`.
  ///
  /// - Parameters:
  ///   - isStar: whether a part stands for any number of elements, none included.
  ///   - fits: whether a part that is no star fits one element.
  @inlinable public static func matches<Part, Element>(
    _ parts: [Part], _ value: [Element], isStar: (Part) -> Bool, fits: (Part, Element) -> Bool
  ) -> Bool {
    var (part, position) = (0, 0)
    var star: (part: Int, position: Int)?
    while position < value.count {
      if part < parts.count, isStar(parts[part]) {
        star = (part, position)
        part += 1
      } else if part < parts.count, fits(parts[part], value[position]) {
        part += 1
        position += 1
      } else if let last = star {
        // The last star takes one element more.
        star = (last.part, last.position + 1)
        part = last.part + 1
        position = last.position + 1
      } else {
        return false
      }
    }
    return parts[part...].allSatisfy(isStar)
  }
}

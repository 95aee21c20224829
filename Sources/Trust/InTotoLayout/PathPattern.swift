public import Diagnostics
import Wire

/// A pattern of paths as `fnmatch` of Python reads it, which is what the reference of in-toto uses.
///
/// `*` stands for any characters, a slash among them, `?` for one, `[abc]`, `[a-z]` and `[!a]` for one of a set.
/// Nothing is escaped, and a bracket that is never closed stands for itself. Matching takes at most the product of
/// both lengths, because only the last star is ever tried again.
public struct PathPattern: Sendable, Equatable {
  /// The most bytes of a pattern.
  public static let limit = 1024

  private enum Part: Sendable, Equatable {
    case character(Unicode.Scalar)
    case any
    case anything
    case set(ranges: [ClosedRange<Unicode.Scalar>], isNegated: Bool)

    func matches(_ scalar: Unicode.Scalar) -> Bool {
      switch self {
      case .character(let own): own == scalar
      case .any: true
      case .anything: false
      case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
      }
    }
  }

  /// The pattern as it was written.
  public let text: String
  private let parts: [Part]

  /// Reads a pattern of 1 to 1024 bytes.
  public init(_ text: String) throws(Problem) {
    guard (1...PathPattern.limit).contains(text.utf8.count) else {
      throw .malformed("rule.pattern", "a pattern has 1 to \(PathPattern.limit) bytes", source: "in-toto 1.0 §4.3.3")
    }
    self.text = text
    parts = PathPattern.parse(Array(text.unicodeScalars))
  }

  /// Whether the whole of `path` fits.
  public func matches(_ path: String) -> Bool {
    Glob.matches(
      parts, Array(path.unicodeScalars), isStar: { $0 == .anything }, fits: { $0.matches($1) })
  }

  private static func parse(_ scalars: [Unicode.Scalar]) -> [Part] {
    var parts: [Part] = []
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      switch scalar {
      case "*": if parts.last != .anything { parts.append(.anything) }
      case "?": parts.append(.any)
      case "[":
        if let end = endOfSet(scalars, from: index) {
          parts.append(set(Array(scalars[index..<end])))
          index = end + 1
        } else {
          parts.append(.character(scalar))
        }
      default: parts.append(.character(scalar))
      }
    }
    return parts
  }

  /// Where the set that begins at `start` is closed; a bracket that stands first in it is one of its characters.
  private static func endOfSet(_ scalars: [Unicode.Scalar], from start: Int) -> Int? {
    var index = start
    if index < scalars.count, scalars[index] == "!" { index += 1 }
    if index < scalars.count, scalars[index] == "]" { index += 1 }
    return scalars[min(index, scalars.count)...].firstIndex(of: "]")
  }

  private static func set(_ content: [Unicode.Scalar]) -> Part {
    let isNegated = content.first == "!"
    let members = Array(isNegated ? content.dropFirst() : content[...])
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var index = 0
    while index < members.count {
      if index + 2 < members.count, members[index + 1] == "-" {
        // A range that runs backwards is empty.
        if members[index] <= members[index + 2] { ranges.append(members[index]...members[index + 2]) }
        index += 3
      } else {
        ranges.append(members[index]...members[index])
        index += 1
      }
    }
    return .set(ranges: ranges, isNegated: isNegated)
  }
}

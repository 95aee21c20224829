import Diagnostics

/// Markup, written as a literal; every text put into it is escaped, and only markup is put in as it is.
///
/// There is no other way to make one, so a text that was read cannot become markup.
struct HTML: ExpressibleByStringInterpolation, Sendable {
  private(set) var source: String

  init(stringLiteral source: String) { self.source = source }

  init(stringInterpolation parts: Parts) { source = parts.source }

  struct Parts: StringInterpolationProtocol {
    fileprivate var source = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      source.reserveCapacity(literalCapacity + interpolationCount * 32)
    }

    mutating func appendLiteral(_ literal: String) { source += literal }

    mutating func appendInterpolation(_ text: String) { source += HTML.escaped(text) }

    mutating func appendInterpolation(_ text: String?) { appendInterpolation(text ?? "") }

    mutating func appendInterpolation(_ markup: HTML) { source += markup.source }

    mutating func appendInterpolation(_ parts: [HTML]) {
      for part in parts { source += part.source }
    }

    /// Markup that is there or not.
    mutating func appendInterpolation(_ markup: HTML, if isShown: Bool) {
      if isShown { source += markup.source }
    }
  }

  /// A text as character data or as a quoted attribute; what could hide or reorder what stands beside it is spelled
  /// out, such as \u{202e}.
  private static func escaped(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in Printable.lines(text).unicodeScalars {
      switch scalar {
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
      case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}

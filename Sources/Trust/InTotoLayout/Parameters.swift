public import Diagnostics

/// Values for the places `{name}` in rules and commands of a layout.
///
/// Where none is given nothing is substituted and a brace stands for itself. Otherwise `{{` and `}}` stand for one
/// brace, and a place without a value is an error.
public struct Parameters: Sendable {
  private let values: [String: String]

  /// Values by name.
  /// - Throws: `layout.parameter` for a name that is not of letters, digits, `_` and `-`.
  public init(_ values: [String: String] = [:]) throws(Problem) {
    for name in values.keys where !Parameters.isName(name) {
      throw .malformed("layout.parameter", "“\(name)” cannot name a parameter")
    }
    self.values = values
  }

  /// No values.
  public init() { values = [:] }

  /// Whether `text` can name a parameter.
  public static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
      }
  }

  func apply(to words: [String]) throws(Problem) -> [String] {
    guard !values.isEmpty else { return words }
    return try words.map { word throws(Problem) in try apply(to: word) }
  }

  private func apply(to word: String) throws(Problem) -> String {
    var result = String.UnicodeScalarView()
    var rest = Substring(word).unicodeScalars
    while let scalar = rest.popFirst() {
      if scalar == "{" || scalar == "}", rest.first == scalar {
        result.append(scalar)
        rest.removeFirst()
      } else if scalar == "{" {
        guard let end = rest.firstIndex(of: "}") else { throw Parameters.malformed(word) }
        let name = String(rest[..<end])
        guard Parameters.isName(name) else { throw Parameters.malformed(word) }
        guard let value = values[name] else {
          throw .malformed(
            "layout.parameter-missing", "the layout needs a value for “\(name)”", hint: "--parameter \(name)=VALUE")
        }
        result.append(contentsOf: value.unicodeScalars)
        rest = rest[rest.index(after: end)...]
      } else if scalar == "}" {
        throw Parameters.malformed(word)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func malformed(_ word: String) -> Problem {
    .malformed(
      "layout.parameter", "“\(word.prefix(200))” holds a brace that is no parameter", hint: "{name}, or {{ for a brace")
  }
}

import Diagnostics
public import StrictJSON

extension Answer {
  /// The answer as a log of SARIF 2.1.0 (OASIS, 2020-03-27): a result for each check that failed or was not run.
  ///
  /// A check that was not run is of the kind `open` (§3.27.9: not enough information to decide); the level of such a
  /// result must be `none` (§3.27.10). Checks that passed are no results; their number stands in the run's properties.
  public var sarif: JSON {
    let open = checks.filter { $0.outcome != .passed }
    let codes = open.map(\.code).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let rules = codes.compactMap { code in open.first { $0.code == code }.map(Answer.rule) }
    let results = open.map { result($0, index: codes.firstIndex(of: $0.code) ?? 0) }
    let isComplete = exitCode != .couldNotRun && exitCode != .malformed
    let run: JSON = [
      "tool": [
        "driver": [
          "name": "rustynet-assure", "version": .string(Product.version), "semanticVersion": .string(Product.version),
          "rules": .array(rules),
        ]
      ],
      "invocations": [
        ["executionSuccessful": .bool(isComplete), "exitCode": .integer(Int64(exitCode.rawValue))]
      ],
      "columnKind": "utf16CodeUnits",
      "results": .array(results),
      "properties": [
        "outcome": .string(outcome.rawValue), "title": .string(title),
        "passed": .integer(Int64(checks.count - open.count)),
      ],
    ]
    return [
      "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
      "version": "2.1.0", "runs": [run],
    ]
  }

  /// A rule is a code: what stays the same from one run to the next. Its help is the source and the hint (§3.49).
  private static func rule(_ check: Check) -> JSON {
    let help = [check.source.map { "Rule: \($0)." }, check.hint.map { "Hint: \($0)." }].compactMap(\.self)
    return [
      "id": .string(check.code),
      "shortDescription": ["text": .string(check.message)],
      "help": ["text": .string(help.isEmpty ? "See documents/specs/check.md." : help.joined(separator: " "))],
    ]
  }

  private func result(_ check: Check, index: Int) -> JSON {
    let compared = [check.expected.map { "expected \($0)" }, check.found.map { "found \($0)" }].compactMap(\.self)
    var properties = JSONObject()
    properties["check"] = .string(check.id)
    properties["outcome"] = .string(check.outcome.rawValue)
    properties["expected"] = check.expected.map { .string($0) }
    properties["found"] = check.found.map { .string($0) }
    let text = ([check.message] + compared).joined(separator: "; ")
    return [
      "ruleId": .string(check.code), "ruleIndex": .integer(Int64(index)),
      "kind": check.outcome == .failed ? "fail" : "open", "level": check.outcome == .failed ? "error" : "none",
      "message": ["text": .string("\(check.id): \(text)")],
      "locations": [["physicalLocation": ["artifactLocation": ["uri": .string(Answer.uri(place))]]]],
      "properties": .object(properties),
    ]
  }

  /// A path as a URI reference (RFC 3986 §4.2): everything but letters, digits, `-._~/` as `%XX`.
  ///
  /// A colon is written so too: the first part of a relative path must not look like a scheme.
  static func uri(_ path: String) -> String {
    var text = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f, 0x5f, 0x7e:
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return text
  }
}

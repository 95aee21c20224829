public import Diagnostics
public import StrictJSON

/// What a verb that verifies says in the end: which checks were made, what became of each, and the exit code
/// (`documents/specs/verification-answer.md`, `gates/schema/answer.schema.json`).
public struct Answer: Sendable {
  /// Format and major version of the JSON form.
  public static let type = "rustynet-answer/v1"

  /// What was verified, in one line for people.
  public var title: String
  /// The file that the verb was about: where a reader of SARIF should look.
  public var place: String
  /// What was learnt on the way, as members of the JSON form.
  public var facts: [(name: String, value: JSON)]
  /// Every check, in the order in which it was made.
  public var checks: [Check]
  /// What the program ends with.
  public var exitCode: ExitCode
  /// The outcome where it has a name of its own, such as `passed with waivers`; it is never taken for a plain one.
  public var outcomeName: String?

  /// An answer, with the exit code that its checks have.
  public init(_ title: String, place: String, _ checks: [Check], facts: [(String, JSON)] = []) {
    self.title = title
    self.place = place
    self.checks = checks
    self.facts = facts.map { (name: $0.0, value: $0.1) }
    exitCode = checks.exitCode
  }

  /// The answer where a problem ended the work: one check that says what the problem says.
  public init(_ problem: Problem, place: String) {
    self.init(place, place: place, [Check("input", problem)])
    exitCode = problem.kind.exitCode
  }

  /// What became of all checks together.
  public var outcome: Outcome { checks.outcome }

  /// The first word of the text form.
  public var word: String {
    if let outcomeName { return outcomeName.uppercased() }
    return switch exitCode {
    case .passed: "PASSED"
    case .malformed: "MALFORMED"
    case .couldNotRun: "NOT RUN"
    case .refused, .usage: "REFUSED"
    }
  }

  // MARK: JSON

  /// The form for programs. Facts stand beside the fixed members and never replace one of them.
  public var json: JSON {
    var object = JSONObject()
    object["type"] = .string(Answer.type)
    object["outcome"] = .string(outcomeName ?? outcome.rawValue)
    object["exitCode"] = .integer(Int64(exitCode.rawValue))
    object["title"] = .string(title)
    object["checks"] = .array(checks.map(\.json))
    for fact in facts where object[fact.name] == nil { object[fact.name] = fact.value }
    return .object(object)
  }

  // MARK: text

  /// A line of the text form, and what it is about; nil for what explains the line before.
  public struct Line: Sendable, Equatable {
    /// The line, safe for a terminal.
    public var text: String
    /// The outcome that the line tells.
    public var outcome: Outcome?
  }

  /// The form for people: a line for the whole, one for each check, and below each what was compared.
  ///
  /// - Parameter isBrief: leaves out what was compared where a check passed.
  public func lines(isBrief: Bool = false) -> [Line] {
    let whole: Outcome = exitCode == .passed ? .passed : outcome == .notRun ? .notRun : .failed
    return [Line(text: Printable.oneLine("\(word) \(title)"), outcome: whole)]
      + checks.flatMap { Answer.lines(of: $0, isBrief: isBrief) }
  }

  /// The lines of one check.
  public static func lines(of check: Check, isBrief: Bool) -> [Line] {
    let mark =
      switch check.outcome {
      case .passed: "passed "
      case .failed: "FAILED "
      case .notRun: "not-run"
      }
    var lines = ["  \(mark) \(check.id): \(check.message)"]
    if check.outcome != .passed || !isBrief {
      let isSame = check.outcome == .passed && check.expected == check.found
      if isSame, let found = check.found {
        lines.append("          compared \(found)")
      } else {
        if let expected = check.expected { lines.append("          expected \(expected)") }
        if let found = check.found { lines.append("          found    \(found)") }
      }
      let notes = [check.outcome == .passed ? nil : check.code, check.source].compactMap(\.self)
      if !notes.isEmpty { lines.append("          rule     \(notes.joined(separator: ", "))") }
      if let hint = check.hint { lines.append("          hint     \(hint)") }
    }
    return lines.enumerated().map { index, text in
      Line(text: Printable.oneLine(text), outcome: index == 0 ? check.outcome : nil)
    }
  }
}

extension [Check] {
  /// What a program ends with after these checks: malformed input anywhere is 65, then a failure 78, then what could
  /// not run for a reason that may pass 70, and whatever else was not judged 78. A list without checks never passes.
  public var exitCode: ExitCode {
    if contains(where: { $0.problem == .malformed }) { return .malformed }
    switch outcome {
    case .passed: return .passed
    case .failed: return .refused
    case .notRun: return contains { $0.problem == .couldNotRun } ? .couldNotRun : .refused
    }
  }
}

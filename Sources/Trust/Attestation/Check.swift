public import Diagnostics
public import StrictJSON

/// What became of one check. Only `passed` counts; there is no fourth outcome (R3).
public enum Outcome: String, Sendable, CaseIterable {
  case passed
  case failed
  /// It could not be judged; the check's message says why. Never green.
  case notRun = "not-run"
}

/// One thing that was looked at, with what was compared, the source of the rule and a hint: what every verdict, page
/// and report of ours is made of (`gates/schema/check.schema.json`).
public struct Check: Sendable, Equatable {
  /// A stable name within its list, such as `subject.digest`.
  public var id: String
  /// What became of it.
  public var outcome: Outcome
  /// The stable code of the reason; `passed` when it passed.
  public var code: String
  /// One sentence for people.
  public var message: String
  /// What the rule demands, as text.
  public var expected: String?
  /// What was there, as text.
  public var found: String?
  /// RFC and section, specification, or requirement id.
  public var source: String?
  /// What the reader can do about it.
  public var hint: String?
  /// The sort of problem that this check stands for, nil where it was a comparison; it is in no document, and decides
  /// nothing but the exit code of an answer.
  public private(set) var problem: Problem.Kind?

  private init(
    _ id: String, _ outcome: Outcome, _ code: String, _ message: String, _ expected: String?, _ found: String?,
    _ source: String?, _ hint: String?
  ) {
    self.id = id
    self.outcome = outcome
    self.code = code
    self.message = message
    self.expected = expected
    self.found = found
    self.source = source
    self.hint = hint
  }

  /// A check that passed.
  public static func passed(
    _ id: String, _ message: String, expected: String? = nil, found: String? = nil, source: String? = nil
  ) -> Check {
    Check(id, .passed, "passed", message, expected, found, source, nil)
  }

  /// A check that failed, with the reason's code.
  public static func failed(
    _ id: String, _ code: String, _ message: String, expected: String? = nil, found: String? = nil,
    source: String? = nil, hint: String? = nil
  ) -> Check {
    Check(id, .failed, code, message, expected, found, source, hint)
  }

  /// A check that could not be judged, with the reason's code.
  public static func notRun(
    _ id: String, _ code: String, _ message: String, source: String? = nil, hint: String? = nil
  ) -> Check {
    Check(id, .notRun, code, message, nil, nil, source, hint)
  }

  /// Passed when `found` equals `expected`, failed with `code` otherwise.
  public static func equal(
    _ id: String, _ code: String, _ what: String, expected: String, found: String, source: String? = nil,
    hint: String? = nil
  ) -> Check {
    expected.isExactly(found)
      ? passed(id, "\(what) is as expected", expected: expected, found: found, source: source)
      : failed(
        id, code, "\(what) is not what is expected", expected: expected, found: found, source: source, hint: hint)
  }

  /// A failed check that says what the problem says.
  public init(_ id: String, _ problem: Problem) {
    let message = problem.place.map { "\($0): \(problem.message)" } ?? problem.message
    self.init(
      id, problem.kind == .couldNotRun ? .notRun : .failed, problem.code, message, nil, nil, problem.source,
      problem.hint)
    self.problem = problem.kind
  }

  /// Equal when all that a document says of both is.
  public static func == (left: Check, right: Check) -> Bool {
    left.id == right.id && left.outcome == right.outcome && left.code == right.code && left.message == right.message
      && left.expected == right.expected && left.found == right.found && left.source == right.source
      && left.hint == right.hint
  }

  /// The check as it stands in signed documents; absent facts have no member.
  public var json: JSON {
    var object = JSONObject()
    object["id"] = .string(id)
    object["outcome"] = .string(outcome.rawValue)
    object["code"] = .string(code)
    object["message"] = .string(message)
    object["expected"] = expected.map { .string($0) }
    object["found"] = found.map { .string($0) }
    object["source"] = source.map { .string($0) }
    object["hint"] = hint.map { .string($0) }
    return .object(object)
  }

  /// Reads a check back.
  public init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("id", "outcome", "code", "message", "expected", "found", "source", "hint")
    func text(_ key: String) throws(Problem) -> String? { try reader.optional(key)?.text() }
    self.init(
      try reader.member("id").text(), try reader.member("outcome").choice(Outcome.self),
      try reader.member("code").text(), try reader.member("message").text(), try text("expected"), try text("found"),
      try text("source"), try text("hint"))
  }
}

extension [Check] {
  /// Failed when any failed, else not-run when any was not run or there is none at all, else passed.
  public var outcome: Outcome {
    if contains(where: { $0.outcome == .failed }) { return .failed }
    return isEmpty || contains { $0.outcome == .notRun } ? .notRun : .passed
  }

  /// The same checks, each with `prefix` before its id: where several lists are put together.
  public func prefixed(_ prefix: String) -> [Check] {
    map { check in
      var check = check
      check.id = prefix + check.id
      return check
    }
  }
}

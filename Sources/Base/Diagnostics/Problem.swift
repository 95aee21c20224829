/// The exit codes of every program of the project; no other is used (see README.md).
public enum ExitCode: Int32, Sendable, CaseIterable {
  /// Everything that was asked for holds.
  case passed = 0
  /// The command line itself is wrong.
  case usage = 64
  /// An input or a configuration is malformed, or is not there.
  case malformed = 65
  /// The work could not run for a reason that may pass: input/output, a lock, a time-out. The only code worth a retry.
  case couldNotRun = 70
  /// A rule or a policy refused.
  case refused = 78
}

/// An error as a person and a program both need it: what, where, by which rule, and what to do.
///
/// Two problems are equal when their codes are: tests compare codes, never the wording.
public struct Problem: Error, Sendable {
  /// What sort of failure this is; it decides the exit code.
  public enum Kind: Sendable {
    case usage, malformed, couldNotRun, refused

    /// The exit code that a program ends with when this is its worst problem.
    public var exitCode: ExitCode {
      switch self {
      case .usage: .usage
      case .malformed: .malformed
      case .couldNotRun: .couldNotRun
      case .refused: .refused
      }
    }
  }

  /// The sort of failure.
  public var kind: Kind
  /// A stable name such as `json.duplicate-key`: area, dot, reason. Scripts may match on it; it does not change.
  public var code: String
  /// One sentence, lower case, without a final full stop.
  public var message: String
  /// Where: a file, `line:column`, a JSON pointer, or several of them.
  public var place: String?
  /// The source of the rule: RFC and section, specification, or requirement id.
  public var source: String?
  /// What the reader can do about it.
  public var hint: String?

  /// Makes a problem; `code` must be stable from one release to the next.
  public init(
    _ kind: Kind, _ code: String, _ message: String, place: String? = nil, source: String? = nil, hint: String? = nil
  ) {
    self.kind = kind
    self.code = code
    self.message = message
    self.place = place
    self.source = source
    self.hint = hint
  }

  /// Malformed input (65).
  public static func malformed(
    _ code: String, _ message: String, place: String? = nil, source: String? = nil, hint: String? = nil
  ) -> Problem {
    Problem(.malformed, code, message, place: place, source: source, hint: hint)
  }

  /// Refused by a rule (78).
  public static func refused(
    _ code: String, _ message: String, place: String? = nil, source: String? = nil, hint: String? = nil
  ) -> Problem {
    Problem(.refused, code, message, place: place, source: source, hint: hint)
  }

  /// Wrong usage (64).
  public static func usage(_ code: String, _ message: String, hint: String? = nil) -> Problem {
    Problem(.usage, code, message, hint: hint)
  }

  /// Could not run for a passing reason (70).
  public static func couldNotRun(_ code: String, _ message: String, place: String? = nil, hint: String? = nil)
    -> Problem
  {
    Problem(.couldNotRun, code, message, place: place, hint: hint)
  }

  /// The same problem, with the outer place put before the place that it has.
  public func at(_ outer: String) -> Problem {
    var copy = self
    copy.place = place.map { "\(outer): \($0)" } ?? outer
    return copy
  }
}

extension Problem: Equatable {
  /// Compares codes alone.
  public static func == (left: Problem, right: Problem) -> Bool { left.code == right.code }
}

extension Problem: CustomStringConvertible {
  /// One line: place, message, code, source and hint.
  public var description: String {
    var line = place.map { "\($0): " } ?? ""
    line += "\(message) [\(code)]"
    if let source { line += " (\(source))" }
    if let hint { line += "; hint: \(hint)" }
    return Printable.oneLine(line)
  }
}

/// Untrusted text made safe for a terminal and a log line.
public enum Printable {
  /// Replaces control characters, line and paragraph separators and bidirectional overrides by `\u{…}`.
  ///
  /// Safe because what is left cannot move the cursor, start an escape sequence, break the line or reorder it.
  public static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    return escape(text) { isUnsafe($0) }
  }

  /// Like `oneLine`, but newlines stay.
  public static func lines(_ text: String) -> String { escape(text) { $0 != "\n" && isUnsafe($0) } }

  private static func escape(_ text: String, _ isEscaped: (Unicode.Scalar) -> Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if isEscaped(scalar) {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whether a terminal could act on this character instead of showing it. All of them are below U+10000.
  public static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x61c, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069, 0x200e, 0x200f, 0xfeff: true
    default: false
    }
  }
}

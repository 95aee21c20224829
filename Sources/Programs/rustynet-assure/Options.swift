public import ArgumentParser
public import Attestation
import Cryptography
import Diagnostics
import Inventory
import KeyCustody
import LinuxKit
import StrictJSON
import Wire

/// The time that a verb judges at.
struct TimeOptions: ParsableArguments {
  @Option(help: "Judge as of this time, such as 2026-11-22T16:05:00Z (default: now).")
  var asOf: String?

  func time() throws(Problem) -> Timestamp {
    guard let asOf else { return Host.now() }
    do { return try Timestamp(asOf) } catch {
      throw .usage("usage.as-of", error.message, hint: "write 2026-11-22T16:05:00Z")
    }
  }
}

/// Where the same facts go for machines.
struct JSONOptions: ParsableArguments {
  @Flag(help: "Print the facts as JSON instead of text.")
  var json = false
}

extension Profile: ExpressibleByArgument {}
extension Role: ExpressibleByArgument {}

/// Files named on the command line.
enum Input {
  /// A file, or a digest such as `sha256:…`, as something that an attestation can speak of.
  static func subject(_ text: String) throws(Problem) -> (name: String, digests: [Digest]) {
    if HashAlgorithm.allCases.contains(where: { text.hasPrefix($0.rawValue + ":") }), FileSystem.status(text) == nil {
      return (text, [try Digest(text)])
    }
    let facts = try FileFacts(reading: text)
    return (facts.name, [facts.sha256, facts.sha512])
  }

  static func envelope(_ path: String) throws(Problem) -> Envelope {
    do { return try Envelope(parsing: try FileSystem.read(path, limit: Envelope.limits.size)) } catch {
      throw error.place?.hasPrefix(path) == true ? error : error.at(path)
    }
  }
}

/// Files that a verb writes by name.
enum Output {
  /// Removes what an earlier run left at `path`, so that it cannot stand for this one; a sealed key is refused.
  static func remove(_ path: String) throws(Problem) {
    try requireNoKey(path)
    try FileSystem.remove(path)
  }

  /// Writes a result; a sealed key is never replaced, whoever mistyped.
  static func write(_ bytes: [UInt8], to path: String) throws(Problem) {
    try requireNoKey(path)
    try FileSystem.write(bytes, to: path)
  }

  private static func requireNoKey(_ path: String) throws(Problem) {
    guard KeyFile.isSealedKey(path: path) else { return }
    throw .refused(
      "output.key", "a sealed key stands where a result would be written", place: path, source: "P1-13, R6",
      hint: "a key is never overwritten; name another file")
  }
}

/// How checks are shown, and what a verb ends with.
enum Report {
  /// One line a check, and two for what was compared where it did not pass.
  static func lines(_ checks: [Check]) -> [String] {
    checks.flatMap { check -> [String] in
      let mark =
        switch check.outcome {
        case .passed: "passed "
        case .failed: "FAILED "
        case .notRun: "not-run"
        }
      var lines = ["  \(mark) \(check.id): \(check.message)"]
      guard check.outcome != .passed else { return lines }
      if let expected = check.expected { lines.append("          expected \(expected)") }
      if let found = check.found { lines.append("          found    \(found)") }
      let notes = [check.code, check.source].compactMap(\.self).joined(separator: ", ")
      lines.append("          rule     \(notes)")
      if let hint = check.hint { lines.append("          hint     \(hint)") }
      return lines
    }.map(Printable.oneLine)
  }

  /// Prints `title` and the checks, as text or as JSON, and ends with 78 unless all passed.
  static func finish(_ title: String, _ checks: [Check], json: Bool, facts: [(String, JSON)] = []) throws {
    let outcome = checks.outcome
    if json {
      var object = JSONObject()
      object["outcome"] = .string(outcome.rawValue)
      for (key, value) in facts { object[key] = value }
      object["checks"] = .array(checks.map(\.json))
      Console.print(JSON.object(object).printable)
    } else {
      Console.print("\(outcome == .passed ? "PASSED" : "REFUSED") \(title)")
      for line in lines(checks) { Console.print(line) }
    }
    if outcome != .passed { throw end(.refused) }
  }

  /// Ends a verb that has already said what is wrong.
  static func end(_ code: Diagnostics.ExitCode) -> any Error { ArgumentParser.ExitCode(code.rawValue) }
}

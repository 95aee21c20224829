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
  /// The digest that `text` is, such as `sha256:…`; nil where it names a file instead. A file of such a name comes first.
  static func digest(_ text: String) throws(Problem) -> Digest? {
    guard HashAlgorithm.allCases.contains(where: { text.hasPrefix($0.rawValue + ":") }), FileSystem.status(text) == nil
    else { return nil }
    return try Digest(text)
  }

  /// A file, or a digest such as `sha256:…`, as something that an attestation can speak of.
  static func subject(_ text: String) throws(Problem) -> (name: String, digests: [Digest]) {
    if let digest = try digest(text) { return (text, [digest]) }
    let facts = try FileFacts(reading: text)
    return (facts.name, [facts.sha256, facts.sha512])
  }

  /// The type that `text` names. A word that is neither a short name nor a URI is a slip, and would be signed for good.
  static func predicateType(_ text: String) throws(Problem) -> String {
    let type = PredicateType.named(text)
    guard let scheme = type.utf8.first, (0x41...0x5a).contains(scheme) || (0x61...0x7a).contains(scheme),
      type.utf8.contains(0x3a), type.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else {
      throw .usage(
        "usage.predicate-type", "“\(text.prefix(80))” is neither a URI nor a short name of a predicate type",
        hint: "short names: \(PredicateType.aliases.map(\.name).joined(separator: ", "))")
    }
    return type
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

  /// Refuses a result that would take the place of something that is read, or of another result.
  static func require(_ outputs: [String], apartFrom inputs: [String]) throws(Problem) {
    for (index, output) in outputs.enumerated() {
      let place = resolve(output)
      guard !(inputs + outputs[..<index]).contains(where: { resolve($0) == place }) else {
        throw .usage(
          "usage.output", "\(output) is named twice, and a result would replace it", hint: "name another file")
      }
    }
  }

  /// The path with all links resolved, also of a file that is not there yet.
  private static func resolve(_ path: String) -> String {
    if let resolved = try? FileSystem.resolve(path) { return resolved }
    let folder = Path.folder(of: path)
    return "\((try? FileSystem.resolve(folder)) ?? folder)/\(Path.name(of: path))"
  }

  private static func requireNoKey(_ path: String) throws(Problem) {
    guard KeyFile.isSealedKey(path: path) else { return }
    throw .refused(
      "output.key", "a sealed key stands where a result would be written", place: path, source: "P1-13, R6",
      hint: "a key is never overwritten; name another file")
  }
}

/// In which form a verb that verifies answers.
struct AnswerOptions: ParsableArguments {
  @Flag(help: "Print the answer as JSON instead of text.")
  var json = false
  @Flag(help: "Print the answer as SARIF 2.1.0 instead of text.")
  var sarif = false

  /// Runs `body` and says what came of it.
  ///
  /// A problem goes to standard error, as everywhere; a program that asked for a document gets one all the same.
  func answer(about place: String, isBrief: Bool = false, _ body: () throws(Problem) -> Answer) throws {
    try requireOneForm()
    let answer: Answer
    do { answer = try body() } catch {
      if json || sarif, error.kind != .usage { print(Answer(error, place: place), isBrief: isBrief) }
      throw error
    }
    try finish(answer, isBrief: isBrief)
  }

  /// Prints the answer, and ends with its exit code unless everything passed.
  func finish(_ answer: Answer, isBrief: Bool = false) throws {
    try requireOneForm()
    print(answer, isBrief: isBrief)
    if answer.exitCode != .passed { throw Report.end(answer.exitCode) }
  }

  private func requireOneForm() throws(Problem) {
    if json, sarif { throw .usage("usage.form", "--json and --sarif exclude each other") }
  }

  private func print(_ answer: Answer, isBrief: Bool) {
    var answer = answer
    answer.facts += AnswerContext.facts
    if json { return Console.print(answer.json.printable) }
    if sarif { return Console.print(answer.sarif.printable) }
    for line in AnswerContext.lines { Console.print(line) }
    for line in answer.lines(isBrief: isBrief) { Console.print(line.text, tone: line.outcome.map(Report.tone)) }
  }
}

/// What a verb that calls another one wants in its answer: `verify auto` says there what it recognised.
enum AnswerContext {
  @TaskLocal static var facts: [(name: String, value: JSON)] = []
  @TaskLocal static var lines: [String] = []
}

/// How checks are shown, and what a verb ends with.
enum Report {
  /// One line a check, and more where it did not pass.
  static func lines(_ checks: [Check]) -> [String] {
    checks.flatMap { Answer.lines(of: $0, isBrief: true).map(\.text) }
  }

  /// The colour of an outcome.
  static func tone(_ outcome: Outcome) -> Console.Tone {
    switch outcome {
    case .passed: .good
    case .failed: .bad
    case .notRun: .open
    }
  }

  /// Ends a verb that has already said what is wrong.
  static func end(_ code: Diagnostics.ExitCode) -> any Error { ArgumentParser.ExitCode(code.rawValue) }
}

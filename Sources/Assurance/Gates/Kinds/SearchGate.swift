import Attestation
import Commands
import Diagnostics
import LinuxKit
import StrictJSON

/// Patterns that no tracked file may hold. Each pattern comes with a control text that it must find, so that a pattern
/// that can never match is itself a failure.
enum SearchGate: GateKind {
  static let name = "search"
  static let parameters = ["patterns"]

  /// An extended regular expression, matched without regard to case, and a text that it must match.
  struct Pattern {
    let id: String
    let expression: String
    let control: String

    init(_ reader: JSONReader) throws(Problem) {
      try reader.closed("id", "expression", "control")
      id = try reader.member("id").token()
      expression = try reader.member("expression").text()
      control = try reader.member("control").text()
    }
  }

  private static func patterns(_ gate: GateDefinition) throws(Problem) -> [Pattern] {
    var patterns: [Pattern] = []
    let parameters = JSONReader(gate.parameters, pointer: "/parameters")
    try parameters.closed("patterns")
    for element in try parameters.member("patterns").elements(atMost: 64) {
      patterns.append(try Pattern(element))
    }
    guard !patterns.isEmpty else { throw parameters.problem("gate.patterns", "the gate has no pattern") }
    return patterns
  }

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let files = try await workspace.trackedFiles(gate.read)
    var commands: [Record.Command] = []
    var results: [JSON] = []
    for pattern in try patterns(gate) {
      // Every file is searched as text: an attribute of the tree must not be able to hide one.
      let argv = ["git", "grep", "-n", "-a", "-i", "-E", "-e", pattern.expression, "--"] + gate.read
      let result = try await Command("git", Array(argv.dropFirst()), in: workspace.root).run()
      commands.append(Record.Command(argv, result))
      // git grep ends with 0 for a match and 1 for none; anything else is no answer.
      guard [0, 1].contains(result.status.code) else {
        throw .couldNotRun("search.failed", "git grep: \(result.status) for the pattern \(pattern.id)")
      }
      let matches = result.text.split(separator: "\n").prefix(100).map { JSON.string(place(of: $0)) }
      results.append([
        "id": .string(pattern.id), "matches": .array(Array(matches)),
        "controlFound": .bool(try await finds(pattern, in: workspace)),
      ])
    }
    return Observation(commands: commands, sample: files.count, [("patterns", .array(results))])
  }

  /// `file:line` alone: what was found may be a secret and must not enter the evidence.
  private static func place(of line: Substring) -> String {
    line.split(separator: ":", maxSplits: 2).prefix(2).joined(separator: ":")
  }

  /// Whether the same program finds the control text with the same expression.
  static func finds(_ pattern: Pattern, in workspace: Workspace) async throws(Problem) -> Bool {
    let folder = "\(workspace.output)/control"
    try FileSystem.makeFolder(folder)
    let path = "\(folder)/control.txt"
    try FileSystem.write(Array(pattern.control.utf8) + [0x0a], to: path)
    let arguments = ["grep", "--no-index", "-q", "-a", "-i", "-E", "-e", pattern.expression, "--", "control.txt"]
    let result = try await Command("git", arguments, in: folder).run()
    try FileSystem.removeTree(folder)
    return result.status.isSuccess
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let expected = Set(try patterns(gate).map(\.id))
    var seen: Set<String> = []
    var checks: [Check] = []
    for element in try facts.member("patterns").elements() {
      let id = try element.member("id").token()
      seen.insert(id)
      let matches = try element.member("matches").elements()
      for match in matches {
        checks.append(
          .failed(
            "pattern.\(id)", "search.match", "the pattern “\(id)” matches", expected: "no match",
            found: try match.text(), source: "P1-18", hint: "remove it from the file"))
      }
      if matches.isEmpty {
        checks.append(.passed("pattern.\(id)", "no tracked file matches", expected: "no match", found: "no match"))
      }
      if try !element.member("controlFound").bool() {
        checks.append(
          .failed(
            "control.\(id)", "search.control", "the pattern does not find its own control text",
            source: "V26", hint: "a pattern that cannot match proves nothing"))
      }
    }
    if seen != expected {
      checks.append(
        .failed(
          "patterns", "search.patterns", "not every pattern was searched",
          expected: expected.sorted().joined(separator: ", "), found: seen.sorted().joined(separator: ", ")))
    }
    return checks
  }
}

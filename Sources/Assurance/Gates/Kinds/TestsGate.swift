import Attestation
import Cryptography
import Diagnostics
import StrictJSON

/// The tests ran and passed, by the record of the run and the runner's own result file: a run of zero tests, a failed
/// test, and a test that was not run each fail.
enum TestsGate: GateKind {
  static let name = "tests"
  static let parameters = ["record", "command"]

  private static func document(_ gate: GateDefinition) throws(Problem) -> String {
    try JSONReader(gate.parameters, pointer: "/parameters").member("record").text()
  }

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    try RecordChecks.observe(try document(gate), in: workspace)
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let path = try document(gate)
    let (statement, signatures) = try evidence.statement(path, signedBy: .builder)
    guard signatures.outcome == .passed else { return signatures }
    let record = try Record(statement)
    let results = try TestResults(JSONReader(record.facts, pointer: "/facts"))
    var checks = signatures
    checks.append(
      try RecordChecks.same(
        path, as: try facts.member("record"), code: "tests.document", what: "the record that the gate looked at",
        evidence: evidence))
    checks += try RecordChecks.judge(record, about: statement.subjects, evidence: evidence).prefixed("tests.")
    checks.append(
      .equal("tests.name", "tests.name", "what the record is about", expected: gate.id, found: record.name))
    // Without the command, any program that writes a stream of events would do as a test runner.
    let command = try JSONReader(gate.parameters, pointer: "/parameters").member("command").texts()
    let stated = record.commands.map { $0.argv.joined(separator: " ") }.joined(separator: "; ")
    checks.append(
      command.isEmpty || record.commands.map(\.argv) != [command]
        ? .failed(
          "tests.command", "tests.command", "the tests were not run by the command of the gate",
          expected: command.joined(separator: " "), found: stated, source: "A16")
        : .passed("tests.command", "the tests were run by the command of the gate", found: stated, source: "A16"))
    for command in record.commands {
      checks.append(
        .equal("exit", "tests.exit", "the runner's exit code", expected: "0", found: "\(command.exitCode)"))
    }
    if record.commands.isEmpty { checks.append(.failed("exit", "tests.no-command", "the record names no command")) }
    return checks + (try judge(results, minimum: try evidence.policy.limit("tests.minimum")))
  }

  private static func judge(_ results: TestResults, minimum: Int64) throws(Problem) -> [Check] {
    var checks = results.failed.map {
      Check.failed("failed", "tests.failed", "a test failed", expected: "passed", found: $0, source: "P1-18")
    }
    checks += results.notRun.map {
      Check.failed(
        "not-run", "tests.not-run", "a test of the fast set was not run", expected: "passed", found: $0,
        source: "R3")
    }
    let count = Int64(results.passed.count)
    checks.append(
      count >= minimum
        ? .passed("passed", "enough tests passed", expected: "at least \(minimum)", found: "\(count)", source: "A15")
        : .failed(
          "passed", "tests.too-few", "too few tests passed", expected: "at least \(minimum)", found: "\(count)",
          source: "A15"))
    return checks
  }
}

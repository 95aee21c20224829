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
    let path = try document(gate)
    let digest = try Workspace.digest(of: "\(workspace.output)/\(path)")
    return Observation(sample: 1, [("record", .string(digest.description))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: Evidence) throws(Problem) -> [Check] {
    let path = try document(gate)
    let (statement, signatures) = try evidence.statement(path, signedBy: .builder)
    guard signatures.outcome == .passed else { return signatures }
    let record = try Record(statement)
    let results = try TestResults(JSONReader(record.facts, pointer: "/facts"))
    var checks = signatures
    checks.append(
      .equal(
        "document", "tests.document", "the record that the gate looked at",
        expected: try facts.member("record").text(), found: Digest(of: try evidence.document(path)).description))
    checks += try RecordChecks.judge(record, about: statement.subjects, evidence: evidence).map { check in
      var check = check
      check.id = "tests.\(check.id)"
      return check
    }
    checks.append(
      .equal("tests.name", "tests.name", "what the record is about", expected: gate.id, found: record.name))
    // Without the command, any program that writes a stream of events would do as a test runner.
    var command: [String] = []
    for element in try JSONReader(gate.parameters, pointer: "/parameters").member("command").elements() {
      command.append(try element.text())
    }
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

/// What holds for every record that a gate rests on.
enum RecordChecks {
  /// Fresh, and made on the commit that is released, with no change beside it, about the binaries that are released.
  static func judge(
    _ record: Record, about subjects: [Subject], evidence: Evidence
  ) throws(Problem) -> [Check] {
    [
      Freshness.check(
        "record.fresh", measured: record.finished, at: evidence.time,
        maximum: try evidence.policy.limit("evidence.maximum-age-seconds")),
      .equal(
        "record.commit", "record.commit", "the commit that was measured", expected: evidence.commit,
        found: record.source.commit, source: "A16", hint: "measure again on the commit that is released"),
      record.source.isClean
        ? .passed("record.clean", "the tree had no change beside the commit")
        : .failed(
          "record.clean", "record.dirty", "the tree had changes that are in no commit", expected: "clean",
          found: "changed", source: "A16", hint: "commit or remove them, then measure again"),
      self.subjects(subjects, evidence),
    ]
  }

  /// The same names, and for each name digests that agree wherever they can be compared.
  private static func subjects(_ found: [Subject], _ evidence: Evidence) -> Check {
    func list(_ subjects: [Subject]) -> String {
      subjects.map { "\($0.name) \($0.digests.first.map { "\($0)" } ?? "nothing")" }.sorted().joined(separator: ", ")
    }
    let isSame =
      found.count == evidence.subjects.count
      && evidence.subjects.allSatisfy { subject in
        found.contains { $0.name.isExactly(subject.name) && $0.matches(subject.digests) }
      }
    let source = "V10, V12"
    return isSame
      ? .passed("record.subjects", "the record is about the released binaries", found: list(found), source: source)
      : .failed(
        "record.subjects", "record.subjects", "the record is about other binaries", expected: list(evidence.subjects),
        found: list(found), source: source, hint: "measure again with the binaries that are released")
  }

  /// A gate that runs a command has run that one, and its facts speak of the same end.
  static func commands(_ record: Record, of gate: GateDefinition) -> [Check] {
    guard !gate.run.isEmpty, case .object(let facts) = record.facts, facts["notRun"] == nil else { return [] }
    let expected = gate.run.joined(separator: " ")
    let found = record.commands.map { $0.argv.joined(separator: " ") }.joined(separator: "; ")
    guard let command = record.commands.first, command.argv.elementsEqual(gate.run, by: { $0.isExactly($1) }),
      facts["exitCode"].map({ $0 == .integer(command.exitCode) }) ?? (command.exitCode == 0)
    else {
      return [
        .failed(
          "record.command", "record.command", "the record is not of the gate's command and its end",
          expected: expected, found: found, source: "R2")
      ]
    }
    return [.passed("record.command", "the gate's command was run", expected: expected, found: found)]
  }
}

import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON

/// Several real backends passed one conformance suite unchanged, by the signed records of the runs (P3-7, W2).
///
/// Which backends there are is not written down anywhere that could be edited: it follows from the records that are
/// there. A backend counts when its run was on this commit with these binaries, by the gate's own command, when each
/// mandatory case passed and none failed, and when the kernel saw its devices and its packets.
enum BackendAgilityGate: GateKind {
  static let name = "backend-agility"
  static let parameters = ["prefix", "command", "cases", "devices"]

  private static func parameter(_ gate: GateDefinition, _ name: String) throws(Problem) -> JSONReader {
    try JSONReader(gate.parameters, pointer: "/parameters").member(name)
  }

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let prefix = try parameter(gate, "prefix").text(atMost: 256)
    let folder = Path.folder(of: "\(workspace.output)/\(prefix)x")
    let start = Path.name(of: "\(prefix)x").dropLast()
    let there = FileSystem.status(folder) == nil ? [] : try FileSystem.list(folder)
    let names = there.filter { $0.hasPrefix(start) && $0.hasSuffix(".json") }.sorted()
    guard !names.isEmpty else { throw .couldNotRun("agility.no-record", "there is no record of a conformance run") }
    var records: [JSON] = []
    for name in names {
      let digest = try Workspace.digest(of: "\(folder)/\(name)")
      let member = Path.folder(of: "\(prefix)x") + "/" + name
      records.append(["name": .string(member), "digest": .string(digest.description)])
    }
    return Observation(sample: records.count, [("records", .array(records))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let prefix = try parameter(gate, "prefix").text(atMost: 256)
    var checks: [Check] = []
    var seen: [String: String] = [:]
    for element in try facts.member("records").elements(atMost: 64) {
      seen[try element.member("name").text()] = try element.member("digest").text()
    }
    let names = evidence.documents.keys.filter { $0.hasPrefix(prefix) }.sorted()
    checks.append(
      .equal(
        "records", "agility.records", "the records that the gate looked at",
        expected: seen.keys.sorted().joined(separator: ", "), found: names.joined(separator: ", "), source: "V10"))
    var passed: Set<String> = []
    var reasons: [String] = []
    for name in names {
      let (found, isPassed, results) = try judge(
        name, seen: seen[name] ?? "", gate, evidence)
      checks += found
      if let reason = results?.reason, let results { reasons.append("\(results.backend): \(reason)") }
      if isPassed, let results { passed.insert(results.name) }
    }
    checks.append(try count(passed, reasons, least: try evidence.policy.limit("agility.backends")))
    return checks
  }

  private static func count(_ passed: Set<String>, _ reasons: [String], least: Int64) throws(Problem) -> Check {
    let found = (passed.sorted().map { "\($0): passed" } + reasons.map { "\($0) (not-run)" }).joined(separator: "; ")
    let expected = "at least \(least)"
    if passed.count >= least {
      return .passed("backends", "enough real backends passed", expected: expected, found: found, source: "P3-7")
    }
    guard passed.count + reasons.count >= least else {
      return .failed(
        "backends", "agility.too-few", "too few real backends passed", expected: expected, found: found,
        source: "P3-7, W2", hint: "scripts/assure makes a record of each that can run")
    }
    return .notRun("backends", "agility.not-run", "too few backends could be run: \(found)", source: "P3-7")
  }

  /// The checks of one record, and whether its backend counts.
  private static func judge(
    _ name: String, seen: String, _ gate: GateDefinition, _ evidence: GateEvidence
  ) throws(Problem) -> ([Check], Bool, ConformanceResults?) {
    let (statement, signatures) = try evidence.statement(name, signedBy: .builder)
    guard signatures.outcome == .passed else { return (signatures, false, nil) }
    let record = try Record(statement)
    let results = try ConformanceResults(JSONReader(record.facts, pointer: "/facts"))
    let backend = results.backend
    var checks = signatures
    checks.append(
      .equal(
        "document", "agility.document", "the record that the gate looked at", expected: seen,
        found: Digest(of: try evidence.document(name)).description))
    checks += try RecordChecks.judge(record, about: statement.subjects, evidence: evidence)
    let prefix = try parameter(gate, "prefix").text()
    checks.append(
      .equal("name", "agility.name", "the document of this backend", expected: "\(prefix)\(backend).json", found: name))
    let argv = try parameter(gate, "command").texts().map { word in
      word.split(separator: "BACKEND", omittingEmptySubsequences: false).joined(separator: backend)
    }
    let stated = record.commands.map { $0.argv.joined(separator: " ") }.joined(separator: "; ")
    checks.append(
      .equal(
        "command", "agility.command", "the suite was run by the command of the gate",
        expected: argv.joined(separator: " "), found: stated, source: "A16"))
    let exit = results.reason == nil ? "0" : "70"
    checks.append(
      .equal(
        "exit", "agility.exit", "the exit code of the run", expected: exit,
        found: record.commands.map { "\($0.exitCode)" }.joined(separator: ", ")))
    if results.reason == nil { checks += try judge(results, gate, least: try evidence.policy.limit("agility.packets")) }
    let isPassed = results.reason == nil && checks.outcome == .passed
    return (checks.prefixed("\(backend)."), isPassed, results)
  }

  private static func judge(
    _ results: ConformanceResults, _ gate: GateDefinition, least: Int64
  ) throws(Problem) -> [Check] {
    let mandatory = try parameter(gate, "cases").texts(atMost: 1024)
    guard !mandatory.isEmpty else { throw .malformed("agility.no-case", "the gate names no case", source: "V26") }
    var checks: [Check] = []
    let outcomes = Dictionary(results.cases.map { ($0.id, $0.outcome) }) { _, _ in "twice" }
    for id in mandatory where outcomes[id] != "passed" {
      let found = outcomes[id] ?? "missing"
      checks.append(
        .failed(
          "case.\(id)", "agility.case", "a mandatory case did not pass", expected: "passed", found: found,
          source: "P3-7"))
    }
    for one in results.cases where one.outcome != "passed" && !mandatory.contains(where: { $0.isExactly(one.id) }) {
      checks.append(
        .failed(
          "case.\(one.id)", "agility.case", "a case did not pass", expected: "passed", found: one.outcome,
          source: "P3-7"))
    }
    if checks.isEmpty {
      checks.append(.passed("cases", "every case passed", found: "\(results.cases.count) cases", source: "P3-7"))
    }
    let kinds = try parameter(gate, "devices").texts()
    checks.append(
      !results.devices.isEmpty && results.devices.allSatisfy { kinds.contains($0) } && results.packets >= least
        ? .passed(
          "real", "the kernel saw devices and packets", found: "\(results.devices), \(results.packets) packets",
          source: "W1")
        : .failed(
          "real", "agility.not-real", "the kernel did not see what a tunnel has",
          expected: "devices of \(kinds), at least \(least) packets",
          found: "\(results.devices), \(results.packets) packets", source: "W1, W2"))
    return checks
  }
}

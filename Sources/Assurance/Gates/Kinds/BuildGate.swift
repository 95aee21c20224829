import Attestation
import Cryptography
import Diagnostics
import Provenance
import StrictJSON

/// The build command of the provenance was run under a record, ended with 0, and left the released binaries.
enum BuildGate: GateKind {
  static let name = "build"
  private static let document = MemberName.buildRecord

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    try RecordChecks.observe(document, in: workspace)
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let (statement, signatures) = try evidence.statement(document, signedBy: .builder)
    var checks = signatures
    checks.append(
      try RecordChecks.same(
        document, as: try facts.member("record"), code: "build.document", what: "the record that the gate looked at",
        evidence: evidence))
    guard checks.outcome == .passed else { return checks }
    let record = try Record(statement)
    checks += try RecordChecks.judge(record, about: statement.subjects, evidence: evidence).prefixed("build.")
    guard let command = record.commands.first, record.commands.count == 1 else {
      return checks + [.failed("command", "build.command", "the record names not exactly one command", source: "A16")]
    }
    let stated = try Statement(parsing: try Envelope(parsing: try evidence.document(MemberName.provenance)).payload)
    let provenance = try ProvenanceDocument(JSONReader(stated.json))
    // As JSON, because a space inside an argument is not a space between two.
    let argv = JSON.array(command.argv.map { .string($0) }).canonicalText
    let expected = JSON.array(provenance.command.map { .string($0) }).canonicalText
    return checks + [
      .equal("command", "build.command", "the recorded build command", expected: expected, found: argv, source: "A16"),
      .equal("exit", "build.exit", "the exit code of the build", expected: "0", found: "\(command.exitCode)"),
    ]
  }
}

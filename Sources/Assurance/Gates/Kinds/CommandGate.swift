import Attestation
import Commands
import Diagnostics
import LinuxKit
import StrictJSON

/// A command that must end with 0, over files that it is known to have been given.
enum CommandGate: GateKind {
  static let name = "command"

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let command = try gate.command(in: workspace)
    let files = try await workspace.trackedFiles(gate.read)
    let result = try await command.run()
    // What a person needs to mend it; the digest in the record covers all of it.
    let said = String(decoding: (result.errors + result.output).prefix(4096), as: UTF8.self)
    let lines = said.split(separator: "\n").prefix(20).map { line in
      JSON.string(String(line.replacing(workspace.root + "/", with: "")))
    }
    return Observation(
      commands: [Record.Command(gate.run, result)], sample: files.count,
      [("exitCode", .integer(Int64(result.status.code))), ("said", .array(result.status.isSuccess ? [] : lines))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let code = try facts.member("exitCode").integer(in: 0...255)
    guard code != 0 else {
      return [.passed("exit", "the command ended with 0", expected: "0", found: "0")]
    }
    var checks: [Check] = []
    for (index, line) in try facts.member("said").elements().enumerated() {
      checks.append(.failed("said.\(index + 1)", "command.said", try line.text()))
    }
    return [
      .failed(
        "exit", "command.exit", "the command did not end with 0", expected: "0", found: "\(code)",
        hint: "run it by hand: \(gate.run.joined(separator: " "))")
    ] + checks
  }
}

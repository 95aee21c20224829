import Attestation
import Diagnostics
import StrictJSON

/// A requirement whose evidence this version of the toolkit cannot judge yet. It is never passed: it stands in a set so
/// that the verdict lists what is missing.
enum PendingGate: GateKind {
  static let name = "pending"
  static let parameters = ["reason"]

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let reason = try JSONReader(gate.parameters, pointer: "/parameters").member("reason").text()
    return Observation(notRun: .couldNotRun("gate.pending", reason))
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    [.notRun("judge", "gate.pending", "this version of the toolkit does not judge this gate")]
  }
}

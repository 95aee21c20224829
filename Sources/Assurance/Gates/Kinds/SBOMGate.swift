import Attestation
import Cryptography
import Diagnostics
import SBOM
import StrictJSON
import Wire

/// The bill of materials is well-formed and speaks of exactly the binaries that are released, by digest (P8-4).
enum SBOMGate: GateKind {
  static let name = "sbom"

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    try ReleasedBinaries.observe(gate, in: workspace)
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    var checks = try ReleasedBinaries.judge(facts, by: evidence)
    let document = try SBOMDocument(parsing: try evidence.document(MemberName.sbom))
    for problem in document.validate() { checks.append(Check("well-formed", problem)) }
    for subject in evidence.subjects {
      let id = "bound.\(subject.name)"
      do throws(Problem) {
        let stated = try document.sha256(ofBinary: subject.name)
        let measured = subject.digests.first { $0.algorithm == .sha256 }?.hex ?? "none"
        checks.append(
          .equal(
            id, "sbom.digest", "the SHA-256 of \(subject.name) in the bill of materials", expected: measured,
            found: stated, source: "P8-4", hint: "make the bill of materials anew, from these binaries"))
      } catch {
        checks.append(Check(id, error))
      }
    }
    let count = document.components.count
    let minimum = try evidence.policy.limit("sbom.minimum-components")
    checks.append(
      count >= minimum
        ? .passed(
          "components", "the bill of materials has enough components", expected: ">= \(minimum)", found: "\(count)")
        : .failed(
          "components", "sbom.too-few", "the bill of materials has too few components", expected: ">= \(minimum)",
          found: "\(count)"))
    return checks
  }
}

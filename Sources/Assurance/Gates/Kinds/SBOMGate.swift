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

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: Evidence) throws(Problem) -> [Check] {
    var checks = try ReleasedBinaries.judge(facts, by: evidence)
    let document = try SBOMDocument(parsing: try evidence.document("sbom.cdx.json"))
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

/// The binaries of the release, measured by the gate itself.
enum ReleasedBinaries {
  static func observe(_ gate: GateDefinition, in workspace: Workspace) throws(Problem) -> Observation {
    var binaries: [JSON] = []
    for path in gate.read {
      let digest = try Workspace.digest(of: "\(workspace.root)/\(path)")
      let name = path.split(separator: "/").last.map(String.init) ?? path
      binaries.append(["name": .string(name), "sha256": .string(digest.hex)])
    }
    return Observation(sample: binaries.count, [("binaries", .array(binaries))])
  }

  /// The measured binaries are the subjects of the release, and those are the ones that the policy names.
  static func judge(_ facts: JSONReader, by evidence: Evidence) throws(Problem) -> [Check] {
    var measured: [String] = []
    for element in try facts.member("binaries").elements() {
      let name = try element.member("name").text()
      measured.append("\(name) sha256:\(Hex.encode(try element.member("sha256").hex(count: 32)))")
    }
    let subjects = evidence.subjects.map { "\($0.name) \($0.digests[0])" }
    return [
      .equal(
        "binaries", "release.binaries", "the binaries on disk", expected: subjects.sorted().joined(separator: ", "),
        found: measured.sorted().joined(separator: ", "), source: "V10"),
      .equal(
        "subjects", "release.subjects", "the list of released binaries",
        expected: evidence.policy.subjects.sorted().joined(separator: ", "),
        found: evidence.subjects.map(\.name).sorted().joined(separator: ", ")),
    ]
  }
}

import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import Wire

/// The binaries of the release, measured by the gate itself.
enum ReleasedBinaries {
  static func observe(_ gate: GateDefinition, in workspace: Workspace) throws(Problem) -> Observation {
    var binaries: [JSON] = []
    for path in gate.read {
      let digest = try Workspace.digest(of: "\(workspace.root)/\(path)")
      let name = Path.name(of: path)
      binaries.append(["name": .string(name), "sha256": .string(digest.hex)])
    }
    return Observation(sample: binaries.count, [("binaries", .array(binaries))])
  }

  /// The measured binaries are the subjects of the release, and those are the ones that the policy names.
  static func judge(_ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
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

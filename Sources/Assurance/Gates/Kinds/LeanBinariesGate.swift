import Attestation
import Cryptography
import Diagnostics
import Inventory
import LinuxKit
import StrictJSON

/// The daemon's binary is small, asks for few libraries, and holds none of the modules that it must not link (PF1).
///
/// Everything is read off the released file itself: its size, its dynamic section, and the names of Swift modules that
/// the compiler leaves in it even when its symbols are stripped. A second binary is searched in the same run as a
/// control: it links a module of the list, so a search that finds nothing there proves nothing about the daemon.
enum LeanBinariesGate: GateKind {
  static let name = "lean-binaries"
  static let parameters = ["modules", "libraries", "maximum-bytes", "control"]

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let modules = try list("modules", of: gate)
    var binaries: [JSON] = []
    for path in gate.read { binaries.append(try look(at: "\(workspace.root)/\(path)", for: modules)) }
    let control = try JSONReader(gate.parameters, pointer: "/parameters").member("control").text()
    return Observation(
      sample: binaries.count,
      [("binaries", .array(binaries)), ("control", try look(at: "\(workspace.root)/\(control)", for: modules))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let libraries = try list("libraries", of: gate)
    let limit = try JSONReader(gate.parameters, pointer: "/parameters").member("maximum-bytes").integer()
    let found = try texts(try facts.member("control").member("modules"))
    var checks: [Check] = [
      found.isEmpty
        ? .failed(
          "control", "lean-binaries.blind", "the search found no module in the binary that has one, so it sees nothing",
          source: "V26")
        : .passed(
          "control", "the search finds modules where they are", found: found.joined(separator: ", "), source: "V26")
    ]
    for binary in try facts.member("binaries").elements() {
      let name = try binary.member("name").text()
      let digest = try binary.member("sha256").text()
      let isReleased = evidence.subjects.contains {
        $0.name.isExactly(name) && $0.digests.contains { $0.hex == digest }
      }
      checks.append(
        isReleased
          ? .passed("\(name).subject", "the binary is the released one", found: "sha256:\(digest)", source: "V10")
          : .failed(
            "\(name).subject", "lean-binaries.subject", "the binary is not one of the release",
            found: "sha256:\(digest)", source: "V10"))
      let size = try binary.member("bytes").integer()
      checks.append(
        size <= limit
          ? .passed(
            "\(name).size", "the binary is small", expected: "at most \(limit)", found: "\(size)", source: "PF1")
          : .failed(
            "\(name).size", "lean-binaries.size", "the binary is too large", expected: "at most \(limit)",
            found: "\(size)", source: "PF1"))
      checks += [
        none(
          of: try texts(try binary.member("modules")), "\(name).modules", "lean-binaries.module",
          "a module that it must not link"),
        none(
          of: try texts(try binary.member("libraries")).filter { !libraries.contains($0) }, "\(name).libraries",
          "lean-binaries.library", "a library that is not in the list"),
      ]
    }
    return checks
  }

  private static func none(of found: [String], _ id: String, _ code: String, _ what: String) -> Check {
    found.isEmpty
      ? .passed(id, "the binary holds no \(what.dropFirst(2))", source: "PF1")
      : .failed(id, code, "the binary holds \(what)", found: found.joined(separator: ", "), source: "PF1")
  }

  private static func list(_ name: String, of gate: GateDefinition) throws(Problem) -> [String] {
    let list = try texts(try JSONReader(gate.parameters, pointer: "/parameters").member(name))
    guard !list.isEmpty else { throw .malformed("gate.empty-list", "“\(name)” is empty", source: "V26") }
    return list
  }

  private static func texts(_ reader: JSONReader) throws(Problem) -> [String] {
    var result: [String] = []
    for element in try reader.elements(atMost: 64) { result.append(try element.text()) }
    return result
  }

  private static func look(at path: String, for modules: [String]) throws(Problem) -> JSON {
    let found = try SwiftModules.named(modules, in: path)
    var object = JSONObject()
    object["name"] = .string(Path.name(of: path))
    object["sha256"] = .string(try Workspace.digest(of: path).hex)
    object["bytes"] = .integer(Int64(try FileSystem.open(path).status().size))
    object["libraries"] = .array(try ELFFile(reading: path).needed.map { .string($0) })
    object["modules"] = .array(found.map { .string($0) })
    return .object(object)
  }
}

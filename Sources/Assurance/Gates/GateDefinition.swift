import Commands
public import Cryptography
public import Diagnostics
import LinuxKit
public import StrictJSON

/// How much an unmet gate matters (documents/rules.md).
public enum Severity: String, Sendable, CaseIterable {
  case critical, high, medium
}

/// A gate as its file in `gates/` defines it (`documents/specs/gate.md`).
public struct GateDefinition: Sendable {
  /// The name, which is also the file's.
  public let id: String
  /// One line for people.
  public let title: String
  /// The requirements that it proves.
  public let requirements: [String]
  /// How much it matters.
  public let severity: Severity
  /// How it is judged; one of `GateKinds.all`.
  public let kind: String
  /// The command that it runs; empty where it only reads.
  public let run: [String]
  /// The files and folders that it reads.
  public let read: [String]
  /// How many things it must have looked at to count, and what those are.
  public let minimum: (count: Int64, of: String)
  /// What the kind needs besides.
  public let parameters: JSON
  /// SHA-256 of the file, which a release policy pins.
  public let digest: Digest

  /// Reads a definition; unknown fields, a name that is not the file's, and a minimum of zero are malformed.
  public init(yaml bytes: [UInt8], name: String) throws(Problem) {
    let path = "gates/\(name).yaml"
    let reader = JSONReader(try YAML.parse(bytes, path: path))
    do throws(Problem) {
      try reader.closed(
        "id", "title", "requirements", "severity", "kind", "run", "read", "minimum", "parameters")
      id = try reader.member("id").token(atMost: 64)
      guard id == name else { throw reader.problem("gate.id", "the id “\(id)” is not the name of the file") }
      title = try reader.member("title").text(atMost: 200)
      requirements = try GateDefinition.list(try reader.member("requirements"))
      severity = try reader.member("severity").choice(Severity.self)
      kind = try reader.member("kind").token(atMost: 64)
      run = try GateDefinition.list(try reader.optional("run"))
      read = try GateDefinition.list(try reader.optional("read"))
      let minimum = try reader.member("minimum")
      try minimum.closed("count", "of")
      self.minimum = (
        try minimum.member("count").integer(in: 1...1_000_000), try minimum.member("of").text(atMost: 64)
      )
      parameters = try reader.optional("parameters")?.value ?? .object(JSONObject())
    } catch { throw error.at(path) }
    guard !requirements.isEmpty else {
      throw .malformed("gate.requirements", "the gate proves no requirement", place: path)
    }
    digest = Digest(of: bytes)
  }

  private static func list(_ reader: JSONReader?) throws(Problem) -> [String] {
    try reader?.texts(atMost: 256, length: 4096) ?? []
  }

  /// The command that the gate runs, in the root of the source tree.
  func command(in workspace: Workspace) throws(Problem) -> Command {
    guard let program = run.first else { throw .malformed("gate.run", "the gate names no command to run") }
    return Command(program, Array(run.dropFirst()), in: workspace.root)
  }

  /// The bytes of the definition of `id` in the folder `gates` of `root`.
  ///
  /// - Parameter pinned: what the policy says that its digest is; another file is neither parsed nor run.
  public static func load(
    _ id: String, root: String, pinned: Digest? = nil
  ) throws(Problem) -> (definition: GateDefinition, bytes: [UInt8]) {
    guard !id.isEmpty, id.utf8.allSatisfy({ (0x61...0x7a).contains($0) || $0 == 0x2d || (0x30...0x39).contains($0) })
    else { throw .usage("gate.id", "“\(id)” cannot be the id of a gate", hint: "rustynet-assure gate list") }
    let bytes = try FileSystem.read("\(root)/gates/\(id).yaml", limit: 1 << 18, links: .refused)
    if let pinned, pinned != Digest(of: bytes) {
      throw .refused(
        "gate.definition", "the definition of the gate is \(Digest(of: bytes)), not \(pinned)",
        place: "gates/\(id).yaml", source: "R2", hint: "a gate is changed by a new release policy: scripts/pin-policy")
    }
    return (try GateDefinition(yaml: bytes, name: id), bytes)
  }

  /// The ids of all gates of `root`, sorted.
  public static func all(root: String) throws(Problem) -> [String] {
    try FileSystem.list("\(root)/gates").filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
  }
}

/// A named selection of gates, from `gates/sets/NAME.yaml`.
public enum GateSet: String, Sendable, CaseIterable {
  /// What every commit must pass; needs no release.
  case commit
  case preview
  case release

  /// The gates of this set, in order; an empty set is malformed (V26).
  public func gates(root: String) throws(Problem) -> [String] {
    let path = "gates/sets/\(rawValue).yaml"
    let bytes = try FileSystem.read("\(root)/\(path)", limit: 1 << 16, links: .refused)
    let reader = JSONReader(try YAML.parse(bytes, path: path))
    var ids: [String] = []
    do throws(Problem) {
      try reader.closed("title", "gates")
      for element in try reader.member("gates").elements(atMost: 256) {
        let id = try element.token(atMost: 64)
        guard !ids.contains(id) else { throw element.problem("gate.set", "the gate “\(id)” stands twice") }
        ids.append(id)
      }
    } catch { throw error.at(path) }
    guard !ids.isEmpty else { throw .malformed("gate.empty-set", "the set holds no gate", place: path) }
    return ids
  }
}

public import Attestation
public import Diagnostics
public import StrictJSON

/// What a gate saw: the commands that it ran, and facts that say everything its judge needs.
public struct Observation: Sendable {
  /// The commands, as run.
  public var commands: [Record.Command]
  /// The facts. `sample` is the number of things looked at.
  public var facts: JSON

  /// An observation of `sample` things.
  public init(commands: [Record.Command] = [], sample: Int, _ facts: [(String, JSON)]) {
    self.commands = commands
    var object = JSONObject()
    object["sample"] = .integer(Int64(sample))
    for (key, value) in facts { object[key] = value }
    self.facts = .object(object)
  }

  /// An observation that could not be made; its judge says `not-run`.
  public init(notRun problem: Problem) {
    commands = []
    var reason = JSONObject()
    reason["code"] = .string(problem.code)
    reason["message"] = .string(problem.place.map { "\($0): \(problem.message)" } ?? problem.message)
    reason["hint"] = problem.hint.map { .string($0) }
    facts = ["notRun": .object(reason)]
  }
}

/// A way to look and a way to judge. Looking may run tools and read files; judging is a pure function.
protocol GateKind: Sendable {
  /// The name in gate files.
  static var name: String { get }
  /// The parameters that gates of this kind may have; any other is malformed.
  static var parameters: [String] { get }
  /// Looks, and writes down what it saw.
  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation
  /// Judges what was seen; a problem that it throws becomes a failed check.
  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check]
}

/// All kinds of gates.
enum GateKinds {
  static let all: [any GateKind.Type] = [
    LayersGate.self, CommandGate.self, SearchGate.self, DocumentsGate.self, TestsGate.self, SBOMGate.self,
    BuildGate.self,
    ProvenanceGate.self, ExceptionsGate.self, DependenciesGate.self, AlgorithmsGate.self, HardwareKeysGate.self,
    BackendAgilityGate.self,
    PendingGate.self,
  ]

  static func named(_ name: String) throws(Problem) -> any GateKind.Type {
    guard let kind = all.first(where: { $0.name == name }) else {
      throw .malformed(
        "gate.kind", "“\(name)” is no kind of gate", hint: "known: \(all.map { $0.name }.joined(separator: ", "))")
    }
    return kind
  }
}

extension GateKind {
  static var parameters: [String] { [] }
}

extension GateDefinition {
  /// Refuses a parameter that the kind does not know: it would look like a rule and be none.
  func requireKnownParameters(of kind: any GateKind.Type) throws(Problem) {
    for (key, value) in try JSONReader(parameters, pointer: "/parameters").members()
    where !kind.parameters.contains(where: { $0.isExactly(key) }) {
      throw value.problem("json.unknown-field", "a gate of the kind \(kind.name) has no parameter “\(key)”")
    }
  }

  /// Looks; a tool or a file that is missing is an observation too, one that is judged `not-run`.
  public func observe(in workspace: Workspace) async throws(Problem) -> Observation {
    let kind = try GateKinds.named(kind)
    try requireKnownParameters(of: kind)
    do throws(Problem) {
      return try await kind.observe(self, in: workspace)
    } catch {
      return Observation(notRun: error)
    }
  }

  /// Judges facts: what could not be looked at is not run, too small a sample fails, and the rest is for the kind.
  public func judge(_ facts: JSON, by evidence: GateEvidence) -> [Check] {
    do throws(Problem) {
      let kind = try GateKinds.named(kind)
      try requireKnownParameters(of: kind)
      let reader = JSONReader(facts, pointer: "/facts")
      if let reason = try reader.optional("notRun") {
        return [
          .notRun(
            "observed", try reason.member("code").text(), try reason.member("message").text(),
            hint: try reason.optional("hint")?.text())
        ]
      }
      let sample = try reader.member("sample").integer()
      let enough: Check =
        sample >= minimum.count
        ? .passed(
          "sample", "enough was looked at", expected: "at least \(minimum.count) \(minimum.of)", found: "\(sample)",
          source: "V26")
        : .failed(
          "sample", "gate.sample", "too little was looked at", expected: "at least \(minimum.count) \(minimum.of)",
          found: "\(sample)", source: "V26",
          hint: "a gate that matched nothing proves nothing; correct its paths")
      return [enough] + (try kind.judge(self, reader, by: evidence))
    } catch {
      return [Check("facts", error)]
    }
  }
}

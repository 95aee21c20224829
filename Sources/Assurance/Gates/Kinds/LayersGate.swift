import Attestation
import Commands
import Diagnostics
import StrictJSON

/// The package's targets import only what the layers allow: `gates/layers.yaml` against `swift package describe`.
enum LayersGate: GateKind {
  static let name = "layers"
  static let parameters = ["layers", "within", "products"]

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    var command = try gate.command(in: workspace)
    command.seconds = 300
    let result = try await command.runChecked()
    // The tool may print progress before the document.
    let output = Array(result.output.drop { $0 != UInt8(ascii: "{") })
    let package = JSONReader(try JSON(parsing: output))
    var targets: [JSON] = []
    for target in try package.member("targets").elements() {
      targets.append([
        "name": try target.member("name").value, "type": try target.member("type").value,
        "targets": try target.optional("target_dependencies")?.value ?? [],
        "products": try target.optional("product_dependencies")?.value ?? [],
      ])
    }
    return Observation(
      commands: [Record.Command(gate.run, result)], sample: targets.count, [("targets", .array(targets))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let rules = try LayerRules(JSONReader(gate.parameters, pointer: "/parameters"))
    var targets: [LayerRules.Target] = []
    for element in try facts.member("targets").elements(atMost: 512) { targets.append(try LayerRules.Target(element)) }
    return rules.judge(targets)
  }
}

/// Which target stands in which layer, and what it may import.
struct LayerRules {
  /// A target as the package describes it.
  struct Target {
    let name: String
    let isTest: Bool
    let targets: [String]
    let products: [String]

    init(_ reader: JSONReader) throws(Problem) {
      name = try reader.member("name").text()
      isTest = try reader.member("type").text() == "test"
      targets = try reader.member("targets").texts()
      products = try reader.member("products").texts()
    }
  }

  private var layerOf: [String: Int64] = [:]
  private var within: Set<[String]> = []
  private var productUsers: [String: Set<String>] = [:]

  init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("layers", "within", "products")
    for layer in try reader.member("layers").elements(atMost: 16) {
      try layer.closed("layer", "targets")
      let number = try layer.member("layer").integer(in: 0...15)
      for target in try layer.member("targets").texts() {
        guard layerOf.updateValue(number, forKey: target) == nil else {
          throw layer.problem("layers.duplicate", "the target \(target) stands in two layers")
        }
      }
    }
    for exception in try reader.member("within").elements() {
      try exception.closed("from", "to", "reason")
      _ = try exception.member("reason").text()
      within.insert([try exception.member("from").text(), try exception.member("to").text()])
    }
    for product in try reader.member("products").elements() {
      try product.closed("product", "targets", "reason")
      _ = try product.member("reason").text()
      productUsers[try product.member("product").text()] = Set(try product.member("targets").texts())
    }
  }

  /// A check for each target that is wrong, and one for all that are right.
  func judge(_ targets: [Target]) -> [Check] {
    let source = "documents/architecture.md; P1-1"
    var failures: [Check] = []
    func fail(_ target: String, _ code: String, _ message: String) {
      failures.append(
        .failed(
          "target.\(target)", code, message, source: source,
          hint: "import from below only, or change gates/layers.yaml with a reason"))
    }
    // Tests may import anything: they are no part of the product.
    let judged = targets.filter { !$0.isTest }
    for target in judged {
      guard let layer = layerOf[target.name] else {
        fail(target.name, "layers.unlisted", "the target \(target.name) stands in no layer")
        continue
      }
      for other in target.targets {
        guard let lower = layerOf[other] else { continue }
        if lower > layer {
          fail(target.name, "layers.upwards", "\(target.name) (layer \(layer)) imports \(other) (layer \(lower))")
        } else if lower == layer, !within.contains([target.name, other]) {
          fail(target.name, "layers.sideways", "\(target.name) imports \(other) of its own layer \(layer)")
        }
      }
      for product in target.products where !(productUsers[product]?.contains(target.name) ?? false) {
        fail(target.name, "layers.product", "\(target.name) uses the outside product \(product), which is not listed")
      }
    }
    let existing = Set(judged.map(\.name))
    for name in layerOf.keys.sorted() where !existing.contains(name) {
      fail(name, "layers.gone", "the layers name the target \(name), which the package does not have")
    }
    if let cycle = cycle(in: judged) {
      fail(cycle[0], "layers.cycle", "a cycle: \(cycle.joined(separator: " imports "))")
    }
    return failures.isEmpty
      ? [.passed("targets", "every target imports from below only", found: "\(judged.count) targets", source: source)]
      : failures
  }

  /// A path that comes back to where it started, nil where there is none.
  private func cycle(in targets: [Target]) -> [String]? {
    let edges = Dictionary(targets.map { ($0.name, $0.targets) }, uniquingKeysWith: { first, _ in first })
    var finished: Set<String> = []
    func visit(_ name: String, _ path: [String]) -> [String]? {
      if let start = path.firstIndex(of: name) { return path[start...] + [name] }
      guard !finished.contains(name) else { return nil }
      for next in edges[name] ?? [] {
        if let found = visit(next, path + [name]) { return found }
      }
      finished.insert(name)
      return nil
    }
    for target in targets {
      if let found = visit(target.name, []) { return found }
    }
    return nil
  }
}

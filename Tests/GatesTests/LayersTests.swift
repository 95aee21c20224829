import Attestation
import Diagnostics
import StrictJSON
import Testing

@testable import Gates

private let rules = """
  parameters:
    layers:
      - layer: 0
        targets: [A, B]
      - layer: 1
        targets: [C]
      - layer: 2
        targets: [P]
    within:
      - {from: B, to: A, reason: r}
    products:
      - {product: Lib, targets: [C], reason: r}
  """

private func target(
  _ name: String, _ targets: [JSON] = [], products: [JSON] = [], type: String = "library"
) -> JSON {
  ["name": .string(name), "type": .string(type), "targets": .array(targets), "products": .array(products)]
}

@Suite struct LayersTests {
  static let good: [JSON] = [
    target("A"), target("B", ["A"]), target("C", ["A", "B"], products: ["Lib"]),
    target("P", ["C", "A"], type: "executable"),
    target("PTests", ["P", "C"], products: ["Other"], type: "test"),
  ]

  /// The target that takes the place of one in `good`, and what is then wrong.
  static let rows: [(name: String, replaced: JSON?, code: [String])] = [
    ("nothing", nil, []), ("upwards", target("A", ["C"]), ["layers.upwards", "layers.cycle"]),
    ("two layers upwards", target("A", ["P"]), ["layers.upwards", "layers.cycle"]),
    ("sideways", target("A", ["B"]), ["layers.sideways", "layers.cycle"]),
    ("itself", target("A", ["A"]), ["layers.sideways", "layers.cycle"]),
    ("downwards only", target("C", ["A"], products: ["Lib"]), []), ("no product", target("C", ["B"]), []),
    ("a foreign product", target("C", ["B"], products: ["Other"]), ["layers.product"]),
    ("a product of another", target("P", ["C"], products: ["Lib"], type: "executable"), ["layers.product"]),
    ("unlisted", target("X"), ["layers.unlisted"]),
    ("unlisted macro", target("X", type: "macro"), ["layers.unlisted"]),
    ("unlisted plugin", target("X", type: "plugin"), ["layers.unlisted"]),
    ("an unlisted test", target("X", ["P"], type: "test"), []),
  ]

  @Test(arguments: rows) func judgesImports(_ row: (name: String, replaced: JSON?, code: [String])) throws {
    var targets = LayersTests.good
    if let replaced = row.replaced {
      if let index = targets.firstIndex(where: { member($0, "name") == member(replaced, "name") }) {
        targets[index] = replaced
      } else {
        targets.append(replaced)
      }
    }
    let gate = try definition("layers", rest: rules)
    let checks = gate.judge(
      ["sample": .integer(Int64(targets.count)), "targets": .array(targets)], by: try Sample().evidence)
    #expect(faults(checks) == row.code, "\(row.name)")
    #expect((checks.outcome == .passed) == row.code.isEmpty)
  }

  @Test func aTargetThatIsGoneIsFound() throws {
    let gate = try definition("layers", rest: rules)
    for index in 0..<4 {
      var targets = LayersTests.good
      targets.remove(at: index)
      let checks = gate.judge(["sample": 4, "targets": .array(targets)], by: try Sample().evidence)
      #expect(faults(checks) == ["layers.gone"])
    }
    #expect(faults(gate.judge(["sample": 1, "targets": []], by: try Sample().evidence)).count == 4)
  }

  @Test func twoCyclesThroughAnExceptionAreFound() throws {
    let both = rules.replacing(
      "{from: B, to: A, reason: r}", with: "{from: B, to: A, reason: r}\n    - {from: A, to: B, reason: r}")
    var targets = LayersTests.good
    targets[0] = target("A", ["B"])
    let checks = try definition("layers", rest: both).judge(
      ["sample": 5, "targets": .array(targets)], by: Sample().evidence)
    #expect(faults(checks) == ["layers.cycle"])
  }

  static let parameters: [(old: String, new: String, code: String)] = [
    ("reason: r}\n    products", "}\n    products", "json.missing-field"),
    ("targets: [C]\n", "targets: [C, A]\n", "layers.duplicate"),
    ("layer: 1", "layer: 16", "json.integer-range"), ("products:\n", "extra: 1\n  products:\n", "json.unknown-field"),
    ("{from: B", "{x: 1, from: B", "json.unknown-field"),
  ]

  @Test(arguments: parameters) func itsParametersAreClosed(_ row: (old: String, new: String, code: String)) throws {
    let old = row.old.replacing("\n    products", with: "\n  products")
    let new = row.new.replacing("\n    products", with: "\n  products")
    #expect(rules.contains(old))
    let gate = try definition("layers", rest: rules.replacing(old, with: new))
    #expect(faults(gate.judge(["sample": 1, "targets": []], by: try Sample().evidence)) == [row.code])
  }
}

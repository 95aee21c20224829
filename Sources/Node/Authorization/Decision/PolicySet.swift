public import Diagnostics

/// Policies, parsed and compiled. Immutable: a change is a new set.
public struct PolicySet: Sendable {
  /// The policies, in their order.
  public let policies: [Policy]
  let program: Program
  /// The node of each policy's condition.
  let conditions: [Program.Index]

  /// The policies of a text; every one, or none when a single one is wrong.
  ///
  /// - Throws: `cedar.…` with line and column. A text without a policy is valid, and denies everything.
  public init(parsing bytes: [UInt8], naming: PolicyNaming = .annotations) throws(Problem) {
    self.init(try PolicyParser.policies(in: bytes, naming: naming))
  }

  /// The policies of several files, in their order; ids must be unique over all of them.
  ///
  /// - Throws: what parsing throws, with the name of the file put before the place, and `cedar.duplicate-id`.
  public init(files: [(name: String, bytes: [UInt8])]) throws(Problem) {
    var policies: [Policy] = []
    var places: [String: String] = [:]
    for file in files {
      do throws(Problem) {
        for var policy in try PolicyParser.policies(in: file.bytes, naming: .annotations) {
          if let other = places.updateValue(file.name, forKey: policy.id) {
            throw .malformed(
              "cedar.duplicate-id", "two policies have the id “\(policy.id)”", place: "\(policy.position)",
              hint: "the other one stands in \(other); write @id(\"…\") before each policy")
          }
          policy.file = file.name
          policies.append(policy)
        }
      } catch { throw error.at(file.name) }
    }
    self.init(policies)
  }

  private init(_ policies: [Policy]) {
    self.policies = policies
    var program = Program()
    conditions = policies.map { program.add($0.condition) }
    self.program = program
  }
}

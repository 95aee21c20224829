public import Diagnostics

/// Judges policies by a schema, strictly: what is accepted fails for no other reason than an overflow, an entity that is
/// not known, or a limit.
///
/// Source: docs.cedarpolicy.com, “Policy validation”, strict mode, and the formal model's type checker.
public struct PolicyValidator: Sendable {
  /// What the validator has to say of policies.
  public struct Report: Sendable {
    /// Why policies are refused; empty when all are valid.
    public var problems: [Problem] = []
    /// Policies that are valid, and can never apply.
    public var idle: [Problem] = []
  }

  private let schema: Schema

  /// A validator by `schema`.
  public init(_ schema: Schema) { self.schema = schema }

  /// Judges every policy, for each sort of request that the schema allows.
  public func judge(_ policies: PolicySet) -> Report {
    var report = Report()
    for policy in policies.policies { judge(policy, into: &report) }
    return report
  }

  /// Refuses policies of which one is not valid: with the first problem.
  ///
  /// - Throws: `validation.…` with line and column.
  public func require(_ policies: PolicySet) throws(Problem) {
    if let first = judge(policies).problems.first { throw first }
  }

  private func judge(_ policy: Policy, into report: inout Report) {
    let condition = policy.condition
    let before = report.problems.count
    var seen: Set<String> = []
    func add(_ problem: Problem) {
      let named = PolicyValidator.named(problem, policy)
      if seen.insert("\(named)").inserted { report.problems.append(named) }
    }
    for problem in names(in: condition) { add(problem) }
    if let problem = application(of: policy) { add(problem) }
    var canApply = false
    for action in schema.actions.values.sorted(by: { $0.uid < $1.uid }) {
      for principal in action.principals.sorted() {
        for resource in action.resources.sorted() {
          let checker = TypeChecker(schema: schema, action: action, principal: principal, resource: resource)
          do throws(Problem) {
            canApply = try checker.bool(condition, []).type != .bool(false) || canApply
          } catch { add(error) }
        }
      }
    }
    if report.problems.count == before, !canApply {
      report.idle.append(
        PolicyValidator.named(
          .malformed("validation.idle", "the policy can never apply", place: "\(policy.position)"), policy))
    }
  }

  private static func named(_ problem: Problem, _ policy: Policy) -> Problem {
    var problem = problem
    problem.message = "policy “\(policy.id)”: \(problem.message)"
    return policy.file.map { problem.at($0) } ?? problem
  }

  // MARK: names

  /// Types, actions and entities of enumerated types that the schema does not have, wherever they stand.
  private func names(in expression: Expression) -> [Problem] {
    var problems: [Problem] = []
    var open = [expression]
    while let next = open.popLast() {
      open += next.kind.children.reversed()
      switch next.kind {
      case .literal(.entity(let uid)): problems += problem(with: uid, at: next.position).map { [$0] } ?? []
      case .isType(_, let type) where schema.entityTypes[type] == nil && !schema.actionTypes.contains(type):
        problems.append(TypeChecker.problem("entity-type", "the schema has no type “\(type)”", at: next.position))
      default: continue
      }
    }
    return problems
  }

  private func problem(with uid: EntityUID, at position: SourcePosition) -> Problem? {
    if uid.isAction {
      return schema.actions[uid] != nil
        ? nil : TypeChecker.problem("action", "the schema has no action \(uid)", at: position)
    }
    guard let type = schema.entityTypes[uid.type] else {
      return TypeChecker.problem("entity-type", "the schema has no type “\(uid.type)”", at: position)
    }
    guard let ids = type.ids, !ids.contains(uid.id) else { return nil }
    return TypeChecker.problem(
      "entity-id", "\(uid) is none of the entities of its enumerated type", at: position,
      hint: "they are \(ids.sorted().map(\.quoted).joined(separator: ", "))")
  }

  // MARK: head

  /// That no action of the head is for its principals and its resources.
  private func application(of policy: Policy) -> Problem? {
    let principals = types(policy.principal)
    let resources = types(policy.resource)
    let fits = actions(policy.action).contains { action in
      !action.principals.isDisjoint(with: principals) && !action.resources.isDisjoint(with: resources)
    }
    return fits
      ? nil
      : TypeChecker.problem(
        "application", "no action of the head applies to its principals and resources", at: policy.position)
  }

  private func types(_ constraint: Policy.Constraint) -> Set<Text> {
    switch constraint {
    case .any: Set(schema.entityTypes.keys)
    case .equal(let uid): [uid.type]
    case .isIn(let uid): Set(schema.entityTypes.keys.filter { schema.canBe($0, in: uid.type) })
    case .isType(let type): [type]
    case .isTypeIn(let type, let uid): schema.canBe(type, in: uid.type) ? [type] : []
    }
  }

  private func actions(_ constraint: Policy.ActionConstraint) -> [Schema.Action] {
    switch constraint {
    case .any: Array(schema.actions.values)
    case .equal(let uid): schema.actions[uid].map { [$0] } ?? []
    case .isIn(let uid): schema.actions.values.filter { schema.isAction($0.uid, in: uid) }
    case .isInAny(let uids):
      schema.actions.values.filter { action in uids.contains { schema.isAction(action.uid, in: $0) } }
    }
  }
}

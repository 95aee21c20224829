/// A policy as it was written.
public struct Policy: Sendable {
  /// What a policy that is satisfied does.
  public enum Effect: String, Sendable { case permit, forbid }

  /// What the head says of principal or resource.
  enum Constraint: Hashable, Sendable {
    case any
    case equal(EntityUID)
    case isIn(EntityUID)
    case isType(Text)
    case isTypeIn(Text, EntityUID)
  }

  /// What the head says of the action.
  enum ActionConstraint: Hashable, Sendable {
    case any
    case equal(EntityUID)
    case isIn(EntityUID)
    case isInAny([EntityUID])
  }

  /// The name: what `@id` says, or `policyN` by its place in the text, from 0.
  public let id: String
  /// What it does when it is satisfied.
  public let effect: Effect
  /// Annotations by name, in the order of the text; they decide nothing.
  public let annotations: [(name: String, value: String)]
  /// Where it begins.
  public let position: SourcePosition
  /// The file that it stands in, where it came from one.
  public internal(set) var file: String?
  let principal: Constraint
  let action: ActionConstraint
  let resource: Constraint
  /// The conditions; those of `unless` are negated already.
  let conditions: [Expression]

  /// Where it begins, with the file.
  public var place: String { file.map { "\($0):\(position)" } ?? "\(position)" }

  /// The whole condition: head and conditions.
  var condition: Expression {
    var parts: [Expression] = []
    parts += expression(principal, of: .principal)
    parts += actionExpression
    parts += expression(resource, of: .resource)
    parts += conditions
    guard parts.count != 1 || !conditions.isEmpty else { return parts[0] }
    // `true &&` keeps that a condition must be a boolean.
    return Expression(.and([Expression(.literal(.bool(true)), at: position)] + parts), at: position)
  }

  private func expression(_ constraint: Constraint, of variable: Variable) -> [Expression] {
    let name = Expression(.variable(variable), at: position)
    func entity(_ uid: EntityUID) -> Expression { Expression(.literal(.entity(uid)), at: position) }
    return switch constraint {
    case .any: []
    case .equal(let uid): [Expression(.binary(.equal, name, entity(uid)), at: position)]
    case .isIn(let uid): [Expression(.binary(.isIn, name, entity(uid)), at: position)]
    case .isType(let type): [Expression(.isType(name, type), at: position)]
    case .isTypeIn(let type, let uid):
      [
        Expression(.isType(name, type), at: position),
        Expression(.binary(.isIn, name, entity(uid)), at: position),
      ]
    }
  }

  private var actionExpression: [Expression] {
    let name = Expression(.variable(.action), at: position)
    func entity(_ uid: EntityUID) -> Expression { Expression(.literal(.entity(uid)), at: position) }
    return switch action {
    case .any: []
    case .equal(let uid): [Expression(.binary(.equal, name, entity(uid)), at: position)]
    case .isIn(let uid): [Expression(.binary(.isIn, name, entity(uid)), at: position)]
    case .isInAny(let uids):
      [Expression(.binary(.isIn, name, Expression(.set(uids.map(entity)), at: position)), at: position)]
    }
  }
}

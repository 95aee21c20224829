/// Decides requests by policies and entities.
///
/// Denied unless a policy permits; one that forbids wins over every one that permits; a policy that cannot be evaluated
/// is skipped and named (P6-1, C6). Making one looks at every policy for every known action; a decision then evaluates
/// only those whose head can fit, and allocates nothing.
public struct Authorizer: Sendable {
  /// What was decided, and by which policies.
  public struct Decision: Sendable, Hashable {
    /// Whether the request is allowed.
    public let isAllowed: Bool
    /// The policies that decided: those that forbid, or else those that permit; none when nothing fitted.
    public let reasons: PolicyMask
    /// The policies that could not be evaluated.
    public let errors: PolicyMask
  }

  /// The policies.
  public let policies: PolicySet
  /// The entities.
  public let entities: Entities
  private let all: [Int32]
  private let byAction: [EntityUID: [Int32]]

  /// An authorizer for policies and entities; both are fixed for its life.
  public init(_ policies: PolicySet, _ entities: Entities) {
    self.policies = policies
    self.entities = entities
    all = Array(0..<Int32(policies.policies.count))
    var byAction: [EntityUID: [Int32]] = [:]
    for entity in entities.all where entity.uid.isAction {
      byAction[entity.uid] = all.filter { Authorizer.fits(policies.policies[Int($0)].action, entity) }
    }
    self.byAction = byAction
  }

  private static func fits(_ constraint: Policy.ActionConstraint, _ action: Entity) -> Bool {
    switch constraint {
    case .any: true
    case .equal(let uid): uid == action.uid
    case .isIn(let uid): uid == action.uid || action.isDescendant(of: uid)
    case .isInAny(let uids): uids.contains { $0 == action.uid || action.isDescendant(of: $0) }
    }
  }

  /// Decides one request.
  public func decide(_ request: Request) -> Decision {
    let evaluator = Evaluator(policies.program, entities, request)
    var permits = PolicyMask()
    var forbids = PolicyMask()
    var errors = PolicyMask()
    for place in byAction[request.action] ?? all {
      do throws(EvaluationFailure) {
        guard try evaluator.bool(policies.conditions[Int(place)]) else { continue }
        switch policies.policies[Int(place)].effect {
        case .permit: permits.insert(Int(place))
        case .forbid: forbids.insert(Int(place))
        }
      } catch {
        errors.insert(Int(place))
      }
    }
    let isAllowed = forbids.isEmpty && !permits.isEmpty
    return Decision(isAllowed: isAllowed, reasons: forbids.isEmpty ? permits : forbids, errors: errors)
  }

  /// The policies behind a mask.
  public func policies(in mask: PolicyMask) -> [Policy] { mask.places.map { policies.policies[$0] } }

  /// Why policies were skipped in the decision on `request`.
  public func errors(_ mask: PolicyMask, in request: Request) -> [PolicyError] {
    let evaluator = Evaluator(policies.program, entities, request)
    return mask.places.compactMap { place in
      do throws(EvaluationFailure) {
        _ = try evaluator.bool(policies.conditions[place])
        return nil
      } catch {
        let position = policies.program.positions[Int(error.node)]
        let policy = policies.policies[place]
        return PolicyError(
          policy: policy.id, code: error.reason.code, message: error.reason.message,
          place: policy.file.map { "\($0):\(position)" } ?? "\(position)")
      }
    }
  }
}

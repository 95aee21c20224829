public import Diagnostics

/// The entities that a decision knows of.
public struct Entities: Sendable {
  /// How many entities there may be, and how many memberships all of them together may have, directly or not.
  static let limits = (entities: 100_000, memberships: 2_000_000)

  private let byName: [EntityUID: Entity]

  /// No entity.
  public init() { byName = [:] }

  /// The entities of `facts`, with the groups above each.
  ///
  /// - Throws: `entities.duplicate`, `entities.cycle` or `entities.too-many`.
  public init(_ facts: [EntityFacts]) throws(Problem) {
    guard facts.count <= Entities.limits.entities else {
      throw .malformed("entities.too-many", "there are more than \(Entities.limits.entities) entities")
    }
    var known: [EntityUID: EntityFacts] = [:]
    for fact in facts {
      guard known.updateValue(fact, forKey: fact.uid) == nil else {
        throw .malformed("entities.duplicate", "the entity \(fact.uid) stands twice")
      }
    }
    var closure = Closure(known: known)
    var entities: [EntityUID: Entity] = [:]
    for fact in facts {
      entities[fact.uid] = Entity(
        fact.uid, attributes: fact.attributes, tags: fact.tags, parents: fact.parents,
        ancestors: try closure.ancestors(of: fact.uid))
    }
    byName = entities
  }

  /// The entity of a name, nil where it is not known.
  public subscript(uid: EntityUID) -> Entity? { byName[uid] }

  /// All entities, in no order.
  public var all: some Collection<Entity> { byName.values }

  /// How many there are.
  public var count: Int { byName.count }
}

/// The groups above each entity, found once for each.
private struct Closure {
  let known: [EntityUID: EntityFacts]
  var found: [EntityUID: Set<EntityUID>] = [:]
  var remaining = Entities.limits.memberships

  init(known: [EntityUID: EntityFacts]) { self.known = known }

  /// All groups above `start`; the walk keeps its own stack, because a hierarchy may be deep.
  mutating func ancestors(of start: EntityUID) throws(Problem) -> Set<EntityUID> {
    if let done = found[start] { return done }
    var open: Set<EntityUID> = [start]
    var stack: [(uid: EntityUID, next: Int, groups: Set<EntityUID>)] = [(start, 0, [])]
    while let top = stack.last {
      let parents = known[top.uid]?.parents ?? []
      if top.next == parents.count {
        stack.removeLast()
        open.remove(top.uid)
        remaining -= top.groups.count
        guard remaining >= 0 else {
          throw .malformed("entities.too-many", "there are more than \(Entities.limits.memberships) memberships")
        }
        found[top.uid] = top.groups
        if !stack.isEmpty { stack[stack.count - 1].groups.formUnion(top.groups) }
        continue
      }
      let parent = parents[top.next]
      stack[stack.count - 1].next += 1
      stack[stack.count - 1].groups.insert(parent)
      guard !open.contains(parent) else {
        throw .malformed(
          "entities.cycle", "the entity \(parent) is in a group that is in itself", hint: "take one of the parents away"
        )
      }
      if let done = found[parent] {
        stack[stack.count - 1].groups.formUnion(done)
      } else {
        open.insert(parent)
        stack.append((parent, 0, []))
      }
    }
    return found[start] ?? []
  }
}

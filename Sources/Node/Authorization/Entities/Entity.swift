/// An entity that is known: its attributes, its tags, and all groups that it is in, directly or not.
public final class Entity: Sendable {
  /// Its name.
  public let uid: EntityUID
  /// Its attributes.
  public let attributes: Record
  /// Its tags.
  public let tags: Record
  /// The groups that it is in directly.
  public let parents: [EntityUID]
  /// All groups above it. Those that are not known as entities are there too.
  public let ancestors: Set<EntityUID>
  /// Up to this many groups are compared one by one.
  private let few: [EntityUID]

  init(_ uid: EntityUID, attributes: Record, tags: Record, parents: [EntityUID], ancestors: Set<EntityUID>) {
    self.uid = uid
    self.attributes = attributes
    self.tags = tags
    self.parents = parents
    self.ancestors = ancestors
    few = ancestors.count <= 8 ? Array(ancestors) : []
  }

  /// Whether `group` is one of the groups above it.
  func isDescendant(of group: EntityUID) -> Bool {
    if few.count == ancestors.count {
      for one in few where one == group { return true }
      return false
    }
    return ancestors.contains(group)
  }
}

/// An entity as a document gives it, before its place in the hierarchy is known.
public struct EntityFacts: Sendable {
  /// Its name.
  public let uid: EntityUID
  /// Its attributes.
  public var attributes: Record
  /// Its tags.
  public var tags: Record
  /// The groups that it is in directly.
  public var parents: [EntityUID]

  /// Facts of an entity.
  public init(
    _ uid: EntityUID, attributes: Record = Record(), tags: Record = Record(), parents: [EntityUID] = []
  ) {
    self.uid = uid
    self.attributes = attributes
    self.tags = tags
    self.parents = parents
  }
}

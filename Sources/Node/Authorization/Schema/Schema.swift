public import Diagnostics

/// What entities, actions and contexts there are, and of which types.
public struct Schema: Sendable {
  /// A type of entities.
  struct EntityType: Sendable {
    let name: Text
    /// The types of its groups, at any distance; itself not included.
    var ancestors: Set<Text>
    var parents: Set<Text>
    let attributes: RecordType
    /// The type of its tags; nil where it has none.
    let tags: SchemaType?
    /// The only ids that there are, for an enumerated type.
    let ids: Set<Text>?
  }

  /// An action, and what it applies to.
  struct Action: Sendable {
    let uid: EntityUID
    /// The groups that it is in directly.
    let parents: [EntityUID]
    /// The groups that it is in, at any distance; itself not included.
    var ancestors: Set<EntityUID>
    let principals: Set<Text>
    let resources: Set<Text>
    let context: RecordType
  }

  let entityTypes: [Text: EntityType]
  let actions: [EntityUID: Action]
  /// The types of the actions.
  let actionTypes: Set<Text>

  /// Reads a schema: JSON where it begins with `{`, else the form for people.
  ///
  /// - Throws: `schema.…` or `json.…` with line and column.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    let isJSON = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) } == UInt8(ascii: "{")
    try self.init(isJSON ? try SchemaJSONReader.namespaces(in: bytes) : try SchemaParser.namespaces(in: bytes))
  }

  init(_ namespaces: [SchemaNamespace]) throws(Problem) {
    var resolver = try SchemaResolver(namespaces)
    try resolver.checkCommonTypes()
    entityTypes = try resolver.entityTypes()
    actions = try resolver.actions()
    actionTypes = Set(actions.keys.map(\.type))
  }

  /// The actions as entities: what `in` asks about.
  public var actionEntities: [EntityFacts] { actions.values.map { EntityFacts($0.uid, parents: $0.parents) } }

  /// Whether entities of a type can be in those of another, or are of the same.
  func canBe(_ type: Text, in group: Text) -> Bool {
    type == group || entityTypes[type]?.ancestors.contains(group) == true
      || actionTypes.contains(type)
        && actions.values.contains {
          $0.uid.type == type && $0.ancestors.contains { $0.type == group }
        }
  }

  /// Whether an action is another one, or in it.
  func isAction(_ uid: EntityUID, in group: EntityUID) -> Bool {
    uid == group || actions[uid]?.ancestors.contains(group) == true
  }

  /// The principals, actions and resources that a request may name.
  public var shape: [(action: EntityUID, principals: [String], resources: [String])] {
    actions.values.sorted { $0.uid < $1.uid }.map {
      ($0.uid, $0.principals.map(\.string).sorted(), $0.resources.map(\.string).sorted())
    }
  }
}

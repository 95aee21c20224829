import Diagnostics

/// Turns the names of a schema into types.
///
/// A name is looked for in this order: common types, then entity types of its own namespace, the same without a
/// namespace, then what is built in (docs.cedarpolicy.com, “Schema syntax”, name resolution).
struct SchemaResolver {
  /// How many parts all types together may have: common types can double with each level. Memberships in groups, direct
  /// or not, and sorts of requests, count besides.
  private static let sizeLimit = 100_000
  /// How many sorts of requests there may be: actions by types of principals by types of resources. Each policy is judged
  /// for all of them.
  private static let requestLimit = 20_000

  private let namespaces: [SchemaNamespace]
  private var commons: [String: (form: SchemaNamespace.TypeForm, namespace: String, place: String)] = [:]
  private var entityNames: Set<String> = []
  /// The types of actions: types of attributes too, and of nothing else.
  private var actionTypes: Set<String> = []
  private var resolved: [String: (type: SchemaType, size: Int)] = [:]
  private var open: Set<String> = []
  private var size = 0

  init(_ namespaces: [SchemaNamespace]) throws(Problem) {
    self.namespaces = namespaces
    var names: Set<String> = []
    for space in namespaces {
      if !space.actions.isEmpty { actionTypes.insert(SchemaResolver.qualified("Action", in: space.name)) }
      guard names.insert(space.name).inserted else {
        throw .malformed("schema.duplicate", "the namespace “\(space.name)” stands twice")
      }
      for common in space.commonTypes {
        let name = SchemaResolver.qualified(common.name, in: space.name)
        guard commons.updateValue((common.type, space.name, common.place), forKey: name) == nil else {
          throw SchemaResolver.duplicate(name, at: common.place)
        }
      }
      for entity in space.entities {
        let name = SchemaResolver.qualified(entity.name, in: space.name)
        guard entityNames.insert(name).inserted else { throw SchemaResolver.duplicate(name, at: entity.place) }
        guard entity.name != "Action" else {
          throw .malformed("schema.reserved", "“Action” is the type of the actions", place: entity.place)
        }
      }
    }
    try SchemaResolver.refuseShadows(in: namespaces)
  }

  /// What stands outside of every namespace is named without one, so nothing in a namespace may have its name
  /// (Cedar, RFC 70).
  private static func refuseShadows(in namespaces: [SchemaNamespace]) throws(Problem) {
    let outside = namespaces.filter(\.name.isEmpty)
    let types = Set(outside.flatMap { $0.entities.map(\.name) + $0.commonTypes.map(\.name) })
    let actions = Set(outside.flatMap { $0.actions.map { Text($0.id) } })
    for space in namespaces where !space.name.isEmpty {
      let places =
        space.entities.filter { types.contains($0.name) }.map(\.place)
        + space.commonTypes.filter { types.contains($0.name) }.map(\.place)
        + space.actions.filter { actions.contains(Text($0.id)) }.map(\.place)
      if let place = places.first {
        throw .malformed(
          "schema.shadow", "the namespace “\(space.name)” declares again what is declared outside of every namespace",
          place: place, source: "Cedar, RFC 70", hint: "give one of both another name")
      }
    }
  }

  private static func qualified(_ name: String, in namespace: String) -> String {
    namespace.isEmpty || name.contains("::") ? name : "\(namespace)::\(name)"
  }

  private static func duplicate(_ name: String, at place: String) -> Problem {
    .malformed("schema.duplicate", "“\(name)” is declared twice", place: place, source: "Cedar, schema")
  }

  private func unknown(_ what: String, _ name: String, at place: String) -> Problem {
    .malformed(
      "schema.unknown", "there is no \(what) “\(name)”", place: place, source: "Cedar, schema",
      hint: "declare it, or write its namespace before it")
  }

  private mutating func count(_ parts: Int) throws(Problem) {
    size += parts
    guard size <= SchemaResolver.sizeLimit else {
      throw .malformed("schema.size", "the types of the schema have more than \(SchemaResolver.sizeLimit) parts")
    }
  }

  // MARK: declarations

  mutating func entityTypes() throws(Problem) -> [Text: Schema.EntityType] {
    var types: [Text: Schema.EntityType] = [:]
    for space in namespaces {
      for form in space.entities {
        let name = Text(SchemaResolver.qualified(form.name, in: space.name))
        guard case .record(let attributes) = try type(form.shape, in: space.name, at: form.place) else {
          throw .malformed("schema.shape", "the shape of “\(name)” is no record", place: form.place)
        }
        var parents: Set<Text> = []
        for parent in form.parents { parents.insert(try entityName(parent, in: space.name, at: form.place)) }
        var tags: SchemaType?
        if let written = form.tags { tags = try type(written, in: space.name, at: form.place) }
        types[name] = Schema.EntityType(
          name: name, ancestors: parents, parents: parents, attributes: attributes, tags: tags,
          ids: form.ids.map { Set($0.map { Text($0) }) })
      }
    }
    for name in types.keys {
      var all: Set<Text> = []
      var rest = Array(types[name]?.parents ?? [])
      while let next = rest.popLast() {
        if all.insert(next).inserted { rest += types[next]?.parents ?? [] }
      }
      try count(all.count)
      types[name]?.ancestors = all
    }
    return types
  }

  mutating func actions() throws(Problem) -> [EntityUID: Schema.Action] {
    var actions: [EntityUID: Schema.Action] = [:]
    for space in namespaces {
      for form in space.actions {
        let uid = EntityUID(type: Text(SchemaResolver.qualified("Action", in: space.name)), id: Text(form.id))
        guard case .record(let context) = try type(form.context, in: space.name, at: form.place) else {
          throw .malformed("schema.context", "the context of \(uid) is no record", place: form.place)
        }
        var principals: Set<Text> = []
        for name in form.principals { principals.insert(try entityName(name, in: space.name, at: form.place)) }
        var resources: Set<Text> = []
        for name in form.resources { resources.insert(try entityName(name, in: space.name, at: form.place)) }
        let action = Schema.Action(
          uid: uid, parents: form.parents.map { parent($0, in: space.name) }, ancestors: [], principals: principals,
          resources: resources, context: context)
        guard actions.updateValue(action, forKey: uid) == nil else {
          throw SchemaResolver.duplicate("\(uid)", at: form.place)
        }
      }
    }
    try close(&actions)
    guard actions.values.reduce(0, { $0 + $1.principals.count * $1.resources.count }) <= SchemaResolver.requestLimit
    else {
      throw .malformed("schema.size", "the schema has more than \(SchemaResolver.requestLimit) sorts of requests")
    }
    return actions
  }

  /// A group of actions; a type without a namespace is the one at hand, unless only the other one exists.
  private func parent(_ parent: (type: String?, id: String), in namespace: String) -> EntityUID {
    let own = EntityUID(type: Text(SchemaResolver.qualified("Action", in: namespace)), id: Text(parent.id))
    let type = parent.type ?? "Action"
    if type == "Action", namespaces.contains(where: { $0.name == namespace && $0.has(parent.id) }) { return own }
    return EntityUID(type: Text(type), id: Text(parent.id))
  }

  private mutating func close(_ actions: inout [EntityUID: Schema.Action]) throws(Problem) {
    for action in actions.values {
      for parent in action.parents where actions[parent] == nil {
        throw .malformed("schema.unknown", "there is no action \(parent), in which \(action.uid) would be")
      }
    }
    for uid in actions.keys {
      var all: Set<EntityUID> = []
      var rest = actions[uid]?.parents ?? []
      while let next = rest.popLast() {
        if all.insert(next).inserted { rest += actions[next]?.parents ?? [] }
      }
      try count(all.count)
      guard !all.contains(uid) else {
        throw .malformed("schema.cycle", "the action \(uid) is in a group that is in itself")
      }
      actions[uid]?.ancestors = all
    }
  }

  // MARK: names

  private func entityName(_ name: String, in namespace: String, at place: String) throws(Problem) -> Text {
    for candidate in [SchemaResolver.qualified(name, in: namespace), name] where entityNames.contains(candidate) {
      return Text(candidate)
    }
    throw unknown("entity type", name, at: place)
  }

  private mutating func type(
    _ form: SchemaNamespace.TypeForm, in namespace: String, at place: String
  ) throws(Problem) -> SchemaType {
    do throws(Problem) { try count(1) } catch { throw error.at(place) }
    switch form {
    case .builtIn(let name):
      guard let type = SchemaResolver.builtIn[name] else { throw unknown("built-in type", name, at: place) }
      return type
    case .extensionType(let name):
      guard let type = SchemaResolver.builtIn[name], type.constructor != nil else {
        throw unknown("extension type", name, at: place)
      }
      return type
    case .entity(let name):
      if let type = actionType(name, in: namespace) { return .entity(type) }
      return .entity(try entityName(name, in: namespace, at: place))
    case .set(let element): return .set(try type(element, in: namespace, at: place))
    case .record(let attributes):
      var record = RecordType()
      for attribute in attributes {
        let type = try type(attribute.type, in: namespace, at: place)
        guard
          record.attributes.updateValue(
            RecordType.Attribute(type: type, isRequired: attribute.isRequired), forKey: Text(attribute.name)) == nil
        else { throw SchemaResolver.duplicate(attribute.name, at: place) }
      }
      return .record(record)
    case .name(let name): return try named(name, in: namespace, at: place)
    case .common(let name): return try named(name, in: namespace, at: place, withEntities: false)
    }
  }

  private static let builtIn: [String: SchemaType] = [
    "Long": .long, "String": .string, "Bool": .bool(nil), "Boolean": .bool(nil), "ipaddr": .ip, "decimal": .decimal,
    "datetime": .datetime, "duration": .duration,
  ]

  private mutating func named(
    _ name: String, in namespace: String, at place: String, withEntities: Bool = true
  ) throws(Problem) -> SchemaType {
    for candidate in [SchemaResolver.qualified(name, in: namespace), name] {
      if commons[candidate] != nil { return try common(candidate, at: place) }
      if entityNames.contains(candidate) {
        guard withEntities else { throw unknown("common type", name, at: place) }
        return .entity(Text(candidate))
      }
    }
    if withEntities, let type = actionType(name, in: namespace) { return .entity(type) }
    let bare = name.hasPrefix("__cedar::") ? String(name.dropFirst(9)) : name
    // `Boolean` is the name of the type in JSON alone.
    guard bare != "Boolean", let type = SchemaResolver.builtIn[bare] else { throw unknown("type", name, at: place) }
    return type
  }

  private func actionType(_ name: String, in namespace: String) -> Text? {
    [SchemaResolver.qualified(name, in: namespace), name].first { actionTypes.contains($0) }.map { Text($0) }
  }

  private mutating func common(_ name: String, at place: String) throws(Problem) -> SchemaType {
    if let known = resolved[name] {
      do throws(Problem) { try count(known.size) } catch { throw error.at(place) }
      return known.type
    }
    guard let common = commons[name], open.insert(name).inserted else {
      throw .malformed("schema.cycle", "the type “\(name)” is made of itself", place: place)
    }
    guard open.count <= 64 else {
      throw .malformed("schema.depth", "common types are nested deeper than 64", place: place)
    }
    let before = size
    let type = try type(common.form, in: common.namespace, at: common.place)
    open.remove(name)
    resolved[name] = (type, size - before)
    return type
  }

  /// Resolves every common type, so that a wrong one is found though nothing uses it.
  mutating func checkCommonTypes() throws(Problem) {
    for (name, common) in commons.sorted(by: { $0.key < $1.key }) {
      _ = try self.common(name, at: common.place)
    }
  }
}

extension SchemaNamespace {
  fileprivate func has(_ action: String) -> Bool { actions.contains { $0.id == action } }
}

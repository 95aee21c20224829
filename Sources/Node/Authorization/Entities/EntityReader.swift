public import Diagnostics
public import StrictJSON

/// Reads entities and contexts in Cedar's JSON format (docs.cedarpolicy.com, “Entities and context syntax”).
///
/// With a schema, values may be written the short way (`"10.0.0.1"` for an address, `{"type": …, "id": …}` for an
/// entity), what does not conform is refused, and the actions of the schema are entities too.
public struct EntityReader: Sendable {
  /// What a document of entities may hold.
  public static let limits = JSON.Limits(
    size: 16 << 20, depth: 64, values: 1_000_000, integers: .min ... .max)

  let schema: Schema?

  /// A reader by `schema`, or without one.
  public init(schema: Schema? = nil) { self.schema = schema }

  /// The entities of a document: a list of `{"uid", "attrs", "parents", "tags"}`.
  ///
  /// - Throws: `json.…` or `entities.…` with line and column and the JSON pointer.
  public func entities(parsing bytes: [UInt8]) throws(Problem) -> Entities {
    let facts = try JSON.decode(bytes, limits: EntityReader.limits) { root throws(Problem) in
      var facts: [EntityFacts] = []
      for element in try root.elements(atMost: 100_000) { facts.append(try entity(element)) }
      return facts
    }
    return try entities(facts)
  }

  /// Entities by their facts, with the actions of the schema.
  public func entities(_ facts: [EntityFacts]) throws(Problem) -> Entities {
    guard let schema else { return try Entities(facts) }
    return try Entities(facts.filter { schema.actions[$0.uid] == nil } + schema.actionEntities)
  }

  /// The context of a request for `action`.
  ///
  /// - Throws: `json.…` or `entities.…`.
  public func context(parsing bytes: [UInt8], action: EntityUID) throws(Problem) -> Record {
    try JSON.decode(bytes, limits: EntityReader.limits) { root throws(Problem) in
      try context(root, action: action)
    }
  }

  /// The context of a request for `action`, from a document that is parsed already.
  public func context(_ root: JSONReader, action: EntityUID) throws(Problem) -> Record {
    guard let schema else { return try record(root, nil) }
    guard let declared = schema.actions[action] else {
      throw .malformed(
        "request.action", "the schema has no action \(action)",
        hint: "it has \(schema.actions.keys.sorted().map(\.description).joined(separator: ", "))")
    }
    return try record(root, declared.context)
  }

  /// The name of an entity: `{"type", "id"}`, or the same in `__entity`.
  public func name(_ reader: JSONReader) throws(Problem) -> EntityUID {
    if let inner = try reader.optional("__entity") { return try name(inner) }
    try reader.closed("type", "id")
    let type = try reader.member("type").text()
    guard EntityReader.isTypeName(type) else {
      throw reader.problem("entities.type", "“\(type)” is no name of a type")
    }
    return EntityUID(type: Text(type), id: Text(try reader.member("id").text()))
  }

  /// Whether the text is a path, of which no part is a reserved word.
  static func isTypeName(_ text: String) -> Bool {
    isPath(text) && text.split(separator: ":").allSatisfy { !PolicyParser.reserved.contains(String($0)) }
  }

  static func isPath(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var isStart = true
    var place = 0
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: ":") {
        guard !isStart, place + 2 < bytes.count, bytes[place + 1] == UInt8(ascii: ":") else { return false }
        isStart = true
        place += 2
        continue
      }
      guard Lexer.isWordByte(bytes[place]), !isStart || !(0x30...0x39).contains(bytes[place]) else { return false }
      isStart = false
      place += 1
    }
    return !isStart
  }

  // MARK: entities

  private func entity(_ reader: JSONReader) throws(Problem) -> EntityFacts {
    try reader.closed("uid", "attrs", "parents", "tags")
    let uid = try name(try reader.member("uid"))
    var parents: [EntityUID] = []
    for parent in try reader.member("parents").elements(atMost: 100_000) { parents.append(try name(parent)) }
    let attributes = try reader.member("attrs")
    let tags = try reader.optional("tags")
    guard let schema else {
      return EntityFacts(
        uid, attributes: try record(attributes, nil),
        tags: try tags.map { tags throws(Problem) in try record(tags, nil) } ?? Record(), parents: parents)
    }
    if let action = schema.actions[uid] {
      guard try attributes.members().isEmpty, try tags?.members().isEmpty ?? true,
        Set(parents).union(parents.flatMap { schema.actions[$0]?.ancestors ?? [] }) == action.ancestors
      else {
        throw reader.problem(
          "entities.action", "the action \(uid) is not what the schema says of it",
          hint: "leave it out: the schema knows it")
      }
      return EntityFacts(uid, parents: action.parents)
    }
    guard let type = schema.entityTypes[uid.type] else {
      throw reader.problem("entities.type", "the schema has no type “\(uid.type)”")
    }
    try check(uid, parents, type, reader)
    var read: [Record.Field] = []
    for (name, value) in try tags?.members(atMost: 100_000) ?? [] {
      guard let expected = type.tags else {
        throw value.problem("entities.tags", "entities of type “\(uid.type)” have no tags")
      }
      read.append(Record.Field(Text(name), try self.value(value, expected)))
    }
    return EntityFacts(uid, attributes: try record(attributes, type.attributes), tags: Record(read), parents: parents)
  }

  private func check(
    _ uid: EntityUID, _ parents: [EntityUID], _ type: Schema.EntityType, _ reader: JSONReader
  ) throws(Problem) {
    if let ids = type.ids, !ids.contains(uid.id) {
      throw reader.problem("entities.enum", "\(uid) is none of the entities of its enumerated type")
    }
    for parent in parents {
      guard type.ancestors.contains(parent.type) else {
        throw reader.problem("entities.parent", "\(uid) cannot be in \(parent): the schema does not say so")
      }
      try checkEnumerated(parent, reader)
    }
  }

  private func checkEnumerated(_ uid: EntityUID, _ reader: JSONReader) throws(Problem) {
    if let ids = schema?.entityTypes[uid.type]?.ids, !ids.contains(uid.id) {
      throw reader.problem("entities.enum", "\(uid) is none of the entities of its enumerated type")
    }
  }

  // MARK: values

  private func record(_ reader: JSONReader, _ expected: RecordType?) throws(Problem) -> Record {
    var fields: [Record.Field] = []
    for (name, member) in try reader.members(atMost: 100_000) {
      let name = Text(name)
      if let expected {
        guard let attribute = expected[name] else {
          throw member.problem("entities.attribute", "the schema has no attribute \(name.quoted) here")
        }
        fields.append(Record.Field(name, try value(member, attribute.type)))
      } else {
        fields.append(Record.Field(name, try value(member, nil)))
      }
    }
    for (name, attribute) in expected?.attributes ?? [:] where attribute.isRequired {
      guard fields.contains(where: { $0.name == name }) else {
        throw reader.problem("entities.missing", "the attribute \(name.quoted) is missing")
      }
    }
    return Record(fields)
  }

  func value(_ reader: JSONReader, _ expected: SchemaType?) throws(Problem) -> Value {
    let found = try untypedOrShort(reader, expected)
    guard let expected else { return found }
    guard fits(found, expected) else {
      throw reader.problem("entities.value", "\(found.kind) stands where the schema has \(expected)")
    }
    if case .entity(let uid) = found { try checkEnumerated(uid, reader) }
    return found
  }

  private func untypedOrShort(_ reader: JSONReader, _ expected: SchemaType?) throws(Problem) -> Value {
    switch reader.value {
    case .null: throw reader.problem("entities.null", "null is no value")
    case .number: throw reader.problem("entities.number", "there are no fractions", hint: "write a decimal")
    case .bool(let flag): return .bool(flag)
    case .integer(let number): return .long(number)
    case .string(let text): return try string(Text(text), expected, reader)
    case .array:
      var elements: [Value] = []
      var inner: SchemaType?
      if case .set(let element)? = expected { inner = element }
      for element in try reader.elements(atMost: 100_000) { elements.append(try value(element, inner)) }
      return .set(ValueSet(elements))
    case .object: return try object(reader, expected)
    }
  }

  /// A string; or, where the schema has an extension type, what its constructor makes of it.
  private func string(_ text: Text, _ expected: SchemaType?, _ reader: JSONReader) throws(Problem) -> Value {
    guard let constructor = expected?.constructor else { return .string(text) }
    guard let value = constructor.construct(text) else {
      throw reader.problem("entities.value", "\(text.quoted) is no \(constructor.rawValue)")
    }
    return value
  }

  private func object(_ reader: JSONReader, _ expected: SchemaType?) throws(Problem) -> Value {
    if let entity = try reader.optional("__entity") {
      try reader.closed("__entity")
      return .entity(try name(entity))
    }
    if let call = try reader.optional("__extn") {
      try reader.closed("__extn")
      return try extensionValue(call)
    }
    if try reader.optional("__expr") != nil {
      throw reader.problem("entities.expression", "expressions are not read", hint: "write __entity or __extn")
    }
    switch expected {
    case .entity?: return .entity(try name(reader))
    case .record(let type)?: return .record(try record(reader, type))
    case let type? where type.constructor != nil: return try extensionValue(reader)
    default: return .record(try record(reader, nil))
    }
  }

  /// `{"fn", "arg"}`, or `{"fn", "args"}`: a constructor with a text, or a method that gives a datetime or a duration.
  private func extensionValue(_ reader: JSONReader) throws(Problem) -> Value {
    try reader.closed("fn", "arg", "args")
    let function = ExtensionFunction(rawValue: try reader.member("fn").text())
    let parameters = function.flatMap { EntityReader.parameters[$0] } ?? []
    var given: [JSONReader] = try reader.optional("args")?.elements(atMost: 2) ?? []
    if let argument = try reader.optional("arg") { given.append(argument) }
    if let function, given.count == parameters.count {
      var arguments: [Value] = []
      for (argument, type) in zip(given, parameters) { arguments.append(try value(argument, type)) }
      if let result = EntityReader.result(function, arguments) { return result }
    }
    throw reader.problem("entities.extension", "this is no value of an extension type")
  }

  private static let parameters: [ExtensionFunction: [SchemaType]] = [
    .ip: [.string], .decimal: [.string], .datetime: [.string], .duration: [.string], .offset: [.datetime, .duration],
    .durationSince: [.datetime, .datetime], .toDate: [.datetime], .toTime: [.datetime],
  ]

  private static func result(_ function: ExtensionFunction, _ arguments: [Value]) -> Value? {
    switch (function, arguments.first, arguments.dropFirst().first) {
    case (_, .string(let text)?, nil): function.construct(text)
    case (.offset, .datetime(let time)?, .duration(let span)?): time.offset(by: span).map { Value.datetime($0) }
    case (.durationSince, .datetime(let time)?, .datetime(let other)?):
      time.duration(since: other).map { Value.duration($0) }
    case (.toDate, .datetime(let time)?, nil): time.date.map { Value.datetime($0) }
    case (.toTime, .datetime(let time)?, nil): Value.duration(time.time)
    default: nil
    }
  }
}

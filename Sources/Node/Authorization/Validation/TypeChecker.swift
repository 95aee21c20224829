import Diagnostics

/// Finds the type of an expression for one sort of request: an action, a type of principal and a type of resource.
struct TypeChecker {
  /// What is known to be there: an optional attribute or a tag of an expression that was asked for with `has`.
  enum Capability: Hashable {
    case attribute(Expression, Text)
    case tag(Expression, Expression)
  }

  typealias Capabilities = Set<Capability>
  /// A type, and what is known to be there where the expression is true.
  typealias Found = (type: SchemaType, capabilities: Capabilities)

  let schema: Schema
  let action: Schema.Action
  let principal: Text
  let resource: Text

  static func problem(
    _ reason: String, _ message: String, at position: SourcePosition, hint: String? = nil
  ) -> Problem {
    .refused(
      "validation.\(reason)", message, place: "\(position)", source: "Cedar, strict validation", hint: hint)
  }

  func mismatch(_ expression: Expression, _ found: SchemaType, _ expected: String) -> Problem {
    TypeChecker.problem("type", "\(found) stands where \(expected) is expected", at: expression.position)
  }

  /// The type of an expression that must be a boolean.
  func bool(_ expression: Expression, _ known: Capabilities) throws(Problem) -> Found {
    let found = try type(expression, known)
    guard case .bool = found.type else { throw mismatch(expression, found.type, "Bool") }
    return found
  }

  /// The type of an expression, with `known` being there.
  func type(_ expression: Expression, _ known: Capabilities) throws(Problem) -> Found {
    switch expression.kind {
    case .literal(let value): return (literal(value), [])
    case .variable(let variable): return (type(of: variable), [])
    case .conditional(let test, let then, let other): return try conditional(test, then, other, known)
    case .and(let parts): return try conjunction(parts, known)
    case .or(let parts): return try disjunction(parts, known)
    case .not(let part):
      guard case .bool(let flag) = try bool(part, known).type else { return (.bool(nil), []) }
      return (.bool(flag.map { !$0 }), [])
    case .negate(let part):
      try require(part, .long, known)
      return (.long, [])
    case .isEmpty(let part):
      let found = try type(part, known).type
      guard case .set = found else { throw mismatch(part, found, "a set") }
      return (.bool(nil), [])
    case .binary(let operation, let left, let right): return try binary(operation, left, right, known, expression)
    case .attribute(let object, let name): return (try attribute(object, name, known, expression), [])
    case .has(let object, let name): return try has(object, name, known)
    case .like(let text, _):
      try require(text, .string, known)
      return (.bool(nil), [])
    case .isType(let object, let name):
      return (.bool(try entity(object, known) == name), [])
    case .set(let parts): return (.set(try elements(parts, known, expression)), [])
    case .record(let fields):
      var record = RecordType()
      for field in fields {
        record.attributes[field.name] = RecordType.Attribute(
          type: try type(field.value, known).type, isRequired: true)
      }
      return (.record(record), [])
    case .call(let function, let arguments): return (try call(function, arguments, known, expression), [])
    }
  }

  private func literal(_ value: Value) -> SchemaType {
    switch value {
    case .bool(let flag): .bool(flag)
    case .long: .long
    case .string: .string
    case .entity(let uid): .entity(uid.type)
    // No other value is written as a literal.
    default: .record(RecordType())
    }
  }

  private func type(of variable: Variable) -> SchemaType {
    switch variable {
    case .principal: .entity(principal)
    case .action: .entity(action.uid.type)
    case .resource: .entity(resource)
    case .context: .record(action.context)
    }
  }

  private func require(_ expression: Expression, _ expected: SchemaType, _ known: Capabilities) throws(Problem) {
    let found = try type(expression, known).type
    guard found == expected else { throw mismatch(expression, found, "\(expected)") }
  }

  private func entity(_ expression: Expression, _ known: Capabilities) throws(Problem) -> Text {
    let found = try type(expression, known).type
    guard case .entity(let name) = found else { throw mismatch(expression, found, "an entity") }
    return name
  }

  // MARK: booleans

  private func conditional(
    _ test: Expression, _ then: Expression, _ other: Expression, _ known: Capabilities
  ) throws(Problem) -> Found {
    let (result, learnt) = try bool(test, known)
    switch result {
    case .bool(true?):
      let found = try type(then, known.union(learnt))
      return (found.type, found.capabilities.union(learnt))
    case .bool(false?): return try type(other, known)
    default:
      let (one, oneLearnt) = try type(then, known.union(learnt))
      let (two, twoLearnt) = try type(other, known)
      guard let joined = one.joined(two) else {
        throw TypeChecker.problem(
          "branches", "the branches have the types \(one) and \(two), which have no common one", at: then.position)
      }
      return (joined, learnt.union(oneLearnt).intersection(twoLearnt))
    }
  }

  /// What stands behind something that is never true is not looked at.
  private func conjunction(_ parts: [Expression], _ known: Capabilities) throws(Problem) -> Found {
    var (result, learnt) = try bool(parts[0], known)
    // Grows with what each part shows, so that a long row of conditions takes no square of its length.
    var here = known.union(learnt)
    for part in parts.dropFirst() {
      if result == .bool(false) { return (result, []) }
      let next = try bool(part, here)
      if next.type == .bool(false) { return (next.type, []) }
      result = next.type == .bool(true) ? result : .bool(nil)
      here.formUnion(next.capabilities)
      learnt.formUnion(next.capabilities)
    }
    return (result, learnt)
  }

  /// What stands behind something that is always true is not looked at.
  private func disjunction(_ parts: [Expression], _ known: Capabilities) throws(Problem) -> Found {
    var (result, learnt) = try bool(parts[0], known)
    for part in parts.dropFirst() {
      if result == .bool(true) { return (result, []) }
      let next = try bool(part, known)
      switch (result, next.type) {
      case (.bool(false), _): (result, learnt) = next
      case (_, .bool(true)): (result, learnt) = (next.type, [])
      case (_, .bool(false)): continue
      default: learnt.formIntersection(next.capabilities)
      }
    }
    return (result, learnt)
  }

  // MARK: attributes

  /// The attributes of a type, and whether an object of it is surely there; nil where it can have none.
  private func attributes(_ object: Expression, _ known: Capabilities) throws(Problem) -> (RecordType, Bool)? {
    switch try type(object, known).type {
    case .record(let record): return (record, true)
    case .entity(let name): return schema.entityTypes[name].map { ($0.attributes, false) }
    case let found: throw mismatch(object, found, "a record or an entity")
    }
  }

  private func has(_ object: Expression, _ name: Text, _ known: Capabilities) throws(Problem) -> Found {
    guard let (record, exists) = try attributes(object, known), let attribute = record[name] else {
      return (.bool(false), [])
    }
    if known.contains(.attribute(object, name)) || attribute.isRequired && exists { return (.bool(true), []) }
    return (.bool(nil), [.attribute(object, name)])
  }

  private func attribute(
    _ object: Expression, _ name: Text, _ known: Capabilities, _ expression: Expression
  ) throws(Problem) -> SchemaType {
    guard let (record, _) = try attributes(object, known), let attribute = record[name] else {
      throw TypeChecker.problem("attribute", "the schema has no attribute \(name.quoted) here", at: expression.position)
    }
    guard attribute.isRequired || known.contains(.attribute(object, name)) else {
      throw TypeChecker.problem(
        "optional", "the attribute \(name.quoted) may be missing", at: expression.position,
        hint: "ask for it first: … has \(name) && …")
    }
    return attribute.type
  }

  // MARK: sets

  private func elements(
    _ parts: [Expression], _ known: Capabilities, _ expression: Expression
  ) throws(Problem) -> SchemaType {
    guard let first = parts.first else {
      throw TypeChecker.problem("empty-set", "an empty set has no type", at: expression.position)
    }
    var result = try type(first, known).type
    for part in parts.dropFirst() {
      let found = try type(part, known).type
      guard let joined = result.joined(found) else {
        throw TypeChecker.problem(
          "set", "the elements have the types \(result) and \(found), which have no common one", at: part.position)
      }
      result = joined
    }
    return result
  }
}

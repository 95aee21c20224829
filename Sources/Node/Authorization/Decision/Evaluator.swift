/// Evaluates nodes of a program for one request. Nothing here allocates, but set and record literals that are no
/// constants.
///
/// Source: docs.cedarpolicy.com, “Operators and functions”, and the definitions of the language's formal model.
struct Evaluator {
  let program: Program
  let entities: Entities
  let request: Request
  // Looked up once: most conditions ask about these three.
  private let principal: Entity?
  private let action: Entity?
  private let resource: Entity?

  init(_ program: Program, _ entities: Entities, _ request: Request) {
    self.program = program
    self.entities = entities
    self.request = request
    principal = entities[request.principal]
    action = entities[request.action]
    resource = entities[request.resource]
  }

  /// The value of a node that must be a boolean.
  func bool(_ index: Program.Index) throws(EvaluationFailure) -> Bool {
    switch program.nodes[Int(index)] {
    case .and(let parts):
      for place in parts.range {
        if try !bool(program.children[place]) { return false }
      }
      return true
    case .or(let parts):
      for place in parts.range {
        if try bool(program.children[place]) { return true }
      }
      return false
    case .not(let part): return try !bool(part)
    case .conditional(let test, let then, let other): return try bool(try bool(test) ? then : other)
    case .binary(let operation, let left, let right): return try relation(operation, left, right, at: index)
    case .has(let object, let name): return try has(object, program.names[Int(name)])
    case .isType(let object, let name): return try entity(object).type == program.names[Int(name)]
    case .like(let text, let pattern): return program.patterns[Int(pattern)].matches(try string(text))
    case .isEmpty(let part): return try set(part).elements.isEmpty
    case .variableEquals(let variable, let constant): return uid(variable) == program.entities[Int(constant)]
    case .variableIn(let variable, let constant): return isIn(variable, program.entities[Int(constant)])
    case .variableInAny(let variable, let constants):
      for place in constants.range where isIn(variable, program.entities[Int(program.children[place])]) { return true }
      return false
    case .variableIs(let variable, let name): return uid(variable).type == program.names[Int(name)]
    case .constant, .variable, .attribute, .call, .negate, .set, .record:
      guard case .bool(let flag) = try value(index) else { throw failure(.type, index) }
      return flag
    }
  }

  /// The value of any node.
  func value(_ index: Program.Index) throws(EvaluationFailure) -> Value {
    switch program.nodes[Int(index)] {
    case .constant(let constant): return program.constants[Int(constant)]
    case .variable(let variable): return variable == .context ? .record(request.context) : .entity(uid(variable))
    case .conditional(let test, let then, let other): return try value(try bool(test) ? then : other)
    case .negate(let part):
      let (result, overflow) = Int64(0).subtractingReportingOverflow(try long(part))
      if overflow { throw failure(.overflow, index) }
      return .long(result)
    case .binary(let operation, let left, let right):
      switch operation {
      case .add, .subtract, .multiply: return .long(try arithmetic(operation, left, right, at: index))
      case .getTag: return try tag(left, right, at: index)
      default: return .bool(try relation(operation, left, right, at: index))
      }
    case .attribute(let object, let name): return try attribute(object, program.names[Int(name)], at: index)
    case .set(let parts):
      var values: [Value] = []
      for place in parts.range { values.append(try value(program.children[place])) }
      return .set(ValueSet(values))
    case .record(let parts, let name):
      var fields: [Record.Field] = []
      for (offset, place) in parts.range.enumerated() {
        fields.append(Record.Field(program.names[Int(name) + offset], try value(program.children[place])))
      }
      return .record(Record(fields))
    case .call(let function, let arguments): return try call(function, arguments, at: index)
    default: return .bool(try bool(index))
    }
  }

  func failure(_ reason: EvaluationFailure.Reason, _ node: Program.Index) -> EvaluationFailure {
    EvaluationFailure(reason: reason, node: node)
  }

  // MARK: operands

  private func uid(_ variable: Variable) -> EntityUID {
    switch variable {
    case .principal: request.principal
    case .action: request.action
    case .resource, .context: request.resource
    }
  }

  private func known(_ variable: Variable) -> Entity? {
    switch variable {
    case .principal: principal
    case .action: action
    case .resource: resource
    case .context: nil
    }
  }

  /// The entity of a node, nil where it is not known.
  private func known(_ index: Program.Index, _ uid: EntityUID) -> Entity? {
    if case .variable(let variable) = program.nodes[Int(index)] { return known(variable) }
    return entities[uid]
  }

  private func entity(_ index: Program.Index) throws(EvaluationFailure) -> EntityUID {
    guard case .entity(let uid) = try value(index) else { throw failure(.type, index) }
    return uid
  }

  private func long(_ index: Program.Index) throws(EvaluationFailure) -> Int64 {
    guard case .long(let number) = try value(index) else { throw failure(.type, index) }
    return number
  }

  private func string(_ index: Program.Index) throws(EvaluationFailure) -> Text {
    guard case .string(let text) = try value(index) else { throw failure(.type, index) }
    return text
  }

  private func set(_ index: Program.Index) throws(EvaluationFailure) -> ValueSet {
    guard case .set(let set) = try value(index) else { throw failure(.type, index) }
    return set
  }

  // MARK: operators

  private func isIn(_ variable: Variable, _ group: EntityUID) -> Bool {
    uid(variable) == group || known(variable)?.isDescendant(of: group) == true
  }

  private func relation(
    _ operation: BinaryOperator, _ left: Program.Index, _ right: Program.Index, at index: Program.Index
  ) throws(EvaluationFailure) -> Bool {
    switch operation {
    case .equal: return try value(left) == (try value(right))
    case .less, .lessOrEqual: return try isLess(left, right, orEqual: operation == .lessOrEqual)
    case .isIn: return try isIn(left, right)
    case .contains: return try set(left).contains(try value(right))
    case .containsAll: return try set(left).containsAll(try set(right))
    case .containsAny: return try set(left).containsAny(try set(right))
    case .hasTag:
      let object = try entity(left)
      // Before the entity is looked for: a key that cannot be evaluated is an error whether it is known or not.
      let key = try string(right)
      return known(left, object)?.tags[key] != nil
    case .add, .subtract, .multiply, .getTag:
      guard case .bool(let flag) = try value(index) else { throw failure(.type, index) }
      return flag
    }
  }

  private func isLess(
    _ left: Program.Index, _ right: Program.Index, orEqual: Bool
  ) throws(EvaluationFailure) -> Bool {
    let (one, other): (Int64, Int64)
    switch (try value(left), try value(right)) {
    case (.long(let a), .long(let b)): (one, other) = (a, b)
    case (.datetime(let a), .datetime(let b)): (one, other) = (a.milliseconds, b.milliseconds)
    case (.duration(let a), .duration(let b)): (one, other) = (a.milliseconds, b.milliseconds)
    default: throw failure(.type, left)
    }
    return orEqual ? one <= other : one < other
  }

  private func isIn(_ left: Program.Index, _ right: Program.Index) throws(EvaluationFailure) -> Bool {
    let uid = try entity(left)
    let member = known(left, uid)
    switch try value(right) {
    case .entity(let group): return uid == group || member?.isDescendant(of: group) == true
    case .set(let groups):
      // Every element is looked at first: one that is no entity is an error, wherever it stands.
      for group in groups.elements {
        guard case .entity = group else { throw failure(.type, right) }
      }
      for group in groups.elements {
        if case .entity(let name) = group, uid == name || member?.isDescendant(of: name) == true { return true }
      }
      return false
    default: throw failure(.type, right)
    }
  }

  private func arithmetic(
    _ operation: BinaryOperator, _ left: Program.Index, _ right: Program.Index, at index: Program.Index
  ) throws(EvaluationFailure) -> Int64 {
    let (one, other) = (try long(left), try long(right))
    let (result, overflow) =
      switch operation {
      case .add: one.addingReportingOverflow(other)
      case .subtract: one.subtractingReportingOverflow(other)
      default: one.multipliedReportingOverflow(by: other)
      }
    if overflow { throw failure(.overflow, index) }
    return result
  }

  private func has(_ object: Program.Index, _ name: Text) throws(EvaluationFailure) -> Bool {
    switch try value(object) {
    case .record(let record): return record[name] != nil
    case .entity(let uid): return known(object, uid)?.attributes[name] != nil
    default: throw failure(.type, object)
    }
  }

  private func attribute(
    _ object: Program.Index, _ name: Text, at index: Program.Index
  ) throws(EvaluationFailure) -> Value {
    let found: Value?
    switch try value(object) {
    case .record(let record): found = record[name]
    case .entity(let uid):
      guard let entity = known(object, uid) else { throw failure(.noEntity, object) }
      found = entity.attributes[name]
    default: throw failure(.type, object)
    }
    guard let found else { throw failure(.noAttribute, index) }
    return found
  }

  private func tag(
    _ object: Program.Index, _ key: Program.Index, at index: Program.Index
  ) throws(EvaluationFailure) -> Value {
    let uid = try entity(object)
    let name = try string(key)
    guard let entity = known(object, uid) else { throw failure(.noEntity, object) }
    guard let tag = entity.tags[name] else { throw failure(.noTag, index) }
    return tag
  }
}

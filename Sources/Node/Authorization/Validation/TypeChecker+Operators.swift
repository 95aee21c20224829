import Diagnostics

extension TypeChecker {
  /// The type of an operator or a method of the core language.
  func binary(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ known: Capabilities,
    _ expression: Expression
  ) throws(Problem) -> Found {
    let one = try type(left, known).type
    let two = try type(right, known).type
    switch (operation, one, two) {
    case (.equal, _, _): return (try equality(left, one, right, two, expression), [])
    case (.isIn, .entity(let member), .entity(let group)):
      return (membership(left, member, [right], group), [])
    case (.isIn, .entity(let member), .set(.entity(let group))):
      var groups: [Expression]?
      if case .set(let parts) = right.kind { groups = parts }
      return (membership(left, member, groups, group), [])
    case (.hasTag, .entity(let name), .string): return try hasTag(left, name, right, known)
    case (.getTag, .entity(let name), .string): return (try tag(left, name, right, known, expression), [])
    case (.less, .long, .long), (.lessOrEqual, .long, .long), (.less, .datetime, .datetime),
      (.lessOrEqual, .datetime, .datetime), (.less, .duration, .duration), (.lessOrEqual, .duration, .duration):
      return (.bool(nil), [])
    case (.add, .long, .long), (.subtract, .long, .long), (.multiply, .long, .long): return (.long, [])
    case (.contains, .set(let element), _): return (try common(element, two, expression), [])
    case (.containsAll, .set(let a), .set(let b)), (.containsAny, .set(let a), .set(let b)):
      return (try common(a, b, expression), [])
    default:
      throw TypeChecker.problem(
        "operands", "“\(operation.rawValue)” does not take \(one) and \(two)", at: expression.position)
    }
  }

  private func common(_ one: SchemaType, _ two: SchemaType, _ expression: Expression) throws(Problem) -> SchemaType {
    guard one.joined(two) != nil else {
      throw TypeChecker.problem(
        "operands", "\(one) and \(two) have no common type, so this is never true", at: expression.position)
    }
    return .bool(nil)
  }

  /// The expression with the action of the request in the place of the variable.
  private func known(_ expression: Expression) -> Value? {
    switch expression.kind {
    case .literal(let value): value
    case .variable(.action): .entity(action.uid)
    default: nil
    }
  }

  private func equality(
    _ left: Expression, _ one: SchemaType, _ right: Expression, _ two: SchemaType, _ expression: Expression
  ) throws(Problem) -> SchemaType {
    if let a = known(left), let b = known(right) { return .bool(a == b) }
    if one.joined(two) != nil { return .bool(nil) }
    if case .entity = one, case .entity = two { return .bool(false) }
    return try common(one, two, expression)
  }

  /// `in`: known for actions; for other entities only that it cannot be. `groups` is nil where they are not written out.
  private func membership(
    _ member: Expression, _ type: Text, _ groups: [Expression]?, _ group: Text
  ) -> SchemaType {
    let names = groups?.compactMap { part -> EntityUID? in
      guard case .entity(let uid)? = known(part) else { return nil }
      return uid
    }
    if case .entity(let uid)? = known(member), schema.actions[uid] != nil, let names, names.count == groups?.count {
      return .bool(names.contains { schema.isAction(uid, in: $0) })
    }
    let canBe = type == group || schema.entityTypes[type]?.ancestors.contains(group) == true
    return .bool(canBe ? nil : false)
  }

  private func hasTag(
    _ object: Expression, _ name: Text, _ key: Expression, _ known: Capabilities
  ) throws(Problem) -> Found {
    guard schema.entityTypes[name]?.tags != nil else { return (.bool(false), []) }
    let capability = Capability.tag(object, key)
    return known.contains(capability) ? (.bool(true), []) : (.bool(nil), [capability])
  }

  private func tag(
    _ object: Expression, _ name: Text, _ key: Expression, _ known: Capabilities, _ expression: Expression
  ) throws(Problem) -> SchemaType {
    guard let tags = schema.entityTypes[name]?.tags else {
      throw TypeChecker.problem("tags", "entities of type “\(name)” have no tags", at: expression.position)
    }
    guard known.contains(.tag(object, key)) else {
      throw TypeChecker.problem(
        "optional", "the tag may be missing", at: expression.position, hint: "ask for it first: ….hasTag(…) && …")
    }
    return tags
  }

  // MARK: extension types

  /// The type of a function or a method of an extension type.
  func call(
    _ function: ExtensionFunction, _ arguments: [Expression], _ known: Capabilities, _ expression: Expression
  ) throws(Problem) -> SchemaType {
    guard arguments.count == function.arity else {
      throw TypeChecker.problem(
        "arguments", "“\(function.rawValue)” takes \(function.arity) with its object, and \(arguments.count) are given",
        at: expression.position)
    }
    if function.isConstructor { return try constructor(function, arguments[0]) }
    var types: [SchemaType] = []
    for argument in arguments { types.append(try type(argument, known).type) }
    guard let result = TypeChecker.result(function, types[0], types.dropFirst().first) else {
      throw TypeChecker.problem(
        "operands", "“\(function.rawValue)” does not take \(types.map(\.description).joined(separator: " and "))",
        at: expression.position)
    }
    return result
  }

  /// A constructor takes a literal alone, so that a wrong text is found here.
  private func constructor(_ function: ExtensionFunction, _ argument: Expression) throws(Problem) -> SchemaType {
    guard case .literal(.string(let text)) = argument.kind else {
      throw TypeChecker.problem(
        "constructor", "“\(function.rawValue)” takes a string that is written out", at: argument.position)
    }
    guard function.construct(text) != nil else {
      throw TypeChecker.problem(
        "constructor", "\(text.quoted) is no value of “\(function.rawValue)”", at: argument.position)
    }
    switch function {
    case .ip: return .ip
    case .decimal: return .decimal
    case .datetime: return .datetime
    default: return .duration
    }
  }

  private static func result(_ function: ExtensionFunction, _ one: SchemaType, _ two: SchemaType?) -> SchemaType? {
    switch (function, one, two) {
    case (.isIpv4, .ip, nil), (.isIpv6, .ip, nil), (.isLoopback, .ip, nil), (.isMulticast, .ip, nil),
      (.isInRange, .ip, .ip?), (.lessThan, .decimal, .decimal?), (.lessThanOrEqual, .decimal, .decimal?),
      (.greaterThan, .decimal, .decimal?), (.greaterThanOrEqual, .decimal, .decimal?):
      .bool(nil)
    case (.offset, .datetime, .duration?), (.toDate, .datetime, nil): .datetime
    case (.durationSince, .datetime, .datetime?), (.toTime, .datetime, nil): .duration
    case (.toMilliseconds, .duration, nil), (.toSeconds, .duration, nil), (.toMinutes, .duration, nil),
      (.toHours, .duration, nil), (.toDays, .duration, nil):
      .long
    default: nil
    }
  }
}

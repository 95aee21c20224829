import Diagnostics

extension PolicyParser {
  /// How many brackets and `if`s may be open at once; each takes some ten calls.
  private static let nestingLimit = 100

  /// An expression: `if … then … else …`, or anything that binds tighter.
  mutating func expression() throws(Problem) -> Expression {
    let position = tokens.position
    guard nesting < PolicyParser.nestingLimit else { throw tooDeep(at: position) }
    nesting += 1
    defer { nesting -= 1 }
    guard tokens.take(word: "if") else { return try disjunction() }
    let test = try expression()
    guard tokens.take(word: "then") else { throw tokens.unexpected("“then”") }
    let then = try expression()
    guard tokens.take(word: "else") else { throw tokens.unexpected("“else”") }
    return try make(.conditional(test, then, try expression()), at: position)
  }

  private mutating func disjunction() throws(Problem) -> Expression {
    let position = tokens.position
    var parts = [try conjunction()]
    while tokens.take("||") { parts.append(try conjunction()) }
    return parts.count == 1 ? parts[0] : try make(.or(parts), at: position)
  }

  private mutating func conjunction() throws(Problem) -> Expression {
    let position = tokens.position
    var parts = [try relation()]
    while tokens.take("&&") { parts.append(try relation()) }
    return parts.count == 1 ? parts[0] : try make(.and(parts), at: position)
  }

  private mutating func relation() throws(Problem) -> Expression {
    let position = tokens.position
    let left = try sum()
    let result: Expression
    switch tokens.current.kind {
    case .word("has"):
      tokens.advance()
      result = try has(left, at: position)
    case .word("like"):
      tokens.advance()
      guard case .string(let raw) = tokens.current.kind else { throw tokens.unexpected("a pattern behind “like”") }
      let pattern = try StringEscapes.pattern(raw, at: tokens.position)
      tokens.advance()
      result = try make(.like(left, pattern), at: position)
    case .word("is"):
      tokens.advance()
      result = try isType(left, at: position)
    case .word("in"):
      tokens.advance()
      result = try make(.binary(.isIn, left, try sum()), at: position)
    case .symbol(let symbol):
      guard let comparison = try comparison(symbol, left, at: position) else { return left }
      result = comparison
    default: return left
    }
    try refuseSecondRelation()
    return result
  }

  private mutating func comparison(
    _ symbol: String, _ left: Expression, at position: SourcePosition
  ) throws(Problem) -> Expression? {
    let (operation, isNegated): (BinaryOperator, Bool)
    switch symbol {
    case "==": (operation, isNegated) = (.equal, false)
    case "!=": (operation, isNegated) = (.equal, true)
    case "<": (operation, isNegated) = (.less, false)
    case "<=": (operation, isNegated) = (.lessOrEqual, false)
    case ">": (operation, isNegated) = (.lessOrEqual, true)
    case ">=": (operation, isNegated) = (.less, true)
    case "=": throw tokens.problem("assignment", "“=” is no operator", hint: "write ==")
    default: return nil
    }
    tokens.advance()
    let result = try make(.binary(operation, left, try sum()), at: position)
    return isNegated ? try make(.not(result), at: position) : result
  }

  private func refuseSecondRelation() throws(Problem) {
    let isRelation =
      switch tokens.current.kind {
      case .symbol(let symbol): ["==", "!=", "<", "<=", ">", ">=", "="].contains(symbol)
      case .word(let word): ["in", "has", "like", "is"].contains(word)
      default: false
      }
    if isRelation {
      throw tokens.problem("relation", "relations cannot stand in a row", hint: "put one of them in brackets")
    }
  }

  /// `x has a`, or `x has a.b.c`, which asks for each in turn.
  private mutating func has(_ object: Expression, at position: SourcePosition) throws(Problem) -> Expression {
    if case .string = tokens.current.kind {
      return try make(.has(object, try tokens.string("behind “has”")), at: position)
    }
    var object = object
    var parts: [Expression] = []
    repeat {
      let name = Text(try tokens.word("of an attribute", reserved: PolicyParser.reserved))
      parts.append(try make(.has(object, name), at: position))
      object = try make(.attribute(object, name), at: position)
    } while tokens.take(".")
    return parts.count == 1 ? parts[0] : try make(.and(parts), at: position)
  }

  private mutating func isType(_ object: Expression, at position: SourcePosition) throws(Problem) -> Expression {
    let result = try make(.isType(object, Text(try path())), at: position)
    guard tokens.take(word: "in") else { return result }
    return try make(.and([result, try make(.binary(.isIn, object, try sum()), at: position)]), at: position)
  }

  private mutating func sum() throws(Problem) -> Expression {
    let position = tokens.position
    var left = try product()
    while true {
      if tokens.take("+") {
        left = try make(.binary(.add, left, try product()), at: position)
      } else if tokens.take("-") {
        left = try make(.binary(.subtract, left, try product()), at: position)
      } else {
        return left
      }
    }
  }

  private mutating func product() throws(Problem) -> Expression {
    let position = tokens.position
    var left = try unary()
    while true {
      if tokens.isAt("/") || tokens.isAt("%") {
        throw tokens.problem("operator", "there is no division and no remainder")
      }
      guard tokens.take("*") else { return left }
      left = try make(.binary(.multiply, left, try unary()), at: position)
    }
  }

  /// Up to four signs of one sort; the sign before a number belongs to it, so that the lowest long can be written.
  private mutating func unary() throws(Problem) -> Expression {
    let position = tokens.position
    let symbol = tokens.isAt("-") ? "-" : "!"
    var count = 0
    while tokens.take(symbol) { count += 1 }
    guard count <= 4 else { throw tokens.problem("operator", "more than four signs stand in a row", at: position) }
    var result: Expression
    if symbol == "-", count > 0, case .number(let digits) = tokens.current.kind, !isAccess(tokens.following) {
      guard let number = Int64("-" + digits) else { throw numberRange() }
      tokens.advance()
      count -= 1
      result = try make(.literal(.long(number)), at: position)
    } else {
      result = try member()
    }
    for _ in 0..<count { result = try make(symbol == "-" ? .negate(result) : .not(result), at: position) }
    return result
  }

  private func isAccess(_ token: Token) -> Bool {
    token.kind == .symbol(".") || token.kind == .symbol("[") || token.kind == .symbol("(")
  }

  private func numberRange() -> Problem {
    tokens.problem("number", "the number is not between -9223372036854775808 and 9223372036854775807")
  }

  // MARK: members

  private mutating func member() throws(Problem) -> Expression {
    let position = tokens.position
    var result = try primary()
    while true {
      if tokens.take("[") {
        result = try make(.attribute(result, try tokens.string("with the name of an attribute")), at: position)
        try tokens.expect("]", "behind an attribute")
      } else if tokens.take(".") {
        let place = tokens.position
        let name = try tokens.word("of an attribute or a method", reserved: PolicyParser.reserved)
        result =
          tokens.isAt("(")
          ? try method(name, of: result, at: position, nameAt: place)
          : try make(.attribute(result, Text(name)), at: position)
      } else if tokens.isAt("(") {
        throw tokens.problem("call", "this is no function", hint: "functions are ip, decimal, datetime and duration")
      } else {
        return result
      }
    }
  }

  private mutating func method(
    _ name: String, of object: Expression, at position: SourcePosition, nameAt place: SourcePosition
  ) throws(Problem) -> Expression {
    tokens.advance()
    let arguments = try list(until: ")")
    if let function = ExtensionFunction(rawValue: name), !function.isConstructor {
      return try make(.call(function, [object] + arguments), at: position)
    }
    switch name {
    case "isEmpty":
      guard arguments.isEmpty else { throw wrongCount(name, takes: 0, at: place) }
      return try make(.isEmpty(object), at: position)
    case "contains", "containsAll", "containsAny", "getTag", "hasTag":
      guard arguments.count == 1, let operation = BinaryOperator(rawValue: name) else {
        throw wrongCount(name, takes: 1, at: place)
      }
      return try make(.binary(operation, object, arguments[0]), at: position)
    default:
      throw tokens.problem("method", "there is no method “\(name)”", at: place)
    }
  }

  private func wrongCount(_ name: String, takes count: Int, at place: SourcePosition) -> Problem {
    tokens.problem("arguments", "“\(name)” takes \(count == 0 ? "no argument" : "one argument")", at: place)
  }

  private mutating func list(until end: String) throws(Problem) -> [Expression] {
    var elements: [Expression] = []
    while !tokens.isAt(end) {
      elements.append(try expression())
      guard tokens.take(",") else { break }
    }
    try tokens.expect(end, "behind a list")
    return elements
  }

  private mutating func primary() throws(Problem) -> Expression {
    let position = tokens.position
    switch tokens.current.kind {
    case .string: return try make(.literal(.string(try tokens.string("here"))), at: position)
    case .number(let digits):
      guard let number = Int64(digits) else { throw numberRange() }
      tokens.advance()
      return try make(.literal(.long(number)), at: position)
    case .symbol("("):
      tokens.advance()
      let inner = try expression()
      try tokens.expect(")", "behind an expression in brackets")
      return inner
    case .symbol("["):
      tokens.advance()
      return try make(.set(try list(until: "]")), at: position)
    case .symbol("{"):
      tokens.advance()
      return try record(at: position)
    case .symbol("?"):
      throw tokens.problem("template", "templates are not supported")
    case .word(let word): return try named(word, at: position)
    default: throw tokens.unexpected("an expression")
    }
  }

  private mutating func record(at position: SourcePosition) throws(Problem) -> Expression {
    var fields: [Expression.RecordField] = []
    var seen: Set<Text> = []
    while !tokens.isAt("}") {
      let place = tokens.position
      let name: Text
      if case .string = tokens.current.kind {
        name = try tokens.string("here")
      } else {
        name = Text(try tokens.word("of a field", reserved: PolicyParser.reserved))
      }
      guard seen.insert(name).inserted else {
        throw tokens.problem("duplicate-key", "the field \(name.quoted) stands twice", at: place)
      }
      try tokens.expect(":", "behind the name of a field")
      fields.append(Expression.RecordField(name: name, value: try expression()))
      guard tokens.take(",") else { break }
    }
    try tokens.expect("}", "behind a record")
    return try make(.record(fields), at: position)
  }

  /// A literal, a variable, an entity, or a call of a function.
  private mutating func named(_ word: String, at position: SourcePosition) throws(Problem) -> Expression {
    switch word {
    case "true", "false":
      tokens.advance()
      return try make(.literal(.bool(word == "true")), at: position)
    case "principal", "action", "resource", "context":
      guard tokens.following.kind != .symbol("::"), let variable = Variable(rawValue: word) else { break }
      tokens.advance()
      return try make(.variable(variable), at: position)
    default: break
    }
    switch try nameOrEntity() {
    case .entity(let uid): return try make(.literal(.entity(uid)), at: position)
    case .name(let name):
      guard tokens.take("(") else {
        throw tokens.problem(
          "name", "“\(name)” is not a value", at: position,
          hint: "variables are principal, action, resource and context; an entity is written Type::\"id\"")
      }
      guard let function = ExtensionFunction(rawValue: name), function.isConstructor else {
        throw tokens.problem(
          "function", "there is no function “\(name)”", at: position,
          hint: "functions are ip, decimal, datetime and duration; all others are methods: x.\(name)()")
      }
      return try make(.call(function, try list(until: ")")), at: position)
    }
  }
}

import Diagnostics

/// Where the id of a policy comes from.
public enum PolicyNaming: Sendable {
  /// From its annotation `@id("…")`, and from its place where it has none.
  case annotations
  /// From its place in the text: `policy0`, `policy1` and so on, as other implementations count.
  case places
}

/// The parser of policies.
///
/// Source: docs.cedarpolicy.com, “Grammar specification for Cedar policies”. Templates (`?principal`) are refused.
struct PolicyParser {
  /// The words that are no names.
  static let reserved: Set<String> = [
    "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar",
  ]
  /// How many policies a text may hold.
  static let countLimit = 10_000

  var tokens: TokenReader
  /// How many brackets, `if`s and signs are open: bounds the recursion before an expression has its depth.
  var nesting = 0
  /// Where the ids of policies come from.
  let naming: PolicyNaming

  /// All policies of a text, in their order.
  ///
  /// - Throws: `cedar.…` with the line and the column; then nothing of the text counts.
  static func policies(in bytes: [UInt8], naming: PolicyNaming) throws(Problem) -> [Policy] {
    var parser = PolicyParser(tokens: try TokenReader(bytes, area: "cedar"), naming: naming)
    var policies: [Policy] = []
    var places: [String: SourcePosition] = [:]
    while parser.tokens.current.kind != .end {
      guard policies.count < countLimit else {
        throw parser.tokens.problem("too-many", "the text holds more than \(countLimit) policies")
      }
      let policy = try parser.policy(number: policies.count)
      if let first = places.updateValue(policy.position, forKey: policy.id) {
        throw parser.tokens.problem(
          "duplicate-id", "two policies have the id “\(policy.id)”", at: policy.position,
          hint: "the other one stands at \(first)")
      }
      policies.append(policy)
    }
    return policies
  }

  /// The entity that a whole text names.
  static func entity(in text: String) throws(Problem) -> EntityUID {
    var parser = PolicyParser(tokens: try TokenReader(Array(text.utf8), area: "cedar"), naming: .places)
    guard case .entity(let uid) = try parser.nameOrEntity(), parser.tokens.current.kind == .end else {
      throw parser.tokens.unexpected("an entity and the end of the text")
    }
    return uid
  }

  private mutating func policy(number: Int) throws(Problem) -> Policy {
    let position = tokens.position
    let annotations = try annotations()
    let effect: Policy.Effect
    if tokens.take(word: "permit") {
      effect = .permit
    } else if tokens.take(word: "forbid") {
      effect = .forbid
    } else {
      throw tokens.unexpected("“permit” or “forbid”")
    }
    try tokens.expect("(", "behind “\(effect.rawValue)”")
    let principal = try constraint(of: .principal)
    try tokens.expect(",", "behind the principal")
    let action = try actionConstraint()
    try tokens.expect(",", "behind the action")
    let resource = try constraint(of: .resource)
    _ = tokens.take(",")
    try tokens.expect(")", "behind the resource")
    var conditions: [Expression] = []
    while !tokens.isAt(";") { conditions.append(try condition()) }
    tokens.advance()
    let given = naming == .annotations ? annotations.first { $0.name == "id" }?.value : nil
    return Policy(
      id: given ?? "policy\(number)", effect: effect, annotations: annotations, position: position,
      principal: principal, action: action, resource: resource, conditions: conditions)
  }

  private mutating func annotations() throws(Problem) -> [(name: String, value: String)] {
    var annotations: [(name: String, value: String)] = []
    while tokens.isAt("@") {
      let place = tokens.position
      tokens.advance()
      let name = try tokens.word("of an annotation", reserved: [])
      guard !annotations.contains(where: { $0.name == name }) else {
        throw tokens.problem("duplicate-annotation", "the annotation “\(name)” stands twice", at: place)
      }
      var value = ""
      if tokens.take("(") {
        value = try tokens.string("in the annotation").string
        try tokens.expect(")", "behind the annotation")
      }
      annotations.append((name, value))
    }
    return annotations
  }

  // MARK: head

  private mutating func variable(_ variable: Variable) throws(Problem) {
    guard tokens.take(word: variable.rawValue) else { throw tokens.unexpected("“\(variable.rawValue)”") }
    if tokens.isAt(":") {
      throw tokens.problem("syntax", "types are not written with a colon", hint: "write \(variable) is Type")
    }
  }

  private mutating func constraint(of name: Variable) throws(Problem) -> Policy.Constraint {
    try variable(name)
    if tokens.take("==") { return .equal(try entity()) }
    if tokens.take(word: "in") { return .isIn(try entity()) }
    guard tokens.take(word: "is") else { return .any }
    let type = Text(try path())
    return tokens.take(word: "in") ? .isTypeIn(type, try entity()) : .isType(type)
  }

  private mutating func actionConstraint() throws(Problem) -> Policy.ActionConstraint {
    try variable(.action)
    if tokens.take("==") { return .equal(try actionName()) }
    guard tokens.take(word: "in") else { return .any }
    return try inBrackets { parser throws(Problem) in
      guard parser.tokens.take("[") else { return .isIn(try parser.actionName()) }
      var names: [EntityUID] = []
      while !parser.tokens.isAt("]") {
        names.append(try parser.actionName())
        guard parser.tokens.take(",") else { break }
      }
      try parser.tokens.expect("]", "behind the actions")
      return .isInAny(names)
    }
  }

  /// What stands here, with as many brackets around it as there are.
  private mutating func inBrackets<Part>(
    _ part: (inout PolicyParser) throws(Problem) -> Part
  ) throws(Problem) -> Part {
    var open = 0
    while tokens.take("(") { open += 1 }
    let found = try part(&self)
    for _ in 0..<open { try tokens.expect(")", "behind what stands in brackets") }
    return found
  }

  private mutating func actionName() throws(Problem) -> EntityUID {
    let place = tokens.position
    let uid = try entity()
    guard uid.isAction else {
      throw tokens.problem(
        "action-type", "\(uid) is no action", at: place,
        hint: "the type of an action is Action, such as Action::\"view\"")
    }
    return uid
  }

  /// `Type::"id"`.
  private mutating func entity() throws(Problem) -> EntityUID {
    try inBrackets { parser throws(Problem) in
      if parser.tokens.isAt("?") {
        throw parser.tokens.problem("template", "templates are not supported", hint: "name the entity: Type::\"id\"")
      }
      guard case .entity(let uid) = try parser.nameOrEntity() else {
        throw parser.tokens.unexpected("the id of an entity", hint: "write Type::\"id\"")
      }
      return uid
    }
  }

  /// A path such as `Rustynet::User`.
  mutating func path() throws(Problem) -> String {
    guard case .name(let name) = try nameOrEntity() else {
      throw tokens.problem("syntax", "the name of a type is expected, and an entity stands here")
    }
    return name
  }

  /// A path, or an entity.
  enum Name {
    case name(String)
    case entity(EntityUID)
  }

  mutating func nameOrEntity() throws(Problem) -> Name {
    var name = try tokens.word("of a type", reserved: PolicyParser.reserved)
    while tokens.take("::") {
      if case .string(let raw) = tokens.current.kind {
        let id = try StringEscapes.text(raw, at: tokens.position, area: tokens.area)
        tokens.advance()
        return .entity(EntityUID(type: Text(name), id: id))
      }
      name += "::" + (try tokens.word("of a type", reserved: PolicyParser.reserved))
    }
    return .name(name)
  }

  // MARK: conditions

  private mutating func condition() throws(Problem) -> Expression {
    let position = tokens.position
    let isNegated = tokens.isAt(word: "unless")
    guard isNegated || tokens.isAt(word: "when") else { throw tokens.unexpected("“when”, “unless” or “;”") }
    tokens.advance()
    try tokens.expect("{", "before a condition")
    let expression = try expression()
    try tokens.expect("}", "behind a condition")
    return isNegated ? try make(.not(expression), at: position) : expression
  }

  /// An expression of its parts, unless it nests too deep.
  func make(_ kind: Expression.Kind, at position: SourcePosition) throws(Problem) -> Expression {
    let expression = Expression(kind, at: position)
    guard expression.depth <= Expression.depthLimit else { throw tooDeep(at: position) }
    return expression
  }

  func tooDeep(at position: SourcePosition) -> Problem {
    tokens.problem("depth", "the expression nests deeper than \(Expression.depthLimit)", at: position)
  }
}

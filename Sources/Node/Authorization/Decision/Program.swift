/// Policies as the evaluator reads them: one array of nodes that hold indices and no references.
///
/// Reading a node neither counts a reference nor allocates; values, names and patterns stand in tables beside it. What
/// never fails and is known beforehand, such as `ip("10.0.0.0/8")`, is a constant already.
struct Program: Sendable {
  /// An index into `nodes`.
  typealias Index = Int32

  /// Indices into `children`.
  struct Slice {
    let start: Int32
    let count: Int32
    var range: Range<Int> { Int(start)..<Int(start + count) }
  }

  enum Node {
    case constant(Int32)
    case variable(Variable)
    case conditional(Index, Index, Index)
    case and(Slice)
    case or(Slice)
    case not(Index)
    case negate(Index)
    case isEmpty(Index)
    case binary(BinaryOperator, Index, Index)
    case attribute(Index, name: Int32)
    case has(Index, name: Int32)
    case like(Index, pattern: Int32)
    case isType(Index, name: Int32)
    case set(Slice)
    /// The names of the fields stand in a row from `name`.
    case record(Slice, name: Int32)
    case call(ExtensionFunction, Slice)
    /// `principal == User::"a"`, and so on: the most frequent conditions, which cannot fail.
    case variableEquals(Variable, constant: Int32)
    case variableIn(Variable, constant: Int32)
    case variableInAny(Variable, constants: Slice)
    case variableIs(Variable, name: Int32)
  }

  private(set) var nodes: [Node] = []
  private(set) var children: [Int32] = []
  private(set) var constants: [Value] = []
  private(set) var entities: [EntityUID] = []
  private(set) var names: [Text] = []
  private(set) var patterns: [Pattern] = []
  /// Where the expression of each node begins; only explanations read it.
  private(set) var positions: [SourcePosition] = []

  private var nameIndex: [Text: Int32] = [:]

  /// Adds an expression and returns its node.
  mutating func add(_ expression: Expression) -> Index {
    let node = node(of: expression)
    nodes.append(node)
    positions.append(expression.position)
    return Index(nodes.count - 1)
  }

  private mutating func node(of expression: Expression) -> Node {
    if let fused = fused(expression) { return fused }
    switch expression.kind {
    case .literal(let value): return constant(value)
    case .variable(let variable): return .variable(variable)
    case .conditional(let test, let then, let other): return .conditional(add(test), add(then), add(other))
    case .and(let parts): return .and(slice(parts.filter { $0.kind != .literal(.bool(true)) }, else: parts))
    case .or(let parts): return .or(slice(parts))
    case .not(let part): return .not(add(part))
    case .negate(let part): return .negate(add(part))
    case .isEmpty(let part): return .isEmpty(add(part))
    case .binary(let operation, let left, let right): return .binary(operation, add(left), add(right))
    case .attribute(let object, let name): return .attribute(add(object), name: self.name(name))
    case .has(let object, let name): return .has(add(object), name: self.name(name))
    case .like(let text, let pattern):
      patterns.append(pattern)
      let index = Int32(patterns.count - 1)
      return .like(add(text), pattern: index)
    case .isType(let object, let type): return .isType(add(object), name: name(type))
    case .set(let parts):
      let values = parts.compactMap(\.literal)
      return values.count == parts.count ? constant(.set(ValueSet(values))) : .set(slice(parts))
    case .record(let fields):
      let first = Int32(names.count)
      names += fields.map(\.name)
      return .record(slice(fields.map(\.value)), name: first)
    case .call(let function, let arguments):
      if function.isConstructor, arguments.count == 1, case .literal(.string(let text)) = arguments[0].kind,
        let value = function.construct(text)
      {
        return constant(value)
      }
      return .call(function, slice(arguments))
    }
  }

  /// The short form of a condition on a variable.
  private mutating func fused(_ expression: Expression) -> Node? {
    switch expression.kind {
    case .binary(let operation, let left, let right):
      guard case .variable(let variable) = left.kind, variable != .context else { return nil }
      switch (operation, right.kind) {
      case (.equal, .literal(.entity(let uid))): return .variableEquals(variable, constant: entity(uid))
      case (.isIn, .literal(.entity(let uid))): return .variableIn(variable, constant: entity(uid))
      case (.isIn, .set(let parts)):
        var uids: [Int32] = []
        for part in parts {
          guard case .literal(.entity(let uid)) = part.kind else { return nil }
          uids.append(entity(uid))
        }
        return .variableInAny(variable, constants: slice(of: uids))
      default: return nil
      }
    case .isType(let object, let type):
      guard case .variable(let variable) = object.kind, variable != .context else { return nil }
      return .variableIs(variable, name: name(type))
    default: return nil
    }
  }

  private mutating func constant(_ value: Value) -> Node {
    constants.append(value)
    return .constant(Int32(constants.count - 1))
  }

  private mutating func entity(_ uid: EntityUID) -> Int32 {
    entities.append(uid)
    return Int32(entities.count - 1)
  }

  private mutating func name(_ name: Text) -> Int32 {
    if let known = nameIndex[name] { return known }
    names.append(name)
    nameIndex[name] = Int32(names.count - 1)
    return Int32(names.count - 1)
  }

  private mutating func slice(_ parts: [Expression], else other: [Expression] = []) -> Slice {
    // Nothing but `true`: one of them stays, for a node without a part says nothing.
    let parts = parts.isEmpty ? Array(other.prefix(1)) : parts
    return slice(of: parts.map { add($0) })
  }

  private mutating func slice(of indices: [Int32]) -> Slice {
    children += indices
    return Slice(start: Int32(children.count - indices.count), count: Int32(indices.count))
  }
}

extension Expression {
  /// The value of a literal.
  var literal: Value? {
    guard case .literal(let value) = kind else { return nil }
    return value
  }
}

extension ExtensionFunction {
  /// What a constructor makes of a text; nil when the text is none of that type, and for methods.
  func construct(_ text: Text) -> Value? {
    switch self {
    case .ip: IPValue(text).map { .ip($0) }
    case .decimal: DecimalValue(text).map { .decimal($0) }
    case .datetime: DateTimeValue(text).map { .datetime($0) }
    case .duration: DurationValue(text).map { .duration($0) }
    default: nil
    }
  }
}

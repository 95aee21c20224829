/// An expression of a policy, as it was parsed: sugar is taken away, what it means is kept.
///
/// `a != b`, `a > b`, `a >= b`, `a is T in b` and `a has b.c` are what Cedar defines them by. Two expressions are equal
/// when they are written the same; where they stand does not count.
public struct Expression: Sendable {
  /// How deep an expression may nest; parser, validator and evaluator recurse, so the depth bounds their stack.
  static let depthLimit = 400

  /// What it is.
  let kind: Kind
  /// Where it begins.
  let position: SourcePosition
  /// Levels, itself included.
  let depth: Int

  indirect enum Kind: Hashable, Sendable {
    case literal(Value)
    case variable(Variable)
    case conditional(Expression, Expression, Expression)
    case and([Expression])
    case or([Expression])
    case not(Expression)
    case negate(Expression)
    case isEmpty(Expression)
    case binary(BinaryOperator, Expression, Expression)
    case attribute(Expression, Text)
    case has(Expression, Text)
    case like(Expression, Pattern)
    case isType(Expression, Text)
    case set([Expression])
    case record([RecordField])
    case call(ExtensionFunction, [Expression])
  }

  /// A field of a record literal.
  struct RecordField: Hashable, Sendable {
    let name: Text
    let value: Expression
  }

  init(_ kind: Kind, at position: SourcePosition) {
    self.kind = kind
    self.position = position
    depth = 1 + kind.children.reduce(0) { max($0, $1.depth) }
  }
}

extension Expression: Hashable {
  /// Equal when both are written the same.
  public static func == (left: Expression, right: Expression) -> Bool {
    left.depth == right.depth && left.kind == right.kind
  }

  /// What it is, not where.
  public func hash(into hasher: inout Hasher) { hasher.combine(kind) }
}

extension Expression.Kind {
  /// The parts of the expression.
  var children: [Expression] {
    switch self {
    case .literal, .variable: []
    case .conditional(let test, let then, let other): [test, then, other]
    case .and(let parts), .or(let parts), .set(let parts), .call(_, let parts): parts
    case .not(let part), .negate(let part), .isEmpty(let part), .attribute(let part, _), .has(let part, _),
      .like(let part, _), .isType(let part, _):
      [part]
    case .binary(_, let left, let right): [left, right]
    case .record(let fields): fields.map(\.value)
    }
  }
}

/// The four variables of a request.
public enum Variable: String, Hashable, Sendable, CaseIterable {
  case principal, action, resource, context
}

/// Operators and methods of the core language with two operands.
enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
  case equal = "=="
  case less = "<"
  case lessOrEqual = "<="
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case isIn = "in"
  case contains, containsAll, containsAny, getTag, hasTag
}

/// Functions and methods of the extension types; the raw value is the name in a policy.
enum ExtensionFunction: String, Hashable, Sendable, CaseIterable {
  case ip, decimal, datetime, duration
  case isIpv4, isIpv6, isLoopback, isMulticast, isInRange
  case lessThan, lessThanOrEqual, greaterThan, greaterThanOrEqual
  case offset, durationSince, toDate, toTime
  case toMilliseconds, toSeconds, toMinutes, toHours, toDays

  /// Whether it makes a value of a text, and is called as a function; all others are methods.
  var isConstructor: Bool {
    switch self {
    case .ip, .decimal, .datetime, .duration: true
    default: false
    }
  }

  /// How many arguments it takes, the object of a method included.
  var arity: Int {
    switch self {
    case .isInRange, .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .offset, .durationSince: 2
    default: 1
    }
  }
}

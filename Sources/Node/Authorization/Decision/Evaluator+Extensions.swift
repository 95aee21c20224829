import NetworkTypes

extension Evaluator {
  /// Functions and methods of the extension types.
  func call(
    _ function: ExtensionFunction, _ arguments: Program.Slice, at index: Program.Index
  ) throws(EvaluationFailure) -> Value {
    // At most two are ever needed; the others are evaluated all the same, for one of them may fail first.
    var first: Value?
    var second: Value?
    for (offset, place) in arguments.range.enumerated() {
      let argument = try value(program.children[place])
      switch offset {
      case 0: first = argument
      case 1: second = argument
      default: continue
      }
    }
    guard let first, Int(arguments.count) == function.arity else { throw failure(.argumentCount, index) }
    if function.isConstructor {
      guard case .string(let text) = first else { throw failure(.type, index) }
      guard let value = function.construct(text) else { throw failure(.extensionArgument, index) }
      return value
    }
    guard let result = try method(function, first, second, at: index) else { throw failure(.type, index) }
    return result
  }

  /// The result of a method; nil when an operand is of another type.
  private func method(
    _ function: ExtensionFunction, _ object: Value, _ argument: Value?, at index: Program.Index
  ) throws(EvaluationFailure) -> Value? {
    switch (object, argument) {
    case (.ip(let address), nil):
      switch function {
      case .isIpv4: return .bool(address.address.family == .v4)
      case .isIpv6: return .bool(address.address.family == .v6)
      case .isLoopback: return .bool(address.isLoopback)
      case .isMulticast: return .bool(address.isMulticast)
      default: return nil
      }
    case (.ip(let address), .ip(let range)?):
      return function == .isInRange ? .bool(address.isInRange(range)) : nil
    case (.decimal(let left), .decimal(let right)?):
      switch function {
      case .lessThan: return .bool(left < right)
      case .lessThanOrEqual: return .bool(left <= right)
      case .greaterThan: return .bool(left > right)
      case .greaterThanOrEqual: return .bool(left >= right)
      default: return nil
      }
    case (.datetime(let time), let argument): return try method(function, time, argument, at: index)
    case (.duration(let span), nil): return method(function, span)
    default: return nil
    }
  }

  private func method(
    _ function: ExtensionFunction, _ time: DateTimeValue, _ argument: Value?, at index: Program.Index
  ) throws(EvaluationFailure) -> Value? {
    switch (function, argument) {
    case (.offset, .duration(let span)?):
      guard let result = time.offset(by: span) else { throw failure(.overflow, index) }
      return .datetime(result)
    case (.durationSince, .datetime(let other)?):
      guard let result = time.duration(since: other) else { throw failure(.overflow, index) }
      return .duration(result)
    case (.toDate, nil):
      guard let result = time.date else { throw failure(.overflow, index) }
      return .datetime(result)
    case (.toTime, nil): return .duration(time.time)
    default: return nil
    }
  }

  private func method(_ function: ExtensionFunction, _ span: DurationValue) -> Value? {
    switch function {
    case .toMilliseconds: .long(span.milliseconds)
    case .toSeconds: .long(span.milliseconds / 1000)
    case .toMinutes: .long(span.milliseconds / 60_000)
    case .toHours: .long(span.milliseconds / 3_600_000)
    case .toDays: .long(span.milliseconds / 86_400_000)
    default: nil
    }
  }
}

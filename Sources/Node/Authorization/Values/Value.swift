/// A value of Cedar's language.
///
/// Sixteen bytes at most; copying one never allocates.
public enum Value: Hashable, Sendable {
  case bool(Bool)
  case long(Int64)
  case string(Text)
  case entity(EntityUID)
  case set(ValueSet)
  case record(Record)
  case decimal(DecimalValue)
  case datetime(DateTimeValue)
  case duration(DurationValue)
  case ip(IPValue)

  /// The name of the kind, for messages.
  public var kind: String {
    switch self {
    case .bool: "a boolean"
    case .long: "a long"
    case .string: "a string"
    case .entity: "an entity"
    case .set: "a set"
    case .record: "a record"
    case .decimal: "a decimal"
    case .datetime: "a datetime"
    case .duration: "a duration"
    case .ip: "an ipaddr"
    }
  }
}

/// A set: no element twice, in no order.
public final class ValueSet: Sendable {
  /// Up to this many elements are searched one by one.
  private static let searched = 8

  /// The elements, in the order in which they came first.
  public let elements: [Value]
  private let index: Set<Value>
  private let fingerprint: Int

  /// The set of `values`; what stands there twice is taken once.
  public init(_ values: [Value]) {
    var unique: [Value] = []
    var seen: Set<Value> = []
    if values.count <= ValueSet.searched {
      for value in values where !unique.contains(value) { unique.append(value) }
    } else {
      for value in values where seen.insert(value).inserted { unique.append(value) }
    }
    elements = unique
    index = unique.count > ValueSet.searched ? seen : []
    // A sum does not depend on the order.
    fingerprint = unique.reduce(0) { $0 &+ $1.hashValue }
  }

  /// Whether `value` is an element.
  public func contains(_ value: Value) -> Bool {
    elements.count > ValueSet.searched ? index.contains(value) : elements.contains(value)
  }

  /// Whether every element of `other` is one of this set.
  public func containsAll(_ other: ValueSet) -> Bool { other.elements.allSatisfy { contains($0) } }

  /// Whether some element of `other` is one of this set.
  public func containsAny(_ other: ValueSet) -> Bool { other.elements.contains { contains($0) } }
}

extension ValueSet: Hashable {
  /// Equal when both have the same elements.
  public static func == (left: ValueSet, right: ValueSet) -> Bool {
    left === right
      || left.fingerprint == right.fingerprint && left.elements.count == right.elements.count && left.containsAll(right)
  }

  /// The same for the same elements in any order.
  public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

/// A record: values by name. Fields are kept in the order of their names, so that equal records are equal arrays.
public struct Record: Hashable, Sendable {
  /// A named value.
  public struct Field: Hashable, Sendable {
    /// The name.
    public let name: Text
    /// The value.
    public let value: Value

    /// A field of its parts.
    public init(_ name: Text, _ value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// Up to this many fields are searched one by one.
  private static let searched = 8

  /// The fields, by name.
  public let fields: [Field]

  /// The record of `fields`; of two with one name the last stands. Readers of documents refuse such beforehand.
  public init(_ fields: [Field] = []) {
    if fields.count < 2 {
      self.fields = fields
      return
    }
    var byName: [Text: Value] = [:]
    for field in fields { byName[field.name] = field.value }
    self.fields = byName.map { Field($0.key, $0.value) }.sorted { $0.name < $1.name }
  }

  /// The value of `name`, nil where there is none.
  public subscript(name: Text) -> Value? {
    if fields.count <= Record.searched {
      for field in fields where field.name == name { return field.value }
      return nil
    }
    var (low, high) = (0, fields.count)
    while low < high {
      let middle = (low + high) / 2
      if fields[middle].name < name { low = middle + 1 } else { high = middle }
    }
    return low < fields.count && fields[low].name == name ? fields[low].value : nil
  }
}

extension Value: CustomStringConvertible {
  /// The value as an expression of Cedar.
  public var description: String {
    switch self {
    case .bool(let value): "\(value)"
    case .long(let value): "\(value)"
    case .string(let text): text.quoted
    case .entity(let uid): "\(uid)"
    case .set(let set): "[\(set.elements.map(\.description).joined(separator: ", "))]"
    case .record(let record):
      "{\(record.fields.map { "\($0.name.quoted): \($0.value)" }.joined(separator: ", "))}"
    case .decimal(let value): "decimal(\"\(value)\")"
    case .datetime(let value): "\(value)"
    case .duration(let value): "duration(\"\(value.milliseconds)ms\")"
    case .ip(let value): "ip(\"\(value)\")"
    }
  }
}

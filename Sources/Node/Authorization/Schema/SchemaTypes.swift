/// The type of a value, as a schema declares it and as the validator finds it.
indirect enum SchemaType: Hashable, Sendable {
  /// A boolean; the validator often knows which one.
  case bool(Bool?)
  case long
  case string
  case decimal
  case datetime
  case duration
  case ip
  case entity(Text)
  case set(SchemaType)
  case record(RecordType)
}

/// The type of a record: no other attribute than these.
struct RecordType: Hashable, Sendable {
  struct Attribute: Hashable, Sendable {
    let type: SchemaType
    let isRequired: Bool
  }

  var attributes: [Text: Attribute] = [:]

  subscript(name: Text) -> Attribute? { attributes[name] }
}

extension SchemaType: CustomStringConvertible {
  /// The type as a schema writes it.
  var description: String {
    switch self {
    case .bool: "Bool"
    case .long: "Long"
    case .string: "String"
    case .decimal: "decimal"
    case .datetime: "datetime"
    case .duration: "duration"
    case .ip: "ipaddr"
    case .entity(let name): "\(name)"
    case .set(let element): "Set<\(element)>"
    case .record(let record):
      "{"
        + record.attributes.sorted { $0.key < $1.key }
        .map { "\($0.key)\($0.value.isRequired ? "" : "?"): \($0.value.type)" }.joined(separator: ", ") + "}"
    }
  }

  /// The type that holds the values of both, nil where there is none (strict validation: entities are never mixed).
  func joined(_ other: SchemaType) -> SchemaType? {
    switch (self, other) {
    case (.bool(let a), .bool(let b)): return .bool(a == b ? a : nil)
    case (.set(let a), .set(let b)): return a.joined(b).map { .set($0) }
    case (.record(let a), .record(let b)):
      guard a.attributes.count == b.attributes.count else { return nil }
      var result = RecordType()
      for (name, attribute) in a.attributes {
        guard let match = b[name], match.isRequired == attribute.isRequired,
          let type = attribute.type.joined(match.type)
        else { return nil }
        result.attributes[name] = RecordType.Attribute(type: type, isRequired: attribute.isRequired)
      }
      return .record(result)
    default: return self == other ? self : nil
    }
  }
}

public import Diagnostics

extension SchemaType {
  /// The function that makes a value of an extension type of a text.
  var constructor: ExtensionFunction? {
    switch self {
    case .ip: .ip
    case .decimal: .decimal
    case .datetime: .datetime
    case .duration: .duration
    default: nil
    }
  }
}

extension EntityReader {
  /// Whether a value is of a type.
  func fits(_ value: Value, _ type: SchemaType) -> Bool {
    switch (value, type) {
    case (.bool(let flag), .bool(let known)): return known == nil || known == flag
    case (.long, .long), (.string, .string), (.decimal, .decimal), (.datetime, .datetime), (.duration, .duration),
      (.ip, .ip):
      return true
    case (.entity(let uid), .entity(let name)): return uid.type == name
    case (.set(let set), .set(let element)): return set.elements.allSatisfy { fits($0, element) }
    case (.record(let record), .record(let expected)):
      return record.fields.allSatisfy { field in expected[field.name].map { fits(field.value, $0.type) } ?? false }
        && expected.attributes.allSatisfy { !$0.value.isRequired || record[$0.key] != nil }
    default: return false
    }
  }

  /// Refuses a request that the schema does not know: an unknown action, or one that does not apply.
  ///
  /// - Throws: `request.action`, `request.principal`, `request.resource` or `request.context`.
  public func check(_ request: Request) throws(Problem) {
    guard let schema else { return }
    guard let action = schema.actions[request.action] else {
      throw .malformed("request.action", "the schema has no action \(request.action)")
    }
    guard action.principals.contains(request.principal.type) else {
      throw .malformed(
        "request.principal", "the action \(request.action) is not for principals such as \(request.principal)",
        hint: "it applies to \(action.principals.map(\.string).sorted().joined(separator: ", "))")
    }
    guard action.resources.contains(request.resource.type) else {
      throw .malformed(
        "request.resource", "the action \(request.action) is not for resources such as \(request.resource)",
        hint: "it applies to \(action.resources.map(\.string).sorted().joined(separator: ", "))")
    }
    for uid in [request.principal, request.resource] {
      if let ids = schema.entityTypes[uid.type]?.ids, !ids.contains(uid.id) {
        throw .malformed("request.enum", "\(uid) is none of the entities of its enumerated type")
      }
    }
    guard fits(.record(request.context), .record(action.context)) else {
      throw .malformed("request.context", "the context is not what the schema has for \(request.action)")
    }
  }
}

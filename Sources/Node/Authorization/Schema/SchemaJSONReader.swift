import Diagnostics
import StrictJSON

/// Reads the JSON form of schemas (docs.cedarpolicy.com, “JSON schema format”).
enum SchemaJSONReader {
  static let limits = JSON.Limits(size: 1 << 20, depth: 64, values: 100_000)

  /// The namespaces of a document: an object with a member for each.
  static func namespaces(in bytes: [UInt8]) throws(Problem) -> [SchemaNamespace] {
    try JSON.decode(bytes, limits: limits) { root throws(Problem) in
      var result: [SchemaNamespace] = []
      for (name, body) in try root.members() { result.append(try namespace(name, body)) }
      return result
    }
  }

  private static func namespace(_ name: String, _ body: JSONReader) throws(Problem) -> SchemaNamespace {
    try body.closed("entityTypes", "actions", "commonTypes", "annotations")
    var space = SchemaNamespace(name: name)
    for (name, common) in try body.optional("commonTypes")?.members() ?? [] {
      space.commonTypes.append(
        SchemaNamespace.CommonType(name: name, type: try type(common), place: common.pointer))
    }
    for (name, entity) in try body.member("entityTypes").members() {
      space.entities.append(try self.entity(name, entity))
    }
    for (name, action) in try body.member("actions").members() {
      space.actions.append(try self.action(name, action))
    }
    return space
  }

  private static func entity(_ name: String, _ body: JSONReader) throws(Problem) -> SchemaNamespace.EntityForm {
    try body.closed("memberOfTypes", "shape", "tags", "enum", "annotations")
    let shape = try body.optional("shape")
    let tags = try body.optional("tags")
    let ids = try body.optional("enum")
    if ids != nil, shape != nil || tags != nil {
      throw body.problem("schema.enum", "an enumerated type has neither attributes nor tags")
    }
    if let ids, try ids.elements().isEmpty { throw ids.problem("schema.enum", "an enumerated type has no id") }
    return SchemaNamespace.EntityForm(
      name: name, parents: try body.optional("memberOfTypes")?.texts() ?? [],
      shape: try shape.map { shape throws(Problem) in try type(shape) } ?? .record([]),
      tags: try tags.map { tags throws(Problem) in try type(tags) }, ids: try ids?.texts(), place: body.pointer)
  }

  private static func action(_ id: String, _ body: JSONReader) throws(Problem) -> SchemaNamespace.ActionForm {
    try body.closed("memberOf", "appliesTo", "attributes", "annotations")
    var parents: [(type: String?, id: String)] = []
    if let groups = try body.optional("memberOf"), groups.value != .null {
      for group in try groups.elements() {
        try group.closed("id", "type")
        parents.append((try group.optional("type")?.text(), try group.member("id").text()))
      }
    }
    var principals: [String] = []
    var resources: [String] = []
    var context = SchemaNamespace.TypeForm.record([])
    if let application = try body.optional("appliesTo"), application.value != .null {
      try application.closed("principalTypes", "resourceTypes", "context")
      principals = try application.member("principalTypes").texts()
      resources = try application.member("resourceTypes").texts()
      if let written = try application.optional("context") { context = try type(written) }
    }
    return SchemaNamespace.ActionForm(
      id: id, parents: parents, principals: principals, resources: resources, context: context, place: body.pointer)
  }

  private static func type(_ body: JSONReader) throws(Problem) -> SchemaNamespace.TypeForm {
    let name = try body.member("type").text()
    switch name {
    case "Long", "String", "Boolean", "Bool":
      return .builtIn(name)
    case "Set": return .set(try type(try body.member("element")))
    case "Entity": return .entity(try body.member("name").text())
    case "Extension": return .builtIn(try body.member("name").text())
    case "EntityOrCommon": return .name(try body.member("name").text())
    case "Record":
      if try body.optional("additionalAttributes")?.bool() == true {
        throw body.problem("schema.additional-attributes", "records with additional attributes are not supported")
      }
      var attributes: [SchemaNamespace.Attribute] = []
      for (name, attribute) in try body.optional("attributes")?.members() ?? [] {
        attributes.append(
          SchemaNamespace.Attribute(
            name: name, type: try type(attribute), isRequired: try attribute.optional("required")?.bool() ?? true))
      }
      return .record(attributes)
    default: return .name(name)
    }
  }
}

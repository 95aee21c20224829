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
    try readAnnotations(body)
    if name.isEmpty, let annotations = try body.optional("annotations") {
      throw annotations.problem("schema.annotations", "what stands outside of every namespace has no annotations")
    }
    guard name.isEmpty || EntityReader.isTypeName(name) else { throw nameProblem(name, body) }
    var space = SchemaNamespace(name: name)
    for (name, common) in try body.optional("commonTypes")?.members() ?? [] {
      guard EntityReader.isTypeName(name), !name.contains(":") else { throw nameProblem(name, common) }
      guard !SchemaNamespace.builtInNames.contains(name) else {
        throw common.problem("schema.reserved", "“\(name)” is the name of a built-in type")
      }
      space.commonTypes.append(
        SchemaNamespace.CommonType(name: name, type: try type(common), place: common.pointer))
    }
    for (name, entity) in try body.member("entityTypes").members() {
      guard EntityReader.isTypeName(name), !name.contains(":") else { throw nameProblem(name, entity) }
      space.entities.append(try self.entity(name, entity))
    }
    for (name, action) in try body.member("actions").members() {
      space.actions.append(try self.action(name, action))
    }
    return space
  }

  private static func nameProblem(_ name: String, _ reader: JSONReader) -> Problem {
    reader.problem("schema.name", "“\(name)” is no name", hint: "letters, digits and underscores, and no reserved word")
  }

  /// Annotations are texts; they decide nothing.
  private static func readAnnotations(_ body: JSONReader) throws(Problem) {
    for (name, value) in try body.optional("annotations")?.members() ?? [] {
      guard EntityReader.isPath(name), !name.contains(":") else { throw nameProblem(name, value) }
      if value.value != .null { _ = try value.text() }
    }
  }

  private static func entity(_ name: String, _ body: JSONReader) throws(Problem) -> SchemaNamespace.EntityForm {
    try body.closed("memberOfTypes", "shape", "tags", "enum", "annotations")
    try readAnnotations(body)
    let shape = try body.optional("shape")
    let tags = try body.optional("tags")
    let ids = try body.optional("enum")
    if ids != nil {
      do throws(Problem) { try body.closed("enum", "annotations") } catch {
        throw body.problem("schema.enum", "an enumerated type has neither groups nor attributes nor tags")
      }
    }
    if let ids, try ids.elements().isEmpty { throw ids.problem("schema.enum", "an enumerated type has no id") }
    return SchemaNamespace.EntityForm(
      name: name, parents: try body.optional("memberOfTypes")?.texts() ?? [],
      shape: try shape.map { shape throws(Problem) in try type(shape) } ?? .record([]),
      tags: try tags.map { tags throws(Problem) in try type(tags) }, ids: try ids?.texts(), place: body.pointer)
  }

  private static func action(_ id: String, _ body: JSONReader) throws(Problem) -> SchemaNamespace.ActionForm {
    try body.closed("memberOf", "appliesTo", "attributes", "annotations")
    try readAnnotations(body)
    if let attributes = try body.optional("attributes"), attributes.value != .null {
      throw attributes.problem("schema.attributes", "actions have no attributes")
    }
    var parents: [(type: String?, id: String)] = []
    if let groups = try body.optional("memberOf"), groups.value != .null {
      for group in try groups.elements() {
        try group.closed("id", "type")
        let type = try group.optional("type").flatMap { $0.value == .null ? nil : $0 }
        parents.append((try type?.text(), try group.member("id").text()))
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

  /// The members that a type of each sort has besides its name; those of an attribute have `required` too.
  private static func type(
    _ body: JSONReader, isAttribute: Bool = false
  ) throws(Problem) -> SchemaNamespace.TypeForm {
    func closed(_ members: String...) throws(Problem) {
      for (name, value) in try body.members() {
        guard members.contains(name) || ["type", "annotations"].contains(name) || isAttribute && name == "required"
        else {
          throw value.problem("schema.member", "a type of this sort has no member “\(name)”")
        }
      }
    }
    try readAnnotations(body)
    let name = try body.member("type").text()
    switch name {
    case "Long", "String", "Boolean":
      try closed()
      return .builtIn(name)
    case "Set":
      try closed("element")
      return .set(try type(try body.member("element")))
    case "Entity", "Extension", "EntityOrCommon":
      try closed("name")
      let named = try body.member("name").text()
      return name == "Entity" ? .entity(named) : name == "Extension" ? .extensionType(named) : .name(named)
    case "Record":
      try closed("attributes", "additionalAttributes")
      return .record(try attributes(body))
    default:
      try closed()
      return .common(name)
    }
  }

  private static func attributes(_ body: JSONReader) throws(Problem) -> [SchemaNamespace.Attribute] {
    if try body.optional("additionalAttributes")?.bool() == true {
      throw body.problem("schema.additional-attributes", "records with additional attributes are not supported")
    }
    var attributes: [SchemaNamespace.Attribute] = []
    for (name, attribute) in try body.member("attributes").members() {
      attributes.append(
        SchemaNamespace.Attribute(
          name: name, type: try type(attribute, isAttribute: true),
          isRequired: try attribute.optional("required")?.bool() ?? true))
    }
    return attributes
  }
}

import Diagnostics

/// The parser of the form of schemas that people write.
///
/// Source: docs.cedarpolicy.com, “Human-readable schema grammar”.
struct SchemaParser {
  /// The words that are no names of attributes and actions, unless they stand in quotation marks.
  private static let keywords = PolicyParser.reserved.subtracting(["__cedar"])
  /// How deep types may nest.
  private static let depthLimit = 64

  private var tokens: TokenReader

  /// The namespaces of a text. What stands outside of one is in the namespace without a name.
  static func namespaces(in bytes: [UInt8]) throws(Problem) -> [SchemaNamespace] {
    var parser = SchemaParser(tokens: try TokenReader(bytes, area: "schema"))
    var outside = SchemaNamespace(name: "")
    var namespaces: [SchemaNamespace] = []
    while parser.tokens.current.kind != .end {
      try parser.skipAnnotations()
      if parser.tokens.isAt(word: "namespace") {
        parser.tokens.advance()
        var space = SchemaNamespace(name: try parser.namespaceName())
        try parser.tokens.expect("{", "before the declarations")
        while !parser.tokens.take("}") { try parser.declaration(into: &space) }
        namespaces.append(space)
      } else {
        try parser.declaration(into: &outside)
      }
    }
    return [outside] + namespaces
  }

  private var place: String { "\(tokens.position)" }

  private mutating func skipAnnotations() throws(Problem) {
    var seen: Set<String> = []
    while tokens.take("@") {
      let place = tokens.position
      let name = try tokens.word("of an annotation", reserved: [])
      guard seen.insert(name).inserted else {
        throw tokens.problem("duplicate-annotation", "the annotation “\(name)” stands twice", at: place)
      }
      if tokens.take("(") {
        _ = try tokens.string("in the annotation")
        try tokens.expect(")", "behind the annotation")
      }
    }
  }

  private mutating func declaration(into space: inout SchemaNamespace) throws(Problem) {
    try skipAnnotations()
    if tokens.take(word: "entity") {
      space.entities += try entities()
    } else if tokens.take(word: "action") {
      space.actions += try actions()
    } else if tokens.take(word: "type") {
      let place = place
      let name = try tokens.word("of a type", reserved: PolicyParser.reserved)
      guard !SchemaNamespace.builtInNames.contains(name) else {
        throw tokens.problem("reserved", "“\(name)” is the name of a built-in type")
      }
      try tokens.expect("=", "before the type")
      let type = try type(depth: 0)
      try tokens.expect(";", "behind the type")
      space.commonTypes.append(SchemaNamespace.CommonType(name: name, type: type, place: place))
    } else {
      throw tokens.unexpected("“entity”, “action”, “type” or “namespace”")
    }
  }

  // MARK: entities

  private mutating func entities() throws(Problem) -> [SchemaNamespace.EntityForm] {
    let place = place
    var names = [try tokens.word("of an entity type", reserved: PolicyParser.reserved)]
    while tokens.take(",") { names.append(try tokens.word("of an entity type", reserved: PolicyParser.reserved)) }
    var parents: [String] = []
    var shape = SchemaNamespace.TypeForm.record([])
    var tags: SchemaNamespace.TypeForm?
    var ids: [String]?
    if tokens.take(word: "enum") {
      ids = try identifiers()
    } else {
      if tokens.take(word: "in") { parents = try paths() }
      let hasSign = tokens.take("=")
      if hasSign || tokens.isAt("{") {
        try tokens.expect("{", "before the attributes")
        shape = .record(try attributes(depth: 0))
      }
      if tokens.take(word: "tags") { tags = try type(depth: 0) }
    }
    try tokens.expect(";", "behind the entity type")
    return names.map {
      SchemaNamespace.EntityForm(name: $0, parents: parents, shape: shape, tags: tags, ids: ids, place: place)
    }
  }

  /// The ids of an enumerated type: one at least.
  private mutating func identifiers() throws(Problem) -> [String] {
    try tokens.expect("[", "before the ids")
    var ids = [try tokens.string("as the id of an entity").string]
    while tokens.take(",") { ids.append(try tokens.string("as the id of an entity").string) }
    try tokens.expect("]", "behind the ids")
    return ids
  }

  // MARK: actions

  private mutating func actions() throws(Problem) -> [SchemaNamespace.ActionForm] {
    let place = place
    var names = [try name()]
    while tokens.take(",") { names.append(try name()) }
    let parents = tokens.take(word: "in") ? try references() : []
    var principals: [String] = []
    var resources: [String] = []
    var context = SchemaNamespace.TypeForm.record([])
    if tokens.take(word: "appliesTo") { try application(&principals, &resources, &context) }
    if tokens.take(word: "attributes") {
      try tokens.expect("{", "before the attributes")
      try tokens.expect("}", "behind the attributes: actions have none")
    }
    try tokens.expect(";", "behind the action")
    return names.map {
      SchemaNamespace.ActionForm(
        id: $0, parents: parents, principals: principals, resources: resources, context: context, place: place)
    }
  }

  private mutating func application(
    _ principals: inout [String], _ resources: inout [String], _ context: inout SchemaNamespace.TypeForm
  ) throws(Problem) {
    try tokens.expect("{", "before what the action applies to")
    var seen: Set<String> = []
    while !tokens.isAt("}") {
      let place = tokens.position
      let word = try tokens.word("principal, resource or context", reserved: [])
      guard seen.insert(word).inserted else {
        throw tokens.problem("duplicate", "“\(word)” stands twice", at: place)
      }
      try tokens.expect(":", "behind “\(word)”")
      switch word {
      case "principal": principals = try applicableTypes(word, at: place)
      case "resource": resources = try applicableTypes(word, at: place)
      case "context": context = try type(depth: 0)
      default:
        throw tokens.problem("syntax", "“principal”, “resource” or “context” is expected", at: place)
      }
      guard tokens.take(",") else { break }
    }
    for word in ["principal", "resource"] where !seen.contains(word) {
      throw tokens.problem(
        "syntax", "“\(word)” is missing", hint: "leave appliesTo out where an action applies to nothing")
    }
    try tokens.expect("}", "behind what the action applies to")
  }

  private mutating func applicableTypes(_ word: String, at place: SourcePosition) throws(Problem) -> [String] {
    let types = try paths()
    guard !types.isEmpty else {
      throw tokens.problem("syntax", "“\(word)” is an empty list", at: place, hint: "leave appliesTo out")
    }
    return types
  }

  /// Groups of actions: `"id"`, `name`, `Type::"id"`, or several of them in brackets.
  private mutating func references() throws(Problem) -> [(type: String?, id: String)] {
    guard tokens.take("[") else { return [try reference()] }
    var result = [try reference()]
    while tokens.take(",") { result.append(try reference()) }
    try tokens.expect("]", "behind the actions")
    return result
  }

  private mutating func reference() throws(Problem) -> (type: String?, id: String) {
    if case .string = tokens.current.kind { return (nil, try tokens.string("here").string) }
    var type = try tokens.word("of an action", reserved: SchemaParser.keywords)
    guard tokens.isAt("::") else { return (nil, type) }
    while tokens.take("::") {
      if case .string = tokens.current.kind { return (type, try tokens.string("here").string) }
      type += "::" + (try tokens.word("of a type", reserved: PolicyParser.reserved))
    }
    throw tokens.unexpected("the id of an action")
  }

  // MARK: types

  private mutating func name() throws(Problem) -> String {
    if case .string = tokens.current.kind { return try tokens.string("here").string }
    return try tokens.word("here", reserved: SchemaParser.keywords)
  }

  private mutating func namespaceName() throws(Problem) -> String {
    guard !tokens.isAt(word: "__cedar") else { throw tokens.problem("reserved", "“__cedar” is no name of a namespace") }
    return try path()
  }

  private mutating func path() throws(Problem) -> String {
    var name = try tokens.word("of a type", reserved: SchemaParser.keywords)
    while tokens.take("::") { name += "::" + (try tokens.word("of a type", reserved: PolicyParser.reserved)) }
    return name
  }

  private mutating func paths() throws(Problem) -> [String] {
    guard tokens.take("[") else { return [try path()] }
    guard !tokens.take("]") else { return [] }
    var result = [try path()]
    while tokens.take(",") { result.append(try path()) }
    try tokens.expect("]", "behind the types")
    return result
  }

  private mutating func type(depth: Int) throws(Problem) -> SchemaNamespace.TypeForm {
    guard depth < SchemaParser.depthLimit else {
      throw tokens.problem("depth", "types are nested deeper than \(SchemaParser.depthLimit)")
    }
    if tokens.take("{") { return .record(try attributes(depth: depth + 1)) }
    if tokens.isAt(word: "Set"), tokens.following.kind == .symbol("<") {
      tokens.advance()
      tokens.advance()
      let element = try type(depth: depth + 1)
      try tokens.expect(">", "behind the type of the elements")
      return .set(element)
    }
    return .name(try path())
  }

  /// The attributes of a record, up to the closing brace.
  private mutating func attributes(depth: Int) throws(Problem) -> [SchemaNamespace.Attribute] {
    var result: [SchemaNamespace.Attribute] = []
    while !tokens.isAt("}") {
      try skipAnnotations()
      let name = try name()
      let isOptional = tokens.take("?")
      try tokens.expect(":", "behind the name of an attribute")
      result.append(
        SchemaNamespace.Attribute(name: name, type: try type(depth: depth), isRequired: !isOptional))
      guard tokens.take(",") else { break }
    }
    try tokens.expect("}", "behind the attributes")
    return result
  }
}

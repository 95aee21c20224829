/// A namespace of a schema as it was read, names not yet resolved.
struct SchemaNamespace {
  /// The names that no common type may have.
  static let builtInNames: Set<String> = [
    "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String",
  ]

  /// A type as it was written.
  indirect enum TypeForm {
    /// A name that may be a common type, an entity type or a built-in one.
    case name(String)
    /// The name of a common type or a built-in one, and of no entity type.
    case common(String)
    /// The name of an entity type, and of nothing else.
    case entity(String)
    /// A built-in type, whatever is declared.
    case builtIn(String)
    /// An extension type, whatever is declared.
    case extensionType(String)
    case set(TypeForm)
    case record([Attribute])
  }

  struct Attribute {
    let name: String
    let type: TypeForm
    let isRequired: Bool
  }

  struct EntityForm {
    let name: String
    let parents: [String]
    let shape: TypeForm
    let tags: TypeForm?
    let ids: [String]?
    let place: String
  }

  struct ActionForm {
    let id: String
    /// Groups: type (nil for the namespace's own actions) and id.
    let parents: [(type: String?, id: String)]
    let principals: [String]
    let resources: [String]
    let context: TypeForm
    let place: String
  }

  struct CommonType {
    let name: String
    let type: TypeForm
    let place: String
  }

  /// Empty for what stands outside of every namespace.
  let name: String
  var commonTypes: [CommonType] = []
  var entities: [EntityForm] = []
  var actions: [ActionForm] = []
}

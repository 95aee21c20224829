public import Diagnostics

/// Policies with the schema that they were validated against: what a node decides by.
public struct Roles: Sendable {
  /// A file of policies, or a schema.
  public struct File: Sendable {
    /// The name, for places in messages.
    public let name: String
    /// The text in UTF-8.
    public let bytes: [UInt8]

    /// A file of its parts.
    public init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  /// The schema.
  public let schema: Schema
  /// The policies, in the order of the files.
  public let policies: PolicySet
  /// Policies that are valid, and can never apply: mostly a slip.
  public let idle: [Problem]

  /// The roles that are compiled in: viewer, operator, admin, auditor, break-glass, and what guards them (P6-1, P6-2).
  public static func shipped() throws(Problem) -> Roles { try Roles(schema: nil, policies: shippedPolicies) }

  /// The schema that is compiled in.
  public static var shippedSchema: File {
    File(name: "rustynet.cedarschema", bytes: Array(ShippedRoles.schema.utf8))
  }

  /// The files of policies that are compiled in.
  public static var shippedPolicies: [File] {
    ShippedRoles.files.map { File(name: $0.name, bytes: Array($0.text.utf8)) }
  }

  /// Policies by files of one's own; by the schema that is compiled in, unless there is another.
  ///
  /// All or nothing: one file that does not parse or validate refuses the whole.
  ///
  /// - Throws: `roles.none` without a policy; `cedar.…` and `schema.…` with file, line and column for what does not
  ///   parse; `validation.…` for the first policy that is not valid.
  public init(schema: File?, policies: [File]) throws(Problem) {
    let source = schema ?? Roles.shippedSchema
    do throws(Problem) { self.schema = try Schema(parsing: source.bytes) } catch { throw error.at(source.name) }
    self.policies = try PolicySet(files: policies.map { ($0.name, $0.bytes) })
    guard !self.policies.policies.isEmpty else {
      throw .malformed(
        "roles.none", "there is no policy, so everything would be denied", hint: "start from the shipped roles")
    }
    let report = PolicyValidator(self.schema).judge(self.policies)
    if let first = report.problems.first { throw first }
    idle = report.idle
  }

  /// A reader of entities and contexts by the schema.
  public var reader: EntityReader { EntityReader(schema: schema) }
}

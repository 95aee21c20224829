import Attestation
public import Diagnostics
public import StrictJSON
public import Wire

/// A statement with a SLSA provenance v1 predicate, as gates read it.
///
/// Fields that the specification does not name are not an error (SLSA: “consumers MUST ignore unrecognized fields”),
/// except that a verifier must refuse parameters that it does not expect: `unknownExternalParameters` names them.
public struct ProvenanceDocument: Sendable {
  /// Something with a name, an address or a digest.
  public struct Resource: Sendable {
    /// `name`.
    public let name: String?
    /// `uri`.
    public let uri: String?
    /// Algorithm, and lower-case hexadecimal.
    public let digest: [String: String]
    /// `annotations`, as they stand.
    public let annotations: JSONObject
    /// Where it stands (RFC 6901).
    public let pointer: String
  }

  /// `subject`; at least one, each with a digest.
  public let subjects: [Resource]
  /// `buildType`.
  public let buildType: String
  /// `externalParameters.source.uri`.
  public let sourceAddress: String?
  /// `externalParameters.source.ref`.
  public let sourceReference: String?
  /// `externalParameters.command`.
  public let command: [String]
  /// `externalParameters.configuration`.
  public let configuration: String?
  /// The external parameters whose names our build type does not know, as JSON pointers below `externalParameters`.
  public let unknownExternalParameters: [String]
  /// `internalParameters`, as they stand.
  public let internalParameters: JSONObject
  /// `internalParameters.sourceTree.clean`; nil where it is not stated.
  public let isSourceClean: Bool?
  /// `internalParameters.sourceTree.sha256`.
  public let sourceTree: String?
  /// `resolvedDependencies`.
  public let dependencies: [Resource]
  /// `builder.id`.
  public let builder: String
  /// `builder.version`.
  public let builderVersion: [String: String]
  /// `metadata.invocationId`.
  public let invocation: String?
  /// `metadata.startedOn`.
  public let started: Timestamp?
  /// `metadata.finishedOn`.
  public let finished: Timestamp?
  /// `byproducts`.
  public let byproducts: [Resource]
  /// Members of the predicate that the specification does not name, as JSON pointers.
  public let unknownFields: [String]

  /// Parses the bytes of a statement. Verify their signature first, and pass the very bytes that were verified.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes) { (reader) throws(Problem) in try ProvenanceDocument(reader) }
  }

  /// Reads a parsed statement.
  public init(_ reader: JSONReader) throws(Problem) {
    try ProvenanceDocument.expect(Statement.type, reader.member("_type"))
    try ProvenanceDocument.expect(PredicateType.provenance, reader.member("predicateType"))
    subjects = try reader.resources("subject")
    guard !subjects.isEmpty else { throw reader.problem("provenance.no-subject", "there is no subject") }
    for subject in subjects where subject.digest.isEmpty {
      throw reader.problem("provenance.no-digest", "a subject has no digest").at(subject.pointer)
    }
    let predicate = try reader.member("predicate")
    let definition = try predicate.member("buildDefinition")
    let details = try predicate.member("runDetails")
    buildType = try definition.member("buildType").token()
    let external = try definition.member("externalParameters")
    let source = try external.optional("source")
    sourceAddress = try source?.optional("uri")?.token()
    sourceReference = try source?.optional("ref")?.token()
    command = try external.optional("command")?.texts() ?? []
    configuration = try external.optional("configuration")?.token()
    unknownExternalParameters =
      try external.unknown(["source", "command", "configuration"]) + (source?.unknown(["uri", "ref"]) ?? [])
    let inner = try definition.optional("internalParameters")
    internalParameters = try inner?.object() ?? JSONObject()
    let tree = try inner?.optional("sourceTree")
    isSourceClean = try tree?.optional("clean")?.bool()
    sourceTree = try tree?.optional("sha256")?.token()
    dependencies = try definition.resources("resolvedDependencies")
    let builder = try details.member("builder")
    self.builder = try builder.member("id").token()
    builderVersion = try builder.optional("version")?.stringMap() ?? [:]
    let metadata = try details.optional("metadata")
    invocation = try metadata?.optional("invocationId")?.text()
    started = try metadata?.optional("startedOn")?.foreignTime()
    finished = try metadata?.optional("finishedOn")?.foreignTime()
    byproducts = try details.resources("byproducts")
    unknownFields =
      try predicate.unknown(["buildDefinition", "runDetails"])
      + definition.unknown(["buildType", "externalParameters", "internalParameters", "resolvedDependencies"])
      + details.unknown(["builder", "metadata", "byproducts"])
      + builder.unknown(["id", "version", "builderDependencies"])
      + (metadata?.unknown(["invocationId", "startedOn", "finishedOn"]) ?? [])
  }

  /// The only resolved dependency with this name.
  public func dependency(named name: String) throws(Problem) -> Resource {
    let found = dependencies.filter { $0.name?.isExactly(name) == true }
    guard found.count == 1 else {
      let message = found.isEmpty ? "no dependency is called “\(name)”" : "several dependencies are called “\(name)”"
      throw .refused("provenance.dependency", message)
    }
    return found[0]
  }

  private static func expect(_ value: String, _ reader: JSONReader) throws(Problem) {
    let found = try reader.token()
    guard found.isExactly(value) else {
      throw reader.problem("provenance.type", "“\(found)” stands where “\(value)” is expected")
    }
  }
}

extension JSONReader {
  /// The members that are not among `keys`, as JSON pointers.
  fileprivate func unknown(_ keys: [String]) throws(Problem) -> [String] {
    try members().filter { member in !keys.contains { $0.isExactly(member.key) } }.map(\.value.pointer)
  }

  fileprivate func resources(_ key: String) throws(Problem) -> [ProvenanceDocument.Resource] {
    var resources: [ProvenanceDocument.Resource] = []
    for entry in try optional(key)?.elements(atMost: 65_536) ?? [] {
      let digest = try entry.optional("digest")?.stringMap() ?? [:]
      for (algorithm, value) in digest
      where value.isEmpty || !value.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        || ["sha256": 64, "sha384": 96, "sha512": 128][algorithm, default: value.utf8.count] != value.utf8.count
      {
        throw entry.problem("provenance.digest", "“\(value)” is no \(algorithm) digest")
      }
      resources.append(
        ProvenanceDocument.Resource(
          name: try entry.optional("name")?.text(), uri: try entry.optional("uri")?.text(), digest: digest,
          annotations: try entry.optional("annotations")?.object() ?? JSONObject(), pointer: entry.pointer))
    }
    return resources
  }

  fileprivate func stringMap() throws(Problem) -> [String: String] {
    var map: [String: String] = [:]
    for member in try members() { map[member.key] = try member.value.text() }
    return map
  }

  /// Others write fractions and offsets.
  fileprivate func foreignTime() throws(Problem) -> Timestamp {
    let text = try text(atMost: 64)
    do { return try Timestamp(rfc3339: text) } catch { throw located(error) }
  }
}

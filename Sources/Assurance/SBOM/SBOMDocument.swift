public import Diagnostics
public import StrictJSON

/// A CycloneDX document (1.2 to 1.7, JSON), as gates read it. Fields that it does not name are ignored.
public struct SBOMDocument: Sendable {
  /// A component.
  public struct Component: Sendable {
    /// Its `bom-ref`.
    public let reference: String?
    /// `library`, `application`, `file` and so on.
    public let type: String
    /// Its name.
    public let name: String
    /// Its version.
    public let version: String?
    /// Its package URL.
    public let purl: String?
    /// Its hashes: algorithm as CycloneDX spells it (`SHA-256`), and lower-case hexadecimal.
    public let hashes: [String: String]
    /// Its licences: SPDX identifiers, names or expressions.
    public let licenses: [String]
    /// Its properties; a name may stand more than once.
    public let properties: [(name: String, value: String)]
    /// Where it stands (RFC 6901).
    public let pointer: String

    /// The value of a property that stands exactly once.
    public func property(_ name: String) -> String? {
      let values = properties.filter { $0.name.isExactly(name) }
      return values.count == 1 ? values[0].value : nil
    }
  }

  /// A package of Swift that the product depends on.
  public struct SwiftPackage: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its version.
    public let version: String?
    /// Its package URL.
    public let purl: String
    /// Its licences, where the document states them.
    public let licenses: [String]
  }

  /// A statement about completeness.
  public struct Composition: Sendable {
    /// `complete`, `incomplete`, `unknown` and so on.
    public let aggregate: String
    /// The components whose parts it is about.
    public let assemblies: [String]
    /// The components whose dependencies it is about.
    public let dependencies: [String]
  }

  /// An edge list.
  public struct Edges: Sendable {
    /// Whose dependencies these are.
    public let from: String
    /// What it depends on.
    public let to: [String]
    /// Where they stand.
    public let pointer: String
  }

  /// `specVersion`.
  public let specification: String
  /// `serialNumber`.
  public let serialNumber: String?
  /// `metadata.timestamp`, as it stands.
  public let time: String?
  /// `metadata.component`: what the document is about.
  public let root: Component?
  /// Every component, those inside others too, without the root.
  public let components: [Component]
  /// The dependencies.
  public let edges: [Edges]
  /// The statements about completeness.
  public let compositions: [Composition]
  /// References of services and of other things that are no component.
  private let otherReferences: [String]

  /// Parses the bytes of a document.
  public init(parsing bytes: [UInt8], limits: JSON.Limits = JSON.Limits(size: 64 << 20)) throws(Problem) {
    self = try JSON.decode(bytes, limits: limits) { (reader) throws(Problem) in try SBOMDocument(reader) }
  }

  /// Reads a parsed document.
  public init(_ reader: JSONReader) throws(Problem) {
    let format = try reader.member("bomFormat").text()
    guard format.isExactly("CycloneDX") else { throw reader.problem("sbom.format", "this is no CycloneDX document") }
    specification = try reader.member("specVersion").token(atMost: 16)
    guard ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"].contains(specification) else {
      throw reader.problem("sbom.version", "CycloneDX \(specification) is not known", hint: "known: 1.2 to 1.7")
    }
    serialNumber = try reader.optional("serialNumber")?.text()
    let metadata = try reader.optional("metadata")
    time = try metadata?.optional("timestamp")?.text()
    var inner: [Component] = []
    root = try metadata?.optional("component").map { (component) throws(Problem) in
      try SBOMDocument.component(component, into: &inner)
    }
    for component in try reader.optional("components")?.elements(atMost: 100_000) ?? [] {
      inner.append(try SBOMDocument.component(component, into: &inner))
    }
    components = inner
    edges = try SBOMDocument.edges(reader)
    compositions =
      try reader.optional("compositions")?.elements().map { (entry) throws(Problem) in
        Composition(
          aggregate: try entry.member("aggregate").text(), assemblies: try entry.references("assemblies"),
          dependencies: try entry.references("dependencies"))
      } ?? []
    var others: [String] = []
    for service in try reader.optional("services")?.elements() ?? [] { try others.appendReferences(service) }
    otherReferences = others
  }

  // MARK: questions of gates

  /// The only component of type application or file with this name.
  public func binary(named name: String) throws(Problem) -> Component {
    let found = components.filter { ["application", "file"].contains($0.type) && $0.name.isExactly(name) }
    guard found.count == 1 else {
      let message = found.isEmpty ? "no binary is called “\(name)”" : "several binaries are called “\(name)”"
      throw .refused("sbom.binary", message)
    }
    return found[0]
  }

  /// The SHA-256 of that binary, in lower-case hexadecimal.
  public func sha256(ofBinary name: String) throws(Problem) -> String {
    let binary = try binary(named: name)
    guard let hash = binary.hashes["SHA-256"] else {
      throw .refused("sbom.missing-hash", "“\(name)” has no SHA-256", place: binary.pointer)
    }
    return hash
  }

  /// The Swift packages: every component whose package URL has the type `swift`.
  public var swiftPackages: [SwiftPackage] {
    components.compactMap { component in
      guard let purl = component.purl, purl.hasPrefix("pkg:swift/") else { return nil }
      return SwiftPackage(
        name: component.name, version: component.version, purl: purl, licenses: component.licenses)
    }
  }

  /// Every inconsistency: references that stand twice or lead nowhere, and components without a hash.
  public func validate() -> [Problem] { checkReferences() + checkHashes() }

  /// References that stand twice or lead nowhere (CycloneDX 1.6, `bom-ref` and `refLinkType`).
  public func checkReferences() -> [Problem] {
    var problems: [Problem] = []
    var known = Set(otherReferences)
    for component in [root].compactMap({ $0 }) + components {
      guard let reference = component.reference else { continue }
      if !known.insert(reference).inserted {
        problems.append(
          .refused("sbom.duplicate-ref", "the bom-ref “\(reference)” stands twice", place: component.pointer))
      }
    }
    func check(_ reference: String, _ place: String) {
      // A BOM-Link names something in another document (CycloneDX, “BOM-Link”).
      guard !known.contains(reference), !reference.hasPrefix("urn:cdx:") else { return }
      problems.append(.refused("sbom.dangling-ref", "“\(reference)” is no bom-ref of this document", place: place))
    }
    var sources: Set<String> = []
    for edge in edges {
      if !sources.insert(edge.from).inserted {
        problems.append(
          .refused("sbom.duplicate-edges", "the dependencies of “\(edge.from)” stand twice", place: edge.pointer))
      }
      check(edge.from, edge.pointer)
      for target in edge.to { check(target, edge.pointer) }
    }
    for composition in compositions {
      for reference in composition.assemblies + composition.dependencies { check(reference, "/compositions") }
    }
    return problems
  }

  private func checkHashes() -> [Problem] {
    components.filter { $0.hashes["SHA-256"] == nil && $0.hashes["SHA-512"] == nil }.map {
      .refused(
        "sbom.missing-hash", "“\($0.name)” has neither a SHA-256 nor a SHA-512", place: $0.pointer,
        source: "CISA SBOM Minimum Elements 2026, Component Hash")
    }
  }
}

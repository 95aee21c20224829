import Cryptography
public import Diagnostics
import Inventory
public import StrictJSON
import Wire

/// Writes CycloneDX 1.6 (ECMA-424) from facts. The same facts give the same bytes.
public enum SBOMWriter {
  /// The canonical JSON of the document and a line feed, checked before it is returned.
  /// - Throws: What `SBOMDocument.validate` finds: a reference that dangles is never written.
  public static func bytes(_ facts: SBOMFacts) throws(Problem) -> [UInt8] {
    let bytes = document(facts).canonical + [0x0a]
    if let problem = try SBOMDocument(parsing: bytes).validate().first { throw problem }
    return bytes
  }

  /// The document.
  public static func document(_ facts: SBOMFacts) -> JSON {
    var object = JSONObject([
      "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
      "bomFormat": "CycloneDX",
      "specVersion": "1.6",
      "version": 1,
      "metadata": metadata(facts),
      "components": .array(components(facts)),
      "dependencies": .array(edges(facts)),
      "compositions": .array(compositions(facts)),
    ])
    // The serial number stands for the content: whoever changes the content makes another document.
    let space = NameBasedUUID(of: Array("urn:rustynet:sbom".utf8), in: .urls)
    let name = NameBasedUUID(of: JSON.object(object).canonical, in: space)
    object["serialNumber"] = .string("urn:uuid:\(name)")
    return .object(object)
  }

  // MARK: references

  static func rootReference(_ facts: SBOMFacts) -> String { "package:\(facts.root.name)" }
  static func reference(_ package: SwiftPackageSource) -> String { "swift-package:\(package.package.identity)" }
  static func reference(_ binary: SBOMFacts.Binary) -> String { "binary:\(binary.file.name)" }
  static func reference(libraryAt path: String) -> String { "library:\(path)" }
  static let runtimeReference = "swift-runtime:static"

  // MARK: parts

  private static func metadata(_ facts: SBOMFacts) -> JSON {
    let tool = JSONObject([
      "type": "application", "name": "rustynet-assure", "version": .string(facts.toolVersion),
    ])
    var root = JSONObject([
      "type": "application", "bom-ref": .string(rootReference(facts)), "name": .string(facts.root.name),
      "version": .string(facts.root.version),
      "purl": .string(PackageURL.generic(facts.root.name, version: facts.root.version)),
    ])
    if let creator = facts.creator { root["manufacturer"] = organization(creator) }
    if let tree = facts.root.tree {
      root["hashes"] = hashes(tree)
      root["properties"] = properties([("rustynet:source-tree-sha256", tree.hex)])
    }
    var metadata = JSONObject([
      "timestamp": .string("\(facts.time)"),
      "lifecycles": [["phase": facts.binaries.isEmpty ? "pre-build" : "post-build"]],
      "tools": ["components": [.object(tool)]],
      "component": .object(root),
      "properties": properties([("rustynet:swift-version", facts.swiftVersion)]),
    ])
    if let creator = facts.creator { metadata["manufacturer"] = organization(creator) }
    return .object(metadata)
  }

  private static func organization(_ creator: String) -> JSON {
    creator.hasPrefix("https://")
      ? ["name": .string(creator), "url": [.string(creator)]]
      : ["name": .string(creator), "contact": [["email": .string(creator)]]]
  }

  private static func components(_ facts: SBOMFacts) -> [JSON] {
    var components = facts.packages.map { component($0) }
    components += facts.binaries.map { component($0, facts) }
    components += facts.libraries.map { component($0, facts) }
    if facts.binaries.contains(where: \.hasStaticRuntime) { components.append(runtime(facts)) }
    return components.sorted { reference(of: $0) < reference(of: $1) }
  }

  private static func component(_ source: SwiftPackageSource) -> JSON {
    let package = source.package
    var values = [("rustynet:source-tree-sha256", source.tree.hex), ("rustynet:manifest-address", package.address)]
    var object = JSONObject([
      "type": "library", "bom-ref": .string(reference(source)), "name": .string(package.name),
      "hashes": hashes(source.tree),
    ])
    if let version = package.version {
      object["version"] = .string(version)
    } else {
      values.append(("rustynet:version", "unspecified"))
    }
    if let purl = PackageURL.swift(package.address, version: package.version) {
      object["purl"] = .string(purl)
    } else {
      values.append(("rustynet:origin", "local"))
    }
    var links: [JSON] = []
    if let location = PackageURL.location(package.address), let owner = location.path.first {
      object["supplier"] = ["name": .string(owner), "url": [.string("https://\(location.host)/\(owner)")]]
      // The address alone is the manifest's claim; only a verified commit makes it a `vcs` reference.
      if case .verified = source.revision {
        links.append(["type": "vcs", "url": .string("https://\(location.text)")])
      }
    }
    switch source.revision {
    case .verified(let commit): values.append(("rustynet:vcs-revision", commit))
    case .unverifiedMirror: values.append(("rustynet:vcs-revision", "unverified-mirror"))
    }
    if !links.isEmpty { object["externalReferences"] = .array(links) }
    object["properties"] = properties(values + kind(executable: false, structured: true))
    return .object(object)
  }

  private static func component(_ binary: SBOMFacts.Binary, _ facts: SBOMFacts) -> JSON {
    var values = [("rustynet:size", String(binary.file.size)), ("bsi:component:filename", binary.file.name)]
    if binary.packages == nil { values.append(("rustynet:swift-packages", "unknown")) }
    if binary.hasStaticRuntime { values.append(("rustynet:swift-runtime", "static")) }
    var object = JSONObject([
      "type": binary.isELF ? "application" : "file", "bom-ref": .string(reference(binary)),
      "name": .string(binary.file.name), "version": .string(facts.root.version), "hashes": hashes(binary.file),
      "purl": .string(PackageURL.generic(binary.file.name, version: facts.root.version)),
      "properties": properties(values + kind(executable: binary.isELF, structured: false)),
      // BSI TR-03183-2 §5.2.2 looks for the hash of the deployable file here.
      "externalReferences": [
        ["type": "distribution", "url": .string(binary.file.name), "hashes": hashes(binary.file)]
      ],
    ])
    if let creator = facts.creator { object["manufacturer"] = organization(creator) }
    return .object(object)
  }

  private static func component(_ library: SBOMFacts.Library, _ facts: SBOMFacts) -> JSON {
    var values = [
      ("rustynet:size", String(library.file.size)), ("rustynet:path", library.file.path),
      ("bsi:component:filename", library.file.name),
    ]
    var object = JSONObject([
      "type": "library", "bom-ref": .string(reference(libraryAt: library.file.path)),
      "name": .string(library.soname), "hashes": hashes(library.file),
    ])
    if let package = library.package {
      object["version"] = .string(package.version)
      object["purl"] = .string(PackageURL.deb(package, on: facts.system))
      if facts.system.id == "debian" {
        object["supplier"] = ["name": "Debian", "url": ["https://www.debian.org/"]]
      }
      values.append(("rustynet:debian-package", package.name))
      values.append(("rustynet:debian-source", "\(package.source) \(package.sourceVersion)"))
    } else if library.file.path.hasPrefix(facts.toolchainFolder + "/") {
      object["version"] = .string(facts.swiftVersion)
      object["purl"] = .string(PackageURL.generic("swift", version: facts.swiftVersion))
      object["supplier"] = ["name": "Swift", "url": ["https://www.swift.org/"]]
      values.append(("rustynet:origin", "swift-toolchain"))
    } else {
      values.append(("rustynet:origin", "no-package"))
    }
    object["properties"] = properties(values + kind(executable: true, structured: false))
    return .object(object)
  }

  private static func runtime(_ facts: SBOMFacts) -> JSON {
    var object = JSONObject([
      "type": "framework", "bom-ref": .string(runtimeReference), "name": "swift-runtime",
      "version": .string(facts.swiftVersion),
      "purl": .string(PackageURL.generic("swift", version: facts.swiftVersion)),
      "supplier": ["name": "Swift", "url": ["https://www.swift.org/"]],
      "properties": properties(
        [("rustynet:origin", "swift-toolchain")] + kind(executable: false, structured: true)),
    ])
    if let digest = facts.staticRuntime { object["hashes"] = hashes(digest) }
    return .object(object)
  }

  // MARK: edges and completeness

  private static func edges(_ facts: SBOMFacts) -> [JSON] {
    let packages = Dictionary(facts.packages.map { ($0.package.identity, reference($0)) }) { first, _ in first }
    func named(_ identities: [String]) -> [String] { identities.map { packages[$0] ?? "swift-package:\($0)" } }
    var edges: [(String, [String])] = [
      (rootReference(facts), named(facts.direct) + facts.binaries.map { reference($0) })
    ]
    edges += facts.packages.map { (reference($0), named($0.package.dependencies)) }
    edges += facts.binaries.map { binary in
      let runtime = binary.hasStaticRuntime ? [runtimeReference] : []
      return (
        reference(binary), named(binary.packages ?? []) + binary.needed.map { reference(libraryAt: $0) } + runtime
      )
    }
    edges += facts.libraries.map { library in
      (reference(libraryAt: library.file.path), library.needed.map { reference(libraryAt: $0) })
    }
    if facts.binaries.contains(where: \.hasStaticRuntime) { edges.append((runtimeReference, [])) }
    return edges.sorted { $0.0 < $1.0 }.map { from, to in
      let targets = Set(to).sorted().map { JSON.string($0) }
      return ["ref": .string(from), "dependsOn": .array(targets)]
    }
  }

  /// What is known to be complete, and what is not: the edges of what SwiftPM and the loader resolved are; those of a
  /// binary that we cannot tell the parts of are not; what is vendored inside a package or a library was not examined.
  private static func compositions(_ facts: SBOMFacts) -> [JSON] {
    let packages = facts.packages.map { reference($0) }
    let libraries = facts.libraries.map { reference(libraryAt: $0.file.path) }
    let known = facts.binaries.filter { $0.isComplete && !$0.hasStaticRuntime }.map { reference($0) }
    let partial = facts.binaries.filter { !$0.isComplete || $0.hasStaticRuntime }.map { reference($0) }
    func entry(_ aggregate: String, _ field: String, _ references: [String]) -> JSON? {
      if references.isEmpty { return nil }
      return .object(
        JSONObject([
          "aggregate": .string(aggregate), field: .array(references.sorted().map { JSON.string($0) }),
        ]))
    }
    let runtime = facts.binaries.contains(where: \.hasStaticRuntime) ? [runtimeReference] : []
    return [
      entry("complete", "dependencies", [rootReference(facts)] + packages + libraries + known),
      entry("incomplete", "dependencies", partial),
      entry("unknown", "assemblies", packages + libraries + runtime),
    ].compactMap { $0 }
  }

  // MARK: small parts

  private static func hashes(_ file: FileFacts) -> JSON {
    [
      ["alg": "SHA-256", "content": .string(file.sha256.hex)],
      ["alg": "SHA-512", "content": .string(file.sha512.hex)],
    ]
  }

  private static func hashes(_ tree: Digest) -> JSON { [["alg": "SHA-256", "content": .string(tree.hex)]] }

  /// The properties of BSI's taxonomy (github.com/BSI-Bund/tr-03183-cyclonedx-property-taxonomy, v0.1.0).
  private static func kind(executable: Bool, structured: Bool) -> [(String, String)] {
    [
      ("bsi:component:executable", executable ? "executable" : "non-executable"),
      ("bsi:component:archive", "no archive"),
      ("bsi:component:structured", structured ? "structured" : "unstructured"),
    ]
  }

  private static func properties(_ values: [(String, String)]) -> JSON {
    .array(values.sorted { $0.0 < $1.0 }.map { ["name": .string($0.0), "value": .string($0.1)] })
  }

  private static func reference(of component: JSON) -> String {
    guard case .object(let object) = component, case .string(let reference)? = object["bom-ref"] else { return "" }
    return reference
  }
}

extension JSONObject {
  /// An object of these members.
  init(_ members: [(String, JSON)]) {
    self.init()
    for (key, value) in members { self[key] = value }
  }

  /// An object of these members; the writer sorts them.
  init(_ members: KeyValuePairs<String, JSON>) { self.init(members.map { ($0.key, $0.value) }) }
}

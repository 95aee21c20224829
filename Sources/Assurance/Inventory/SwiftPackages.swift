import Commands
public import Cryptography
public import Diagnostics
import LinuxKit
public import StrictJSON

/// A package that another one depends on, as SwiftPM resolved it.
public struct SwiftDependency: Sendable, Hashable {
  /// SwiftPM's identity: the last part of the address in lower case.
  public var identity: String
  /// The name that the package gives itself.
  public var name: String
  /// The address in the manifest.
  public var address: String
  /// The version; nil when SwiftPM says “unspecified” (a branch, a revision or a folder).
  public var version: String?
  /// Where its sources are.
  public var path: String
  /// The identities of the packages that it depends on, sorted.
  public var dependencies: [String]

  /// A dependency by its facts.
  public init(
    identity: String, name: String, address: String, version: String?, path: String, dependencies: [String]
  ) {
    self.identity = identity
    self.name = name
    self.address = address
    self.version = version
    self.path = path
    self.dependencies = dependencies
  }
}

/// The packages below a root package (`swift package show-dependencies --format json`).
public struct SwiftPackageGraph: Sendable {
  /// The name of the root package.
  public let name: String
  /// The identities of the packages that the root names itself, sorted.
  public let direct: [String]
  /// Every package below the root, by identity, each once.
  public let packages: [SwiftDependency]

  /// Reads the output of `swift package show-dependencies --format json`.
  public init(_ reader: JSONReader) throws(Problem) {
    name = try reader.member("name").text()
    var found: [String: SwiftDependency] = [:]
    direct = try SwiftPackageGraph.collect(reader, into: &found)
    packages = found.values.sorted { $0.identity < $1.identity }
  }

  /// The recursion ends because the parser limits how deep a document may nest.
  private static func collect(
    _ reader: JSONReader, into found: inout [String: SwiftDependency]
  ) throws(Problem) -> [String] {
    var identities: Set<String> = []
    for child in try reader.member("dependencies").elements() {
      let identity = try child.member("identity").token()
      let version = try child.member("version").token()
      let package = SwiftDependency(
        identity: identity, name: try child.member("name").text(), address: try child.member("url").text(),
        version: version == "unspecified" ? nil : version, path: try child.member("path").text(),
        dependencies: try collect(child, into: &found))
      if let known = found[identity], known != package {
        throw child.problem("inventory.package-twice", "“\(identity)” stands in the tree in two different ways")
      }
      found[identity] = package
      identities.insert(identity)
    }
    return identities.sorted()
  }
}

/// A package with everything that we know of its sources.
public struct SwiftPackageSource: Sendable {
  /// The package as SwiftPM resolved it.
  public var package: SwiftDependency
  /// The digest of its sources (see `SourceTree`).
  public var tree: Digest
  /// Where its commit comes from.
  public var revision: SourceRevision

  /// A package by its facts.
  public init(package: SwiftDependency, tree: Digest, revision: SourceRevision) {
    self.package = package
    self.tree = tree
    self.revision = revision
  }
}

/// A package folder: manifest, resolved dependencies, and their sources.
public struct SwiftPackageFolder: Sendable {
  /// The folder.
  public let path: String
  /// The manifest.
  public let manifest: SwiftManifest
  /// The resolved packages.
  public let graph: SwiftPackageGraph
  /// The sources of each package, in the order of the graph.
  public let sources: [SwiftPackageSource]

  /// Asks SwiftPM about the folder `path`, and reads the sources of its dependencies.
  ///
  /// SwiftPM evaluates the manifest, which is a program: use it on packages of our own.
  public init(reading path: String) async throws(Problem) {
    self.path = try FileSystem.resolve(path)
    let limits = JSON.Limits(size: 16 << 20, depth: 256)
    let swift = ["package", "--package-path", self.path]
    let manifest = try await Command("swift", swift + ["dump-package"], seconds: 600).runChecked().output
    self.manifest = try JSON.decode(manifest, limits: limits) { (reader) throws(Problem) in try SwiftManifest(reader) }
    let tree = try await Command("swift", swift + ["show-dependencies", "--format", "json"], seconds: 600).runChecked()
    graph = try JSON.decode(tree.output, limits: limits) { (reader) throws(Problem) in try SwiftPackageGraph(reader) }
    var sources: [SwiftPackageSource] = []
    for package in graph.packages {
      sources.append(
        SwiftPackageSource(
          package: package, tree: try SourceTree.digest(of: package.path),
          revision: try await SourceRevision.of(checkout: package.path, address: package.address)))
    }
    self.sources = sources
  }
}

public import Diagnostics
import Inventory
import LinuxKit
public import Wire

extension SBOMFacts {
  /// Gathers the facts of the package in `folder` and of the files in `binaries`.
  /// - Parameter report: Called with a line about each step.
  public static func collect(
    folder: String, binaries: [String], version: String?, time: Timestamp, creator: String?,
    report: (String) -> Void = { _ in }
  ) async throws(Problem) -> SBOMFacts {
    if let creator { try check(creator: creator) }
    report("reading the package and the sources of its dependencies")
    let package = try await SwiftPackageFolder(reading: folder)
    let toolchain = try await SwiftToolchain.current()
    var root = Root(name: package.manifest.name, version: version ?? Product.version, tree: nil)
    guard version != nil || root.name == "rustynet" else {
      throw .usage("sbom.version-needed", "the version of “\(root.name)” is not known", hint: "pass --version")
    }
    if let repository = try? await GitRepository(containing: folder) {
      root.tree = try SourceTree.digest(of: repository.folder, paths: try await repository.files())
    }
    var facts = SBOMFacts(
      root: root, time: time, toolVersion: Product.version, creator: creator, system: try OSRelease.current(),
      swiftVersion: toolchain.version, toolchainFolder: toolchain.folder, direct: package.graph.direct,
      packages: package.sources, binaries: [], libraries: [])
    var found = LibraryTable()
    for path in binaries {
      report("reading \(path) and the libraries that it loads")
      facts.binaries.append(try await binary(path, of: package.manifest, libraries: &found))
    }
    report("asking dpkg for the packages of \(found.files.count) libraries")
    facts.libraries = try await found.libraries()
    if facts.binaries.contains(where: \.hasStaticRuntime) {
      facts.staticRuntime = try SourceTree.digest(of: "\(toolchain.folder)/lib/swift_static")
    }
    return facts
  }

  private static func binary(
    _ path: String, of manifest: SwiftManifest, libraries: inout LibraryTable
  ) async throws(Problem) -> Binary {
    let file = try FileFacts(reading: path)
    let linked = manifest.packages(linkedBy: file.name)
    // What a script or an archive asks for is not known; a bill that leaves it out would look complete.
    _ = try ELFFile(reading: path)
    let loaded = try await SharedLibraries.load(path)
    let needed = try libraries.add(loaded, neededBy: file.path)
    let carriesRuntime = linked != nil && !loaded.contains { $0.soname == "libswiftCore.so" }
    return Binary(
      file: file, isELF: true, packages: linked?.identities, isComplete: linked?.isComplete == true, needed: needed,
      hasStaticRuntime: carriesRuntime)
  }

  /// BSI TR-03183-2 §5.2.1: the creator is an e-mail address, or a URL where there is none.
  private static func check(creator: String) throws(Problem) {
    let visible = creator.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    let isMail = creator.split(separator: "@", omittingEmptySubsequences: false).count == 2 && !creator.contains("/")
    guard visible, isMail || creator.hasPrefix("https://") else {
      throw .usage("sbom.creator", "the creator is neither an e-mail address nor a URL", hint: "write https://… or a@b")
    }
  }
}

/// The libraries found so far, by resolved path.
private struct LibraryTable {
  private(set) var files: [String: FileFacts] = [:]
  private var sonames: [String: String] = [:]
  private var needs: [String: Set<String>] = [:]

  /// Adds the libraries that the loader found for one binary; returns the paths of those that it asks for itself.
  mutating func add(_ loaded: [LoadedLibrary], neededBy binary: String) throws(Problem) -> [String] {
    var places: [String: String] = [:]
    for library in loaded {
      let path = try FileSystem.resolve(library.path)
      places[library.soname] = path
      sonames[path] = library.soname
      if files[path] == nil { files[path] = try FileFacts(reading: path) }
    }
    for path in Set(places.values) {
      needs[path, default: []].formUnion(try LibraryTable.resolve(path, places))
    }
    return try LibraryTable.resolve(binary, places).sorted()
  }

  func libraries() async throws(Problem) -> [SBOMFacts.Library] {
    let owners = try await DebianDatabase.owners(of: files.keys.sorted())
    return files.sorted { $0.key < $1.key }.map { path, file in
      SBOMFacts.Library(
        soname: sonames[path] ?? file.name, file: file, package: owners[path], needed: (needs[path] ?? []).sorted())
    }
  }

  private static func resolve(_ file: String, _ places: [String: String]) throws(Problem) -> Set<String> {
    var paths: Set<String> = []
    for name in try ELFFile(reading: file).needed {
      guard let path = places[Path.name(of: name)] else {
        throw .refused("inventory.library-missing", "ldd did not show “\(name)”, which the file asks for", place: file)
      }
      paths.insert(path)
    }
    return paths
  }
}

public import Diagnostics
import Inventory
import LinuxKit

extension ProvenanceFacts {
  /// What only the caller knows.
  public struct Request: Sendable {
    /// The package folder.
    public var folder: String
    /// The files to speak about.
    public var subjects: [String]
    /// Other files that came out.
    public var byproducts: [String] = []
    /// The address of the sources; nil for the remote `origin`.
    public var sourceAddress: String?
    /// The branch or tag; nil for what is checked out.
    public var sourceReference: String?
    /// The build command, argument by argument.
    public var command: [String] = []
    /// `release` or `debug`.
    public var configuration: String?
    /// Who built, and when.
    public var run: Run

    /// A request about `subjects`, built in `folder`.
    public init(folder: String, subjects: [String], run: Run) {
      self.folder = folder
      self.subjects = subjects
      self.run = run
    }
  }

  /// The Debian packages that a link step of Swift on Debian uses, beside those of the manifest.
  private static let linkPackages = ["libc6-dev", "libgcc-*-dev", "libstdc++-*-dev", "binutils"]

  /// Gathers the facts.
  /// - Parameter report: Called with a line about each step.
  public static func collect(
    _ request: Request, report: (String) -> Void = { _ in }
  ) async throws(Problem) -> ProvenanceFacts {
    report("hashing \(request.subjects.count) subjects")
    let subjects = try files(request.subjects)
    let byproducts = try files(request.byproducts)
    report("reading the sources under git")
    let source = try await source(request)
    report("reading the package and the sources of its dependencies")
    let package = try await SwiftPackageFolder(reading: request.folder)
    report("reading the compiler, and asking dpkg")
    let toolchain = try await SwiftToolchain.current()
    let debian = try await DebianDatabase.installed(package.manifest.debianPackages + linkPackages)
    for name in package.manifest.debianPackages where !debian.contains(where: { $0.name == name }) {
      throw .refused("provenance.debian-package", "the manifest needs “\(name)”, which is not installed")
    }
    return ProvenanceFacts(
      subjects: subjects, source: source, command: request.command, configuration: request.configuration,
      packages: package.sources, toolchain: toolchain, debian: debian,
      machine: Machine(kernel: Host.kernel, architecture: Host.architecture, system: try OSRelease.current()),
      run: request.run, byproducts: byproducts)
  }

  private static func files(_ paths: [String]) throws(Problem) -> [FileFacts] {
    var files: [FileFacts] = []
    for path in paths { files.append(try FileFacts(reading: path)) }
    return files
  }

  private static func source(_ request: Request) async throws(Problem) -> Source {
    let repository = try await GitRepository(containing: request.folder)
    var address = request.sourceAddress
    if address == nil, let remote = try await repository.remote() {
      // Scheme and user are dropped: an address may carry a password.
      address = PackageURL.location(remote).map { "git+https://\($0.text)" }
    }
    guard let address else {
      throw .usage(
        "provenance.source", "the repository has no remote that says where its sources are", hint: "pass --source-uri")
    }
    let authority = address.firstRange(of: "://").map { address[$0.upperBound...].prefix { $0 != "/" } } ?? ""
    if let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") {
      throw .usage("provenance.source-secret", "the address of the sources holds a password", hint: "leave it out")
    }
    var reference = request.sourceReference
    if reference == nil { reference = try await repository.reference() }
    return Source(
      uri: address, reference: reference, commit: try await repository.commit(),
      tree: try SourceTree.digest(of: repository.folder, paths: try await repository.files()),
      isClean: try await repository.isClean())
  }
}

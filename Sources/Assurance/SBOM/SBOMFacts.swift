public import Cryptography
public import Inventory
public import Wire

/// Everything that an SBOM says; the document is a pure function of it.
public struct SBOMFacts: Sendable {
  /// What the SBOM is about.
  public struct Root: Sendable {
    /// The name of the package.
    public var name: String
    /// Its version.
    public var version: String
    /// The digest of its sources under git (see `SourceTree`); nil outside of a repository.
    public var tree: Digest?

    /// A root by its facts.
    public init(name: String, version: String, tree: Digest?) {
      self.name = name
      self.version = version
      self.tree = tree
    }
  }

  /// A file that is delivered.
  public struct Binary: Sendable {
    /// The file.
    public var file: FileFacts
    /// Whether it is an ELF file; the libraries of other files are not looked for.
    public var isELF: Bool
    /// The identities of the Swift packages linked into it; nil when it is no program of the manifest.
    public var packages: [String]?
    /// Whether `packages` is known to be all of them.
    public var isComplete: Bool
    /// The paths of the libraries that it asks the loader for.
    public var needed: [String]
    /// Whether it carries the Swift runtime inside, instead of loading it.
    public var hasStaticRuntime: Bool

    /// A binary by its facts.
    public init(
      file: FileFacts, isELF: Bool, packages: [String]?, isComplete: Bool, needed: [String], hasStaticRuntime: Bool
    ) {
      self.file = file
      self.isELF = isELF
      self.packages = packages
      self.isComplete = isComplete
      self.needed = needed
      self.hasStaticRuntime = hasStaticRuntime
    }
  }

  /// A shared library that a binary loads when it starts.
  public struct Library: Sendable {
    /// The name that programs ask for.
    public var soname: String
    /// The file.
    public var file: FileFacts
    /// The Debian package that it belongs to, if any.
    public var package: DebianPackage?
    /// The paths of the libraries that it asks for in turn.
    public var needed: [String]

    /// A library by its facts.
    public init(soname: String, file: FileFacts, package: DebianPackage?, needed: [String]) {
      self.soname = soname
      self.file = file
      self.package = package
      self.needed = needed
    }
  }

  /// What the SBOM is about.
  public var root: Root
  /// The time that the document carries: that of the sources, not of the clock, so that it is reproducible.
  public var time: Timestamp
  /// The version of the program that writes it.
  public var toolVersion: String
  /// Who answers for it: a URL or an e-mail address. A tool is not an author (CISA 2026), hence it is not ours.
  public var creator: String?
  /// The distribution that the libraries come from.
  public var system: OSRelease
  /// The release of the Swift compiler.
  public var swiftVersion: String
  /// The folder of the Swift toolchain, to tell its libraries from others that have no package.
  public var toolchainFolder: String
  /// The digest of the static runtime, when a binary carries it.
  public var staticRuntime: Digest?
  /// The identities of the packages that the root names itself.
  public var direct: [String]
  /// Every Swift package below the root.
  public var packages: [SwiftPackageSource]
  /// The delivered files.
  public var binaries: [Binary]
  /// The libraries that they load.
  public var libraries: [Library]

  /// Facts gathered by somebody else.
  public init(
    root: Root, time: Timestamp, toolVersion: String, creator: String?, system: OSRelease, swiftVersion: String,
    toolchainFolder: String, staticRuntime: Digest? = nil, direct: [String], packages: [SwiftPackageSource],
    binaries: [Binary], libraries: [Library]
  ) {
    self.root = root
    self.time = time
    self.toolVersion = toolVersion
    self.creator = creator
    self.system = system
    self.swiftVersion = swiftVersion
    self.toolchainFolder = toolchainFolder
    self.staticRuntime = staticRuntime
    self.direct = direct
    self.packages = packages
    self.binaries = binaries
    self.libraries = libraries
  }
}

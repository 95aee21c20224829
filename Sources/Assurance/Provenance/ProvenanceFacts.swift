public import Cryptography
public import Inventory
public import Wire

/// Everything that a provenance says; the statement is a pure function of it.
public struct ProvenanceFacts: Sendable {
  /// The sources.
  public struct Source: Sendable {
    /// Where they are, such as `git+https://github.com/owner/name`.
    public var uri: String
    /// The branch or tag, such as `refs/tags/v1.0.0`; nil for neither.
    public var reference: String?
    /// The commit.
    public var commit: String
    /// The digest of the files of the commit, as they are on the disk (see `SourceTree`).
    public var tree: Digest
    /// Whether the working tree held exactly the commit.
    public var isClean: Bool

    /// Sources by their facts.
    public init(uri: String, reference: String?, commit: String, tree: Digest, isClean: Bool) {
      self.uri = uri
      self.reference = reference
      self.commit = commit
      self.tree = tree
      self.isClean = isClean
    }
  }

  /// The machine of the build.
  public struct Machine: Sendable {
    /// The kernel's release.
    public var kernel: String
    /// The architecture, such as `x86_64`.
    public var architecture: String
    /// The distribution.
    public var system: OSRelease

    /// A machine by its facts.
    public init(kernel: String, architecture: String, system: OSRelease) {
      self.kernel = kernel
      self.architecture = architecture
      self.system = system
    }
  }

  /// Who built, and when.
  public struct Run: Sendable {
    /// The identity of the builder: a URI whose meaning the verifier's policy knows.
    public var builder: String
    /// The version of the program that wrote the provenance.
    public var toolVersion: String
    /// The name of this one run.
    public var invocation: String?
    /// When it began.
    public var started: Timestamp?
    /// When it ended.
    public var finished: Timestamp?

    /// A run by its facts.
    public init(
      builder: String, toolVersion: String, invocation: String? = nil, started: Timestamp? = nil,
      finished: Timestamp? = nil
    ) {
      self.builder = builder
      self.toolVersion = toolVersion
      self.invocation = invocation
      self.started = started
      self.finished = finished
    }
  }

  /// The files that came out.
  public var subjects: [FileFacts]
  /// The sources.
  public var source: Source
  /// The command that built, argument by argument; empty when it was not told.
  public var command: [String]
  /// `release` or `debug`; nil when it was not told.
  public var configuration: String?
  /// The Swift packages that went in.
  public var packages: [SwiftPackageSource]
  /// The compiler.
  public var toolchain: SwiftToolchain
  /// The Debian packages that went in: headers, libraries, linker.
  public var debian: [DebianPackage]
  /// The machine.
  public var machine: Machine
  /// Who built, and when.
  public var run: Run
  /// Files that came out beside the subjects, such as logs and SBOMs.
  public var byproducts: [FileFacts]

  /// Facts gathered by somebody else.
  public init(
    subjects: [FileFacts], source: Source, command: [String], configuration: String?,
    packages: [SwiftPackageSource], toolchain: SwiftToolchain, debian: [DebianPackage], machine: Machine, run: Run,
    byproducts: [FileFacts] = []
  ) {
    self.subjects = subjects
    self.source = source
    self.command = command
    self.configuration = configuration
    self.packages = packages
    self.toolchain = toolchain
    self.debian = debian
    self.machine = machine
    self.run = run
    self.byproducts = byproducts
  }
}

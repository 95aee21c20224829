public import Attestation
public import Commands
public import Cryptography
public import Diagnostics
import Inventory
import LinuxKit
import Wire

/// The source tree and the machine that gates look at, and where results go.
public struct Workspace: Sendable {
  /// The root of the source tree.
  public let root: String
  /// Where the products of the release build are, such as `.build/release`.
  public let products: String
  /// Where the evidence of this release is collected, each document under the name that it has in the pack.
  public let output: String
  /// The commit and whether the tree is clean.
  public let source: Record.Source
  /// The machine.
  public let machine: Record.Machine
  /// The digest of the running program.
  public let tool: Digest

  /// Looks at the tree `root`, which must be in git.
  public init(root: String, output: String) async throws(Problem) {
    self.root = try FileSystem.resolve(root)
    products = "\(self.root)/.build/release"
    self.output = output
    source = try await Workspace.source(of: self.root)
    machine = Record.Machine(host: Host.name, kernel: Host.kernel, architecture: Host.architecture)
    tool = try Workspace.digest(of: "/proc/self/exe")
  }

  private static func source(of root: String) async throws(Problem) -> Record.Source {
    let repository = try await GitRepository(containing: root)
    return Record.Source(commit: try await repository.commit(), isClean: try await repository.isClean())
  }

  /// Refuses what was measured while the tree moved: call it after the last measurement.
  public func requireUnmoved() async throws(Problem) {
    let now = try await Workspace.source(of: root)
    guard now == source else {
      throw .refused(
        "record.moved",
        "the tree changed while it was measured: \(source.commit) \(source.isClean ? "clean" : "changed"), "
          + "then \(now.commit) \(now.isClean ? "clean" : "changed")", source: "A16", hint: "measure again")
    }
  }

  /// The SHA-256 of a file, read in pieces through one descriptor.
  public static func digest(of path: String) throws(Problem) -> Digest {
    let file = try FileSystem.open(path)
    var hash = HashFunction()
    try file.forEachChunk { (bytes: RawSpan) throws(Problem) in hash.update(bytes) }
    return hash.finish()
  }

  /// The files that git tracks below `root` and that match `patterns` (git pathspecs), sorted.
  public func trackedFiles(_ patterns: [String]) async throws(Problem) -> [String] {
    let result = try await Command("git", ["ls-files", "-z", "--"] + patterns, in: root).runChecked()
    return result.text.split(separator: "\0").map(String.init)
  }
}

extension Record.Command {
  /// What is written about a command that ran.
  public init(_ argv: [String], _ result: CommandResult) {
    self.init(
      argv: argv, exitCode: Int64(result.status.code), milliseconds: Int64(result.seconds * 1000),
      log: Digest(of: result.output + result.errors))
  }
}

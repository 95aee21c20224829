import Commands
public import Diagnostics
import LinuxKit
public import Wire

/// A folder under git, as it stands.
public struct GitRepository: Sendable {
  /// The top of the working tree.
  public let folder: String

  /// A repository by any folder inside its working tree.
  public init(containing folder: String) async throws(Problem) {
    let result = try await Command("git", ["rev-parse", "--show-toplevel"], in: folder).run()
    guard result.status.isSuccess else {
      throw .malformed("inventory.no-repository", "this folder is not under git", place: folder)
    }
    self.folder = String(result.text.dropLast())
  }

  /// The commit that is checked out.
  public func commit() async throws(Problem) -> String {
    let commit = try await line(["rev-parse", "--verify", "HEAD^{commit}"])
    guard [40, 64].contains(commit.utf8.count), commit.allSatisfy(\.isHexDigit) else {
      throw .couldNotRun("inventory.git-output", "git wrote something else than a commit: “\(commit)”", place: folder)
    }
    return commit
  }

  /// When that commit was made.
  public func commitTime() async throws(Problem) -> Timestamp {
    let text = try await line(["log", "-1", "--format=%ct", "HEAD"])
    guard let seconds = Int64(text), let time = Timestamp(seconds: seconds) else {
      throw .couldNotRun("inventory.git-output", "git wrote something else than a time: “\(text)”", place: folder)
    }
    return time
  }

  /// The branch that is checked out as `refs/heads/…`, else a tag of the commit as `refs/tags/…`, else nil.
  public func reference() async throws(Problem) -> String? {
    let branch = try await Command("git", ["symbolic-ref", "--quiet", "HEAD"], in: folder).run()
    if branch.status.isSuccess { return String(branch.text.dropLast()) }
    let tag = try await Command("git", ["describe", "--exact-match", "--tags", "HEAD"], in: folder).run()
    return tag.status.isSuccess ? "refs/tags/" + tag.text.dropLast() : nil
  }

  /// Where a file that git ignores would still be compiled, run or judged.
  private static let builtFrom = [
    "Sources", "Package.swift", "Package@*", "gates", "attestations", "scripts",
  ]

  /// Whether the working tree holds exactly the commit: nothing changed, nothing added that is not ignored, no file whose
  /// changes git was told to overlook (`assume-unchanged`, `skip-worktree`), and nothing ignored among the sources.
  public func isClean() async throws(Problem) -> Bool {
    let status = try await Command("git", ["status", "--porcelain", "--untracked-files=all"], in: folder).runChecked()
    let flags = try await Command("git", ["ls-files", "-v"], in: folder).runChecked()
    let others = try await Command("git", ["ls-files", "--others", "--"] + GitRepository.builtFrom, in: folder)
      .runChecked()
    return status.output.isEmpty && others.output.isEmpty
      && flags.text.split(separator: "\n").allSatisfy { $0.hasPrefix("H ") }
  }

  /// The paths of the files of the commit, below the top folder.
  public func files() async throws(Problem) -> [String] {
    let output = try await Command("git", ["ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD"], in: folder)
      .runChecked().output
    return output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The address of the remote `origin`, after git's rewriting rules; nil where there is none.
  public func remote() async throws(Problem) -> String? { try await GitRepository.remote(of: folder) }

  static func remote(of folder: String) async throws(Problem) -> String? {
    let result = try await Command("git", ["remote", "get-url", "origin"], in: folder).run()
    return result.status.isSuccess ? String(result.text.dropLast()) : nil
  }

  private func line(_ arguments: [String]) async throws(Problem) -> String {
    let text = try await Command("git", arguments, in: folder).runChecked().text
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}

/// Where the commit of a dependency comes from.
public enum SourceRevision: Sendable, Hashable {
  /// The commit was fetched from the repository that the manifest names.
  case verified(commit: String)
  /// It came from somewhere else (a mirror, a rewritten address, a folder): its name says nothing about upstream.
  case unverifiedMirror

  /// Finds out for a checkout of SwiftPM, offline.
  ///
  /// SwiftPM clones its checkout from its own bare copy, so that one local step is followed; the remote of that copy
  /// must be the address of the manifest, and git must not rewrite that address (`url.….insteadOf`). This tells what
  /// git is set to now, not what it was set to when the copy was fetched.
  static func of(checkout: String, address: String) async throws(Problem) -> SourceRevision {
    guard let wanted = PackageURL.location(address), FileSystem.status("\(checkout)/.git") != nil else {
      return .unverifiedMirror
    }
    let effective = try await Command("git", ["ls-remote", "--get-url", "--", address], in: checkout).run()
    var remote = try await GitRepository.remote(of: checkout) ?? ""
    if remote.hasPrefix("/"), FileSystem.status(remote)?.kind == .directory {
      remote = try await GitRepository.remote(of: remote) ?? ""
    }
    guard effective.status.isSuccess, PackageURL.location(String(effective.text.dropLast())) == wanted,
      PackageURL.location(remote) == wanted
    else { return .unverifiedMirror }
    return .verified(commit: try await GitRepository(containing: checkout).commit())
  }
}

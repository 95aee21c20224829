import Cryptography
import Diagnostics
import Glibc
@testable import KeyCustody
import LinuxKit
import Testing

/// The rules of P1-13 for folders and files; each test starts from a file that is fine.
@Suite struct CustodyTests {
  let sandbox: Sandbox
  let path: String

  init() throws {
    sandbox = try Sandbox()
    path = try sandbox.write(try Sample.made.get().file, as: "release.key")
    _ = try KeyFile.inspect(path: path)
  }

  private func expect(_ code: String, _ path: String) {
    let error = #expect(throws: Problem.self) { try KeyFile.inspect(path: path) }
    #expect(error?.code == code)
    #expect(error?.kind.exitCode == (code.hasPrefix("custody.") ? .refused : .malformed))
    let loading = #expect(throws: Problem.self) { try KeyFile.load(path: path, passphrase: Sample.passphrase) }
    #expect(loading?.code == code)
  }

  @Test(arguments: [0o400, 0o640, 0o604, 0o644, 0o700, 0o1600, 0o4600] as [UInt32])
  func refusesAnotherFileMode(mode: UInt32) throws {
    try sandbox.mode(mode, of: path)
    expect("custody.file-mode", path)
    try sandbox.mode(0o600, of: path)
    _ = try KeyFile.inspect(path: path)
  }

  @Test(arguments: [0o755, 0o750, 0o701, 0o500, 0o1700] as [UInt32])
  func refusesAnotherFolderMode(mode: UInt32) throws {
    try sandbox.mode(mode, of: sandbox.path)
    expect("custody.folder-mode", path)
    let error = #expect(throws: Problem.self) {
      try KeyFile.create(
        path: "\(sandbox.path)/new.key", key: Ed25519.SigningKey(), passphrase: Sample.passphrase,
        created: Sample.created)
    }
    #expect(error?.code == "custody.folder-mode")
    try sandbox.mode(0o700, of: sandbox.path)
  }

  @Test func refusesSymbolicLinks() throws {
    try sandbox.link(path, at: "\(sandbox.path)/linked.key")
    expect("custody.file-symlink", "\(sandbox.path)/linked.key")
    let folder = "\(sandbox.path)/linked"
    try FileSystem.makeFolder("\(sandbox.path)/real", mode: 0o700)
    try FileSystem.write(try Sample.made.get().file, to: "\(sandbox.path)/real/release.key", mode: 0o600)
    try sandbox.link("\(sandbox.path)/real", at: folder)
    _ = try KeyFile.inspect(path: "\(sandbox.path)/real/release.key")
    expect("custody.folder-symlink", "\(folder)/release.key")
  }

  @Test func refusesOtherKinds() throws {
    try FileSystem.makeFolder("\(sandbox.path)/folder.key", mode: 0o700)
    expect("custody.file-kind", "\(sandbox.path)/folder.key")
    // Opening a pipe must not wait for its writer.
    let pipe = "\(sandbox.path)/pipe.key"
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    expect("custody.file-kind", pipe)
    expect("custody.folder-kind", "\(path)/release.key")
    expect("file.missing", "\(sandbox.path)/missing.key")
    expect("file.missing", "\(sandbox.path)/missing/release.key")
  }

  @Test(.enabled(if: geteuid() == 0, "not-run: only root can give files away"))
  func refusesAnotherOwner() throws {
    try #require(unsafe chown(path, 65_534, 65_534) == 0)
    expect("custody.file-owner", path)
    try #require(unsafe chown(path, 0, 0) == 0)
    _ = try KeyFile.inspect(path: path)
    try #require(unsafe chown(sandbox.path, 65_534, 65_534) == 0)
    expect("custody.folder-owner", path)
  }

  @Test(arguments: [".hidden", "-key", "with space", "ü.key", "a/../.key", "key\n", "trailing/"])
  func refusesOtherNames(name: String) {
    expect("custody.name", "\(sandbox.path)/\(name)")
  }

  @Test func makesTheFolderForItsOwnerAlone() throws {
    let new = "\(sandbox.path)/a/b/release.key"
    try KeyFile.makeFolder(of: new)
    #expect(FileSystem.status("\(sandbox.path)/a/b")?.permissions == 0o700)
    try Custody.checkFolder(of: new)
  }
}

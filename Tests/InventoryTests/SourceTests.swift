import Commands
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import Testing

@testable import Inventory

/// A folder for one test, removed at its end.
private func withFolder(_ body: (String) async throws -> Void) async throws {
  let folder = "/tmp/rustynet-inventory-\(UInt64.random(in: 0 ... .max))"
  try FileSystem.makeFolder(folder, mode: 0o700)
  defer { try? FileSystem.removeTree(folder) }
  try await body(folder)
}

private func git(_ folder: String, _ arguments: String...) async throws {
  let identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
  _ = try await Command("git", identity + arguments, in: folder).runChecked()
}

@Suite struct SourceTreeTests {
  @Test func hasTheDocumentedConstruction() async throws {
    try await withFolder { folder in
      try FileSystem.makeFolder("\(folder)/b")
      try FileSystem.makeFolder("\(folder)/.git")
      try FileSystem.write(Array("one".utf8), to: "\(folder)/b/z")
      try FileSystem.write(Array("two".utf8), to: "\(folder)/b-a", mode: 0o755)
      try FileSystem.write(Array("not counted".utf8), to: "\(folder)/.git/config")
      _ = try await Command("ln", ["-s", "b/z", "\(folder)/link"]).runChecked()
      let lines = """
        100755 \(Digest(of: Array("two".utf8)).hex)  b-a
        100644 \(Digest(of: Array("one".utf8)).hex)  b/z
        120000 \(Digest(of: Array("b/z".utf8)).hex)  link

        """
      let digest = try SourceTree.digest(of: folder)
      #expect(digest == Digest(of: Array(lines.utf8)))
      try FileSystem.write(Array("one".utf8), to: "\(folder)/b/z", mode: 0o755)
      #expect(try SourceTree.digest(of: folder) != digest)
    }
  }
}

@Suite struct GitTests {
  @Test func readsCommitsAndCleanness() async throws {
    try await withFolder { folder in
      let none = await #expect(throws: Problem.self) { try await GitRepository(containing: folder) }
      #expect(none?.code == "inventory.no-repository")
      try await git(folder, "init", "-q", "-b", "main")
      try FileSystem.write(Array("x".utf8), to: "\(folder)/a file")
      try await git(folder, "add", ".")
      try await git(folder, "commit", "-qm", "x")
      let repository = try await GitRepository(containing: folder)
      #expect(try await repository.commit().count == 40)
      #expect(try await repository.reference() == "refs/heads/main")
      #expect(try await repository.files() == ["a file"])
      #expect(try await repository.isClean())
      #expect(try await repository.remote() == nil)
      try FileSystem.write([], to: "\(folder)/new")
      #expect(try await repository.isClean() == false)
      try await git(folder, "tag", "v1")
      try await git(folder, "checkout", "-q", "--detach")
      #expect(try await repository.reference() == "refs/tags/v1")
    }
  }

  @Test func trustsARevisionOnlyFromTheAddressOfTheManifest() async throws {
    try await withFolder { folder in
      let address = "https://forge.example.invalid/owner/name"
      try await git(folder, "init", "-q")
      try await git(folder, "commit", "-q", "--allow-empty", "-m", "x")
      func revision() async throws -> SourceRevision { try await SourceRevision.of(checkout: folder, address: address) }
      // No remote at all.
      #expect(try await revision() == .unverifiedMirror)
      // The very address, in another spelling.
      try await git(folder, "remote", "add", "origin", address + ".git")
      let commit = try await GitRepository(containing: folder).commit()
      #expect(try await revision() == .verified(commit: commit))
      // Git rewrites the address.
      try await git(folder, "config", "url./opt/mirror/.insteadOf", "https://forge.example.invalid/")
      #expect(try await revision() == .unverifiedMirror)
      try await git(folder, "config", "--unset", "url./opt/mirror/.insteadOf")
      // Another repository, then a folder.
      try await git(folder, "remote", "set-url", "origin", "https://forge.example.invalid/other/name")
      #expect(try await revision() == .unverifiedMirror)
      try await git(folder, "remote", "set-url", "origin", "/opt/mirror/owner/name")
      #expect(try await revision() == .unverifiedMirror)
      let local = try await SourceRevision.of(checkout: folder, address: "/some/folder")
      #expect(local == .unverifiedMirror)
    }
  }

  @Test func followsOneStepToTheCopyOfSwiftPM() async throws {
    try await withFolder { folder in
      let address = "https://forge.example.invalid/owner/name"
      let (bare, checkout) = ("\(folder)/copy", "\(folder)/checkout")
      try await git(folder, "init", "-q", "--bare", bare)
      try await git(folder, "init", "-q", checkout)
      try await git(checkout, "commit", "-q", "--allow-empty", "-m", "x")
      try await git(checkout, "remote", "add", "origin", bare)
      #expect(try await SourceRevision.of(checkout: checkout, address: address) == .unverifiedMirror)
      try await git(bare, "remote", "add", "origin", address)
      let commit = try await GitRepository(containing: checkout).commit()
      #expect(try await SourceRevision.of(checkout: checkout, address: address) == .verified(commit: commit))
    }
  }
}

@Suite struct PackageTests {
  static let tree = """
    {"identity":"root","name":"root","url":"/r","version":"unspecified","path":"/r","dependencies":[
      {"identity":"b","name":"B","url":"https://h/o/b","version":"2.0.0","path":"/c/b","dependencies":[
        {"identity":"c","name":"c","url":"https://h/o/c","version":"unspecified","path":"/c/c","dependencies":[]}]},
      {"identity":"c","name":"c","url":"https://h/o/c","version":"unspecified","path":"/c/c","dependencies":[]}]}
    """

  @Test func readsTheTreeOfPackages() throws {
    let graph = try JSON.decode(Array(Self.tree.utf8)) { (reader) throws(Problem) in try SwiftPackageGraph(reader) }
    #expect(graph.direct == ["b", "c"])
    #expect(graph.packages.map(\.identity) == ["b", "c"])
    #expect(graph.packages[0].dependencies == ["c"])
    #expect(graph.packages.map(\.version) == ["2.0.0", nil])
    let contradiction = Self.tree.replacing(
      #""version":"unspecified","path":"/c/c""#, with: #""version":"3","path":"/c/c""#, maxReplacements: 1)
    let error = #expect(throws: Problem.self) {
      try JSON.decode(Array(contradiction.utf8)) { (reader) throws(Problem) in try SwiftPackageGraph(reader) }
    }
    #expect(error?.code == "inventory.package-twice")
  }

  static let manifest = """
    {"name":"root","dependencies":[{"sourceControl":[{"identity":"b"}]},{"fileSystem":[{"identity":"c"}]}],
     "products":[{"name":"tool","targets":["Main"],"type":{"executable":null}},
                 {"name":"Lib","targets":["Lib"],"type":{"library":["automatic"]}}],
     "targets":[
      {"name":"Main","dependencies":[{"byName":["Lib",null]},{"product":["P","B",null,null]}]},
      {"name":"Lib","dependencies":[{"byName":["c",null]},{"target":["CSys",null]}]},
      {"name":"CSys","dependencies":[],"providers":[{"apt":[["libz-dev","liba-dev"]]},{"brew":[["z"]]}]},
      {"name":"Odd","dependencies":[{"byName":["Mystery",null]}]},
      {"name":"Test","dependencies":[{"product":["Q","d",null,null]}]}]}
    """

  @Test func readsTheManifest() throws {
    let manifest = try JSON.decode(Array(Self.manifest.utf8)) { (reader) throws(Problem) in try SwiftManifest(reader) }
    #expect(manifest.programs == ["tool": ["Main"]])
    #expect(manifest.debianPackages == ["liba-dev", "libz-dev"])
    let linked = manifest.packages(linkedBy: "tool")
    #expect(linked?.identities == ["b", "c"])
    #expect(linked?.isComplete == true)
    #expect(manifest.packages(linkedBy: "other") == nil)
    let odd = Self.manifest.replacing(#"{"byName":["Lib",null]}"#, with: #"{"target":["Odd",null]}"#)
    let second = try JSON.decode(Array(odd.utf8)) { (reader) throws(Problem) in try SwiftManifest(reader) }
    #expect(second.packages(linkedBy: "tool")?.isComplete == false)
  }
}

@Suite struct ELFTests {
  @Test func survivesDamage() throws {
    let bytes = try FileSystem.read("/bin/true", limit: 1 << 24)
    #expect(try ELFFile(parsing: bytes).needed == ["libc.so.6"])
    for length in Array(0..<128) + stride(from: 128, to: bytes.count, by: 997) {
      _ = try? ELFFile(parsing: Array(bytes[..<length]))
    }
    for place in 0..<1024 {
      for value: UInt8 in [0, 1, 0x7f, 0xff] {
        var damaged = bytes
        damaged[place] = value
        _ = try? ELFFile(parsing: damaged)
      }
    }
    let error = #expect(throws: Problem.self) { try ELFFile(parsing: Array("#!/bin/sh\n".utf8)) }
    #expect(error?.code == "inventory.elf")
  }
}

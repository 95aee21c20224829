import Authorization
import AuthorizationFiles
import Diagnostics
import Glibc
import LinuxKit
import Testing

@Suite struct RoleFolderTests {
  private static let valid = "permit(principal, action, resource);"

  /// A folder with these files, each with its mode, read for the owner that runs the test.
  private func load(
    _ files: [(name: String, text: String, mode: UInt32)], mode: UInt32 = 0o755, owner: UInt32? = nil,
    _ change: (String) throws(Problem) -> String = { $0 }
  ) throws(Problem) -> Roles {
    let folder = "/tmp/rustynet-roles-\(UInt64.random(in: 0 ... .max))/roles"
    try FileSystem.makeFolder(Path.folder(of: folder))
    defer { try? FileSystem.removeTree(Path.folder(of: folder)) }
    try FileSystem.makeFolder(folder, mode: mode)
    for file in files { try FileSystem.write(Array(file.text.utf8), to: "\(folder)/\(file.name)", mode: file.mode) }
    return try RoleFolder.load(try change(folder), owner: owner ?? Host.effectiveUser)
  }

  @Test func readsAFolder() throws {
    #expect(try load([("a.cedar", Self.valid, 0o644)]).policies.policies.count == 1)
    let schema = "entity U; action a appliesTo { principal: U, resource: U };"
    let roles = try load([("a.cedar", Self.valid, 0o600), ("own.cedarschema", schema, 0o644)])
    #expect(roles.schema.shape.map { "\($0.action)" } == ["Action::\"a\""])
  }

  @Test(arguments: [
    ("b.cedar", "forbid(principal, action, resource", UInt32(0o644), UInt32(0o755), "cedar.syntax"),
    ("b.cedar", "@id(\"b\") forbid(principal is Nobody, action, resource);", 0o644, 0o755, "validation.entity-type"),
    ("b.cedar", "@id(\"policy0\") forbid(principal, action, resource);", 0o644, 0o755, "cedar.duplicate-id"),
    ("b.txt", "", 0o644, 0o755, "roles.file"), ("b.cedarschema", "entity", 0o644, 0o755, "schema.syntax"),
    ("b.cedar", "@id(\"b\") forbid(principal, action, resource);", 0o664, 0o755, "roles.mode"),
    ("b.cedar", "@id(\"b\") forbid(principal, action, resource);", 0o646, 0o755, "roles.mode"),
    ("b.cedar", "@id(\"b\") forbid(principal, action, resource);", 0o644, 0o775, "roles.mode"),
    ("b.cedar", "@id(\"b\") forbid(principal, action, resource);", 0o644, 0o757, "roles.mode"),
  ])
  func refusesTheWhole(name: String, text: String, mode: UInt32, folder: UInt32, code: String) throws {
    let good = (name: "a.cedar", text: Self.valid, mode: UInt32(0o644))
    let problem = try #require(throws: Problem.self) { try load([good, (name, text, mode)], mode: folder) }
    #expect(problem.code == code)
    // The same file alone is what is wrong: with its mode mended and its text right, the folder is read.
    let mended = (name: "b.cedar", text: "@id(\"b\") forbid(principal, action, resource);", mode: UInt32(0o644))
    #expect(try load([good, mended]).policies.policies.count == 2)
  }

  @Test func refusesTheFilesOfOthers() throws {
    let problem = try #require(throws: Problem.self) {
      try load([("a.cedar", Self.valid, 0o644)], owner: Host.effectiveUser + 1)
    }
    #expect(problem.code == "roles.owner")
  }

  /// A link to a folder of the owner was followed once: who may replace the link chooses among such folders.
  @Test(arguments: ["", "/"]) func refusesLinks(_ end: String) throws {
    let files = [(name: "a.cedar", text: Self.valid, mode: UInt32(0o644))]
    let folder = try #require(throws: Problem.self) {
      try load(files) { path in
        let link = "\(Path.folder(of: path))/link"
        unsafe symlink("roles", link)
        return link + end
      }
    }
    #expect(folder.code == "roles.link")
    let file = try #require(throws: Problem.self) {
      try load(files) { path in
        unsafe symlink("a.cedar", "\(path)/b.cedar")
        return path
      }
    }
    #expect(file.code.hasPrefix("file."))
    #expect(try load(files) { $0 + "/." + end }.policies.policies.count == 1)
  }

  @Test func refusesAnEmptyFolder() throws {
    let problem = try #require(throws: Problem.self) { try load([]) }
    #expect(problem.code == "roles.none")
  }
}

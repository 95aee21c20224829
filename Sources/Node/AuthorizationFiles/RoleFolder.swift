public import Authorization
public import Diagnostics
import LinuxKit

/// Roles from a folder that only its owner can change.
///
/// Whoever can write there decides who may do what, so folder, files and the folders above are looked at first.
public enum RoleFolder {
  /// How many files a folder may hold.
  private static let countLimit = 256

  /// The roles of the `.cedar` files in `path`, by the `.cedarschema` file there, or by the schema that is compiled in.
  ///
  /// - Parameter owner: who must own the folder and its files: root, unless a test says otherwise.
  /// - Throws: `roles.owner` or `roles.mode` when somebody else could have written there, `roles.link` for a path with a
  ///   link, `roles.file` for a file that is neither; else what `Roles` throws. Then none of the files counts.
  public static func load(_ path: String, owner: UInt32 = 0) throws(Problem) -> Roles {
    let folder = try FileSystem.resolve(path)
    try checkLinks(path, folder)
    try checkFolders(folder, owner: owner)
    let names = try FileSystem.list(folder)
    guard names.count <= countLimit else {
      throw .malformed("roles.too-many", "the folder holds more than \(countLimit) files", place: path)
    }
    var schema: Roles.File?
    var policies: [Roles.File] = []
    for name in names {
      let file = Roles.File(name: "\(path)/\(name)", bytes: try read("\(folder)/\(name)", owner: owner))
      if name.hasSuffix(".cedar") {
        policies.append(file)
      } else if name.hasSuffix(".cedarschema"), schema == nil {
        schema = file
      } else {
        throw .malformed(
          "roles.file", "this is no file of policies, and not the only schema", place: file.name,
          hint: "the folder holds files that end with .cedar, and at most one .cedarschema")
      }
    }
    return try Roles(schema: schema, policies: policies)
  }

  /// Whoever may replace a link in the path decides which folder is read, though he owns none of them.
  private static func checkLinks(_ path: String, _ folder: String) throws(Problem) {
    let start = path.hasPrefix("/") ? "" : try FileSystem.resolve(".")
    var given = start
    for part in path.split(separator: "/") {
      given += "/\(part)"
      guard let status = FileSystem.status(given), status.kind == .symbolicLink else { continue }
      throw .refused(
        "roles.link", "a link stands in the path of the roles", place: given, source: "C6", hint: "write \(folder)")
    }
  }

  /// The folder, and those above it: the owner's or root's, and writable by others only where they cannot rename.
  private static func checkFolders(_ folder: String, owner: UInt32) throws(Problem) {
    guard let status = FileSystem.status(folder), status.kind == .directory else {
      throw .malformed("roles.folder", "this is no folder", place: folder)
    }
    try check(status, at: folder, owners: [owner])
    var path = folder
    while path != "/" {
      path = Path.folder(of: path)
      guard let status = FileSystem.status(path) else { return }
      // In a folder with the sticky bit nobody can rename what is not his.
      if status.permissions & 0o1000 == 0 { try check(status, at: path, owners: [owner, 0]) }
    }
  }

  private static func read(_ path: String, owner: UInt32) throws(Problem) -> [UInt8] {
    let file = try FileSystem.open(path, links: .refused)
    // What is open is what is checked and read: another file of that name comes too late.
    let status = try file.status()
    guard status.kind == .regular else { throw .malformed("roles.file", "this is no file", place: path) }
    try check(status, at: path, owners: [owner])
    return try file.readAll(limit: 1 << 20)
  }

  private static func check(_ status: FileStatus, at path: String, owners: [UInt32]) throws(Problem) {
    guard owners.contains(status.owner) else {
      throw .refused(
        "roles.owner", "user \(status.owner) owns this, and could have changed who may do what", place: path,
        source: "C6", hint: "chown root")
    }
    guard status.permissions & 0o022 == 0 else {
      throw .refused(
        "roles.mode", "others than the owner can write here, and so decide who may do what", place: path, source: "C6",
        hint: "chmod go-w")
    }
  }
}

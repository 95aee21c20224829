import Diagnostics
import Glibc
import LinuxKit

/// The custody rules of P1-13: who may own, read and replace a file that holds a secret. Each violation has a code.
///
/// What is judged is what was opened (`fstat`), not what the path meant a moment earlier. The folder is judged before
/// the file: nobody but its owner can then exchange what lies in it.
enum Custody {
  private static let source = "P1-13"

  /// Judges the folder of `path`: no symbolic link, owned by the effective user, mode exactly 0700.
  static func checkFolder(of path: String) throws(Problem) {
    let name = Path.name(of: path)
    guard KeyName.isName(name), !path.hasSuffix("/") else {
      throw .refused(
        "custody.name", "“\(name)” is not a name for a key file", source: source,
        hint: "use a-z, A-Z, 0-9, “.”, “_” and “-”, at most 128 characters, first a letter or a digit")
    }
    let folder = Path.folder(of: path)
    // Only to name the reason: opening it below refuses a symbolic link whatever stands here now.
    switch FileSystem.status(folder)?.kind {
    case .directory, nil: break
    case .symbolicLink:
      throw refusal("folder-symlink", "the folder is a symbolic link", folder, "name the folder that it points to")
    default: throw refusal("folder-kind", "this is not a folder", folder, nil)
    }
    let status = try FileDescriptor(opening: folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).status()
    try checkOwner(status, folder, "folder")
    guard status.permissions == 0o700 else {
      throw refusal(
        "folder-mode", "the folder has mode \(octal(status.permissions)), not 0700", folder, "chmod 700 \(folder)")
    }
  }

  /// Opens a secret file that has one of the `modes`, is owned by the effective user and is no symbolic link.
  static func open(_ path: String, modes: [UInt32]) throws(Problem) -> FileDescriptor {
    let file = try openRegular(path)
    let status = try file.status()
    try checkOwner(status, path, "file")
    guard modes.contains(status.permissions) else {
      let allowed = modes.map(octal).joined(separator: " or ")
      throw refusal(
        "file-mode", "the file has mode \(octal(status.permissions)), not \(allowed)", path, "chmod 600 \(path)")
    }
    return file
  }

  /// Opens a regular file without following a symbolic link at its end.
  static func openRegular(_ path: String) throws(Problem) -> FileDescriptor {
    do {
      return try FileSystem.open(path, links: .refused)
    } catch {
      switch error.code {
      case "file.symlink":
        throw refusal("file-symlink", "the file is a symbolic link", path, "name the file that it points to")
      case "file.kind": throw refusal("file-kind", "this is not a regular file", path, nil)
      default: throw error
      }
    }
  }

  private static func checkOwner(_ status: FileStatus, _ path: String, _ what: String) throws(Problem) {
    let user = Host.effectiveUser
    guard status.owner == user else {
      throw refusal(
        "\(what)-owner", "the \(what) belongs to user \(status.owner), not to user \(user)", path,
        "chown \(user) \(path)")
    }
  }

  private static func refusal(_ reason: String, _ message: String, _ path: String, _ hint: String?) -> Problem {
    .refused("custody.\(reason)", message, place: path, source: source, hint: hint)
  }

  private static func octal(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

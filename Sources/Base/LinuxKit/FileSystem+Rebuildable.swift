public import Diagnostics
import Glibc

/// Files whose content follows from other, durable files: written without waiting for the disk.
///
/// Use it only where the reader checks what it reads and can build it anew: after a power cut such a file may be
/// missing, short or old.
extension FileSystem {
  /// Replaces the content of `path`, making the folders above it where they are missing; nothing is synchronised.
  public static func writeRebuildable(_ bytes: [UInt8], to path: String) throws(Problem) {
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
    let file: FileDescriptor
    do {
      file = try FileDescriptor(opening: path, flags, mode: 0o644)
    } catch {
      guard error.code == "file.missing" else { throw error }
      try makeRebuildableFolder(Path.folder(of: path))
      file = try FileDescriptor(opening: path, flags, mode: 0o644)
    }
    try file.write(bytes)
  }

  /// Replaces the content of `path` in place; nothing is synchronised.
  ///
  /// For small files that are written again and again: cutting a file off before writing it makes file systems give its
  /// blocks back and wait for others that write. After a crash the content may be a mixture of old and new.
  public static func overwriteRebuildable(_ bytes: [UInt8], to path: String) throws(Problem) {
    let file = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o644)
    try file.write(bytes)
    if try file.status().size > bytes.count { try file.truncate(to: bytes.count) }
  }

  /// Makes a folder and those above it; nothing is synchronised.
  private static func makeRebuildableFolder(_ path: String) throws(Problem) {
    if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    let code = errno
    let parent = Path.folder(of: path)
    guard code == ENOENT, parent != path else { throw fileProblem("mkdir", path, code) }
    try makeRebuildableFolder(parent)
    guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw fileProblem("mkdir", path, errno) }
  }
}

extension Host {
  /// A name of the current boot: as long as it is the same, nothing that was written was lost with the page cache.
  ///
  /// Nil where the kernel does not tell; then nothing may be concluded.
  public static let boot: String? = {
    guard let file = try? FileSystem.open("/proc/sys/kernel/random/boot_id"),
      let bytes = try? file.readAll(limit: 64)
    else { return nil }
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
  }()
}

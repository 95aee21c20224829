public import Diagnostics
import Glibc

/// Reading, and writing in a way that survives a power cut at any byte (R6).
public enum FileSystem {
  /// Whether symbolic links are followed at the last part of a path.
  public enum Links: Sendable { case followed, refused }

  /// The whole content of a regular file of at most `limit` bytes.
  public static func read(_ path: String, limit: Int, links: Links = .followed) throws(Problem) -> [UInt8] {
    try open(path, links: links).readAll(limit: limit)
  }

  /// Opens a regular file for reading. A pipe or a device is refused, and opening it does not block.
  public static func open(_ path: String, links: Links = .followed) throws(Problem) -> FileDescriptor {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (links == .refused ? O_NOFOLLOW : 0)
    let file = try FileDescriptor(opening: path, flags)
    switch try file.status().kind {
    case .regular: return file
    case .directory: throw fileProblem("open", path, EISDIR)
    default: throw .malformed("file.kind", "this is not a regular file", place: path)
    }
  }

  /// The status of `path` itself, nil where there is nothing; a symbolic link is not followed.
  public static func status(_ path: String) -> FileStatus? {
    var buffer = stat()
    return unsafe lstat(path, &buffer) == 0 ? FileStatus(buffer) : nil
  }

  /// Replaces the content of `path` as a whole: a temporary file beside it, fsync, rename, fsync of the folder.
  ///
  /// After a power cut at any point the file has the old content or the new one, never a mixture.
  public static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(Problem) {
    try StagedFile(bytes, replacing: path, mode: mode).takePlace()
  }

  /// Creates `path` with `bytes`, durably; `file.exists` when it is there already, and then it is left alone.
  public static func create(_ bytes: [UInt8], at path: String, mode: UInt32) throws(Problem) {
    let temporary = try writeTemporary(bytes, beside: path, mode: mode)
    defer { unsafe unlink(temporary) }
    // A hard link, unlike a rename, never replaces what is there.
    _ = try checked("link", path) { unsafe link(temporary, path) }
    try synchronizeFolder(of: path)
  }

  /// Writes a new file beside `path`, durably, and returns its path; where that fails, nothing is left of it.
  static func writeTemporary(
    _ bytes: [UInt8], beside path: String, mode: UInt32
  ) throws(Problem) -> String {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
    do {
      let file = try FileDescriptor(opening: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
      _ = try checked("fchmod", temporary) { fchmod(file.number, mode) }
      try file.write(bytes)
      try file.synchronize()
    } catch {
      unsafe unlink(temporary)
      // Nobody knows the temporary name; what could not be written is the file that was asked for.
      var problem = error
      problem.place = path
      throw problem
    }
    return temporary
  }

  /// Returns when the entries of the folder that holds `path` have reached the disk.
  public static func synchronizeFolder(of path: String) throws(Problem) {
    let folder = try FileDescriptor(opening: Path.folder(of: path), O_RDONLY | O_DIRECTORY)
    try folder.synchronize()
  }

  /// Makes a folder, and those above it, each with `mode`; those that are there stay as they are.
  public static func makeFolder(_ path: String, mode: UInt32 = 0o755) throws(Problem) {
    if let status = status(path) {
      if status.kind == .directory { return }
      if status.kind == .symbolicLink, (try? FileDescriptor(opening: path, O_RDONLY | O_DIRECTORY)) != nil { return }
      throw fileProblem("mkdir", path, ENOTDIR)
    }
    let parent = Path.folder(of: path)
    if parent != path { try makeFolder(parent, mode: mode) }
    guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw fileProblem("mkdir", path, errno) }
    // The umask may have taken bits away.
    _ = try checked("chmod", path) { unsafe chmod(path, mode) }
    try synchronizeFolder(of: path)
  }

  /// The names in a folder, sorted by their bytes, without `.` and `..`.
  public static func list(_ path: String) throws(Problem) -> [String] {
    guard let folder = unsafe opendir(path) else {
      let code = errno
      guard code != ENOTDIR || status(path) == nil else {
        throw .malformed("file.kind", "a file stands where a folder is expected", place: path)
      }
      throw fileProblem("opendir", path, code)
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      // Safe: d_name is a zero-terminated array inside the entry, and it is copied before the next readdir.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Refuses to put a file in the place of a device, a pipe, a socket or a folder: a rename would replace it for good.
  static func requireReplaceable(_ path: String) throws(Problem) {
    switch status(path)?.kind {
    case nil, .regular, .symbolicLink: return
    case .directory: throw fileProblem("open", path, EISDIR)
    case .other: throw .malformed("file.kind", "this is not a regular file", place: path)
    }
  }

  /// Removes a file; nothing happens where there is none, and a device or a folder is refused.
  public static func remove(_ path: String) throws(Problem) {
    try requireReplaceable(path)
    guard unsafe unlink(path) == 0 || errno == ENOENT else { throw fileProblem("unlink", path, errno) }
  }

  /// Removes a folder with everything in it, without following links; nothing happens where there is none.
  public static func removeTree(_ path: String) throws(Problem) {
    guard let status = status(path) else { return }
    guard status.kind == .directory else {
      guard unsafe unlink(path) == 0 || errno == ENOENT else { throw fileProblem("unlink", path, errno) }
      return
    }
    for name in try list(path) { try removeTree("\(path)/\(name)") }
    _ = try checked("rmdir", path) { unsafe rmdir(path) }
  }

  /// The path with all links resolved.
  public static func resolve(_ path: String) throws(Problem) -> String {
    guard let resolved = unsafe realpath(path, nil) else { throw fileProblem("realpath", path, errno) }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}

/// Parts of paths, as text.
public enum Path {
  /// The folder that holds `path`.
  public static func folder(of path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard !parts.isEmpty else { return path.hasPrefix("/") ? "/" : "." }
    parts.removeLast()
    if parts.isEmpty { return path.hasPrefix("/") ? "/" : "." }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  /// The last part of `path`.
  public static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// An exclusive lock on a file, held until this value goes away.
public struct FileLock: ~Copyable {
  private let file: FileDescriptor

  /// Takes the lock, waiting at most `seconds`; then the problem `lock.timeout` (70).
  public init(_ path: String, seconds: Int = 10) throws(Problem) {
    while true {
      let file = try FileDescriptor(opening: path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
      try FileLock.take(file, seconds: seconds)
      // Whoever held the lock may have removed the file meanwhile: then this is a lock on nothing.
      if try file.status().serial == FileSystem.status(path)?.serial {
        self.file = file
        return
      }
    }
  }

  /// Removes the file; the lock is held until this value goes away. Whoever waits for it takes a new file.
  public func removeFile() { _ = unsafe unlink(file.path) }

  private static func take(_ file: borrowing FileDescriptor, seconds: Int) throws(Problem) {
    for _ in 0..<max(1, seconds * 100) {
      if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return }
      guard errno == EWOULDBLOCK || errno == EINTR else { throw fileProblem("flock", file.path, errno) }
      usleep(10_000)
    }
    throw .couldNotRun(
      "lock.timeout", "another process holds the lock", place: file.path, hint: "wait for it to end, then try again")
  }
}

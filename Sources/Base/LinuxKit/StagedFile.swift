public import Diagnostics
import Glibc

/// The next content of a file: durable under a temporary name, while the file itself still has its old content.
///
/// For writers that have other work to do, or to wait for, before the new content may count. What is dropped without
/// having taken its place is removed.
public final class StagedFile {
  private let temporary: String
  private let path: String
  private var isInPlace = false

  /// Writes `bytes` beside `path` and waits for the disk.
  public init(_ bytes: [UInt8], replacing path: String, mode: UInt32 = 0o644) throws(Problem) {
    try FileSystem.requireReplaceable(path)
    temporary = try FileSystem.writeTemporary(bytes, beside: path, mode: mode)
    self.path = path
  }

  deinit { if !isInPlace { unsafe unlink(temporary) } }

  /// Replaces the content of the file; durable when it returns.
  public func takePlace() throws(Problem) {
    _ = try checked("rename", path) { unsafe rename(temporary, path) }
    isInPlace = true
    try FileSystem.synchronizeFolder(of: path)
  }
}

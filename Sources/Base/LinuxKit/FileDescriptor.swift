public import Diagnostics
import Glibc

/// An open file that closes itself.
public struct FileDescriptor: ~Copyable, Sendable {
  /// The number of the open file.
  public let number: Int32
  /// What was opened, for messages.
  public let path: String

  /// Opens `path`; `O_CLOEXEC` is always added.
  public init(opening path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(Problem) {
    number = try checked("open", path) { unsafe open(path, flags | O_CLOEXEC, mode) }
    self.path = path
  }

  /// Takes over an open descriptor, such as one that a caller passed by number.
  public init(adopting number: Int32, path: String) {
    self.number = number
    self.path = path
  }

  deinit { _ = close(number) }

  /// What the kernel knows of the open file.
  public func status() throws(Problem) -> FileStatus {
    var buffer = stat()
    _ = try checked("fstat", path) { unsafe fstat(number, &buffer) }
    return FileStatus(buffer)
  }

  /// Reads up to `count` bytes into a new array; empty at the end of the file.
  public func read(upTo count: Int) throws(Problem) -> [UInt8] {
    var failure: Problem?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = 0
      do throws(Problem) {
        initialized = try checked("read", path) { unsafe Glibc.read(number, buffer.baseAddress, count) }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Reads `count` bytes at `offset`, fewer only at the end of the file. Safe from several threads.
  public func read(_ count: Int, at offset: Int) throws(Problem) -> [UInt8] {
    var failure: Problem?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = 0
      do throws(Problem) {
        while initialized < count {
          let step = initialized
          let got = try checked("pread", path) {
            unsafe pread(number, buffer.baseAddress.map { unsafe $0 + step }, count - step, offset + step)
          }
          if got == 0 { break }
          initialized += got
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Reads the rest of the file, which must not be longer than `limit` bytes.
  ///
  /// The size that the file has now only says how much to ask for: the end is where nothing more comes.
  public func readAll(limit: Int) throws(Problem) -> [UInt8] {
    let size = min(max(try status().size, 1 << 12), limit)
    if size >= Allocator.largeDocument { Allocator.useLargePages }
    var bytes = try read(upTo: size + 1)
    while bytes.count <= limit {
      let chunk = try read(upTo: min(1 << 16, limit + 1 - bytes.count))
      if chunk.isEmpty { return bytes }
      bytes += chunk
    }
    throw .malformed("file.size", "the file has more than the \(limit) bytes allowed", place: path)
  }

  /// Passes the rest of the file to `body` in pieces through one buffer; used to hash files of any size.
  public func forEachChunk(
    of size: Int = 1 << 18, _ body: (RawSpan) throws(Problem) -> Void
  ) throws(Problem) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    defer { unsafe buffer.deallocate() }
    while true {
      let count = try checked("read", path) { unsafe Glibc.read(number, buffer.baseAddress, size) }
      if count == 0 { return }
      // Safe: the kernel wrote `count` bytes, and the span does not leave this call.
      try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
    }
  }

  /// Writes all of `bytes`.
  public func write(_ bytes: [UInt8]) throws(Problem) {
    var done = 0
    while done < bytes.count {
      let start = done
      done += try checked("write", path) {
        unsafe bytes.withUnsafeBytes {
          unsafe Glibc.write(number, $0.baseAddress.map { unsafe $0 + start }, $0.count - start)
        }
      }
    }
  }

  /// Returns when everything written has reached the disk.
  public func synchronize() throws(Problem) { _ = try checked("fsync", path) { fsync(number) } }

  /// Cuts the file to `length` bytes.
  public func truncate(to length: Int) throws(Problem) {
    _ = try checked("ftruncate", path) { ftruncate(number, length) }
  }

  /// Moves to the end and returns the length.
  @discardableResult
  public func seekToEnd() throws(Problem) -> Int { try checked("lseek", path) { lseek(number, 0, SEEK_END) } }
}

/// What the kernel knows of a file.
public struct FileStatus: Sendable {
  /// The kinds that we tell apart.
  public enum Kind: Sendable { case regular, directory, symbolicLink, other }

  /// The kind.
  public let kind: Kind
  /// The permission bits, such as 0o600.
  public let permissions: UInt32
  /// The numeric owner.
  public let owner: UInt32
  /// The length in bytes.
  public let size: Int
  /// The number that tells it from others of its file system (`st_ino`).
  public let serial: UInt64

  init(_ buffer: stat) {
    switch buffer.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .directory
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    permissions = buffer.st_mode & 0o7777
    owner = buffer.st_uid
    size = Int(buffer.st_size)
    serial = UInt64(buffer.st_ino)
  }
}

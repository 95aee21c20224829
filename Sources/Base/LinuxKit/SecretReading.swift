public import Diagnostics
import Glibc

extension FileDescriptor {
  /// Reads into memory of the caller until it is full or the file ends, and returns the number of bytes.
  ///
  /// For secrets, which must never stand in an array: an array is copied when it grows, and the copies are not wiped.
  /// Safe when `memory` has `capacity` writable bytes.
  @unsafe public func read(into memory: UnsafeMutablePointer<UInt8>, capacity: Int) throws(Problem) -> Int {
    var done = 0
    while done < capacity {
      let start = done
      let count = try checked("read", path) { unsafe Glibc.read(number, memory + start, capacity - start) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// A descriptor of our own for a file that a caller opened and named by number, such as `--passphrase-fd 3`.
  ///
  /// The caller's own descriptor stays open; what is read through one moves the other.
  public init(duplicating number: Int32, path: String) throws(Problem) {
    // 3: never take the place of a closed standard input, output or error.
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else {
      throw .malformed("file.descriptor", "the file descriptor \(number) is not open", place: path)
    }
    self.init(adopting: copy, path: path)
  }
}

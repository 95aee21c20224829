public import Diagnostics
import Glibc

/// A connection to a socket in the file system.
public struct LocalStream: ~Copyable {
  private let socket: FileDescriptor

  /// Connects; nothing that follows waits longer than `seconds` for the other side.
  ///
  /// Throws `file.missing` where there is no socket, `local.closed` where nobody listens.
  public init(connectingTo path: String, seconds: Int) throws(Problem) {
    socket = try Self.connected(to: try Self.address(of: path), path, seconds)
  }

  private static func address(of path: String) throws(Problem) -> sockaddr_un {
    var address = sockaddr_un()
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < capacity, !path.utf8.contains(0) else {
      throw .malformed("file.name", "the path of a socket has at most \(capacity - 1) bytes", place: path)
    }
    address.sun_family = sa_family_t(AF_UNIX)
    // Safe: the text is shorter than the array, which is zero before, and stays within it.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return address
  }

  private static func connected(to address: sockaddr_un, _ path: String, _ seconds: Int) throws(Problem)
    -> FileDescriptor
  {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = try checked("socket", path) { Glibc.socket(AF_UNIX, kind, 0) }
    let stream = FileDescriptor(adopting: number, path: path)
    var patience = timeval(tv_sec: seconds, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // Safe: the option is a timeval, and it is copied.
      _ = unsafe setsockopt(number, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
    }
    // Safe: every address begins with its family, as sockaddr does; connect reads the length that it is told.
    let result = unsafe withUnsafePointer(to: address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    let code = errno
    guard result == 0 else {
      if code == ECONNREFUSED { throw .couldNotRun("local.closed", "nobody listens at the socket", place: path) }
      throw fileProblem("connect", path, code)
    }
    return stream
  }

  /// Writes all of `bytes`. A side that closed is a problem, not a signal.
  public func write(_ bytes: [UInt8]) throws(Problem) {
    var done = 0
    while done < bytes.count {
      let start = done
      done += try checked("send", socket.path) {
        unsafe bytes.withUnsafeBytes {
          // Safe: what is sent lies within the array.
          unsafe send(socket.number, $0.baseAddress.map { unsafe $0 + start }, $0.count - start, Int32(MSG_NOSIGNAL))
        }
      }
    }
  }

  /// Reads until `end` has come, or the other side has closed. Throws `local.size` for more than `limit` bytes.
  public func read(until end: [UInt8], limit: Int) throws(Problem) -> [UInt8] {
    var bytes: [UInt8] = []
    while !bytes.suffix(end.count).elementsEqual(end) {
      let piece = try socket.read(upTo: 1 << 16)
      if piece.isEmpty { break }
      bytes += piece
      guard bytes.count <= limit else {
        throw .refused("local.size", "the answer has more than \(limit) bytes", place: socket.path)
      }
    }
    return bytes
  }
}

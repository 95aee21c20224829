import Diagnostics
import Glibc
import LinuxKit
import NetworkTypes

/// A UDP socket of the lab.
struct ProbeSocket: ~Copyable {
  private let descriptor: FileDescriptor
  private let family: IPAddress.Family

  /// Bound to an address; nil where the namespace does not have it. A port of 0 is chosen by the kernel.
  init?(_ address: IPAddress, port: UInt16 = 0) throws(Problem) {
    family = address.family
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let number = socket(family == .v4 ? AF_INET : AF_INET6, kind, 0)
    guard number >= 0 else { throw .couldNotRun("lab.system", "socket: errno \(errno)") }
    descriptor = FileDescriptor(adopting: number, path: "probe")
    let isBound = unsafe Self.withSocketAddress(address, port) { pointer, length in
      unsafe bind(number, pointer, length) == 0
    }
    guard isBound else { return nil }
  }

  /// The port that it is bound to.
  var port: UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let number = descriptor.number
    // Safe: the kernel writes at most `length` bytes into a structure of that size; both families have the port there.
    return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        unsafe getsockname(number, base, &length) == 0
      else { return 0 }
      return UInt16(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
  }

  /// Sends a datagram; whether the kernel took it.
  func send(_ bytes: [UInt8], to address: IPAddress, port: UInt16) -> Bool {
    let number = descriptor.number
    return unsafe Self.withSocketAddress(address, port) { pointer, length in
      // Safe: both buffers outlive the call.
      unsafe bytes.withUnsafeBytes { data in
        unsafe sendto(number, data.baseAddress, data.count, 0, pointer, length) == data.count
      }
    }
  }

  /// Whether these bytes come within `milliseconds`; others are dropped.
  func receives(_ wanted: [UInt8], milliseconds: Int32) -> Bool {
    let deadline = Host.monotonicSeconds() + Double(milliseconds) / 1000
    repeat {
      var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
      let left = max(Int32((deadline - Host.monotonicSeconds()) * 1000), 0)
      // Safe: one entry is lent for one entry.
      guard unsafe poll(&entry, 1, left) == 1 else { continue }
      if let bytes = try? descriptor.read(upTo: 2048), bytes == wanted { return true }
    } while Host.monotonicSeconds() < deadline
    return false
  }

  /// Lends a socket address of the kernel's form.
  private static func withSocketAddress<Result>(
    _ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var bytes = [UInt8](repeating: 0, count: address.family == .v4 ? 16 : 28)
    let family = UInt16(address.family == .v4 ? AF_INET : AF_INET6)
    bytes[0] = UInt8(truncatingIfNeeded: family.littleEndian)
    (bytes[2], bytes[3]) = (UInt8(port >> 8), UInt8(port & 255))
    let start = address.family == .v4 ? 4 : 8
    for (index, octet) in address.octets.enumerated() { bytes[start + index] = octet }
    // Safe: the array has the size of sockaddr_in or sockaddr_in6, and its memory is aligned to sixteen bytes.
    return unsafe bytes.withUnsafeBytes { buffer in
      guard let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self) else {
        preconditionFailure("the array is not empty")
      }
      return unsafe body(base, socklen_t(buffer.count))
    }
  }
}

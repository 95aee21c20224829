import Diagnostics
import Glibc
import LinuxKit
import NetworkTypes

/// Sends UDP datagrams of IPv4 from any source address, which need not be this host's. Needs root.
struct RawSender: ~Copyable {
  private let descriptor: FileDescriptor
  private let destination: UInt32
  private let port: UInt16
  private var packet = [UInt8](repeating: 0, count: 28)

  init(to destination: UInt32, port: UInt16) throws(Problem) {
    let number = socket(AF_INET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), Int32(IPPROTO_RAW))
    guard number >= 0 else { throw .couldNotRun("bench.raw", "a raw socket: errno \(errno)") }
    descriptor = FileDescriptor(adopting: number, path: "raw")
    self.destination = destination
    self.port = port
    // IPv4, no options, do not fragment, 64 hops, UDP; the kernel fills in length, identification and checksum.
    packet[0] = 0x45
    packet[6] = 0x40
    packet[8] = 64
    packet[9] = UInt8(IPPROTO_UDP)
    for index in 0..<4 { packet[16 + index] = UInt8(truncatingIfNeeded: destination >> (24 - 8 * UInt32(index))) }
    (packet[22], packet[23]) = (UInt8(port >> 8), UInt8(port & 255))
  }

  /// Sends one; whether the kernel took it. The UDP checksum is left out, which IPv4 allows (RFC 768).
  mutating func send(_ payload: [UInt8], from source: UInt32, port sourcePort: UInt16) -> Bool {
    for index in 0..<4 { packet[12 + index] = UInt8(truncatingIfNeeded: source >> (24 - 8 * UInt32(index))) }
    (packet[20], packet[21]) = (UInt8(sourcePort >> 8), UInt8(sourcePort & 255))
    let length = UInt16(payload.count + 8)
    (packet[24], packet[25]) = (UInt8(length >> 8), UInt8(length & 255))
    packet.replaceSubrange(28..., with: payload)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = destination.bigEndian
    let number = descriptor.number
    // Safe: both structures outlive the call, and their lengths are given.
    return unsafe withUnsafePointer(to: address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe packet.withUnsafeBytes {
          unsafe sendto(number, $0.baseAddress, $0.count, 0, address, socklen_t(MemoryLayout<sockaddr_in>.size)) > 0
        }
      }
    }
  }
}

/// A socket on one port of every address of this host, for counting what comes.
struct AnyAddressReceiver: ~Copyable {
  private let descriptor: FileDescriptor

  init(port: UInt16) throws(Problem) {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let number = socket(AF_INET, kind, 0)
    guard number >= 0 else { throw .couldNotRun("bench.socket", "a socket: errno \(errno)") }
    let descriptor = FileDescriptor(adopting: number, path: "receiver")
    var room: Int32 = 4 << 20
    // Safe: the option is an integer, and it is copied.
    _ = unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    // Safe: the structure outlives the call, and its length is given.
    let result = unsafe withUnsafePointer(to: address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw .couldNotRun("bench.port", "port \(port) is taken: errno \(errno)") }
    self.descriptor = descriptor
  }

  /// The first byte and the length of a datagram that is there, or nil.
  func next() -> (kind: UInt8, length: Int)? {
    var buffer = InlineArray<256, UInt8>(repeating: 0)
    let number = descriptor.number
    var span = buffer.mutableSpan
    // Safe: the kernel writes at most as many bytes as the buffer has.
    let count = unsafe span.withUnsafeMutableBytes { unsafe recv(number, $0.baseAddress, $0.count, 0) }
    return count > 0 ? (span[0], count) : nil
  }

  /// Waits until something is there, at most so long.
  func wait(milliseconds: Int32) {
    var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    // Safe: one entry is lent for one entry.
    _ = unsafe poll(&entry, 1, milliseconds)
  }
}

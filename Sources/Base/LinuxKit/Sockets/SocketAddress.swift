import CLinux
import Glibc
public import NetworkTypes

/// An address as the kernel writes it, kept as it came: replies go back to it without being converted.
public struct SocketAddress: Sendable {
  /// Large enough for IPv6, which is the larger one.
  var storage = sockaddr_in6()
  /// Octets that count.
  var length = socklen_t(MemoryLayout<sockaddr_in6>.size)

  /// Room for an address that the kernel will write.
  public init() {}

  /// The address of an endpoint.
  public init(_ endpoint: Endpoint) {
    switch endpoint.address {
    case .v4(let value):
      var four = sockaddr_in()
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = endpoint.port.bigEndian
      four.sin_addr.s_addr = value.bigEndian
      // Safe: both are plain structures, and the smaller fits into the larger.
      unsafe withUnsafeMutableBytes(of: &storage) { target in
        unsafe withUnsafeBytes(of: four) { unsafe target.copyMemory(from: $0) }
      }
      length = socklen_t(MemoryLayout<sockaddr_in>.size)
    case .v6(let value):
      storage.sin6_family = sa_family_t(AF_INET6)
      storage.sin6_port = endpoint.port.bigEndian
      storage.sin6_scope_id = endpoint.scope
      unsafe withUnsafeMutableBytes(of: &storage.sin6_addr) {
        unsafe $0.storeBytes(of: value.bigEndian, as: UInt128.self)
      }
    }
  }

  /// The IP address; an IPv4 socket and an IPv6 socket write different structures.
  public var address: IPAddress {
    // Safe: what is read lies within the structure, and the family says what stands there.
    unsafe withUnsafeBytes(of: storage) { bytes in
      if unsafe bytes.load(as: sa_family_t.self) == sa_family_t(AF_INET) {
        return .v4(unsafe UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self)))
      }
      return .v6(unsafe UInt128(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt128.self)))
    }
  }

  /// The port.
  public var port: UInt16 { UInt16(bigEndian: storage.sin6_port) }

  /// Calls the kernel with the address.
  func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    // Safe: the kernel reads `length` octets of a structure that lives as long as the call.
    unsafe withUnsafePointer(to: storage) { pointer in
      unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  /// Lets the kernel write the address.
  mutating func withRoom<Result>(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result)
    -> Result
  {
    length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe withUnsafeMutablePointer(to: &length) { length in
        unsafe body(UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
      }
    }
  }
}

import CLinux
import Glibc
import NetworkTypes

/// Socket addresses as the kernel writes them, and endpoints as people do.
enum SocketAddress {
  /// The endpoint of a socket address at `start`, 16 or 28 octets; nil for another family.
  static func endpoint(at start: UnsafeRawPointer) -> Endpoint? {
    let port = unsafe start.loadUnaligned(fromByteOffset: 2, as: UInt16.self).byteSwapped
    switch unsafe Int32(start.loadUnaligned(as: UInt16.self)) {
    case AF_INET:
      return unsafe Endpoint(.v4(start.loadUnaligned(fromByteOffset: 4, as: UInt32.self).byteSwapped), port: port)
    case AF_INET6:
      let value = unsafe start.loadUnaligned(fromByteOffset: 8, as: UInt128.self).byteSwapped
      return unsafe Endpoint(
        .v6(value), port: port, scope: start.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
    default: return nil
    }
  }

  /// Writes an endpoint; the length of the socket address.
  static func write(_ endpoint: Endpoint, to target: inout sockaddr_storage) -> UInt32 {
    // Safe: a `sockaddr_storage` is longer than either address.
    unsafe withUnsafeMutableBytes(of: &target) { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      unsafe start.put(raw64: 0, 0)
      unsafe start.put(big16: Int(endpoint.port), 2)
      switch endpoint.address {
      case .v4(let value):
        unsafe start.put(raw16: Int(AF_INET), 0)
        unsafe start.put(big32: value, 4)
        unsafe start.put(raw64: 0, 8)
        return 16
      case .v6(let value):
        unsafe start.put(raw16: Int(AF_INET6), 0)
        unsafe start.storeBytes(of: value.byteSwapped, toByteOffset: 8, as: UInt128.self)
        unsafe start.put(raw32: endpoint.scope, 24)
        return 28
      }
    }
  }
}

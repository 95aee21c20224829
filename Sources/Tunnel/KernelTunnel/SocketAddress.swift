import Diagnostics
import Glibc
import NetlinkKit
import NetworkTypes

/// `sockaddr_in` and `sockaddr_in6` as bytes: the family in the machine's order, everything else in network order.
enum SocketAddress {
  /// AF_INET or AF_INET6.
  static func family(of address: IPAddress) -> UInt16 { UInt16(address.family == .v4 ? AF_INET : AF_INET6) }

  /// Sixteen or twenty-eight bytes.
  static func bytes(of endpoint: Endpoint) -> [UInt8] {
    let family = family(of: endpoint.address)
    var bytes = native(family) + [UInt8(endpoint.port >> 8), UInt8(endpoint.port & 0xff)]
    switch endpoint.address {
    case .v4: bytes += endpoint.address.octets + [UInt8](repeating: 0, count: 8)
    case .v6: bytes += [0, 0, 0, 0] + endpoint.address.octets + native(endpoint.scope)
    }
    return bytes
  }

  /// Reads what `bytes(of:)` writes. Throws `netlink.attribute` for another length or family.
  static func endpoint(_ attribute: NetlinkAttribute) throws(Problem) -> Endpoint {
    let family = Int32(try attribute.field(UInt16.self, at: 0))
    let port = try attribute.networkField(UInt16.self, at: 2)
    switch family {
    case AF_INET:
      let bytes = try attribute.bytes(16).dropFirst(4).prefix(4)
      if let address = IPAddress(octets: bytes) { return Endpoint(address, port: port) }
    case AF_INET6:
      let bytes = try attribute.bytes(28).dropFirst(8).prefix(16)
      let scope = try attribute.field(UInt32.self, at: 24)
      if let address = IPAddress(octets: bytes) { return Endpoint(address, port: port, scope: scope) }
    default: break
    }
    throw .malformed("netlink.attribute", "an endpoint of the address family \(family)")
  }

  private static func native<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) -> [UInt8] {
    let value = value.littleEndian
    return (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> Value(8 * $0)) }
  }
}

import CMnl
public import Diagnostics
import Glibc
public import NetworkTypes

/// An address of a link.
public struct InterfaceAddress: Sendable, Hashable {
  /// The link's number.
  public var link: UInt32
  /// The address.
  public var address: IPAddress
  /// How many leading bits are the network's.
  public var length: Int

  /// An address of its parts.
  public init(link: UInt32, address: IPAddress, length: Int) {
    self.link = link
    self.address = address
    self.length = length
  }

  /// The length of `ifaddrmsg` in bytes.
  static let headerLength = 8

  /// Reads RTM_NEWADDR or RTM_DELADDR; nil for a family that is neither IPv4 nor IPv6.
  init?(_ message: NetlinkMessage) throws(Problem) {
    let attributes = try message.attributes(after: Self.headerLength)
    guard let family = message.payload.first, IPAddress.Family(kernel: family) != nil else { return nil }
    // IFA_LOCAL is the own address where there is a peer's; IPv6 sends IFA_ADDRESS alone.
    guard let length = message.payload.dropFirst().first, let link = message.payload.integer(UInt32.self, at: 4),
      let address = try (attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS])?.address()
    else { throw .malformed("netlink.message", "the kernel describes an address without one") }
    self.init(link: link, address: address, length: Int(length))
  }
}

extension IPAddress.Family {
  /// AF_INET or AF_INET6.
  var kernel: UInt8 { UInt8(self == .v4 ? AF_INET : AF_INET6) }

  /// The family of a number of the kernel; nil for others.
  init?(kernel: UInt8) {
    switch Int32(kernel) {
    case AF_INET: self = .v4
    case AF_INET6: self = .v6
    default: return nil
    }
  }
}

extension RouteSocket {
  /// The addresses of a link, or of all, in the kernel's order.
  public func addresses(of link: UInt32? = nil) throws(Problem) -> [InterfaceAddress] {
    var found: [InterfaceAddress] = []
    let request = Self.addressRequest(
      UInt16(RTM_GETADDR), family: 0, length: 0, link: link ?? 0, flags: 0, creation: .change)
    for message in try socket.dump(request, "list addresses") where message.type == UInt16(RTM_NEWADDR) {
      guard let address = try InterfaceAddress(message) else { continue }
      // An old kernel lists all, whatever it is asked for.
      if link == nil || address.link == link { found.append(address) }
    }
    return found
  }

  /// Gives a link an address, with the route to its network that the kernel adds; usable at once.
  ///
  /// Throws `netlink.exists` when the link has it.
  public func add(_ address: InterfaceAddress) throws(Problem) {
    try socket.request(Self.request(UInt16(RTM_NEWADDR), address, .create), "add \(address.text)")
  }

  /// Takes an address from a link. Throws `netlink.missing` when it has not got it.
  public func remove(_ address: InterfaceAddress) throws(Problem) {
    try socket.request(Self.request(UInt16(RTM_DELADDR), address, .change), "remove \(address.text)")
  }

  static func request(_ type: UInt16, _ address: InterfaceAddress, _ creation: NetlinkRequest.Creation)
    -> NetlinkRequest
  {
    var request = addressRequest(
      type, family: address.address.family.kernel, length: UInt8(truncatingIfNeeded: address.length),
      link: address.link,
      // A tunnel has no neighbours that could hold the same address: no waiting for duplicates (RFC 4862, 5.4).
      flags: address.address.family == .v6 && creation == .create ? UInt8(IFA_F_NODAD) : 0, creation: creation)
    request.add(IFA_LOCAL, address.address)
    request.add(IFA_ADDRESS, address.address)
    return request
  }

  /// A message with the fixed part `ifaddrmsg`.
  private static func addressRequest(
    _ type: UInt16, family: UInt8, length: UInt8, link: UInt32, flags: UInt8, creation: NetlinkRequest.Creation
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type: type, creation: creation)
    request.append(family)
    request.append(length)
    request.append(flags)
    request.append(UInt8(0))
    request.append(link)
    return request
  }
}

extension InterfaceAddress {
  /// For messages.
  var text: String { "the address \(address)/\(length) of link \(link)" }
}

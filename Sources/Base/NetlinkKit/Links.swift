import CMnl
public import Diagnostics
import Glibc
import NetworkTypes

/// Links, addresses, routes and rules of one network namespace, by rtnetlink (RFC 3549, 3): the one where it is made.
///
/// What is changed is changed by one message each, and the kernel has done it when the call returns.
/// One thread at a time.
public final class RouteSocket {
  let socket: NetlinkSocket

  /// Opens a socket in the namespace of the calling thread.
  public init() throws(Problem) { socket = try NetlinkSocket(.route) }
}

/// A network interface.
public struct Link: Sendable, Hashable {
  /// Its number in the namespace, never used again soon.
  public var index: UInt32
  /// Its name, 1 to 15 bytes.
  public var name: String
  /// The driver's name of virtual links, such as `wireguard` or `tun`.
  public var kind: String?
  /// The largest packet in bytes.
  public var mtu: UInt32
  /// Whether it is switched on.
  public var isUp: Bool
  /// Whether it carries packets.
  public var hasCarrier: Bool
  /// How many packets its queue holds.
  public var transmitQueue: UInt32
  /// A number that administrators and programs group links by; 0 unless set.
  public var group: UInt32
  /// Its counters; nil where the kernel sends none.
  public var counters: Counters?

  /// Counters of a link since it was made (struct rtnl_link_stats64).
  public struct Counters: Sendable, Hashable {
    /// Packets that came in.
    public var receivedPackets: UInt64
    /// Packets that went out.
    public var sentPackets: UInt64
    /// Bytes that came in.
    public var receivedBytes: UInt64
    /// Bytes that went out.
    public var sentBytes: UInt64
    /// Packets that came in and were wrong in any way.
    public var receiveErrors: UInt64
    /// Packets that could not be sent.
    public var sendErrors: UInt64
    /// Packets that came in and had no place.
    public var receiveDrops: UInt64
    /// Packets that had no place on their way out.
    public var sendDrops: UInt64
    /// Packets of a wrong length.
    public var receiveLengthErrors: UInt64
    /// Packets of a wrong form.
    public var receiveFrameErrors: UInt64
  }
}

extension Link {
  /// The length of `ifinfomsg` in bytes.
  static let headerLength = 16

  /// What names a link may have: 1 to 15 bytes, no slash, no white space, no colon, and neither `.` nor `..`.
  public static func isValid(name: String) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
  }

  /// Reads RTM_NEWLINK or RTM_DELLINK.
  init(_ message: NetlinkMessage) throws(Problem) {
    let attributes = try message.attributes(after: Self.headerLength)
    guard let index = message.payload.integer(UInt32.self, at: 4),
      let flags = message.payload.integer(UInt32.self, at: 8), let name = attributes[IFLA_IFNAME]?.text()
    else { throw .malformed("netlink.message", "the kernel describes a link without a name") }
    self.index = index
    self.name = name
    kind = try attributes[IFLA_LINKINFO]?.nested()[IFLA_INFO_KIND]?.text()
    mtu = try attributes[IFLA_MTU]?.uint32() ?? 0
    isUp = flags & UInt32(IFF_UP) != 0
    hasCarrier = flags & 0x10000 != 0  // IFF_LOWER_UP of <linux/if.h>
    transmitQueue = try attributes[IFLA_TXQLEN]?.uint32() ?? 0
    group = try attributes[IFLA_GROUP]?.uint32() ?? 0
    counters = try attributes[IFLA_STATS64].map { (attribute) throws(Problem) in try Counters(attribute) }
  }
}

extension Link.Counters {
  init(_ attribute: NetlinkAttribute) throws(Problem) {
    receivedPackets = try attribute.field(UInt64.self, at: 0)
    sentPackets = try attribute.field(UInt64.self, at: 8)
    receivedBytes = try attribute.field(UInt64.self, at: 16)
    sentBytes = try attribute.field(UInt64.self, at: 24)
    receiveErrors = try attribute.field(UInt64.self, at: 32)
    sendErrors = try attribute.field(UInt64.self, at: 40)
    receiveDrops = try attribute.field(UInt64.self, at: 48)
    sendDrops = try attribute.field(UInt64.self, at: 56)
    receiveLengthErrors = try attribute.field(UInt64.self, at: 80)
    receiveFrameErrors = try attribute.field(UInt64.self, at: 104)
  }
}

extension RouteSocket {
  /// Every link of the namespace, in the order of their numbers.
  public func links() throws(Problem) -> [Link] {
    var links: [Link] = []
    for message in try socket.dump(Self.linkRequest(UInt16(RTM_GETLINK)), "list links")
    where message.type == UInt16(RTM_NEWLINK) { links.append(try Link(message)) }
    return links
  }

  /// The link of a name; nil when there is none.
  public func link(named name: String) throws(Problem) -> Link? {
    try requireValid(name)
    var request = Self.linkRequest(UInt16(RTM_GETLINK))
    request.add(IFLA_IFNAME, text: name)
    return try one(request, "look up the link \(name)")
  }

  /// The link of a number; nil when there is none.
  public func link(index: UInt32) throws(Problem) -> Link? {
    try one(Self.linkRequest(UInt16(RTM_GETLINK), index: index), "look up link \(index)")
  }

  private func one(_ request: NetlinkRequest, _ action: String) throws(Problem) -> Link? {
    do throws(Problem) {
      for message in try socket.request(request, action) where message.type == UInt16(RTM_NEWLINK) {
        return try Link(message)
      }
      return nil
    } catch {
      if error.code == "netlink.missing" { return nil }
      throw error
    }
  }

  /// Makes a virtual link, which is down, and returns it. `group` marks it from its first moment.
  ///
  /// Throws `netlink.exists`, `netlink.unsupported` for a kind that the kernel has not, `netlink.permission`.
  public func createLink(_ name: String, kind: String, mtu: UInt32? = nil, group: UInt32? = nil) throws(Problem) -> Link
  {
    try requireValid(name)
    try socket.request(
      Self.creation(name, kind: kind, mtu: mtu, group: group), "create the \(kind) link \(name)")
    guard let link = try link(named: name) else {
      throw .couldNotRun("netlink.missing", "the link \(name) went away as soon as it was made")
    }
    return link
  }

  static func creation(_ name: String, kind: String, mtu: UInt32?, group: UInt32?) -> NetlinkRequest {
    var request = linkRequest(UInt16(RTM_NEWLINK), creation: .create)
    request.add(IFLA_IFNAME, text: name)
    if let mtu { request.add(IFLA_MTU, mtu) }
    if let group { request.add(IFLA_GROUP, group) }
    request.nest(IFLA_LINKINFO) { $0.add(IFLA_INFO_KIND, text: kind) }
    return request
  }

  /// Makes two links that are each other's other end, both in this namespace.
  public func createPair(_ name: String, _ peer: String) throws(Problem) {
    try requireValid(name)
    try requireValid(peer)
    var request = Self.linkRequest(UInt16(RTM_NEWLINK), creation: .create)
    request.add(IFLA_IFNAME, text: name)
    request.nest(IFLA_LINKINFO) { info in
      info.add(IFLA_INFO_KIND, text: "veth")
      info.nest(IFLA_INFO_DATA) { data in
        data.nest(1) { other in  // VETH_INFO_PEER: a whole message without its header
          for _ in 0..<4 { other.append(UInt32(0)) }
          other.add(IFLA_IFNAME, text: peer)
        }
      }
    }
    try socket.request(request, "create the links \(name) and \(peer)")
  }

  /// Removes a link with its addresses and routes. Throws `netlink.missing` when it is gone.
  public func deleteLink(index: UInt32) throws(Problem) {
    try socket.request(Self.linkRequest(UInt16(RTM_DELLINK), index: index), "delete link \(index)")
  }

  /// Gives a link another name; a link that is up may have to go down first.
  public func rename(index: UInt32, to name: String) throws(Problem) {
    try requireValid(name)
    try change(index, "rename link \(index) to \(name)") { $0.add(IFLA_IFNAME, text: name) }
  }

  /// Sets the largest packet in bytes.
  public func setMTU(index: UInt32, _ mtu: UInt32) throws(Problem) {
    try change(index, "set the MTU of link \(index) to \(mtu)") { $0.add(IFLA_MTU, mtu) }
  }

  /// Sets how many packets the link's queue holds.
  public func setTransmitQueue(index: UInt32, _ packets: UInt32) throws(Problem) {
    try change(index, "set the queue of link \(index) to \(packets)") { $0.add(IFLA_TXQLEN, packets) }
  }

  /// Marks a link with a group.
  public func setGroup(index: UInt32, _ group: UInt32) throws(Problem) {
    try change(index, "set the group of link \(index)") { $0.add(IFLA_GROUP, group) }
  }

  /// Switches a link on or off.
  public func setUp(index: UInt32, _ isUp: Bool) throws(Problem) {
    let flag = UInt32(IFF_UP)
    let request = Self.linkRequest(UInt16(RTM_NEWLINK), index: index, flags: isUp ? flag : 0, mask: flag)
    try socket.request(request, "switch link \(index) \(isUp ? "on" : "off")")
  }

  private func change(_ index: UInt32, _ action: String, _ body: (inout NetlinkRequest) -> Void) throws(Problem) {
    var request = Self.linkRequest(UInt16(RTM_NEWLINK), index: index)
    body(&request)
    try socket.request(request, action)
  }

  /// A message with the fixed part `ifinfomsg`.
  static func linkRequest(
    _ type: UInt16, creation: NetlinkRequest.Creation = .change, index: UInt32 = 0, flags: UInt32 = 0, mask: UInt32 = 0
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type: type, creation: creation)
    request.append(UInt32(0))  // family, padding and hardware type
    request.append(index)
    request.append(flags)
    request.append(mask)
    return request
  }

  private func requireValid(_ name: String) throws(Problem) {
    guard Link.isValid(name: name) else {
      throw .malformed(
        "netlink.name", "\"\(name)\" is no name of a link",
        hint: "1 to 15 visible ASCII characters without slash and colon")
    }
  }
}

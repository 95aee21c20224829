import CMnl
public import Diagnostics
import NetworkTypes

/// Generic netlink: families that the kernel numbers at run time (Documentation/userspace-api/netlink/intro.rst).
public final class GenericNetlink {
  /// A family as the kernel's controller describes it.
  public struct Family: Sendable, Hashable {
    /// The type of its messages.
    public let id: UInt16
    /// The version of its commands.
    public let version: UInt32
    /// Its multicast groups by name.
    public let groups: [String: UInt32]

    /// A family of its parts.
    public init(id: UInt16, version: UInt32, groups: [String: UInt32] = [:]) {
      self.id = id
      self.version = version
      self.groups = groups
    }
  }

  /// The length of the fixed part in bytes: command, version, two reserved.
  public static let headerLength = 4

  /// The socket that requests of any family go through.
  public let socket: NetlinkSocket

  /// Opens a socket in the namespace of the caller.
  public init() throws(Problem) { socket = try NetlinkSocket(.generic) }

  /// Looks a family up, which also loads the module that has it. Throws `netlink.missing` when the kernel has none.
  public func family(named name: String) throws(Problem) -> Family {
    var request = Self.request(
      Family(id: UInt16(GENL_ID_CTRL), version: 1), command: UInt8(CTRL_CMD_GETFAMILY))
    request.add(CTRL_ATTR_FAMILY_NAME, text: name)
    for message in try socket.request(request, "look up the family \(name)") where message.type == GENL_ID_CTRL {
      return try Self.family(in: message)
    }
    throw .refused("netlink.missing", "the kernel does not describe the family \(name)")
  }

  /// A request of a family.
  public static func request(_ family: Family, command: UInt8) -> NetlinkRequest {
    var request = NetlinkRequest(type: family.id)
    request.append(command)
    request.append(UInt8(truncatingIfNeeded: family.version))
    request.append(UInt16(0))
    return request
  }

  /// Reads the controller's description of a family.
  static func family(in message: NetlinkMessage) throws(Problem) -> Family {
    let attributes = try message.attributes(after: headerLength)
    guard let id = attributes[CTRL_ATTR_FAMILY_ID] else {
      throw .malformed("netlink.message", "the kernel describes a family without a number")
    }
    var groups: [String: UInt32] = [:]
    if let list = try attributes[CTRL_ATTR_MCAST_GROUPS]?.nested() {
      for entry in list {
        let group = try entry.nested()
        guard let name = group[CTRL_ATTR_MCAST_GRP_NAME], let id = group[CTRL_ATTR_MCAST_GRP_ID] else { continue }
        groups[name.text()] = try id.uint32()
      }
    }
    return Family(
      id: try id.uint16(), version: try attributes[CTRL_ATTR_VERSION]?.uint32() ?? 1, groups: groups)
  }
}

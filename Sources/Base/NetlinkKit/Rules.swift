import CMnl
public import Diagnostics
import Glibc
public import NetworkTypes

/// A rule of policy routing: which packets look in which table.
public struct RoutingRule: Sendable, Hashable {
  /// The family whose packets are asked.
  public var family: IPAddress.Family
  /// Rules are asked from the lowest number; 0 is the local table's.
  public var priority: UInt32
  /// The table to look in.
  public var table: UInt32
  /// Asks for packets with this mark; nil for any.
  public var mark: UInt32?
  /// Asks for packets that do not fit instead.
  public var isInverted: Bool
  /// Routes with a prefix of at most this length do not count; nil when all do.
  public var suppressedPrefixLength: UInt32?
  /// Who wrote it, as with routes.
  public var origin: UInt8

  /// A rule of its parts.
  public init(
    _ family: IPAddress.Family, priority: UInt32, table: UInt32, mark: UInt32? = nil, isInverted: Bool = false,
    suppressedPrefixLength: UInt32? = nil, origin: UInt8 = 4
  ) {
    self.family = family
    self.priority = priority
    self.table = table
    self.mark = mark
    self.isInverted = isInverted
    self.suppressedPrefixLength = suppressedPrefixLength
    self.origin = origin
  }

  /// The length of `fib_rule_hdr` in bytes.
  static let headerLength = 12

  /// Reads RTM_NEWRULE; nil for another family.
  init?(_ message: NetlinkMessage) throws(Problem) {
    let attributes = try message.attributes(after: Self.headerLength)
    let header = message.payload
    let start = header.startIndex
    guard let family = IPAddress.Family(kernel: header[start]), let flags = header.integer(UInt32.self, at: 8) else {
      return nil
    }
    let suppressed = try attributes[FRA_SUPPRESS_PREFIXLEN]?.uint32() ?? .max
    self.init(
      family, priority: try attributes[FRA_PRIORITY]?.uint32() ?? 0,
      table: try attributes[FRA_TABLE]?.uint32() ?? UInt32(header[start + 4]),
      mark: try attributes[FRA_FWMARK]?.uint32(), isInverted: flags & UInt32(FIB_RULE_INVERT) != 0,
      suppressedPrefixLength: suppressed == .max ? nil : suppressed,
      origin: try attributes[FRA_PROTOCOL]?.uint8() ?? 0)
  }

  /// For messages.
  var text: String { "the IPv\(family.rawValue) rule \(priority) for table \(table)" }
}

extension RouteSocket {
  /// The rules of a family in the order in which they are asked.
  public func rules(_ family: IPAddress.Family) throws(Problem) -> [RoutingRule] {
    var found: [RoutingRule] = []
    let request = Self.ruleRequest(UInt16(RTM_GETRULE), family: family)
    for message in try socket.dump(request, "list rules") where message.type == UInt16(RTM_NEWRULE) {
      if let rule = try RoutingRule(message) { found.append(rule) }
    }
    return found
  }

  /// Adds a rule. Throws `netlink.exists` when there is the same one.
  public func add(_ rule: RoutingRule) throws(Problem) {
    try socket.request(Self.request(UInt16(RTM_NEWRULE), rule, .create), "add \(rule.text)")
  }

  /// Removes a rule. Throws `netlink.missing` when it is not there.
  public func remove(_ rule: RoutingRule) throws(Problem) {
    try socket.request(Self.request(UInt16(RTM_DELRULE), rule, .change), "remove \(rule.text)")
  }

  static func request(_ type: UInt16, _ rule: RoutingRule, _ creation: NetlinkRequest.Creation) -> NetlinkRequest {
    var request = ruleRequest(
      type, family: rule.family, action: UInt8(FR_ACT_TO_TBL), flags: rule.isInverted ? UInt32(FIB_RULE_INVERT) : 0,
      creation: creation)
    request.add(FRA_PRIORITY, rule.priority)
    request.add(FRA_TABLE, rule.table)
    if let mark = rule.mark { request.add(FRA_FWMARK, mark) }
    if let length = rule.suppressedPrefixLength { request.add(FRA_SUPPRESS_PREFIXLEN, length) }
    request.add(FRA_PROTOCOL, rule.origin)
    return request
  }

  /// A message with the fixed part `fib_rule_hdr`.
  private static func ruleRequest(
    _ type: UInt16, family: IPAddress.Family, action: UInt8 = 0, flags: UInt32 = 0,
    creation: NetlinkRequest.Creation = .change
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type: type, creation: creation)
    for byte in [family.kernel, 0, 0, 0, 0, 0, 0, action] { request.append(byte) }
    request.append(flags)
    return request
  }
}

public import Diagnostics
import LinuxKit
public import NetlinkKit
public import NetworkTypes
public import TunnelBackend

/// The network around a tunnel's link: addresses, routes, and the policy that sends everything through it.
///
/// Everything is found again by what it carries, so that a restart after SIGKILL removes what was left: links by their
/// group, routes and rules by their origin, and both by a table whose number follows from the link's name.
public final class InterfaceNetwork {
  /// The group of links that a tunnel of ours has made.
  public static let group: UInt32 = 0x5275_7374
  /// Who wrote a route or a rule (rtm_protocol, FRA_PROTOCOL): no program in rt_protos of iproute2 has this number.
  public static let origin: UInt8 = 82
  /// The metric of our routes: an interface's own network comes first, what DHCP learns (100 and more) comes later.
  static let metric: UInt32 = 50

  private let name: String
  private let index: UInt32
  private let mtu: Int
  private let routes: RouteSocket
  private let families: [IPAddress.Family]

  /// The network around a link that is there.
  public init(_ name: String, index: UInt32, mtu: Int, routes: RouteSocket) {
    self.name = name
    self.index = index
    self.mtu = mtu
    self.routes = routes
    families = Self.hostHasIPv6 ? [.v4, .v6] : [.v4]
  }

  /// Whether this kernel speaks IPv6.
  public static var hostHasIPv6: Bool { FileSystem.status("/proc/net/if_inet6") != nil }

  /// A number that follows from a link's name alone (FNV-1a, 24 bits): its table, and its mark where none is given.
  public static func number(of name: String) -> UInt32 {
    let hash = name.utf8.reduce(UInt32(0x811c_9dc5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    return 0x5200_0000 | (hash ^ hash >> 24) & 0xff_ffff
  }

  // MARK: Life

  /// Removes what an earlier process left of a tunnel of this name. Call it while no other process has such a tunnel.
  public static func sweep(_ name: String, routes: RouteSocket) throws(Problem) {
    if let link = try routes.link(named: name), link.group == group { try routes.deleteLink(index: link.index) }
    try clearPolicy(of: name, routes: routes)
  }

  /// Gives the link its addresses and switches it on; from then on its socket is bound.
  public func bringUp(addresses: [(address: IPAddress, length: Int)]) throws(Problem) {
    try routes.setMTU(index: index, UInt32(mtu))
    for (address, length) in addresses {
      try routes.add(InterfaceAddress(link: index, address: address, length: length))
    }
    try routes.setUp(index: index, true)
  }

  /// Removes rules and routes that would outlive the link.
  public func takeDown() throws(Problem) { try Self.clearPolicy(of: name, routes: routes) }

  private static func clearPolicy(of name: String, routes: RouteSocket) throws(Problem) {
    let table = number(of: name)
    for family in hostHasIPv6 ? IPAddress.Family.allCases : [.v4] {
      for rule in try routes.rules(family) where rule.origin == origin && isOurs(rule, of: name) {
        try tolerating("netlink.missing") { () throws(Problem) in try routes.remove(rule) }
      }
    }
    try routes.replaceRoutes([], table: table, origin: origin)
  }

  // MARK: Routes

  /// Makes the routes into the link equal to these. Exit defaults stand in the table of `setExit`, the others in main.
  public func replaceRoutes(_ wanted: [TunnelRoute]) throws(Problem) {
    let link = index
    let main = wanted.filter { $0.kind != .exitDefault }.map { route($0.destination, table: Route.mainTable) }
    try routes.replaceRoutes(main, table: Route.mainTable, origin: Self.origin) {
      if case .link(link, _) = $0.kind { true } else { false }
    }
  }

  private func route(_ destination: Prefix, table: UInt32) -> Route {
    Route(destination, .link(index), table: table, metric: Self.metric, origin: Self.origin)
  }

  // MARK: Exit

  /// Sends every packet of this host into the link but those with `mark`, which are the tunnel's own, and those for
  /// which the main table has a route that is no default; `extra` are more routes of the exit's table.
  ///
  /// Behind the routes stands one that refuses: when the link goes away nothing leaks out of another one. Where the link
  /// carries no IPv6, all IPv6 is refused. The rules come last, and go first.
  public func setExit(mark: UInt32, extra: [Prefix]) throws(Problem) {
    try requireLooseReversePath()
    let table = Self.number(of: name)
    var wanted: [Route] = []
    for range in Set(PeerTable.everything + extra) {
      let family = range.address.family
      guard families.contains(family) else { continue }
      if family == .v4 || mtu >= 1280 { wanted.append(route(range, table: table)) }
      if range.length == 0 {
        wanted.append(Route(range, .unreachable, table: table, metric: .max, origin: Self.origin))
      }
    }
    try routes.replaceRoutes(wanted, table: table, origin: Self.origin)
    do throws(Problem) {
      for family in families {
        let present = Set(try routes.rules(family))
        for rule in Self.rules(of: name, family, mark: mark) where !present.contains(rule) { try routes.add(rule) }
        // Rules of another mark, from before.
        for rule in present where rule.origin == Self.origin && Self.isOurs(rule, of: name) {
          if !Self.rules(of: name, family, mark: mark).contains(rule) { try routes.remove(rule) }
        }
      }
    } catch {
      try? takeDown()
      throw error
    }
  }

  /// Two rules a family, as wg-quick(8) has them: main without its defaults, then the tunnel's table for what is not
  /// marked. Their numbers follow from the name, so that two tunnels do not share a rule.
  static func rules(of name: String, _ family: IPAddress.Family, mark: UInt32) -> [RoutingRule] {
    let first = priority(of: name)
    return [
      RoutingRule(
        family, priority: first, table: Route.mainTable, suppressedPrefixLength: 0, origin: origin),
      RoutingRule(family, priority: first + 1, table: number(of: name), mark: mark, isInverted: true, origin: origin),
    ]
  }

  private static func priority(of name: String) -> UInt32 { 5200 + 2 * (number(of: name) & 0x1ff) }

  private static func isOurs(_ rule: RoutingRule, of name: String) -> Bool {
    rule.table == number(of: name) || rule.table == Route.mainTable && rule.priority == priority(of: name)
  }

  /// With strict reverse path filtering the answers to the tunnel's own packets are dropped: they come in where an
  /// unmarked packet would not go out (net.ipv4.conf.*.rp_filter, RFC 3704). Loose filtering is enough.
  private func requireLooseReversePath() throws(Problem) {
    let folder = "/proc/sys/net/ipv4/conf"
    func filter(_ interface: String) -> Int {
      let bytes = try? FileSystem.read("\(folder)/\(interface)/rp_filter", limit: 16)
      return bytes?.first.map { Int($0) - Int(UInt8(ascii: "0")) } ?? 0
    }
    let all = filter("all")
    for interface in (try? FileSystem.list(folder)) ?? [] where !["all", "default", "lo", name].contains(interface) {
      guard max(all, filter(interface)) != 1 else {
        throw .refused(
          "tunnel.reverse-path", "\(interface) drops packets by strict reverse path filtering", place: folder,
          source: "RFC 3704, 2.4", hint: "sysctl -w net.ipv4.conf.all.rp_filter=2")
      }
    }
  }
}

/// Does what may have been done already.
func tolerating(_ code: String, _ body: () throws(Problem) -> Void) throws(Problem) {
  do throws(Problem) { try body() } catch {
    if error.code != code { throw error }
  }
}

import CMnl
public import Diagnostics
import Glibc
public import NetworkTypes

/// A route of a table.
public struct Route: Sendable, Hashable {
  /// What happens with packets.
  public enum Kind: Hashable, Sendable {
    /// Out of this link, to a router or to the destination itself.
    case link(UInt32, gateway: IPAddress? = nil)
    /// Refused with an ICMP error.
    case unreachable
    /// Anything else that the kernel knows, by its number (RTN_…); never written.
    case other(UInt8)
  }

  /// The main table, which every packet is looked up in unless a rule says otherwise.
  public static let mainTable: UInt32 = 254

  /// What is routed.
  public var destination: Prefix
  /// Where to.
  public var kind: Kind
  /// The table, 1 to 4,294,967,295.
  public var table: UInt32
  /// Among routes of one destination the lowest counts. The kernel reads 0 as 1024 for IPv6.
  public var metric: UInt32
  /// Who wrote it: 2 is the kernel, 3 and 4 are administrators, programs have numbers of their own.
  public var origin: UInt8

  /// A route of its parts.
  public init(
    _ destination: Prefix, _ kind: Kind, table: UInt32 = mainTable, metric: UInt32 = 0, origin: UInt8 = 4
  ) {
    self.destination = destination
    self.kind = kind
    self.table = table
    self.metric = metric == 0 && destination.address.family == .v6 ? 1024 : metric
    self.origin = origin
  }

  /// What tells one route of a table from another.
  struct Key: Hashable {
    var destination: Prefix
    var table: UInt32
    var metric: UInt32
  }

  var key: Key { Key(destination: destination, table: table, metric: metric) }
}

extension Route {
  /// The length of `rtmsg` in bytes.
  static let headerLength = 12

  /// Reads RTM_NEWROUTE or RTM_DELROUTE; nil for another family, for copies in the cache, and for multicast tables.
  init?(_ message: NetlinkMessage) throws(Problem) {
    let attributes = try message.attributes(after: Self.headerLength)
    let header = message.payload
    let start = header.startIndex
    guard let family = IPAddress.Family(kernel: header[start]),
      let flags = header.integer(UInt32.self, at: 8), flags & UInt32(RTM_F_CLONED) == 0
    else { return nil }
    let address =
      try attributes[Int(RTA_DST.rawValue)]?.address() ?? (family == .v4 ? IPAddress.v4(0) : IPAddress.v6(0))
    guard address.family == family, let destination = Prefix(masking: address, length: Int(header[start + 1])) else {
      throw .malformed("netlink.message", "the kernel describes a route to no range")
    }
    let kind = header[start + 7]
    self.init(
      destination, .other(kind), table: try attributes[Int(RTA_TABLE.rawValue)]?.uint32() ?? UInt32(header[start + 4]),
      metric: try attributes[Int(RTA_PRIORITY.rawValue)]?.uint32() ?? 0, origin: header[start + 5])
    switch Int(kind) {
    case RTN_UNICAST:
      // A route with several ways has no link of its own.
      if let link = try attributes[Int(RTA_OIF.rawValue)]?.uint32() {
        self.kind = .link(link, gateway: try attributes[Int(RTA_GATEWAY.rawValue)]?.address())
      }
    case RTN_UNREACHABLE: self.kind = .unreachable
    default: break
    }
  }

  /// For messages.
  var text: String { "the route to \(destination) in table \(table)" }
}

extension RouteSocket {
  /// The routes of a table, IPv4 first, each family in the kernel's order; empty for a table that is not there.
  public func routes(table: UInt32 = Route.mainTable, families: [IPAddress.Family] = [.v4, .v6]) throws(Problem)
    -> [Route]
  {
    var found: [Route] = []
    for family in families {
      var request = Self.routeRequest(UInt16(RTM_GETROUTE), family: family, length: 0)
      request.add(Int(RTA_TABLE.rawValue), table)
      do throws(Problem) {
        for message in try socket.dump(request, "list routes") where message.type == UInt16(RTM_NEWROUTE) {
          if let route = try Route(message), route.table == table { found.append(route) }
        }
      } catch {
        // A table without a route does not exist; a kernel without IPv6 has no tables of it.
        guard error.code == "netlink.missing" || error.code == "netlink.unsupported" else { throw error }
      }
    }
    return found
  }

  /// Adds a route. Throws `netlink.exists` when there is one of the same destination, table and metric.
  public func add(_ route: Route) throws(Problem) {
    try socket.request(Self.request(UInt16(RTM_NEWROUTE), route, .create), "add \(route.text)")
  }

  /// Removes a route. Throws `netlink.missing` when it is not there.
  public func remove(_ route: Route) throws(Problem) {
    try socket.request(Self.request(UInt16(RTM_DELROUTE), route, .change), "remove \(route.text)")
  }

  /// Makes the routes of one origin in one table equal to `wanted`, and leaves those of others alone.
  ///
  /// The order is always the same: what is new by destination, then what is too much by destination. A destination that
  /// changes has a route at every moment. When a step is refused, the steps before are taken back and the problem is
  /// thrown: `netlink.exists` where another program has such a route.
  public func replaceRoutes(
    _ wanted: [Route], table: UInt32, origin: UInt8, where isOurs: (Route) -> Bool = { _ in true }
  ) throws(Problem) {
    let current = try routes(table: table).filter { $0.origin == origin && isOurs($0) }
    try carryOut(RouteStep.steps(from: current, to: wanted))
  }

  private func carryOut(_ steps: [RouteStep]) throws(Problem) {
    for (index, step) in steps.enumerated() {
      do throws(Problem) { try carryOut(step) } catch {
        // What goes away on its own is no failure of a removal.
        if case .remove = step, error.code == "netlink.missing" { continue }
        for done in steps[..<index].reversed() {
          for inverse in done.inverse { try? carryOut(inverse) }
        }
        throw error
      }
    }
  }

  private func carryOut(_ step: RouteStep) throws(Problem) {
    switch step {
    case .add(let route): try add(route)
    case .remove(let route): try remove(route)
    case .change(_, let route):
      try socket.request(Self.request(UInt16(RTM_NEWROUTE), route, .replace), "change \(route.text)")
    }
  }

  static func request(_ type: UInt16, _ route: Route, _ creation: NetlinkRequest.Creation) -> NetlinkRequest {
    var kind = UInt8(RTN_UNICAST)
    var scope: UInt8 = 0
    var link: UInt32?
    var gateway: IPAddress?
    switch route.kind {
    case .link(let index, let router):
      link = index
      gateway = router
      // Neighbours of the link itself: only IPv4 tells scopes apart.
      if router == nil, route.destination.address.family == .v4 { scope = UInt8(RT_SCOPE_LINK.rawValue) }
    case .unreachable: kind = UInt8(RTN_UNREACHABLE)
    case .other(let number): kind = number
    }
    var request = routeRequest(
      type, family: route.destination.address.family, length: UInt8(route.destination.length), origin: route.origin,
      scope: type == UInt16(RTM_DELROUTE) ? UInt8(RT_SCOPE_NOWHERE.rawValue) : scope, kind: kind, creation: creation)
    if route.destination.length > 0 { request.add(Int(RTA_DST.rawValue), route.destination.address) }
    request.add(Int(RTA_TABLE.rawValue), route.table)
    request.add(Int(RTA_PRIORITY.rawValue), route.metric)
    if let link { request.add(Int(RTA_OIF.rawValue), link) }
    if let gateway { request.add(Int(RTA_GATEWAY.rawValue), gateway) }
    return request
  }

  /// A message with the fixed part `rtmsg`. The table stands in an attribute: the byte here ends at 255.
  private static func routeRequest(
    _ type: UInt16, family: IPAddress.Family, length: UInt8, origin: UInt8 = 0, scope: UInt8 = 0, kind: UInt8 = 0,
    creation: NetlinkRequest.Creation = .change
  ) -> NetlinkRequest {
    var request = NetlinkRequest(type: type, creation: creation)
    for byte in [family.kernel, length, 0, 0, 0, origin, scope, kind] { request.append(byte) }
    request.append(UInt32(0))
    return request
  }
}

/// One step from a set of routes to another.
enum RouteStep: Hashable {
  case add(Route)
  /// From, to: the same destination, table and metric.
  case change(Route, Route)
  case remove(Route)

  /// The steps in their order: a pure function, so that equal sets give equal steps.
  static func steps(from current: [Route], to wanted: [Route]) -> [RouteStep] {
    var old: [Route.Key: Route] = [:]
    for route in current { old[route.key] = route }
    var new: [Route.Key: Route] = [:]
    for route in wanted { new[route.key] = route }
    let inOrder = { (left: Route, right: Route) in (left.destination, left.metric) < (right.destination, right.metric) }
    var steps: [RouteStep] = []
    for route in new.values.sorted(by: inOrder) {
      switch old[route.key] {
      case nil: steps.append(.add(route))
      case .some(let before) where before != route: steps.append(.change(before, route))
      default: break
      }
    }
    for route in old.values.sorted(by: inOrder) where new[route.key] == nil { steps.append(.remove(route)) }
    return steps
  }

  /// What takes the step back.
  var inverse: [RouteStep] {
    switch self {
    case .add(let route): [.remove(route)]
    case .change(let before, let after): [.change(after, before)]
    case .remove(let route): [.add(route)]
    }
  }
}

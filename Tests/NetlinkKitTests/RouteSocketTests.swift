import Diagnostics
import NetworkTypes
import Testing

@testable import NetlinkKit

/// What the kernel makes of our messages, and we of its: in namespaces of our own.
@Suite(.enabled(if: mayMakeNamespaces, "not-run: only root can make network namespaces"))
struct RouteSocketTests {
  private func code(_ body: () throws -> Void) -> String {
    do { try body() } catch let problem as Problem { return problem.code } catch { return "\(error)" }
    return "accepted"
  }

  @Test func linksLive() throws {
    try inNewNamespace {
      let routes = try RouteSocket()
      #expect(try routes.link(named: "knl0") == nil)
      let bridge = try routes.createLink("knl0", kind: "bridge", mtu: 1400, group: 0x5254)
      #expect(bridge.kind == "bridge" && bridge.mtu == 1400 && bridge.group == 0x5254 && !bridge.isUp)
      #expect(try routes.links().map(\.name).contains("knl0"))
      #expect(code { _ = try routes.createLink("knl0", kind: "bridge") } == "netlink.exists")
      #expect(code { _ = try routes.createLink("knl1", kind: "no-such-kind") } == "netlink.unsupported")
      #expect(code { _ = try routes.createLink("a name", kind: "bridge") } == "netlink.name")
      try routes.setMTU(index: bridge.index, 1300)
      try routes.setTransmitQueue(index: bridge.index, 2000)
      try routes.setGroup(index: bridge.index, 7)
      try routes.rename(index: bridge.index, to: "knl2")
      try routes.setUp(index: bridge.index, true)
      let changed = try #require(try routes.link(named: "knl2"))
      #expect(changed.mtu == 1300 && changed.transmitQueue == 2000 && changed.group == 7 && changed.isUp)
      #expect(changed.counters != nil)
      #expect(try routes.link(index: bridge.index) == changed)
      try routes.setUp(index: bridge.index, false)
      #expect(try routes.link(named: "knl2")?.isUp == false)
      try routes.deleteLink(index: bridge.index)
      #expect(try routes.link(named: "knl2") == nil)
      #expect(code { try routes.deleteLink(index: bridge.index) } == "netlink.missing")
    }
  }

  @Test func addressesLive() throws {
    try inNewNamespace {
      let routes = try RouteSocket()
      try routes.createPair("knl0", "knl1")
      let link = try #require(try routes.link(named: "knl0"))
      let wanted = [("10.77.0.1", 24), ("10.77.0.2", 32), ("fd77::1", 64)].map {
        InterfaceAddress(link: link.index, address: try! IPAddress($0.0), length: $0.1)
      }
      for address in wanted { try routes.add(address) }
      #expect(try Set(routes.addresses(of: link.index)) == Set(wanted))
      #expect(try routes.addresses().count == wanted.count)
      #expect(code { try routes.add(wanted[0]) } == "netlink.exists")
      #expect(code { try routes.add(wanted[2]) } == "netlink.exists")
      try routes.remove(wanted[2])
      #expect(code { try routes.remove(wanted[2]) } == "netlink.missing")
      try routes.remove(wanted[1])
      #expect(try routes.addresses(of: link.index) == [wanted[0]])
      let bad = InterfaceAddress(link: link.index, address: try IPAddress("10.1.1.1"), length: 40)
      #expect(code { try routes.add(bad) } == "netlink.invalid")
    }
  }

  @Test(arguments: [UInt32(254), 100, 51820, .max]) func routesReplaceEachOther(table: UInt32) throws {
    try inNewNamespace {
      let routes = try RouteSocket()
      try routes.createPair("knl0", "knl1")
      let link = try #require(try routes.link(named: "knl0")).index
      for other in ["knl0", "knl1"] { try routes.setUp(index: try #require(try routes.link(named: other)).index, true) }
      let ours: UInt8 = 82
      func route(_ text: String, _ kind: Route.Kind? = nil, metric: UInt32 = 50) throws -> Route {
        Route(try Prefix(text), kind ?? .link(link), table: table, metric: metric, origin: ours)
      }
      func inTable() throws -> Set<Route> { Set(try routes.routes(table: table).filter { $0.origin == ours }) }
      let first = [
        try route("10.0.0.0/8"), try route("10.1.0.0/16"), try route("fd00::/16"), try route("0.0.0.0/0", .unreachable),
        try route("::/0", .unreachable, metric: .max),
      ]
      #expect(try inTable().isEmpty)
      try routes.replaceRoutes(first, table: table, origin: ours)
      #expect(try inTable() == Set(first))
      // The same again changes nothing; a second set takes the place of the first.
      try routes.replaceRoutes(first.reversed(), table: table, origin: ours)
      #expect(try inTable() == Set(first))
      let second = [try route("10.0.0.0/8", .unreachable), try route("fd00::/16"), try route("fd01::/16", metric: 0)]
      try routes.replaceRoutes(second, table: table, origin: ours)
      #expect(try inTable() == Set(second))
      // Another program's route is not ours to change, and what was done before is taken back.
      let foreign = Route(try Prefix("10.9.0.0/16"), .link(link), table: table, metric: 50, origin: 4)
      try routes.add(foreign)
      let third = [try route("10.8.0.0/16"), try route("10.9.0.0/16")]
      #expect(code { try routes.replaceRoutes(third, table: table, origin: ours) } == "netlink.exists")
      #expect(try inTable() == Set(second))
      try routes.replaceRoutes([], table: table, origin: ours)
      #expect(try inTable().isEmpty)
      #expect(try routes.routes(table: table).contains(foreign))
      #expect(code { try routes.remove(first[0]) } == "netlink.missing")
    }
  }

  @Test func rulesLive() throws {
    try inNewNamespace {
      let routes = try RouteSocket()
      for family in IPAddress.Family.allCases {
        let before = try routes.rules(family)
        #expect(before.contains { $0.table == Route.mainTable && $0.priority == 32766 })
        let rules = [
          RoutingRule(family, priority: 5208, table: 254, suppressedPrefixLength: 0, origin: 82),
          RoutingRule(family, priority: 5209, table: 70000, mark: 0xca6c, isInverted: true, origin: 82),
        ]
        for rule in rules { try routes.add(rule) }
        #expect(try routes.rules(family).filter { $0.origin == 82 } == rules)
        #expect(code { try routes.add(rules[1]) } == "netlink.exists")
        for rule in rules { try routes.remove(rule) }
        #expect(code { try routes.remove(rules[1]) } == "netlink.missing")
        #expect(try routes.rules(family) == before)
      }
    }
  }

  @Test func changesAreTold() throws {
    try inNewNamespace {
      let events = try NetworkEvents([.links, .addresses, .routes])
      let routes = try RouteSocket()
      #expect(try events.take().isEmpty)
      #expect(!events.wait(milliseconds: 0))
      try routes.createPair("knl0", "knl1")
      let link = try #require(try routes.link(named: "knl0")).index
      for name in ["knl0", "knl1"] { try routes.setUp(index: try #require(try routes.link(named: name)).index, true) }
      let address = InterfaceAddress(link: link, address: try IPAddress("10.77.0.1"), length: 24)
      try routes.add(address)
      let route = Route(try Prefix("10.78.0.0/16"), .link(link), metric: 50)
      try routes.add(route)
      try routes.remove(route)
      try routes.remove(address)
      try routes.deleteLink(index: link)
      #expect(events.wait(milliseconds: 1000))
      let told = try events.take()
      #expect(told.contains(.address(address)) && told.contains(.addressGone(address)))
      #expect(told.contains(.route(route)) && told.contains(.routeGone(route)))
      #expect(told.contains { if case .linkGone(let gone) = $0 { gone.index == link } else { false } })
    }
  }

  @Test func aStormIsToldAsALoss() throws {
    try inNewNamespace {
      let events = try NetworkEvents([.routes])
      let routes = try RouteSocket()
      try routes.createPair("knl0", "knl1")
      let link = try #require(try routes.link(named: "knl0")).index
      for name in ["knl0", "knl1"] { try routes.setUp(index: try #require(try routes.link(named: name)).index, true) }
      let wanted = (0..<8192).map { number in
        Route(Prefix(.v4(0x0a00_0000 + UInt32(number) << 8)), .link(link), metric: 50, origin: 82)
      }
      try routes.replaceRoutes(wanted, table: 254, origin: 82)
      #expect(try routes.routes(families: [.v4]).filter { $0.origin == 82 }.count == wanted.count)
      var told: [NetworkEvent] = []
      while case let more = try events.take(), !more.isEmpty { told += more }
      #expect(told.contains(.lost))
      // After the loss it goes on.
      try routes.remove(wanted[0])
      #expect(try events.take().contains(.routeGone(wanted[0])))
    }
  }

  @Test func familiesAreLookedUp() throws {
    try inNewNamespace {
      let generic = try GenericNetlink()
      let controller = try generic.family(named: "nlctrl")
      #expect(controller.id == 16 && controller.groups["notify"] != nil)
      #expect(code { _ = try generic.family(named: "no-such-family") } == "netlink.missing")
    }
  }

  /// A refusal holds the kernel's own words where it has some.
  @Test func refusalsHaveTheKernelsWords() throws {
    try inNewNamespace {
      let routes = try RouteSocket()
      let link = try routes.createLink("knl0", kind: "bridge")
      do throws(Problem) {
        try routes.add(Route(try Prefix("10.0.0.0/8"), .link(link.index), table: 254))
        Issue.record("a route over a link that is down was accepted")
      } catch { #expect(error.message.contains("Device for nexthop is not up"), "\(error)") }
    }
  }
}

import CMnl
import Diagnostics
import NetworkTypes
import Testing

@testable import NetlinkKit

struct MessageTests {
  private func code(_ body: () throws -> Void) -> String {
    do { try body() } catch let problem as Problem { return problem.code } catch { return "\(error)" }
    return "accepted"
  }

  /// Attribute lists as bytes, and what becomes of them.
  @Test(
    arguments: [
      ([], "accepted", 0),
      ([4, 0, 1, 0], "accepted", 1),
      ([5, 0, 1, 0, 9, 0, 0, 0], "accepted", 1),
      ([5, 0, 1, 0, 9], "accepted", 1),  // the padding of the last one may be missing
      ([4, 0, 1, 0, 8, 0, 2, 0x80, 4, 0, 3, 0], "accepted", 2),
      ([4], "netlink.attribute", 0),
      ([4, 0, 1], "netlink.attribute", 0),
      ([3, 0, 1, 0], "netlink.attribute", 0),
      ([0, 0, 1, 0], "netlink.attribute", 0),
      ([5, 0, 1, 0], "netlink.attribute", 0),
      ([255, 255, 1, 0, 0, 0, 0, 0], "netlink.attribute", 0),
      ([4, 0, 1, 0, 0], "netlink.attribute", 0),
    ] as [([UInt8], String, Int)])
  func attributesAreCutStrictly(bytes: [UInt8], expected: String, count: Int) {
    var found = 0
    #expect(code { found = try Array(NetlinkAttributes(bytes[...])).count } == expected)
    #expect(found == count)
  }

  @Test func valuesHaveExactLengths() throws {
    let attribute = NetlinkAttribute(type: 1, value: [1, 2, 3, 4])
    #expect(try attribute.uint32() == 0x0403_0201)
    #expect(try attribute.address() == IPAddress("1.2.3.4"))
    #expect(try attribute.networkField(UInt16.self, at: 2) == 0x0304)
    #expect(code { _ = try attribute.uint16() } == "netlink.attribute")
    #expect(code { _ = try attribute.uint64() } == "netlink.attribute")
    #expect(code { _ = try attribute.field(UInt16.self, at: 3) } == "netlink.attribute")
    #expect(code { _ = try attribute.bytes(3) } == "netlink.attribute")
    #expect(code { _ = try NetlinkAttribute(type: 1, value: [1, 2, 3]).address() } == "netlink.attribute")
    #expect(NetlinkAttribute(type: 1, value: [97, 98, 0, 99]).text() == "ab")
  }

  /// Datagrams as bytes.
  @Test func messagesAreCutStrictly() throws {
    var request = NetlinkRequest(type: 99)
    request.append(UInt32(7))
    let bytes = try request.finished(flags: 5, sequence: 3)
    #expect(bytes.count == 20)
    let two = try NetlinkMessage.messages(in: bytes + bytes)
    #expect(two.map(\.type) == [99, 99] && two.map(\.sequence) == [3, 3] && two.map(\.flags) == [5, 5])
    #expect(try NetlinkMessage.messages(in: []).isEmpty)
    for count in 1..<bytes.count {
      #expect(code { _ = try NetlinkMessage.messages(in: Array(bytes.prefix(count))) } == "netlink.message")
    }
    for length: UInt8 in [0, 15, 21, 255] {
      var wrong = bytes
      wrong[0] = length
      #expect(code { _ = try NetlinkMessage.messages(in: wrong) } == "netlink.message")
    }
    #expect(code { _ = try two[0].attributes(after: 8) } == "netlink.message")
  }

  @Test func anAttributeThatDoesNotFitIsRefused() throws {
    for (count, expected) in [(65531, "accepted"), (65532, "netlink.too-long")] {
      var request = NetlinkRequest(type: 99)
      request.add(1, [UInt8](repeating: 0, count: count))
      #expect(code { _ = try request.finished(flags: 0, sequence: 0) } == expected)
    }
  }

  /// libmnl is the second reader: it finds the same attributes in what we write.
  @Test func libmnlReadsWhatWeWrite() throws {
    let route = Route(try Prefix("fd00::/16"), .link(3, gateway: try IPAddress("fe80::1")), table: 70000)
    let rule = RoutingRule(.v4, priority: 9, table: 70000, mark: 1, isInverted: true)
    let address = InterfaceAddress(link: 3, address: try IPAddress("10.0.0.1"), length: 8)
    let requests = [
      (RouteSocket.creation("knl0", kind: "bridge", mtu: 1400, group: 1), 16, 4),
      (RouteSocket.request(24, route, .create), 12, 5),
      (RouteSocket.request(32, rule, .create), 12, 4),
      (RouteSocket.request(20, address, .create), 8, 2),
    ]
    for (request, header, count) in requests {
      let bytes = try request.finished(flags: 1, sequence: 9)
      let ours = Array(try request.readBack().attributes(after: header))
      let theirs = unsafe bytes.withUnsafeBytes { buffer -> [UInt16]? in
        // Safe: libmnl reads within the length that it is told, of an array that lives through the closure.
        guard let start = buffer.baseAddress else { return nil }
        let message = unsafe start.assumingMemoryBound(to: nlmsghdr.self)
        guard unsafe mnl_nlmsg_ok(message, Int32(buffer.count)) else { return nil }
        var types: [UInt16] = []
        var at = unsafe UnsafePointer(
          mnl_nlmsg_get_payload_offset(message, header).assumingMemoryBound(to: nlattr.self))
        let end = unsafe UnsafeRawPointer(mnl_nlmsg_get_payload_tail(message)!)
        while unsafe mnl_attr_ok(at, Int32(end - UnsafeRawPointer(at))) {
          unsafe types.append(mnl_attr_get_type(at))
          unsafe at = UnsafePointer(mnl_attr_next(at))
        }
        return types
      }
      #expect(ours.count == count && theirs == ours.map(\.type))
    }
  }

  /// Structures survive being written and read: what we ask for is what we would understand.
  @Test func whatIsWrittenIsRead() throws {
    let link = UInt32(3)
    for route in [
      Route(try Prefix("10.0.0.0/8"), .link(link)),
      Route(try Prefix("0.0.0.0/0"), .unreachable, table: 51820, metric: .max, origin: 82),
      Route(try Prefix("::/0"), .unreachable, table: .max, metric: 7),
      Route(try Prefix("fd00::/16"), .link(link, gateway: try IPAddress("fe80::1")), table: 70000),
    ] { #expect(try Route(RouteSocket.request(24, route, .create).readBack()) == route) }
    for rule in [
      RoutingRule(.v4, priority: 9, table: 70000, mark: 1, isInverted: true, origin: 82),
      RoutingRule(.v6, priority: 0, table: 254, suppressedPrefixLength: 0),
    ] { #expect(try RoutingRule(RouteSocket.request(32, rule, .create).readBack()) == rule) }
    for text in ["10.0.0.1", "fd00::1"] {
      let address = InterfaceAddress(link: link, address: try IPAddress(text), length: 24)
      #expect(try InterfaceAddress(RouteSocket.request(20, address, .create).readBack()) == address)
    }
    let made = try Link(RouteSocket.creation("knl0", kind: "wireguard", mtu: 1420, group: 9).readBack())
    #expect(made.name == "knl0" && made.kind == "wireguard" && made.mtu == 1420 && made.group == 9 && !made.isUp)
  }

  @Test func stepsAreTheSameForEqualSets() throws {
    let one = Route(try Prefix("10.0.0.0/8"), .link(1))
    let two = Route(try Prefix("10.1.0.0/16"), .link(1))
    let three = Route(try Prefix("fd00::/16"), .link(1))
    let changed = Route(try Prefix("10.1.0.0/16"), .unreachable)
    let all: [RouteStep] = [.add(one), .add(two), .add(three)]
    #expect(RouteStep.steps(from: [], to: [three, one, two]) == all)
    #expect(RouteStep.steps(from: [], to: [one, two, three, one]) == all)
    #expect(RouteStep.steps(from: [two, one], to: [one, two]) == [])
    #expect(
      RouteStep.steps(from: [one, two], to: [changed, three]) == [.change(two, changed), .add(three), .remove(one)])
    #expect(RouteStep.steps(from: [three, one], to: []) == [.remove(one), .remove(three)])
  }

  /// Acknowledgements as bytes: code, and the kernel's words behind the request's copy.
  @Test(
    arguments: [
      ([0, 0, 0, 0], 0, nil),
      ([0xff, 0xff, 0xff, 0xff], 0, "netlink.permission"),
      ([0xef, 0xff, 0xff, 0xff], 0, "netlink.exists"),
      ([0xed, 0xff, 0xff, 0xff], 0x300, "netlink.missing"),
      ([0xea, 0xff, 0xff, 0xff, 1, 2, 3], 0x200, "netlink.invalid"),
      ([0, 0, 0, 0x80], 0, nil),  // the least integer has no opposite
      ([1], 0, "netlink.message"),
    ] as [([UInt8], UInt16, String?)])
  func refusalsAreTyped(payload: [UInt8], flags: UInt16, expected: String?) {
    let message = NetlinkMessage(type: 2, flags: flags, sequence: 0, payload: payload[...])
    var found: Problem?
    do throws(Problem) { found = try NetlinkProblem.refusal(in: message, of: "test") } catch { found = error }
    #expect(found?.code == expected)
  }
}

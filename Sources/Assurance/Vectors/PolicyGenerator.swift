import Diagnostics
import NetworkPolicy
import NetworkTypes

/// Random meshes and policies, the same for the same seed.
struct PolicyGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  private mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  private mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

  static let users = ["ann", "bob", "cay", "dan"]
  private static let tags = ["tag:web", "tag:db", "tag:router", "tag:exit"]
  private static let routes = [
    "10.0.0.0/8", "10.33.0.0/16", "10.33.4.0/24", "192.168.1.0/24", "fd00:1::/64", "8.8.0.0/16", "0.0.0.0/0", "::/0",
  ]
  private static let ranges = [
    "10.33.0.0/16", "10.0.0.0/8", "10.33.4.7", "10.33.4.0-10.33.5.9", "192.168.0.0/16", "8.0.0.0/6", "100.64.0.0/28",
    "100.64.0.5", "fd00:1::/48", "fd7a:115c:a1e0::4", "100.115.92.7", "2001:db8::/32",
  ]

  // MARK: meshes

  /// A few users, and nodes of users, of tags and of nobody.
  mutating func topology() throws(Problem) -> Topology {
    let users = Self.users.enumerated().map { number, name in
      Topology.User(
        name: name, email: chance(80) ? "\(name)@\(number < 2 ? "example.org" : "example.net")" : "",
        role: chance(30) ? pick(UserRole.allCases) : nil)
    }
    var nodes: [Topology.Node] = []
    // In a large mesh an audience of few nodes is kept in another form than one of many.
    for number in 1...(4 + below(chance(15) ? 120 : 12)) {
      let tags = chance(50) ? (0...below(2)).map { _ in pick(Self.tags) } : []
      let hasBoth = chance(80)
      let isSix = chance(50)
      var advertised: [Prefix] = []
      var approved: [Prefix] = []
      for text in Self.routes where chance(12) {
        let route = try Prefix(text)
        if chance(90) { advertised.append(route) }
        if chance(80) { approved.append(route) }
      }
      nodes.append(
        Topology.Node(
          name: "n\(number)", v4: hasBoth || !isSix ? 0x6440_0000 + UInt32(number) : nil,
          v6: hasBoth || isSix ? 0xfd7a_115c_a1e0 << 80 + UInt128(number) : nil,
          user: tags.isEmpty || chance(30) ? (chance(95) ? pick(Self.users) : nil) : nil, tags: tags,
          advertised: advertised, approved: approved))
    }
    return try Topology(users: users, nodes: nodes)
  }

  // MARK: policies

  /// The text of a policy that is valid.
  mutating func policy() -> String {
    let grants = (0...below(6)).map { _ in grant() }.joined(separator: ",\n    ")
    let rules = (0...below(6)).map { _ in rule() }.joined(separator: ",\n    ")
    return """
      { // \(next())
        "groups": { "group:a": ["ann@example.org", "bob@"], "group:b": ["cay@example.net",], "group:c": ["user:*@example.org"] },
        "hosts": { "box": "10.33.4.7", "net": "192.168.1.0/24", "span": "10.33.3.9-10.33.4.9" },
        "tagOwners": { \(Self.tags.map { "\"\($0)\": []" }.joined(separator: ", ")) },
        "grants": [\(grants)],
        "acls": [\(rules)],
      }
      """
  }

  private mutating func rule() -> String {
    let ownAllowed = chance(20)
    let sources = ownAllowed ? people(withEverything: true) : sources()
    let kind = pick(["", "tcp", "udp", "icmp", "sctp", "47", "ipv6-icmp"])
    let hasPorts = ["", "tcp", "udp", "sctp"].contains(kind)
    var destinations = (0...below(2)).map { _ in "\(bracketed(destination())):\(hasPorts ? ports() : "*")" }
    if ownAllowed { destinations.append("autogroup:self:\(hasPorts ? ports() : "*")") }
    let named = kind.isEmpty ? "" : "\"proto\": \"\(kind)\", "
    return "{\"action\": \"accept\", \(named)\"src\": \(list(sources)), \"dst\": \(list(destinations))}"
  }

  private mutating func grant() -> String {
    let ownAllowed = chance(15)
    let sources = ownAllowed ? people(withEverything: false) : sources()
    var destinations = (0...below(2)).map { _ in destination() }
    if ownAllowed { destinations.append("autogroup:self") }
    let services = (0...below(2)).map { _ in
      pick(["*", ports(), "tcp:\(ports())", "udp:\(ports())", "icmp:*", "sctp:\(ports())", "gre:*"])
    }
    let via = chance(25) ? ", \"via\": [\"\(pick(Self.tags))\"]" : ""
    return "{\"src\": \(list(sources)), \"dst\": \(list(destinations)), \"ip\": \(list(services))\(via)}"
  }

  private func list(_ texts: [String]) -> String { "[" + texts.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }

  private func bracketed(_ host: String) -> String {
    guard host.first(where: { $0 == ":" }) != nil, !host.contains("group:"), !host.hasPrefix("tag:"),
      !host.contains("user:")
    else { return host }
    let parts = host.split(separator: "/")
    return "[\(parts[0])]" + (parts.count > 1 ? "/\(parts[1])" : "")
  }

  private mutating func people(withEverything: Bool) -> [String] {
    (0...below(2)).map { _ in
      pick(
        ["ann@example.org", "BOB@", "group:a", "group:b", "group:c", "autogroup:member", "autogroup:admin"]
          + (withEverything ? ["*"] : []))
    }
  }

  private mutating func sources() -> [String] {
    (0...below(3)).map { _ in
      pick(
        Self.tags + Self.ranges + [
          "*", "ann@example.org", "dan@", "nobody@example.org", "group:a", "group:b", "group:c", "user:*@example.net",
          "box",
          "net", "span", "autogroup:member", "autogroup:tagged", "autogroup:danger-all", "autogroup:owner",
        ])
    }
  }

  private mutating func destination() -> String {
    pick(
      Self.tags + Self.ranges + [
        "*", "ann@example.org", "cay@", "group:a", "group:c", "user:*@example.org", "box", "net", "span",
        "autogroup:member",
        "autogroup:tagged", "autogroup:internet", "autogroup:auditor",
      ])
  }

  private mutating func ports() -> String {
    pick(["*", "*", "*", "22", "80,443", "1-1023", "53", "8000-8100,9000", "65535", "1"])
  }

  // MARK: packets

  /// A packet that rules are likely to disagree about: addresses at the ends of ranges, ports at the ends of theirs.
  mutating func packet(_ topology: Topology) -> NodeFilter.Packet {
    let kinds: [UInt8] = [1, 2, 6, 6, 6, 17, 17, 47, 58, 132, 255]
    let ports: [UInt16] = [0, 1, 21, 22, 23, 53, 80, 81, 442, 443, 1023, 1024, 8000, 8050, 8100, 8101, 9000, 65535]
    let kind = IPProtocol(number: pick(kinds)) ?? .tcp
    return NodeFilter.Packet(
      source: address(topology), destination: chance(40) ? carried(topology) : address(topology), ipProtocol: kind,
      port: kind.hasPorts ? (chance(90) ? pick(ports) : UInt16(truncatingIfNeeded: next())) : 0)
  }

  /// An address behind a router or an exit of the mesh, where there is one.
  private mutating func carried(_ topology: Topology) -> IPAddress {
    let node = pick(topology.nodes)
    if node.isExitNode, chance(50) {
      return chance(60) ? .v4(pick([0x0808_0808, 0x0101_0101, 0xc0a7_ffff])) : .v6(0x2a00 << 112 | 1)
    }
    guard !node.routes.isEmpty else { return address(topology) }
    return moved(pick(node.routes).address, by: below(2000))
  }

  private mutating func address(_ topology: Topology) -> IPAddress {
    if chance(70), let address = pick(topology.nodes).addresses.randomElement(using: &self) { return address }
    if chance(85), let range = try? AddressRange(chance(50) ? pick(Self.ranges) : pick(Self.routes)) {
      switch below(4) {
      case 0: return range.lower
      case 1: return range.upper
      case 2: return moved(range.upper, by: 1)
      default: return moved(range.lower, by: 1 + below(9))
      }
    }
    return chance(50) ? .v4(UInt32(truncatingIfNeeded: next())) : .v6(UInt128(next()) << 64 | UInt128(next()))
  }

  private func moved(_ address: IPAddress, by steps: Int) -> IPAddress {
    switch address {
    case .v4(let value): .v4(value &+ UInt32(steps))
    case .v6(let value): .v6(value &+ UInt128(steps))
    }
  }
}

import Diagnostics
import NetworkPolicy
import NetworkTypes
import StrictJSON
import Testing

/// What rules mean, packet by packet; the captures of the service judge the filters (`VectorsTests`).
@Suite struct CompiledPolicyTests {
  static let mesh = """
    {"users": [{"name": "ann", "email": "ann@example.org", "role": "admin"}, {"name": "bob", "email": "bob@example.org"},
       {"name": "eve", "email": "eve@example.net"}],
     "nodes": {
       "ann1": {"ipv4": "100.64.0.1", "ipv6": "fd7a:115c:a1e0::1", "user": "ann"},
       "ann2": {"ipv4": "100.64.0.2", "ipv6": "fd7a:115c:a1e0::2", "user": "ann"},
       "bob1": {"ipv4": "100.64.0.3", "user": "bob"},
       "web": {"ipv4": "100.64.0.4", "ipv6": "fd7a:115c:a1e0::4", "user": "ann", "tags": ["tag:web"]},
       "router": {"ipv4": "100.64.0.5", "ipv6": "fd7a:115c:a1e0::5", "tags": ["tag:router"],
         "routable_ips": ["10.33.0.0/16", "10.44.0.0/16", "0.0.0.0/0"], "approved_routes": ["10.33.0.0/16"]},
       "exit": {"ipv4": "100.64.0.6", "ipv6": "fd7a:115c:a1e0::6", "tags": ["tag:exit"],
         "routable_ips": ["0.0.0.0/0", "::/0"], "approved_routes": ["0.0.0.0/0", "::/0"]}}}
    """
  static let definitions = """
    "groups": {"group:all": ["ann@example.org", "bob@"]}, "hosts": {"lan": "10.33.0.0/16", "wide": "10.0.0.0/8"},
    "tagOwners": {"tag:web": [], "tag:router": [], "tag:exit": []}
    """

  static func compile(_ members: String) throws(Problem) -> CompiledPolicy {
    CompiledPolicy(
      try NetworkPolicy(parsing: Array("{\(definitions), \(members)}".utf8)), try Topology(parsing: Array(mesh.utf8)))
  }

  /// `src dst proto port`.
  static func packet(_ text: String) throws -> NodeFilter.Packet {
    let parts = text.split(separator: " ").map(String.init)
    return NodeFilter.Packet(
      source: try IPAddress(parts[0]), destination: try IPAddress(parts[1]),
      ipProtocol: try #require(IPProtocol(parts[2])), port: try #require(UInt16(parts[3])))
  }

  /// A grant, packets that pass, and packets that do not.
  static let rules: [(rule: String, allowed: [String], denied: [String])] = [
    (
      "\"src\": [\"ann@example.org\"], \"dst\": [\"tag:web\"], \"ip\": [\"tcp:22\"]",
      ["100.64.0.1 100.64.0.4 tcp 22", "100.64.0.2 100.64.0.4 tcp 22", "fd7a:115c:a1e0::1 fd7a:115c:a1e0::4 tcp 22"],
      [
        // Another port, protocol, requester, destination; ICMP does not come with a port; a tagged node is nobody's.
        "100.64.0.1 100.64.0.4 tcp 23", "100.64.0.1 100.64.0.4 udp 22", "100.64.0.1 100.64.0.4 icmp 0",
        "100.64.0.3 100.64.0.4 tcp 22", "100.64.0.1 100.64.0.5 tcp 22", "100.64.0.4 100.64.0.4 tcp 22",
        // No node has the address; families are not mixed.
        "100.64.0.9 100.64.0.4 tcp 22", "100.64.0.1 fd7a:115c:a1e0::4 tcp 22",
      ]
    ),
    // Without a protocol the four usual ones, and no other; ports count where there are ports.
    (
      "\"src\": [\"bob@\"], \"dst\": [\"tag:web\"], \"ip\": [\"443\"]",
      ["100.64.0.3 100.64.0.4 tcp 443", "100.64.0.3 100.64.0.4 udp 443", "100.64.0.3 100.64.0.4 icmp 0"],
      ["100.64.0.3 100.64.0.4 sctp 443", "100.64.0.3 100.64.0.4 gre 0", "100.64.0.3 100.64.0.4 tcp 80"]
    ),
    // `*` as a source is the mesh and its routes: an address of nobody is not in it, whatever its range.
    (
      "\"src\": [\"*\"], \"dst\": [\"tag:web\"], \"ip\": [\"*\"]",
      ["100.64.0.5 100.64.0.4 tcp 1", "10.33.1.1 100.64.0.4 tcp 1"],
      [
        "100.64.7.7 100.64.0.4 tcp 1", "10.44.1.1 100.64.0.4 tcp 1", "8.8.8.8 100.64.0.4 tcp 1",
        "100.64.0.5 100.64.0.1 tcp 1",
      ]
    ),
    // A route is reached where it is approved; the rule's wider range opens nothing that is not.
    (
      "\"src\": [\"group:all\"], \"dst\": [\"wide\"], \"ip\": [\"*\"]",
      ["100.64.0.1 10.33.9.9 tcp 1", "100.64.0.3 10.33.0.0 udp 9"],
      ["100.64.0.1 10.44.9.9 tcp 1", "100.64.0.1 100.64.0.5 tcp 1", "100.64.0.1 8.8.8.8 tcp 1"]
    ),
    // A range of the internet is no exit: only autogroup:internet names that context.
    (
      "\"src\": [\"*\"], \"dst\": [\"8.0.0.0/8\"], \"ip\": [\"*\"]", [],
      ["100.64.0.1 8.8.8.8 tcp 1", "100.64.0.1 100.64.0.6 tcp 1"]
    ),
    (
      "\"src\": [\"group:all\"], \"dst\": [\"autogroup:internet\"], \"ip\": [\"*\"]",
      ["100.64.0.1 8.8.8.8 tcp 1", "fd7a:115c:a1e0::1 2a00::1 udp 5"],
      // Neither the exit node itself, nor what lies behind a router, nor private addresses.
      [
        "100.64.0.1 100.64.0.6 tcp 1", "100.64.0.1 10.33.1.1 tcp 1", "100.64.0.1 192.168.1.1 tcp 1",
        "100.64.0.4 8.8.8.8 tcp 1",
      ]
    ),
    // A node of a tag does not open what it routes.
    (
      "\"src\": [\"*\"], \"dst\": [\"tag:router\", \"tag:exit\"], \"ip\": [\"*\"]", ["100.64.0.1 100.64.0.5 tcp 1"],
      ["100.64.0.1 10.33.1.1 tcp 1", "100.64.0.1 8.8.8.8 tcp 1"]
    ),
    (
      "\"src\": [\"autogroup:member\"], \"dst\": [\"autogroup:self\"], \"ip\": [\"*\"]",
      ["100.64.0.1 100.64.0.2 tcp 1", "100.64.0.1 100.64.0.1 tcp 1", "100.64.0.3 100.64.0.3 tcp 1"],
      [
        "100.64.0.1 100.64.0.3 tcp 1", "100.64.0.3 100.64.0.1 tcp 1", "100.64.0.1 100.64.0.4 tcp 1",
        "100.64.0.4 100.64.0.1 tcp 1",
      ]
    ),
    (
      "\"src\": [\"ann@\"], \"dst\": [\"lan\", \"autogroup:internet\", \"tag:web\"], \"ip\": [\"*\"], \"via\": [\"tag:exit\"]",
      ["100.64.0.1 8.8.8.8 tcp 1"], ["100.64.0.1 10.33.1.1 tcp 1", "100.64.0.1 100.64.0.4 tcp 1"]
    ),
    (
      "\"src\": [\"ann@\"], \"dst\": [\"lan\"], \"ip\": [\"*\"], \"via\": [\"tag:router\"]",
      ["100.64.0.1 10.33.1.1 tcp 1"], ["100.64.0.1 100.64.0.5 tcp 1", "100.64.0.3 10.33.1.1 tcp 1"]
    ),
    (
      "\"src\": [\"autogroup:danger-all\"], \"dst\": [\"*\"], \"ip\": [\"tcp:1\"]",
      ["100.64.0.1 8.8.8.8 tcp 1", "10.33.1.1 100.64.0.4 tcp 1"],
      ["9.9.9.9 100.64.0.4 tcp 1", "100.64.0.1 8.8.8.8 tcp 2"]
    ),
    (
      "\"src\": [\"autogroup:admin\"], \"dst\": [\"tag:web\"], \"ip\": [\"*\"]",
      ["100.64.0.1 100.64.0.4 tcp 1"], ["100.64.0.3 100.64.0.4 tcp 1"]
    ),
    (
      "\"src\": [\"user:*@example.org\"], \"dst\": [\"tag:web\"], \"ip\": [\"*\"]",
      ["100.64.0.3 100.64.0.4 tcp 1"], ["100.64.0.5 100.64.0.4 tcp 1"]
    ),
    // Capabilities let no packet in.
    ("\"src\": [\"*\"], \"dst\": [\"*\"], \"app\": {\"example.org/cap/x\": []}", [], ["100.64.0.1 100.64.0.4 tcp 1"]),
    // A user who is not in the mesh names nobody.
    ("\"src\": [\"nobody@example.org\"], \"dst\": [\"*\"], \"ip\": [\"*\"]", [], ["100.64.0.1 100.64.0.4 tcp 1"]),
  ]

  @Test(arguments: rules.indices) func judges(_ row: Int) throws {
    let compiled = try Self.compile("\"grants\": [{\(Self.rules[row].rule)}]")
    for text in Self.rules[row].allowed { #expect(compiled.decide(try Self.packet(text)).isAllowed, "\(text)") }
    for text in Self.rules[row].denied { #expect(!compiled.decide(try Self.packet(text)).isAllowed, "\(text)") }
  }

  /// Absent and empty rules deny everything, which the grammar's services do not (a stated divergence).
  @Test(arguments: ["\"randomizeClientPort\": false", "\"acls\": []", "\"grants\": []", "\"acls\": [], \"grants\": []"])
  func deniesByDefault(_ members: String) throws {
    let compiled = try Self.compile(members)
    #expect(compiled.filters().allSatisfy { $0.json == .null })
    #expect(!compiled.decide(try Self.packet("100.64.0.1 100.64.0.4 tcp 22")).isAllowed)
    let empty = CompiledPolicy(NetworkPolicy(), try Topology(parsing: Array(Self.mesh.utf8)))
    #expect(empty.filters().allSatisfy { $0.json == .null })
  }

  @Test func isAUnionInAnyOrder() throws {
    let one = "{\"src\": [\"ann@\"], \"dst\": [\"tag:web\"], \"ip\": [\"tcp:22\"]}"
    let other = "{\"src\": [\"ann@\"], \"dst\": [\"*\"], \"ip\": [\"tcp:80\"]}"
    let first = try Self.compile("\"grants\": [\(one), \(other)]")
    let second = try Self.compile("\"grants\": [\(other), \(one)]")
    #expect(PolicyDifference(from: first, to: second).changes.isEmpty)
    let decision = first.decide(try Self.packet("100.64.0.1 100.64.0.4 tcp 80"))
    #expect(decision.match?.pointer == "/grants/1" && decision.carrier == "web" && decision.requester == "ann1")
  }

  @Test func saysWhoGainsAndLoses() throws {
    let before = try Self.compile(
      "\"acls\": [{\"action\": \"accept\", \"src\": [\"group:all\"], \"dst\": [\"tag:web:1-100\"]}]")
    let after = try Self.compile(
      "\"acls\": [{\"action\": \"accept\", \"src\": [\"bob@\"], \"dst\": [\"tag:web:50-200\"]},"
        + "{\"action\": \"accept\", \"src\": [\"bob@\"], \"dst\": [\"10.33.4.0/24:*\"], \"proto\": \"udp\"}]")
    let changes = PolicyDifference(from: before, to: after).changes.map {
      "\($0.isGained ? "+" : "-") \($0.sources.joined(separator: ",")) \($0.destination): \($0.services)"
    }
    #expect(
      Set(changes) == [
        "- ann1,ann2 web: icmp; tcp 1-100; udp 1-100; ipv6-icmp", "+ bob1 web: tcp 101-200; udp 101-200",
        "- bob1 web: tcp 1-49; udp 1-49", "+ bob1 10.33.4.0/24 via router: udp *",
      ])
  }

  /// A part of a route that gains something was once overlooked: its first address alone stood for the route.
  @Test func aPartOfARouteGains() throws {
    let before = try Self.compile("\"acls\": []")
    let after = try Self.compile(
      "\"grants\": [{\"src\": [\"10.33.4.0/24\"], \"dst\": [\"tag:web\"], \"ip\": [\"tcp:22\"]}]")
    let changes = PolicyDifference(from: before, to: after).changes
    #expect(changes.map(\.sources) == [["10.33.4.0/24 via router"]] && changes.map(\.services) == ["tcp 22"])
  }

  @Test(arguments: [
    ("\"accept\": [\"tag:web:22\"]", true), ("\"accept\": [\"tag:web:23\"]", false),
    ("\"deny\": [\"tag:web:23\"]", true),
    ("\"deny\": [\"tag:web:22\"]", false), ("\"accept\": [\"tag:web:22\"], \"proto\": \"udp\"", false),
    ("\"accept\": [\"10.33.1.1:5\"]", true), ("\"accept\": [\"10.45.1.1:5\"]", true),
    ("\"accept\": [\"11.0.0.1:5\"]", false),
    ("\"accept\": [\"autogroup:self:9\"]", true), ("\"accept\": [\"bob@:9\"]", false), ("\"deny\": [\"bob@:9\"]", true),
    ("\"accept\": [\"[fd7a:115c:a1e0::4]:22\"]", true),
  ])
  func runsTests(_ assertion: String, _ holds: Bool) throws {
    let compiled = try Self.compile(
      """
      "acls": [{"action": "accept", "src": ["ann@"], "dst": ["tag:web:22"], "proto": "tcp"},
        {"action": "accept", "src": ["ann@"], "dst": ["wide:*", "autogroup:self:*"]}],
      "tests": [{"src": "ann@example.org", \(assertion)}]
      """)
    #expect(compiled.runTests().count == 1)
    #expect(compiled.runTests().allSatisfy { $0.failure == nil } == holds)
    if !holds { #expect(throws: Problem.refused("policy.test-failed", "")) { try compiled.requireTests() } }
  }

  /// A group of which one member may connect is neither accepted nor denied.
  @Test func partialAccessFailsBothWays() throws {
    for kind in ["accept", "deny"] {
      let compiled = try Self.compile(
        "\"acls\": [{\"action\": \"accept\", \"src\": [\"ann@\"], \"dst\": [\"tag:web:22\"]}],"
          + "\"tests\": [{\"src\": \"group:all\", \"\(kind)\": [\"tag:web:22\"]}]")
      #expect(compiled.runTests().first?.failure != nil)
    }
  }

  @Test(arguments: [
    ("\"accept\": [\"root\"]", true), ("\"check\": [\"root\"]", false), ("\"deny\": [\"root\"]", false),
    ("\"deny\": [\"x\"]", true), ("\"accept\": [\" root \"]", true),
  ])
  func runsSSHTests(_ assertion: String, _ holds: Bool) throws {
    let compiled = try Self.compile(
      "\"ssh\": [{\"action\": \"accept\", \"src\": [\"group:all\"], \"dst\": [\"tag:web\"], \"users\": [\"root\"]}],"
        + "\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"tag:web\"], \(assertion)}]")
    #expect(compiled.runTests().allSatisfy { $0.failure == nil } == holds)
  }

  /// The empty name was let in once by `autogroup:nonroot`: it is not root's.
  @Test(arguments: [("x", true), ("root", false), ("", false)])
  func nonrootIsEveryNameButRoot(_ user: String, _ isAllowed: Bool) throws {
    let compiled = try Self.compile(
      "\"ssh\": [{\"action\": \"accept\", \"src\": [\"ann@\"], \"dst\": [\"tag:web\"], \"users\": [\"autogroup:nonroot\"]}],"
        + "\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"tag:web\"], \"\(isAllowed ? "accept" : "deny")\": [\"\(user)\"]}]"
    )
    #expect(compiled.runTests().allSatisfy { $0.failure == nil })
  }

  /// A domain that nobody of the mesh has is a slip of the pen, which a rule would keep to itself.
  @Test(arguments: [
    ("\"acls\": [{\"action\": \"accept\", \"src\": [\"user:*@DOMAIN\"], \"dst\": [\"*:*\"]}]"),
    ("\"acls\": [{\"action\": \"accept\", \"src\": [\"*\"], \"dst\": [\"user:*@DOMAIN:22\"]}]"),
    ("\"nodeAttrs\": [{\"target\": [\"user:*@DOMAIN\"], \"attr\": [\"x\"]}]"),
    ("\"ssh\": [{\"action\": \"accept\", \"src\": [\"user:*@DOMAIN\"], \"dst\": [\"tag:web\"], \"users\": [\"root\"]}]"),
    ("\"ssh\": [{\"action\": \"accept\", \"src\": [\"ann@\"], \"dst\": [\"tag:web\"], \"users\": [\"localpart:*@DOMAIN\"]}]"),
  ])
  func knowsTheDomainsOfTheMesh(_ members: String) throws {
    func compile(_ domain: String) throws -> CompiledPolicy {
      try Self.compile(members.split(separator: "DOMAIN", omittingEmptySubsequences: false).joined(separator: domain))
    }
    try compile("Example.org").requireTests()
    let error = #expect(throws: Problem.malformed("policy.domain", "")) { try compile("example.com").requireTests() }
    #expect(error?.place?.hasPrefix("/") == true && error?.hint?.hasPrefix("one of: ") == true)
  }

  @Test(arguments: [
    ("10.33.0.0/16", "router", true), ("10.33.4.0/24", "router", true), ("10.0.0.0/8", "router", false),
    ("10.33.0.0/16", "web", false), ("0.0.0.0/0", "exit", true), ("0.0.0.0/0", "router", false), ("::/0", "exit", true),
    ("10.50.0.0/16", "ann1", true), ("10.50.0.0/16", "bob1", false),
  ])
  func approvesRoutes(_ route: String, _ node: String, _ isApproved: Bool) throws {
    let compiled = try Self.compile(
      """
      "autoApprovers": {"routes": {"10.33.0.0/16": ["tag:router"], "10.50.0.0/16": ["ann@"], "0.0.0.0/0": ["tag:router"]},
        "exitNode": ["tag:exit"]}
      """)
    let slot = try #require(compiled.topology.slot(of: node))
    #expect(compiled.autoApproves(try Prefix(route), slot: slot) == isApproved)
  }

  /// Sets of very many ranges are kept apart from what stands beside them in a rule; what they mean together is the same.
  @Test func manyRequestersAreOneSet() throws {
    let nodes = (0..<1200).map { number in
      Topology.Node(
        name: "n\(number)", v4: 0x6440_0000 + 2 * UInt32(number), v6: nil, user: number < 1100 ? "ann" : "bob")
    }
    let web = Topology.Node(name: "web", v4: 0x647f_0000, v6: nil, user: nil, tags: ["tag:web"])
    let topology = try Topology(
      users: [Topology.User(name: "ann", email: ""), Topology.User(name: "bob", email: "")], nodes: nodes + [web])
    func compile(_ sources: String) throws -> CompiledPolicy {
      let acl = "{\"action\": \"accept\", \"src\": [\(sources)], \"dst\": [\"tag:web:22\"]}"
      let more = "{\"action\": \"accept\", \"src\": [\(sources)], \"dst\": [\"tag:web:23\"]}"
      return CompiledPolicy(
        try NetworkPolicy(parsing: Array("{\"tagOwners\": {\"tag:web\": []}, \"acls\": [\(acl), \(more)]}".utf8)),
        topology)
    }
    let apart = try compile("\"ann@\", \"100.64.8.200\", \"10.0.0.0/8\"")
    #expect(try apart.decide(Self.packet("100.64.0.2 100.127.0.0 tcp 22")).isAllowed)
    #expect(try apart.decide(Self.packet("100.64.8.200 100.127.0.0 tcp 23")).isAllowed)
    #expect(try !apart.decide(Self.packet("100.64.8.202 100.127.0.0 tcp 22")).isAllowed)
    let slot = try #require(topology.slot(of: "web"))
    let printed = JSONReader(apart.filter(slot: slot).json)
    #expect(try printed.elements().count == 1)
    #expect(try printed.elements()[0].member("SrcIPs").elements().count == 1102)
    #expect(
      PolicyDifference(from: apart, to: try compile("\"10.0.0.0/8\", \"100.64.8.200\", \"ann@\"")).changes.isEmpty)
    let gained = PolicyDifference(from: apart, to: try compile("\"ann@\", \"100.64.8.200\", \"100.64.8.202\"")).changes
    #expect(gained.map(\.sources) == [["n1125"]] && gained.allSatisfy(\.isGained))
  }

  /// The printed form is what control planes of others send.
  @Test func printsTheShapeOfTheCaptures() throws {
    let compiled = try Self.compile(
      "\"grants\": [{\"src\": [\"bob@\"], \"dst\": [\"tag:web\"], \"ip\": [\"tcp:22\"], \"app\": {\"example.org/cap/x\": [1]}}]"
    )
    let slot = try #require(compiled.topology.slot(of: "web"))
    #expect(
      compiled.filter(slot: slot).json.canonicalText
        == "[{\"DstPorts\":[{\"IP\":\"100.64.0.4\",\"Ports\":{\"First\":22,\"Last\":22}},"
        + "{\"IP\":\"fd7a:115c:a1e0::4\",\"Ports\":{\"First\":22,\"Last\":22}}],\"IPProto\":[6],\"SrcIPs\":[\"100.64.0.3\"]},"
        + "{\"CapGrant\":[{\"CapMap\":{\"example.org/cap/x\":[1]},\"Dsts\":[\"100.64.0.4/32\",\"fd7a:115c:a1e0::4/128\"]}],"
        + "\"SrcIPs\":[\"100.64.0.3\"]}]")
    #expect(compiled.filter(slot: 0).json == .null)
    #expect(compiled.filter(slot: 99).json == .null)
  }
}

@Suite struct TopologyTests {
  @Test(arguments: [
    ("{\"users\": [], \"nodes\": {}, \"peers\": []}", "json.unknown-field"), ("{\"users\": []}", "json.missing-field"),
    ("{\"users\": [], \"nodes\": {\"a\": {}}}", "topology.address"),
    ("{\"users\": [], \"nodes\": {\"a\": {\"ipv4\": \"::1\"}}}", "topology.address"),
    ("{\"users\": [], \"nodes\": {\"a\": {\"ipv4\": \"100.64.0.1\", \"user\": \"u\"}}}", "topology.user"),
    ("{\"users\": [], \"nodes\": {\"a\": {\"ipv4\": \"100.64.0.1\", \"tags\": [\"web\"]}}}", "topology.tag"),
    (
      "{\"users\": [], \"nodes\": {\"a\": {\"ipv4\": \"100.64.0.1\", \"routable_ips\": [\"10.0.0.1/8\"]}}}",
      "topology.route"
    ),
    (
      "{\"users\": [], \"nodes\": {\"a\": {\"ipv4\": \"100.64.0.1\"}, \"b\": {\"ipv4\": \"100.64.0.1\"}}}",
      "topology.duplicate"
    ),
    (
      "{\"users\": [{\"name\": \"a\", \"email\": \"x@y\"}, {\"name\": \"b\", \"email\": \"X@y\"}], \"nodes\": {}}",
      "topology.duplicate"
    ),
    ("{\"users\": [{\"name\": \"a\", \"role\": \"king\"}], \"nodes\": {}}", "json.choice"),
  ])
  func refuses(_ text: String, _ code: String) {
    #expect(throws: Problem.malformed(code, "")) { try Topology(parsing: Array(text.utf8)) }
  }

  @Test func keepsSlots() throws {
    var topology = try Topology(parsing: Array(CompiledPolicyTests.mesh.utf8))
    let slot = try #require(topology.slot(of: "web"))
    topology.remove("ann1")
    #expect(topology.slot(of: "web") == slot && topology.slots[0] == nil && topology.nodes.count == 5)
    try topology.set(Topology.Node(name: "new", v4: 0x6440_0001, v6: nil, user: "ann"))
    #expect(topology.slot(of: "new") == 6)
    #expect(throws: Problem.malformed("topology.duplicate", "")) {
      try topology.set(Topology.Node(name: "other", v4: 0x6440_0001, v6: nil, user: nil))
    }
  }

  /// Only what is advertised and approved counts.
  @Test func routesNeedBothSides() throws {
    let topology = try Topology(parsing: Array(CompiledPolicyTests.mesh.utf8))
    let router = try #require(topology.slot(of: "router").flatMap { topology.slots[$0] })
    #expect(router.routes.map(\.description) == ["10.33.0.0/16"] && !router.isExitNode)
  }
}

public import Diagnostics
import HuJSON
public import NetworkTypes
public import StrictJSON

/// Who is in the mesh: users, and nodes with their addresses, tags and routes (documents/specs/topology.md).
public struct Topology: Sendable {
  /// The users, in the order of the document.
  public private(set) var users: [User]
  /// The nodes by slot. A slot keeps its number for the life of the value, so that a compiled policy can be brought up
  /// to date node by node; nil is a node that was removed.
  public private(set) var slots: [Node?]
  private var slotsByName: [String: Int]

  /// A person or an account.
  public struct User: Sendable, Hashable {
    /// Unique among the users.
    public let name: String
    /// Unique where it is there.
    public let email: String
    /// What the user is besides a member.
    public let role: UserRole?

    /// A user.
    public init(name: String, email: String, role: UserRole? = nil) {
      self.name = name
      self.email = email
      self.role = role
    }
  }

  /// A machine.
  public struct Node: Sendable, Hashable {
    /// Unique among the nodes.
    public let name: String
    /// The IPv4 address as its value; nil where there is none. A node has at least one of both.
    public let v4: UInt32?
    /// The IPv6 address as its value; nil where there is none.
    public let v6: UInt128?
    /// The user's name; nil for a node that belongs to none.
    public let user: String?
    /// Its tags, with their prefix. A tagged node is nobody's: rules see its tags and not its user.
    public let tags: [String]
    /// Routes that are both advertised and approved, without the default routes.
    public let routes: [Prefix]
    /// Whether a default route is advertised and approved.
    public let isExitNode: Bool

    /// A node; `advertised` and `approved` may hold the same route in any order, what stands in one of them alone has
    /// no effect.
    public init(
      name: String, v4: UInt32?, v6: UInt128?, user: String?, tags: [String] = [], advertised: [Prefix] = [],
      approved: [Prefix] = []
    ) {
      self.name = name
      self.v4 = v4
      self.v6 = v6
      self.user = user
      self.tags = tags
      let effective = advertised.filter(approved.contains)
      routes = effective.filter { $0.length > 0 }.sorted()
      isExitNode = effective.contains { $0.length == 0 }
    }

    /// The addresses in the mesh, IPv4 first.
    public var addresses: [IPAddress] { (v4.map { [.v4($0)] } ?? []) + (v6.map { [.v6($0)] } ?? []) }

    /// Whether the node belongs to its user for rules: it has one, and no tag.
    public var isUserOwned: Bool { user != nil && tags.isEmpty }
  }

  /// A mesh of these users and nodes.
  ///
  /// Throws `topology.duplicate` for names, e-mail addresses and addresses that stand twice, `topology.user` for a node
  /// whose user is unknown, `topology.address` for one without an address or with one outside of a family.
  public init(users: [User], nodes: [Node]) throws(Problem) {
    var names: Set<String> = []
    for user in users {
      for name in user.email.isEmpty || user.email == user.name ? [user.name] : [user.name, user.email] {
        guard names.insert(name.lowercased()).inserted else { throw Self.duplicate("user", name) }
      }
    }
    self.users = users
    slots = []
    slotsByName = [:]
    var addresses: Set<IPAddress> = []
    let known = Set(users.map(\.name))
    for node in nodes {
      for address in node.addresses where !addresses.insert(address).inserted {
        throw Self.duplicate("address", "\(address)")
      }
      try Self.require(node, users: known)
      guard slotsByName.updateValue(slots.count, forKey: node.name) == nil else {
        throw Self.duplicate("node", node.name)
      }
      slots.append(node)
    }
  }

  private static func duplicate(_ kind: String, _ name: String) -> Problem {
    .malformed("topology.duplicate", "the \(kind) \"\(name)\" stands twice", hint: "each identity has one entry")
  }

  private static func require(_ node: Node, users: Set<String>) throws(Problem) {
    guard node.v4 != nil || node.v6 != nil else {
      throw .malformed("topology.address", "the node \"\(node.name)\" has no address", hint: "ipv4, ipv6 or both")
    }
    if let user = node.user, !users.contains(user) {
      throw .malformed("topology.user", "the node \"\(node.name)\" is of user \"\(user)\", who is not listed")
    }
  }

  /// The nodes that are there, in the order of their slots.
  public var nodes: [Node] { slots.compactMap { $0 } }

  /// The slot of a node by its name; nil where there is none.
  public func slot(of name: String) -> Int? { slotsByName[name] }

  /// Puts a node in the place of the one of the same name, or into a new slot.
  ///
  /// Throws what `init` throws for one node. Addresses are compared with every other node's.
  public mutating func set(_ node: Node) throws(Problem) {
    try Self.require(node, users: Set(users.map(\.name)))
    for case let other? in slots where other.name != node.name {
      if (node.v4 != nil && node.v4 == other.v4) || (node.v6 != nil && node.v6 == other.v6) {
        throw Self.duplicate("address", "\(node.addresses[0])")
      }
    }
    if let slot = slotsByName[node.name] {
      slots[slot] = node
    } else {
      slotsByName[node.name] = slots.count
      slots.append(node)
    }
  }

  /// Takes a node out; its slot stays empty.
  public mutating func remove(_ name: String) {
    guard let slot = slotsByName.removeValue(forKey: name) else { return }
    slots[slot] = nil
  }
}

// MARK: reading

extension Topology {
  /// What a topology file may be: 64 MiB, nested 8 deep.
  public static let limits = JSON.Limits(size: 64 << 20, depth: 8, values: 4_000_000)
  /// The most nodes, and the most users.
  static let entries = 100_000

  /// Reads a topology file (HuJSON).
  ///
  /// Throws `hujson.…`, `json.…` and `topology.…`, with line and column where one value is wrong.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try HuJSON.decode(bytes, limits: Self.limits) { document throws(Problem) in try Topology(document) }
  }

  /// Reads a topology that is parsed already.
  public init(_ document: JSONReader) throws(Problem) {
    try document.closed("users", "nodes")
    let users = try document.member("users").elements(atMost: Self.entries).map { reader throws(Problem) in
      try reader.closed("id", "name", "email", "role")
      _ = try reader.optional("id")?.integer()
      return User(
        name: try reader.member("name").text(atMost: 256), email: try reader.optional("email")?.text(atMost: 256) ?? "",
        role: try reader.optional("role")?.choice(UserRole.self))
    }
    let nodes = try document.member("nodes").members(atMost: Self.entries).map { name, reader throws(Problem) in
      try Self.node(name, reader)
    }
    try self.init(users: users, nodes: nodes)
  }

  private static func node(_ name: String, _ reader: JSONReader) throws(Problem) -> Node {
    try reader.closed("hostname", "tags", "ipv4", "ipv6", "user", "routable_ips", "approved_routes")
    _ = try reader.optional("hostname")?.text(atMost: 256)
    let tags = try list(reader, "tags").map { tag throws(Problem) in
      let text = try tag.token(atMost: 256)
      guard text.hasPrefix("tag:") else {
        throw tag.problem("topology.tag", "\"\(text)\" is no tag", hint: "tag:\(text)")
      }
      return text
    }
    var v4: UInt32?
    var v6: UInt128?
    if let member = try reader.optional("ipv4") {
      guard case .v4(let value) = try address(member) else {
        throw member.problem("topology.address", "no IPv4 address")
      }
      v4 = value
    }
    if let member = try reader.optional("ipv6") {
      guard case .v6(let value) = try address(member) else {
        throw member.problem("topology.address", "no IPv6 address")
      }
      v6 = value
    }
    return Node(
      name: name, v4: v4, v6: v6, user: try reader.optional("user")?.text(atMost: 256), tags: tags,
      advertised: try prefixes(reader, "routable_ips"), approved: try prefixes(reader, "approved_routes"))
  }

  /// The elements of a list; none where it is missing. Here `null` is not missing, as it is in a policy.
  private static func list(_ reader: JSONReader, _ key: String) throws(Problem) -> [JSONReader] {
    try reader.optional(key)?.elements(atMost: NetworkPolicy.entries) ?? []
  }

  private static func address(_ reader: JSONReader) throws(Problem) -> IPAddress {
    let text = try reader.text(atMost: 64)
    do throws(Problem) { return try IPAddress(text) } catch {
      throw reader.problem("topology.address", error.message, hint: error.hint)
    }
  }

  private static func prefixes(_ reader: JSONReader, _ key: String) throws(Problem) -> [Prefix] {
    try list(reader, key).map { element throws(Problem) in
      let text = try element.text(atMost: 64)
      do throws(Problem) { return try Prefix(text) } catch {
        throw element.problem("topology.route", error.message, hint: error.hint)
      }
    }
  }
}

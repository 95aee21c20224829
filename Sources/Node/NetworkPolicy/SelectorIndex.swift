import NetworkTypes

/// What selectors mean in one topology. Each selector is resolved once, whatever the number of rules that use it.
struct SelectorIndex {
  /// What one selector means.
  struct Resolved {
    /// The slots of the nodes that it names, ascending: by identity, or by an address of their own. Empty for `*`,
    /// which names all of them.
    var members: [Int32] = []
    /// The slots of the nodes with an approved route that holds some of its addresses, ascending.
    var carriers: [Int32] = []
    /// Its addresses as a source.
    var addresses = AddressSet()
  }

  let policy: NetworkPolicy
  let topology: Topology
  /// Slots of user-owned nodes by the user's name.
  private(set) var owned: [String: [Int32]] = [:]
  private(set) var tagged: [String: [Int32]] = [:]
  private(set) var exits: [Int32] = []
  private var members: [Int32] = []
  private var taggedNodes: [Int32] = []
  /// The user's name by e-mail address, by name, and by name with an `@` at the end; lower case.
  private var names: [String: String] = [:]
  private var v4: [(address: UInt32, slot: Int32)] = []
  private var v6: [(address: UInt128, slot: Int32)] = []
  /// Approved routes with their nodes, in the order of the slots.
  private(set) var routes: [(range: AddressRange, slot: Int32)] = []
  private let routeIndex: RouteIndex
  private var resolved: [Selector: Resolved] = [:]

  init(policy: NetworkPolicy, topology: Topology) {
    self.policy = policy
    self.topology = topology
    routeIndex = RouteIndex(
      topology.slots.enumerated().flatMap { slot, node in
        (node?.routes ?? []).map { (prefix: $0, slot: Int32(slot)) }
      })
    for user in topology.users {
      names[user.name.lowercased()] = user.name
      names[user.name.lowercased() + "@"] = user.name
    }
    // An address decides over a name: identity providers vouch for the first.
    for user in topology.users where !user.email.isEmpty { names[user.email.lowercased()] = user.name }
    for (slot, node) in topology.slots.enumerated() {
      if let node { add(node, Int32(slot)) }
    }
    v4.sort { $0.address < $1.address }
    v6.sort { $0.address < $1.address }
  }

  private mutating func add(_ node: Topology.Node, _ slot: Int32) {
    if node.isUserOwned, let user = node.user {
      owned[user, default: []].append(slot)
      members.append(slot)
    }
    if !node.tags.isEmpty { taggedNodes.append(slot) }
    for tag in Set(node.tags) { tagged[tag, default: []].append(slot) }
    if node.isExitNode { exits.append(slot) }
    if let address = node.v4 { v4.append((address, slot)) }
    if let address = node.v6 { v6.append((address, slot)) }
    for route in node.routes { routes.append((AddressRange(route), slot)) }
  }

  /// What the selector means; kept for the next rule that uses it.
  mutating func resolve(_ selector: Selector) -> Resolved {
    if let known = resolved[selector] { return known }
    let found = compute(selector)
    resolved[selector] = found
    return found
  }

  private mutating func compute(_ selector: Selector) -> Resolved {
    switch selector {
    case .everything:
      return Resolved(addresses: MeshRange.everyone.union(AddressSet(routes.map(\.range))))
    case .user(let name): return nodes(names[name].flatMap { owned[$0] } ?? [])
    case .domain(let domain): return nodes(of: topology.users.filter { $0.email.lowercased().hasSuffix("@" + domain) })
    case .group(let name):
      return nodes(Set((policy.groups[name] ?? []).flatMap { resolve($0).members }).sorted())
    case .tag(let name): return nodes(tagged[name] ?? [])
    case .host(let name): return policy.hosts[name].map { range($0) } ?? Resolved()
    case .range(let addresses): return range(addresses)
    case .autogroup(.member): return nodes(members)
    case .autogroup(.tagged): return nodes(taggedNodes)
    case .autogroup(.dangerAll): return Resolved(addresses: .everything)
    case .autogroup(.own), .autogroup(.internet), .autogroup(.nonroot): return Resolved()
    case .autogroup(let group): return nodes(of: topology.users.filter { $0.role != nil && $0.role == group.role })
    }
  }

  private func nodes(of users: [Topology.User]) -> Resolved { nodes(users.flatMap { owned[$0.name] ?? [] }.sorted()) }

  private func nodes(_ slots: [Int32]) -> Resolved { Resolved(members: slots, addresses: addresses(of: slots)) }

  /// The addresses of nodes.
  func addresses(of slots: [Int32]) -> AddressSet {
    var four: [UInt32] = []
    var six: [UInt128] = []
    four.reserveCapacity(slots.count)
    six.reserveCapacity(slots.count)
    for slot in slots {
      if let address = topology.slots[Int(slot)]?.v4 { four.append(address) }
      if let address = topology.slots[Int(slot)]?.v6 { six.append(address) }
    }
    return AddressSet(v4: four, v6: six)
  }

  /// A range names its addresses and no others: not the other family's address of a node that it holds.
  private func range(_ range: AddressRange) -> Resolved {
    var slots: [Int32] = []
    switch (range.lower, range.upper) {
    case (.v4(let low), .v4(let high)): slots = Self.slots(v4, low, high)
    case (.v6(let low), .v6(let high)): slots = Self.slots(v6, low, high)
    default: break
    }
    return Resolved(
      members: slots.sorted(), carriers: routeIndex.slots(overlapping: range), addresses: AddressSet([range]))
  }

  private static func slots<Value: Comparable>(
    _ list: [(address: Value, slot: Int32)], _ low: Value, _ high: Value
  ) -> [Int32] {
    var start = 0
    var end = list.count
    while start < end {
      let middle = (start + end) / 2
      if list[middle].address < low { start = middle + 1 } else { end = middle }
    }
    return list[start...].prefix { $0.address <= high }.map(\.slot)
  }
}

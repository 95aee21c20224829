import NetworkTypes

/// Who gains and who loses what, between two policies over one topology.
public struct PolicyDifference: Sendable {
  /// Access that one of both policies gives and the other does not.
  public struct Change: Sendable, Hashable {
    /// Whether the second policy gives it.
    public let isGained: Bool
    /// The requesters: names of nodes, and routes as `prefix via node`; sorted.
    public let sources: [String]
    /// The destination: a node's name, `range via node`, or `internet via node`.
    public let destination: String
    /// Where it lies.
    public let context: Context
    /// The services, such as `tcp 22, udp 53, icmp`.
    public let services: String
  }

  /// The changes, by destination; gains before losses.
  public let changes: [Change]

  /// Compares; `before` and `after` must be compiled with the same topology.
  ///
  /// Requesters that no rule tells apart are compared once, and destinations whose rules are the same are not compared.
  public init(from before: CompiledPolicy, to after: CompiledPolicy) {
    var comparison = Comparison(before, after)
    changes = comparison.run()
  }
}

/// The work of one comparison.
private struct Comparison {
  private let before: CompiledPolicy
  private let after: CompiledPolicy
  /// The distinct sets of sources of both policies, and which of them each source of each policy is.
  private var sets: [AddressSet] = []
  private var numbers: (before: [Int], after: [Int]) = ([], [])
  /// Names of requesters, by what tells them apart: the numbers of the sets that hold them.
  private var classes: [(sets: Set<Int>, family: IPAddress.Family, names: [String])] = []

  /// What one term opens to one set of sources.
  private struct Opening: Hashable {
    let source: Int
    let protocols: [IPProtocol]
    let ports: [PortRange]
  }

  /// A part of what a node carries, about which a policy says one thing.
  private struct Target {
    let name: String
    let context: Context
    let probe: IPAddress
  }

  init(_ before: CompiledPolicy, _ after: CompiledPolicy) {
    self.before = before
    self.after = after
    var known: [AddressSet: Int] = [:]
    var all: [AddressSet] = []
    func number(_ source: SourceSet) -> Int {
      let set = source.union
      if let number = known[set] { return number }
      known[set] = all.count
      all.append(set)
      return all.count - 1
    }
    numbers = (before.tables.sources.map(number), after.tables.sources.map(number))
    sets = all
    let routes = AddressSet(before.topology.nodes.flatMap(\.routes).map { AddressRange($0) })
    // A rule may name a part of what a router sends for, so routes are cut where any set of sources begins or ends.
    let cuts = Set(sets.flatMap { $0.ranges.filter { routes.overlaps($0) } })
    var byClass: [Set<Int>: [IPAddress.Family: [String]]] = [:]
    for node in before.topology.nodes {
      for address in node.addresses {
        byClass[holding(address), default: [:]][address.family, default: []].append(node.name)
      }
      for part in node.routes.flatMap({ parts(of: AddressRange($0), cutBy: cuts) }) {
        byClass[holding(part.lower), default: [:]][part.family, default: []].append("\(part) via \(node.name)")
      }
    }
    classes = byClass.flatMap { sets, families in families.map { (sets, $0.key, $0.value) } }
  }

  private func holding(_ address: IPAddress) -> Set<Int> { Set(sets.indices.filter { sets[$0].contains(address) }) }

  mutating func run() -> [PolicyDifference.Change] {
    var changes: [PolicyDifference.Change] = []
    for slot in before.topology.slots.indices where before.topology.slots[slot] != nil {
      changes += compare(slot)
    }
    return changes
  }

  private func compare(_ slot: Int) -> [PolicyDifference.Change] {
    let (old, new) = (before.filter(slot: slot), after.filter(slot: slot))
    // Destination, services and direction, with the requesters of both families.
    var found: [[String]: (context: Context, names: [IPAddress.Family: Set<String>])] = [:]
    var order: [[String]] = []
    for target in targets(old, new) {
      let (was, now) = (openings(old, target), openings(new, target))
      guard was != now else { continue }
      for requesters in classes where requesters.family == target.probe.family {
        let (had, has) = (services(was, requesters.sets), services(now, requesters.sets))
        for (isGained, text) in [(true, text(has, without: had)), (false, text(had, without: has))] where !text.isEmpty
        {
          let key = [isGained ? "+" : "-", target.name, text, target.context.rawValue]
          if found[key] == nil { order.append(key) }
          found[key, default: (target.context, [:])].names[target.probe.family, default: []]
            .formUnion(requesters.names)
        }
      }
    }
    // The classes come from a dictionary, which has no order of its own.
    let places = Dictionary(targets(old, new).enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
    order.sort { left, right in
      let (one, other) = (places[left[1]] ?? 0, places[right[1]] ?? 0)
      return one == other ? left.lexicographicallyPrecedes(right) : one < other
    }
    return order.flatMap { key in changes(key, found[key]?.context ?? .mesh, found[key]?.names ?? [:]) }
  }

  /// One change for what concerns all families of a requester, and others for what concerns one.
  private func changes(_ key: [String], _ context: Context, _ names: [IPAddress.Family: Set<String>])
    -> [PolicyDifference.Change]
  {
    let (four, six) = (names[.v4] ?? [], names[.v6] ?? [])
    let single = Set(before.topology.nodes.filter { ($0.v4 == nil) != ($0.v6 == nil) }.map(\.name))
    var labels: [String] = []
    for name in four.union(six) {
      let isWhole = (four.contains(name) && six.contains(name)) || single.contains(name) || name.contains(" via ")
      labels.append(isWhole || context != .mesh ? name : "\(name) (\(four.contains(name) ? "IPv4" : "IPv6"))")
    }
    return [
      PolicyDifference.Change(
        isGained: key[0] == "+", sources: labels.sorted(), destination: key[1], context: context, services: key[2])
    ]
  }

  // MARK: destinations

  /// The parts of what the node carries: its addresses, its routes cut where a rule's range begins or ends, the
  /// internet.
  private func targets(_ old: NodeFilter, _ new: NodeFilter) -> [Target] {
    guard let node = old.node else { return [] }
    var targets = node.addresses.map { Target(name: node.name, context: .mesh, probe: $0) }
    let ranges = [old, new].flatMap { filter in
      filter.rules.flatMap(\.terms).compactMap { number -> AddressRange? in
        switch filter.tables.terms[Int(number)].destination {
        case .range(let range), .routed(let range): range
        default: nil
        }
      }
    }
    for route in node.routes {
      for part in parts(of: AddressRange(route), cutBy: ranges) where new.context(of: part.lower) == .sharedRouter {
        targets.append(Target(name: "\(part) via \(node.name)", context: .sharedRouter, probe: part.lower))
      }
    }
    if node.isExitNode {
      // One address of each family stands for all: no rule names a part of what lies behind an exit.
      for family in IPAddress.Family.allCases {
        guard let probe = exitProbe(node, family) else { continue }
        targets.append(Target(name: "internet via \(node.name)", context: .sharedExit, probe: probe))
      }
    }
    return targets
  }

  private func exitProbe(_ node: Topology.Node, _ family: IPAddress.Family) -> IPAddress? {
    MeshRange.internet.subtracting(AddressSet(node.routes.map { AddressRange($0) })).ranges
      .first { $0.family == family }?.lower
  }

  private func parts(of range: AddressRange, cutBy cuts: some Sequence<AddressRange>) -> [AddressRange] {
    var parts = [range]
    for cut in cuts where cut.overlaps(range) {
      parts = parts.flatMap { part -> [AddressRange] in
        let whole = AddressSet([part])
        let other = AddressSet([cut])
        return whole.intersection(other).ranges + whole.subtracting(other).ranges
      }
    }
    return parts.sorted { $0.lower < $1.lower }
  }

  private func openings(_ filter: NodeFilter, _ target: Target) -> Set<Opening> {
    var result: Set<Opening> = []
    for rule in filter.rules {
      let source = (filter.tables === before.tables ? numbers.before : numbers.after)[Int(rule.source)]
      for number in rule.terms {
        let term = filter.tables.terms[Int(number)]
        // A packet without ports asks for source, destination and context alone.
        let probe = NodeFilter.Packet(source: target.probe, destination: target.probe, ipProtocol: .icmp, port: 0)
        guard term.opens(probe, in: target.context) else { continue }
        result.insert(
          Opening(source: source, protocols: filter.tables.protocols[Int(term.protocols)], ports: term.ports))
      }
    }
    return result
  }

  // MARK: services

  /// The ports of each protocol that is open to a requester, ascending and merged.
  private func services(_ openings: Set<Opening>, _ sets: Set<Int>) -> [IPProtocol: [PortRange]] {
    var result: [IPProtocol: [PortRange]] = [:]
    for opening in openings where sets.contains(opening.source) {
      for kind in opening.protocols { result[kind, default: []] += kind.hasPorts ? opening.ports : [.all] }
    }
    return result.mapValues { PortRange.merged($0) }
  }

  private func text(_ one: [IPProtocol: [PortRange]], without other: [IPProtocol: [PortRange]]) -> String {
    one.keys.sorted().compactMap { kind -> String? in
      let left = PortRange.subtract(other[kind] ?? [], from: one[kind] ?? [])
      guard !left.isEmpty else { return nil }
      return kind.hasPorts ? "\(kind) \(left.map(\.description).joined(separator: ","))" : "\(kind)"
    }.joined(separator: "; ")
  }
}

extension PortRange {
  /// Ascending, without overlaps and without two that touch.
  static func merged(_ ranges: [PortRange]) -> [PortRange] {
    var result: [PortRange] = []
    for range in ranges.sorted() {
      if let last = result.last, Int(range.first) <= Int(last.last) + 1 {
        result[result.count - 1] = PortRange(last.first, max(last.last, range.last))
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// What is left of merged ranges without others.
  static func subtract(_ others: [PortRange], from ranges: [PortRange]) -> [PortRange] {
    others.reduce(ranges) { left, other in
      left.flatMap { range -> [PortRange] in
        guard range.first <= other.last, other.first <= range.last else { return [range] }
        var parts: [PortRange] = []
        if range.first < other.first { parts.append(PortRange(range.first, other.first - 1)) }
        if range.last > other.last { parts.append(PortRange(other.last + 1, range.last)) }
        return parts
      }
    }
  }
}

import NetworkTypes

/// Where a destination lies, seen from the node that carries it: derived from the topology, never written (P4-5).
public enum Context: String, Sendable, Hashable, CaseIterable {
  /// An address of a node of the mesh.
  case mesh
  /// An address behind an approved route of a node.
  case sharedRouter
  /// An address of the internet behind an exit node.
  case sharedExit

  /// One bit each, for masks.
  var bit: UInt8 {
    switch self {
    case .mesh: 1
    case .sharedRouter: 2
    case .sharedExit: 4
    }
  }
}

/// A policy brought together with a topology: what each node lets in.
///
/// Selectors are resolved once; a node's filter is a list of references into the shared tables. Compiling the policy
/// that allows nothing (`NetworkPolicy()`) gives filters without a rule.
public struct CompiledPolicy: Sendable {
  let tables: PolicyTables
  /// What the rules let in, by who is concerned.
  private let audiences: Audiences
  /// The numbers of the addresses of each user's nodes, by slot.
  private let ownSources: [Int32: UInt32]

  /// A term for an audience, with the source that applies there.
  struct Entry: Hashable, Sendable {
    /// In the place of a source: the nodes of the node's own user.
    static let own = UInt32.max

    let term: UInt32
    let source: UInt32
  }

  /// The policy.
  public var policy: NetworkPolicy { tables.policy }
  /// The topology.
  public var topology: Topology { tables.topology }

  /// Compiles; work is proportional to the rules and to the nodes that their destinations name.
  public init(_ policy: NetworkPolicy, _ topology: Topology) {
    var builder = PolicyBuilder(policy, topology)
    builder.build()
    tables = builder.tables
    audiences = builder.audiences
    ownSources = builder.ownSources
  }

  /// What the node in the slot lets in; a slot without a node lets nothing in.
  public func filter(slot: Int) -> NodeFilter {
    guard topology.slots.indices.contains(slot), let node = topology.slots[slot] else {
      return NodeFilter(node: nil, rules: [], capabilities: [], tables: tables)
    }
    let numbers = audiences.numbers(of: slot)
    return NodeFilter(
      node: node, rules: rules(numbers, slot), capabilities: capabilities(numbers, node, slot), tables: tables)
  }

  /// The source of an entry, at the node in the slot.
  private func source(_ source: UInt32, _ slot: Int) -> UInt32 {
    source == Entry.own ? ownSources[Int32(slot)] ?? source : source
  }

  /// What every node lets in, by slot.
  public func filters() -> [NodeFilter] { topology.slots.indices.map { filter(slot: $0) } }

  /// One rule for each pair of sources and protocols, in the order in which the policy first names them.
  private func rules(_ numbers: [Int32], _ slot: Int) -> [FilterRule] {
    var entries: [Entry] = []
    for number in numbers { entries += audiences.all[Int(number)].entries }
    if numbers.count > 1 { entries.sort { $0.term < $1.term } }
    var rules: [FilterRule] = []
    rules.reserveCapacity(min(entries.count, 64))
    var places: [UInt64: Int] = [:]
    for entry in entries {
      let source = source(entry.source, slot)
      let protocols = tables.terms[Int(entry.term)].protocols
      let key = UInt64(source) << 32 | UInt64(protocols)
      if let place = places[key] {
        rules[place].terms.append(entry.term)
      } else {
        places[key] = rules.count
        rules.append(FilterRule(source: source, protocols: protocols, terms: [entry.term]))
      }
    }
    return rules
  }

  /// The capabilities that requesters have at the node, in the order of the rules.
  private func capabilities(_ numbers: [Int32], _ node: Topology.Node, _ slot: Int) -> [CapabilityRule] {
    var entries: [CapabilityEntry] = []
    for number in numbers { entries += audiences.all[Int(number)].capabilities }
    entries.sort { $0.rule < $1.rule }
    return entries.compactMap { capability($0, at: node, source: source($0.source, slot)) }
  }
}

/// What all filters of a compiled policy share. Nothing in it changes after it was built.
final class PolicyTables: Sendable {
  let policy: NetworkPolicy
  let topology: Topology
  let terms: [Term]
  /// Distinct sources.
  let sources: [SourceSet]
  /// Distinct lists of protocols.
  let protocols: [[IPProtocol]]

  init(policy: NetworkPolicy, topology: Topology, terms: [Term], sources: [SourceSet], protocols: [[IPProtocol]]) {
    self.policy = policy
    self.topology = topology
    self.terms = terms
    self.sources = sources
    self.protocols = protocols
  }

  /// One destination of one rule with the ports of one list of protocols.
  struct Term: Sendable {
    /// Index into `policy.rules`.
    let rule: UInt32
    /// Which entry of the rule's `dst`.
    let position: UInt32
    let protocols: UInt32
    let ports: [PortRange]
    let destination: Destination
  }

  /// What a term opens at a node that has it.
  enum Destination: Sendable {
    /// The node's own addresses.
    case own
    /// The range; at a node, what it has and carries of it.
    case range(AddressRange)
    /// The range, by routes alone.
    case routed(AddressRange)
    case everything
    case internet

    /// The contexts that the destination names; a rule never grants another.
    var contexts: UInt8 {
      switch self {
      case .own: Context.mesh.bit
      case .range: Context.mesh.bit | Context.sharedRouter.bit
      case .routed: Context.sharedRouter.bit
      case .everything: Context.mesh.bit | Context.sharedRouter.bit | Context.sharedExit.bit
      case .internet: Context.sharedExit.bit
      }
    }
  }
}

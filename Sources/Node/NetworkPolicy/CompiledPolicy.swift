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
  /// The entries of each node by slot, ascending by term.
  var entries: [[Entry]]
  /// The entries that every node has.
  let common: [Entry]
  /// Capabilities, apart from what packets need.
  let capabilities: [Int32: [CapabilityEntry]]

  /// A term at a node, with the source that applies there: `autogroup:self` has one for each user.
  struct Entry: Hashable, Sendable {
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
    entries = builder.entries
    common = builder.common
    capabilities = builder.capabilities
  }

  /// What the node in the slot lets in; a slot without a node lets nothing in.
  public func filter(slot: Int) -> NodeFilter {
    guard entries.indices.contains(slot), let node = topology.slots[slot] else {
      return NodeFilter(node: nil, rules: [], capabilities: [], tables: tables)
    }
    return NodeFilter(
      node: node, rules: rules(slot), capabilities: capabilities(node, slot), tables: tables)
  }

  /// What every node lets in, by slot.
  public func filters() -> [NodeFilter] { topology.slots.indices.map { filter(slot: $0) } }

  /// One rule for each pair of sources and protocols, in the order in which the policy first names them.
  private func rules(_ slot: Int) -> [FilterRule] {
    let own = entries[slot]
    var rules: [FilterRule] = []
    rules.reserveCapacity(min(own.count + common.count, 64))
    var places: [UInt64: Int] = [:]
    var (left, right) = (0, 0)
    while left < own.count || right < common.count {
      let entry: Entry
      if right == common.count || (left < own.count && own[left].term <= common[right].term) {
        entry = own[left]
        left += 1
      } else {
        entry = common[right]
        right += 1
      }
      let term = tables.terms[Int(entry.term)]
      let key = UInt64(entry.source) << 32 | UInt64(term.protocols)
      if let place = places[key] {
        rules[place].terms.append(entry.term)
      } else {
        places[key] = rules.count
        rules.append(FilterRule(source: entry.source, protocols: term.protocols, terms: [entry.term]))
      }
    }
    return rules
  }
}

/// What all filters of a compiled policy share. Nothing in it changes after it was built.
final class PolicyTables: Sendable {
  let policy: NetworkPolicy
  let topology: Topology
  let terms: [Term]
  /// Distinct sets of sources.
  let sources: [AddressSet]
  /// Distinct lists of protocols.
  let protocols: [[IPProtocol]]

  init(policy: NetworkPolicy, topology: Topology, terms: [Term], sources: [AddressSet], protocols: [[IPProtocol]]) {
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

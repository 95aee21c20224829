public import NetworkTypes
public import StrictJSON

/// What one node lets in: a union of rules, each of which accepts. What none accepts is denied.
public struct NodeFilter: Sendable {
  /// The node; nil for an empty slot.
  public let node: Topology.Node?
  let rules: [FilterRule]
  /// Capabilities of applications: shown, not enforced.
  public let capabilities: [CapabilityRule]
  let tables: PolicyTables

  /// How many destinations the rules hold, each with a list of ports.
  public var termCount: Int { rules.reduce(0) { $0 + $1.terms.count } }

  /// Where one packet goes that reaches the node.
  public struct Packet: Sendable, Hashable {
    /// Who sends.
    public let source: IPAddress
    /// Who is meant to receive.
    public let destination: IPAddress
    /// The protocol of the header behind IP.
    public let ipProtocol: IPProtocol
    /// The destination port; 0 for a protocol without ports.
    public let port: UInt16

    /// A packet by what a filter looks at.
    public init(source: IPAddress, destination: IPAddress, ipProtocol: IPProtocol, port: UInt16) {
      self.source = source
      self.destination = destination
      self.ipProtocol = ipProtocol
      self.port = port
    }
  }

  /// Why a packet passes: the rule, the entry of its `dst`, and the context.
  public struct Match: Sendable, Hashable {
    /// The JSON pointer of the rule.
    public let pointer: String
    /// The entry of the rule's `dst`, from 0.
    public let position: Int
    /// Where the destination lies.
    public let context: Context
  }

  /// In which context the node carries the address; nil when it does not.
  public func context(of address: IPAddress) -> Context? {
    guard let node else { return nil }
    switch address {
    case .v4(let value) where value == node.v4: return .mesh
    case .v6(let value) where value == node.v6: return .mesh
    default: break
    }
    if node.routes.contains(where: { $0.contains(address) }) { return .sharedRouter }
    return node.isExitNode && MeshRange.internet.contains(address) ? .sharedExit : nil
  }

  /// The first rule that accepts the packet; nil when it is denied.
  ///
  /// The caller knows that the packet's source is the sender's own (`CompiledPolicy.decide` asks the topology).
  public func match(_ packet: Packet) -> Match? {
    guard packet.source.family == packet.destination.family, let context = context(of: packet.destination) else {
      return nil
    }
    for rule in rules where tables.protocols[Int(rule.protocols)].contains(packet.ipProtocol) {
      guard tables.sources[Int(rule.source)].contains(packet.source) else { continue }
      for number in rule.terms {
        let term = tables.terms[Int(number)]
        guard term.opens(packet, in: context) else { continue }
        return Match(
          pointer: tables.policy.rules[Int(term.rule)].pointer, position: Int(term.position), context: context)
      }
    }
    return nil
  }
}

extension PolicyTables.Term {
  /// Whether the term lets the packet through, whose source and protocol fit already. Ports are compared only where the
  /// protocol has them.
  func opens(_ packet: NodeFilter.Packet, in context: Context) -> Bool {
    guard destination.contexts & context.bit != 0 else { return false }
    guard !packet.ipProtocol.hasPorts || ports.contains(where: { $0.contains(packet.port) }) else { return false }
    switch destination {
    // The context says it: mesh is an address of the node's own, sharedExit one of the internet.
    case .own, .everything, .internet: return true
    case .range(let range), .routed(let range): return range.contains(packet.destination)
    }
  }
}

/// The rules of a node that have sources and protocols in common.
struct FilterRule: Sendable {
  let source: UInt32
  let protocols: UInt32
  var terms: [UInt32]
}

// MARK: the shape of the captures

extension NodeFilter {
  /// The filter as the control planes of others send it to a node: a list of rules, or null when there is none.
  ///
  /// `SrcIPs`, `DstPorts` and `IPProto`; the protocols are left out where they are the usual four.
  public var json: JSON {
    let all = rules.map(json) + capabilities.map(\.json)
    return all.isEmpty ? .null : .array(all)
  }

  private func json(_ rule: FilterRule) -> JSON {
    var object = JSONObject()
    object["SrcIPs"] = .array(tables.sources[Int(rule.source)].union.texts.map { .string($0) })
    object["DstPorts"] = .array(rule.terms.flatMap { destinations(tables.terms[Int($0)]) })
    let protocols = tables.protocols[Int(rule.protocols)]
    if protocols != IPProtocol.unnamed {
      object["IPProto"] = .array(protocols.map { .integer(Int64($0.number)) })
    }
    return .object(object)
  }

  private func destinations(_ term: PolicyTables.Term) -> [JSON] {
    let hosts: [String] =
      switch term.destination {
      case .own: node?.addresses.map { "\($0)" } ?? []
      case .range(let range), .routed(let range): ["\(range)"]
      case .everything: ["*"]
      case .internet: MeshRange.internet.texts
      }
    return hosts.flatMap { host in
      term.ports.map { ports in
        ["IP": .string(host), "Ports": ["First": .integer(Int64(ports.first)), "Last": .integer(Int64(ports.last))]]
      }
    }
  }
}

extension AddressSet {
  /// The ranges as a filter writes them; everything is `*`.
  var texts: [String] { self == .everything ? ["*"] : ranges.map { "\($0)" } }
}

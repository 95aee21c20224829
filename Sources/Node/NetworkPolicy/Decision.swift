import NetworkTypes

/// What comes of one packet in the mesh, and why.
public struct Decision: Sendable, Hashable {
  /// Why a packet is denied.
  public enum Refusal: String, Sendable, Hashable {
    /// No node has or carries the source: the address is nobody's, whatever ranges a rule names (W9).
    case unknownSource
    /// No node has or carries the destination.
    case unknownDestination
    /// Source and destination are of two families.
    case families
    /// No rule accepts it.
    case noRule
  }

  /// The node that the source address belongs to or is carried by.
  public let requester: String?
  /// The node that lets the packet in or not.
  public let carrier: String?
  /// Where the destination lies; nil when nobody carries it.
  public let context: Context?
  /// The rule that accepts; nil when denied.
  public let match: NodeFilter.Match?
  /// Why not; nil when allowed.
  public let refusal: Refusal?

  /// Whether the packet passes.
  public var isAllowed: Bool { match != nil }
}

extension CompiledPolicy {
  /// Judges a packet: who sends it, which node it reaches, and which rule decides there.
  ///
  /// A router that carries a destination counts as one of several: the packet passes when one of them lets it in.
  /// Linear in the nodes; the data path asks one node's filter instead.
  public func decide(_ packet: NodeFilter.Packet) -> Decision {
    let requester = holders(of: packet.source, asExit: false).first
    func denied(_ refusal: Decision.Refusal, _ carrier: Int? = nil, _ context: Context? = nil) -> Decision {
      Decision(
        requester: name(requester), carrier: name(carrier), context: context, match: nil, refusal: refusal)
    }
    guard packet.source.family == packet.destination.family else { return denied(.families) }
    guard requester != nil else { return denied(.unknownSource) }
    let carriers = holders(of: packet.destination, asExit: true)
    guard let first = carriers.first else { return denied(.unknownDestination) }
    for carrier in carriers {
      guard let match = filter(slot: carrier).match(packet) else { continue }
      return Decision(
        requester: name(requester), carrier: name(carrier), context: match.context, match: match, refusal: nil)
    }
    return denied(.noRule, first, filter(slot: first).context(of: packet.destination))
  }

  private func name(_ slot: Int?) -> String? { slot.flatMap { topology.slots[$0]?.name } }

  /// The slots that have the address; else those with a route to it; else, for a destination, the exit nodes.
  private func holders(of address: IPAddress, asExit: Bool) -> [Int] {
    var byContext: [Context: [Int]] = [:]
    for slot in topology.slots.indices {
      guard let node = topology.slots[slot] else { continue }
      let filter = NodeFilter(node: node, rules: [], capabilities: [], tables: tables)
      guard let context = filter.context(of: address) else { continue }
      byContext[context, default: []].append(slot)
    }
    return byContext[.mesh] ?? byContext[.sharedRouter] ?? (asExit ? byContext[.sharedExit] ?? [] : [])
  }
}

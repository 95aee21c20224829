public import NetworkTypes
public import StrictJSON

/// A grant of application capabilities at a node.
struct CapabilityEntry: Hashable, Sendable {
  /// Index into the policy's rules.
  let rule: UInt32
  /// The other half's capability; nil for the capabilities that the rule names.
  let companion: String?
  let source: UInt32
  /// Only addresses in these ranges; nil for all of the node's own.
  let within: [AddressRange]?

  /// Capabilities of two halves: who gets the first at a destination, gets the second announced at the source.
  static let companions = [
    ("tailscale.com/cap/drive", "tailscale.com/cap/drive-sharer"),
    ("tailscale.com/cap/relay", "tailscale.com/cap/relay-target"),
  ]
}

/// Capabilities that requesters have at addresses of a node: carried for applications to read, not enforced here.
public struct CapabilityRule: Sendable {
  /// Who has them.
  public let sources: AddressSet
  /// Where.
  public let destinations: [AddressRange]
  /// The capabilities with their values; a value is null for the announced half.
  public let capabilities: JSONObject

  /// `SrcIPs` and `CapGrant`, as the captures have them.
  var json: JSON {
    let prefixes: [JSON] = destinations.map { range in
      .string(range.prefix.map { "\($0)" } ?? "\(range)")
    }
    return [
      "SrcIPs": .array(sources.texts.map { .string($0) }),
      "CapGrant": [["Dsts": .array(prefixes), "CapMap": .object(capabilities)]],
    ]
  }
}

extension CompiledPolicy {
  /// What the entry grants at the node; nil where it grants nothing there.
  func capability(_ entry: CapabilityEntry, at node: Topology.Node, source: UInt32) -> CapabilityRule? {
    var map = JSONObject()
    if let companion = entry.companion {
      map[companion] = .null
    } else {
      map = policy.rules[Int(entry.rule)].application ?? map
    }
    var destinations = node.addresses.map { AddressRange($0) }
    if let within = entry.within {
      destinations = destinations.filter { own in within.contains { $0.contains(own.lower) } }
      destinations += within.filter { range in node.routes.contains { AddressRange($0).overlaps(range) } }
    }
    guard !destinations.isEmpty else { return nil }
    return CapabilityRule(
      sources: tables.sources[Int(source)].union,
      destinations: Array(Set(destinations)).sorted { $0.lower < $1.lower },
      capabilities: map)
  }
}

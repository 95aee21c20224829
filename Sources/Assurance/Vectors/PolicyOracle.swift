import Diagnostics
import HuJSON
import NetworkPolicy
import NetworkTypes
import StrictJSON

/// A second reading of what a policy file means: from its text, without the reader, the tables and the ranges of the
/// compiler, one packet at a time.
///
/// It shares JSON, addresses and the topology with the compiler, and no rule: whoever changes the meaning of a
/// selector, a protocol or a port changes it twice, or the comparison fails. It expects a valid policy.
struct PolicyOracle {
  private let document: JSON
  private let topology: Topology
  private let rules: [(rule: JSON, isGrant: Bool)]

  init(_ text: String, _ topology: Topology) throws(Problem) {
    document = try JSON(parsing: try HuJSON.standardized(Array(text.utf8)))
    self.topology = topology
    rules = document["grants"].elements.map { ($0, true) } + document["acls"].elements.map { ($0, false) }
  }

  /// Whether the packet passes at one of the nodes that it can reach.
  func allows(_ packet: NodeFilter.Packet) -> Bool {
    guard packet.source.family == packet.destination.family else { return false }
    guard topology.nodes.contains(where: { has($0, packet.source) || routes($0, packet.source) }) else { return false }
    var receivers = topology.nodes.filter { has($0, packet.destination) }
    var place = Context.mesh
    if receivers.isEmpty {
      receivers = topology.nodes.filter { routes($0, packet.destination) }
      place = .sharedRouter
    }
    if receivers.isEmpty, isInternet(packet.destination) {
      receivers = topology.nodes.filter(\.isExitNode)
      place = .sharedExit
    }
    return receivers.contains { node in
      rules.contains { $0.isGrant ? grants($0.rule, packet, node, place) : accepts($0.rule, packet, node, place) }
    }
  }

  private func has(_ node: Topology.Node, _ address: IPAddress) -> Bool { node.addresses.contains(address) }

  private func routes(_ node: Topology.Node, _ address: IPAddress) -> Bool {
    node.routes.contains { $0.contains(address) }
  }

  // MARK: rules

  private func accepts(_ rule: JSON, _ packet: NodeFilter.Packet, _ node: Topology.Node, _ place: Context) -> Bool {
    guard isNamed(rule, packet), isProtocol(rule["proto"].text, packet) else { return false }
    return rule["dst"].texts.contains { entry in
      guard let colon = entry.lastIndex(of: ":") else { return false }
      let host = entry[..<colon].filter { $0 != "[" && $0 != "]" }
      return hasPort(String(entry[entry.index(after: colon)...]), packet) && reaches(host, packet, node, place)
    }
  }

  private func grants(_ rule: JSON, _ packet: NodeFilter.Packet, _ node: Topology.Node, _ place: Context) -> Bool {
    let isService = rule["ip"].texts.contains { service in
      let parts = service.split(separator: ":").map(String.init)
      return isProtocol(parts.count == 2 ? parts[0] : "", packet) && hasPort(parts[parts.count - 1], packet)
    }
    guard isNamed(rule, packet), isService else { return false }
    let via = rule["via"].texts
    guard !via.isEmpty else { return rule["dst"].texts.contains { reaches($0, packet, node, place) } }
    guard via.contains(where: node.tags.contains) else { return false }
    return rule["dst"].texts.contains { host in
      switch place {
      case .mesh: return false
      case .sharedRouter: return range(host).map { $0.contains(packet.destination) } ?? false
      case .sharedExit: return host == "autogroup:internet"
      }
    }
  }

  private func isNamed(_ rule: JSON, _ packet: NodeFilter.Packet) -> Bool {
    rule["src"].texts.contains { names($0, packet.source) }
  }

  private func isProtocol(_ name: String, _ packet: NodeFilter.Packet) -> Bool {
    let numbers: [String: [UInt8]] = [
      "": [1, 6, 17, 58], "tcp": [6], "udp": [17], "icmp": [1], "ipv6-icmp": [58], "sctp": [132], "gre": [47],
    ]
    return (numbers[name.lowercased()] ?? [UInt8(name) ?? 0]).contains(packet.ipProtocol.number)
  }

  private func hasPort(_ ports: String, _ packet: NodeFilter.Packet) -> Bool {
    guard [6, 17, 132].contains(packet.ipProtocol.number), ports != "*" else { return true }
    return ports.split(separator: ",").contains { part in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      return ends[0] <= Int(packet.port) && Int(packet.port) <= ends[ends.count - 1]
    }
  }

  // MARK: selectors

  /// The addresses that a host of the policy, a prefix or a range names; nil for a selector of another kind.
  private func range(_ text: String) -> AddressRange? {
    try? AddressRange(document["hosts"][text].text.isEmpty ? text : document["hosts"][text].text)
  }

  /// Whether the address is one of the requesters that the selector names.
  private func names(_ text: String, _ address: IPAddress) -> Bool {
    if text == "*" { return isMesh(address) || topology.nodes.contains { routes($0, address) } }
    if text == "autogroup:danger-all" { return true }
    if let range = range(text) { return range.contains(address) }
    return topology.nodes.contains { has($0, address) && names(text, $0) }
  }

  /// Whether the selector names the node, by who owns it or how it is tagged.
  private func names(_ text: String, _ node: Topology.Node) -> Bool {
    let owner = node.tags.isEmpty ? topology.users.first { $0.name == node.user } : nil
    if text.hasPrefix("tag:") { return node.tags.contains(text) }
    if text.hasPrefix("group:") { return document["groups"][text].texts.contains { names($0, node) } }
    if text == "autogroup:tagged" { return !node.tags.isEmpty }
    guard let owner else { return false }
    if text == "autogroup:member" { return true }
    if text.hasPrefix("autogroup:") { return owner.role?.rawValue == String(text.dropFirst("autogroup:".count)) }
    if text.hasPrefix("user:*@") {
      return owner.email.lowercased().hasSuffix(text.dropFirst("user:*".count).lowercased())
    }
    return owner.email.lowercased() == text.lowercased() || owner.name.lowercased() + "@" == text.lowercased()
  }

  private func reaches(_ text: String, _ packet: NodeFilter.Packet, _ node: Topology.Node, _ place: Context) -> Bool {
    if text == "*" { return true }
    if text == "autogroup:internet" { return place == .sharedExit }
    if let range = range(text) { return place != .sharedExit && range.contains(packet.destination) }
    guard place == .mesh else { return false }
    guard text == "autogroup:self" else { return names(text, node) }
    return node.tags.isEmpty && node.user != nil
      && topology.nodes.contains { has($0, packet.source) && $0.tags.isEmpty && $0.user == node.user }
  }

  // MARK: addresses

  private func isMesh(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let value): value >> 22 == 0x6440_0000 >> 22 && value >> 9 != 0x6473_5c00 >> 9
    case .v6(let value): value >> 80 == 0xfd7a_115c_a1e0
    }
  }

  private func isInternet(_ address: IPAddress) -> Bool {
    switch address {
    case .v6(let value): return value >> 125 == 1
    case .v4(let value):
      switch (value >> 24, value >> 16 & 0xff) {
      case (10, _), (172, 16...31), (192, 168), (169, 254), (100, 64...127): return false
      default: return true
      }
    }
  }
}

extension JSON {
  /// The member of an object; null where there is none.
  fileprivate subscript(key: String) -> JSON {
    if case .object(let object) = self { object[key] ?? .null } else { .null }
  }
  fileprivate var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
  fileprivate var text: String { if case .string(let text) = self { text } else { "" } }
  fileprivate var texts: [String] { elements.map(\.text) }
}

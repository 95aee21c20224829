public import Diagnostics
public import NetworkTypes
import StrictJSON

/// A zone as a file holds it, with what binds it to a node and a state of the mesh (requirement P4-10).
public struct ZoneFile: Sendable {
  /// How large a zone may be.
  public enum Limits: String, Sendable, CaseIterable {
    /// What P4-10 allows for a signed bundle: 256 KiB, 1,024 nodes, 8 aliases each, 2,048 names.
    case bundle
    /// For zones that an administrator of the host writes: 16 MiB, 65,536 nodes, 64 aliases each, 131,072 names.
    case large

    /// Octets of a file.
    public var size: Int { self == .bundle ? 256 << 10 : 16 << 20 }
    var nodes: Int { self == .bundle ? 1024 : 65_536 }
    var aliases: Int { self == .bundle ? 8 : 64 }
    var names: Int { self == .bundle ? 2048 : 131_072 }
  }

  /// The state of the mesh that a zone belongs to; a zone for another node or an older state is not ours.
  public struct Binding: Sendable, Equatable {
    /// The node that the zone is for.
    public let subject: String
    /// The epoch of the members.
    public let membershipEpoch: Int64
    /// The generation of the addresses.
    public let assignmentGeneration: Int64
    /// The generation of the network policy.
    public let policyGeneration: Int64
    /// Makes two zones of the same state differ; 16 to 64 hexadecimal digits.
    public let nonce: String
  }

  /// The zone.
  public let zone: Zone
  /// What it is bound to; nil in a file that was written by hand.
  public let binding: Binding?

  /// Reads a file of at most `limits.size` octets: all of it or nothing.
  ///
  /// Throws with line and column: `json.*`, `dns.name`, `network.*`, `dns.zone-size`, `dns.alias`, `dns.name-twice`,
  /// `dns.address-twice`, `dns.ttl`.
  public init(parsing bytes: [UInt8], limits: Limits = .bundle) throws(Problem) {
    self = try Document.decode(bytes, limit: limits.size) { reader throws(Problem) in
      try ZoneFile(reader, limits)
    }
  }

  private init(_ reader: JSONReader, _ limits: Limits) throws(Problem) {
    try reader.closed("zone", "generation", "ttl", "reverse", "nodes", "binding")
    var zone = Zone(origin: try reader.optional("zone")?.domainName() ?? ZoneFile.defaultOrigin)
    guard zone.origin != .root, zone.origin.wire.count <= 128 else {
      throw reader.problem("dns.zone", "\(zone.origin) cannot be a zone of a mesh", hint: "such as \"rustynet\"")
    }
    if let ttl = try reader.optional("ttl") {
      let seconds = try ttl.integer()
      guard (30...300).contains(seconds) else {
        throw ttl.problem("dns.ttl", "a lifetime of \(seconds) s", source: "P4-10", hint: "30 to 300")
      }
      zone.lifetime = UInt32(seconds)
    }
    zone.generation = try reader.optional("generation")?.unsigned() ?? 1
    if let reverse = try reader.optional("reverse") {
      zone.reverse = try reverse.elements(atMost: 64).map { element throws(Problem) in try element.prefix() }
    }
    zone.nodes = try ZoneFile.nodes(try reader.member("nodes"), limits)
    self.zone = zone
    binding = try reader.optional("binding").map { reader throws(Problem) in try Binding(reader) }
  }

  /// The zone of a mesh whose file names none (P4-6).
  static let defaultOrigin = DomainName(trusted: [8] + Array("rustynet".utf8) + [0])

  /// Two passes: every node gets its name first, in the order of the file, so that no alias can take one.
  private static func nodes(_ reader: JSONReader, _ limits: Limits) throws(Problem) -> [Zone.Node] {
    let elements = try reader.elements(atMost: limits.nodes)
    var registry = NameRegistry()
    var owners: [IPAddress: Int] = [:]
    var labels: [String] = []
    for (index, element) in elements.enumerated() {
      try element.closed("name", "aliases", "addresses")
      labels.append(registry.register("\(index)", as: try element.member("name").text(atMost: 255)))
    }
    var names = labels.count
    var nodes: [Zone.Node] = []
    for (index, element) in elements.enumerated() {
      let aliases = try ZoneFile.aliases(element, "\(index)", limits, &registry)
      names += aliases.count
      guard names <= limits.names else {
        throw element.problem("dns.zone-size", "the zone has more than \(limits.names) names", source: "P4-10")
      }
      let list = try element.member("addresses")
      let addresses = try list.elements(atMost: 16).map { element throws(Problem) in
        let address = try element.address()
        guard owners.updateValue(index, forKey: address) == nil else {
          throw element.problem("dns.address-twice", "\(address) stands twice", source: "P4-10", hint: "one node each")
        }
        return address
      }
      guard !addresses.isEmpty else {
        throw list.problem("dns.no-address", "a node without an address", source: "P4-10")
      }
      nodes.append(Zone.Node(label: labels[index], aliases: aliases, addresses: addresses))
    }
    return nodes
  }

  private static func aliases(
    _ element: JSONReader, _ node: String, _ limits: Limits, _ registry: inout NameRegistry
  ) throws(Problem) -> [String] {
    guard let list = try element.optional("aliases") else { return [] }
    var aliases: [String] = []
    for entry in try list.elements(atMost: limits.aliases) {
      let alias = try entry.text(atMost: 255)
      guard NodeName.isNormal(alias) else {
        throw entry.problem(
          "dns.alias", "“\(alias)” is not a normalised name", source: "P4-6",
          hint: "“\(NodeName.normalise(alias))”, perhaps")
      }
      guard registry.claim(alias, for: node) else {
        throw entry.problem("dns.name-twice", "the name “\(alias)” is taken", source: "P4-6, W14")
      }
      aliases.append(alias)
    }
    return aliases
  }

  /// Refuses a zone whose addresses are not those that the mesh has assigned (P4-10: the expected address).
  ///
  /// `assigned` holds each node's addresses by its label; throws `dns.address-not-assigned`.
  public func requireAssigned(_ assigned: [String: [IPAddress]]) throws(Problem) {
    for node in zone.nodes {
      let expected = assigned[node.label] ?? []
      guard let wrong = node.addresses.first(where: { !expected.contains($0) }) else { continue }
      throw .refused(
        "dns.address-not-assigned", "\(wrong) is not assigned to “\(node.label)”", source: "P4-10",
        hint: expected.isEmpty ? "no such node" : "assigned: \(expected.map { "\($0)" }.joined(separator: ", "))")
    }
  }
}

extension ZoneFile.Binding {
  init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("subject", "membership-epoch", "assignment-generation", "policy-generation", "nonce")
    subject = try reader.member("subject").token(atMost: 255)
    membershipEpoch = try reader.member("membership-epoch").integer()
    assignmentGeneration = try reader.member("assignment-generation").integer()
    policyGeneration = try reader.member("policy-generation").integer()
    let value = try reader.member("nonce")
    nonce = try value.token(atMost: 64)
    guard (8...32).contains(try value.hex().count) else {
      throw value.problem("dns.nonce", "the nonce has \(nonce.utf8.count) digits", hint: "16 to 64")
    }
  }
}

/// The last zone that was accepted: an older one, or another one of the same age, is refused (P4-10).
public struct ZoneWatermark: Sendable, Equatable {
  /// The generation of the zone.
  public private(set) var generation: UInt32
  /// The digest of its file.
  public private(set) var digest: [UInt8]

  /// The mark that a zone sets when it is the first.
  public init(generation: UInt32, digest: [UInt8]) {
    self.generation = generation
    self.digest = digest
  }

  /// Takes a newer zone, or the same again; `dns.rollback` or `dns.split-view` otherwise, and nothing changes.
  public mutating func accept(generation: UInt32, digest: [UInt8]) throws(Problem) {
    guard generation >= self.generation else {
      throw .refused(
        "dns.rollback", "generation \(generation) is older than \(self.generation)", source: "P4-10",
        hint: "somebody offers an old zone")
    }
    guard generation > self.generation || digest == self.digest else {
      throw .refused(
        "dns.split-view", "two zones have the generation \(generation)", source: "P4-10",
        hint: "raise the generation with every change")
    }
    self = ZoneWatermark(generation: generation, digest: digest)
  }
}

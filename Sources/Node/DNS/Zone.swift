import Diagnostics
public import NetworkTypes

/// A zone that we answer for, as its owner states it: names and addresses, nothing else (requirement P4-10).
public struct Zone: Sendable {
  /// A name with its addresses.
  public struct Node: Sendable {
    /// The name within the zone, a single label: as it was normalised.
    public let label: String
    /// Further names with the same addresses.
    public let aliases: [String]
    /// IPv4 and IPv6 addresses.
    public let addresses: [IPAddress]

    /// A node of its parts.
    public init(label: String, aliases: [String] = [], addresses: [IPAddress]) {
      self.label = label
      self.aliases = aliases
      self.addresses = addresses
    }
  }

  /// Where the zone begins.
  public var origin: DomainName
  /// Seconds that an answer may be kept, denials included.
  public var lifetime: UInt32
  /// The generation of the content, which is the serial of the SOA record.
  public var generation: UInt32
  /// Ranges whose reverse names are answered here too.
  public var reverse: [Prefix]
  /// The nodes; labels and aliases are unique.
  public var nodes: [Node]

  /// A zone of its parts. Nothing is checked here: `ZoneFile` reads, `ZoneTable` compiles and checks.
  public init(
    origin: DomainName, lifetime: UInt32 = 60, generation: UInt32 = 1, reverse: [Prefix] = [], nodes: [Node] = []
  ) {
    self.origin = origin
    self.lifetime = lifetime
    self.generation = generation
    self.reverse = reverse
    self.nodes = nodes
  }
}

extension Prefix {
  /// The reverse zones that cover the range: one where its length ends at an octet or a nibble, else several.
  ///
  /// Throws `dns.reverse` for a range that would need more than 128, such as 0.0.0.0/1.
  func reverseZones() throws(Problem) -> [DomainName] {
    let step = address.family == .v4 ? 8 : 4
    let labels = max(1, (length + step - 1) / step)
    let count = 1 << (labels * step - length)
    guard count <= 128, labels <= address.family.bits / step else {
      throw .malformed("dns.reverse", "\(self) needs \(count) reverse zones", hint: "a longer prefix: at most 128")
    }
    let digits = address.reverseLabels
    var zones: [DomainName] = []
    for offset in 0..<count {
      var name = IPAddress.reverseRoot(address.family)
      for index in 0..<labels {
        let digit = digits[index] + (index == labels - 1 ? offset : 0)
        name = try name.prepending(Array(String(digit, radix: step == 8 ? 10 : 16).utf8))
      }
      zones.append(name)
    }
    return zones
  }
}

extension IPAddress {
  /// `in-addr.arpa` (RFC 1035, 3.5) or `ip6.arpa` (RFC 3596, 2.5).
  static func reverseRoot(_ family: Family) -> DomainName {
    let text =
      family == .v4 ? [[UInt8]("in-addr".utf8), [UInt8]("arpa".utf8)] : [[UInt8]("ip6".utf8), [UInt8]("arpa".utf8)]
    return DomainName(trusted: text.flatMap { [UInt8($0.count)] + $0 } + [0])
  }

  /// What the labels of its reverse name say, the highest first: octets or nibbles.
  var reverseLabels: [Int] {
    switch self {
    case .v4: octets.map { Int($0) }
    case .v6: octets.flatMap { [Int($0 >> 4), Int($0 & 15)] }
    }
  }
}

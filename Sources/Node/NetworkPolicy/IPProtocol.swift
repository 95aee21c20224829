/// A protocol by its number in the IP header (IANA, Protocol Numbers).
public struct IPProtocol: Hashable, Sendable, Comparable {
  /// The number, 1 to 255: 0 is the hop-by-hop header of IPv6 and no protocol of a rule.
  public let number: UInt8

  /// A protocol by its number; nil for 0.
  public init?(number: UInt8) {
    guard number > 0 else { return nil }
    self.number = number
  }

  private init(_ number: UInt8) { self.number = number }

  /// ICMP (RFC 792).
  public static let icmp = IPProtocol(1)
  /// TCP (RFC 9293).
  public static let tcp = IPProtocol(6)
  /// UDP (RFC 768).
  public static let udp = IPProtocol(17)
  /// ICMPv6 (RFC 4443).
  public static let icmp6 = IPProtocol(58)
  /// SCTP (RFC 9260).
  public static let sctp = IPProtocol(132)

  /// What a rule means that names no protocol: TCP, UDP, and ICMP of both families.
  public static let unnamed: [IPProtocol] = [.tcp, .udp, .icmp, .icmp6]

  /// Whether packets of this protocol carry ports that a rule can compare.
  public var hasPorts: Bool { self == .tcp || self == .udp || self == .sctp }

  /// The names of the grammar.
  private static let names: [(String, UInt8)] = [
    ("icmp", 1), ("igmp", 2), ("ipv4", 4), ("ip-in-ip", 4), ("tcp", 6), ("egp", 8), ("igp", 9), ("udp", 17),
    ("gre", 47), ("esp", 50), ("ah", 51), ("ipv6-icmp", 58), ("sctp", 132), ("fc", 133),
  ]

  /// What the grammar accepts, for hints.
  static var accepted: String { names.map(\.0).joined(separator: ", ") + ", or a number from 1 to 255" }

  /// Reads a name in any case, or a number from 1 to 255 without a leading zero; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let name = text.lowercased()
    if let known = Self.names.first(where: { $0.0 == name }) {
      number = known.1
      return
    }
    guard !name.isEmpty, name.utf8.first != UInt8(ascii: "0"), name.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let value = UInt8(name)
    else { return nil }
    number = value
  }

  /// By number.
  public static func < (left: IPProtocol, right: IPProtocol) -> Bool { left.number < right.number }
}

extension IPProtocol: CustomStringConvertible {
  /// The first name of the grammar, or the number.
  public var description: String { Self.names.first { $0.1 == number }?.0 ?? "\(number)" }
}

import Diagnostics

/// Names that are nobody's business outside: answered here, and never sent upstream unless a route names them.
enum SpecialName: Sendable {
  /// The address of this very host (RFC 6761, 6.3).
  case loopback
  /// Nothing below it exists for the DNS.
  case absent
  /// A zone without content: its own name exists (RFC 6303, 3).
  case empty

  /// The names of the registry "Special-Use Domain Names", of RFC 6303 and of ICANN's reservation, that stay at home.
  static let list: [(String, SpecialName)] =
    [
      ("localhost", .loopback),
      ("invalid", .absent),  // RFC 6761, 6.4
      ("test", .absent),  // RFC 6761, 6.2
      ("local", .absent),  // RFC 6762, 22.1
      ("onion", .absent),  // RFC 7686, 2
      ("alt", .absent),  // RFC 9476, 2
      ("internal", .absent),  // ICANN, resolution 2024.07.29.06
      ("home.arpa", .empty),  // RFC 8375, 4
      ("resolver.arpa", .empty),  // RFC 9462, 6.4
      ("service.arpa", .empty),  // RFC 9665, 10.5
      ("d.f.ip6.arpa", .empty),  // RFC 4193: fd00::/8
      ("8.e.f.ip6.arpa", .empty), ("9.e.f.ip6.arpa", .empty), ("a.e.f.ip6.arpa", .empty), ("b.e.f.ip6.arpa", .empty),
      ("8.b.d.0.1.0.0.2.ip6.arpa", .empty),
      (String(repeating: "0.", count: 32) + "ip6.arpa", .empty),
      ("1." + String(repeating: "0.", count: 31) + "ip6.arpa", .empty),
      ("0.in-addr.arpa", .empty), ("127.in-addr.arpa", .empty), ("254.169.in-addr.arpa", .empty),
      ("2.0.192.in-addr.arpa", .empty), ("100.51.198.in-addr.arpa", .empty), ("113.0.203.in-addr.arpa", .empty),
      ("255.255.255.255.in-addr.arpa", .empty), ("10.in-addr.arpa", .empty), ("168.192.in-addr.arpa", .empty),
    ]
    + (16...31).map { ("\($0).172.in-addr.arpa", .empty) }
    // RFC 7793: shared addresses, which meshes use.
    + (64...127).map { ("\($0).100.in-addr.arpa", .empty) }

  /// The SOA record of all of them behind its owner, `localhost. nobody.invalid.` (RFC 6303, 3).
  static let start: [UInt8] = {
    let names: [UInt8] = [9] + "localhost".utf8 + [0, 6] + "nobody".utf8 + [7] + "invalid".utf8 + [0]
    let rest = names + [1, 3600, 1200, 604_800, 10_800].flatMap(ZoneTable.octets)
    return [0, 6, 0, 1] + ZoneTable.octets(10_800) + [0, UInt8(rest.count)] + rest
  }()

  /// The names compiled, with the kind of each.
  static func table() -> (NameTable, [SpecialName]) {
    var names = NameTable()
    var kinds: [SpecialName] = []
    var scan = NameScan()
    for (text, kind) in list {
      // Safe to leave out what does not parse: a test says that all of them do.
      guard let name = try? DomainName(text) else { continue }
      scan.read(name)
      if names.insert(scan) == kinds.count { kinds.append(kind) }
    }
    return (names, kinds)
  }
}

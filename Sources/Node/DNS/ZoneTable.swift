public import Diagnostics
public import NetworkTypes

/// Zones compiled for answering: flat arrays, records already in wire form, nothing to allocate when one is asked for.
public struct ZoneTable: Sendable {
  /// Records of one type and name, in wire form behind their owner, which is a pointer to the question.
  struct RecordSet: Sendable {
    let type: RecordType
    let count: UInt16
    let at: UInt32
    let length: UInt32
  }

  /// A name that exists, perhaps without records (RFC 8020, 2).
  struct Entry: Sendable {
    var zone: UInt16
    var setCount: UInt16 = 0
    var firstSet: UInt32 = 0
  }

  /// Where a zone begins, and what its denials hold.
  struct Apex: Sendable {
    /// Octets of the name.
    let length: Int
    /// The SOA record behind its owner.
    let start: Range<Int>
    /// The reverse addresses that are within, if it is a reverse zone.
    let family: IPAddress.Family?
    /// The zone that its reverse names lead to.
    let lifetime: UInt32
  }

  var names = NameTable()
  var entries: [Entry] = []
  var sets: [RecordSet] = []
  var data: [UInt8] = []
  var apexes: [Apex] = []
  var reverse = ReverseTable()

  /// A table without zones.
  public init() {}

  /// Compiles zones; all of them or none (P4-10). `servers` are the addresses of the server's own name, `ns`, where no node
  /// is called so.
  ///
  /// Throws `dns.zone-twice`, `dns.label` (a name that is not normalised), `dns.name-twice`, `dns.address` for an
  /// address that stands under two names, and what names and ranges throw.
  public init(_ zones: [Zone], servers: [IPAddress] = []) throws(Problem) {
    for zone in zones { try add(zone, servers) }
    names.shrink()
    sets = Array(sets.lazy)
    data = Array(data.lazy)
    entries = Array(entries.lazy)
    reverse.sort()
  }

  /// How many names have records.
  public var nameCount: Int { entries.count { $0.setCount > 0 } }

  private mutating func add(_ zone: Zone, _ servers: [IPAddress]) throws(Problem) {
    let server = try zone.origin.prepending(Array("ns".utf8))
    let number = try addApex(zone.origin, of: zone, server: server, family: nil)
    var labels: Set<String> = []
    for node in zone.nodes {
      for label in [node.label] + node.aliases {
        guard NodeName.isNormal(label) else {
          throw .malformed(
            "dns.label", "“\(label)” is not a normalised name", source: "P4-6",
            hint: "lower-case letters, digits and inner hyphens, at most 63; NodeName makes one")
        }
        guard labels.insert(label).inserted else {
          throw .malformed("dns.name-twice", "“\(label)” stands twice in \(zone.origin)", source: "P4-6, W14")
        }
        try addAddresses(of: node, under: label, in: zone, number)
      }
    }
    // The server's name exists, so that nobody finds the zone's NS record leading nowhere.
    if !labels.contains("ns") {
      try addAddresses(of: Zone.Node(label: "ns", addresses: servers), under: "ns", in: zone, number)
    }
    try addReverse(zone, server: server)
  }

  private mutating func addAddresses(
    of node: Zone.Node, under label: String, in zone: Zone, _ number: UInt16
  ) throws(Problem) {
    let entry = try entry(try zone.origin.prepending(Array(label.utf8)), number)
    guard entries[entry].setCount == 0 else {
      throw .malformed("dns.name-twice", "“\(label)” stands twice in \(zone.origin)", source: "P4-6, W14")
    }
    entries[entry].firstSet = UInt32(sets.count)
    for family in IPAddress.Family.allCases {
      let addresses = node.addresses.filter { $0.family == family }
      guard !addresses.isEmpty else { continue }
      addSet(entry, family == .v4 ? .a : .aaaa, zone.lifetime, addresses.map(\.octets))
    }
  }

  private mutating func addReverse(_ zone: Zone, server: DomainName) throws(Problem) {
    for prefix in zone.reverse {
      for name in try prefix.reverseZones() {
        _ = try addApex(name, of: zone, server: server, family: prefix.address.family)
      }
    }
    for node in zone.nodes {
      for address in node.addresses where zone.reverse.contains(where: { $0.contains(address) }) {
        let target = try zone.origin.prepending(Array(node.label.utf8))
        try reverse.add(address, target, lifetime: zone.lifetime)
      }
    }
  }

  /// Adds the SOA and NS records at the top of a zone.
  private mutating func addApex(
    _ name: DomainName, of zone: Zone, server: DomainName, family: IPAddress.Family?
  ) throws(Problem) -> UInt16 {
    guard apexes.count < Int(UInt16.max) else {
      throw .malformed("dns.too-many-zones", "there are more than \(UInt16.max) zones")
    }
    let number = UInt16(apexes.count)
    let entry = try entry(name, number)
    guard entries[entry].setCount == 0 else {
      throw .malformed("dns.zone-twice", "\(name) stands in two zones")
    }
    entries[entry].zone = number
    entries[entry].firstSet = UInt32(sets.count)
    let mail = try zone.origin.prepending(Array("hostmaster".utf8))
    // Serial; refresh, retry and expire, usual ones that nobody heeds, because nobody may transfer the zone; and the
    // lifetime of denials (RFC 2308, 4).
    let numbers = [zone.generation, 14_400, 3600, 1_209_600, zone.lifetime].flatMap(ZoneTable.octets)
    addSet(entry, .soa, zone.lifetime, [server.wire + mail.wire + numbers])
    let start = data.count - (10 + server.wire.count + mail.wire.count + numbers.count)
    let apex = Apex(length: name.wire.count, start: start..<data.count, family: family, lifetime: zone.lifetime)
    addSet(entry, .ns, zone.lifetime, [server.wire])
    apexes.append(apex)
    return number
  }

  /// The entry of a name; names between it and the top of its zone exist as well, without records (RFC 8020, 2).
  private mutating func entry(_ name: DomainName, _ zone: UInt16) throws(Problem) -> Int {
    var scan = NameScan()
    scan.read(name)
    let known = names.count
    let number = names.insert(scan)
    if number == known { entries.append(Entry(zone: zone)) }
    return number
  }

  /// Appends records to the entry that was made last or is being filled.
  private mutating func addSet(_ entry: Int, _ type: RecordType, _ lifetime: UInt32, _ records: [[UInt8]]) {
    let start = data.count
    for (index, record) in records.enumerated() {
      // The first owner is written by the reply, which may point elsewhere.
      if index > 0 { data += [0xc0, UInt8(Size.header)] }
      data += [UInt8(type.rawValue >> 8), UInt8(truncatingIfNeeded: type.rawValue), 0, 1]
      data += ZoneTable.octets(lifetime)
      data += [UInt8(record.count >> 8), UInt8(truncatingIfNeeded: record.count)] + record
    }
    sets.append(
      RecordSet(
        type: type, count: UInt16(records.count), at: UInt32(start), length: UInt32(data.count - start)))
    entries[entry].setCount += 1
  }

  static func octets(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}

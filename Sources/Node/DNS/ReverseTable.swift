import Diagnostics
import NetworkTypes

/// Names of addresses, found by arithmetic on sorted addresses: a reverse name costs no node of its own, and neither do
/// the names between it and its zone.
struct ReverseTable: Sendable {
  /// What a reverse name is.
  enum Found: Equatable {
    /// An address with a name: where it stands.
    case pointer(Int)
    /// A name above an address: it exists, without records.
    case between
    case nothing
  }

  private(set) var keys4: [UInt32] = []
  private(set) var values4: [UInt32] = []
  private(set) var keys6: [UInt128] = []
  private(set) var values6: [UInt32] = []
  /// Lifetime, length and name of each target.
  private(set) var data: [UInt8] = []

  /// Adds the name of an address; `dns.address` where it has one already.
  mutating func add(_ address: IPAddress, _ target: DomainName, lifetime: UInt32) throws(Problem) {
    let place = UInt32(data.count)
    switch address {
    case .v4(let value):
      keys4.append(value)
      values4.append(place)
    case .v6(let value):
      keys6.append(value)
      values6.append(place)
    }
    data += ZoneTable.octets(lifetime) + [0, UInt8(target.wire.count)] + target.wire
  }

  /// Call once after the last `add`, before the first search.
  mutating func sort() {
    let order4 = keys4.indices.sorted { keys4[$0] < keys4[$1] }
    (keys4, values4) = (order4.map { keys4[$0] }, order4.map { values4[$0] })
    let order6 = keys6.indices.sorted { keys6[$0] < keys6[$1] }
    (keys6, values6) = (order6.map { keys6[$0] }, order6.map { values6[$0] })
    data = Array(data.lazy)
  }

  /// Whether an address stands twice; call after `sort`.
  func duplicate() -> IPAddress? {
    for index in keys4.indices.dropFirst() where keys4[index] == keys4[index - 1] { return .v4(keys4[index]) }
    for index in keys6.indices.dropFirst() where keys6[index] == keys6[index - 1] { return .v6(keys6[index]) }
    return nil
  }

  /// Looks for the name in `scan`, which is within `in-addr.arpa` or `ip6.arpa`.
  func find(_ scan: borrowing NameScan, _ family: IPAddress.Family) -> Found {
    let labels = scan.labels - 2
    let step = family == .v4 ? 8 : 4
    guard labels * step <= family.bits else { return .nothing }
    var value: UInt128 = 0
    // From right to left: the highest digits stand next to the root.
    var label = labels - 1
    while label >= 0 {
      guard let digit = ReverseTable.digit(scan, label, family) else { return .nothing }
      value = value << UInt128(step) | UInt128(digit)
      label -= 1
    }
    let rest = UInt128(family.bits - labels * step)
    let low = value << rest
    let high = low | ((UInt128(1) << rest) - 1)
    switch family {
    case .v4:
      let index = ReverseTable.lowest(keys4, UInt32(truncatingIfNeeded: low))
      guard index < keys4.count, UInt128(keys4[index]) <= high else { return .nothing }
      return rest == 0 ? .pointer(Int(values4[index])) : .between
    case .v6:
      let index = ReverseTable.lowest(keys6, low)
      guard index < keys6.count, keys6[index] <= high || rest == 128 else { return .nothing }
      return rest == 0 ? .pointer(Int(values6[index])) : .between
    }
  }

  /// What a label says: a decimal octet without leading zeros, or one hexadecimal digit.
  private static func digit(_ scan: borrowing NameScan, _ label: Int, _ family: IPAddress.Family) -> Int? {
    let start = Int(scan.starts[label])
    let length = Int(scan.octets[start])
    if family == .v6 {
      let octet = scan.octets[start + 1]
      guard length == 1 else { return nil }
      if ASCII.isDigit(octet) { return Int(octet) - 0x30 }
      return (0x61...0x66).contains(octet) ? Int(octet) - 0x61 + 10 : nil
    }
    guard (1...3).contains(length), length == 1 || scan.octets[start + 1] != 0x30 else { return nil }
    var value = 0
    for offset in 1...length {
      guard ASCII.isDigit(scan.octets[start + offset]) else { return nil }
      value = value * 10 + Int(scan.octets[start + offset]) - 0x30
    }
    return value < 256 ? value : nil
  }

  /// The first index whose key is not less than `key`.
  private static func lowest<Key: Comparable>(_ keys: [Key], _ key: Key) -> Int {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

import NetworkTypes

/// Approved routes, to be asked which of them have an address in common with a range.
///
/// Two prefixes lie one in the other or apart, so a route that overlaps a range either begins in it or holds its first
/// address. The first are neighbours in order, and of the second there is at most one for each length.
struct RouteIndex {
  private var slots: [Prefix: [Int32]] = [:]
  private var lengths: [IPAddress.Family: Set<Int>] = [:]
  private var ordered: [(lower: IPAddress, slot: Int32)] = []

  /// Of routes with their slots, in any order.
  init(_ routes: some Sequence<(prefix: Prefix, slot: Int32)>) {
    for (prefix, slot) in routes {
      slots[prefix, default: []].append(slot)
      lengths[prefix.address.family, default: []].insert(prefix.length)
      ordered.append((prefix.address, slot))
    }
    ordered.sort { RouteIndex.isBefore($0.lower, $1.lower) }
  }

  /// IPv4 first.
  private static func isBefore(_ left: IPAddress, _ right: IPAddress) -> Bool {
    left.family == right.family ? left < right : left.family == .v4
  }

  /// The slots with a route that has an address in common with the range, ascending, each once.
  func slots(overlapping range: AddressRange) -> [Int32] {
    var found: Set<Int32> = []
    var (start, end) = (0, ordered.count)
    while start < end {
      let middle = (start + end) / 2
      if RouteIndex.isBefore(ordered[middle].lower, range.lower) { start = middle + 1 } else { end = middle }
    }
    while start < ordered.count, range.contains(ordered[start].lower) {
      found.insert(ordered[start].slot)
      start += 1
    }
    for length in lengths[range.family] ?? [] {
      if let holder = Prefix(masking: range.lower, length: length) { found.formUnion(slots[holder] ?? []) }
    }
    return found.sorted()
  }
}

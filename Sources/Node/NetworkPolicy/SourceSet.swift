import NetworkTypes

/// The addresses that the sources of a rule mean together.
///
/// Sets of many ranges, such as those of all members, stand in many rules beside others; they are kept apart and shared,
/// for a union of its own for each rule would take the rules times the nodes.
struct SourceSet: Hashable, Sendable {
  /// From how many ranges on a set is kept apart.
  private static let large = 1024

  private let parts: [AddressSet]

  init(_ sets: [AddressSet]) {
    let small = AddressSet.union(sets.filter { $0.rangeCount <= SourceSet.large })
    parts = sets.filter { $0.rangeCount > SourceSet.large } + (small.isEmpty ? [] : [small])
  }

  var isEmpty: Bool { parts.isEmpty }

  /// Whether sets with the same addresses are the same value.
  var isSingle: Bool { parts.count < 2 }

  func contains(_ address: IPAddress) -> Bool {
    for part in parts where part.contains(address) { return true }
    return false
  }

  /// One set of all addresses; made when it is asked for.
  var union: AddressSet { parts.count == 1 ? parts[0] : .union(parts) }
}

import NetworkTypes

/// The addresses that the sources of a rule mean together.
///
/// Sets of many ranges are kept apart and shared with other rules: a union of its own for each rule would take the rules
/// times the nodes.
struct SourceSet: Hashable, Sendable {
  /// Up to this many ranges are united.
  private static let united = 1024

  private let parts: [AddressSet]

  init(_ sets: [AddressSet]) {
    let sets = sets.filter { !$0.isEmpty }
    let isSmall = sets.reduce(0) { $0 + $1.rangeCount } <= SourceSet.united
    parts = isSmall && sets.count > 1 ? [.union(sets)] : sets
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

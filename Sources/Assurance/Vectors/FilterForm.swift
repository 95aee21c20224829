import Diagnostics
import NetworkTypes
import StrictJSON

/// A packet filter in a form that is equal for equal filters: sets of addresses as merged ranges, ports cut and merged,
/// protocols written out.
struct FilterForm: Equatable {
  /// A packet rule.
  struct Rule: Hashable {
    let sources: AddressSet
    let protocols: [Int64]
    let destinations: [Opening]
  }

  /// Addresses that are open for the same ports.
  struct Opening: Hashable {
    let first: Int64
    let last: Int64
    let addresses: AddressSet
  }

  /// One entry of a `CapGrant`.
  struct Capability: Hashable {
    let sources: AddressSet
    let destinations: AddressSet
    let capabilities: String
  }

  private(set) var rules: Set<Rule> = []
  private(set) var capabilities: Set<Capability> = []

  init(_ reader: JSONReader) throws(Problem) {
    guard reader.value != .null else { return }
    for rule in try reader.elements(atMost: 100_000) {
      try rule.closed("SrcIPs", "DstPorts", "IPProto", "CapGrant")
      let sources = try Self.addresses(try rule.member("SrcIPs"))
      if let ports = try rule.optional("DstPorts"), ports.value != .null { try add(rule, ports, sources) }
      if let grants = try rule.optional("CapGrant"), grants.value != .null {
        for grant in try grants.elements(atMost: 100_000) {
          capabilities.insert(
            Capability(
              sources: sources, destinations: try Self.addresses(try grant.member("Dsts")),
              capabilities: try grant.member("CapMap").value.canonicalText))
        }
      }
    }
  }

  private mutating func add(_ rule: JSONReader, _ ports: JSONReader, _ sources: AddressSet) throws(Problem) {
    var protocols: [Int64] = [1, 6, 17, 58]
    if let named = try rule.optional("IPProto"), named.value != .null {
      protocols = try named.elements().map { number throws(Problem) in try number.integer() }
    }
    let openings = try ports.elements(atMost: 1_000_000).map { entry throws(Problem) in
      let range = try entry.member("Ports")
      return Opening(
        first: try range.member("First").integer(), last: try range.member("Last").integer(),
        addresses: try Self.addresses(try entry.member("IP").text()))
    }
    rules.insert(
      Rule(sources: sources, protocols: Set(protocols).sorted(), destinations: Self.merged(openings)))
  }

  private static func addresses(_ reader: JSONReader) throws(Problem) -> AddressSet {
    .union(try reader.elements(atMost: 1_000_000).map { text throws(Problem) in try addresses(try text.text()) })
  }

  private static func addresses(_ text: String) throws(Problem) -> AddressSet {
    text == "*" ? .everything : AddressSet([try AddressRange(text)])
  }

  /// The same openings, cut at every port where one begins or ends, and merged where the addresses are the same.
  private static func merged(_ openings: [Opening]) -> [Opening] {
    let cuts = Set(openings.flatMap { [$0.first, $0.last + 1] }).sorted()
    var result: [Opening] = []
    for (first, next) in zip(cuts, cuts.dropFirst()) {
      let addresses = AddressSet.union(openings.filter { $0.first <= first && next - 1 <= $0.last }.map(\.addresses))
      guard !addresses.isEmpty else { continue }
      if let last = result.last, last.last == first - 1, last.addresses == addresses {
        result[result.count - 1] = Opening(first: last.first, last: next - 1, addresses: addresses)
      } else {
        result.append(Opening(first: first, last: next - 1, addresses: addresses))
      }
    }
    return result
  }

  /// Counts, for a list of failures.
  func difference(from wanted: FilterForm) -> String {
    "rules \(rules.subtracting(wanted.rules).count) too many, \(wanted.rules.subtracting(rules).count) missing;"
      + " capabilities \(capabilities.subtracting(wanted.capabilities).count) too many,"
      + " \(wanted.capabilities.subtracting(capabilities).count) missing"
  }
}

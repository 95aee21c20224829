public import Diagnostics
import StrictJSON

extension CompiledPolicy {
  /// Throws `policy.domain` where the policy names every user of a domain, or the part of an address before its domain,
  /// and no user of the mesh has an address there: the rule would name nobody, today and by mistake.
  ///
  /// The services refuse such a policy too; they know the domains of a network, and here its users are what is known.
  public func requireDomains() throws(Problem) {
    let known = Set(
      topology.users.compactMap { user in
        user.email.lastIndex(of: "@").map { user.email[user.email.index(after: $0)...].lowercased() }
      })
    for (domain, pointer) in policy.domains where !known.contains(domain.lowercased()) {
      throw .malformed(
        "policy.domain", "no user of the mesh has an address of the domain \"\(domain)\"", place: pointer,
        hint: known.isEmpty ? "no user has an address" : "one of: \(known.sorted().prefix(12).joined(separator: ", "))")
    }
  }
}

extension NetworkPolicy {
  /// The domains that rules, groups and login users name, each with the place that names it.
  var domains: [(domain: String, pointer: String)] {
    func named(_ selectors: [Selector], _ pointer: String) -> [(domain: String, pointer: String)] {
      selectors.compactMap { if case .domain(let domain) = $0 { (domain, pointer) } else { nil } }
    }
    var domains = groups.sorted { $0.key < $1.key }.flatMap { name, members in
      named(members, "/groups/\(JSONPointer.escape(name))")
    }
    for rule in rules {
      domains += named(rule.sources + rule.targets.map(\.selector) + rule.destinations, rule.pointer)
    }
    for rule in ssh {
      domains += named(rule.sources + rule.destinations, rule.pointer)
      for case let domain? in rule.users.map(Selector.localpartDomain) where !domain.isEmpty {
        domains.append((String(domain), rule.pointer))
      }
    }
    for entry in nodeAttributes { domains += named(entry.targets, entry.pointer) }
    return domains
  }
}

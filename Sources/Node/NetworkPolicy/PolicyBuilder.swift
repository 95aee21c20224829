import NetworkTypes
import StrictJSON

/// Lowers a policy to terms, and hands each term to the nodes that it concerns.
struct PolicyBuilder {
  private var index: SelectorIndex
  private let policy: NetworkPolicy
  private let topology: Topology
  private var terms: [PolicyTables.Term] = []
  private var sources: [SourceSet] = []
  private var sourceIDs: [SourceSet: UInt32] = [:]
  private var sourcesOfLists: [Set<Selector>: UInt32] = [:]
  private var protocolIDs: [[IPProtocol]: UInt32] = [:]
  private var protocols: [[IPProtocol]] = []
  private var ownSourcesByName: [String: UInt32] = [:]
  private(set) var audiences: Audiences
  /// For each slot that a rule to `autogroup:self` concerns, the number of its user's addresses.
  private(set) var ownSources: [Int32: UInt32] = [:]

  init(_ policy: NetworkPolicy, _ topology: Topology) {
    self.policy = policy
    self.topology = topology
    index = SelectorIndex(policy: policy, topology: topology)
    audiences = Audiences(slots: topology.slots.count)
  }

  var tables: PolicyTables {
    PolicyTables(policy: policy, topology: topology, terms: terms, sources: sources, protocols: protocols)
  }

  mutating func build() {
    for (number, rule) in policy.rules.enumerated() {
      let source = source(of: rule.sources)
      if !sources[Int(source)].isEmpty {
        for target in rule.targets { add(target, of: rule, number, source) }
      }
      // Via routes packets; a capability travels no route.
      if rule.application != nil, rule.via.isEmpty { addCapabilities(of: rule, number, source) }
    }
  }

  // MARK: terms

  private mutating func add(
    _ target: NetworkPolicy.Target, of rule: NetworkPolicy.Rule, _ number: Int, _ source: UInt32
  ) {
    guard let (audience, destination) = audience(of: target.selector, rule) else { return }
    terms.append(
      PolicyTables.Term(
        rule: UInt32(number), position: UInt32(target.position), protocols: protocolID(target.protocols),
        ports: target.ports, destination: destination))
    let isOwn = target.selector == .autogroup(.own)
    audiences.add(
      CompiledPolicy.Entry(term: UInt32(terms.count - 1), source: isOwn ? CompiledPolicy.Entry.own : source),
      to: audience)
  }

  /// Who has the destination, and what is opened there; nil where nobody has it.
  private mutating func audience(
    of selector: Selector, _ rule: NetworkPolicy.Rule
  ) -> (number: Int, destination: PolicyTables.Destination)? {
    let via = Set(rule.via)
    let routers = Set(via.flatMap { index.tagged[$0] ?? [] })
    switch selector {
    case .autogroup(.internet):
      let exits = via.isEmpty ? index.exits : index.exits.filter(routers.contains)
      return (audiences.number(.exits(via: via)) { exits }, .internet)
    case .range, .host:
      guard let range = range(of: selector) else { return nil }
      guard via.isEmpty else {
        let carriers = index.resolve(selector).carriers.filter(routers.contains)
        return (audiences.number(.carriers(selector, via: via)) { carriers }, .routed(range))
      }
      if let known = audiences.known(.holders(selector)) { return (known, .range(range)) }
      let holders = holders(selector)
      return (audiences.number(.holders(selector)) { holders }, .range(range))
    default:
      // Nodes and everything are reached without a router: nothing lies behind `via` there.
      guard via.isEmpty else { return nil }
      switch selector {
      case .everything: return (everyone(), .everything)
      case .autogroup(.own): return (users(of: rule.sources), .own)
      default:
        let members = index.resolve(selector).members
        return (audiences.number(.members(selector)) { members }, .own)
      }
    }
  }

  private func range(of selector: Selector) -> AddressRange? {
    switch selector {
    case .range(let range): range
    case .host(let name): policy.hosts[name]
    default: nil
    }
  }

  /// The nodes that have or carry an address of a range, each once.
  private mutating func holders(_ selector: Selector) -> [Int32] {
    let resolved = index.resolve(selector)
    let members = Set(resolved.members)
    return resolved.members + resolved.carriers.filter { !members.contains($0) }
  }

  private mutating func everyone() -> Int {
    audiences.number(.everyone) { topology.slots.indices.filter { topology.slots[$0] != nil }.map { Int32($0) } }
  }

  private mutating func protocolID(_ list: [IPProtocol]) -> UInt32 {
    if let known = protocolIDs[list] { return known }
    protocolIDs[list] = UInt32(protocols.count)
    protocols.append(list)
    return UInt32(protocols.count - 1)
  }

  // MARK: sources

  /// The number of the set of addresses that the selectors mean together; equal sets have one number.
  private mutating func source(of selectors: [Selector]) -> UInt32 {
    let key = Set(selectors)
    if let known = sourcesOfLists[key] { return known }
    var sets: [AddressSet] = []
    for selector in key { sets.append(index.resolve(selector).addresses) }
    let number = intern(SourceSet(sets))
    sourcesOfLists[key] = number
    return number
  }

  /// Sources of several sets have a number of their own each: to compare them would be to unite them.
  private mutating func intern(_ set: SourceSet) -> UInt32 {
    if set.isSingle, let known = sourceIDs[set] { return known }
    if set.isSingle { sourceIDs[set] = UInt32(sources.count) }
    sources.append(set)
    return UInt32(sources.count - 1)
  }

  /// The nodes of all users that the sources of a rule to `autogroup:self` name: users, groups and `*` alone, so
  /// identity says it without addresses. Each node knows the addresses of its own user.
  private mutating func users(of selectors: [Selector]) -> Int {
    if let known = audiences.known(.users(Set(selectors))) { return known }
    var names: Set<String> = []
    for selector in selectors {
      if selector == .everything {
        names.formUnion(index.owned.keys)
      } else {
        for slot in index.resolve(selector).members { names.insert(topology.slots[Int(slot)]?.user ?? "") }
      }
    }
    var slots: [Int32] = []
    for name in names.sorted() {
      guard let owned = index.owned[name] else { continue }
      slots += owned
      if ownSourcesByName[name] == nil {
        let source = intern(SourceSet([index.addresses(of: owned)]))
        ownSourcesByName[name] = source
        for slot in owned { ownSources[slot] = source }
      }
    }
    return audiences.number(.users(Set(selectors))) { slots }
  }

  // MARK: capabilities

  private mutating func addCapabilities(of rule: NetworkPolicy.Rule, _ number: Int, _ source: UInt32) {
    var reached: [AddressSet] = []
    for selector in rule.destinations where selector != .autogroup(.own) {
      guard let audience = audience(of: selector, rule) else { continue }
      reached.append(index.resolve(selector).addresses)
      audiences.add(
        CapabilityEntry(
          rule: UInt32(number), companion: nil, source: source, within: range(of: selector).map { [$0] }),
        to: audience.number)
    }
    for (word, companion) in CapabilityEntry.companions where rule.application?[word] != nil {
      if !reached.isEmpty { addCompanions(of: rule, number, companion, intern(SourceSet(reached))) }
    }
    guard rule.destinations.contains(.autogroup(.own)) else { return }
    let own = users(of: rule.sources)
    let halves = [nil] + CapabilityEntry.companions.filter { rule.application?[$0.0] != nil }.map { $0.1 as String? }
    for companion in halves {
      audiences.add(
        CapabilityEntry(
          rule: UInt32(number), companion: companion, source: CompiledPolicy.Entry.own, within: nil), to: own)
    }
  }

  /// The other half of a capability that has two: the nodes of the source learn who may answer them.
  private mutating func addCompanions(
    of rule: NetworkPolicy.Rule, _ number: Int, _ companion: String, _ reached: UInt32
  ) {
    let key = Set(rule.sources)
    let isEveryone = key.contains(.everything) || key.contains(.autogroup(.dangerAll))
    var named: Set<Int32> = []
    for selector in key where range(of: selector) == nil { named.formUnion(index.resolve(selector).members) }
    let requesters = isEveryone ? everyone() : audiences.number(.requesters(key)) { named.sorted() }
    audiences.add(
      CapabilityEntry(rule: UInt32(number), companion: companion, source: reached, within: nil), to: requesters)
    guard !isEveryone else { return }
    for selector in key {
      guard let range = range(of: selector) else { continue }
      let others = holders(.range(range)).filter { !named.contains($0) }
      audiences.add(
        CapabilityEntry(rule: UInt32(number), companion: companion, source: reached, within: [range]),
        to: audiences.number(.otherHolders(.range(range), than: key)) { others })
    }
  }
}

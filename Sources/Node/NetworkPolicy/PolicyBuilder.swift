import NetworkTypes
import StrictJSON

/// Lowers a policy to terms, and hands each term to the nodes that it concerns.
struct PolicyBuilder {
  private var index: SelectorIndex
  private let policy: NetworkPolicy
  private let topology: Topology
  private var terms: [PolicyTables.Term] = []
  private var sources: [AddressSet] = []
  private var sourceIDs: [AddressSet: UInt32] = [:]
  private var sourcesOfLists: [Set<Selector>: UInt32] = [:]
  private var protocolIDs: [[IPProtocol]: UInt32] = [:]
  private var protocols: [[IPProtocol]] = []
  /// The sources of `autogroup:self` by user, for each list of sources.
  private var ownSources: [Set<Selector>: [(slots: [Int32], source: UInt32)]] = [:]
  private var ownSourcesByName: [String: UInt32] = [:]
  private(set) var entries: [[CompiledPolicy.Entry]]
  private(set) var common: [CompiledPolicy.Entry] = []
  private(set) var capabilities: [Int32: [CapabilityEntry]] = [:]

  init(_ policy: NetworkPolicy, _ topology: Topology) {
    self.policy = policy
    self.topology = topology
    index = SelectorIndex(policy: policy, topology: topology)
    entries = Array(repeating: [], count: topology.slots.count)
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
    func entry(_ builder: inout PolicyBuilder, _ destination: PolicyTables.Destination) -> UInt32 {
      builder.terms.append(
        PolicyTables.Term(
          rule: UInt32(number), position: UInt32(target.position), protocols: builder.protocolID(target.protocols),
          ports: target.ports, destination: destination))
      return UInt32(builder.terms.count - 1)
    }
    guard rule.via.isEmpty else {
      let routers = Set(rule.via.flatMap { index.tagged[$0] ?? [] })
      switch target.selector {
      case .autogroup(.internet):
        give(index.exits.filter(routers.contains), entry(&self, .internet), source)
      case .range(let range):
        give(index.resolve(target.selector).carriers.filter(routers.contains), entry(&self, .routed(range)), source)
      case .host(let name):
        guard let range = policy.hosts[name] else { return }
        give(index.resolve(target.selector).carriers.filter(routers.contains), entry(&self, .routed(range)), source)
      default: break  // Nodes and everything are reached without a router: nothing lies behind `via` there.
      }
      return
    }
    switch target.selector {
    case .everything: common.append(CompiledPolicy.Entry(term: entry(&self, .everything), source: source))
    case .autogroup(.internet): give(index.exits, entry(&self, .internet), source)
    case .autogroup(.own):
      let term = entry(&self, .own)
      for own in ownSources(of: rule.sources) { give(own.slots, term, own.source) }
    case .range(let range): give(holders(target.selector), entry(&self, .range(range)), source)
    case .host(let name):
      guard let range = policy.hosts[name] else { return }
      give(holders(target.selector), entry(&self, .range(range)), source)
    case .user, .domain, .group, .tag, .autogroup:
      give(index.resolve(target.selector).members, entry(&self, .own), source)
    }
  }

  private mutating func give(_ slots: [Int32], _ term: UInt32, _ source: UInt32) {
    for slot in slots { entries[Int(slot)].append(CompiledPolicy.Entry(term: term, source: source)) }
  }

  /// The nodes that have or carry an address of a range, each once.
  private mutating func holders(_ selector: Selector) -> [Int32] {
    let resolved = index.resolve(selector)
    let members = Set(resolved.members)
    return resolved.members + resolved.carriers.filter { !members.contains($0) }
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
    let number = intern(AddressSet.union(sets))
    sourcesOfLists[key] = number
    return number
  }

  private mutating func intern(_ set: AddressSet) -> UInt32 {
    if let known = sourceIDs[set] { return known }
    sourceIDs[set] = UInt32(sources.count)
    sources.append(set)
    return UInt32(sources.count - 1)
  }

  /// For each user: the nodes, and which of them the sources name. Users of whom they name none are left out.
  ///
  /// The sources of a rule to `autogroup:self` are users, groups and `*` alone, so identity says it without addresses.
  private mutating func ownSources(of selectors: [Selector]) -> [(slots: [Int32], source: UInt32)] {
    let key = Set(selectors)
    if let known = ownSources[key] { return known }
    var names: Set<String> = []
    for selector in key {
      if selector == .everything {
        names.formUnion(index.owned.keys)
      } else {
        for slot in index.resolve(selector).members { names.insert(topology.slots[Int(slot)]?.user ?? "") }
      }
    }
    var result: [(slots: [Int32], source: UInt32)] = []
    for name in names.sorted() {
      guard let slots = index.owned[name] else { continue }
      result.append((slots, ownSource(of: name, slots)))
    }
    ownSources[key] = result
    return result
  }

  /// The addresses of a user's nodes.
  private mutating func ownSource(of name: String, _ slots: [Int32]) -> UInt32 {
    if let known = ownSourcesByName[name] { return known }
    let source = intern(index.addresses(of: slots))
    ownSourcesByName[name] = source
    return source
  }

  // MARK: capabilities

  private mutating func addCapabilities(of rule: NetworkPolicy.Rule, _ number: Int, _ source: UInt32) {
    var reached: [AddressSet] = []
    for selector in rule.destinations where selector != .autogroup(.own) {
      let resolved = index.resolve(selector)
      let range: AddressRange? =
        switch selector {
        case .range(let range): range
        case .host(let name): policy.hosts[name]
        default: nil
        }
      reached.append(resolved.addresses)
      let slots = selector == .everything ? allSlots : range == nil ? resolved.members : holders(selector)
      give(slots, CapabilityEntry(rule: UInt32(number), companion: nil, source: source, within: range.map { [$0] }))
    }
    for (word, companion) in CapabilityEntry.companions where rule.application?[word] != nil {
      if !reached.isEmpty { giveCompanions(of: rule, number, companion, intern(AddressSet.union(reached))) }
    }
    guard rule.destinations.contains(.autogroup(.own)) else { return }
    for own in ownSources(of: rule.sources) {
      give(own.slots, CapabilityEntry(rule: UInt32(number), companion: nil, source: own.source, within: nil))
      for (word, companion) in CapabilityEntry.companions where rule.application?[word] != nil {
        give(own.slots, CapabilityEntry(rule: UInt32(number), companion: companion, source: own.source, within: nil))
      }
    }
  }

  /// The other half of a capability that has two: the nodes of the source learn who may answer them.
  private mutating func giveCompanions(
    of rule: NetworkPolicy.Rule, _ number: Int, _ companion: String, _ reached: UInt32
  ) {
    let isEveryone = rule.sources.contains { $0 == .everything || $0 == .autogroup(.dangerAll) }
    var ranges: [AddressRange] = []
    var slots: Set<Int32> = []
    for selector in rule.sources {
      switch selector {
      case .range(let range): ranges.append(range)
      case .host(let name): ranges += policy.hosts[name].map { [$0] } ?? []
      default: slots.formUnion(index.resolve(selector).members)
      }
    }
    if isEveryone { slots = Set(allSlots) }
    give(
      slots.sorted(), CapabilityEntry(rule: UInt32(number), companion: companion, source: reached, within: nil))
    for range in ranges {
      let holders = holders(.range(range)).filter { !slots.contains($0) }
      give(holders, CapabilityEntry(rule: UInt32(number), companion: companion, source: reached, within: [range]))
    }
  }

  private var allSlots: [Int32] { topology.slots.indices.filter { topology.slots[$0] != nil }.map { Int32($0) } }

  private mutating func give(_ slots: [Int32], _ entry: CapabilityEntry) {
    for slot in slots { capabilities[slot, default: []].append(entry) }
  }
}

public import Diagnostics
import NetworkTypes

/// What came of one assertion of a policy's `tests` or `sshTests`.
public struct TestOutcome: Sendable, Hashable {
  /// The JSON pointer of the entry.
  public let pointer: String
  /// The requester, as written.
  public let source: String
  /// The destination, as written.
  public let destination: String
  /// What was asserted: `accept`, `deny` or `check`.
  public let expectation: String
  /// Why it does not hold; nil where it holds.
  public let failure: String?
}

extension CompiledPolicy {
  /// Judges every assertion of `tests` and `sshTests`.
  ///
  /// An assertion speaks of every address of its requester and of its destination, family by family: `accept` holds
  /// when all may connect, `deny` when none may. So a group of which one member is let in fulfils neither. The
  /// destination need not be a node of the topology: what is judged is the policy. Without `proto`, TCP or UDP suffices
  /// for `accept`, and both must be denied for `deny`.
  public func runTests() -> [TestOutcome] {
    var run = TestRun(policy, topology)
    for test in policy.tests { run.judge(test) }
    for test in policy.sshTests { run.judge(test) }
    return run.outcomes
  }

  /// Throws `policy.domain` (65) for a domain that no user of the mesh has, and `policy.test-failed` (78) for the first
  /// assertion that does not hold.
  public func requireTests() throws(Problem) {
    try requireDomains()
    guard let failed = runTests().first(where: { $0.failure != nil }) else { return }
    throw .refused(
      "policy.test-failed", "test(s) failed", place: failed.pointer,
      hint: "\(failed.source) -> \(failed.destination): \(failed.failure ?? "")")
  }
}

/// One run over the assertions of a policy.
struct TestRun {
  private var index: SelectorIndex
  private let policy: NetworkPolicy
  private let topology: Topology
  private var unions: [Set<Selector>: AddressSet] = [:]
  private(set) var outcomes: [TestOutcome] = []

  init(_ policy: NetworkPolicy, _ topology: Topology) {
    self.policy = policy
    self.topology = topology
    index = SelectorIndex(policy: policy, topology: topology)
  }

  mutating func judge(_ test: NetworkPolicy.Test) {
    for destination in test.accept { judge(test, destination, isAccept: true) }
    for destination in test.deny { judge(test, destination, isAccept: false) }
  }

  private mutating func judge(_ test: NetworkPolicy.Test, _ destination: NetworkPolicy.Test.Destination, isAccept: Bool)
  {
    outcomes.append(
      TestOutcome(
        pointer: test.pointer, source: "\(test.source)", destination: destination.text,
        expectation: isAccept ? "accept" : "deny", failure: failure(test, destination, isAccept: isAccept)))
  }

  private mutating func failure(
    _ test: NetworkPolicy.Test, _ destination: NetworkPolicy.Test.Destination, isAccept: Bool
  ) -> String? {
    let pairs = pairs(test.source, destination.selector)
    guard !pairs.isEmpty else { return "source and destination have no address of one family" }
    let protocols = test.ipProtocol.map { [$0] } ?? [.tcp, .udp]
    for (source, target) in pairs {
      let allowed = AddressSet.union(
        protocols.map { reaching(target, $0, destination.port) })
      if isAccept, !source.subtracting(allowed).isEmpty { return "expected to be allowed, is denied" }
      if !isAccept, !source.intersection(allowed).isEmpty { return "expected to be denied, is allowed" }
    }
    return nil
  }

  /// Requesters and one destination each, of one family.
  private mutating func pairs(_ source: Selector, _ destination: Selector) -> [(AddressSet, AddressRange)] {
    if destination == .autogroup(.own) {
      let slots = index.resolve(source).members.filter { topology.slots[Int($0)]?.isUserOwned ?? false }
      return slots.flatMap { slot -> [(AddressSet, AddressRange)] in
        guard let node = topology.slots[Int(slot)], let user = node.user else { return [] }
        let targets = index.addresses(of: index.owned[user] ?? []).ranges.flatMap { [$0.lower, $0.upper] }
        return pairs(AddressSet(node.addresses), Set(targets).map { AddressRange($0) })
      }
    }
    let addresses = index.resolve(source).addresses
    switch destination {
    case .range(let range): return pairs(addresses, [range])
    case .host(let name): return pairs(addresses, policy.hosts[name].map { [$0] } ?? [])
    case .everything: return pairs(addresses, MeshRange.everyone.ranges)
    default:
      let slots = index.resolve(destination).members
      return pairs(addresses, slots.flatMap { topology.slots[Int($0)]?.addresses ?? [] }.map { AddressRange($0) })
    }
  }

  private func pairs(_ sources: AddressSet, _ targets: [AddressRange]) -> [(AddressSet, AddressRange)] {
    let family = { (family: IPAddress.Family) in AddressSet(sources.ranges.filter { $0.family == family }) }
    let (four, six) = (family(.v4), family(.v6))
    return targets.compactMap { target in
      let source = target.family == .v4 ? four : six
      return source.isEmpty ? nil : (source, target)
    }
  }

  /// Who may reach every address of the range.
  private mutating func reaching(_ target: AddressRange, _ kind: IPProtocol, _ port: UInt16) -> AddressSet {
    var sets: [AddressSet] = []
    for rule in policy.rules {
      for opened in rule.targets where opened.protocols.contains(kind) {
        guard !kind.hasPorts || opened.ports.contains(where: { $0.contains(port) }) else { continue }
        let sources = union(rule.sources)
        if opened.selector == .autogroup(.own), rule.via.isEmpty {
          sets.append(sources.intersection(sameUser(as: target)))
        } else if opens(opened.selector, via: rule.via, target) {
          sets.append(sources)
        }
      }
    }
    return .union(sets)
  }

  private mutating func union(_ selectors: [Selector]) -> AddressSet {
    let key = Set(selectors)
    if let known = unions[key] { return known }
    var sets: [AddressSet] = []
    for selector in key { sets.append(index.resolve(selector).addresses) }
    let union = AddressSet.union(sets)
    unions[key] = union
    return union
  }

  private mutating func opens(_ selector: Selector, via: [String], _ target: AddressRange) -> Bool {
    let wanted = AddressSet([target])
    guard via.isEmpty else {
      let routers = Set(via.flatMap { index.tagged[$0] ?? [] })
      if selector == .autogroup(.internet) {
        return index.exits.contains(where: routers.contains) && wanted.subtracting(MeshRange.internet).isEmpty
      }
      let carried = index.routes.filter { routers.contains($0.slot) }.map(\.range)
      return wanted.subtracting(index.resolve(selector).addresses.intersection(AddressSet(carried))).isEmpty
    }
    switch selector {
    case .everything: return true
    case .autogroup(.internet): return wanted.subtracting(MeshRange.internet).isEmpty
    default: return wanted.subtracting(index.resolve(selector).addresses).isEmpty
    }
  }

  /// The addresses of the nodes of the user to whom the addresses belong.
  private mutating func sameUser(as target: AddressRange) -> AddressSet {
    let slots = index.resolve(.range(target)).members
    guard let node = slots.first.flatMap({ topology.slots[Int($0)] }), node.isUserOwned, let user = node.user,
      target.lower == target.upper
    else { return AddressSet() }
    return index.addresses(of: index.owned[user] ?? [])
  }
}

// MARK: ssh

extension TestRun {
  mutating func judge(_ test: NetworkPolicy.SSHTest) {
    for (expectation, users) in [("accept", test.accept), ("deny", test.deny), ("check", test.check)] {
      for user in users {
        for destination in test.destinations {
          outcomes.append(
            TestOutcome(
              pointer: test.pointer, source: "\(test.source)", destination: "\(user)@\(destination)",
              expectation: expectation, failure: failure(test.source, destination, user, expectation)))
        }
      }
    }
  }

  private mutating func failure(
    _ source: Selector, _ destination: Selector, _ user: String, _ expectation: String
  ) -> String? {
    let sources = index.resolve(source).members
    guard !sources.isEmpty else { return "the source has no node" }
    for slot in sources {
      guard let requester = topology.slots[Int(slot)] else { continue }
      let targets =
        destination == .autogroup(.own)
        ? requester.isUserOwned ? index.owned[requester.user ?? ""] ?? [] : [] : index.resolve(destination).members
      guard !targets.isEmpty else { return "the destination has no node" }
      for target in targets {
        let actions = actions(slot, target, user)
        switch expectation {
        case "accept" where actions.isEmpty: return "expected to be allowed, is denied"
        case "check" where !actions.contains(.check): return "expected to be checked, is not"
        case "deny" where !actions.isEmpty: return "expected to be denied, is allowed"
        default: continue
        }
      }
    }
    return nil
  }

  /// What the rules say that match; none denies.
  private mutating func actions(_ source: Int32, _ target: Int32, _ user: String) -> Set<NetworkPolicy.SSHRule.Action> {
    var actions: Set<NetworkPolicy.SSHRule.Action> = []
    guard let requester = topology.slots[Int(source)], let host = topology.slots[Int(target)] else { return [] }
    for rule in policy.ssh {
      guard rule.sources.contains(where: { index.resolve($0).members.contains(source) }),
        rule.destinations.contains(where: {
          $0 == .autogroup(.own)
            ? requester.isUserOwned && host.isUserOwned && requester.user == host.user
            : index.resolve($0).members.contains(target)
        }), rule.users.contains(where: { matches($0, user, requester) })
      else { continue }
      actions.insert(rule.action)
    }
    return actions
  }

  /// Whether the entry of `users` lets the login user in: `localpart:*@domain` is the name before the `@` of the
  /// requester's own address.
  private func matches(_ entry: String, _ user: String, _ requester: Topology.Node) -> Bool {
    // Nobody logs in without a name, whatever a rule lets in.
    guard !user.isEmpty else { return false }
    if entry == Autogroup.nonroot.rawValue { return user != "root" }
    if let domain = Selector.localpartDomain(entry), !domain.isEmpty {
      guard requester.isUserOwned, let owner = topology.users.first(where: { $0.name == requester.user }) else {
        return false
      }
      return owner.email.lowercased() == "\(user)@\(domain)".lowercased()
    }
    return entry == user
  }
}

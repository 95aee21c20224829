import Diagnostics
import NetworkTypes
import StrictJSON

// MARK: acls

extension NetworkPolicy {
  mutating func readRules(_ document: JSONReader) throws(Problem) {
    for reader in try document.list("acls") { try add(try accessRule(reader), at: reader) }
  }

  /// Adds a rule. A grant of many destinations and many services is their product, so the whole policy has a limit.
  private mutating func add(_ rule: Rule, at reader: JSONReader) throws(Problem) {
    targets += rule.targets.count
    guard targets <= Self.targets else {
      throw reader.problem(
        "policy.too-large", "the rules have more than \(Self.targets) pairs of destinations and services",
        hint: "name groups, tags and ranges where single entries stand")
    }
    rules.append(rule)
  }

  private func accessRule(_ reader: JSONReader) throws(Problem) -> Rule {
    try reader.known("action", "proto", "src", "dst")
    let action = try reader.given("action")?.text(atMost: 64) ?? ""
    guard action == "accept" else {
      throw (try reader.given("action") ?? reader).problem(
        "policy.action", "action=\"\(action)\" is not supported",
        hint: "write accept; what no rule accepts is denied already")
    }
    let protocols = try ipProtocols(reader)
    let sources = try sources(reader)
    _ = try reader.required("dst")
    var targets: [Target] = []
    for (position, entry) in try reader.strings("dst").enumerated() {
      let (selector, ports) = try destination(entry.text, at: entry.at)
      try requirePorts(ports, of: protocols, at: entry.at)
      if selector == .autogroup(.own) { try Self.requireUsers(sources, allowsEverything: true, at: entry.at) }
      targets.append(
        Target(
          selector: selector, protocols: protocols ?? IPProtocol.unnamed, ports: ports, position: position))
    }
    return Rule(
      pointer: reader.pointer, sources: sources, targets: targets, via: [], application: nil, destinations: [])
  }

  private func sources(_ reader: JSONReader) throws(Problem) -> [Selector] {
    _ = try reader.required("src")
    return try reader.strings("src").map { entry throws(Problem) in
      try selector(entry.text, .source, prefix: "src=", at: entry.at)
    }
  }

  /// `proto`: one name or number; nil where it is missing or empty.
  func ipProtocols(_ reader: JSONReader) throws(Problem) -> [IPProtocol]? {
    guard let member = try reader.given("proto") else { return nil }
    let text = try member.text(atMost: 64)
    return text.isEmpty ? nil : [try ipProtocol(text, at: member)]
  }

  func ipProtocol(_ text: String, at reader: JSONReader) throws(Problem) -> IPProtocol {
    guard let found = IPProtocol(text) else {
      let message =
        if text == "*" {
          "proto name \"*\" not known; use protocol number 0-255 or protocol name (icmp, tcp, udp, etc.)"
        } else if text.utf8.first == UInt8(ascii: "0") {
          "leading 0 not permitted in protocol number \"\(text)\""
        } else {
          "proto name \"\(text)\" not known; use protocol number 0-255 or protocol name (icmp, tcp, udp, etc.)"
        }
      throw reader.problem(
        "policy.protocol", message, hint: "one of \(IPProtocol.accepted); leave it out for all four usual ones")
    }
    return found
  }

  /// Ports stand beside TCP, UDP and SCTP alone: a rule for another protocol that names one would mean nothing.
  private func requirePorts(_ ports: [PortRange], of protocols: [IPProtocol]?, at reader: JSONReader) throws(Problem) {
    guard let without = protocols?.first(where: { !$0.hasPorts }), ports != [.all] else { return }
    throw reader.problem(
      "policy.protocol-ports", "protocol \"\(without)\" does not support specific ports, only \"*\" is allowed",
      hint: "end the destination with :*")
  }

  /// `host:ports`; an IPv6 address may stand in brackets.
  func destination(_ text: String, at reader: JSONReader) throws(Problem) -> (Selector, [PortRange]) {
    let trimmed = Selector.trimmed(text)
    guard let colon = trimmed.lastIndex(of: ":"), colon > trimmed.startIndex else {
      throw reader.problem(
        "policy.ports", "dst=\"\(text)\": hostport must contain a colon", hint: "write \(text):22 or \(text):*")
    }
    let portText = trimmed[trimmed.index(after: colon)...]
    let host = try unbracketed(trimmed[..<colon], in: text, at: reader)
    let ports: [PortRange]
    do throws(PortProblem) { ports = try PortRange.list(portText) } catch {
      throw reader.problem(
        "policy.ports", "dst=\"\(text)\": port range \"\(portText)\": \(error.sentence)",
        hint: "after the last colon: *, 22, 80-443 or 22,80-443")
    }
    return (try selector(host, .destination, prefix: "dst=\"\(host)\": ", at: reader), ports)
  }

  /// `[2001:db8::1]` and `[2001:db8::]/32` without their brackets.
  private func unbracketed(_ host: Substring, in text: String, at reader: JSONReader) throws(Problem) -> String {
    guard host.first == "[" else { return String(host) }
    guard let end = host.lastIndex(of: "]") else { throw brackets(text, at: reader) }
    let address = host[host.index(after: host.startIndex)..<end]
    let rest = host[host.index(after: end)...]
    guard let parsed = try? IPAddress(address), parsed.family == .v6, rest.isEmpty || rest.first == "/" else {
      throw brackets(text, at: reader)
    }
    return "\(address)\(rest)"
  }

  private func brackets(_ text: String, at reader: JSONReader) -> Problem {
    reader.problem(
      "policy.brackets", "dst=\"\(text)\": square brackets are only valid around IPv6 addresses",
      hint: "write [2001:db8::1]:22")
  }
}

// MARK: grants

extension NetworkPolicy {
  mutating func readGrants(_ document: JSONReader) throws(Problem) {
    for reader in try document.list("grants") { try add(try grant(reader), at: reader) }
  }

  private func grant(_ reader: JSONReader) throws(Problem) -> Rule {
    try reader.known("src", "dst", "ip", "app", "via")
    let services = try services(reader)
    let application = try application(reader)
    guard !services.isEmpty || application != nil else {
      throw reader.problem(
        "policy.grant-empty", "ip and app can not both be empty",
        hint: "write \"ip\": [\"tcp:443\"], or \"ip\": [\"*\"]")
    }
    let sources = try sources(reader)
    _ = try reader.required("dst")
    let destinations = try reader.strings("dst").map { entry throws(Problem) in
      try grantDestination(entry, hasApplication: application != nil)
    }
    if destinations.contains(.autogroup(.own)) {
      try Self.requireUsers(sources, allowsEverything: false, at: try reader.required("dst"))
    }
    let via = try via(reader)
    let targets = destinations.enumerated().flatMap { position, selector in
      services.map { Target(selector: selector, protocols: $0.protocols, ports: $0.ports, position: position) }
    }
    return Rule(
      pointer: reader.pointer, sources: sources, targets: targets, via: via, application: application,
      destinations: destinations)
  }

  private func grantDestination(_ entry: (text: String, at: JSONReader), hasApplication: Bool) throws(Problem)
    -> Selector
  {
    let selector = try selector(entry.text, .destination, prefix: "dst=\"\(entry.text)\": ", at: entry.at)
    if case .range(let range) = selector, range.prefix?.length == 0 {
      throw entry.at.problem(
        "policy.everything", "dst \"\(entry.text)\": to allow all IP addresses, use \"*\" or \"autogroup:internet\"",
        hint: "autogroup:internet is the internet behind exit nodes, * is the mesh besides")
    }
    if selector == .autogroup(.internet), hasApplication {
      throw entry.at.problem(
        "policy.application-internet", "cannot use app grants with autogroup:internet",
        hint: "no node of the internet could read them; write two grants")
    }
    return selector
  }

  /// `ip`: what of one protocol is written apart is one service, as in the filters of others.
  private func services(_ reader: JSONReader) throws(Problem) -> [(protocols: [IPProtocol], ports: [PortRange])] {
    var services: [(protocols: [IPProtocol], ports: [PortRange])] = []
    for (text, at) in try reader.strings("ip") {
      let (protocols, ports) = try service(text, at: at)
      if let known = services.firstIndex(where: { $0.protocols == protocols }) {
        services[known].ports += ports
      } else {
        services.append((protocols, ports))
      }
    }
    return services
  }

  private func service(_ text: String, at reader: JSONReader) throws(Problem) -> ([IPProtocol], [PortRange]) {
    let parts = Selector.trimmed(text).split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2 else {
      throw reader.problem(
        "policy.service", "expected only one colon in Internet protocol and port type, got: \"\(text)\"",
        hint: "write tcp:443, 443 or *")
    }
    let protocols = parts.count == 2 ? [try ipProtocol(String(parts[0]), at: reader)] : nil
    let portText = parts[parts.count - 1]
    let ports: [PortRange]
    do throws(PortProblem) { ports = try PortRange.list(portText) } catch {
      throw reader.problem(
        "policy.ports", "port range \"\(portText)\": \(error.sentence)", hint: "*, 22, 80-443 or 22,80-443")
    }
    try requirePorts(ports, of: protocols, at: reader)
    return (protocols ?? IPProtocol.unnamed, ports)
  }

  /// The capabilities of Tailscale's own applications that a policy may grant; the others are its servers' alone.
  private static let grantable = ["drive", "relay", "webui", "kubernetes", "tsidp", "secrets"]

  private func application(_ reader: JSONReader) throws(Problem) -> JSONObject? {
    guard let member = try reader.given("app") else { return nil }
    for (name, value) in try member.members(atMost: Self.entries) {
      let slash = name.firstIndex(of: "/")
      guard !name.contains("://"), let slash, slash > name.startIndex, name.index(after: slash) < name.endIndex else {
        throw value.problem(
          "policy.capability", "capability name must have the form {domain}/{path}",
          hint: "such as example.com/cap/read")
      }
      if name[..<slash] == "tailscale.com", !Self.grantable.contains(where: { name == "tailscale.com/cap/\($0)" }) {
        throw value.problem(
          "policy.capability-domain", "capability name must not be in the tailscale.com domain",
          hint: "of that domain: \(Self.grantable.map { "cap/\($0)" }.joined(separator: ", "))")
      }
      _ = try value.elements(atMost: Self.entries)
    }
    let object = try member.object()
    return object.members.isEmpty ? nil : object
  }

  private func via(_ reader: JSONReader) throws(Problem) -> [String] {
    try reader.strings("via").map { entry throws(Problem) in
      guard case .tag(let name)? = Selector(entry.text) else {
        throw entry.at.problem("policy.via", "via can only be a tag", hint: "tag the router, and name its tag")
      }
      guard tagOwners[name] != nil else {
        throw entry.at.problem("policy.undefined-tag", "tag \"\(name)\" not found", hint: "define it in tagOwners")
      }
      return name
    }
  }
}

// MARK: what is carried

extension NetworkPolicy {
  mutating func readAutoApprovers(_ document: JSONReader) throws(Problem) {
    guard let reader = try document.given("autoApprovers") else { return }
    try reader.known("routes", "exitNode")
    for (text, value) in try reader.table("routes") {
      let prefix: Prefix
      do throws(Problem) { prefix = try Prefix(text) } catch {
        throw value.problem("policy.route", error.message, hint: error.hint ?? "write a prefix such as 10.0.0.0/8")
      }
      autoApprovers.routes[prefix] = try value.elements(atMost: Self.entries).map { element throws(Problem) in
        try owner(try element.text(atMost: 1024), element)
      }
    }
    autoApprovers.exitNode = try reader.strings("exitNode").map { entry throws(Problem) in
      try owner(entry.text, entry.at)
    }
  }

  mutating func readNodeAttributes(_ document: JSONReader) throws(Problem) {
    for reader in try document.list("nodeAttrs") {
      try reader.known("target", "attr", "app", "ipPool")
      let targets = try reader.strings("target").map { entry throws(Problem) in
        let found = try selector(entry.text, .source, prefix: "target=", at: entry.at)
        if case .autogroup(.dangerAll) = found {
          throw entry.at.problem(
            "policy.autogroup-side", "nodeAttrs target does not support this autogroup",
            hint: "autogroup:member or autogroup:tagged")
        }
        return found
      }
      for pool in try reader.strings("ipPool") { try requirePool(pool.text, at: pool.at) }
      if let application = try reader.given("app") { _ = try application.members(atMost: Self.entries) }
      nodeAttributes.append(
        NodeAttributes(pointer: reader.pointer, targets: targets, attributes: try reader.strings("attr").map(\.text)))
    }
  }

  /// A pool lies in the mesh's IPv4 range, outside of what is reserved there.
  private func requirePool(_ text: String, at reader: JSONReader) throws(Problem) {
    let prefix: Prefix
    do throws(Problem) { prefix = try Prefix(text) } catch {
      throw reader.problem("policy.pool", error.message, hint: error.hint)
    }
    guard MeshRange.v4.contains(prefix),
      !MeshRange.reserved.contains(where: { $0.contains(prefix) || prefix.contains($0) })
    else {
      throw reader.problem(
        "policy.pool", "ipPool \"\(text)\" is not a free part of \(MeshRange.v4)",
        hint: "reserved: \(MeshRange.reserved.map(\.description).joined(separator: ", "))")
    }
  }
}

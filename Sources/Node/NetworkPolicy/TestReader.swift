import Diagnostics
import NetworkTypes
import StrictJSON

// MARK: tests

extension NetworkPolicy {
  mutating func readTests(_ document: JSONReader) throws(Problem) {
    for reader in try document.list("tests") { tests.append(try test(reader)) }
  }

  private func test(_ reader: JSONReader) throws(Problem) -> Test {
    try reader.known("src", "proto", "accept", "deny")
    let source = try testSource(reader)
    let named = try ipProtocols(reader)?.first
    if let named, !named.hasPorts {
      throw failed("test protocol must be tcp, udp, sctp, or empty", "leave proto out to mean all of them", at: reader)
    }
    let accept = try destinations(try reader.strings("accept"))
    let deny = try destinations(try reader.strings("deny"))
    guard !accept.isEmpty || !deny.isEmpty else {
      throw failed(
        "a test asserts at least one of \"accept\" or \"deny\"", "write \"accept\": [\"host:22\"]", at: reader)
    }
    return Test(pointer: reader.pointer, source: source, ipProtocol: named, accept: accept, deny: deny)
  }

  /// All refusals of tests have one wording, which is that of the services; what is wrong stands behind it.
  private func failed(_ reason: String, _ hint: String?, at reader: JSONReader) -> Problem {
    reader.problem("policy.test", "test(s) failed", hint: hint.map { "\(reason): \($0)" } ?? reason)
  }

  private func testSource(_ reader: JSONReader) throws(Problem) -> Selector {
    guard let member = try reader.given("src") else {
      throw failed("a test has a \"src\"", "one requester: a user, a group, a tag, a host or an address", at: reader)
    }
    return try testSelector(member, .source)
  }

  private func testSelector(_ reader: JSONReader, _ side: Side) throws(Problem) -> Selector {
    let text = try reader.text(atMost: 1024)
    do throws(Problem) { return try selector(text, side, prefix: "\(side.rawValue)=", at: reader) } catch {
      throw failed(error.message, error.hint, at: reader)
    }
  }

  /// One connection each: one host and one port.
  private func destinations(_ entries: [(text: String, at: JSONReader)]) throws(Problem) -> [Test.Destination] {
    try entries.map { entry throws(Problem) in
      let parsed: (Selector, [PortRange])
      do throws(Problem) { parsed = try destination(entry.text, at: entry.at) } catch {
        throw failed(error.message, error.hint, at: entry.at)
      }
      guard parsed.1.count == 1, let port = parsed.1.first, port.first == port.last else {
        throw failed("test destination port must be a single port", "one entry for each port", at: entry.at)
      }
      switch parsed.0 {
      case .autogroup(.internet):
        throw failed("autogroup:internet not valid as a test destination", "name one address", at: entry.at)
      case .range(let range) where range.lower != range.upper || entry.text.contains("/"):
        throw failed("test destination must be a single host, not a CIDR range", "name one address", at: entry.at)
      case .host(let name) where hosts[name].map({ $0.lower != $0.upper }) ?? true:
        throw failed("test destination must be a single host, not a CIDR range", "name one address", at: entry.at)
      default: break
      }
      return Test.Destination(text: entry.text, selector: parsed.0, port: port.first)
    }
  }
}

// MARK: ssh

extension NetworkPolicy {
  mutating func readSSH(_ document: JSONReader) throws(Problem) {
    for reader in try document.list("ssh") { ssh.append(try sshRule(reader)) }
  }

  private func sshRule(_ reader: JSONReader) throws(Problem) -> SSHRule {
    try reader.known("action", "src", "dst", "users", "checkPeriod", "acceptEnv")
    let text = String(Selector.trimmed(try reader.given("action")?.text(atMost: 64) ?? ""))
    guard !text.isEmpty else {
      throw reader.problem("policy.ssh-action", "action must be specified", hint: "accept or check")
    }
    guard let action = SSHRule.Action(rawValue: text) else {
      throw reader.problem("policy.ssh-action", "\"\(text)\" is not a valid action", hint: "accept or check")
    }
    let users = try loginUsers(reader)
    for entry in try reader.strings("acceptEnv") where entry.text.isEmpty {
      throw entry.at.problem("policy.ssh-environment", "acceptEnv values cannot be empty", hint: "a name, or *")
    }
    try readCheckPeriod(reader, action)
    let sources = try reader.strings("src").map { entry throws(Problem) in try sshSource(entry.text, at: entry.at) }
    let destinations = try reader.strings("dst").map { entry throws(Problem) in
      try sshDestination(entry.text, from: sources, at: entry.at)
    }
    return SSHRule(
      pointer: reader.pointer, action: action, sources: sources, destinations: destinations, users: users)
  }

  private func loginUsers(_ reader: JSONReader) throws(Problem) -> [String] {
    let users = try reader.strings("users").map { ($0.at, String(Selector.trimmed($0.text))) }
    guard !users.isEmpty else {
      throw reader.problem("policy.ssh-users", "users must be specified", hint: "\"users\": [\"autogroup:nonroot\"]")
    }
    for (at, user) in users where user.isEmpty || user == "*" {
      throw at.problem(
        "policy.ssh-users", "user \"\(user)\" is not valid", hint: "autogroup:nonroot is every login user but root")
    }
    for (at, user) in users {
      guard let domain = Selector.localpartDomain(user), !domain.isEmpty, !Selector.isDomain(domain) else { continue }
      throw at.problem(
        "policy.ssh-users", "user \"\(user)\" is not valid", hint: "localpart:*@ and one domain, without another *")
    }
    return users.map(\.1)
  }

  private func readCheckPeriod(_ reader: JSONReader, _ action: SSHRule.Action) throws(Problem) {
    guard let member = try reader.given("checkPeriod") else { return }
    guard action == .check else {
      throw member.problem("policy.ssh-period", "checkPeriod is only valid with action \"check\"", hint: "leave it out")
    }
    let text = try member.text(atMost: 64)
    guard text != "always" else { return }
    guard let period = CheckPeriod(text) else {
      throw member.problem(
        "policy.ssh-period", "checkPeriod \"\(text)\" is no duration", hint: "such as 12h, 30m or always")
    }
    guard period >= CheckPeriod.least else {
      throw member.problem(
        "policy.ssh-period", "checkPeriod \(period) must be a positive duration", hint: "such as 12h, 30m or always")
    }
    guard period <= CheckPeriod.most else {
      throw member.problem("policy.ssh-period", "checkPeriod \(period) is above the max (168h)", hint: "168h at most")
    }
  }

  private func sshSource(_ text: String, at reader: JSONReader) throws(Problem) -> Selector {
    let found = try selector(text, .source, prefix: "src=", at: reader)
    switch found {
    case .user, .domain, .group, .tag, .autogroup(.member), .autogroup(.tagged): return found
    case .autogroup(let group) where group.role != nil: return found
    default:
      throw reader.problem(
        "policy.ssh-source", "alias not supported for SSH source: \"\(text)\"",
        hint: "a user, a group, a tag or an autogroup")
    }
  }

  private func sshDestination(_ text: String, from sources: [Selector], at reader: JSONReader) throws(Problem)
    -> Selector
  {
    let found = try selector(text, .destination, prefix: "dst=\"\(text)\": ", at: reader)
    let hasTags = sources.contains {
      if case .tag = $0 { true } else { $0 == .autogroup(.tagged) }
    }
    switch found {
    case .tag, .autogroup(.tagged): return found
    case .autogroup(.own) where !hasTags, .autogroup(.member) where !hasTags: return found
    case .user where !sources.isEmpty && sources.allSatisfy({ $0 == found }): return found
    case .user, .autogroup(.own), .autogroup(.member):
      throw reader.problem(
        "policy.ssh-destination", "\(text) as a destination needs the same user as its source, and no tag",
        hint: "autogroup:self for a user's own nodes, tags for shared ones")
    case .host: throw reader.problem("policy.ssh-destination", "invalid dst \"\(text)\"", hint: "tag the host")
    default:
      throw reader.problem(
        "policy.ssh-destination", "alias not supported for SSH destination: \"\(text)\"",
        hint: "a tag, autogroup:self, autogroup:member or autogroup:tagged")
    }
  }

  mutating func readSSHTests(_ document: JSONReader) throws(Problem) {
    for reader in try document.list("sshTests") { sshTests.append(try sshTest(reader)) }
  }

  private func sshTest(_ reader: JSONReader) throws(Problem) -> SSHTest {
    try reader.known("src", "dst", "accept", "deny", "check")
    let source = try testSource(reader)
    let destinations = try reader.strings("dst").map { entry throws(Problem) in
      try sshTestDestination(entry.text, at: entry.at)
    }
    guard !destinations.isEmpty else { throw failed("a test of ssh has at least one dst", nil, at: reader) }
    let test = SSHTest(
      pointer: reader.pointer, source: source, destinations: destinations,
      accept: try testedUsers(reader, "accept"), deny: try testedUsers(reader, "deny"),
      check: try testedUsers(reader, "check"))
    guard !test.accept.isEmpty || !test.deny.isEmpty || !test.check.isEmpty else {
      throw failed(
        "a test of ssh asserts at least one of \"accept\", \"deny\" or \"check\"", "\"accept\": [\"root\"]", at: reader)
    }
    return test
  }

  private func testedUsers(_ reader: JSONReader, _ key: String) throws(Problem) -> [String] {
    try reader.strings(key).map { String(Selector.trimmed($0.text)) }
  }

  private func sshTestDestination(_ text: String, at reader: JSONReader) throws(Problem) -> Selector {
    let found = try testSelector(reader, .destination)
    switch found {
    case .autogroup(.internet): throw failed("dst contains disallowed element \"\(text)\"", nil, at: reader)
    case .range(let range) where range.lower != range.upper:
      throw failed("dst contains disallowed element \"\(text)\"", nil, at: reader)
    // The services take an IPv4 address here, and let no test hold whose destination is an IPv6 address.
    case .range(let range) where range.family == .v6:
      throw failed("an IPv6 address is no dst of a test of ssh", "its IPv4 address, or a tag", at: reader)
    case .host(let name) where hosts[name].map({ $0.lower != $0.upper }) ?? true:
      throw failed("dst contains disallowed element \"\(text)\"", nil, at: reader)
    default: return found
    }
  }
}

import Diagnostics
import NetworkPolicy
import Testing

/// Every rule of the grammar with a text that is right and one that is wrong because of this rule alone.
@Suite struct PolicyReaderTests {
  private static let base = """
    "groups": {"group:a": ["ann@example.org"]}, "hosts": {"box": "10.1.2.3", "net": "10.0.0.0/8"},
    "tagOwners": {"tag:web": ["group:a"], "tag:db": ["tag:web"]}
    """

  private func read(_ members: String, base: String = PolicyReaderTests.base) throws(Problem) -> NetworkPolicy {
    try NetworkPolicy(parsing: Array("{ \(base)\(base.isEmpty || members.isEmpty ? "" : ", ")\(members) }".utf8))
  }

  private static func acl(_ source: String, _ destination: String, _ more: String = "") -> String {
    "\"acls\": [{\"action\": \"accept\", \"src\": [\"\(source)\"], \"dst\": [\"\(destination)\"]\(more)}]"
  }

  private static func grant(_ source: String, _ destination: String, _ more: String = ", \"ip\": [\"*\"]") -> String {
    "\"grants\": [{\"src\": [\"\(source)\"], \"dst\": [\"\(destination)\"]\(more)}]"
  }

  static let accepted: [String] = [
    "", "\"acls\": []", "\"grants\": [],", "\"randomizeClientPort\": true",
    acl("*", "*:*"), acl("ann@example.org", "tag:web:22"), acl("ANN@example.org", "box:22"), acl("ann@", "net:80-443"),
    acl("group:a", "tag:web:22,80-90"), acl("tag:web", "10.0.0.0/8:*"), acl("box", "[fd7a::1]:22"),
    acl("10.0.0.1-10.0.0.9", "[2001:db8::]/32:443"), acl(" tag:web ", "tag:db:1"),
    acl("autogroup:member", "autogroup:self:*"),
    acl("*", "autogroup:self:22"), acl("group:a", "autogroup:self:22"), acl("autogroup:danger-all", "tag:web:22"),
    acl("autogroup:tagged", "autogroup:internet:*"), acl("autogroup:admin", "autogroup:member:*"),
    acl("user:*@example.org", "fd7a:115c:a1e0::1:22"),
    acl("*", "*:*", ", \"proto\": \"icmp\""), acl("*", "*:22", ", \"proto\": \"TCP\""),
    acl("*", "*:22", ", \"proto\": \"17\""),
    acl("*", "*:*", ", \"proto\": \"255\""), acl("*", "*:9", ", \"proto\": \"sctp\""),
    acl("*", "*:22", ", \"proto\": \"\""),
    grant("*", "tag:web"), grant("*", "tag:web", ", \"ip\": [\"tcp:443\", \"udp:53\", \"80,8080-8090\", \"icmp:*\"]"),
    grant("*", "net", ", \"ip\": [\"*\"], \"via\": [\"tag:web\"]"),
    grant("*", "tag:web", ", \"app\": {\"example.com/cap/x\": [{\"a\": 1}]}"),
    grant("*", "tag:web", ", \"app\": {\"tailscale.com/cap/drive\": []}"),
    "\"autoApprovers\": {\"routes\": {\"10.0.0.0/8\": [\"tag:web\", \"ann@\"]}, \"exitNode\": [\"group:a\"]}",
    "\"nodeAttrs\": [{\"target\": [\"*\"], \"attr\": [\"x\"], \"ipPool\": [\"100.81.0.0/16\"]}]",
    "\"tests\": [{\"src\": \"ann@\", \"accept\": [\"tag:web:22\"], \"deny\": [\"box:22\"], \"proto\": \"udp\"}]",
    "\"ssh\": [{\"action\": \"check\", \"src\": [\"group:a\"], \"dst\": [\"tag:web\"], \"users\": [\"root\"], \"checkPeriod\": \"168h\"}]",
    "\"ssh\": [{\"action\": \"accept\", \"src\": [\"ann@\"], \"dst\": [\"ann@\", \"autogroup:self\"], \"users\": [\"x\"], \"acceptEnv\": [\"*\"]}]",
    "\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"tag:web\"], \"accept\": [\"root\"]}]",
    "\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"10.1.2.3\"], \"deny\": [\"\"]}]",
    // White space of every kind around a name is not seen, and does not count.
    acl("\\tann@ ", "\\r\\ntag:web:22\\n"), acl("\u{a0}group:a\u{3000}", "*:*"),
    // What programs write for a list or a member that is not there.
    "\"acls\": null, \"grants\": null", acl("*", "*:*", ", \"proto\": null"),
    grant("*", "*", ", \"ip\": [\"*\"], \"app\": null, \"via\": null"),
    "\"tests\": [{\"src\": \"ann@\", \"accept\": [\"box:22\"], \"deny\": null}]",
    ssh("\"checkPeriod\": null, \"acceptEnv\": null"), ssh("\"users\": [\"localpart:*@\", \"localpart:a*@b\"]"),
    ssh("\"users\": [\"localpart:*@example.org\"]"),
    "\"ssh\": [{\"action\": \" check \", \"src\": [\"ann@\", \"ANN@\"], \"dst\": [\"ann@\"], \"users\": [\" root \"]}]",
  ]

  /// An SSH rule that is right, with more members; a second `users` takes the place of the first.
  private static func ssh(_ more: String, action: String = "accept") -> String {
    let users = more.contains("\"users\"") ? "" : ", \"users\": [\"root\"]"
    return
      "\"ssh\": [{\"action\": \"\(action)\", \"src\": [\"group:a\"], \"dst\": [\"tag:web\"]\(users), \(more)}]"
  }

  @Test(arguments: accepted) func accepts(_ members: String) throws {
    _ = try read(members)
  }

  static let refused: [(String, String)] = [
    ("\"acl\": []", "policy.unknown-key"), ("\"ACLs\": []", "policy.unknown-key"),
    ("\"postures\": {}", "policy.unknown-key"),
    ("\"acls\": {}", "json.kind"), ("\"acls\": [{\"action\": \"accept\", \"dst\": []}]", "json.missing-field"),
    ("\"acls\": [{\"action\": \"accept\", \"src\": []}]", "json.missing-field"),
    ("\"acls\": [{\"src\": [], \"dst\": []}]", "policy.action"),
    ("\"acls\": [{\"action\": \"deny\", \"src\": [], \"dst\": []}]", "policy.action"),
    (acl("*", "*:*", ", \"srcPosture\": []"), "policy.unknown-key"),
    (acl("*", "*:*", ", \"#note\": 1"), "policy.unknown-key"),
    (acl("group:b", "*:*"), "policy.undefined-group"), (acl("tag:x", "*:*"), "policy.undefined-tag"),
    (acl("bix", "*:*"), "policy.undefined-host"), (acl("*", "tag:x:22"), "policy.undefined-tag"),
    (acl("", "*:*"), "policy.selector"), (acl("a:b", "*:*"), "policy.selector"),
    (acl("Tag:web", "*:*"), "policy.selector"),
    (acl("TAG:WEB", "*:*"), "policy.selector"), (acl("tag:Web", "*:*"), "policy.undefined-tag"),
    (acl("10.0.0.0/33", "*:*"), "policy.selector"), (acl("10.0.0.1/8", "*:*"), "policy.selector"),
    (acl("group:a@", "*:*"), "policy.selector"), (acl("user:*@", "*:*"), "policy.selector"),
    (acl("user:*@*.example.org", "*:*"), "policy.selector"), (acl("user:*@a@b", "*:*"), "policy.selector"),
    (ssh("\"users\": [\"localpart:*@*.example.org\"]"), "policy.ssh-users"),
    (acl("autogroup:nobody", "*:*"), "policy.autogroup"), (acl("autogroup:self", "*:*"), "policy.autogroup-side"),
    (acl("autogroup:internet", "*:*"), "policy.autogroup-side"),
    (acl("autogroup:nonroot", "*:*"), "policy.autogroup-side"),
    (acl("*", "autogroup:danger-all:*"), "policy.autogroup-side"),
    (acl("tag:web", "autogroup:self:*"), "policy.self-source"),
    (acl("10.0.0.1", "autogroup:self:*"), "policy.self-source"), (grant("*", "autogroup:self"), "policy.self-source"),
    (acl("autogroup:danger-all", "autogroup:self:*"), "policy.self-source"),
    (acl("*", "tag:web"), "policy.ports"), (acl("*", "box"), "policy.ports"), (acl("*", "box:"), "policy.ports"),
    (acl("*", "box:ssh"), "policy.ports"), (acl("*", "box:0"), "policy.ports"), (acl("*", "box:0-9"), "policy.ports"),
    (acl("*", "box:9-8"), "policy.ports"), (acl("*", "box:65536"), "policy.ports"),
    (acl("*", "box:22,"), "policy.ports"),
    (acl("*", "box:-1"), "policy.ports"), (acl("*", "box:1-"), "policy.ports"), (acl("*", "box:+1"), "policy.ports"),
    (acl("*", "[box]:22"), "policy.brackets"), (acl("*", "[10.0.0.1]:22"), "policy.brackets"),
    (acl("*", "[::1:22"), "policy.brackets"),
    (acl("*", "*:*", ", \"proto\": \"0\""), "policy.protocol"),
    (acl("*", "*:*", ", \"proto\": \"06\""), "policy.protocol"),
    (acl("*", "*:*", ", \"proto\": \"256\""), "policy.protocol"),
    (acl("*", "*:*", ", \"proto\": \"*\""), "policy.protocol"),
    (acl("*", "*:*", ", \"proto\": \"http\""), "policy.protocol"), (acl("*", "*:*", ", \"proto\": 6"), "json.kind"),
    (acl("*", "*:22", ", \"proto\": \"icmp\""), "policy.protocol-ports"),
    (acl("*", "*:22", ", \"proto\": \"47\""), "policy.protocol-ports"),
    (grant("*", "*", ""), "policy.grant-empty"), (grant("*", "*", ", \"ip\": []"), "policy.grant-empty"),
    (grant("*", "*", ", \"app\": {}"), "policy.grant-empty"), (grant("*", "0.0.0.0/0"), "policy.everything"),
    (grant("*", "::/0"), "policy.everything"), (grant("*", "*", ", \"ip\": [\"icmp:22\"]"), "policy.protocol-ports"),
    (grant("*", "*", ", \"ip\": [\"a:b:c\"]"), "policy.service"),
    (grant("*", "*", ", \"ip\": [\"tcp\"]"), "policy.ports"),
    (grant("*", "tag:web:22"), "policy.undefined-tag"),
    (grant("*", "*", ", \"ip\": [\"*\"], \"via\": [\"box\"]"), "policy.via"),
    (grant("*", "*", ", \"ip\": [\"*\"], \"via\": [\"tag:x\"]"), "policy.undefined-tag"),
    (grant("*", "*", ", \"app\": {\"https://a.example/x\": []}"), "policy.capability"),
    (grant("*", "*", ", \"app\": {\"example\": []}"), "policy.capability"),
    (grant("*", "*", ", \"app\": {\"tailscale.com/cap/ingress\": []}"), "policy.capability-domain"),
    (grant("*", "autogroup:internet", ", \"app\": {\"a.example/x\": []}"), "policy.application-internet"),
    ("\"autoApprovers\": {\"route\": {}}", "policy.unknown-key"),
    ("\"autoApprovers\": {\"routes\": {\"x\": []}}", "policy.route"),
    ("\"autoApprovers\": {\"exitNode\": [\"box\"]}", "policy.owner"),
    ("\"nodeAttrs\": [{\"target\": [\"autogroup:self\"]}]", "policy.autogroup-side"),
    ("\"nodeAttrs\": [{\"ipPool\": [\"10.0.0.0/8\"]}]", "policy.pool"),
    ("\"nodeAttrs\": [{\"ipPool\": [\"100.100.100.0/24\"]}]", "policy.pool"),
    ("\"acls\": [{\"action\": \"accept\", \"src\": null, \"dst\": []}]", "json.missing-field"),
    (acl("*", "*:*", ", \"proto\": [null]"), "json.kind"),
    ("\"tests\": [{\"accept\": [\"box:22\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\"}]", "policy.test"),
    ("\"tests\": [{\"src\": \"\", \"accept\": [\"box:22\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\", \"accept\": [\"box:22,23\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\", \"accept\": [\"box:*\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\", \"accept\": [\"net:22\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\", \"accept\": [\"10.0.0.1/32:22\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\", \"accept\": [\"autogroup:internet:22\"]}]", "policy.test"),
    ("\"tests\": [{\"src\": \"ann@\", \"accept\": [\"box:22\"], \"proto\": \"icmp\"}]", "policy.test"),
    ("\"tests\": [{\"src\": \"tag:x\", \"accept\": [\"box:22\"]}]", "policy.test"),
    ("\"ssh\": [{\"src\": [], \"dst\": [], \"users\": [\"x\"]}]", "policy.ssh-action"),
    ("\"ssh\": [{\"action\": \"deny\", \"src\": [], \"dst\": [], \"users\": [\"x\"]}]", "policy.ssh-action"),
    ("\"ssh\": [{\"action\": \"accept\", \"src\": [], \"dst\": [], \"users\": []}]", "policy.ssh-users"),
    ("\"ssh\": [{\"action\": \"accept\", \"src\": [], \"dst\": [], \"users\": [\"*\"]}]", "policy.ssh-users"),
    ("\"ssh\": [{\"action\": \"accept\", \"src\": [\"*\"], \"dst\": [], \"users\": [\"x\"]}]", "policy.ssh-source"),
    (
      "\"ssh\": [{\"action\": \"accept\", \"src\": [], \"dst\": [\"box\"], \"users\": [\"x\"]}]",
      "policy.ssh-destination"
    ),
    (
      "\"ssh\": [{\"action\": \"accept\", \"src\": [\"tag:web\"], \"dst\": [\"autogroup:self\"], \"users\": [\"x\"]}]",
      "policy.ssh-destination"
    ),
    (
      "\"ssh\": [{\"action\": \"accept\", \"src\": [\"group:a\"], \"dst\": [\"ann@\"], \"users\": [\"x\"]}]",
      "policy.ssh-destination"
    ),
    (
      "\"ssh\": [{\"action\": \"accept\", \"src\": [], \"dst\": [], \"users\": [\"x\"], \"checkPeriod\": \"1h\"}]",
      "policy.ssh-period"
    ),
    (
      "\"ssh\": [{\"action\": \"check\", \"src\": [], \"dst\": [], \"users\": [\"x\"], \"checkPeriod\": \"169h\"}]",
      "policy.ssh-period"
    ),
    (
      "\"ssh\": [{\"action\": \"check\", \"src\": [], \"dst\": [], \"users\": [\"x\"], \"checkPeriod\": \"soon\"}]",
      "policy.ssh-period"
    ),
    (
      "\"ssh\": [{\"action\": \"check\", \"src\": [], \"dst\": [], \"users\": [\"x\"], \"acceptEnv\": [\"\"]}]",
      "policy.ssh-environment"
    ),
    ("\"sshTests\": [{\"src\": \"ann@\", \"dst\": []}]", "policy.test"),
    ("\"sshTests\": [{\"dst\": [\"tag:web\"], \"accept\": [\"root\"]}]", "policy.test"),
    // An entry that asserts nothing would hold whatever the rules say.
    ("\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"tag:web\"], \"accept\": [], \"deny\": []}]", "policy.test"),
    ("\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"fd7a::1\"], \"accept\": [\"root\"]}]", "policy.test"),
    ("\"sshTests\": [{\"src\": \"ann@\", \"dst\": [\"net\"]}]", "policy.test"),
    ("\"randomizeClientPort\": 1", "json.kind"),
  ]

  /// A list that is there without a value is no empty list.
  @Test func refusesAGroupWithoutMembers() {
    #expect(throws: Problem.malformed("json.kind", "")) { try read("\"groups\": {\"group:a\": null}", base: "") }
    #expect(throws: Never.self) { try read("\"groups\": {\"group:a\": []}", base: "") }
  }

  @Test(arguments: refused) func refuses(_ members: String, _ code: String) {
    let error = #expect(throws: Problem.malformed(code, "")) { try read(members) }
    #expect(error?.place?.first?.isNumber == true, "no line and column: \(error?.place ?? "nil")")
    if code.hasPrefix("policy.") {
      #expect(error?.hint != nil || code == "policy.test", "nothing says what would be right")
    }
  }

  /// Definitions alone.
  @Test(arguments: [
    ("\"groups\": {\"a\": []}", "policy.group-name"), ("\"groups\": {\"group:\": []}", "policy.group-name"),
    ("\"groups\": {\"group:a\": [\"group:b\"], \"group:b\": []}", "policy.group-recursive"),
    ("\"groups\": {\"group:a\": [\"tag:b\"]}", "policy.group-member"),
    ("\"groups\": {\"group:a\": \"ann@\"}", "json.kind"),
    ("\"groups\": {\"group:a\": [], \"group:a\": []}", "json.duplicate-key"),
    ("\"hosts\": {\"a\": \"b\"}", "policy.host-address"), ("\"hosts\": {\"a:b\": \"10.0.0.1\"}", "policy.host-name"),
    ("\"hosts\": {\"a@b\": \"10.0.0.1\"}", "policy.host-name"),
    ("\"hosts\": {\"a\": \"10.0.0.1/8\"}", "policy.host-address"),
    ("\"tagOwners\": {\"web\": []}", "policy.tag-name"), ("\"tagOwners\": {\"tag:1\": []}", "policy.tag-name"),
    ("\"tagOwners\": {\"tag:\u{432}eb\": []}", "policy.tag-name"),
    ("\"tagOwners\": {\"tag:w\u{435}b\": []}", "policy.tag-name"),
    ("\"tagOwners\": {\"tag:a\": [\"group:x\"]}", "policy.undefined-group"),
    ("\"tagOwners\": {\"tag:a\": [\"tag:x\"]}", "policy.undefined-tag"),
    ("\"tagOwners\": {\"tag:a\": [\"*\"]}", "policy.owner"),
  ])
  func refusesDefinitions(_ text: String, _ code: String) {
    let error = #expect(throws: Problem.malformed(code, "")) { try read(text, base: "") }
    #expect(error?.place?.first?.isNumber == true, "no line and column: \(error?.place ?? "nil")")
  }

  @Test(arguments: [
    "\"groups\": {\"group:a\": []}", "\"hosts\": {\"a\": \"::1\", \"b\": \"10.0.0.1-10.0.0.2\"}",
    "\"tagOwners\": {\"tag:a\": [\"tag:b\"], \"tag:b\": [\"tag:c\"], \"tag:c\": []}",
    "\"tagOwners\": {\"tag:a-1.b_c\": [\"autogroup:member\", \"autogroup:admin\"]}",
    "\"tagOwners\": {\"tag:a\": [\"tag:b\", \"tag:c\"], \"tag:b\": [\"tag:c\"], \"tag:c\": []}",
    // A tag that owns itself lets its own nodes give it; a circle adds no owner. Both were refused once.
    "\"tagOwners\": {\"tag:a\": [\"tag:a\"]}", "\"tagOwners\": {\"tag:a\": [\"tag:b\"], \"tag:b\": [\"tag:a\"]}",
  ])
  func acceptsDefinitions(_ text: String) throws {
    _ = try read(text, base: "")
  }

  @Test func saysWhichTagsNobodyCanGive() throws {
    let circle = try read(
      "\"tagOwners\": {\"tag:a\": [\"tag:b\"], \"tag:b\": [\"tag:a\"], \"tag:c\": [\"tag:c\"]}", base: "")
    #expect(circle.notes.filter { $0.hasPrefix("/tagOwners/") }.count == 3)
    let owned = try read(
      "\"tagOwners\": {\"tag:a\": [\"tag:a\", \"ann@\"], \"tag:b\": [\"tag:a\"], \"tag:c\": []}", base: "")
    #expect(owned.notes.allSatisfy { !$0.hasPrefix("/tagOwners/") })
  }

  /// Go's durations, of which only the sum counts.
  @Test(arguments: [
    ("0", true), ("0s", true), ("168h", true), ("1.5h", true), ("1h30m", true), (".5h", true), ("90000ms", true),
    ("+1h", true), ("1us", true), ("1\u{b5}s", true), ("167h59m60s", true), ("168h1ns", false), ("-1s", false),
    ("1", false), ("", false), ("h", false), (".h", false), ("1d", false), ("1h ", false), ("--1h", false),
    ("1000000000000000000h", false), ("soon", false), ("1.2.3h", false), ("\u{661}h", false),
  ])
  func readsCheckPeriods(_ text: String, _ isAccepted: Bool) throws {
    let members = Self.ssh("\"checkPeriod\": \"\(text)\"", action: "check")
    guard !isAccepted else {
      _ = try read(members)
      return
    }
    #expect(throws: Problem.malformed("policy.ssh-period", "")) { try read(members) }
  }

  @Test func wordsOfCheckPeriods() {
    func message(_ text: String) -> String? {
      #expect(throws: Problem.self) { try read(Self.ssh("\"checkPeriod\": \"\(text)\"", action: "check")) }?.message
    }
    #expect(message("169h") == "checkPeriod 169h0m0s is above the max (168h)")
    #expect(message("-90s") == "checkPeriod -1m30s must be a positive duration")
  }

  /// A grant is the product of its destinations and its services; the limit is on all of them together.
  @Test func limitsProducts() throws {
    func policy(_ hosts: Int) -> String {
      let destinations = (0..<hosts).map { "\"10.\($0 / 65536).\($0 / 256 % 256).\($0 % 256)\"" }
      let services = (1...250).map { "\"\($0):*\"" }
      return
        "\"grants\": [{\"src\": [], \"dst\": [\(destinations.joined(separator: ", "))], \"ip\": [\(services.joined(separator: ", "))]}]"
    }
    #expect(try read(policy(2000)).rules[0].targets.count == 500_000)
    #expect(throws: Problem.malformed("policy.too-large", "")) { try read(policy(2001)) }
  }

  @Test func saysWhatWouldBeRight() {
    let error = #expect(throws: Problem.self) { try read("\n  \"acsl\": []") }
    #expect(error?.place == "4:11: /acsl" || error?.place?.hasSuffix("/acsl") == true)
    let near = #expect(throws: Problem.self) { try read("\"grant\": []") }
    #expect(near?.hint?.hasPrefix("did you mean grants?") == true)
    let tag = #expect(throws: Problem.self) { try read(Self.acl("tag:x", "*:*")) }
    #expect(tag?.message == "src=tag not found: \"tag:x\"")
    #expect(tag?.hint == "define it in tagOwners, or use one of: tag:db, tag:web")
  }
}

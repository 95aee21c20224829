public import Diagnostics
import HuJSON
import NetworkTypes
public import StrictJSON

extension NetworkPolicy {
  /// What a policy file may be: 4 MiB, nested 16 deep, 250,000 values.
  public static let limits = JSON.Limits(size: 4 << 20, depth: 16, values: 250_000)
  /// The most entries of one list or object in a policy.
  static let entries = 10_000
  /// The most pairs of destinations and services.
  static let targets = 500_000

  /// Reads and validates a policy file (HuJSON). A policy with one error is refused whole.
  ///
  /// Throws `hujson.…`, `json.…` and `policy.…`, each with line, column and JSON pointer. A failed assertion of `tests`
  /// is not looked for here: it needs a topology (`CompiledPolicy.runTests`).
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try HuJSON.decode(bytes, limits: Self.limits) { document throws(Problem) in
      try NetworkPolicy(document)
    }
  }

  /// Validates a policy that is parsed already; problems name its pointers.
  public init(_ document: JSONReader) throws(Problem) {
    try document.known(
      "groups", "hosts", "tagOwners", "acls", "grants", "nodeAttrs", "autoApprovers", "ssh", "tests", "sshTests",
      "randomizeClientPort")
    // Definitions come first, whatever their place in the file: what follows refers to them.
    try readGroups(document)
    try readHosts(document)
    try readTagOwners(document)
    try readGrants(document)
    try readRules(document)
    try readAutoApprovers(document)
    try readNodeAttributes(document)
    try readSSH(document)
    try readTests(document)
    try readSSHTests(document)
    randomizeClientPort = try document.given("randomizeClientPort")?.bool() ?? false
  }
}

extension JSONReader {
  /// Members of the formats that this grammar comes from which are not carried here: a rule whose condition were
  /// ignored would allow more than its author wrote.
  private static let refused: [String: String] = [
    "postures": "postures are not judged here, and a rule that needs one would allow too much without it",
    "defaultSrcPosture": "postures are not judged here",
    "srcPosture": "postures are not judged here, and the rule would allow too much without it",
    "ipsets": "write the addresses into hosts, or list them in the rule",
    "derpMap": "relays are configured at the control plane",
    "disableIPv4": "addresses are configured at the control plane",
    "OneCGNATRoute": "routes are configured at the node",
    "users": "the word is src, and dst holds host:port",
    "ports": "the word is dst, and it holds host:port",
    "allow": "the word is accept",
  ]

  /// Refuses every member but those named, and says what would be right.
  func known(_ keys: String...) throws(Problem) {
    for member in try object().members where !keys.contains(where: { $0.isExactly(member.key) }) {
      let close = keys.first { $0.lowercased() == member.key.lowercased() || Self.isNear($0, member.key) }
      let known = "known here: \(keys.joined(separator: ", "))"
      throw JSONReader(member.value, pointer: "\(pointer)/\(JSONPointer.escape(member.key))").problem(
        "policy.unknown-key", "unknown field: \"\(member.key)\"",
        hint: Self.refused[member.key] ?? close.map { "did you mean \($0)? \(known)" } ?? known)
    }
  }

  /// Whether one letter was added, left out or changed.
  private static func isNear(_ one: String, _ other: String) -> Bool {
    let (left, right) = (Array(one.utf8), Array(other.utf8))
    guard abs(left.count - right.count) <= 1 else { return false }
    let head = zip(left, right).prefix { $0 == $1 }.count
    let tail = zip(left.reversed(), right.reversed()).prefix { $0 == $1 }.count
    return head + tail >= max(left.count, right.count) - 1
  }

  /// The member `key`; nil where it is missing, or null, which this grammar takes for missing.
  func given(_ key: String) throws(Problem) -> JSONReader? {
    guard let member = try optional(key), member.value != .null else { return nil }
    return member
  }

  /// The member `key`, which must be there and not null.
  func required(_ key: String) throws(Problem) -> JSONReader {
    guard let member = try given(key) else { throw problem("json.missing-field", "the field “\(key)” is missing") }
    return member
  }

  /// The texts of the list that is the member `key`; none where it is missing.
  func strings(_ key: String) throws(Problem) -> [(text: String, at: JSONReader)] {
    guard let list = try given(key) else { return [] }
    return try list.elements(atMost: NetworkPolicy.entries).map { element throws(Problem) in
      (try element.text(atMost: 1024), element)
    }
  }

  /// The elements of the list that is the member `key`; none where it is missing.
  func list(_ key: String) throws(Problem) -> [JSONReader] {
    try given(key)?.elements(atMost: NetworkPolicy.entries) ?? []
  }

  /// The members of the object that is the member `key`; none where it is missing.
  func table(_ key: String) throws(Problem) -> [(key: String, value: JSONReader)] {
    try given(key)?.members(atMost: NetworkPolicy.entries) ?? []
  }
}

// MARK: definitions

extension NetworkPolicy {
  private mutating func readGroups(_ document: JSONReader) throws(Problem) {
    for (name, value) in try document.table("groups") {
      guard name.hasPrefix("group:"), name.count > "group:".count else {
        throw value.problem(
          "policy.group-name", "group must start with 'group:', got: \"\(name)\"", hint: "write group:\(name)")
      }
      groups[name] = try value.elements(atMost: Self.entries).map { element throws(Problem) in
        let text = try element.text(atMost: 1024)
        switch Selector(text) {
        case .user(let user): return .user(user)
        case .domain(let domain): return .domain(domain)
        case .group:
          throw element.problem(
            "policy.group-recursive", "groups[\"\(name)\"]: \"\(text)\": group members cannot be recursive",
            hint: "list the users of \(text) here")
        default:
          throw element.problem(
            "policy.group-member", "groups[\"\(name)\"]: \"\(text)\" is not a user",
            hint: "a member is an e-mail address, or a name with an @ at its end")
        }
      }
    }
  }

  private mutating func readHosts(_ document: JSONReader) throws(Problem) {
    for (name, value) in try document.table("hosts") {
      guard case .host(let host)? = Selector(name), host.isExactly(name) else {
        throw value.problem(
          "policy.host-name", "invalid hostname: \"\(name)\"",
          hint: "a name without colon, slash, @ and blanks at its ends")
      }
      let text = try value.text(atMost: 256)
      do throws(Problem) { hosts[name] = try AddressRange(text) } catch {
        throw value.problem(
          "policy.host-address", "hostname contains invalid IP address: hostname \"\(name)\" address \"\(text)\"",
          hint: error.hint ?? "write an address such as 100.64.0.1, or a prefix such as 10.0.0.0/8")
      }
    }
  }

  private mutating func readTagOwners(_ document: JSONReader) throws(Problem) {
    let members = try document.table("tagOwners")
    for (name, value) in members {
      try Self.requireTagName(name, "tagOwners[\"\(name)\"]: ", at: value)
      tagOwners[name] = []
    }
    for (name, value) in members {
      tagOwners[name] = try value.elements(atMost: Self.entries).map { element throws(Problem) in
        try owner(try element.text(atMost: 1024), element)
      }
    }
  }

  /// A tag's name: `tag:`, a letter, then letters, digits, hyphens, dots and underscores.
  private static func requireTagName(_ name: String, _ prefix: String, at reader: JSONReader) throws(Problem) {
    guard name.hasPrefix("tag:") else {
      throw reader.problem("policy.tag-name", "\(prefix)tag must start with 'tag:'", hint: "write tag:\(name)")
    }
    let rest = name.utf8.dropFirst("tag:".utf8.count)
    guard let first = rest.first, isLetter(first) else {
      throw reader.problem(
        "policy.tag-name", "\(prefix)tag names must start with a letter, after 'tag:'", hint: "a letter from a to z")
    }
    guard rest.allSatisfy({ isLetter($0) || (0x30...0x39).contains($0) || [0x2d, 0x2e, 0x5f].contains($0) }) else {
      throw reader.problem(
        "policy.tag-name", "\(prefix)a tag's name holds letters, digits, hyphens, dots and underscores",
        hint: "ASCII alone: letters of other scripts look alike")
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }

  /// An owner of a tag, or an approver: a user, a group, a tag, or an autogroup of users.
  func owner(_ text: String, _ reader: JSONReader) throws(Problem) -> Selector {
    let selector = Selector(text)
    switch selector {
    case .user?, .domain?: break
    case .group(let name)? where groups[name] == nil:
      throw undefined("group", name, "", at: reader)
    case .tag(let name)? where tagOwners[name] == nil:
      throw undefined("tag", name, "", at: reader)
    case .group?, .tag?: break
    case .autogroup(let group)? where group == .member || group.role != nil: break
    default:
      throw reader.problem(
        "policy.owner", "invalid owner format: \"\(text)\"",
        hint: "a user, a group, a tag, autogroup:member, or an autogroup of a role")
    }
    guard let selector else { throw reader.problem("policy.owner", "invalid owner format: \"\(text)\"") }
    return selector
  }

  /// A name that nothing defines.
  func undefined(_ kind: String, _ name: String, _ prefix: String, at reader: JSONReader) -> Problem {
    let table = ["group": "groups", "tag": "tagOwners", "host": "hosts"][kind] ?? kind
    let names = ["group": Array(groups.keys), "tag": Array(tagOwners.keys), "host": Array(hosts.keys)][kind] ?? []
    let shown = names.sorted().prefix(12).joined(separator: ", ")
    return reader.problem(
      "policy.undefined-\(kind)", "\(prefix)\(kind) not found: \"\(name)\"",
      hint: "define it in \(table)" + (shown.isEmpty ? "" : ", or use one of: \(shown)"))
  }
}

// MARK: selectors of rules

/// On which side of a rule a selector stands.
enum Side: String {
  case source = "src"
  case destination = "dst"
}

extension NetworkPolicy {
  /// A selector of a rule: a name must be defined, an autogroup must make sense on this side.
  ///
  /// `prefix` begins the refusal of a name that is not defined, as the services word it.
  func selector(_ text: String, _ side: Side, prefix: String, at reader: JSONReader) throws(Problem) -> Selector {
    let text = String(Selector.trimmed(text))
    guard let selector = Selector(text) else {
      if text.hasPrefix("autogroup:") {
        throw reader.problem(
          "policy.autogroup", "\(prefix)unknown autogroup: \"\(text)\"",
          hint: "known: \(Autogroup.names(side == .source ? Autogroup.sources : Autogroup.destinations))")
      }
      throw reader.problem(
        "policy.selector", "\(prefix)invalid alias format: \"\(text)\"",
        hint: "*, a user with an @, group:…, tag:…, autogroup:…, a name of hosts, an address, a prefix or lower-upper")
    }
    switch selector {
    case .group(let name) where groups[name] == nil: throw undefined("group", name, prefix, at: reader)
    case .tag(let name) where tagOwners[name] == nil: throw undefined("tag", name, prefix, at: reader)
    case .host(let name) where hosts[name] == nil: throw undefined("host", name, prefix, at: reader)
    case .autogroup(let group): try require(group, side, at: reader)
    default: break
    }
    return selector
  }

  private func require(_ group: Autogroup, _ side: Side, at reader: JSONReader) throws(Problem) {
    let allowed = side == .source ? Autogroup.sources : Autogroup.destinations
    guard !allowed.contains(group) else { return }
    let message =
      switch (group, side) {
      case (.dangerAll, .destination): "cannot use autogroup:danger-all as a dst"
      default: "\"\(group.rawValue)\" not valid on the \(side.rawValue) side of a rule"
      }
    throw reader.problem("policy.autogroup-side", message, hint: "here: \(Autogroup.names(allowed))")
  }

  /// `autogroup:self` means the requester's own nodes, so the requester must be a user.
  static func requireUsers(_ sources: [Selector], allowsEverything: Bool, at reader: JSONReader) throws(Problem) {
    for source in sources {
      switch source {
      case .user, .domain, .group, .autogroup(.member): continue
      case .autogroup(let group) where group.role != nil: continue
      case .everything where allowsEverything: continue
      default:
        throw reader.problem(
          "policy.self-source", "autogroup:self can only be used with users, groups, or supported autogroups",
          hint: "\(source) is none; write autogroup:member, or two rules")
      }
    }
  }
}

public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire

/// Whom to trust for what: principals with their keys, and roles with thresholds (`documents/specs/trust.md`).
///
/// It is stored as an envelope of type `payloadType`, signed by the role `root` that it names itself; what makes it
/// trustworthy is the fingerprint of that role, which the reader has from elsewhere.
public struct TrustFile: Sendable, Equatable {
  /// The media type of a signed trust file.
  public static let payloadType = "application/vnd.rustynet.trust.v1+json"
  static let type = "rustynet-trust/v1"
  /// The largest number of keys of all principals together.
  public static let keyLimit = 256

  /// Grows with every change; a lower one than seen before is refused.
  public var version: Int64
  /// When it was written.
  public var issued: Timestamp
  /// From then on it is refused.
  public var expires: Timestamp
  /// What it is for.
  public let profile: Profile
  /// Everybody, each name and each key once.
  public private(set) var principals: [Principal]
  /// The rules of the roles that are used.
  public private(set) var roles: [Role: RoleRule]

  /// A trust file; malformed when a name or a key stands twice, or a rule cannot be met.
  public init(
    version: Int64, issued: Timestamp, expires: Timestamp, profile: Profile, principals: [Principal],
    roles: [Role: RoleRule]
  ) throws(Problem) {
    self.version = version
    self.issued = issued
    self.expires = expires
    self.profile = profile
    self.principals = principals
    self.roles = roles
    try validate()
  }

  /// Reads the payload of a signed trust file.
  public init(parsing payload: [UInt8]) throws(Problem) {
    self = try JSON.decode(payload, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      try reader.closed("type", "version", "issued", "expires", "profile", "principals", "roles")
      let type = try reader.member("type").token()
      guard type == TrustFile.type else {
        throw reader.problem("trust.type", "“\(type)” is not a trust file that we read", source: "P1-15")
      }
      var principals: [Principal] = []
      for principal in try reader.member("principals").elements(atMost: 256) {
        principals.append(try Principal(principal))
      }
      var roles: [Role: RoleRule] = [:]
      for (name, rule) in try reader.member("roles").members(atMost: 32) {
        guard let role = Role(rawValue: name) else { throw rule.problem("trust.role", "“\(name)” is not a role") }
        try rule.closed("threshold", "principals")
        var names: [String] = []
        for element in try rule.member("principals").elements(atMost: 256) { names.append(try Principal.name(element)) }
        roles[role] = RoleRule(threshold: Int(try rule.member("threshold").integer(in: 0...256)), principals: names)
      }
      return try TrustFile(
        version: try reader.member("version").integer(in: 1...JSON.largestInteger),
        issued: try reader.member("issued").timestamp(), expires: try reader.member("expires").timestamp(),
        profile: try reader.member("profile").choice(Profile.self), principals: principals, roles: roles)
    }
  }

  private func validate() throws(Problem) {
    guard issued < expires else { throw .malformed("trust.validity", "issued is not before expires") }
    guard Set(principals.map(\.name)).count == principals.count else {
      throw .malformed("trust.duplicate-principal", "a principal stands twice")
    }
    let keys = principals.flatMap { $0.keys.map(\.key) }
    // Every signature may have to be tried with every key.
    guard keys.count <= TrustFile.keyLimit else {
      throw .malformed("trust.too-many-keys", "the file has more than \(TrustFile.keyLimit) keys")
    }
    guard Set(keys).count == keys.count else {
      throw .malformed(
        "trust.duplicate-key", "one key stands twice", hint: "a key belongs to one principal, or it would count twice")
    }
    for (role, rule) in roles {
      guard Set(rule.principals).count == rule.principals.count,
        rule.principals.allSatisfy({ name in principals.contains { $0.name == name } })
      else {
        throw .malformed("trust.role", "the role \(role.rawValue) names a principal twice, or one who is not there")
      }
      guard rule.threshold >= 1, rule.threshold <= rule.principals.count else {
        throw .malformed(
          "trust.threshold",
          "the threshold \(rule.threshold) of the role \(role.rawValue) is not between 1 and \(rule.principals.count)",
          source: "V5")
      }
    }
    guard roles[.root] != nil else { throw .malformed("trust.no-root", "the role root is missing") }
  }

  /// The trust file as JSON, in the form that is signed.
  public var json: JSON {
    var rules = JSONObject()
    for (role, rule) in roles {
      rules[role.rawValue] = [
        "threshold": .integer(Int64(rule.threshold)), "principals": .array(rule.principals.map { .string($0) }),
      ]
    }
    return [
      "type": .string(TrustFile.type), "version": .integer(version), "issued": .string(issued.description),
      "expires": .string(expires.description), "profile": .string(profile.rawValue),
      "principals": .array(principals.map(\.json)), "roles": .object(rules),
    ]
  }

  /// SHA-256 over the canonical form of the root role: its threshold and its principals with their public keys.
  ///
  /// It changes when the root changes and only then, so that it can be handed over once, on paper.
  public var rootFingerprint: Digest {
    let rule = roles[.root] ?? RoleRule(threshold: 0, principals: [])
    let members = principals.filter { rule.principals.contains($0.name) }.sorted { $0.name < $1.name }
    let json: JSON = [
      "threshold": .integer(Int64(rule.threshold)),
      "principals": .array(
        members.map { member in
          [
            "name": .string(member.name),
            "keys": .array(member.keys.map { Base64.encode($0.key.bytes) }.sorted().map { .string($0) }),
          ]
        }),
    ]
    return Digest(of: json.canonical)
  }

  // MARK: changes; a change that is refused leaves the file as it was

  /// Adds a principal, or a key to one who is there.
  public mutating func add(_ key: TrustedKey, of name: String) throws(Problem) {
    var changed = self
    if let index = principals.firstIndex(where: { $0.name == name }) {
      changed.principals[index].keys.append(key)
    } else {
      changed.principals.append(Principal(name: name, keys: [key]))
      changed.principals.sort { $0.name < $1.name }
    }
    try changed.validate()
    self = changed
  }

  /// Lets `name` act in `role`, with this threshold where one is given.
  public mutating func allow(_ name: String, in role: Role, threshold: Int?) throws(Problem) {
    let names = Set(roles[role]?.principals ?? []).union([name])
    try set(role, to: RoleRule(threshold: threshold ?? roles[role]?.threshold ?? 1, principals: Array(names)))
  }

  /// Replaces the rule of `role`; a rule that cannot be met leaves everything as it was.
  public mutating func set(_ role: Role, to rule: RoleRule) throws(Problem) {
    var changed = self
    changed.roles[role] = rule
    try changed.validate()
    self = changed
  }

  /// Revokes the key with this id since `time`.
  public mutating func revoke(_ id: String, since time: Timestamp, supersededBy: String?) throws(Problem) {
    var changed = self
    for index in principals.indices {
      guard let position = principals[index].keys.firstIndex(where: { $0.key.id == id }) else { continue }
      changed.principals[index].keys[position].revokedSince = time
      changed.principals[index].keys[position].supersededBy = supersededBy
      // Reading it back applies every rule of the format, such as that the successor is there.
      self = try TrustFile(parsing: changed.json.canonical)
      return
    }
    throw .malformed("trust.no-such-key", "no principal has the key \(id)")
  }
}

public import NetworkTypes

/// Who or what a rule speaks of: one entry of `src` or `dst`, canonical, so that equal selectors are equal values (W9).
public enum Selector: Hashable, Sendable {
  /// `*`: as a source the mesh and its approved routes, as a destination everything.
  case everything
  /// A user by e-mail address, or by name with an `@` at the end; lower case.
  case user(String)
  /// `user:*@domain`: every user whose e-mail address is of the domain; lower case.
  case domain(String)
  /// `group:…`, with its prefix.
  case group(String)
  /// `tag:…`, with its prefix.
  case tag(String)
  /// A name of `hosts`.
  case host(String)
  /// An address, a prefix or a range `lower-upper`.
  case range(AddressRange)
  /// `autogroup:…`.
  case autogroup(Autogroup)
}

/// The groups that need no definition.
public enum Autogroup: String, Hashable, Sendable, CaseIterable {
  /// Every node that has a user and no tag.
  case member = "autogroup:member"
  /// Every node that has a tag.
  case tagged = "autogroup:tagged"
  /// As a destination: the nodes of the source's own user.
  case own = "autogroup:self"
  /// As a destination: the internet behind an exit node.
  case internet = "autogroup:internet"
  /// As a source: every address there is.
  case dangerAll = "autogroup:danger-all"
  /// For SSH: every login user but root.
  case nonroot = "autogroup:nonroot"
  /// The nodes of users of this role.
  case owner = "autogroup:owner"
  case admin = "autogroup:admin"
  case itAdmin = "autogroup:it-admin"
  case networkAdmin = "autogroup:network-admin"
  case billingAdmin = "autogroup:billing-admin"
  case auditor = "autogroup:auditor"

  /// The role whose users it names; nil for a group of another kind.
  public var role: UserRole? { UserRole(rawValue: String(rawValue.dropFirst("autogroup:".count))) }

  /// The groups that a rule takes as a source.
  static let sources: [Autogroup] =
    [.member, .tagged, .dangerAll, .owner, .admin, .itAdmin, .networkAdmin, .billingAdmin, .auditor]
  /// The groups that a rule takes as a destination.
  static let destinations: [Autogroup] =
    [.member, .tagged, .own, .internet, .owner, .admin, .itAdmin, .networkAdmin, .billingAdmin, .auditor]

  /// Names, for hints.
  static func names(_ groups: [Autogroup]) -> String { groups.map(\.rawValue).joined(separator: ", ") }
}

/// What a user may be besides a member.
public enum UserRole: String, Hashable, Sendable, CaseIterable {
  case owner, admin, auditor
  case itAdmin = "it-admin"
  case networkAdmin = "network-admin"
  case billingAdmin = "billing-admin"
}

extension Selector {
  /// Reads one selector; nil for a text that is none. White space around it does not count.
  ///
  /// An address comes first, because IPv6 holds colons as prefixes of names do.
  init?(_ text: some StringProtocol) {
    let text = Selector.trimmed(text)
    if let range = try? AddressRange(text) {
      self = .range(range)
    } else if text == "*" {
      self = .everything
    } else if text.hasPrefix("user:*@") {
      let domain = text.dropFirst("user:*@".count)
      guard Selector.isDomain(domain) else { return nil }
      self = .domain(domain.lowercased())
    } else if text.contains("@") {
      guard !text.contains(":"), text.first != "@" else { return nil }
      self = .user(text.lowercased())
    } else if text.hasPrefix("group:") {
      self = .group(String(text))
    } else if text.hasPrefix("tag:") {
      self = .tag(String(text))
    } else if text.hasPrefix("autogroup:") {
      guard let group = Autogroup(rawValue: String(text)) else { return nil }
      self = .autogroup(group)
    } else {
      guard !text.isEmpty, !text.contains(":"), !text.contains("/") else { return nil }
      self = .host(String(text))
    }
  }

  /// Without the white space around it, of whatever kind: it cannot be seen, and no name begins or ends with it.
  static func trimmed(_ text: some StringProtocol) -> Substring {
    // By scalars: a carriage return and a line feed are one character.
    var scalars = Substring(text).unicodeScalars
    while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
    while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
    return Substring(scalars)
  }

  /// Whether the text can be the domain of an e-mail address: letters, digits, hyphens, dots and underscores.
  static func isDomain(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || "0123456789-._".unicodeScalars.contains($0) }
  }

  /// What stands behind `localpart:*@` in a login user of an SSH rule; nil for any other user.
  static func localpartDomain(_ user: String) -> Substring? {
    user.hasPrefix("localpart:*@") ? user.dropFirst("localpart:*@".count) : nil
  }
}

extension Selector: CustomStringConvertible {
  /// As the policy writes it.
  public var description: String {
    switch self {
    case .everything: "*"
    case .user(let name): name
    case .domain(let domain): "user:*@\(domain)"
    case .group(let name), .tag(let name), .host(let name): name
    case .range(let range): "\(range)"
    case .autogroup(let group): group.rawValue
    }
  }
}

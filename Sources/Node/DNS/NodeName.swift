/// Names of nodes, as requirement P4-6 makes them.
public enum NodeName {
  /// What a node is called that has no usable name.
  public static let fallback = "node"

  /// Letters in lower case, digits and hyphens; a space or an underscore becomes a hyphen, anything else is left out, and
  /// so are hyphens at the ends (RFC 1123, 2.1). At most 63 characters; `node` where nothing is left.
  public static func normalise(_ name: some StringProtocol) -> String {
    var label: [UInt8] = []
    for octet in name.utf8 {
      switch octet {
      case UInt8(ascii: " "), UInt8(ascii: "_"), UInt8(ascii: "-"): label.append(UInt8(ascii: "-"))
      case _ where ASCII.isLetter(octet) || ASCII.isDigit(octet): label.append(ASCII.lower(octet))
      default: break
      }
    }
    let trimmed = trim(label[...])
    let cut = trim(trimmed.prefix(DomainName.longestLabel))
    return cut.isEmpty ? fallback : String(decoding: cut, as: UTF8.self)
  }

  /// Whether a name is what `normalise` would make of it.
  public static func isNormal(_ name: some StringProtocol) -> Bool {
    !name.isEmpty && normalise(name).utf8.elementsEqual(name.utf8)
  }

  private static func trim(_ label: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let hyphen = UInt8(ascii: "-")
    guard let first = label.firstIndex(where: { $0 != hyphen }), let last = label.lastIndex(where: { $0 != hyphen })
    else { return [] }
    return label[first...last]
  }
}

/// Who has which name: each node one, unique, the same for the same registrations in the same order (P4-6).
public struct NameRegistry: Sendable {
  private var labels: [String: String] = [:]
  private var owners: [String: String] = [:]

  /// A registry without nodes.
  public init() {}

  /// Gives a node its name: the normalised one, or that with `-2`, `-3` and so on where it is taken.
  ///
  /// A node that is registered already gives its old name back first, so that it may get the same one again.
  @discardableResult
  public mutating func register(_ node: String, as name: some StringProtocol) -> String {
    remove(node)
    let wanted = NodeName.normalise(name)
    var label = wanted
    var number = 2
    while owners[label] != nil {
      let suffix = "-\(number)"
      // What is cut to make room must not leave a hyphen before the suffix's own.
      var stem = wanted.prefix(DomainName.longestLabel - suffix.utf8.count)
      while stem.hasSuffix("-") { stem = stem.dropLast() }
      label = stem + suffix
      number += 1
    }
    owners[label] = node
    labels[node] = label
    return label
  }

  /// Takes a label that is normal already for an alias; false where somebody has it.
  public mutating func claim(_ label: String, for node: String) -> Bool {
    guard owners[label] == nil else { return false }
    owners[label] = node
    return true
  }

  /// Frees the name of a node, and its aliases.
  public mutating func remove(_ node: String) {
    guard labels.removeValue(forKey: node) != nil else { return }
    owners = owners.filter { $0.value != node }
  }

  /// All names with their nodes, sorted by name.
  public var entries: [(label: String, node: String)] {
    owners.map { (label: $0.key, node: $0.value) }.sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
  }
}

/// Ports from one to another, both included, as the policy grammar writes them.
public struct PortRange: Hashable, Sendable, Comparable {
  /// The lowest port.
  public let first: UInt16
  /// The highest port.
  public let last: UInt16

  /// Every port.
  public static let all = PortRange(0, 65535)

  /// A range; the caller has made sure that `first` is not above `last`.
  init(_ first: UInt16, _ last: UInt16) {
    self.first = first
    self.last = last
  }

  /// Whether the port is in it.
  public func contains(_ port: UInt16) -> Bool { first <= port && port <= last }

  /// By the first port, then by the last.
  public static func < (left: PortRange, right: PortRange) -> Bool {
    (left.first, left.last) < (right.first, right.last)
  }

  /// Reads `*`, `22`, `80-443` or a list such as `22,80-443`.
  ///
  /// The words of a refusal are those that users of the grammar know. Port 0 is no port of a packet that a rule could
  /// mean, so it is refused here; `*` is what they meant.
  /// - Throws: a sentence; the caller knows where the text stands.
  static func list(_ text: Substring) throws(PortProblem) -> [PortRange] {
    if text == "*" { return [.all] }
    var ranges: [PortRange] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      guard let first = number(ends[0]) else { throw PortProblem("invalid first integer") }
      guard let last = ends.count == 2 ? number(ends[1]) : first else { throw PortProblem("invalid last integer") }
      guard first > 0 else { throw PortProblem("first port must be >0, or use '*' for wildcard") }
      guard first <= last else { throw PortProblem("first port must be less than or equal to the last port") }
      ranges.append(PortRange(first, last))
    }
    return ranges
  }

  private static func number(_ text: Substring) -> UInt16? {
    guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt16(text)
  }
}

/// Why a text is no list of ports.
struct PortProblem: Error {
  let sentence: String

  init(_ sentence: String) { self.sentence = sentence }
}

extension PortRange: CustomStringConvertible {
  /// `*`, `22` or `80-443`.
  public var description: String {
    if self == .all { return "*" }
    return first == last ? "\(first)" : "\(first)-\(last)"
  }
}

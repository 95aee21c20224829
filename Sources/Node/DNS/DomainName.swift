public import Diagnostics

/// A domain name, kept as its wire bytes: labels with their length octets and the root's zero, at most 255 octets
/// (RFC 1035, 3.1; RFC 2181, 11).
///
/// The case of the letters is kept, and does not count when names are compared (RFC 4343, 3).
public struct DomainName: Sendable {
  /// The longest name, its length octets and its final zero included.
  public static let longest = 255
  /// The longest label, without its length octet.
  public static let longestLabel = 63
  /// The root, the empty name.
  public static let root = DomainName(trusted: [0])

  /// The uncompressed wire form.
  public let wire: [UInt8]

  /// Takes bytes that are known to be a valid wire form: they were read by the codec, or made here.
  init(trusted wire: [UInt8]) { self.wire = wire }

  /// Checks a whole, uncompressed wire form: `dns.name` for anything else.
  public init(wire: [UInt8]) throws(Problem) {
    var at = 0
    while at < wire.count, wire[at] != 0 {
      guard wire[at] <= DomainName.longestLabel else {
        throw DomainName.problem("a label has a length octet of \(wire[at])", hint: "at most 63")
      }
      at += 1 + Int(wire[at])
    }
    guard at == wire.count - 1, wire.count <= DomainName.longest else {
      throw DomainName.problem("these \(wire.count) bytes are no name", hint: "labels, a zero, at most 255 octets")
    }
    self.wire = wire
  }

  /// The number of labels, the root not counted.
  public var labelCount: Int {
    var count = 0
    var at = 0
    while wire[at] != 0 {
      at += 1 + Int(wire[at])
      count += 1
    }
    return count
  }

  /// The labels from left to right, without their length octets.
  public var labels: [ArraySlice<UInt8>] {
    var labels: [ArraySlice<UInt8>] = []
    var at = 0
    while wire[at] != 0 {
      let next = at + 1 + Int(wire[at])
      labels.append(wire[(at + 1)..<next])
      at = next
    }
    return labels
  }

  /// The name without its leftmost label; the root is its own parent.
  public var parent: DomainName { wire[0] == 0 ? self : DomainName(trusted: Array(wire[(1 + Int(wire[0]))...])) }

  /// The name with the ASCII letters in lower case.
  ///
  /// Safe over the whole wire form because no length octet, at most 63, is the code of a letter.
  public var lowercased: DomainName { DomainName(trusted: wire.map(ASCII.lower)) }

  /// Whether the name is `ancestor` or below it.
  public func isWithin(_ ancestor: DomainName) -> Bool {
    var at = 0
    while wire.count - at > ancestor.wire.count { at += 1 + Int(wire[at]) }
    return wire.count - at == ancestor.wire.count
      && zip(wire[at...], ancestor.wire).allSatisfy { ASCII.lower($0) == ASCII.lower($1) }
  }

  /// The name with one more label on its left; `dns.name` where it would be too long.
  public func prepending(_ label: some Collection<UInt8>) throws(Problem) -> DomainName {
    guard (1...DomainName.longestLabel).contains(label.count) else {
      throw DomainName.problem("a label has \(label.count) octets", hint: "1 to 63")
    }
    guard wire.count + 1 + label.count <= DomainName.longest else {
      throw DomainName.problem("the name has more than 255 octets", hint: "shorten a label")
    }
    return DomainName(trusted: [UInt8(label.count)] + label + wire)
  }

  /// What is wrong with a name: always `dns.name`.
  static func problem(_ message: String, hint: String) -> Problem {
    .malformed("dns.name", message, source: "RFC 1035, 2.3.4", hint: hint)
  }
}

extension DomainName: Hashable {
  /// Compares octets, letters without regard to their case (RFC 4343, 3).
  public static func == (left: DomainName, right: DomainName) -> Bool {
    left.wire.count == right.wire.count && zip(left.wire, right.wire).allSatisfy { ASCII.lower($0) == ASCII.lower($1) }
  }

  /// Feeds the octets in lower case.
  public func hash(into hasher: inout Hasher) {
    for octet in wire { hasher.combine(ASCII.lower(octet)) }
  }
}

/// ASCII letters, which alone have a case in names.
enum ASCII {
  /// The octet in lower case when it is one of A to Z, else as it is.
  @inline(__always)
  static func lower(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }

  /// Whether the octet is a letter of either case.
  @inline(__always)
  static func isLetter(_ octet: UInt8) -> Bool { (octet | 0x20) &- 0x61 < 26 }

  /// Whether the octet is a digit.
  @inline(__always)
  static func isDigit(_ octet: UInt8) -> Bool { octet &- 0x30 < 10 }
}

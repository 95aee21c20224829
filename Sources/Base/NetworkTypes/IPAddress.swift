public import Diagnostics

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (`::ffff:…`) stays what it was written as.
public enum IPAddress: Hashable, Sendable {
  /// Thirty-two bits, the first octet highest.
  case v4(UInt32)
  /// A hundred and twenty-eight bits, the first group highest.
  case v6(UInt128)

  /// Which of both kinds.
  public enum Family: UInt8, Sendable, CaseIterable {
    case v4 = 4
    case v6 = 6

    /// Bits in an address of this family.
    public var bits: Int { self == .v4 ? 32 : 128 }
  }

  /// The family of the address.
  public var family: Family {
    switch self {
    case .v4: .v4
    case .v6: .v6
    }
  }

  /// The octets in network order: four or sixteen.
  public var octets: [UInt8] {
    switch self {
    case .v4(let value): (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    case .v6(let value): (0..<16).map { UInt8(truncatingIfNeeded: value >> (120 - 8 * $0)) }
    }
  }

  /// The address of four or sixteen octets in network order; nil for any other count.
  public init?(octets: some Collection<UInt8>) {
    switch octets.count {
    case 4: self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
    case 16: self = .v6(octets.reduce(0) { $0 << 8 | UInt128($1) })
    default: return nil
    }
  }

  /// Reads the text form: dotted decimal without leading zeros (RFC 6943, 3.1.1), or RFC 4291, 2.2 for IPv6.
  ///
  /// Throws `network.address` for anything else, a zone (`%eth0`) included.
  public init(_ text: some StringProtocol) throws(Problem) {
    let bytes = Array(text.utf8)
    if let value = Self.v4(bytes[...]) {
      self = .v4(value)
    } else if let value = Self.v6(bytes) {
      self = .v6(value)
    } else {
      throw .malformed(
        "network.address", "\"\(text)\" is not an IP address", source: "RFC 4291, 2.2",
        hint: "write 192.0.2.1 or 2001:db8::1")
    }
  }
}

extension IPAddress {
  /// Four decimal octets; nil unless the whole text is one.
  static func v4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    var result: UInt32 = 0
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    for part in parts {
      guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
      var octet: UInt32 = 0
      for digit in part {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        octet = octet * 10 + UInt32(digit - UInt8(ascii: "0"))
      }
      guard octet < 256 else { return nil }
      result = result << 8 | octet
    }
    return result
  }

  /// Groups of an IPv6 address, with at most one `::` and an optional dotted tail.
  static func v6(_ bytes: [UInt8]) -> UInt128? {
    let colon = UInt8(ascii: ":")
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var isAfterGap = false
    var at = 0
    if bytes.first == colon {
      guard bytes.count > 1, bytes[1] == colon else { return nil }
    }
    while at < bytes.count {
      if bytes[at] == colon {
        guard at + 1 < bytes.count, bytes[at + 1] == colon, !isAfterGap else { return nil }
        isAfterGap = true
        at += 2
        continue
      }
      let end = bytes[at...].firstIndex(of: colon) ?? bytes.count
      guard let groups = groups(bytes[at..<end], isLast: end == bytes.count) else { return nil }
      if isAfterGap { tail += groups } else { head += groups }
      at = end
      // One colon separates; two are the gap, seen at the top of the loop.
      if at < bytes.count {
        guard at + 1 < bytes.count else { return nil }
        if bytes[at + 1] != colon { at += 1 }
      }
    }
    let count = head.count + tail.count
    guard isAfterGap ? count <= 7 : count == 8 else { return nil }
    let all = head + Array(repeating: 0, count: 8 - count) + tail
    return all.reduce(0) { $0 << 16 | UInt128($1) }
  }

  private static func groups(_ text: ArraySlice<UInt8>, isLast: Bool) -> [UInt16]? {
    if isLast, text.contains(UInt8(ascii: ".")) {
      guard let value = v4(text) else { return nil }
      return [UInt16(truncatingIfNeeded: value >> 16), UInt16(truncatingIfNeeded: value)]
    }
    guard (1...4).contains(text.count) else { return nil }
    var group: UInt16 = 0
    for character in text {
      guard let digit = Character(Unicode.Scalar(character)).hexDigitValue, character < 0x80 else { return nil }
      group = group << 4 | UInt16(digit)
    }
    return [group]
  }
}

extension IPAddress: CustomStringConvertible {
  /// Dotted decimal, or the canonical form of RFC 5952.
  public var description: String {
    switch self {
    case .v4: return octets.map { String($0) }.joined(separator: ".")
    case .v6(let value):
      let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
      let gap = Self.longestZeros(groups)
      let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
      // RFC 5952, 5: the mapped prefix is recognised, so its tail is dotted.
      if value >> 32 == 0xffff {
        return "::ffff:\(IPAddress.v4(UInt32(truncatingIfNeeded: value)))"
      }
      guard let gap else { return text(groups[...]) }
      return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }
  }

  /// The first longest run of two or more zero groups (RFC 5952, 4.2).
  private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
    var best: Range<Int>?
    var start = 0
    while start < groups.count {
      var end = start
      while end < groups.count, groups[end] == 0 { end += 1 }
      if end - start > max(best?.count ?? 1, 1) { best = start..<end }
      start = max(end, start + 1)
    }
    return best
  }
}

extension IPAddress: Comparable {
  /// IPv4 before IPv6, then by value.
  public static func < (left: IPAddress, right: IPAddress) -> Bool {
    switch (left, right) {
    case (.v4(let one), .v4(let other)): one < other
    case (.v6(let one), .v6(let other)): one < other
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}

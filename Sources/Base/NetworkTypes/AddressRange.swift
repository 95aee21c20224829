public import Diagnostics

/// Addresses of one family from one to another, both included.
public struct AddressRange: Hashable, Sendable {
  /// The lowest address.
  public let lower: IPAddress
  /// The highest address.
  public let upper: IPAddress

  /// A range; nil when the ends are of two families, or the upper is below the lower.
  public init?(_ lower: IPAddress, through upper: IPAddress) {
    guard lower.family == upper.family, lower <= upper else { return nil }
    self.lower = lower
    self.upper = upper
  }

  /// The range of one address.
  public init(_ address: IPAddress) {
    lower = address
    upper = address
  }

  /// The addresses of a prefix.
  public init(_ prefix: Prefix) {
    lower = prefix.address
    switch prefix.address {
    case .v4(let value): upper = .v4(prefix.length == 0 ? .max : value | ~(~0 << (32 - UInt32(prefix.length))))
    case .v6(let value): upper = .v6(prefix.length == 0 ? .max : value | ~(~0 << (128 - UInt128(prefix.length))))
    }
  }

  /// Reads an address, a prefix without bits behind its length, or `lower-upper`.
  ///
  /// Throws `network.address`, `network.prefix`, `network.host-bits`, and `network.range` for ends that are no range.
  public init(_ text: some StringProtocol) throws(Problem) {
    guard let dash = text.firstIndex(of: "-") else {
      self.init(try Prefix(text))
      return
    }
    let lower = try IPAddress(text[..<dash])
    let upper = try IPAddress(text[text.index(after: dash)...])
    guard let range = AddressRange(lower, through: upper) else {
      throw .malformed(
        "network.range", "\"\(text)\" is no range of addresses", hint: "write the lower end first, both of one family")
    }
    self = range
  }

  /// The family of both ends.
  public var family: IPAddress.Family { lower.family }

  /// Whether the address lies in the range.
  public func contains(_ address: IPAddress) -> Bool {
    address.family == family && lower <= address && address <= upper
  }

  /// Whether at least one address lies in both.
  public func overlaps(_ other: AddressRange) -> Bool {
    family == other.family && lower <= other.upper && other.lower <= upper
  }

  /// The prefix of exactly these addresses; nil when there is none.
  public var prefix: Prefix? {
    switch (lower, upper) {
    case (.v4(let low), .v4(let high)): return Self.length(low, high).flatMap { Prefix(masking: lower, length: $0) }
    case (.v6(let low), .v6(let high)): return Self.length(low, high).flatMap { Prefix(masking: lower, length: $0) }
    default: return nil
    }
  }

  private static func length<Value: FixedWidthInteger & UnsignedInteger>(_ low: Value, _ high: Value) -> Int? {
    let host = low ^ high
    // Only ones at the end, and those are zero in the lower address.
    guard host & (host &+ 1) == 0, low & host == 0 else { return nil }
    return host.leadingZeroBitCount
  }
}

extension AddressRange: CustomStringConvertible {
  /// The address where it is one, the prefix where it is one, else `lower-upper`.
  public var description: String {
    if lower == upper { return "\(lower)" }
    return prefix.map { "\($0)" } ?? "\(lower)-\(upper)"
  }
}

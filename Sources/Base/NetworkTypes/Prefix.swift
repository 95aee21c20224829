public import Diagnostics

/// An address range of CIDR (RFC 4632, 3.1): an address whose bits behind the length are zero.
public struct Prefix: Hashable, Sendable {
  /// The lowest address of the range.
  public let address: IPAddress
  /// How many leading bits count: 0 to 32, or 0 to 128.
  public let length: Int

  /// The range that holds `address`: bits behind `length` are cleared. Nil when `length` is out of the family's range.
  public init?(masking address: IPAddress, length: Int) {
    guard (0...address.family.bits).contains(length) else { return nil }
    switch address {
    case .v4(let value): self.address = .v4(length == 0 ? 0 : value & ~0 << (32 - length))
    case .v6(let value): self.address = .v6(length == 0 ? 0 : value & ~0 << (128 - length))
    }
    self.length = length
  }

  /// The range of one address.
  public init(_ address: IPAddress) {
    self.address = address
    length = address.family.bits
  }

  /// How text with bits behind the length is read.
  public enum HostBits: Sendable { case refused, cleared }

  /// Reads `address/length`, or an address alone, which is the range of that one address.
  ///
  /// Throws `network.prefix`, and `network.host-bits` when bits behind the length are set and `hostBits` refuses them.
  public init(_ text: some StringProtocol, hostBits: HostBits = .refused) throws(Problem) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let address = try IPAddress(parts[0])
    guard parts.count == 2 else {
      self.init(address)
      return
    }
    let digits = parts[1].utf8
    guard (1...3).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let length = Int(parts[1]),
      let prefix = Prefix(masking: address, length: length)
    else {
      throw .malformed(
        "network.prefix",
        "\"\(text)\" has a prefix length that no \(address.family == .v4 ? "IPv4" : "IPv6") range has",
        source: "RFC 4632, 3.1", hint: "0 to \(address.family.bits)")
    }
    guard hostBits == .cleared || prefix.address == address else {
      throw .malformed(
        "network.host-bits", "\"\(text)\" has bits set behind its prefix length", source: "RFC 4632, 3.1",
        hint: "the range is \(prefix)")
    }
    self = prefix
  }

  /// Whether the address lies in the range; an address of the other family does not.
  public func contains(_ other: IPAddress) -> Bool { Prefix(masking: other, length: length)?.address == address }

  /// Whether every address of the other range lies in this one.
  public func contains(_ other: Prefix) -> Bool { other.length >= length && contains(other.address) }
}

extension Prefix: CustomStringConvertible, Comparable {
  /// `address/length`.
  public var description: String { "\(address)/\(length)" }

  /// By address, then the wider one first.
  public static func < (left: Prefix, right: Prefix) -> Bool {
    left.address == right.address ? left.length < right.length : left.address < right.address
  }
}

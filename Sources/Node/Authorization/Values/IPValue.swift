public import NetworkTypes

/// An address, or a range as it was written: `10.0.0.1/8` keeps its host bits (Cedar, `ipaddr`).
public final class IPValue: Sendable {
  /// The address as it was written.
  public let address: IPAddress
  /// How many leading bits count.
  public let length: Int

  /// The range of `address` and `length`.
  public init(_ address: IPAddress, length: Int) {
    self.address = address
    self.length = length
  }

  /// Reads an address with or without `/length`; nil for anything else.
  ///
  /// An IPv4 address inside of an IPv6 one is refused, as Cedar does: two spellings of one address would not be equal.
  public convenience init?(_ text: Text) {
    let parts = text.bytes.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    guard text.bytes.count <= 43, parts[0].allSatisfy({ $0 < 0x80 }),
      !(parts[0].contains(UInt8(ascii: ":")) && parts[0].contains(UInt8(ascii: "."))),
      let address = try? IPAddress(String(decoding: parts[0], as: UTF8.self))
    else { return nil }
    guard parts.count == 2 else {
      self.init(address, length: address.family.bits)
      return
    }
    var digits = parts[1]
    guard (1...3).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let length = Digits.take(digits.count, from: &digits), length <= address.family.bits
    else { return nil }
    self.init(address, length: Int(length))
  }

  private var range: Prefix? { Prefix(masking: address, length: length) }

  /// Whether every address of the range is a loopback one: 127.0.0.0/8 or ::1.
  var isLoopback: Bool {
    switch address {
    case .v4(let value): value >> 24 == 127 && length >= 8
    case .v6(let value): value == 1 && length == 128
    }
  }

  /// Whether every address of the range is a multicast one: 224.0.0.0/4 or ff00::/8.
  var isMulticast: Bool {
    switch address {
    case .v4(let value): value >> 28 == 0xe && length >= 4
    case .v6(let value): value >> 120 == 0xff && length >= 8
    }
  }

  /// Whether every address of the range lies in `other`.
  func isInRange(_ other: IPValue) -> Bool {
    guard let range, let outer = other.range else { return false }
    return outer.contains(range)
  }
}

extension IPValue: Hashable, CustomStringConvertible {
  /// Equal when address and length are: 10.0.0.1/8 is not 10.0.0.0/8.
  public static func == (left: IPValue, right: IPValue) -> Bool {
    left.address == right.address && left.length == right.length
  }

  /// Address and length.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(address)
    hasher.combine(length)
  }

  /// The address, and the length where it is not that of one address.
  public var description: String { length == address.family.bits ? "\(address)" : "\(address)/\(length)" }
}

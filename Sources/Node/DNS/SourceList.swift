public import NetworkTypes

/// Addresses that are served: ranges, compiled to masks.
public struct SourceList: Sendable {
  private let ranges4: [(value: UInt32, mask: UInt32)]
  private let ranges6: [(value: UInt128, mask: UInt128)]

  /// The addresses in any of the ranges.
  public init(_ prefixes: [Prefix]) {
    var four: [(UInt32, UInt32)] = []
    var six: [(UInt128, UInt128)] = []
    for prefix in prefixes {
      switch prefix.address {
      case .v4(let value): four.append((value, prefix.length == 0 ? 0 : ~0 << UInt32(32 - prefix.length)))
      case .v6(let value): six.append((value, prefix.length == 0 ? 0 : ~0 << UInt128(128 - prefix.length)))
      }
    }
    ranges4 = four
    ranges6 = six
  }

  /// This host alone.
  public static let loopback = SourceList(
    [Prefix(masking: .v4(0x7f00_0000), length: 8), Prefix(masking: .v6(1), length: 128)].compactMap { $0 })

  /// Whether an address is in one of the ranges.
  public func contains(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let value):
      for range in ranges4 where value & range.mask == range.value { return true }
    case .v6(let value):
      for range in ranges6 where value & range.mask == range.value { return true }
    }
    return false
  }
}

import NetworkTypes
import Testing

@testable import WireGuard

@Suite struct AllowedIPsTests {
  private func slot(_ index: Int32) -> PeerSlot { PeerSlot(index: index) }
  private func prefix(_ text: String) throws -> Prefix { try Prefix(text, hostBits: .cleared) }

  @Test(arguments: SelfTest.owners.indices) func longestPrefixWins(index: Int) throws {
    var table = AllowedIPs()
    for (range, owner) in SelfTest.ranges { table.insert(try prefix(range), for: slot(owner)) }
    let row = SelfTest.owners[index]
    #expect(table.snapshot().owner(of: try IPAddress(row.address)) == slot(row.owner), "\(row.address)")
  }

  @Test func nobodyOwnsWhatNobodyWasGiven() throws {
    #expect(AllowedIPs().snapshot().owner(of: .v4(0)) == nil)
    #expect(AllowedIPs().snapshot().owner(of: .v6(0)) == nil)
    var table = AllowedIPs()
    table.insert(try prefix("10.0.0.0/8"), for: slot(0))
    #expect(table.snapshot().owner(of: try IPAddress("10.255.0.1")) == slot(0))
    #expect(table.snapshot().owner(of: try IPAddress("11.0.0.0")) == nil)
    #expect(table.snapshot().owner(of: try IPAddress("::10.0.0.1")) == nil, "the families are apart")
  }

  @Test func aRangeHasOneOwner() throws {
    var table = AllowedIPs()
    let range = try prefix("192.0.2.0/24")
    table.insert(range, for: slot(0))
    table.insert(range, for: slot(1))
    #expect(table.ranges(of: slot(0)) == [] && table.ranges(of: slot(1)) == [range])
    table.remove(range, from: slot(0))
    #expect(table.snapshot().owner(of: range.address) == slot(1), "another's range stays")
    table.remove(range, from: slot(1))
    #expect(table.snapshot().owner(of: range.address) == nil && table.count == 0)
  }

  @Test func removingAPeerLeavesTheOthers() throws {
    var table = AllowedIPs()
    table.insert(try prefix("10.0.0.0/8"), for: slot(0))
    table.insert(try prefix("10.1.0.0/16"), for: slot(1))
    table.insert(try prefix("fd00::/8"), for: slot(1))
    table.removeAll(of: slot(1))
    #expect(table.snapshot().owner(of: try IPAddress("10.1.2.3")) == slot(0))
    #expect(table.snapshot().owner(of: try IPAddress("fd00::1")) == nil)
    table.removeAll(of: slot(1))
    #expect(table.count == 1)
  }

  /// Random insertions, moves and removals against a list that is searched from end to end.
  @Test(arguments: [UInt64(1), 2, 3]) func agreesWithANaiveModel(seed: UInt64) throws {
    let numbers = Sequence64(seed)
    var table = AllowedIPs()
    var model: [Prefix: PeerSlot] = [:]
    for _ in 0..<2_000 {
      let range = randomPrefix(numbers)
      let owner = slot(Int32(numbers.next() % 20))
      switch numbers.next() % 8 {
      case 0:
        let victim = model.keys.sorted().first { $0.length == range.length } ?? range
        table.remove(victim, from: owner)
        if model[victim] == owner { model[victim] = nil }
      case 1 where numbers.next() % 50 == 0:
        table.removeAll(of: owner)
        model = model.filter { $0.value != owner }
      default:
        table.insert(range, for: owner)
        model[range] = owner
      }
    }
    #expect(table.count == model.count)
    let snapshot = table.snapshot()
    var found = 0
    for _ in 0..<4_000 {
      let address = randomAddress(numbers)
      let expected = model.filter { $0.key.contains(address) }.max { $0.key.length < $1.key.length }?.value
      #expect(snapshot.owner(of: address) == expected, "\(address)")
      if expected != nil { found += 1 }
    }
    #expect(found > 500, "the positive control: \(found) addresses have an owner")
  }

  /// Close together, so that ranges nest.
  private func randomAddress(_ numbers: Sequence64) -> IPAddress {
    let low = UInt32(truncatingIfNeeded: numbers.next())
    let isV4 = numbers.next() % 2 == 0
    let high = UInt32(truncatingIfNeeded: numbers.next() % 4)
    if isV4 { return .v4(0x0a00_0000 | high << 16 | low & 0xffff) }
    let bits = UInt128(0x2001_0db8) << 96 | UInt128(high) << 62 | UInt128(low)
    return .v6(numbers.next() % 4 == 0 ? bits : bits & ~UInt128(0xffff_0000))
  }

  private func randomPrefix(_ numbers: Sequence64) -> Prefix {
    let address = randomAddress(numbers)
    let bits = address.family.bits
    let length =
      address.family == .v4
      ? 8 + Int(numbers.next() % 25)
      : [32, 48, 63, 64, 65, 66, 96, 112, 127, 128][
        Int(numbers.next() % 10)]
    return Prefix(masking: address, length: min(length, bits)) ?? Prefix(address)
  }

  /// What a large configuration has: 255 times 256 ranges of each family on one peer.
  @Test func holdsALargeConfiguration() throws {
    var table = AllowedIPs()
    for high in UInt32(1)..<256 {
      for low in UInt32(0)..<256 {
        table.insert(Prefix(.v4(high << 24 | low << 8)), for: slot(0))
        table.insert(Prefix(.v6(UInt128(high) << 96 | UInt128(low))), for: slot(0))
      }
    }
    #expect(table.count == 255 * 256 * 2)
    let snapshot = table.snapshot()
    #expect(snapshot.owner(of: .v4(7 << 24 | 9 << 8)) == slot(0))
    #expect(snapshot.owner(of: .v4(7 << 24 | 9 << 8 | 1)) == nil)
  }
}

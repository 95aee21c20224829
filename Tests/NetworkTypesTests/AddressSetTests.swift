import Diagnostics
import Testing

@testable import NetworkTypes

@Suite struct AddressSetTests {
  @Test(arguments: [
    ("10.0.0.1", "10.0.0.1"), ("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.0-10.255.255.255", "10.0.0.0/8"),
    ("10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"), ("::-::", "::"),
    ("2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::/3"), ("fd00::1-fd00::2", "fd00::1-fd00::2"),
  ])
  func readsAndWritesRanges(_ text: String, _ canonical: String) throws {
    let range = try AddressRange(text)
    #expect(range.description == canonical)
    #expect(try AddressRange(canonical) == range)
  }

  @Test(arguments: [
    ("10.0.0.2-10.0.0.1", "network.range"), ("10.0.0.1-::1", "network.range"), ("10.0.0.1/8", "network.host-bits"),
    ("10.0.0.0/33", "network.prefix"), ("10.0.0.1-", "network.address"), ("a-b", "network.address"),
    ("", "network.address"),
  ])
  func refusesWhatIsNoRange(_ text: String, _ code: String) {
    #expect(throws: Problem.malformed(code, "")) { try AddressRange(text) }
  }

  private func set(_ texts: String...) throws -> AddressSet { AddressSet(try texts.map { try AddressRange($0) }) }

  @Test func mergesWhatTouches() throws {
    #expect(try set("10.0.0.1", "10.0.0.0", "10.0.0.3", "10.0.0.2") == set("10.0.0.0/30"))
    #expect(try set("10.0.0.0/24", "10.0.0.7").ranges.count == 1)
    #expect(try set("10.0.0.1", "10.0.0.3").ranges.count == 2)
    #expect(try set("255.255.255.255", "255.255.255.254", "::", "0.0.0.0").ranges.count == 3)
  }

  /// Every operation against sets of single addresses, over all pairs of subsets of a small range, at both ends of
  /// IPv4.
  @Test(arguments: [UInt32(0), UInt32.max - 5]) func agreesWithSets(_ base: UInt32) {
    let subsets = (0..<64).map { bits in (0..<6).filter { bits >> $0 & 1 == 1 }.map { base + UInt32($0) } }
    for one in subsets {
      let left = AddressSet(v4: one, v6: one.map { UInt128($0) })
      #expect(left == AddressSet(one.flatMap { [IPAddress.v4($0), .v6(UInt128($0))] }))
      for other in subsets {
        let right = AddressSet(v4: other, v6: other.map { UInt128($0) })
        let (a, b) = (Set(one), Set(other))
        func expected(_ values: Set<UInt32>) -> AddressSet {
          AddressSet(v4: Array(values), v6: values.map { UInt128($0) })
        }
        #expect(left.union(right) == expected(a.union(b)))
        #expect(left.subtracting(right) == expected(a.subtracting(b)))
        #expect(left.intersection(right) == expected(a.intersection(b)))
      }
      for value in base...(base + 5) {
        #expect(left.contains(.v4(value)) == one.contains(value))
        #expect(left.overlaps(AddressRange(.v4(value))) == one.contains(value))
      }
    }
  }

  @Test func everythingHoldsEverything() throws {
    #expect(AddressSet.everything.contains(.v4(.max)) && AddressSet.everything.contains(.v6(0)))
    #expect(AddressSet.everything.subtracting(.everything).isEmpty)
    #expect(try AddressSet.everything == set("0.0.0.0/0", "::/0"))
    #expect(!AddressSet().contains(.v4(0)))
  }
}

import Diagnostics
import Testing

@testable import NetworkTypes

@Suite struct NetworkTypesTests {
  /// Text, and its canonical form; the IPv6 forms are those of RFC 4291, 2.2 and RFC 5952, 4 and 5.
  static let addresses: [(text: String, canonical: String)] = [
    ("0.0.0.0", "0.0.0.0"), ("192.0.2.1", "192.0.2.1"), ("255.255.255.255", "255.255.255.255"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("ff01::101", "ff01::101"),
  ]

  @Test(arguments: addresses) func readsAndWritesAddresses(_ row: (text: String, canonical: String)) throws {
    let address = try IPAddress(row.text)
    #expect(address.description == row.canonical)
    #expect(try IPAddress(row.canonical) == address)
    #expect(IPAddress(octets: address.octets) == address)
  }

  @Test(arguments: [
    "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", " 1.2.3.4", "1.2.3.4 ", ":", ":::", "1:::2",
    "1::2::3",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
    "fe80::1%2",
    "1:", ":1", "1::2:", "１.2.3.4",
  ])
  func refusesWhatIsNoAddress(_ text: String) {
    #expect(throws: Problem.malformed("network.address", "")) { try IPAddress(text) }
  }

  @Test func readsRanges() throws {
    #expect(try Prefix("10.8.0.0/24").description == "10.8.0.0/24")
    #expect(try Prefix("10.8.0.1").description == "10.8.0.1/32")
    #expect(try Prefix("::/0").length == 0)
    #expect(try Prefix("10.8.0.7/24", hostBits: .cleared).description == "10.8.0.0/24")
    #expect(throws: Problem.malformed("network.host-bits", "")) { try Prefix("10.8.0.7/24") }
    for text in ["10.8.0.0/33", "10.8.0.0/", "10.8.0.0/-1", "10.8.0.0/+1", "10.8.0.0/024", "::/129", "10.8.0.0/8/8"] {
      #expect(throws: Problem.malformed("network.prefix", "")) { try Prefix(text) }
    }
  }

  @Test func containsAddressesAndRanges() throws {
    let range = try Prefix("10.8.0.0/16")
    #expect(range.contains(try IPAddress("10.8.255.255")))
    #expect(!range.contains(try IPAddress("10.9.0.0")))
    #expect(!range.contains(try IPAddress("::")))
    #expect(range.contains(try Prefix("10.8.3.0/24")))
    #expect(!range.contains(try Prefix("10.0.0.0/8")))
    #expect(try Prefix("::/0").contains(try IPAddress("2001:db8::1")))
    #expect(try Prefix("0.0.0.0/0").contains(try IPAddress("255.0.0.1")))
  }

  @Test func readsEndpoints() throws {
    for text in ["192.0.2.1:51820", "[2001:db8::1]:1", "[fe80::1%3]:65535"] {
      #expect(try Endpoint(text).description == text)
    }
    for text in [
      "192.0.2.1", "2001:db8::1:5", "[192.0.2.1]:5", "host:5", "192.0.2.1:65536", "192.0.2.1:", "192.0.2.1:+5",
      "[::1%x]:1",
    ] {
      #expect(throws: Problem.malformed("network.endpoint", "")) { try Endpoint(text) }
    }
  }
}

import Diagnostics
import Testing

@testable import DNS

@Suite struct NameTests {
  @Test(
    arguments: [
      (".", [0]), ("a", [1, 97, 0]), ("a.", [1, 97, 0]), ("A.b", [1, 65, 1, 98, 0]), (#"a\.b"#, [3, 97, 46, 98, 0]),
      (#"\000\255"#, [2, 0, 255, 0]), (#"\\"#, [1, 92, 0]),
    ] as [(String, [UInt8])])
  func reads(text: String, wire: [UInt8]) throws {
    #expect(try DomainName(text).wire == wire)
    #expect(try DomainName(try DomainName(text).description).wire == wire)
  }

  @Test(arguments: [
    "", "..", ".a", "a..b", #"a\"#, #"\25"#, #"\256"#, String(repeating: "x", count: 64),
    String(repeating: "abcdefg.", count: 32),
  ])
  func refuses(text: String) {
    #expect(throws: DomainName.problem("", hint: "")) { try DomainName(text) }
  }

  /// RFC 1035, 2.3.4: 63 octets in a label and 255 in a name are the last that are allowed.
  @Test func limits() throws {
    #expect(try DomainName(String(repeating: "x", count: 63)).wire.count == 65)
    let longest =
      String(repeating: String(repeating: "x", count: 63) + ".", count: 3) + String(repeating: "y", count: 61)
    #expect(try DomainName(longest).wire.count == 255)
    #expect(throws: DomainName.problem("", hint: "")) { try DomainName(longest + "z") }
    #expect(throws: DomainName.problem("", hint: "")) { try DomainName(longest).prepending([97]) }
  }

  /// RFC 4343: the case of ASCII letters does not count, but it is kept; no other octet has a case.
  @Test func caseIsKeptAndDoesNotCount() throws {
    let one = try DomainName("WiKi.Example")
    #expect(try one == DomainName("wiki.eXAMPLE") && one.wire[1] == 87)
    #expect(Set([one, one.lowercased]).count == 1)
    #expect(try DomainName(#"\091"#) != DomainName(#"\123"#))
    #expect(try DomainName(#"\193"#) != DomainName(#"\225"#))
  }

  @Test func within() throws {
    let zone = try DomainName("b.c")
    for (text, holds) in [("b.c", true), ("a.B.C", true), ("ab.c", false), ("c", false), ("b.c.d", false)] {
      #expect(try DomainName(text).isWithin(zone) == holds, "\(text)")
    }
    #expect(zone.isWithin(.root))
    // Octets that look like the zone, but begin within a label.
    #expect(try !DomainName(#"x\001b\001c"#).isWithin(zone))
  }

  @Test(
    arguments: [
      ([], false), ([0], true), ([1, 97], false), ([1, 97, 0, 0], false),
      ([64] + [UInt8](repeating: 97, count: 64) + [0], false),
      ([0xc0, 0], false),
    ] as [([UInt8], Bool)])
  func wholeWire(wire: [UInt8], isName: Bool) {
    #expect(((try? DomainName(wire: wire)) != nil) == isName)
  }

  /// P4-6.
  @Test(arguments: [
    ("Alice Laptop", "alice-laptop"), ("a_b", "a-b"), ("", "node"), ("--", "node"), ("Ünï", "n"), ("-x-", "x"),
    ("a.b", "ab"), (String(repeating: "a", count: 70), String(repeating: "a", count: 63)),
    (String(repeating: "a", count: 62) + "-b", String(repeating: "a", count: 62)), ("中文", "node"),
  ])
  func normalises(name: String, label: String) {
    #expect(NodeName.normalise(name) == label)
    #expect(NodeName.isNormal(label))
    #expect(NodeName.isNormal(name) == (name == label))
  }

  /// P4-6: duplicates get numbers, the same in every run; who registers again gives the old name back.
  @Test func registry() {
    var registry = NameRegistry()
    let labels = ["one", "two", "three"].map { registry.register($0, as: "laptop") }
    #expect(labels == ["laptop", "laptop-2", "laptop-3"])
    let (desk, laptop) = (registry.register("one", as: "desk"), registry.register("four", as: "laptop"))
    #expect(desk == "desk" && laptop == "laptop")
    let claims = ["desk", "wiki"].map { registry.claim($0, for: "two") }
    #expect(claims == [false, true])
    #expect(registry.entries.map(\.label) == ["desk", "laptop", "laptop-2", "laptop-3", "wiki"])
    registry.remove("two")
    #expect(registry.entries.map(\.label) == ["desk", "laptop", "laptop-3"])
    let long = String(repeating: "a", count: 63)
    let (five, six) = (registry.register("five", as: long), registry.register("six", as: long))
    #expect(five == long && six == String(repeating: "a", count: 61) + "-2")
  }

  @Test func specialNamesAllParse() {
    #expect(SpecialName.table().1.count == SpecialName.list.count)
  }
}

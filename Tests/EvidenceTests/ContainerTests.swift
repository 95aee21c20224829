import Diagnostics
import TestSupport
import Testing

@testable import Evidence

private func member(_ name: String, _ bytes: [UInt8] = []) -> Container.Member {
  Container.Member(name: name, bytes: bytes)
}

@Suite struct ContainerTests {
  private static let members = [
    member("a/b.txt", Array("hello".utf8)), member("empty"), member("z", [UInt8](repeating: 7, count: 513)),
  ]

  @Test func readsBackWhatItWrote() throws {
    let bytes = try Container.encode(ContainerTests.members)
    #expect(try Container.decode(bytes) == ContainerTests.members)
    #expect(try Container.encode(ContainerTests.members.reversed()) == bytes)
    #expect(bytes.count == (1 + 1 + 1 + 1 + 2 + 2) * 512)
    #expect(try Container.decode(Container.encode([])) == [])
    let block = [UInt8](repeating: 1, count: 512)
    #expect(try Container.decode(Container.encode([member("x", block)])) == [member("x", block)])
  }

  /// The fields of POSIX ustar as tar programs read them.
  @Test func isAnOrdinaryArchive() throws {
    let bytes = try Container.encode([member("a/b.txt", Array("hello".utf8))])
    func field(_ offset: Int, _ count: Int) -> String {
      String(decoding: bytes[offset..<offset + count].prefix { $0 != 0 }, as: UTF8.self)
    }
    #expect(field(0, 100) == "a/b.txt")
    #expect([field(100, 8), field(108, 8), field(116, 8)] == ["0000644", "0000000", "0000000"])
    #expect(field(124, 12) == "00000000005")
    #expect(field(136, 12) == "00000000000")
    #expect(field(156, 1) == "0")
    #expect(Array(bytes[257..<265]) == Array("ustar\u{0}00".utf8))
    let sum = bytes[0..<512].enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    #expect(Int(field(148, 6), radix: 8) == sum)
    #expect(Array(bytes[512..<517]) == Array("hello".utf8))
    #expect(bytes[517...].allSatisfy { $0 == 0 })
  }

  @Test func everyByteOfHeadersAndPaddingCounts() throws {
    let good = try Container.encode([member("a", [1, 2, 3])])
    #expect(try Container.decode(good) == [member("a", [1, 2, 3])])
    for index in good.indices where !(512..<515).contains(index) {
      for bit in isFull ? Array(0..<8) : [0, 5, 7] {
        var bytes = good
        bytes[index] ^= 1 << bit
        let read = try? Container.decode(bytes)
        // One letter of the name may become another: the checksum then tells.
        #expect(read == nil, "byte \(index), bit \(bit)")
      }
    }
  }

  static let names: [(name: String, isGood: Bool)] = [
    ("a", true), ("a/b", true), ("a-b_c.d", true), ("0", true), (".a", true), ("...", true),
    (String(repeating: "a", count: 99), true), (String(repeating: "a", count: 100), false), ("", false), ("/a", false),
    ("a/", false), ("a//b", false), (".", false), ("..", false), ("a/../b", false), ("a/.", false), ("./a", false),
    ("A", false), ("a b", false), ("a\\b", false), ("a\u{0}", false), ("ä", false), ("a\n", false), ("a:b", false),
    ("~", false),
    ("\u{212A}", false),
  ]

  @Test(arguments: names) func namesArePlain(_ row: (name: String, isGood: Bool)) {
    #expect(outcome { try Container.encode([member(row.name)]) } == (row.isGood ? "accepted" : "pack.name"))
  }

  @Test func namesAreSortedAndUnique() throws {
    #expect(outcome { try Container.encode([member("a"), member("a")]) } == "pack.name")
    #expect(outcome { try Container.encode([member("a", [1]), member("a", [2])]) } == "pack.name")
    let a = try Array(Container.encode([member("a", [1])]).dropLast(1024))
    let b = try Array(Container.encode([member("b", [1])]).dropLast(1024))
    let end = [UInt8](repeating: 0, count: 1024)
    #expect(outcome { try Container.decode(a + b + end) } == "accepted")
    #expect(outcome { try Container.decode(b + a + end) } == "pack.canonical")
    #expect(outcome { try Container.decode(a + a + end) } == "pack.name")
  }

  @Test func nothingStandsBehindTheEnd() throws {
    let good = try Container.encode([member("a", [1])])
    let block = [UInt8](repeating: 0, count: 512)
    #expect(outcome { try Container.decode(good) } == "accepted")
    #expect(outcome { try Container.decode(good + block) } == "pack.canonical")
    #expect(outcome { try Container.decode(good + good) } == "pack.canonical")
    #expect(outcome { try Container.decode(Array(good.dropLast(512))) } == "pack.canonical")
    #expect(outcome { try Container.decode(Array(good.dropLast(1024))) } == "pack.canonical")
    #expect(outcome { try Container.decode(Array(good.dropLast())) } == "pack.size")
    #expect(outcome { try Container.decode(good + [0]) } == "pack.size")
    #expect(outcome { try Container.decode([]) } == "pack.canonical")
    #expect(outcome { try Container.decode(Array(good[512...])) } != "accepted")
    var cut = good
    cut.removeSubrange(512..<1024)
    #expect(outcome { try Container.decode(cut) } != "accepted")
  }

  /// A header with other fields but a right checksum, as another tool would write it.
  @Test func otherKindsOfEntriesAreRefused() throws {
    let good = try Container.encode([member("a", [1])])
    func changed(_ offset: Int, _ text: String) -> [UInt8] {
      var bytes = good
      for (index, byte) in text.utf8.enumerated() { bytes[offset + index] = byte }
      let sum = bytes[0..<512].enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
      let digits = String(sum, radix: 8)
      let padded = String(repeating: "0", count: 6 - digits.count) + digits
      for (index, byte) in padded.utf8.enumerated() { bytes[148 + index] = byte }
      return bytes
    }
    #expect(outcome { try Container.decode(changed(156, "0")) } == "accepted")
    // Another size is another archive, in its canonical form too: there the manifest tells.
    #expect(try Container.decode(changed(124, "00000000002")) == [member("a", [1, 0])])
    let rows: [(offset: Int, text: String)] = [
      (156, "1"), (156, "2"), (156, "3"), (156, "5"), (156, "x"), (156, "g"), (156, "\u{0}"), (157, "target"),
      (100, "0000755"),
      (100, "0004644"), (108, "0000001"), (116, "0000001"), (136, "00000000001"), (265, "root"), (297, "root"),
      (329, "0000001"),
      (345, "prefix"), (263, "  "), (124, "77777777777"),
      (124, "           "),
      (124, "\u{1}"), (0, "../a"), (0, "A"), (500, "x"),
    ]
    for row in rows { #expect(outcome { try Container.decode(changed(row.offset, row.text)) } != "accepted", "\(row)") }
  }

  @Test func sizesAreLimited() throws {
    let limit = Container.sizeLimit
    #expect(outcome { try Container.encode([member("a", [UInt8](repeating: 0, count: limit - 1536))]) } == "accepted")
    #expect(outcome { try Container.encode([member("a", [UInt8](repeating: 0, count: limit - 1535))]) } == "pack.size")
    #expect(outcome { try Container.decode([UInt8](repeating: 0, count: limit + 512)) } == "pack.size")
    let many = (0..<1025).map { member("m\($0)") }
    #expect(outcome { try Container.encode(many) } == "pack.members")
    #expect(outcome { try Container.decode(Container.encode(Array(many.dropLast()))) } == "accepted")
    let header = try Array(Container.encode([member("a")]).prefix(512))
    let flood = [[UInt8]](repeating: header, count: 1025).flatMap { $0 } + [UInt8](repeating: 0, count: 1024)
    #expect(outcome { try Container.decode(flood) } == "pack.members")
  }
}

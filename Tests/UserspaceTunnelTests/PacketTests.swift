import CLinux
import Glibc
import Testing

@testable import UserspaceTunnel

/// Octets in memory of their own, for code that works on pointers.
func withOctets<Result>(_ octets: [UInt8], room: Int = 70_000, _ body: (Octets) throws -> Result) rethrows -> Result {
  let memory = Octets.allocate(byteCount: max(octets.count, room), alignment: 64)
  defer { unsafe memory.deallocate() }
  unsafe memory.copyMemory(from: octets, byteCount: octets.count)
  return try unsafe body(memory)
}

func copy(_ start: Octets, _ count: Int) -> [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: start, count: count)) }

/// The virtual header of a super-frame as the kernel writes it.
func virtualHeader(kind: Int, segment: Int, start: Int, field: Int, flags: Int = 1) -> [UInt8] {
  let little = { (value: Int) in [UInt8(value & 255), UInt8(value >> 8)] }
  // The length of the headers is wrong on purpose: nobody may believe it.
  return [UInt8(flags), UInt8(kind)] + little(3) + little(segment) + little(start) + little(field)
}

/// Everything that the splitter makes of a frame; nil when it is refused.
func split(_ header: [UInt8], _ packet: [UInt8]) -> [[UInt8]]? {
  unsafe withOctets(header) { header in
    unsafe withOctets(packet) { packet2 in
      guard var splitter = unsafe FrameSplitter(header, packet2, packet.count) else { return nil }
      splitter.begin()
      return unsafe withOctets([]) { target in
        var packets: [[UInt8]] = []
        while true {
          let length = unsafe splitter.next(into: target)
          if length == 0 { return packets }
          unsafe packets.append(copy(target, length))
        }
      }
    }
  }
}

@Suite struct ChecksumTests {
  @Test func agreesWithTheNaiveSum() {
    for count in Array(0..<200) + [1_368, 1_420, 9_000, 65_535] {
      let octets = Packets.payload(count, count)
      unsafe withOctets(octets) { start in
        let sum = unsafe Checksum.fold(Checksum.sum(start, count))
        #expect(UInt16(sum).byteSwapped == ~Packets.naive(octets) || (sum == 0xffff && Packets.naive(octets) == 0))
        unsafe withOctets([]) { target in
          #expect(unsafe Checksum.fold(Checksum.sumCopying(to: target, from: start, count)) == sum)
          #expect(unsafe copy(target, count) == octets)
        }
      }
    }
  }

  @Test func losesNoCarry() {
    let octets = [UInt8](repeating: 0xff, count: 65_535)
    unsafe withOctets(octets) { start in
      #expect(unsafe Checksum.fold(Checksum.sum(start, 65_534)) == 0xffff)
    }
  }
}

@Suite struct ECNTests {
  /// RFC 6040, figure 4: rows are the inner bits, columns the outer ones, both as Not-ECT, ECT(0), ECT(1), CE.
  static let table: [[Int]] = [[0, 0, 0, -1], [2, 2, 1, 3], [1, 1, 1, 3], [3, 3, 3, 3]]

  @Test func decapsulates() throws {
    let codes = [0, 2, 1, 3]
    for (row, inner) in codes.enumerated() {
      for (column, outer) in codes.enumerated() {
        #expect(ECN.decapsulated(inner: inner, outer: outer) == Self.table[row][column])
      }
    }
  }

  @Test(arguments: [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
  func setsTheBits(source: String, destination: String) throws {
    for old in 0..<4 {
      for new in 0..<4 {
        let before = try Packets.udp(source, destination, [1, 2, 3], tos: 0xb8 | UInt8(old))
        let after = try Packets.udp(source, destination, [1, 2, 3], tos: 0xb8 | UInt8(new))
        unsafe withOctets(before) { packet in
          #expect(unsafe ECN.bits(of: packet) == old)
          unsafe ECN.set(new, in: packet)
          #expect(unsafe copy(packet, before.count) == after)
        }
      }
    }
  }
}

@Suite struct SplitterTests {
  static let families = [("10.8.0.1", "10.8.0.2", 20, 1), ("fd08::1", "fd08::2", 40, 4)]
  static let options: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7]

  @Test(arguments: [1, 100, 1_368, 1_379], [[], options])
  func splitsTCP(segment: Int, options: [UInt8]) throws {
    for (source, destination, start, kind) in Self.families {
      for total in [1, segment, segment + 1, 3 * segment, 40 * segment + 7]
      where total < 60_000 && total / segment < 500 {
        // FIN, PSH, ACK, CWR and ECE, with a counter that wraps.
        let data = Packets.payload(total)
        let frame = try Packets.tcp(
          source, destination, sequence: .max - 50, flags: 0xd9, data, options: options, id: 0xfffe)
        let made = try #require(split(virtualHeader(kind: kind, segment: segment, start: start, field: 16), frame))
        var expected: [[UInt8]] = []
        var at = 0
        while at < total {
          let end = min(at + segment, total)
          var flags: UInt8 = 0xd9
          if end < total { flags &= ~0x09 }
          if at > 0 { flags &= ~0x80 }
          expected.append(
            try Packets.tcp(
              source, destination, sequence: (UInt32.max - 50) &+ UInt32(at), flags: flags, Array(data[at..<end]),
              options: options, id: (0xfffe + expected.count) & 0xffff))
          at = end
        }
        #expect(made == expected)
      }
    }
  }

  @Test(arguments: [8, 100, 1_200])
  func splitsUDP(segment: Int) throws {
    for (source, destination, start, _) in Self.families {
      let data = Packets.payload(5 * segment + 3)
      let frame = try Packets.udp(source, destination, data, id: 7)
      let made = try #require(split(virtualHeader(kind: 5, segment: segment, start: start, field: 6), frame))
      var expected: [[UInt8]] = []
      var at = 0
      while at < data.count {
        let end = min(at + segment, data.count)
        expected.append(try Packets.udp(source, destination, Array(data[at..<end]), id: 7 + expected.count))
        at = end
      }
      #expect(made == expected)
    }
  }

  @Test func refusesWhatIsMalformed() throws {
    let good = try Packets.tcp("10.8.0.1", "10.8.0.2", sequence: 1, flags: 0x10, Packets.payload(3_000))
    let header = virtualHeader(kind: 1, segment: 1_000, start: 20, field: 16)
    #expect(split(header, good)?.count == 3)
    #expect(split(virtualHeader(kind: 1, segment: 0, start: 20, field: 16), good) == nil, "no segment size")
    #expect(split(virtualHeader(kind: 4, segment: 1_000, start: 20, field: 16), good) == nil, "the other family")
    #expect(split(virtualHeader(kind: 3, segment: 1_000, start: 20, field: 16), good) == nil, "an unknown kind")
    #expect(split(virtualHeader(kind: 5, segment: 1_000, start: 20, field: 6), good) == nil, "the other transport")
    #expect(split(header, Array(good[..<30])) == nil, "cut off")
    #expect(split(header, good + [0]) == nil, "more than the header says")
    var bad = good
    bad[32] = 0x40
    #expect(split(header, bad) == nil, "a TCP header of 16 octets")
    bad = good
    bad[0] = 0x44
    #expect(split(header, bad) == nil, "an IPv4 header of 16 octets")
    bad = good
    bad[6] = 0x20
    #expect(split(header, bad) == nil, "a fragment")
    bad = good
    bad[0] = 0x55
    #expect(split(header, bad) == nil, "version 5")
  }

  @Test func finishesAChecksum() throws {
    for (source, destination) in [("10.8.0.1", "10.8.0.2"), ("fd08::1", "fd08::2")] {
      let right = try Packets.udp(source, destination, Packets.payload(99))
      let start = source.contains(":") ? 40 : 20
      var partial = right
      let from = Array(right[(start == 40 ? 8 : 12)..<(start == 40 ? 24 : 16)])
      let to = Array(right[(start == 40 ? 24 : 16)..<(start == 40 ? 40 : 20)])
      partial.replaceSubrange(
        (start + 6)..<(start + 8), with: Packets.big(Int(Packets.pseudo(from, to, 17, right.count - start) & 0xffff)))
      for (field, isRight) in [(6, true), (2_000, false), (65_535, false)] {
        unsafe withOctets(virtualHeader(kind: 0, segment: 0, start: start, field: field)) { header in
          unsafe withOctets(partial) { packet in
            #expect(unsafe FrameSplitter.finish(header, packet, partial.count) == isRight)
            if isRight { #expect(unsafe copy(packet, partial.count) == right) }
          }
        }
      }
    }
  }
}

@Suite struct SegmentSizeTests {
  private static func asked(_ size: Int) -> [UInt8] { [2, 4] + Packets.big(size) }

  /// Lowers what a packet asks for; nil where it stays.
  private func lower(_ packet: [UInt8], mtu: Int) -> [UInt8]? {
    unsafe withOctets(packet) { memory in
      guard let inner = unsafe InnerPacket(memory, packet.count), unsafe SegmentSize.isAsked(in: memory, inner),
        unsafe SegmentSize.lower(in: memory, inner, mtu: mtu)
      else { return nil }
      return unsafe copy(memory, packet.count)
    }
  }

  /// The option at the front, behind an odd and an even number of others, and last.
  static let places: [([UInt8], [UInt8])] = [
    ([], [4, 2, 1, 1]), ([1], [3, 3, 7]), ([4, 2], [1, 1]), ([3, 3, 7], [1]),
    ([8, 10, 0, 0, 0, 9, 0, 0, 0, 7], [1, 0]),
  ]

  @Test(arguments: SplitterTests.families.indices, places.indices)
  func lowersWhatIsAskedFor(family: Int, place: Int) throws {
    let (source, destination, header, _) = SplitterTests.families[family]
    let (before, behind) = Self.places[place]
    for flags: UInt8 in [0x02, 0x12, 0xc2] {
      func packet(_ size: Int) throws -> [UInt8] {
        try Packets.tcp(
          source, destination, sequence: 9, flags: flags, [1, 2, 3], options: before + Self.asked(size) + behind)
      }
      // The naive checksum of the packet that asks for what fits is what the difference has to come to.
      for size in [1_461, 8_960, 65_535] {
        #expect(lower(try packet(size), mtu: 1_408) == (try packet(1_408 - header - 20)))
      }
      #expect(lower(try packet(1_408 - header - 20), mtu: 1_408) == nil, "it fits")
      #expect(lower(try packet(536), mtu: 1_408) == nil, "it is never raised")
    }
  }

  @Test func leavesTheRest() throws {
    let options = Self.asked(1_460) + [1, 1, 1, 1]
    func packet(_ flags: UInt8, _ options: [UInt8]) throws -> [UInt8] {
      try Packets.tcp("10.8.0.1", "10.8.0.2", sequence: 9, flags: flags, [], options: options)
    }
    #expect(lower(try packet(0x02, options), mtu: 1_400) != nil, "the control")
    #expect(lower(try packet(0x10, options), mtu: 1_400) == nil, "no SYN")
    #expect(lower(try packet(0x02, []), mtu: 1_400) == nil, "no option")
    #expect(
      lower(try packet(0x02, [0, 0] + Self.asked(1_460) + [0, 0]), mtu: 1_400) == nil, "behind the end of options")
    #expect(lower(try packet(0x02, [8, 0] + Self.asked(1_460) + [1, 1]), mtu: 1_400) == nil, "an option of no length")
    #expect(lower(try packet(0x02, [1, 1, 1, 2]), mtu: 1_400) == nil, "cut off")
    #expect(lower(try packet(0x02, [2, 3, 9, 1]), mtu: 1_400) == nil, "another length")
    #expect(lower(try Packets.udp("10.8.0.1", "10.8.0.2", [2, 4, 9, 9]), mtu: 1_400) == nil, "no TCP")
    var fragment = try packet(0x02, options)
    fragment[6] = 0x20
    #expect(lower(fragment, mtu: 1_400) == nil, "a fragment")
    var wrong = try packet(0x02, options)
    wrong[36] ^= 1
    #expect(Packets.naive(Packets.pseudoOf(wrong)) != 0)
    #expect(Packets.naive(Packets.pseudoOf(try #require(lower(wrong, mtu: 1_400)))) != 0, "wrong stays wrong")
  }
}

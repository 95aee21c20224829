import CLinux
import Glibc
import Testing

@testable import UserspaceTunnel

/// What a coalescer writes for a batch of packets, with how many packets each frame stands for.
func coalesce(_ packets: [[UInt8]]) -> [(header: [UInt8], packet: [UInt8])] {
  var ends: [Int32] = [0, 0]
  _ = unsafe cl_packet_pair(&ends)
  defer { for end in ends { _ = close(end) } }
  var counters = [UInt64](repeating: 0, count: Counter.allCases.count)
  return unsafe counters.withUnsafeMutableBufferPointer { counters in
    guard let start = counters.baseAddress else { return [] }
    var coalescer = unsafe Coalescer(tun: ends[0], counters: start, joinsTCP: true, joinsUDP: true)
    defer { coalescer.free() }
    let memory = Octets.allocate(byteCount: packets.count * 4_096, alignment: 64)
    defer { unsafe memory.deallocate() }
    for (index, packet) in packets.enumerated() {
      let place = unsafe memory + index * 4_096
      unsafe place.copyMemory(from: packet, byteCount: packet.count)
      if let inner = unsafe InnerPacket(place, packet.count) { unsafe coalescer.add(place, inner) }
    }
    coalescer.flush()
    var frames: [(header: [UInt8], packet: [UInt8])] = []
    var buffer = [UInt8](repeating: 0, count: 70_000)
    while true {
      let got = unsafe read(ends[1], &buffer, buffer.count)
      guard got > 0 else { return frames }
      frames.append((Array(buffer[..<10]), Array(buffer[10..<got])))
    }
  }
}

/// What the kernel would deliver: frames split again.
func delivered(_ frames: [(header: [UInt8], packet: [UInt8])]) -> [[UInt8]] {
  frames.flatMap { frame in frame.header[1] == 0 ? [frame.packet] : split(frame.header, frame.packet) ?? [[]] }
}

@Suite struct CoalescerTests {
  typealias Frame = (sequence: UInt32, flags: UInt8, size: Int)

  private func tcp(_ frames: [Frame], v6: Bool = false, ports: (Int, Int) = (80, 4_000), id: Int = 100) throws
    -> [[UInt8]]
  {
    try frames.enumerated().map { index, frame in
      try Packets.tcp(
        v6 ? "fd08::1" : "10.8.0.1", v6 ? "fd08::2" : "10.8.0.2", sequence: frame.sequence, flags: frame.flags,
        Packets.payload(frame.size, index), id: id + index, ports: ports)
    }
  }

  /// Sequences of segments, with how many frames they become.
  static let cases: [(name: String, frames: [Frame], written: Int)] = [
    ("one", [(1, 0x10, 100)], 1),
    ("in order", [(1, 0x10, 100), (101, 0x10, 100), (201, 0x10, 100)], 1),
    ("a short end", [(1, 0x10, 100), (101, 0x10, 100), (201, 0x10, 50)], 1),
    ("more after a short end", [(1, 0x10, 100), (101, 0x10, 50), (151, 0x10, 100)], 2),
    ("longer than the first", [(1, 0x10, 100), (101, 0x10, 101)], 2),
    ("a gap", [(1, 0x10, 100), (301, 0x10, 100)], 2),
    ("out of order", [(101, 0x10, 100), (1, 0x10, 100)], 2),
    ("twice", [(1, 0x10, 100), (1, 0x10, 100)], 2),
    ("PSH ends", [(1, 0x10, 100), (101, 0x18, 100), (201, 0x10, 100)], 2),
    ("PSH first", [(1, 0x18, 100), (101, 0x10, 100)], 2),
    ("FIN alone", [(1, 0x10, 100), (101, 0x11, 100), (201, 0x10, 100)], 3),
    ("SYN", [(1, 0x02, 0), (2, 0x10, 100)], 2),
    ("RST", [(1, 0x10, 100), (101, 0x14, 0)], 2),
    ("URG", [(1, 0x10, 100), (101, 0x30, 100)], 2),
    ("CWR", [(1, 0x10, 100), (101, 0x90, 100)], 2),
    ("ECE twice", [(1, 0x50, 100), (101, 0x50, 100)], 1),
    ("ECE once", [(1, 0x10, 100), (101, 0x50, 100)], 2),
    ("an empty ACK between", [(1, 0x10, 100), (101, 0x10, 0), (101, 0x10, 100)], 3),
    ("no ACK", [(1, 0x00, 100), (101, 0x00, 100)], 2),
    ("over the wrap", [(.max - 99, 0x10, 100), (0, 0x10, 100)], 1),
  ]

  @Test(arguments: [false, true]) func joinsTCP(v6: Bool) throws {
    for test in Self.cases {
      let packets = try tcp(test.frames, v6: v6)
      let frames = coalesce(packets)
      #expect(frames.count == test.written, "\(test.name)")
      #expect(delivered(frames) == packets, "\(test.name)")
    }
  }

  @Test func keepsApartWhatDiffers() throws {
    let make = { (sequence: UInt32, ack: UInt32, tos: UInt8, ttl: UInt8, options: [UInt8], df: Bool, id: Int) in
      try Packets.tcp(
        "10.8.0.1", "10.8.0.2", sequence: sequence, flags: 0x10, Packets.payload(100), options: options, id: id,
        tos: tos,
        acknowledgement: ack, df: df, ttl: ttl)
    }
    let first = try make(1, 7, 0, 64, [], true, 5)
    #expect(coalesce([first, try make(101, 7, 0, 64, [], true, 9)]).count == 1, "DF makes the identifier meaningless")
    #expect(coalesce([first, try make(101, 8, 0, 64, [], true, 6)]).count == 2, "acknowledgement")
    #expect(coalesce([first, try make(101, 7, 1, 64, [], true, 6)]).count == 2, "class")
    #expect(coalesce([first, try make(101, 7, 0, 63, [], true, 6)]).count == 2, "TTL")
    #expect(coalesce([first, try make(101, 7, 0, 64, [1, 1, 1, 1], true, 6)]).count == 2, "options")
    #expect(coalesce([first, try make(101, 7, 0, 64, [], false, 6)]).count == 2, "DF")
    let loose = try make(1, 7, 0, 64, [], false, 5)
    #expect(coalesce([loose, try make(101, 7, 0, 64, [], false, 6)]).count == 1, "the identifier counts on")
    #expect(coalesce([loose, try make(101, 7, 0, 64, [], false, 7)]).count == 2, "the identifier jumps")
  }

  @Test func neverRepairsAChecksum() throws {
    for at in 0..<3 {
      var packets = try tcp([(1, 0x10, 100), (101, 0x10, 100), (201, 0x10, 100)])
      packets[at][30] ^= 1
      let frames = coalesce(packets)
      #expect(delivered(frames) == packets)
      #expect(frames.contains { $0.packet == packets[at] && $0.header == [UInt8](repeating: 0, count: 10) })
    }
  }

  @Test func joinsFlowsThatAreMixed() throws {
    var packets: [[UInt8]] = []
    for step in 0..<10 {
      for flow in 0..<4 {
        packets += try tcp([(UInt32(1 + 100 * step), 0x10, 100)], ports: (80, 4_000 + flow), id: step)
      }
    }
    let frames = coalesce(packets)
    #expect(frames.count == 4)
    #expect(Set(delivered(frames)) == Set(packets))
  }

  @Test(arguments: ["10.8.0.", "fd08::"]) func joinsUDP(network: String) throws {
    let make = { (size: Int, id: Int) in
      try Packets.udp("\(network)1", "\(network)2", Packets.payload(size, id), id: id)
    }
    let same = try (0..<5).map { try make(100, $0) }
    #expect(coalesce(same).count == 1)
    #expect(delivered(coalesce(same)) == same)
    let short = [try make(100, 1), try make(60, 2), try make(100, 3)]
    #expect(coalesce(short).count == 2)
    #expect(delivered(coalesce(short)) == short)
    var bare = same
    let field = network.contains(":") ? 46 : 26
    for at in bare.indices { (bare[at][field], bare[at][field + 1]) = (0, 0) }
    #expect(coalesce(bare).count == 5, "no checksum, no joining")
    #expect(delivered(coalesce(bare)) == bare)
  }

  @Test func fillsAFrameAtMost() throws {
    let packets = try (0..<100).map { try tcp([(UInt32(1 + 1_368 * $0), 0x10, 1_368)])[0] }
    let frames = coalesce(packets)
    #expect(frames.allSatisfy { $0.packet.count <= 65_535 } && frames.count == 3)
    #expect(delivered(frames).map(\.count) == packets.map(\.count))
  }

  @Test func leavesFragmentsAndExtensionsAlone() throws {
    var fragment = try Packets.udp("10.8.0.1", "10.8.0.2", Packets.payload(100))
    fragment[6] = 0x20
    #expect(coalesce([fragment, fragment]).map(\.packet) == [fragment, fragment])
    let tcp = try Packets.tcp("fd08::1", "fd08::2", sequence: 1, flags: 0x10, Packets.payload(50))
    let body = [6, 0, 1, 4, 0, 0, 0, 0] + tcp[40...]
    let extended = try Packets.ip("fd08::1", "fd08::2", 60, Array(body))
    #expect(coalesce([extended, extended]).map(\.packet) == [extended, extended])
  }
}

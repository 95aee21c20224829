import CLinux
import Cryptography
import Glibc
import NetworkTypes
import Testing
import WireGuard

@testable import UserspaceTunnel

/// Two engines in one process, over socket pairs and the loopback.
@Suite(.serialized) struct EngineTests {
  private func pair(psk: Bool = false, v6: Bool = false, cipher: CipherKind = .stock, offloads: Bool = true) throws
    -> (Twin, Twin)
  {
    let one = try Twin(offloads: offloads, cipher: cipher)
    let other = try Twin(offloads: offloads, cipher: cipher)
    let key = psk ? Key32(Randomness.bytes(32)) : nil
    try one.add(other, ["10.8.0.2/32", "fd08::2/128"], endpoint: true, psk: key, v6: v6)
    try other.add(one, ["10.8.0.1/32", "fd08::1/128"], endpoint: false, psk: key)
    return (one, other)
  }

  @Test(arguments: CipherKind.allCases, [false, true])
  func exchangesPackets(cipher: CipherKind, psk: Bool) throws {
    let (one, other) = try pair(psk: psk, v6: psk, cipher: cipher)
    for (source, destination) in [("10.8.0.1", "10.8.0.2"), ("fd08::1", "fd08::2")] {
      for size in [0, 1, 15, 16, 500, 1_372] {
        let packet = try Packets.udp(source, destination, Packets.payload(size))
        one.write(packet)
        #expect(other.read(pumping: [one])?.packet == packet)
        let answer = try Packets.udp(destination, source, Packets.payload(size, 5))
        other.write(answer)
        #expect(one.read(pumping: [other])?.packet == answer)
      }
    }
    #expect(one.engine.state().peers.first?.lastHandshake.seconds ?? 0 > 0)
    #expect(one.engine.path.value(of: .notAuthentic) == 0)
  }

  @Test func keepsWhatWaitsForASession() throws {
    let (one, other) = try pair()
    let packets = try (0..<20).map {
      try Packets.udp("10.8.0.1", "10.8.0.2", Packets.payload(100 + $0), ports: (7, 100 + $0))
    }
    for packet in packets { one.write(packet) }
    var came: [[UInt8]] = []
    for _ in packets { if let frame = other.read(pumping: [one]) { came.append(frame.packet) } }
    // Order is kept within a flow, and each of these is one.
    #expect(Set(came) == Set(packets) && came.count == packets.count)
  }

  @Test func dropsWhatIsNotThePeers() throws {
    let (one, other) = try pair()
    let right = try Packets.udp("10.8.0.1", "10.8.0.2", [1])
    let wrong = try Packets.udp("10.8.0.9", "10.8.0.2", [2])
    one.write(wrong)
    one.write(right)
    #expect(other.read(pumping: [one])?.packet == right)
    #expect(other.engine.path.value(of: .wrongSource) == 1)
  }

  @Test func answersWhenNobodyOwnsTheAddress() throws {
    let (one, _) = try pair()
    let packet = try Packets.udp("10.8.0.1", "192.0.2.1", [1, 2, 3])
    one.write(packet)
    let answer = try #require(one.read()?.packet)
    #expect(answer[9] == 1 && answer[20] == 3 && answer[21] == 1)
    #expect(Array(answer[28...]) == packet)
    #expect(Packets.naive(Array(answer[..<20])) == 0 && Packets.naive(Array(answer[20...])) == 0)
    one.write(try Packets.udp("fd08::1", "fd09::1", [1, 2, 3]))
    let answer6 = try #require(one.read()?.packet)
    #expect(answer6[6] == 58 && answer6[40] == 1 && answer6[41] == 3)
  }

  @Test func answersWhatIsTooLong() throws {
    let (one, _) = try pair()
    one.write(try Packets.udp("10.8.0.1", "10.8.0.2", Packets.payload(1_500)))
    let answer = try #require(one.read()?.packet)
    #expect(answer[20] == 3 && answer[21] == 4 && Int(answer[26]) << 8 | Int(answer[27]) == 1_420)
  }

  /// The frame is quoted as it came: its headers were altered before the answer, so there was none for IPv4, and one for
  /// IPv6 that no sender could find the connection of.
  @Test(arguments: SplitterTests.families.indices)
  func answersAFrameWhoseSegmentsAreTooLong(family: Int) throws {
    let (source, destination, start, kind) = SplitterTests.families[family]
    let (one, _) = try pair()
    let frame = try Packets.tcp(source, destination, sequence: 77, flags: 0x10, Packets.payload(4_000))
    one.write(frame, header: virtualHeader(kind: kind, segment: 1_400, start: start, field: 16))
    let answer = try #require(one.read()?.packet)
    let quote = start == 20 ? 28 : 48
    #expect(answer[start] == (start == 20 ? 3 : 2))
    #expect(Array(answer[quote...]) == Array(frame[..<(answer.count - quote)]))
  }

  @Test(arguments: [false, true]) func lowersTheSizeOfSegmentsBothWays(isOn: Bool) throws {
    let one = try Twin(clampsSegments: isOn)
    let other = try Twin(clampsSegments: isOn)
    try one.add(other, ["10.8.0.2/32"], endpoint: true)
    try other.add(one, ["10.8.0.1/32"], endpoint: false)
    one.engine.setMTU(1_300)
    func syn(_ twin: Twin, _ size: Int) throws -> [UInt8] {
      let (source, destination) = twin === one ? ("10.8.0.1", "10.8.0.2") : ("10.8.0.2", "10.8.0.1")
      return try Packets.tcp(source, destination, sequence: 1, flags: 2, [], options: [2, 4] + Packets.big(size))
    }
    one.write(try syn(one, 1_460))
    #expect(other.read(pumping: [one])?.packet == (try syn(one, isOn ? 1_260 : 1_460)))
    // The other side has more room: what comes in is lowered here.
    other.write(try syn(other, 1_460))
    #expect(one.read(pumping: [other])?.packet == (try syn(other, isOn ? 1_260 : 1_460)))
    let lowered = [Counter.clampedSent, .clampedReceived].map { one.engine.path.value(of: $0) }
    #expect(lowered == (isOn ? [1, 1] : [0, 0]))
  }

  @Test func removesAPeer() throws {
    let (one, other) = try pair()
    one.write(try Packets.udp("10.8.0.1", "10.8.0.2", [1]))
    #expect(other.read(pumping: [one]) != nil)
    var peer = PeerChange(other.publicKey)
    peer.removes = true
    var change = DeviceChange()
    change.peers = [peer]
    #expect(one.engine.apply(change) == 0)
    one.write(try Packets.udp("10.8.0.1", "10.8.0.2", [2]))
    #expect(one.read()?.packet[9] == 1)
    #expect(other.read(milliseconds: 100) == nil)
    for _ in 0..<20 { one.engine.pump() }
    #expect(!one.engine.path.hasGarbage)
  }

  /// Handshake messages wake control once a batch: none of a burst may lie there while it sleeps.
  @Test func wakesControlForEveryBatch() throws {
    let (one, _) = try pair()
    let sender = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { _ = close(sender) }
    var name = sockaddr_storage()
    let length = SocketAddress.write(try Endpoint("127.0.0.1:\(one.engine.port)"), to: &name)
    let message = [1, 0, 0, 0] + [UInt8](repeating: 7, count: 144)
    let before = one.engine.device.count(of: .wrongMAC)
    for burst in 1...20 {
      for _ in 0..<burst {
        // Safe: the name is as long as told, and the array holds as many octets as are sent.
        let sent = unsafe withUnsafePointer(to: &name) { name in
          unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe sendto(sender, message, message.count, 0, $0, length)
          }
        }
        #expect(sent == message.count)
      }
      let expected = before + UInt64(burst * (burst + 1) / 2)
      // Pumped as a program does it: only when the event says so.
      for _ in 0..<200 where one.engine.device.count(of: .wrongMAC) < expected {
        var event = pollfd(fd: one.engine.wakeEvent, events: Int16(POLLIN), revents: 0)
        if unsafe cl_poll(&event, 1, 50) > 0 { one.engine.pump() }
      }
      #expect(one.engine.device.count(of: .wrongMAC) == expected)
    }
  }
}

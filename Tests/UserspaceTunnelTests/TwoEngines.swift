import CLinux
import Cryptography
import Diagnostics
import Glibc
import NetworkTypes
import Testing
import WireGuard

@testable import UserspaceTunnel

/// An engine whose TUN is one end of a local socket pair and whose UDP is the loopback: everything but root.
final class Twin {
  let engine: Engine
  /// Our end: what is written here the engine reads, with the ten octets of the virtual header before it.
  let tun: Int32
  private let theirs: Int32
  let publicKey: PublicKey

  init(offloads: Bool = true, cipher: CipherKind = .stock, clampsSegments: Bool = false) throws {
    var options = Engine.Options()
    options.offloads = offloads
    options.cipher = cipher
    options.clampsSegments = clampsSegments
    engine = try Engine(options)
    var ends: [Int32] = [0, 0]
    _ = unsafe cl_packet_pair(&ends)
    (tun, theirs) = (ends[0], ends[1])
    engine.setMTU(1_420)
    try engine.start(tun: theirs, hasUSO: true)
    var change = DeviceChange()
    let secret = Randomness.bytes(32)
    change.privateKey = .some(Key32(secret))
    _ = engine.apply(change)
    publicKey = try #require(engine.state().publicKey)
  }

  deinit {
    engine.stop()
    _ = close(tun)
    _ = close(theirs)
  }

  /// Makes the other a peer that owns `ranges`.
  func add(_ other: Twin, _ ranges: [String], endpoint: Bool, psk: Key32? = nil, v6: Bool = false) throws {
    var peer = PeerChange(other.publicKey)
    peer.presharedKey = psk
    if endpoint {
      let host = v6 ? "[::1]" : "127.0.0.1"
      peer.endpoint = try Endpoint("\(host):\(other.engine.port)")
    }
    for range in ranges { peer.allowedAddresses.append(AllowedAddressChange(try Prefix(range))) }
    var change = DeviceChange()
    change.peers = [peer]
    _ = engine.apply(change)
  }

  /// Sends a packet into the tunnel.
  func write(_ packet: [UInt8], header: [UInt8] = [UInt8](repeating: 0, count: 10)) {
    let frame = header + packet
    _ = unsafe Glibc.write(tun, frame, frame.count)
  }

  /// The next frame that came out of the tunnel: virtual header and packet; nil after the time.
  func read(milliseconds: Int32 = 2_000, pumping others: [Twin] = []) -> (header: [UInt8], packet: [UInt8])? {
    var waited: Int32 = 0
    while waited <= milliseconds {
      for twin in [self] + others { twin.engine.pump() }
      var descriptor = pollfd(fd: tun, events: Int16(POLLIN), revents: 0)
      if unsafe cl_poll(&descriptor, 1, 5) > 0 {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let got = unsafe Glibc.read(tun, &buffer, buffer.count)
        guard got >= 10 else { return nil }
        return (Array(buffer[..<10]), Array(buffer[10..<got]))
      }
      waited += 5
    }
    return nil
  }
}

/// Packets made by hand, with right checksums that a naive function computes.
enum Packets {
  /// The checksum of RFC 1071, two octets at a time.
  static func naive(_ octets: [UInt8], _ start: UInt32 = 0) -> UInt16 {
    var sum = start
    var at = 0
    while at < octets.count {
      sum += UInt32(octets[at]) << 8 | (at + 1 < octets.count ? UInt32(octets[at + 1]) : 0)
      at += 2
      sum = (sum & 0xffff) + (sum >> 16)
    }
    return ~UInt16(sum)
  }

  static func big(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
  static func big32(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  /// The sum over a pseudo header, not complemented.
  static func pseudo(_ source: [UInt8], _ destination: [UInt8], _ transport: UInt8, _ length: Int) -> UInt32 {
    UInt32(~naive(source + destination + [0, transport] + big(length)))
  }

  /// The pseudo header of an IPv4 packet of TCP, and its segment: the naive checksum over both is 0 when it is right.
  static func pseudoOf(_ packet: [UInt8]) -> [UInt8] {
    Array(packet[12..<20]) + [0, packet[9]] + big(packet.count - 20) + packet[20...]
  }

  /// An IPv4 or IPv6 packet around a transport packet whose checksum field, at `checksumAt`, is still zero.
  static func ip(
    _ source: String, _ destination: String, _ transport: UInt8, _ body: [UInt8], checksumAt: Int? = nil,
    tos: UInt8 = 0, id: Int = 1, df: Bool = true, ttl: UInt8 = 64
  ) throws -> [UInt8] {
    let from = try IPAddress(source).octets
    let to = try IPAddress(destination).octets
    var body = body
    if let checksumAt {
      let sum = naive(body, pseudo(from, to, transport, body.count))
      body.replaceSubrange(checksumAt..<checksumAt + 2, with: big(Int(sum == 0 && transport == 17 ? 0xffff : sum)))
    }
    if from.count == 16 {
      return [0x60 | tos >> 4, tos << 4, 0, 0] + big(body.count) + [transport, ttl] + from + to + body
    }
    var header: [UInt8] = [0x45, tos] + big(20 + body.count) + big(id) + [df ? 0x40 : 0, 0, ttl, transport, 0, 0]
    header += from + to
    header.replaceSubrange(10..<12, with: big(Int(naive(header))))
    return header + body
  }

  static func udp(
    _ source: String, _ destination: String, _ payload: [UInt8], tos: UInt8 = 0, id: Int = 1, ports: (Int, Int) = (7, 9)
  ) throws -> [UInt8] {
    let body = big(ports.0) + big(ports.1) + big(8 + payload.count) + [0, 0] + payload
    return try ip(source, destination, 17, body, checksumAt: 6, tos: tos, id: id)
  }

  static func tcp(
    _ source: String, _ destination: String, sequence: UInt32, flags: UInt8, _ payload: [UInt8],
    options: [UInt8] = [], id: Int = 1, tos: UInt8 = 0, acknowledgement: UInt32 = 77, ports: (Int, Int) = (80, 4_000),
    df: Bool = true, ttl: UInt8 = 64
  ) throws -> [UInt8] {
    let offset = UInt8((20 + options.count) / 4) << 4
    let body =
      big(ports.0) + big(ports.1) + big32(sequence) + big32(acknowledgement) + [offset, flags, 1, 0, 0, 0, 0, 0]
      + options
      + payload
    return try ip(source, destination, 6, body, checksumAt: 16, tos: tos, id: id, df: df, ttl: ttl)
  }

  static func payload(_ count: Int, _ seed: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 167 &+ ($0 >> 8)) }
  }
}

/// Protocol numbers that the path knows (IANA).
enum Transport {
  static let hopByHop = 0
  static let icmp = 1
  static let tcp = 6
  static let udp = 17
  static let routing = 43
  static let fragment = 44
  static let icmpV6 = 58
  static let destinationOptions = 60
}

/// What the header of an inner packet says, as far as a tunnel looks. Every length was compared with `count`.
struct InnerPacket {
  /// The whole packet as its header says, without padding behind it.
  var length = 0
  var isV6 = false
  /// Where the transport header begins; for IPv6 behind the extension headers that are walked over.
  var transportOffset = 0
  /// The protocol there, or -1 for a fragment, and where the headers end before it is known.
  var transport = -1
  /// Whether IPv6 extension headers were walked over.
  var hasExtensions = false

  /// The packet at `start`, of which `count` octets are there. Nil unless version and lengths are right.
  @inline(__always) init?(_ start: Octets, _ count: Int) {
    guard count >= 20 else { return nil }
    let version = unsafe start.octet(0) >> 4
    if version == 4 {
      let header = unsafe (start.octet(0) & 15) &* 4
      length = unsafe start.big16(2)
      guard header >= 20, length >= header, length <= count else { return nil }
      transportOffset = header
      // More fragments, or an offset: what follows is no transport header.
      transport = unsafe start.big16(6) & 0x3fff == 0 ? start.octet(9) : -1
    } else if version == 6 {
      guard count >= 40 else { return nil }
      length = unsafe start.big16(4) &+ 40
      guard length <= count else { return nil }
      isV6 = true
      transportOffset = 40
      transport = unsafe start.octet(6)
      if transport != Transport.tcp && transport != Transport.udp { unsafe walkExtensions(start) }
    } else {
      return nil
    }
  }

  /// Walks over options and finished routing headers (RFC 8200, 4); a fragment, or what is cut off, ends the walk.
  @inline(never) private mutating func walkExtensions(_ start: Octets) {
    var steps = 0
    while transport == Transport.hopByHop || transport == Transport.destinationOptions || transport == Transport.routing
    {
      guard steps < 8, transportOffset &+ 8 <= length else { break }
      if unsafe transport == Transport.routing && start.octet(transportOffset &+ 3) != 0 { break }
      let size = unsafe (start.octet(transportOffset &+ 1) &+ 1) &* 8
      guard transportOffset &+ size <= length else { break }
      transport = unsafe start.octet(transportOffset)
      transportOffset &+= size
      hasExtensions = true
      steps &+= 1
    }
    let isKnown =
      transport != Transport.hopByHop && transport != Transport.destinationOptions && transport != Transport.routing
    if !isKnown || transport == Transport.fragment { transport = -1 }
  }
}

/// Explicit congestion notification across a tunnel (RFC 6040).
enum ECN {
  static let notCapable = 0
  static let congested = 3

  /// The two bits of a packet.
  @inline(__always) static func bits(of packet: Octets) -> Int {
    unsafe packet.octet(0) >> 4 == 4 ? packet.octet(1) & 3 : (packet.octet(1) >> 4) & 3
  }

  /// What the inner packet carries on after decapsulation (RFC 6040, figure 4); -1 where it is to be dropped.
  @inline(__always) static func decapsulated(inner: Int, outer: Int) -> Int {
    if outer == congested { return inner == notCapable ? -1 : congested }
    // ECT(1) on the outside is kept where the inside was ECT(0).
    return inner == 2 && outer == 1 ? 1 : inner
  }

  /// Writes the two bits, and the header checksum of IPv4 with them.
  @inline(never) static func set(_ bits: Int, in packet: Octets) {
    if unsafe packet.octet(0) >> 4 == 4 {
      let old = unsafe packet.raw16(0)
      unsafe packet.put(octet: packet.octet(1) & ~3 | bits, 1)
      // RFC 1624, equation 3: the new sum is ~(~sum + ~old + new).
      let sum = unsafe UInt64(~packet.raw16(10) & 0xffff) &+ UInt64(~old & 0xffff) &+ UInt64(packet.raw16(0))
      unsafe packet.put(raw16: ~Checksum.fold(sum), 10)
    } else {
      unsafe packet.put(octet: packet.octet(1) & ~0x30 | bits << 4, 1)
    }
  }
}

import Glibc

/// Answers to packets that cannot go on, as the kernel's WireGuard gives them (RFC 792, RFC 4443).
enum ICMPError {
  enum Kind {
    /// Nobody owns the address, or nobody knows where its owner is.
    case unreachable
    /// The packet is longer than this.
    case tooBig(mtu: Int)
  }

  /// Octets of an IPv6 packet that every link takes (RFC 8200, 5).
  static var leastV6: Int { 1_280 }
  /// Octets of the longest answer (RFC 4443, 2.4).
  static var limit: Int { leastV6 }

  /// Writes the answer to `packet` into `target`, which has room for `limit` octets; its length, or 0 where none may be
  /// sent: to an error, to a fragment that is not the first, from or to an address that is not one host's.
  ///
  /// The answer comes from the address that was asked for, which is routed into the tunnel: no filter of reverse paths
  /// refuses it, and the tunnel needs no address of its own.
  static func answer(_ kind: Kind, to packet: Octets, _ count: Int, in target: Octets) -> Int {
    guard let inner = unsafe InnerPacket(packet, count) else { return 0 }
    return unsafe inner.isV6 ? v6(kind, packet, inner, target) : v4(kind, packet, inner, target)
  }

  private static func v4(_ kind: Kind, _ packet: Octets, _ inner: InnerPacket, _ target: Octets) -> Int {
    let isLaterFragment = unsafe packet.big16(6) & 0x1fff != 0
    let isICMP = unsafe packet.octet(9) == Transport.icmp
    // Only questions and answers of echo are answered; anything else of ICMP may be an error (RFC 1122, 3.2.2).
    let isError =
      unsafe isICMP && inner.length > inner.transportOffset && ![0, 8].contains(packet.octet(inner.transportOffset))
    let source = unsafe packet.octet(12)
    let destination = unsafe packet.octet(16)
    guard !isLaterFragment, !isError, source != 0, source != 127, source < 224, destination < 224 else { return 0 }
    // The header and at least eight octets; more helps the sender (RFC 1812, 4.3.2.3: up to 576 in all).
    let quoted = min(inner.length, 576 - 28)
    unsafe memset(target, 0, 28)
    unsafe target.put(octet: 0x45, 0)
    unsafe target.put(octet: 0xc0, 1)
    unsafe target.put(big16: 28 &+ quoted, 2)
    unsafe target.put(octet: 64, 8)
    unsafe target.put(octet: Transport.icmp, 9)
    unsafe memcpy(target + 12, packet + 16, 4)
    unsafe memcpy(target + 16, packet + 12, 4)
    unsafe target.put(raw16: ~Checksum.fold(Checksum.sum(target, 20)), 10)
    unsafe target.put(octet: 3, 20)
    switch kind {
    case .unreachable: unsafe target.put(octet: 1, 21)
    case .tooBig(let mtu):
      unsafe target.put(octet: 4, 21)
      unsafe target.put(big16: mtu, 26)
    }
    unsafe memcpy(target + 28, packet, quoted)
    unsafe target.put(raw16: ~Checksum.fold(Checksum.sum(target + 20, 8 &+ quoted)), 22)
    return 28 &+ quoted
  }

  private static func v6(_ kind: Kind, _ packet: Octets, _ inner: InnerPacket, _ target: Octets) -> Int {
    let isError =
      unsafe inner.transport == Transport.icmpV6 && inner.length > inner.transportOffset
      && packet.octet(inner.transportOffset) < 128
    let isMulticast = unsafe packet.octet(24) == 0xff || packet.octet(8) == 0xff
    let isUnspecified = unsafe packet.raw64(8) == 0 && packet.raw64(16) == 0
    guard !isError, !isMulticast, !isUnspecified else { return 0 }
    let quoted = min(inner.length, limit - 48)
    unsafe memset(target, 0, 48)
    unsafe target.put(octet: 0x60, 0)
    unsafe target.put(big16: 8 &+ quoted, 4)
    unsafe target.put(octet: Transport.icmpV6, 6)
    unsafe target.put(octet: 64, 7)
    unsafe memcpy(target + 8, packet + 24, 16)
    unsafe memcpy(target + 24, packet + 8, 16)
    switch kind {
    case .unreachable:
      unsafe target.put(octet: 1, 40)
      unsafe target.put(octet: 3, 41)
    case .tooBig(let mtu):
      unsafe target.put(octet: 2, 40)
      unsafe target.put(big32: UInt32(truncatingIfNeeded: max(mtu, leastV6)), 44)
    }
    unsafe memcpy(target + 48, packet, quoted)
    let sum =
      unsafe Checksum.pseudoHeader(target, isV6: true, transport: Transport.icmpV6) &+ Checksum.word(8 &+ quoted)
      &+ Checksum.sum(target + 40, 8 &+ quoted)
    unsafe target.put(raw16: ~Checksum.fold(sum), 42)
    return 48 &+ quoted
  }
}

/// How often something may happen: so many at once, and so many a second.
struct Allowance {
  private let burst: UInt64
  private let nanoseconds: UInt64
  private var left: UInt64
  private var since: UInt64 = 0

  init(burst: UInt64, perSecond: UInt64) {
    self.burst = burst
    left = burst
    nanoseconds = 1_000_000_000 / perSecond
  }

  /// Takes one, if there is one at `now`.
  mutating func take(at now: UInt64) -> Bool {
    let earned = (now &- since) / nanoseconds
    if earned > 0 {
      left = min(burst, left &+ min(earned, burst))
      since = now
    }
    guard left > 0 else { return false }
    left &-= 1
    return true
  }
}

/// The largest segment that an end of a TCP connection asks for (RFC 9293, 3.7.1), lowered to what fits the tunnel.
///
/// For hosts behind the tunnel that never learn its MTU, because something drops the ICMP errors that would tell them.
enum SegmentSize {
  /// Whether a packet may ask for a size: a whole TCP packet with SYN.
  @inline(__always) static func isAsked(in packet: Octets, _ inner: InnerPacket) -> Bool {
    unsafe inner.transport == Transport.tcp && inner.transportOffset &+ 20 <= inner.length
      && packet.octet(inner.transportOffset &+ 13) & 2 != 0
  }

  /// Lowers what a packet of `isAsked` asks for, so that whole packets have at most `mtu` octets; false where it stays.
  ///
  /// The checksum follows by the difference (RFC 1624, 3): one that was wrong stays wrong.
  @inline(never) static func lower(in packet: Octets, _ inner: InnerPacket, mtu: Int) -> Bool {
    let start = inner.transportOffset
    let end = unsafe start &+ (packet.octet(start &+ 12) >> 4) &* 4
    let largest = mtu &- (inner.isV6 ? 60 : 40)
    guard end <= inner.length, largest > 0 else { return false }
    var at = start &+ 20
    while at &+ 1 < end {
      let kind = unsafe packet.octet(at)
      if kind == 0 { return false }
      if kind == 1 {
        at &+= 1
        continue
      }
      let length = unsafe packet.octet(at &+ 1)
      guard length >= 2, at &+ length <= end else { return false }
      if kind == 2 && length == 4 {
        guard unsafe packet.big16(at &+ 2) > largest else { return false }
        unsafe replace(at &+ 2, with: largest, in: packet, segmentAt: start)
        return true
      }
      at &+= length
    }
    return false
  }

  private static func replace(_ at: Int, with value: Int, in packet: Octets, segmentAt start: Int) {
    let old = unsafe UInt16(truncatingIfNeeded: packet.raw16(at))
    unsafe packet.put(big16: value, at)
    let new = unsafe UInt16(truncatingIfNeeded: packet.raw16(at))
    // Behind an odd number of octets a number stands across two words of the sum, its halves exchanged.
    let isAcross = (at &- start) & 1 != 0
    let difference = UInt64(~(isAcross ? old.byteSwapped : old)) &+ UInt64(isAcross ? new.byteSwapped : new)
    let sum = unsafe UInt64(~packet.raw16(start &+ 16) & 0xffff) &+ difference
    unsafe packet.put(raw16: ~Checksum.fold(sum), start &+ 16)
  }
}

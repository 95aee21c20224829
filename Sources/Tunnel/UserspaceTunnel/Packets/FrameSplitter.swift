import Glibc

/// The header that TUN puts before each packet (`struct virtio_net_hdr`, Virtio 1.2, 5.1.6), ten octets.
enum VirtualHeader {
  static let size = 10
  static let needsChecksum = 1
  static let dataIsValid = 2
  static let none = 0
  static let tcpV4 = 1
  static let tcpV6 = 4
  static let udp = 5
  /// Set beside the kind: the flow speaks ECN.
  static let ecnFlag = 0x80
}

/// One frame as TUN gave it, which may stand for many packets: cut into packets of their final form, checksums included.
///
/// `hdr_len` of the virtual header is not believed; every length is taken from the packet and compared with what is there.
@safe struct FrameSplitter {
  private let packet: Octets
  private let count: Int
  private let inner: InnerPacket
  private let headers: Int
  private let segment: Int
  private let isTCP: Bool
  private var offset = 0
  private var sequence: UInt32 = 0
  private var identifier = 0
  private let flags: Int
  /// Sums over what is the same in all segments.
  private var baseHeader: UInt64 = 0
  private var baseTransport: UInt64 = 0

  /// Octets of the largest packet that will come out.
  var largest: Int { min(headers &+ segment, count) }

  /// Whether the virtual header says that the frame is several packets.
  @inline(__always) static func isSuperFrame(_ header: Octets) -> Bool { unsafe header.octet(1) & 0x7f != 0 }

  /// Completes the checksum of a frame that is one packet; false when the header does not fit the packet.
  @inline(__always) static func finish(_ header: Octets, _ packet: Octets, _ count: Int) -> Bool {
    guard unsafe header.octet(0) & VirtualHeader.needsChecksum != 0 else { return true }
    let start = unsafe header.raw16(6)
    let field = unsafe start &+ header.raw16(8)
    guard field &+ 2 <= count, start <= field else { return false }
    let sum = unsafe ~Checksum.fold(Checksum.sum(packet + start, count &- start)) & 0xffff
    // Zero means "no checksum" in UDP (RFC 768); the other spelling of zero is as good everywhere.
    unsafe packet.put(raw16: sum == 0 ? 0xffff : sum, field)
    return true
  }

  /// A super-frame; nil when it is malformed. `begin` comes before the first packet.
  @inline(__always) init?(_ header: Octets, _ packet: Octets, _ count: Int) {
    guard let inner = unsafe InnerPacket(packet, count) else { return nil }
    let kind = unsafe header.octet(1) & 0x7f
    let segment = unsafe header.raw16(4)
    let at = inner.transportOffset
    guard segment > 0, inner.length == count else { return nil }
    switch kind {
    case VirtualHeader.tcpV4, VirtualHeader.tcpV6:
      guard inner.transport == Transport.tcp, inner.isV6 == (kind == VirtualHeader.tcpV6), at &+ 20 <= count else {
        return nil
      }
      let size = unsafe (packet.octet(at &+ 12) >> 4) &* 4
      guard size >= 20, at &+ size <= count else { return nil }
      headers = at &+ size
      isTCP = true
      flags = unsafe packet.octet(at &+ 13)
      sequence = unsafe packet.big32(at &+ 4)
    case VirtualHeader.udp:
      guard inner.transport == Transport.udp, at &+ 8 <= count else { return nil }
      headers = at &+ 8
      isTCP = false
      flags = 0
    default: return nil
    }
    unsafe self.packet = packet
    self.count = count
    self.inner = inner
    self.segment = segment
    offset = headers
  }

  /// Takes the sums, and alters the frame's headers for that: who wants to quote them has done it before.
  @inline(__always) mutating func begin() {
    let at = inner.transportOffset
    // What differs between segments is zeroed, so that the sums are over what does not.
    if !inner.isV6 {
      identifier = unsafe packet.big16(4)
      unsafe packet.put(raw32: 0, 2)
      unsafe packet.put(raw16: 0, 10)
      baseHeader = unsafe Checksum.sum(packet, at)
    }
    let pseudo = unsafe Checksum.pseudoHeader(packet, isV6: inner.isV6, transport: inner.transport)
    if isTCP {
      unsafe packet.put(raw32: 0, at &+ 4)
      unsafe packet.put(octet: 0, at &+ 13)
      unsafe packet.put(raw16: 0, at &+ 16)
    } else {
      unsafe packet.put(raw32: 0, at &+ 4)
    }
    baseTransport = unsafe pseudo &+ Checksum.sum(packet + at, headers &- at)
  }

  /// Writes the next packet to `target`, which has room for `largest` octets; its length, or 0 behind the last.
  @inline(__always) mutating func next(into target: Octets) -> Int {
    guard offset < count else { return 0 }
    let payload = min(count &- offset, segment)
    let total = headers &+ payload
    let at = inner.transportOffset
    let isFirst = offset == headers
    let isLast = offset &+ payload == count
    unsafe memcpy(target, packet, headers)
    let sum = unsafe Checksum.sumCopying(to: target + headers, from: packet + offset, payload)
    if inner.isV6 {
      unsafe target.put(big16: total &- 40, 4)
    } else {
      unsafe target.put(big16: total, 2)
      unsafe target.put(big16: identifier, 4)
      let header = baseHeader &+ Checksum.word(total) &+ Checksum.word(identifier)
      unsafe target.put(raw16: ~Checksum.fold(header), 10)
      identifier &+= 1
    }
    let length = total &- at
    if isTCP {
      // FIN and PSH belong to the last segment, CWR to the first (RFC 3168, 6.1.2).
      var flags = flags
      if !isLast { flags &= ~0x09 }
      if !isFirst { flags &= ~0x80 }
      unsafe target.put(big32: sequence, at &+ 4)
      unsafe target.put(octet: flags, at &+ 13)
      let all =
        unsafe baseTransport &+ sum &+ UInt64(target.raw32(at &+ 4)) &+ Checksum.word(flags) &+ Checksum.word(length)
      unsafe target.put(raw16: ~Checksum.fold(all), at &+ 16)
      sequence &+= UInt32(truncatingIfNeeded: payload)
    } else {
      unsafe target.put(big16: length, at &+ 4)
      // The length stands in the pseudo header and in the header.
      let all = baseTransport &+ sum &+ Checksum.word(length) &+ Checksum.word(length)
      let value = ~Checksum.fold(all) & 0xffff
      unsafe target.put(raw16: value == 0 ? 0xffff : value, at &+ 6)
    }
    offset &+= payload
    return total
  }
}

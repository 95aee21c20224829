import CLinux
import Glibc

/// Joins packets of one flow that follow each other to one frame for TUN, across a whole receive batch.
///
/// What may be joined are TCP segments with data and UDP datagrams of equal headers and lengths, whose checksums are
/// right: a frame says that its checksums are to be computed, and a wrong one would be repaired. Order is kept within a
/// flow; packets stay where they are and are written with `writev`. The receiving thread's own.
@safe struct Coalescer {
  /// Flows that are joined at the same time.
  static let flowLimit = 8
  /// Packets of one frame; the kernel takes 1,024 pieces.
  static let pieceLimit = 256
  /// Octets of one frame.
  static let frameLimit = 65_535

  @unsafe private struct Flow {
    var first: Octets
    var ports: UInt32
    var acknowledgement: UInt32
    var nextSequence: UInt32
    var pieces: Int32
    var total: Int32
    /// Payload of each segment but the last.
    var segment: Int32
    var headers: Int32
    var transportOffset: Int32
    var identifier: Int32
    var isTCP: Bool
    var isV6: Bool
    var isClosed: Bool
  }

  private let tun: Int32
  private let flows: UnsafeMutablePointer<Flow>
  private let vectors: UnsafeMutablePointer<iovec>
  private let header: Octets
  private let saved: Octets
  private let counters: UnsafeMutablePointer<UInt64>
  private var count = 0
  /// Off for good after the kernel refused a joined frame.
  private(set) var joinsTCP: Bool
  private(set) var joinsUDP: Bool

  init(tun: Int32, counters: UnsafeMutablePointer<UInt64>, joinsTCP: Bool, joinsUDP: Bool) {
    self.tun = tun
    unsafe flows = .allocate(capacity: Self.flowLimit)
    unsafe vectors = .allocate(capacity: Self.flowLimit * (Self.pieceLimit + 1))
    unsafe header = .allocate(byteCount: 16, alignment: 16)
    unsafe saved = .allocate(byteCount: 128, alignment: 16)
    unsafe self.counters = unsafe counters
    self.joinsTCP = joinsTCP
    self.joinsUDP = joinsUDP
  }

  /// Gives the memory back.
  func free() {
    unsafe flows.deallocate()
    unsafe vectors.deallocate()
    unsafe header.deallocate()
    unsafe saved.deallocate()
  }

  /// Takes a packet whose memory stays as it is until `flush`; it is written now, or then.
  @inline(__always)
  mutating func add(_ packet: Octets, _ inner: InnerPacket) {
    if inner.transport == Transport.tcp && joinsTCP {
      unsafe addTCP(packet, inner)
    } else if inner.transport == Transport.udp && joinsUDP {
      unsafe addUDP(packet, inner)
    } else {
      unsafe writeAlone(packet, inner.length, isVerified: false)
    }
  }

  /// Writes what waits; its memory is the caller's again.
  mutating func flush() {
    var at = 0
    while at < count {
      write(at)
      at &+= 1
    }
    count = 0
  }

  @inline(__always)
  private mutating func addTCP(_ packet: Octets, _ inner: InnerPacket) {
    let at = inner.transportOffset
    guard at &+ 20 <= inner.length else { return unsafe writeAlone(packet, inner.length, isVerified: false) }
    let size = unsafe (packet.octet(at &+ 12) >> 4) &* 4
    let headers = at &+ size
    let flags = unsafe packet.octet(at &+ 13)
    let ports = unsafe packet.raw32(at)
    let payload = inner.length &- headers
    // ACK, PSH and ECE may be joined; options of IPv4 and extensions of IPv6 never are.
    let isPlain =
      size >= 20 && payload > 0 && flags & 0xa7 == 0 && flags & 0x10 != 0 && !inner.hasExtensions
      && (inner.isV6 || at == 20)
    let found = unsafe find(packet, inner, ports, isTCP: true)
    guard isPlain, unsafe isChecksumRight(packet, inner) else {
      if found >= 0 { remove(found) }
      return unsafe writeAlone(packet, inner.length, isVerified: false)
    }
    let sequence = unsafe packet.big32(at &+ 4)
    if found >= 0 {
      let flow = unsafe flows + found
      if unsafe sequence == flow.pointee.nextSequence && packet.raw32(at &+ 8) == flow.pointee.acknowledgement
        && (flow.pointee.first.octet(at &+ 13) ^ flags) & ~0x08 == 0
        && (size == 20 || memcmp(flow.pointee.first + (at &+ 20), packet + (at &+ 20), size &- 20) == 0)
        && extend(flow, found, packet, payload, headers)
      {
        unsafe flow.pointee.nextSequence = sequence &+ UInt32(truncatingIfNeeded: payload)
        if flags & 8 != 0 {
          // PSH of any segment is PSH of the frame, and ends it.
          unsafe flow.pointee.first.put(octet: flow.pointee.first.octet(at &+ 13) | 8, at &+ 13)
          unsafe flow.pointee.isClosed = true
        }
        return
      }
      remove(found)
    }
    unsafe begin(packet, inner, ports, headers, payload, isTCP: true)
    let flow = unsafe flows + (count &- 1)
    unsafe flow.pointee.nextSequence = sequence &+ UInt32(truncatingIfNeeded: payload)
    unsafe flow.pointee.acknowledgement = packet.raw32(at &+ 8)
    unsafe flow.pointee.isClosed = flags & 8 != 0
  }

  @inline(__always)
  private mutating func addUDP(_ packet: Octets, _ inner: InnerPacket) {
    let at = inner.transportOffset
    guard at &+ 8 <= inner.length else { return unsafe writeAlone(packet, inner.length, isVerified: false) }
    let ports = unsafe packet.raw32(at)
    let payload = inner.length &- at &- 8
    let isPlain =
      unsafe payload > 0 && packet.big16(at &+ 4) == payload &+ 8 && packet.raw16(at &+ 6) != 0
      && !inner.hasExtensions && (inner.isV6 || at == 20)
    let found = unsafe find(packet, inner, ports, isTCP: false)
    guard isPlain, unsafe isChecksumRight(packet, inner) else {
      if found >= 0 { remove(found) }
      return unsafe writeAlone(packet, inner.length, isVerified: false)
    }
    if found >= 0 {
      if unsafe extend(flows + found, found, packet, payload, at &+ 8) { return }
      remove(found)
    }
    unsafe begin(packet, inner, ports, at &+ 8, payload, isTCP: false)
  }

  /// The flow of a packet: same protocol, addresses and ports; -1 where there is none.
  @inline(__always)
  private func find(_ packet: Octets, _ inner: InnerPacket, _ ports: UInt32, isTCP: Bool) -> Int {
    var at = 0
    while at < count {
      let flow = unsafe flows + at
      if unsafe flow.pointee.ports == ports && flow.pointee.isTCP == isTCP && flow.pointee.isV6 == inner.isV6 {
        let first = unsafe flow.pointee.first
        let isSame =
          unsafe inner.isV6
          ? packet.raw64(8) == first.raw64(8) && packet.raw64(16) == first.raw64(16)
            && packet.raw64(24) == first.raw64(24) && packet.raw64(32) == first.raw64(32)
          : packet.raw64(12) == first.raw64(12)
        if isSame { return at }
      }
      at &+= 1
    }
    return -1
  }

  /// Appends a packet to a flow, if network headers, lengths and room allow.
  @inline(__always)
  private func extend(
    _ flow: UnsafeMutablePointer<Flow>, _ place: Int, _ packet: Octets, _ payload: Int, _ headers: Int
  ) -> Bool {
    let first = unsafe flow.pointee.first
    let total = unsafe Int(flow.pointee.total) &+ payload
    guard
      unsafe !flow.pointee.isClosed && payload <= Int(flow.pointee.segment) && headers == Int(flow.pointee.headers)
        && total <= Self.frameLimit && Int(flow.pointee.pieces) < Self.pieceLimit
    else { return false }
    if unsafe flow.pointee.isV6 {
      // Version, class and flow label; next header and hop limit.
      guard unsafe first.raw32(0) == packet.raw32(0) && first.raw16(6) == packet.raw16(6) else { return false }
    } else {
      // Class, DF, TTL; the identifier counts on unless DF makes it meaningless (RFC 6864, 4.1).
      guard
        unsafe first.raw16(0) == packet.raw16(0) && first.raw16(6) == packet.raw16(6)
          && first.octet(8) == packet.octet(8)
          && (packet.octet(6) & 0x40 != 0
            || packet.big16(4) == (Int(flow.pointee.identifier) &+ Int(flow.pointee.pieces)) & 0xffff)
      else { return false }
    }
    let piece = unsafe place &* (Self.pieceLimit &+ 1) &+ 1 &+ Int(flow.pointee.pieces)
    unsafe vectors[piece] = unsafe iovec(iov_base: packet + headers, iov_len: payload)
    unsafe flow.pointee.pieces &+= 1
    unsafe flow.pointee.total = Int32(truncatingIfNeeded: total)
    if unsafe payload < Int(flow.pointee.segment) { unsafe flow.pointee.isClosed = true }
    return true
  }

  @inline(__always)
  private mutating func begin(
    _ packet: Octets, _ inner: InnerPacket, _ ports: UInt32, _ headers: Int, _ payload: Int, isTCP: Bool
  ) {
    if count == Self.flowLimit { flush() }
    unsafe flows[count] = unsafe Flow(
      first: packet, ports: ports, acknowledgement: 0, nextSequence: 0, pieces: 1,
      total: Int32(truncatingIfNeeded: inner.length), segment: Int32(truncatingIfNeeded: payload),
      headers: Int32(truncatingIfNeeded: headers), transportOffset: Int32(truncatingIfNeeded: inner.transportOffset),
      identifier: inner.isV6 ? 0 : Int32(packet.big16(4)), isTCP: isTCP, isV6: inner.isV6, isClosed: false)
    unsafe vectors[count &* (Self.pieceLimit &+ 1) &+ 1] = unsafe iovec(iov_base: packet, iov_len: inner.length)
    count &+= 1
  }

  /// Whether the checksum of TCP or UDP is right.
  @inline(__always)
  private func isChecksumRight(_ packet: Octets, _ inner: InnerPacket) -> Bool {
    let at = inner.transportOffset
    let length = inner.length &- at
    let sum =
      unsafe Checksum.pseudoHeader(packet, isV6: inner.isV6, transport: inner.transport) &+ Checksum.word(length)
      &+ Checksum.sum(packet + at, length)
    return Checksum.fold(sum) == 0xffff
  }

  /// Writes a flow and closes the gap that it leaves.
  @inline(never)
  private mutating func remove(_ at: Int) {
    write(at)
    count &-= 1
    if at != count {
      // The last flow takes its place: flows have no order among each other.
      unsafe flows[at] = unsafe flows[count]
      let row = Self.pieceLimit &+ 1
      let length = unsafe (Int(flows[at].pieces) &+ 1) &* MemoryLayout<iovec>.stride
      unsafe memcpy(vectors + at &* row, vectors + count &* row, length)
    }
  }

  // MARK: writing

  @inline(never)
  private mutating func write(_ at: Int) {
    let flow = unsafe flows + at
    let row = unsafe vectors + at &* (Self.pieceLimit &+ 1)
    let packet = unsafe flow.pointee.first
    let pieces = unsafe Int(flow.pointee.pieces)
    if pieces == 1 {
      return unsafe writeAlone(packet, Int(flow.pointee.total), isVerified: true)
    }
    let headers = unsafe Int(flow.pointee.headers)
    unsafe memcpy(saved, packet, min(headers, 128))
    unsafe seal(flow, packet)
    unsafe row[0] = unsafe iovec(iov_base: header, iov_len: VirtualHeader.size)
    unsafe UserspaceTunnel.count(.tunWrites, counters)
    if unsafe writev(tun, row, Int32(truncatingIfNeeded: pieces &+ 1)) >= 0 {
      return unsafe UserspaceTunnel.count(.coalesced, counters)
    }
    let code = errno
    guard code == EINVAL else { return unsafe UserspaceTunnel.count(.tunWriteFailed, counters, pieces) }
    // This kernel does not take such frames (6.6.44 and others): never again, and these packets one by one.
    if unsafe flow.pointee.isTCP { joinsTCP = false } else { joinsUDP = false }
    unsafe UserspaceTunnel.count(.coalescingOff, counters)
    unsafe memcpy(packet, saved, min(headers, 128))
    unsafe writeAlone(packet, row[1].iov_len, isVerified: true)
    var piece = 1
    while piece < pieces {
      // Safe: a payload lies behind its own headers, which nobody touched.
      if let payload = unsafe row[piece &+ 1].iov_base {
        unsafe writeAlone(payload - headers, headers &+ row[piece &+ 1].iov_len, isVerified: true)
      }
      piece &+= 1
    }
  }

  /// Writes the virtual header, and the lengths and sums of a frame into the headers of its first packet.
  private func seal(_ flow: UnsafeMutablePointer<Flow>, _ packet: Octets) {
    let total = unsafe Int(flow.pointee.total)
    let at = unsafe Int(flow.pointee.transportOffset)
    let isV6 = unsafe flow.pointee.isV6
    let isTCP = unsafe flow.pointee.isTCP
    unsafe header.put(octet: VirtualHeader.needsChecksum, 0)
    unsafe header.put(octet: isTCP ? (isV6 ? VirtualHeader.tcpV6 : VirtualHeader.tcpV4) : VirtualHeader.udp, 1)
    unsafe header.put(raw16: Int(flow.pointee.headers), 2)
    unsafe header.put(raw16: Int(flow.pointee.segment), 4)
    unsafe header.put(raw16: at, 6)
    unsafe header.put(raw16: isTCP ? 16 : 6, 8)
    if isV6 {
      unsafe packet.put(big16: total &- 40, 4)
    } else {
      unsafe packet.put(big16: total, 2)
      unsafe packet.put(raw16: 0, 10)
      unsafe packet.put(raw16: ~Checksum.fold(Checksum.sum(packet, at)), 10)
    }
    if !isTCP { unsafe packet.put(big16: total &- at, at &+ 4) }
    let pseudo =
      unsafe Checksum.pseudoHeader(packet, isV6: isV6, transport: isTCP ? Transport.tcp : Transport.udp)
      &+ Checksum.word(total &- at)
    unsafe packet.put(raw16: Checksum.fold(pseudo), at &+ (isTCP ? 16 : 6))
  }

  /// Writes one packet. The kernel verifies its checksum itself, unless we did.
  @inline(never)
  private func writeAlone(_ packet: Octets, _ length: Int, isVerified: Bool) {
    unsafe header.put(raw64: isVerified ? UInt64(VirtualHeader.dataIsValid) : 0, 0)
    unsafe header.put(raw16: 0, 8)
    unsafe UserspaceTunnel.count(.tunWrites, counters)
    let written = unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { two in
      unsafe two[0] = unsafe iovec(iov_base: header, iov_len: VirtualHeader.size)
      unsafe two[1] = unsafe iovec(iov_base: packet, iov_len: length)
      return unsafe writev(tun, two.baseAddress, 2)
    }
    if written < 0 { unsafe UserspaceTunnel.count(.tunWriteFailed, counters) }
  }
}

import CLinux
import Glibc
import WireGuard

/// What the sending thread is started with. A class only at its start: the loop copies everything into locals.
@unsafe struct TransmitSetup {
  var shared: UnsafeMutablePointer<SharedHot>
  var tun: Int32
  /// Woken by control: orders wait, or the device stops.
  var wake: Int32
  /// Control's eventfd.
  var control: Int32
  /// From control: pointers of peers that have orders.
  var orders: Ring
  /// To control: `Report` records.
  var reports: Ring
  var offloads: Bool
  /// Whether the size of segments that a SYN asks for is lowered.
  var clampsSegments: Bool
}

/// The routes as the threads read them: who owns an address, and where that peer's state is.
@unsafe struct RouteTable {
  var view: AllowedIPs.View
  /// By slot; nil where there is no peer.
  var peers: UnsafeMutablePointer<UnsafeMutablePointer<PeerHot>?>
  var count: Int
}

/// TUN to UDP: reads frames, cuts them, seals, sends; run to completion, one thread.
@safe struct Transmitter<Cipher: PacketCipher> {
  private let setup: TransmitSetup
  private let shared: UnsafeMutablePointer<SharedHot>
  private let counters: UnsafeMutablePointer<UInt64>
  private let cipher: Cipher
  private var outbox: Outbox
  private var pool = StagingPool()
  private var errors = Allowance(burst: 50, perSecond: 100)
  private let frame: Octets
  private let scratch: Octets
  // Copied once a batch.
  private var now: UInt64 = 0
  private var mtu = 0
  private var routes: UnsafeMutablePointer<RouteTable>?

  /// A frame: virtual header, 64 KiB of packet, and slack for ciphers.
  private static var frameSize: Int { 1 << 17 }
  /// Frames of one batch; also as many as one read of the clock is good for.
  private static var batch: Int { 64 }

  init(_ setup: TransmitSetup) {
    unsafe self.setup = unsafe setup
    unsafe shared = setup.shared
    unsafe counters = setup.shared.pointee.counters
    cipher = Cipher.make()
    unsafe outbox = Outbox(setup.shared, offloads: setup.offloads)
    unsafe frame = Slab.map(Self.frameSize)
    unsafe scratch = Slab.map(4 << 10)
    unsafe cl_add(&shared.pointee.bytesInPools, UInt64(Self.frameSize + 4 << 10))
  }

  /// Runs until the device stops or TUN is gone.
  @inline(never)
  mutating func run() {
    var isWorking = true
    var isQuiet = false
    while isWorking {
      begin()
      isWorking = readBatch()
      outbox.flush()
      // Nothing published is held from here on.
      unsafe cl_store_release(&shared.pointee.sendingEpoch, 0)
      if !isWorking { break }
      isWorking = wait(&isQuiet)
    }
    unsafe cl_store_release(&shared.pointee.sendingEpoch, 0)
  }

  /// Gives the slabs back; the loop has ended.
  mutating func free() {
    cipher.free()
    outbox.free()
    unsafe Slab.unmap(frame, Self.frameSize)
    unsafe Slab.unmap(scratch, 4 << 10)
  }

  private mutating func begin() {
    // The fence orders the epoch before every read of a published pointer.
    unsafe cl_store_ordered(&shared.pointee.sendingEpoch, cl_load_ordered(&shared.pointee.epoch))
    cl_fence()
    now = cl_boottime()
    mtu = unsafe Int(truncatingIfNeeded: cl_load_relaxed(&shared.pointee.mtu))
    // Orders before routes: a peer that is told to drop its packets is in no table that is read afterwards.
    obey()
    unsafe routes = unsafe cl_pointer_acquire(&shared.pointee.routes)?.assumingMemoryBound(to: RouteTable.self)
  }

  /// Waits for frames or orders; after ten quiet seconds the slabs are given back. False when the device stops.
  private mutating func wait(_ isQuiet: inout Bool) -> Bool {
    if unsafe cl_load_relaxed(&shared.pointee.isStopping) != 0 { return false }
    guard isDrained else { return true }
    unsafe withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { descriptors in
      unsafe descriptors[0] = pollfd(fd: setup.tun, events: Int16(POLLIN), revents: 0)
      unsafe descriptors[1] = pollfd(fd: setup.wake, events: Int16(POLLIN), revents: 0)
      var ready = unsafe cl_poll(descriptors.baseAddress, 2, isQuiet ? -1 : 10_000)
      if ready == 0 {
        outbox.giveBack()
        unsafe Slab.giveBack(frame, Self.frameSize)
        isQuiet = true
        ready = unsafe cl_poll(descriptors.baseAddress, 2, -1)
      } else if ready > 0 {
        isQuiet = false
      }
      if unsafe descriptors[1].revents != 0 { unsafe cl_drain(setup.wake) }
    }
    return unsafe cl_load_relaxed(&shared.pointee.isStopping) == 0
  }

  private var isDrained = false

  private mutating func readBatch() -> Bool {
    isDrained = false
    var frames = 0
    while frames < Self.batch {
      let got = unsafe read(setup.tun, frame, 65_535 + VirtualHeader.size)
      if got < 0 {
        let code = errno
        if code == EINTR { continue }
        isDrained = true
        if code == EAGAIN { return true }
        // A device that is down has nothing to read; one that is gone never will.
        if code == EIO { return true }
        report(Report(kind: Report.Kind.deviceLost, slot: -1, localIndex: 0))
        return false
      }
      frames &+= 1
      if got > VirtualHeader.size { unsafe take(frame, frame + VirtualHeader.size, got &- VirtualHeader.size) }
      if outbox.isFull { outbox.flush() }
    }
    return true
  }

  /// One frame, from its virtual header to the outbox.
  @inline(__always)
  private mutating func take(_ header: Octets, _ packet: Octets, _ count: Int) {
    guard let peer = unsafe owner(packet, count) else { return }
    guard let place = unsafe cl_pointer_acquire(&peer.pointee.endpoint) else {
      unsafe UserspaceTunnel.count(.noEndpoint, counters)
      return unsafe answer(.unreachable, packet, count)
    }
    let endpoint = unsafe place.assumingMemoryBound(to: EndpointHot.self)
    let ecn = unsafe ECN.bits(of: packet)
    let session = unsafe usableSession(of: peer)
    if unsafe !FrameSplitter.isSuperFrame(header) {
      guard unsafe FrameSplitter.finish(header, packet, count) else {
        return unsafe UserspaceTunnel.count(.malformedInner, counters)
      }
      let room = unsafe room(to: endpoint)
      if count > room, unsafe !mayBeFragmented(packet, count) { return unsafe tooBig(room, packet, count) }
      if unsafe setup.clampsSegments { unsafe clamp(packet, count, room) }
      guard let session = unsafe session else { return unsafe hold(packet, count, ecn, peer) }
      if unsafe peer.pointee.staged != nil { unsafe flushStaged(of: peer, session, endpoint) }
      unsafe memcpy(outbox.next + Layout.Transport.headerLength, packet, count)
      unsafe send(count, session, peer, endpoint, ecn)
    } else {
      guard var splitter = unsafe FrameSplitter(header, packet, count) else {
        return unsafe UserspaceTunnel.count(.malformedInner, counters)
      }
      let room = unsafe room(to: endpoint)
      if splitter.largest > room, unsafe !mayBeFragmented(packet, splitter.largest) {
        return unsafe tooBig(room, packet, count)
      }
      splitter.begin()
      guard let session = unsafe session else { return unsafe holdAll(&splitter, ecn, peer) }
      if unsafe peer.pointee.staged != nil { unsafe flushStaged(of: peer, session, endpoint) }
      while true {
        let length = unsafe splitter.next(into: outbox.next + Layout.Transport.headerLength)
        if length == 0 { break }
        unsafe send(length, session, peer, endpoint, ecn)
        if outbox.isFull { outbox.flush() }
      }
    }
    unsafe noteData(peer)
  }

  /// Seals what stands behind the message header in the outbox's next place.
  @inline(__always)
  private mutating func send(
    _ length: Int, _ session: UnsafeMutablePointer<SessionHot>, _ peer: UnsafeMutablePointer<PeerHot>,
    _ endpoint: UnsafeMutablePointer<EndpointHot>, _ ecn: Int
  ) {
    let message = unsafe outbox.next
    let text = unsafe message + Layout.Transport.headerLength
    let padded = unsafe SessionRules.paddedLength(length, mtu: room(to: endpoint))
    if padded > length { unsafe memset(text + length, 0, padded &- length) }
    let counter = unsafe session.pointee.counter
    unsafe session.pointee.counter = counter &+ 1
    unsafe message.put(raw32: MessageType.transport.rawValue.littleEndian, 0)
    unsafe message.put(raw32: session.pointee.remoteIndex.littleEndian, Layout.Transport.receiver)
    unsafe message.put(raw64: counter.littleEndian, Layout.Transport.counter)
    // Safe: a published session has both contexts.
    unsafe cipher.seal(session.pointee.sealing.unsafelyUnwrapped, text, padded, counter)
    let total = padded &+ Layout.Transport.minimumLength
    unsafe outbox.append(total, to: endpoint, trafficClass: ecn)
    unsafe cl_count(&peer.pointee.sentBytes, UInt64(truncatingIfNeeded: total))
  }

  /// The session to send with, if it still may be; asks for a new one in time.
  @inline(__always)
  private mutating func usableSession(of peer: UnsafeMutablePointer<PeerHot>) -> UnsafeMutablePointer<SessionHot>? {
    guard let found = unsafe cl_pointer_acquire(&peer.pointee.sending) else { return nil }
    let session = unsafe found.assumingMemoryBound(to: SessionHot.self)
    let counter = unsafe session.pointee.counter
    let born = unsafe session.pointee.born
    // A super-frame takes fewer counters than lie between this one and the last.
    guard SessionRules.maySend(counter: counter &+ 0x1_0000), !SessionRules.isExpired(born: born, now: now) else {
      return nil
    }
    if unsafe SessionRules.isRenewalDueOnSend(
      counter: counter, born: born, isInitiator: session.pointee.isInitiator, now: now)
    {
      unsafe ask(Report.Kind.renewal, peer, &session.pointee.askedOnSend, session.pointee.localIndex)
    }
    return unsafe session
  }

  /// The peer that a packet goes to; counts and answers where there is none.
  @inline(__always)
  private mutating func owner(_ packet: Octets, _ count: Int) -> UnsafeMutablePointer<PeerHot>? {
    guard count >= 20, let table = unsafe routes else { return unsafe nobody(packet, count) }
    let version = unsafe packet.octet(0) >> 4
    var slot: Int32 = -1
    if version == 4 {
      slot = unsafe table.pointee.view.lookUp(packet.big32(16))
    } else if version == 6 && count >= 40 {
      slot = unsafe table.pointee.view.lookUp(high: packet.raw64(24).byteSwapped, low: packet.raw64(32).byteSwapped)
    }
    guard slot >= 0, unsafe Int(slot) < table.pointee.count, let peer = unsafe table.pointee.peers[Int(slot)] else {
      return unsafe nobody(packet, count)
    }
    return unsafe peer
  }

  @inline(never)
  private mutating func nobody(_ packet: Octets, _ count: Int) -> UnsafeMutablePointer<PeerHot>? {
    unsafe UserspaceTunnel.count(.noPeer, counters)
    unsafe answer(.unreachable, packet, count)
    return nil
  }

  /// Octets of the largest packet that goes to a place in one piece.
  @inline(__always)
  private func room(to endpoint: UnsafeMutablePointer<EndpointHot>) -> Int {
    unsafe min(mtu, Int(truncatingIfNeeded: cl_load_relaxed(&endpoint.pointee.limit)))
  }

  /// Whether a packet that is too long for the way to its peer, yet not for the interface, goes in fragments outside:
  /// where its sender permits that (RFC 791), and up to what IPv6 promises to every sender (RFC 8200, 5).
  @inline(never)
  private func mayBeFragmented(_ packet: Octets, _ length: Int) -> Bool {
    guard length <= mtu else { return false }
    return unsafe packet.octet(0) >> 4 == 4 ? packet.octet(6) & 0x40 == 0 : length <= ICMPError.leastV6
  }

  @inline(never)
  private mutating func tooBig(_ room: Int, _ packet: Octets, _ count: Int) {
    unsafe UserspaceTunnel.count(.tooBig, counters)
    unsafe answer(.tooBig(mtu: room), packet, count)
  }

  @inline(never)
  private func clamp(_ packet: Octets, _ count: Int, _ room: Int) {
    guard let inner = unsafe InnerPacket(packet, count), unsafe SegmentSize.isAsked(in: packet, inner) else { return }
    if unsafe SegmentSize.lower(in: packet, inner, mtu: room) { unsafe UserspaceTunnel.count(.clampedSent, counters) }
  }

  /// Writes an ICMP error back into the tunnel.
  @inline(never)
  private mutating func answer(_ kind: ICMPError.Kind, _ packet: Octets, _ count: Int) {
    guard errors.take(at: now) else { return }
    let length = unsafe ICMPError.answer(kind, to: packet, count, in: scratch + VirtualHeader.size)
    guard length > 0 else { return }
    unsafe memset(scratch, 0, VirtualHeader.size)
    if unsafe write(setup.tun, scratch, VirtualHeader.size &+ length) > 0 {
      unsafe UserspaceTunnel.count(.icmpSent, counters)
    }
  }

  // MARK: without a session

  @inline(never)
  private mutating func hold(_ packet: Octets, _ length: Int, _ ecn: Int, _ peer: UnsafeMutablePointer<PeerHot>) {
    unsafe stage(packet, length, ecn: ecn, for: peer, &pool, counters)
    unsafe ask(Report.Kind.staged, peer, &peer.pointee.askedAt, 0)
  }

  @inline(never)
  private mutating func holdAll(_ splitter: inout FrameSplitter, _ ecn: Int, _ peer: UnsafeMutablePointer<PeerHot>) {
    // The outbox's next place serves as room for each packet in turn.
    while true {
      let length = unsafe splitter.next(into: outbox.next)
      if length == 0 { break }
      unsafe stage(outbox.next, length, ecn: ecn, for: peer, &pool, counters)
    }
    unsafe ask(Report.Kind.staged, peer, &peer.pointee.askedAt, 0)
  }

  /// Tells control once in a quarter of a second; the device begins a handshake at most every five seconds.
  @inline(never)
  private func ask(
    _ kind: Int32, _ peer: UnsafeMutablePointer<PeerHot>, _ askedAt: UnsafeMutablePointer<UInt64>, _ index: UInt32
  ) {
    guard unsafe now &- askedAt.pointee > 250_000_000 || askedAt.pointee == 0 else { return }
    if unsafe report(Report(kind: kind, slot: peer.pointee.slot, localIndex: index)) { unsafe askedAt.pointee = now }
  }

  @discardableResult
  private func report(_ report: Report) -> Bool {
    guard let place = unsafe setup.reports.free() else { return false }
    unsafe place.storeBytes(of: report, as: Report.self)
    unsafe setup.reports.put()
    unsafe cl_signal(setup.control)
    return true
  }

  // MARK: timers and orders

  /// Data was sent: an answer is due, and what was received is acknowledged by it.
  @inline(__always)
  private func noteData(_ peer: UnsafeMutablePointer<PeerHot>) {
    unsafe noteSent(peer)
    if unsafe cl_load_relaxed(&peer.pointee.firstUnansweredSend) == 0 {
      unsafe cl_store_relaxed(&peer.pointee.firstUnansweredSend, now)
      unsafe wakeControl(shared, setup.control, now &+ Deadline.answer)
    }
  }

  @inline(__always)
  private func noteSent(_ peer: UnsafeMutablePointer<PeerHot>) {
    unsafe cl_store_relaxed(&peer.pointee.lastSent, now)
    if unsafe cl_load_relaxed(&peer.pointee.firstUnansweredReceive) != 0 {
      unsafe cl_store_relaxed(&peer.pointee.firstUnansweredReceive, 0)
    }
  }

  /// Carries out what control asked for.
  @inline(__always)
  private mutating func obey() {
    while let place = unsafe setup.orders.first() {
      let peer = unsafe place.load(as: UnsafeMutablePointer<PeerHot>.self)
      unsafe obey(peer)
      // Only now: control frees a forgotten peer when no order is left.
      unsafe setup.orders.take()
    }
  }

  @inline(never)
  private mutating func obey(_ peer: UnsafeMutablePointer<PeerHot>) {
    let orders = unsafe cl_exchange(&peer.pointee.orders, 0)
    if orders & PeerOrder.drop != 0 {
      let dropped = unsafe dropStaged(of: peer, &pool)
      unsafe UserspaceTunnel.count(.droppedAfterRefusal, counters, dropped)
    }
    guard orders & (PeerOrder.flush | PeerOrder.keepalive | PeerOrder.staged) != 0,
      let place = unsafe cl_pointer_acquire(&peer.pointee.endpoint)
    else { return }
    let endpoint = unsafe place.assumingMemoryBound(to: EndpointHot.self)
    guard let session = unsafe usableSession(of: peer) else { return }
    let sent = unsafe flushStaged(of: peer, session, endpoint)
    if sent == 0 && orders & (PeerOrder.flush | PeerOrder.keepalive) != 0 {
      unsafe send(0, session, peer, endpoint, 0)
      unsafe noteSent(peer)
      if outbox.isFull { outbox.flush() }
    }
  }

  /// Sends what waited for a session, before anything younger; how many packets that were.
  @inline(never) @discardableResult
  private mutating func flushStaged(
    of peer: UnsafeMutablePointer<PeerHot>, _ session: UnsafeMutablePointer<SessionHot>,
    _ endpoint: UnsafeMutablePointer<EndpointHot>
  ) -> Int {
    guard let ring = unsafe peer.pointee.staged else { return 0 }
    var sent = 0
    while let item = unsafe ring.pointee.takeFirst() {
      let length = unsafe Int(item.length)
      unsafe memcpy(outbox.next + Layout.Transport.headerLength, item.octets, length)
      unsafe send(length, session, peer, endpoint, Int(item.ecn))
      unsafe pool.free(item)
      sent &+= 1
      if outbox.isFull { outbox.flush() }
    }
    unsafe _ = dropStaged(of: peer, &pool)
    if sent > 0 { unsafe noteData(peer) }
    return sent
  }
}

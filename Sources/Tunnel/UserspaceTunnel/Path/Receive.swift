import CLinux
import Glibc
import WireGuard

/// What the receiving thread is started with.
@unsafe struct ReceiveSetup {
  var shared: UnsafeMutablePointer<SharedHot>
  var tun: Int32
  /// Woken by control: the sockets changed, or the device stops.
  var wake: Int32
  /// Control's eventfd.
  var control: Int32
  /// To control: `Report` records.
  var reports: Ring
  /// To control: `Handshake` records.
  var handshakes: Ring
  var joinsTCP: Bool
  var joinsUDP: Bool
  /// Whether the size of segments that a SYN asks for is lowered.
  var clampsSegments: Bool
}

/// A message of types 1 to 3 on its way to control, in a ring: 256 octets.
struct Handshake {
  static let size = 256
  /// Where the octets of the message stand in the record, behind this header.
  static let messageOffset = 96

  var length: Int32
  var interface: UInt32
  var address: (UInt64, UInt64, UInt64, UInt64)
  var local: (UInt64, UInt64)
  var localLength: UInt8
}

/// UDP to TUN: receives batches, opens, checks, joins, writes; run to completion, one thread.
@safe struct Receiver<Cipher: PacketCipher> {
  private let setup: ReceiveSetup
  private let shared: UnsafeMutablePointer<SharedHot>
  private let counters: UnsafeMutablePointer<UInt64>
  private let cipher: Cipher
  private var coalescer: Coalescer
  private let slab: Octets
  private let messages: UnsafeMutablePointer<cl_mmsghdr>
  private let names: UnsafeMutablePointer<sockaddr_storage>
  private let controls: Octets
  private var received = cl_received()
  // Copied once a batch.
  private var now: UInt64 = 0
  private var table: UnsafeMutablePointer<IndexTable>?
  private var routes: UnsafeMutablePointer<RouteTable>?
  private var isAlive = true
  /// Handshake messages that this batch has queued.
  private var queued = 0
  /// Messages that the next call takes.
  private var width = Self.longBatch

  /// Messages of one call, each with room for the largest datagram: only what is written costs memory.
  private static var batch: Int { 64 }
  private static var room: Int { 1 << 16 }
  /// Messages of one call after long ones: what they hold stays in the cache from the kernel's copy in to its copy out.
  private static var longBatch: Int { 4 }
  /// After few short ones. It is not `batch`, as 64 long ones may come next, and what was touched stays in memory.
  private static var shortBatch: Int { 16 }
  /// Behind the last message a cipher may write a little.
  private static var slabSize: Int { batch * room + 4096 }

  init(_ setup: ReceiveSetup) {
    unsafe self.setup = unsafe setup
    unsafe shared = setup.shared
    unsafe counters = setup.shared.pointee.counters
    cipher = Cipher.make()
    unsafe coalescer = Coalescer(
      tun: setup.tun, counters: setup.shared.pointee.counters, joinsTCP: setup.joinsTCP, joinsUDP: setup.joinsUDP)
    unsafe slab = Slab.map(Self.slabSize)
    unsafe messages = .allocate(capacity: Self.batch)
    unsafe names = .allocate(capacity: Self.batch)
    unsafe controls = .allocate(byteCount: Self.batch * Int(CL_RECEIVE_CONTROL), alignment: 16)
    let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: Self.batch)
    for at in 0..<Self.batch {
      unsafe names[at] = sockaddr_storage()
      unsafe vectors[at] = unsafe iovec(iov_base: slab + at * Self.room, iov_len: Self.room)
      unsafe messages[at] = unsafe cl_mmsghdr(
        msg_hdr: msghdr(
          msg_name: names + at, msg_namelen: 28, msg_iov: vectors + at, msg_iovlen: 1,
          msg_control: controls + at * Int(CL_RECEIVE_CONTROL), msg_controllen: Int(CL_RECEIVE_CONTROL), msg_flags: 0),
        msg_len: 0)
    }
    unsafe cl_add(&shared.pointee.bytesInPools, UInt64(Self.slabSize))
  }

  /// Runs until the device stops.
  @inline(never)
  mutating func run() {
    var isQuiet = false
    while unsafe cl_load_relaxed(&shared.pointee.isStopping) == 0 && isAlive {
      let v4 = unsafe Int32(truncatingIfNeeded: cl_load_acquire(&shared.pointee.socketV4))
      let v6 = unsafe Int32(truncatingIfNeeded: cl_load_acquire(&shared.pointee.socketV6))
      let ready = wait(v4, v6, &isQuiet)
      if ready & 1 != 0 { drain(v4) }
      if ready & 2 != 0 { drain(v6) }
    }
  }

  /// Gives the memory back; the loop has ended.
  func free() {
    cipher.free()
    coalescer.free()
    unsafe Slab.unmap(slab, Self.slabSize)
    unsafe messages[0].msg_hdr.msg_iov.deallocate()
    unsafe messages.deallocate()
    unsafe names.deallocate()
    unsafe controls.deallocate()
  }

  /// Which sockets have something: bit 0 for IPv4, bit 1 for IPv6.
  private func wait(_ v4: Int32, _ v6: Int32, _ isQuiet: inout Bool) -> Int {
    unsafe withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 3) { descriptors in
      unsafe descriptors[0] = pollfd(fd: v4, events: Int16(POLLIN), revents: 0)
      unsafe descriptors[1] = pollfd(fd: v6, events: Int16(POLLIN), revents: 0)
      unsafe descriptors[2] = pollfd(fd: setup.wake, events: Int16(POLLIN), revents: 0)
      var ready = unsafe cl_poll(descriptors.baseAddress, 3, isQuiet ? -1 : 10_000)
      if ready == 0 {
        unsafe Slab.giveBack(slab, Self.slabSize)
        isQuiet = true
        ready = unsafe cl_poll(descriptors.baseAddress, 3, -1)
      } else if ready > 0 {
        isQuiet = false
      }
      guard ready > 0 else { return 0 }
      if unsafe descriptors[2].revents != 0 { unsafe cl_drain(setup.wake) }
      return unsafe (descriptors[0].revents != 0 ? 1 : 0) | (descriptors[1].revents != 0 ? 2 : 0)
    }
  }

  /// Takes batches from a socket until one is not full.
  private mutating func drain(_ socket: Int32) {
    var rounds = 0
    while rounds < 4 && isAlive {
      let got = unsafe Int(cl_recvmmsg(socket, messages, UInt32(truncatingIfNeeded: width), Int32(MSG_DONTWAIT), nil))
      if got <= 0 { return }
      unsafe count(.receivedCalls, counters)
      unsafe cl_store_ordered(&shared.pointee.receivingEpoch, cl_load_ordered(&shared.pointee.epoch))
      cl_fence()
      now = cl_boottime()
      unsafe table = unsafe cl_pointer_acquire(&shared.pointee.sessions)?.assumingMemoryBound(to: IndexTable.self)
      unsafe routes = unsafe cl_pointer_acquire(&shared.pointee.routes)?.assumingMemoryBound(to: RouteTable.self)
      var at = 0
      var total = 0
      while at < got {
        unsafe total &+= Int(messages[at].msg_len)
        take(at)
        at &+= 1
      }
      let wasFull = got == width
      width = total >= got &* 8_192 ? Self.longBatch : wasFull ? Self.batch : Self.shortBatch
      coalescer.flush()
      if queued > 0 { wakeForHandshakes() }
      unsafe cl_store_release(&shared.pointee.receivingEpoch, 0)
      unsafe count(.receivedDatagrams, counters, got)
      if !wasFull { return }
      rounds &+= 1
    }
  }

  /// One datagram, which may be many: cuts it into messages.
  @inline(__always)
  private mutating func take(_ at: Int) {
    let message = unsafe messages + at
    let total = unsafe Int(message.pointee.msg_len)
    let start = unsafe slab + at &* Self.room
    let flags = unsafe Int(message.pointee.msg_hdr.msg_flags)
    unsafe cl_read_control(&message.pointee.msg_hdr, &received)
    let nameLength = unsafe message.pointee.msg_hdr.msg_namelen
    unsafe message.pointee.msg_hdr.msg_namelen = 28
    unsafe message.pointee.msg_hdr.msg_controllen = Int(CL_RECEIVE_CONTROL)
    if flags & (Int(CL_MSG_TRUNC) | Int(CL_MSG_CTRUNC)) != 0 { return unsafe count(.truncated, counters) }
    let segment = received.segment > 0 ? Int(received.segment) : total
    var offset = 0
    while offset < total {
      let length = min(segment, total &- offset)
      unsafe dispatch(start + offset, length, names + at, nameLength)
      offset &+= length
    }
  }

  @inline(__always)
  private mutating func dispatch(
    _ message: Octets, _ length: Int, _ name: UnsafeMutablePointer<sockaddr_storage>, _ nameLength: UInt32
  ) {
    guard length >= Layout.Transport.minimumLength else { return unsafe count(.shortDatagram, counters) }
    let type = unsafe message.raw32(0).littleEndian
    if type == MessageType.transport.rawValue {
      unsafe open(message, length, name, nameLength)
    } else {
      unsafe queue(message, length, type, name, nameLength)
    }
  }

  // MARK: data

  @inline(__always)
  private mutating func open(
    _ message: Octets, _ length: Int, _ name: UnsafeMutablePointer<sockaddr_storage>, _ nameLength: UInt32
  ) {
    guard let table = unsafe table,
      let session = unsafe IndexTable.find(table, message.raw32(Layout.Transport.receiver).littleEndian)
    else { return unsafe count(.unknownIndex, counters) }
    if unsafe SessionRules.isExpired(born: session.pointee.born, now: now) {
      return unsafe count(.expired, counters)
    }
    let text = unsafe message + Layout.Transport.headerLength
    let textLength = length &- Layout.Transport.minimumLength
    let counter = unsafe message.raw64(Layout.Transport.counter).littleEndian
    // Safe: a published session has both contexts.
    guard SessionRules.maySend(counter: counter),
      unsafe cipher.open(session.pointee.opening.unsafelyUnwrapped, text, textLength, counter)
    else { return unsafe count(.notAuthentic, counters) }
    guard unsafe ReplayWindow(session.pointee.window).accept(counter) else { return unsafe count(.replayed, counters) }
    let peer = unsafe session.pointee.peer
    unsafe cl_count(&peer.pointee.receivedBytes, UInt64(truncatingIfNeeded: length))
    unsafe noteAuthentic(session, peer, name, nameLength)
    if textLength == 0 { return }
    unsafe deliver(text, textLength, peer)
  }

  /// Everything that an authentic message tells about session and peer; almost always nothing.
  @inline(__always)
  private mutating func noteAuthentic(
    _ session: UnsafeMutablePointer<SessionHot>, _ peer: UnsafeMutablePointer<PeerHot>,
    _ name: UnsafeMutablePointer<sockaddr_storage>, _ nameLength: UInt32
  ) {
    unsafe cl_store_relaxed(&peer.pointee.lastReceived, now)
    if unsafe cl_load_relaxed(&peer.pointee.firstUnansweredSend) != 0 {
      unsafe cl_store_relaxed(&peer.pointee.firstUnansweredSend, 0)
    }
    if unsafe session.pointee.isConfirmed == 0 {
      unsafe session.pointee.isConfirmed =
        report(Report(kind: Report.Kind.confirmed, slot: peer.pointee.slot, localIndex: session.pointee.localIndex))
        ? 1 : 0
    }
    if unsafe SessionRules.isRenewalDueOnReceive(
      born: session.pointee.born, isInitiator: session.pointee.isInitiator, now: now),
      unsafe now &- session.pointee.askedOnReceive > 1_000_000_000
    {
      unsafe session.pointee.askedOnReceive = now
      unsafe report(
        Report(kind: Report.Kind.lastMinute, slot: peer.pointee.slot, localIndex: session.pointee.localIndex))
    }
    if unsafe !isAtItsPlace(peer, name, nameLength) { unsafe move(session, peer, name, nameLength) }
  }

  /// Whether the message came from where the peer is, to the address that we answer from.
  @inline(__always)
  private func isAtItsPlace(
    _ peer: UnsafeMutablePointer<PeerHot>, _ name: UnsafeMutablePointer<sockaddr_storage>, _ nameLength: UInt32
  ) -> Bool {
    guard let place = unsafe cl_pointer_acquire(&peer.pointee.endpoint) else { return false }
    let endpoint = unsafe place.assumingMemoryBound(to: EndpointHot.self)
    let one = Octets(name)
    let other = Octets(endpoint)
    guard unsafe nameLength == endpoint.pointee.addressLength, unsafe one.raw64(0) == other.raw64(0) else {
      return false
    }
    let local = received.local
    if nameLength == 16 {
      // Family, port and address are the first eight octets; our own address is compared as one word.
      return unsafe received.local_length == 0
        || (endpoint.pointee.sourceLength == 4
          && UInt32(truncatingIfNeeded: endpoint.pointee.source.0)
            == UInt32(local.0) | UInt32(local.1) << 8 | UInt32(local.2) << 16 | UInt32(local.3) << 24)
        || endpoint.pointee.sourceLength == EndpointHot.noSource
    }
    guard unsafe one.raw64(8) == other.raw64(8), unsafe one.raw64(16) == other.raw64(16) else { return false }
    if unsafe received.local_length == 0 || endpoint.pointee.sourceLength == EndpointHot.noSource { return true }
    guard unsafe endpoint.pointee.sourceLength == 16 else { return false }
    return unsafe withUnsafeBytes(of: local) { ours in
      unsafe ours.loadUnaligned(as: UInt64.self) == endpoint.pointee.source.0
        && ours.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == endpoint.pointee.source.1
    }
  }

  /// The peer is at another place, or speaks to another address of ours: what is sent from now on goes there and leaves
  /// from there, also the answer to this very packet. Control hears of it, and judges our address by the routes.
  @inline(never)
  private mutating func move(
    _ session: UnsafeMutablePointer<SessionHot>, _ peer: UnsafeMutablePointer<PeerHot>,
    _ name: UnsafeMutablePointer<sockaddr_storage>, _ nameLength: UInt32
  ) {
    // One move in 20 ms, so that a peer that jumps about makes little work.
    guard unsafe now &- peer.pointee.movedAt > 20_000_000 else { return }
    // Only this thread puts reports into the ring, so the place that is free now is free below.
    guard unsafe setup.reports.free() != nil else { return unsafe count(.eventQueueFull, counters) }
    let record = UnsafeMutablePointer<EndpointHot>.allocate(capacity: 1)
    unsafe record.initialize(to: EndpointHot())
    unsafe memcpy(&record.pointee.address, name, Int(min(nameLength, 28)))
    unsafe record.pointee.addressLength = nameLength
    unsafe record.pointee.isV6 = nameLength != 16
    unsafe record.pointee.sourceLength = received.local_length
    unsafe record.pointee.interface = received.interface
    unsafe memcpy(&record.pointee.source, &received.local, 16)
    var move = unsafe Report(
      kind: Report.Kind.moved, slot: peer.pointee.slot, localIndex: session.pointee.localIndex,
      interface: received.interface)
    unsafe memcpy(&move.address, name, Int(min(nameLength, 28)))
    unsafe memcpy(&move.local, &received.local, 16)
    move.localLength = received.local_length
    unsafe move.replaced = UInt(bitPattern: cl_pointer_exchange(&peer.pointee.endpoint, record))
    unsafe peer.pointee.movedAt = now
    report(move)
  }

  /// Checks the inner packet and gives it to the device.
  @inline(__always)
  private mutating func deliver(_ packet: Octets, _ room: Int, _ peer: UnsafeMutablePointer<PeerHot>) {
    guard let inner = unsafe InnerPacket(packet, room) else { return unsafe count(.malformedReceived, counters) }
    guard unsafe isSource(packet, inner.isV6, of: peer) else { return unsafe count(.wrongSource, counters) }
    let outer = Int(received.traffic_class) & 3
    if outer != 0 {
      let bits = unsafe ECN.bits(of: packet)
      let result = ECN.decapsulated(inner: bits, outer: outer)
      if result < 0 { return unsafe count(.congestedNotCapable, counters) }
      if result != bits { unsafe ECN.set(result, in: packet) }
    }
    if unsafe cl_load_relaxed(&peer.pointee.firstUnansweredReceive) == 0 {
      unsafe cl_store_relaxed(&peer.pointee.firstUnansweredReceive, now)
      unsafe wakeControl(shared, setup.control, now &+ Deadline.acknowledgement)
    }
    if unsafe setup.clampsSegments && SegmentSize.isAsked(in: packet, inner) { unsafe clamp(packet, inner, peer) }
    unsafe coalescer.add(packet, inner)
  }

  @inline(never)
  private func clamp(_ packet: Octets, _ inner: InnerPacket, _ peer: UnsafeMutablePointer<PeerHot>) {
    var room = unsafe Int(truncatingIfNeeded: cl_load_relaxed(&shared.pointee.mtu))
    if let place = unsafe cl_pointer_acquire(&peer.pointee.endpoint) {
      let endpoint = unsafe place.assumingMemoryBound(to: EndpointHot.self)
      room = unsafe min(room, Int(truncatingIfNeeded: cl_load_relaxed(&endpoint.pointee.limit)))
    }
    if unsafe SegmentSize.lower(in: packet, inner, mtu: room) { unsafe count(.clampedReceived, counters) }
  }

  /// Whether the packet's source belongs to the very peer that sent it (whitepaper, 2).
  @inline(__always)
  private func isSource(_ packet: Octets, _ isV6: Bool, of peer: UnsafeMutablePointer<PeerHot>) -> Bool {
    guard let routes = unsafe routes else { return false }
    let slot =
      unsafe isV6
      ? routes.pointee.view.lookUp(high: packet.raw64(8).byteSwapped, low: packet.raw64(16).byteSwapped)
      : routes.pointee.view.lookUp(packet.big32(12))
    return unsafe slot >= 0 && slot == peer.pointee.slot
  }

  // MARK: to control

  @discardableResult
  private func report(_ report: Report) -> Bool {
    guard let place = unsafe setup.reports.free() else {
      unsafe count(.eventQueueFull, counters)
      return false
    }
    unsafe place.storeBytes(of: report, as: Report.self)
    unsafe setup.reports.put()
    unsafe cl_signal(setup.control)
    return true
  }

  /// A handshake message or a cookie reply: bounded, and never in the way of data.
  @inline(never)
  private mutating func queue(
    _ message: Octets, _ length: Int, _ type: UInt32, _ name: UnsafeMutablePointer<sockaddr_storage>,
    _ nameLength: UInt32
  ) {
    let expected =
      switch type {
      case MessageType.initiation.rawValue: Layout.Initiation.length
      case MessageType.response.rawValue: Layout.Response.length
      case MessageType.cookieReply.rawValue: Layout.CookieReply.length
      default: -1
      }
    guard length == expected else { return unsafe count(.unknownType, counters) }
    guard let place = unsafe setup.handshakes.free() else { return unsafe count(.handshakeQueueFull, counters) }
    var record = Handshake(
      length: Int32(length), interface: received.interface, address: (0, 0, 0, 0), local: (0, 0),
      localLength: received.local_length)
    unsafe memcpy(&record.address, name, Int(min(nameLength, 28)))
    unsafe memcpy(&record.local, &received.local, 16)
    unsafe place.storeBytes(of: record, as: Handshake.self)
    unsafe memcpy(place + Handshake.messageOffset, message, length)
    unsafe setup.handshakes.put()
    queued &+= 1
  }

  /// Control looks again behind a fence before it sleeps: while it has older messages than this batch's, it is awake.
  @inline(never)
  private mutating func wakeForHandshakes() {
    cl_fence()
    if unsafe setup.handshakes.count <= queued { unsafe cl_signal(setup.control) }
    queued = 0
  }
}

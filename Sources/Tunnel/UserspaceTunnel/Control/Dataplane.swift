import CCrypto
import CLinux
import Cryptography
import Diagnostics
import Glibc
import NetworkTypes
import WireGuard

/// The control side of the packet path: owns everything that the two threads read, publishes it, and frees it when
/// neither can hold it any more. Driven by one thread.
@safe final class Dataplane {
  /// One peer as control knows it.
  @unsafe struct Peer {
    var hot: UnsafeMutablePointer<PeerHot>
    var endpoint: Endpoint?
    /// Octets of the largest outer packet on the way there; nil where no route says.
    var routeMTU: Int?
    var sessions: [UInt32: UnsafeMutablePointer<SessionHot>] = unsafe [:]
  }

  let shared: UnsafeMutablePointer<SharedHot>
  /// The eventfd that wakes control.
  let controlEvent: Int32
  let transmitWake: Int32
  let receiveWake: Int32
  let orders: Ring
  let transmitReports: Ring
  let receiveReports: Ring
  let handshakes: Ring
  var peers: [Int32: Peer] = unsafe [:]
  var snapshot: AllowedIPs.Snapshot?
  var threads: Threads?
  var garbage: [Garbage] = unsafe []
  /// What packets are sealed with.
  let cipher: CipherKind
  let socketV4: Int32
  let socketV6: Int32
  var boundPort: UInt16 = 0
  var hasGRO = false
  var hasV6 = false
  var mark: UInt32 = 0
  /// Asks for routes.
  let routes: Int32
  /// The index of the interface that the packets come from, 0 where it is none: no way leads through it.
  var ownInterface: Int32 = 0
  /// Whether the smallest MTU of a way may have changed since the owner looked.
  var hasNewRouteMTU = false
  let offloads: Bool
  let clampsSegments: Bool

  /// Prepares everything but the threads. Throws `tunnel.internal` when the system has no descriptors left.
  init(cipher: CipherKind, offloads: Bool, clampsSegments: Bool = false) throws(Problem) {
    // The composition must agree with the library's own construction, or it is not used.
    self.cipher = cipher == .split && !SplitCipher.agreesWithStock() ? .stock : cipher
    self.offloads = offloads
    self.clampsSegments = clampsSegments
    let descriptors = (0..<5).map { _ in cl_eventfd() } + [cl_open_routes()]
    guard descriptors.allSatisfy({ $0 >= 0 }) else {
      for descriptor in descriptors where descriptor >= 0 { _ = close(descriptor) }
      throw .couldNotRun("tunnel.internal", "no descriptors are left")
    }
    (controlEvent, transmitWake, receiveWake) = (descriptors[0], descriptors[1], descriptors[2])
    // An eventfd that nobody signals stands where a socket will be: numbers stay the same when sockets change.
    (socketV4, socketV6) = (descriptors[3], descriptors[4])
    routes = descriptors[5]
    let counters = UnsafeMutablePointer<UInt64>.allocate(capacity: Counter.allCases.count)
    unsafe counters.initialize(repeating: 0, count: Counter.allCases.count)
    unsafe shared = .allocate(capacity: 1)
    unsafe shared.initialize(to: SharedHot(counters: counters))
    unsafe shared.pointee.socketV4 = UInt64(descriptors[3])
    unsafe shared.pointee.socketV6 = UInt64(descriptors[4])
    unsafe shared.pointee.mtu = 1_420
    unsafe shared.pointee.sessions = unsafe UnsafeMutableRawPointer(IndexTable.make(count: 256))
    orders = Ring(count: 4_096, recordSize: 8)
    transmitReports = Ring(count: 1_024, recordSize: Report.size)
    receiveReports = Ring(count: 1_024, recordSize: Report.size)
    handshakes = Ring(count: Implementation.handshakeQueueLimit, recordSize: Handshake.size)
    unsafe shared.pointee.bytesInPools = UInt64(
      orders.byteCount + 2 * transmitReports.byteCount + handshakes.byteCount)
  }

  deinit {
    stop()
    unsafe peers.values.forEach { peer in unsafe free(peer) }
    unsafe garbage.forEach { item in unsafe free(item.what) }
    for ring in [orders, transmitReports, receiveReports, handshakes] { ring.release() }
    for descriptor in [controlEvent, transmitWake, receiveWake, socketV4, socketV6, routes] { _ = close(descriptor) }
    if let routes = unsafe shared.pointee.routes {
      unsafe free(.routes(routes.assumingMemoryBound(to: RouteTable.self), nil))
    }
    if let table = unsafe shared.pointee.sessions {
      unsafe free(.table(table.assumingMemoryBound(to: IndexTable.self)))
    }
    unsafe shared.pointee.counters.deallocate()
    unsafe shared.deallocate()
  }

  // MARK: threads

  /// Starts both threads over a TUN descriptor, which stays the caller's. `hasUSO` allows joined UDP frames.
  func start(tun: Int32, hasUSO: Bool) throws(Problem) {
    ownInterface = TunDevice.name(of: tun).map { unsafe cl_interface_index($0) } ?? 0
    let transmit = unsafe TransmitSetup(
      shared: shared, tun: tun, wake: transmitWake, control: controlEvent, orders: orders, reports: transmitReports,
      offloads: offloads, clampsSegments: clampsSegments)
    let receive = unsafe ReceiveSetup(
      shared: shared, tun: tun, wake: receiveWake, control: controlEvent, reports: receiveReports,
      handshakes: handshakes, joinsTCP: offloads, joinsUDP: offloads && hasUSO,
      clampsSegments: clampsSegments)
    threads = unsafe Threads.start(transmit, receive, cipher)
    guard threads != nil else { throw .couldNotRun("tunnel.internal", "the system has no room for a thread") }
  }

  /// Ends both threads.
  func stop() {
    guard let threads else { return }
    unsafe cl_store_ordered(&shared.pointee.isStopping, 1)
    cl_signal(transmitWake)
    cl_signal(receiveWake)
    threads.join()
    self.threads = nil
  }

  // MARK: peers

  func remember(_ slot: PeerSlot) {
    let hot = UnsafeMutablePointer<PeerHot>.allocate(capacity: 1)
    unsafe hot.initialize(to: PeerHot(slot: slot.index))
    unsafe peers[slot.index] = unsafe Peer(hot: hot)
  }

  /// Takes a peer out of everything; its memory is freed later. Publish routes afterwards.
  func forget(_ slot: PeerSlot) {
    guard let peer = unsafe peers.removeValue(forKey: slot.index) else { return }
    if unsafe peer.routeMTU != nil { hasNewRouteMTU = true }
    unsafe peer.sessions.values.forEach { session in unsafe unpublish(session) }
    unsafe cl_pointer_release(&peer.hot.pointee.sending, nil)
    publishRoutes(snapshot)
    unsafe order(peer.hot, PeerOrder.drop)
    unsafe discardEndpoint(cl_pointer_exchange(&peer.hot.pointee.endpoint, nil))
    unsafe discard(.peer(peer.hot))
  }

  /// A session that is received with from now on. False when libcrypto has no memory for it.
  func accept(_ keys: TransportKeys) -> Bool {
    guard let peer = unsafe peers[keys.peer.index],
      let sealing = unsafe cipher.makeContext(keys.sending, isSealing: true)
    else { return false }
    guard let opening = unsafe cipher.makeContext(keys.receiving, isSealing: false) else {
      unsafe EVP_CIPHER_CTX_free(sealing)
      return false
    }
    let window = UnsafeMutablePointer<UInt64>.allocate(capacity: ReplayWindow.wordCount)
    unsafe window.initialize(repeating: 0, count: ReplayWindow.wordCount)
    let session = UnsafeMutablePointer<SessionHot>.allocate(capacity: 1)
    unsafe session.initialize(
      to: SessionHot(
        peer: peer.hot, localIndex: keys.localIndex, remoteIndex: keys.remoteIndex, isInitiator: keys.isInitiator,
        born: keys.born.nanoseconds, sealing: sealing, opening: opening, window: window))
    // Only a responder waits for the first packet; an initiator may send at once.
    unsafe session.pointee.isConfirmed = keys.isInitiator ? 1 : 0
    unsafe peers[keys.peer.index]?.sessions[keys.localIndex] = unsafe session
    unsafe publish(session)
    return true
  }

  /// Sends with a session from now on, or with none.
  func use(_ slot: PeerSlot, localIndex: UInt32?) {
    guard let peer = unsafe peers[slot.index] else { return }
    let session = unsafe localIndex.flatMap { unsafe peer.sessions[$0] }
    unsafe cl_pointer_release(&peer.hot.pointee.sending, session)
  }

  /// Whether a session is there that may be sent with.
  func hasSession(_ slot: PeerSlot, at now: Moment) -> Bool {
    guard let place = unsafe peers[slot.index]?.hot.pointee.sending else { return false }
    let session = unsafe place.assumingMemoryBound(to: SessionHot.self)
    return unsafe !SessionRules.isExpired(born: session.pointee.born, now: now.nanoseconds)
  }

  /// Ends a session.
  func retire(_ slot: PeerSlot, localIndex: UInt32) {
    guard let session = unsafe peers[slot.index]?.sessions.removeValue(forKey: localIndex),
      let hot = unsafe peers[slot.index]?.hot
    else { return }
    if unsafe hot.pointee.sending == UnsafeMutableRawPointer(session) {
      unsafe cl_pointer_release(&hot.pointee.sending, nil)
    }
    unsafe unpublish(session)
  }

  /// Where a peer is sent to, and from which address of ours; nil for nowhere.
  func direct(_ slot: PeerSlot, _ endpoint: Endpoint?, source: Source?) {
    guard let hot = unsafe peers[slot.index]?.hot else { return }
    var new: UnsafeMutablePointer<EndpointHot>?
    if let endpoint {
      let record = UnsafeMutablePointer<EndpointHot>.allocate(capacity: 1)
      unsafe record.initialize(to: EndpointHot())
      unsafe record.pointee.addressLength = SocketAddress.write(endpoint, to: &record.pointee.address)
      unsafe record.pointee.isV6 = endpoint.address.family == .v6
      if let source {
        unsafe record.pointee.sourceLength = source.octets.isEmpty ? EndpointHot.noSource : UInt8(source.octets.count)
        unsafe record.pointee.interface = source.interface
        unsafe withUnsafeMutableBytes(of: &record.pointee.source) { unsafe $0.copyBytes(from: source.octets) }
      }
      if unsafe endpoint != peers[slot.index]?.endpoint { note(routeMTU(to: endpoint), of: slot) }
      unsafe record.pointee.limit = UInt64(limit(to: endpoint, unsafe peers[slot.index]?.routeMTU))
      unsafe new = unsafe record
    }
    unsafe discardEndpoint(cl_pointer_exchange(&hot.pointee.endpoint, new))
    unsafe peers[slot.index]?.endpoint = endpoint
  }

  /// Frees a record of a place later. Call it once for what an exchange gave: each record has one taker.
  func discardEndpoint(_ record: UnsafeMutableRawPointer?) {
    if let record = unsafe record { unsafe discard(.endpoint(record.assumingMemoryBound(to: EndpointHot.self))) }
  }

  /// Where a peer is now.
  func endpoint(of slot: PeerSlot) -> Endpoint? { unsafe peers[slot.index]?.endpoint }

  /// The address of ours that a peer is answered from.
  func source(of slot: PeerSlot) -> Source? {
    guard let place = unsafe peers[slot.index]?.hot.pointee.endpoint else { return nil }
    let record = unsafe place.assumingMemoryBound(to: EndpointHot.self)
    let length = unsafe Int(record.pointee.sourceLength)
    guard length == 4 || length == 16 else { return nil }
    return unsafe withUnsafeBytes(of: &record.pointee.source) {
      unsafe Source(octets: Array($0.prefix(length)), interface: record.pointee.interface)
    }
  }

  /// Forgets every source and what a path refused: the sockets are others now.
  func forgetSources() {
    renewEndpoints { _, _ in nil }
  }

  /// Judges every source again, and forgets what a path refused: links, routes or addresses have changed.
  ///
  /// A source that still serves is kept: a peer behind a firewall takes packets from the address that it spoke to only,
  /// and most changes do not concern it.
  func reviewSources() {
    renewEndpoints { source, endpoint in isUsable(source, for: endpoint) ? source : nil }
  }

  /// Publishes new records of those peers that have a source or refuse segments, each with the source that `source` gives.
  private func renewEndpoints(source renewed: (Source, Endpoint) -> Source?) {
    unsafe peers.forEach { index, peer in
      guard let place = unsafe peer.hot.pointee.endpoint, let endpoint = unsafe peer.endpoint else { return }
      let record = unsafe place.assumingMemoryBound(to: EndpointHot.self)
      let slot = PeerSlot(index: index)
      let old = source(of: slot)
      let new = old.flatMap { renewed($0, endpoint) }
      // What `noSource` says was judged by the routes of before.
      let wasLeftToKernel = unsafe record.pointee.sourceLength == EndpointHot.noSource
      if unsafe new != old || wasLeftToKernel || record.pointee.refusesSegments != 0 {
        direct(slot, endpoint, source: new)
      }
    }
  }

  /// Has the sending thread do something for a peer.
  func order(_ slot: PeerSlot, _ bits: UInt64) {
    if let hot = unsafe peers[slot.index]?.hot { unsafe order(hot, bits) }
  }

  func order(_ hot: UnsafeMutablePointer<PeerHot>, _ bits: UInt64) {
    // A peer whose bits are set stands in the queue already.
    if unsafe cl_or(&hot.pointee.orders, bits) == 0 {
      while true {
        if let place = unsafe orders.free() {
          unsafe place.storeBytes(of: hot, as: UnsafeMutablePointer<PeerHot>.self)
          orders.put()
          break
        }
        // More peers than places: the sending thread empties the queue at its next batch.
        cl_signal(transmitWake)
        guard threads != nil else { break }
        sched_yield()
      }
    }
    cl_signal(transmitWake)
  }

  /// What the timers need to know of a peer.
  func activity(of slot: PeerSlot) -> PeerActivity {
    var activity = PeerActivity()
    guard let hot = unsafe peers[slot.index]?.hot else { return activity }
    activity.firstUnansweredSend = unsafe Moment(nanoseconds: cl_load_relaxed(&hot.pointee.firstUnansweredSend))
    activity.firstUnansweredReceive = unsafe Moment(nanoseconds: cl_load_relaxed(&hot.pointee.firstUnansweredReceive))
    activity.lastTraversal = unsafe Moment(
      nanoseconds: max(cl_load_relaxed(&hot.pointee.lastSent), cl_load_relaxed(&hot.pointee.lastReceived)))
    activity.hasStaged = unsafe cl_load_relaxed(&hot.pointee.hasStaged) != 0
    return activity
  }

  /// Bytes of transport messages of a peer, on the wire.
  func traffic(of slot: PeerSlot) -> (received: UInt64, sent: UInt64) {
    guard let hot = unsafe peers[slot.index]?.hot else { return (0, 0) }
    return unsafe (cl_load_relaxed(&hot.pointee.receivedBytes), cl_load_relaxed(&hot.pointee.sentBytes))
  }

  /// A counter's value.
  func value(of counter: Counter) -> UInt64 { unsafe cl_load_relaxed(shared.pointee.counters + counter.rawValue) }
}

/// An address of ours that a peer speaks to.
struct Source: Hashable {
  /// Four or sixteen octets; none where the kernel shall choose, whatever address a peer speaks to.
  var octets: [UInt8]
  /// The interface that it was seen at.
  var interface: UInt32
}

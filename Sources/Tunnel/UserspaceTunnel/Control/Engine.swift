import CLinux
import Cryptography
public import Diagnostics
import Glibc
public import NetworkTypes
public import WireGuard

/// A device over TUN and UDP: the protocol's state machine, the packet path, and what passes between both.
///
/// Driven by one thread, the control thread: `pump` after any wake-up, and whenever `wakeEvent` or `timer` is readable.
public final class Engine {
  /// What can be chosen at the start.
  public struct Options: Sendable {
    /// Segmentation and coalescing, on both sides. Off for kernels and devices that lie about them.
    public var offloads = true
    /// Which construction seals packets.
    public var cipher = CipherKind.stock
    /// Whether the size of segments that a TCP connection through the tunnel asks for is lowered to what fits.
    public var clampsSegments = false
    /// Offloads on, the stock cipher, no clamping.
    public init() {}
  }

  let device = Device()
  let path: Dataplane
  /// A timer of CLOCK_BOOTTIME, readable when something is due.
  let timer: Int32
  private var load = LoadMonitor()
  private var nextDeadline: UInt64 = 0
  private var askedAt: UInt64 = 0
  /// The address that the message being handled came to, for answers to it.
  private var arrival: (endpoint: Endpoint, source: Source?)?
  /// Set when the interface is gone; the owner ends.
  public private(set) var isDeviceLost = false
  /// What a user of the device wants to know, oldest first, at most `eventLimit`.
  public private(set) var events: [EngineEvent] = []
  /// Events that nobody took.
  public private(set) var lostEvents: UInt64 = 0
  private static let eventLimit = 1_024
  /// Whether somebody takes events.
  public var keepsEvents = false
  private var bindFailure: Int32 = 0
  /// How often a path had refused segments when the ways were looked at last.
  private var refusals: UInt64 = 0
  private var keys: [Int32: PublicKey] = [:]

  /// Prepares a device; `start` gives it a TUN.
  public init(_ options: Options = Options()) throws(Problem) {
    path = try Dataplane(
      cipher: options.cipher, offloads: options.offloads, clampsSegments: options.clampsSegments)
    timer = cl_timerfd()
    guard timer >= 0 else { throw .couldNotRun("tunnel.internal", "no descriptors are left") }
    device.isIndexFree = { [unowned path] in path.isFree($0) }
  }

  deinit { _ = close(timer) }

  /// Binds a port, 0 for any, and starts the threads over `tun`, which stays the caller's. Throws `tunnel.port`.
  func start(tun: Int32, hasUSO: Bool, port: UInt16 = 0) throws(Problem) {
    let bound = path.bind(port: port)
    guard bound == 0 else { throw Self.portProblem(port, -bound) }
    try path.start(tun: tun, hasUSO: hasUSO)
  }

  static func portProblem(_ port: UInt16, _ code: Int32) -> Problem {
    .couldNotRun("tunnel.port", "the UDP port cannot be bound: \(describe(code))", place: String(port))
  }

  /// Ends the threads; the device keeps what it knows.
  public func stop() { path.stop() }

  /// The eventfd that is readable when the packet path has something to say.
  var wakeEvent: Int32 { path.controlEvent }

  /// The UDP port in use.
  public var port: UInt16 { path.boundPort }

  /// The largest inner packet, in octets.
  public func setMTU(_ mtu: Int) { unsafe cl_store_relaxed(&path.shared.pointee.mtu, UInt64(mtu)) }

  /// Whether the interface is up.
  func set(isUp: Bool) {
    device.set(isUp: isUp)
    perform()
    askedAt = 0
  }

  /// Bytes that the packet path has mapped and allocated.
  public var bytesInPools: UInt64 { unsafe cl_load_relaxed(&path.shared.pointee.bytesInPools) }

  // MARK: configuration

  /// Applies a difference; 0, or the errno of a port or mark that the system refused: then nothing else was changed.
  public func apply(_ change: DeviceChange) -> Int32 {
    bindFailure = 0
    var change = change
    if change.listenPort != nil || change.firewallMark != nil {
      // What may be refused comes first, as in the kernel's.
      var sockets = DeviceChange()
      swap(&sockets.listenPort, &change.listenPort)
      swap(&sockets.firewallMark, &change.firewallMark)
      device.apply(sockets, at: Self.now)
      perform()
      if bindFailure != 0 { return bindFailure }
    }
    device.apply(change, at: Self.now)
    perform()
    // Ranges of IPv6 count too, where an MTU follows the ways.
    if !change.peers.isEmpty { path.hasNewRouteMTU = true }
    askedAt = 0
    pump()
    return bindFailure
  }

  /// The device as it is.
  public func state() -> DeviceState {
    device.state(listenPort: path.boundPort) { [path] in path.traffic(of: $0) }
  }

  /// Every counter of the device and the packet path with its name, in a stable order.
  public func counters() -> [(name: String, count: UInt64)] {
    Counter.allCases.map { ($0.name, path.value(of: $0)) } + device.drops.map { ($0.reason, $0.count) }
  }

  /// What was dropped, by reason.
  public func drops() -> [(reason: String, count: UInt64)] {
    Counter.allCases.filter(\.isDrop).map { ($0.name, path.value(of: $0)) } + device.drops
  }

  /// Routes or addresses changed: source addresses are judged again, and no verdict on a path is believed any more.
  public func networkChanged() {
    path.reviewSources()
    path.reviewPaths()
  }

  /// The smallest MTU of the ways to the peers, once after it may have changed: nil where it has not, and where no route
  /// says anything.
  func takeNewRouteMTU() -> Int? {
    defer { path.hasNewRouteMTU = false }
    return path.hasNewRouteMTU ? path.smallestRouteMTU : nil
  }

  /// Whether packets of IPv6 go to a peer.
  var carriesV6: Bool { device.state().peers.contains { $0.allowedAddresses.contains { $0.address.family == .v6 } } }

  /// Takes the events.
  public func takeEvents() -> [EngineEvent] {
    defer { events = [] }
    return events
  }

  // MARK: the control thread's turn

  static var now: Moment { Moment(nanoseconds: cl_boottime()) }

  static var wall: WallTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
  }

  /// Does everything that waits and sets the timer for what is due next.
  public func pump() {
    cl_drain(path.controlEvent)
    // Whoever makes a deadline from here on signals again.
    let wasWoken = unsafe cl_exchange(&path.shared.pointee.controlSleepsUntil, .max) != nextDeadline
    cl_fence()
    // What came first: a confirmed session may be what the sender asks for.
    takeReports(path.receiveReports)
    takeReports(path.transmitReports)
    if path.value(of: .segmentationRefused) != refusals {
      // A path takes less than was known: the kernel was told, and knows it for every peer.
      refusals = path.value(of: .segmentationRefused)
      path.reviewPaths()
    }
    takeHandshakes()
    let now = Self.now
    if now.nanoseconds >= nextDeadline {
      device.advance(to: now, wall: Self.wall) { [path] in path.activity(of: $0) }
      perform()
      askedAt = 0
    }
    path.reclaim()
    schedule(now.nanoseconds, wasWoken: wasWoken)
  }

  /// Asks the device for its next deadline, at most four times a second: it looks at every peer.
  private func schedule(_ now: UInt64, wasWoken: Bool) {
    if now &- askedAt >= 250_000_000 || askedAt == 0 {
      askedAt = now
      nextDeadline = device.nextDeadline { [path] in path.activity(of: $0) }?.nanoseconds ?? .max
      // Traffic comes and goes between two looks: one more look before the earliest thing that it can make due.
      if wasWoken { nextDeadline = min(nextDeadline, now &+ 9_000_000_000) }
    } else {
      nextDeadline = min(nextDeadline, askedAt &+ 250_000_000)
    }
    let wake = path.hasGarbage ? min(nextDeadline, now &+ 50_000_000) : nextDeadline
    unsafe cl_store_ordered(&path.shared.pointee.controlSleepsUntil, nextDeadline)
    _ = cl_timer_set(timer, wake == .max ? 0 : max(wake, 1))
  }

  private func takeReports(_ ring: Ring) {
    while let place = unsafe ring.first() {
      // Safe: the other thread wrote a whole record before it showed it.
      let report = unsafe place.load(as: Report.self)
      ring.take()
      take(report)
    }
  }

  private func take(_ report: Report) {
    let slot = PeerSlot(index: report.slot)
    let now = Self.now
    switch report.kind {
    case Report.Kind.staged:
      // The report and a new session may have crossed.
      if path.hasSession(slot, at: now) {
        path.order(slot, PeerOrder.staged)
      } else {
        device.wantsHandshake(slot, .staged, at: now, wall: Self.wall)
      }
    case Report.Kind.renewal: device.wantsHandshake(slot, .renewal, at: now, wall: Self.wall)
    case Report.Kind.lastMinute: device.wantsHandshake(slot, .lastMinute, at: now, wall: Self.wall)
    case Report.Kind.confirmed: device.confirmed(slot, localIndex: report.localIndex, at: now, wall: Self.wall)
    case Report.Kind.moved: move(slot, report)
    default:
      isDeviceLost = true
      note(.deviceLost)
    }
    perform()
    askedAt = 0
  }

  /// An authentic packet came from another place, or to another address of ours, and the receiving thread follows it.
  private func move(_ slot: PeerSlot, _ report: Report) {
    var report = report
    unsafe path.discardEndpoint(UnsafeMutableRawPointer(bitPattern: report.replaced))
    // Safe: the record holds the socket address that the kernel wrote, 16 or 28 octets of 32.
    let endpoint = unsafe withUnsafeBytes(of: &report.address) { bytes in
      unsafe bytes.baseAddress.flatMap { unsafe SocketAddress.endpoint(at: $0) }
    }
    guard let endpoint else { return }
    let source = path.judged(Self.source(&report.local, report.localLength, report.interface), for: endpoint)
    if path.endpoint(of: slot) == endpoint {
      if path.source(of: slot) != source { path.direct(slot, endpoint, source: source) }
      path.reviewPath(slot)
      return
    }
    arrival = (endpoint, source)
    device.moved(slot, localIndex: report.localIndex, to: endpoint)
    perform()
    arrival = nil
  }

  private static func source(_ local: inout (UInt64, UInt64), _ length: UInt8, _ interface: UInt32) -> Source? {
    guard length == 4 || length == 16 else { return nil }
    // Safe: both lengths fit the pair.
    return unsafe withUnsafeBytes(of: &local) {
      unsafe Source(octets: Array($0.prefix(Int(length))), interface: interface)
    }
  }

  /// Takes handshake messages, at most a queue full, so that timers have their turn under a flood.
  private func takeHandshakes() {
    var left = Implementation.handshakeQueueLimit
    while left > 0, let place = unsafe path.handshakes.first() {
      left -= 1
      let waiting = path.handshakes.count
      var record = unsafe place.load(as: Handshake.self)
      let endpoint = unsafe withUnsafeBytes(of: &record.address) { bytes in
        unsafe bytes.baseAddress.flatMap { unsafe SocketAddress.endpoint(at: $0) }
      }
      let now = Self.now
      let isUnderLoad = load.isUnderLoad(queued: waiting, at: now)
      if let endpoint {
        arrival = (endpoint, Self.source(&record.local, record.localLength, record.interface))
        // Safe: the octets lie in the ring until `take`, and the length was compared with the type's by the receiver.
        let message = unsafe RawSpan(
          _unsafeBytes: UnsafeRawBufferPointer(
            start: place + Handshake.messageOffset, count: Int(record.length)))
        device.receive(message, from: endpoint, underLoad: isUnderLoad, at: now, wall: Self.wall)
        perform()
        arrival = nil
      }
      path.handshakes.take()
      cl_fence()
    }
    if left == 0 { cl_signal(path.controlEvent) }
  }

  // MARK: effects

  /// Carries out what the device asks, in order.
  private func perform() {
    for effect in device.takeEffects() { perform(effect) }
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .send(let message, let endpoint, let slot):
      path.send(message, to: endpoint, source: source(for: endpoint, slot))
    case .remember(let slot, let key):
      path.remember(slot)
      keys[slot.index] = key
    case .forget(let slot):
      path.forget(slot)
      keys[slot.index] = nil
    case .accept(let sessionKeys): _ = path.accept(sessionKeys)
    case .use(let slot, let index):
      path.use(slot, localIndex: index)
      if index != nil { path.reviewPath(slot) }
    case .retire(let slot, let index): path.retire(slot, localIndex: index)
    case .confirm(let slot): path.order(slot, PeerOrder.flush)
    case .flush(let slot): path.order(slot, PeerOrder.staged)
    case .keepalive(let slot): path.order(slot, PeerOrder.keepalive)
    case .dropStaged(let slot): path.order(slot, PeerOrder.drop)
    case .unstick(let slot): path.direct(slot, path.endpoint(of: slot), source: nil)
    case .direct(let slot, let endpoint):
      let source = arrival.flatMap { $0.endpoint == endpoint ? $0.source : nil }
      let hasMoved = path.endpoint(of: slot) != endpoint
      // Most handshakes come from where the peer is, to the address of ours that was judged before.
      if !hasMoved, source != nil, path.source(of: slot) == source { return }
      path.direct(slot, endpoint, source: endpoint.flatMap { path.judged(source, for: $0) })
      if hasMoved, let endpoint, let key = keys[slot.index] { note(.moved(key, endpoint)) }
    case .routes: path.publishRoutes(device.allowedAddresses())
    case .bind(let port): bind(port)
    case .mark(let value):
      let result = path.setMark(value)
      if result != 0 { bindFailure = -result }
      path.reviewPaths()
    case .connected(let slot):
      if let key = keys[slot.index] { note(.connected(key)) }
    case .unreachable(let slot):
      if let key = keys[slot.index] { note(.unreachable(key)) }
    }
  }

  private func bind(_ port: UInt16) {
    guard port == 0 || port != path.boundPort else { return }
    let result = path.bind(port: port)
    if result != 0 {
      bindFailure = -result
      device.portWasRefused(staysAt: path.boundPort)
    }
    path.forgetSources()
  }

  private func source(for endpoint: Endpoint, _ slot: PeerSlot?) -> Source? {
    if let arrival, arrival.endpoint == endpoint { return arrival.source }
    guard let slot, path.endpoint(of: slot) == endpoint else { return nil }
    return path.source(of: slot)
  }

  private func note(_ event: EngineEvent) {
    guard keepsEvents else { return }
    if events.count == Self.eventLimit {
      events.removeFirst()
      lostEvents += 1
    }
    events.append(event)
  }
}

/// What happened in a device.
public enum EngineEvent: Hashable, Sendable {
  case connected(PublicKey)
  case moved(PublicKey, Endpoint)
  case unreachable(PublicKey)
  case deviceLost
}

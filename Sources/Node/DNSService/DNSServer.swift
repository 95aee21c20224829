public import DNS
public import Diagnostics
import LinuxKit
public import NetworkTypes

/// The sockets around the answer engine: one thread, one loop, nothing shared.
public final class DNSServer {
  /// What a descriptor is; it stands in the upper half of its token.
  enum Role: UInt64 {
    case signals, datagrams, acceptor, stream, upstreamDatagram, upstreamStream
  }

  /// A socket that clients send to.
  final class Listener {
    let socket: Socket
    init(_ socket: consuming Socket) { self.socket = socket }
  }

  var configuration: DNSConfiguration
  var responder: Responder
  var cache: AnswerCache
  var poller: Poller
  var listeners: [Listener] = []
  var streams: [UInt32: ClientStream] = [:]
  var streamCounts: [IPAddress: Int] = [:]
  /// Streams that hold questions which can be answered now.
  var resumable: Set<UInt32> = []
  /// Acceptors without a descriptor for what they would accept.
  var restingAcceptors: [Int] = []
  var forwarder = Forwarder()
  /// Shared by all streams: a stream that is silent holds no buffer.
  var inBuffer = [UInt8](repeating: 0, count: 1 << 17)
  var outBuffer = [UInt8](repeating: 0, count: 1 << 17)
  /// Milliseconds that never go back, and seconds since 1970, read once a round.
  var now: UInt64 = 0
  var time: UInt32 = 0
  /// Where the server listens; as long as it runs.
  public let listen: [Endpoint]
  private var nextNumber: UInt32 = 0
  private var batch = DatagramBatch()
  private let signals: SignalDescriptor
  private var isStopping = false
  private var isReloading = false
  private var lastSweep: UInt64 = 0
  var lastReport: UInt64 = 0

  /// A server that listens as the configuration says, and has not answered anybody yet.
  ///
  /// Throws what sockets throw.
  public init(_ configuration: DNSConfiguration, zones: ZoneTable) throws(Problem) {
    self.configuration = configuration
    listen = configuration.listen
    poller = try Poller()
    signals = try SignalDescriptor()
    var random = SystemRandomNumberGenerator()
    let secret = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
    responder = Responder(
      zones: zones, routes: configuration.engineRoutes, sources: configuration.sources,
      limiter: RateLimiter(configuration.limits), cookies: try CookieJar(secret: secret))
    cache = AnswerCache(configuration.limits)
    apply(configuration)
    Host.raiseDescriptorLimit(to: 16_384)
    try poller.add(signals.number, token: Role.signals.rawValue << 32)
    for endpoint in listen { try listen(at: endpoint) }
  }

  /// Reads what a configuration names beside zones: the certificates of upstreams; throws `tls.roots`.
  public static func check(_ configuration: DNSConfiguration) throws(Problem) {
    var forwarder = Forwarder()
    for upstream in configuration.upstreams where upstream.transport == .tls {
      _ = try forwarder.context(upstream.roots)
    }
  }

  private func listen(at endpoint: Endpoint) throws(Problem) {
    for (kind, role) in [(Socket.Kind.datagram, Role.datagrams), (.stream, .acceptor)] {
      let listener = Listener(try Socket.listening(kind, at: endpoint))
      try poller.add(listener.socket.number, token: role.rawValue << 32 | UInt64(listeners.count))
      listeners.append(listener)
    }
  }

  /// Takes a new configuration but for the addresses, which stay; what was learnt from other resolvers is forgotten.
  public func reload(_ configuration: DNSConfiguration, zones: ZoneTable) {
    let (old, new) = (self.configuration.limits, configuration.limits)
    if (old.rate, old.burst) != (new.rate, new.burst) { responder.limiter = RateLimiter(new) }
    self.configuration = configuration
    responder.zones = zones
    responder.setRoutes(configuration.engineRoutes)
    responder.sources = configuration.sources
    abandonAll()
    cache = AnswerCache(configuration.limits)
    forwarder.forgetContexts()
    apply(configuration)
  }

  private func apply(_ configuration: DNSConfiguration) {
    responder.state = configuration.state
    responder.serverID = Array((configuration.identity ?? "").utf8)
    responder.keepalive = UInt16(clamping: configuration.limits.idle * 10)
  }

  /// Changes what may leave, and does what the guard demands.
  public func apply(_ state: ProtectionGuard.State, _ effects: [ProtectionGuard.Effect]) {
    responder.state = state
    if effects.contains(.abandon) { abandonAll() }
    if effects.contains(.forget) { cache.removeAll() }
  }

  /// Serves until SIGTERM or SIGINT; SIGHUP calls `reload`, whose errors are the caller's to report.
  public func run(reload: (DNSServer) -> Void) {
    updateClock()
    while !isStopping {
      let isBusy = !streams.isEmpty || !forwarder.isIdle || !restingAcceptors.isEmpty
      var events: [Poller.Event] = []
      swap(&events, &eventBuffer)
      poller.wait(milliseconds: isBusy ? 50 : -1) { events.append($0) }
      updateClock()
      for event in events { handle(event) }
      resumeStreams()
      events.removeAll(keepingCapacity: true)
      swap(&events, &eventBuffer)
      if now &- lastSweep >= 50 {
        lastSweep = now
        sweepStreams()
        sweepUpstreams()
        wakeAcceptors()
        resumeStreams()
      }
      if isReloading {
        isReloading = false
        reload(self)
      }
    }
  }

  private var eventBuffer: [Poller.Event] = []

  private func updateClock() {
    now = Clock.monotonic()
    time = Clock.seconds()
  }

  private func handle(_ event: Poller.Event) {
    let number = UInt32(truncatingIfNeeded: event.token)
    switch Role(rawValue: event.token >> 32) {
    case .signals: takeSignals()
    case .datagrams: serveDatagrams(Int(number))
    case .acceptor: acceptStreams(Int(number))
    case .stream: serveStream(number, event)
    case .upstreamDatagram: receiveDatagram(number)
    case .upstreamStream: serveUpstream(number, event)
    case nil: break
    }
  }

  private func takeSignals() {
    while let signal = signals.next() {
      if signal == 1 { isReloading = true } else { isStopping = true }
    }
  }

  /// A number for a stream or a question that no other has now.
  func makeNumber() -> UInt32 {
    repeat { nextNumber &+= 1 } while streams[nextNumber] != nil || forwarder.isUsed(nextNumber)
    return nextNumber
  }

  // MARK: datagrams

  private func serveDatagrams(_ index: Int) {
    // A few batches, then the others have their turn.
    for _ in 0..<4 {
      let count = batch.serve(listeners[index].socket) { bytes, peer, out in
        let source = peer.address
        // Port 0 cannot be answered.
        guard peer.port != 0 else { return 0 }
        switch responder.respond(to: bytes, from: source, over: .datagram, now: now, time: time, into: &out) {
        case .drop: return 0
        case .reply(let length): return length
        case .forward(let upstream):
          let client = Client(bytes: copy(bytes), source: source, way: .datagram(listener: index, peer))
          return forward(client, to: upstream, into: &out)
        }
      }
      if count < DatagramBatch.capacity { return }
    }
  }

  func copy(_ bytes: Span<UInt8>) -> [UInt8] {
    var copy = [UInt8]()
    copy.reserveCapacity(bytes.count)
    for index in bytes.indices { copy.append(bytes[index]) }
    return copy
  }
}

extension DNSConfiguration {
  var sources: SourceList {
    SourceList(
      allow + [Prefix(masking: .v4(0x7f00_0000), length: 8), Prefix(masking: .v6(1), length: 128)].compactMap { $0 })
  }

  var engineRoutes: [Responder.Route] {
    routes.map { Responder.Route($0.name, upstream: $0.upstream, isProtected: upstreams[$0.upstream].isProtected) }
  }
}

extension RateLimiter {
  init(_ limits: DNSConfiguration.Limits) {
    var random = SystemRandomNumberGenerator()
    self.init(rate: limits.rate, burst: limits.burst, seed: random.next())
  }
}

extension AnswerCache {
  init(_ limits: DNSConfiguration.Limits) {
    self.init(capacity: limits.answers, byteLimit: limits.answerBytes, lifetime: limits.lifetime)
  }
}

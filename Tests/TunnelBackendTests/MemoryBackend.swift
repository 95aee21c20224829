import Cryptography
import Diagnostics
import NetworkTypes
import TunnelBackend

/// The contract kept, or broken in one place, by tables alone.
final class MemoryBackend: TunnelBackend {
  struct Session {
    var peer: TunnelPeer
    var endpoint: Endpoint?
    var bytes: UInt64 = 0
    var handshake: Int64?
  }

  let faults: Set<Fault>
  private let able: Capabilities
  var context: TunnelContext?
  var hasDevice = false
  var sessions: [PeerKey: Session] = [:]
  var routes: [TunnelRoute] = []
  var exit = ExitMode.off
  private var events: [TunnelEvent] = []
  private var starts = 0

  init(capabilities: Capabilities, faults: Set<Fault>) {
    able = capabilities
    self.faults = faults
  }

  private func has(_ fault: Fault) -> Bool { faults.contains(fault) }
  var name: String { has(.changesName) ? "memory\(starts)" : "memory" }
  var capabilities: Capabilities { able }

  // MARK: The contract

  func start(_ context: TunnelContext) throws(Problem) {
    if self.context != nil, !has(.startsTwice) {
      if has(.startTakesPeersAway) { sessions = [:] }
      throw TunnelProblem.alreadyRunning
    }
    if !isValid(context), !has(.takesAnyContext) {
      hasDevice = has(.refusedStartLeavesDevice)
      throw TunnelProblem.invalidInput("the context is wrong")
    }
    if !able.contains(.ipv6), !faults.contains(.takesAnyContext),
      context.addresses.contains(where: { $0.address.family == .v6 })
    {
      throw TunnelProblem.unsupported("ipv6", by: name)
    }
    starts += 1
    self.context = context
    hasDevice = !has(.noDevice)
  }

  func apply(_ difference: PeerDifference) throws(Problem) {
    try requireRunning()
    var keys: Set<PeerKey> = []
    let own = ownKey?.bytes
    for (index, peer) in difference.configured.enumerated() {
      let isOwn = peer.publicKey.bytes == own && !has(.takesOwnKey)
      let isTwice = !keys.insert(peer.publicKey).inserted && !has(.takesKeyTwice)
      if isOwn || isTwice {
        if has(.appliesHalf) { for one in difference.configured[..<index] { configure(one) } }
        throw TunnelProblem.invalidInput("a peer is wrong")
      }
      if peer.presharedKey != nil, !able.contains(.presharedKeys), !has(.ignoresPresharedKey) {
        throw TunnelProblem.unsupported("preshared keys", by: name)
      }
    }
    if !has(.ignoresRemoval) { for key in difference.removed where !keepsSession(key, difference) { remove(key) } }
    for peer in difference.configured { configure(peer) }
  }

  private func keepsSession(_ key: PeerKey, _ difference: PeerDifference) -> Bool {
    has(.replaceKeepsSession) && difference.configured.contains { $0.publicKey == key }
  }

  private func remove(_ key: PeerKey) {
    sessions[key] = nil
    routes.removeAll { $0.via == key }
  }

  private func configure(_ peer: TunnelPeer) {
    if var session = sessions[peer.publicKey], !has(.updateLosesSession) {
      session.peer = peer
      sessions[peer.publicKey] = session
    } else {
      sessions[peer.publicKey] = Session(peer: peer, endpoint: peer.endpoint)
    }
  }

  func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem) {
    try requireRunning()
    if routes.contains(where: { $0.kind == .exitLAN }), !able.contains(.lanRoutes), !has(.ignoresRoutes) {
      throw TunnelProblem.unsupported("LAN routes", by: name)
    }
    guard has(.takesUnknownVia) || routes.allSatisfy({ sessions[$0.via] != nil }) else {
      throw TunnelProblem.invalidInput("a route leads to nobody")
    }
    self.routes = has(.mergesRoutes) ? self.routes + routes : routes
  }

  func setExitMode(_ mode: ExitMode) throws(Problem) {
    try requireRunning()
    if mode != .off, !able.contains(.exitNodes), !has(.ignoresExit) {
      throw TunnelProblem.unsupported("exits", by: name)
    }
    if case .fullTunnel(let key) = mode, sessions[key] == nil, !has(.takesUnknownExit) {
      throw TunnelProblem.invalidInput("the exit is no peer")
    }
    if mode == .off, has(.exitStaysOn) { return }
    exit = mode
  }

  func statistics() throws(Problem) -> TunnelStatistics {
    try requireRunning()
    let order =
      has(.mixesOrder)
      ? sessions.values.sorted { $1.peer.publicKey < $0.peer.publicKey }
      : sessions.values.sorted { $0.peer.publicKey < $1.peer.publicKey }
    let total = sessions.values.reduce(0) { $0 + $1.bytes }
    return TunnelStatistics(
      peers: order.map { session in
        let bytes = has(.countsNothing) ? 0 : has(.countsForOthers) ? total : session.bytes
        return TunnelStatistics.Peer(
          publicKey: session.peer.publicKey, endpoint: session.endpoint, receivedBytes: bytes, sentBytes: bytes,
          lastHandshake: session.handshake)
      })
  }

  func takeEvents() throws(Problem) -> [TunnelEvent] {
    try requireRunning()
    defer { if !has(.repeatsEvents) { events = [] } }
    return has(.noEvents) ? [] : events
  }

  func shutdown() throws(Problem) {
    try requireRunning()
    context = has(.worksAfterShutdown) ? context : nil
    hasDevice = has(.shutdownKeepsDevice)
    if !has(.shutdownKeepsPeers) {
      if has(.shutdownKeepsCounters) {
        for key in sessions.keys { sessions[key]?.peer.allowedAddresses = [] }
      } else {
        sessions = [:]
      }
    }
    if !has(.shutdownKeepsRoutes) { routes = [] }
    if !has(.shutdownKeepsExit) { exit = .off }
    if !has(.shutdownKeepsEvents) { events = [] }
  }

  private func requireRunning() throws(Problem) {
    guard context != nil || has(.worksBeforeStart) else { throw TunnelProblem.notRunning }
  }

  private func isValid(_ context: TunnelContext) -> Bool {
    let name = context.interface.utf8
    let hasV6 = context.addresses.contains { $0.address.family == .v6 }
    return (1...15).contains(name.count) && !name.contains { $0 == 0x2f || $0 == 0x20 } && context.interface != ".."
      && (hasV6 ? 1280 : 576)...65_535 ~= context.mtu
      && context.addresses.allSatisfy { (0...$0.address.family.bits).contains($0.length) }
  }

  // MARK: What would arrive

  func loseDevice() {
    hasDevice = false
    if !has(.hidesLoss) { events.append(.deviceLost) }
  }

  /// Whether this side sends a packet for `address` to the other: by its own network, by a route, or by the exit.
  func sends(to address: IPAddress, _ other: MemoryBackend) -> Bool {
    guard let key = other.ownKey, let session = sessions[key] else { return false }
    let isNear = context?.addresses.contains {
      Prefix(masking: $0.address, length: $0.length)?.contains(address) ?? false
    }
    let isRouted = !has(.ignoresRoutes) && routes.contains { $0.via == key && $0.destination.contains(address) }
    let isExit = exit == .fullTunnel(key) && !has(.ignoresExit)
    let isAllowed = session.peer.allowedAddresses.contains { $0.contains(address) }
    return (isNear ?? false) && isAllowed || isRouted || isExit
  }

  /// Whether this side takes a packet of the other from `address`.
  func takes(from address: IPAddress, _ other: MemoryBackend) -> Bool {
    if has(.takesAnyKey) { return true }
    guard let key = other.ownKey, let session = sessions[key] else { return false }
    return session.peer.allowedAddresses.contains { $0.contains(address) } || has(.takesAnySource)
      || routes.contains { $0.via == key && $0.destination.contains(address) } || exit == .fullTunnel(key)
  }

  func agrees(with other: MemoryBackend) -> Bool {
    guard let ours = other.ownKey.flatMap({ sessions[$0] })?.peer else { return has(.takesAnyKey) }
    guard let theirs = ownKey.flatMap({ other.sessions[$0] })?.peer else { return has(.takesAnyKey) }
    if has(.ignoresPresharedKey) { return true }
    switch (ours.presharedKey, theirs.presharedKey) {
    case (nil, nil): return true
    case (let one?, let two?): return one.isEqual(to: two)
    default: return false
    }
  }

  var ownKey: PeerKey? {
    // Safe: thirty-two bytes are lent, and as many are read.
    let bytes = unsafe context?.privateKey.withBytes { bytes in (0..<32).map { unsafe bytes[$0] } }
    return bytes.flatMap { try? PeerKey($0) }
  }

  /// Notes that a packet passed between this side and `node`; false when the answer has no way.
  @discardableResult
  func carried(_ node: MemoryNode, at place: (IPAddress.Family) -> IPAddress, isFirst: Bool) -> Bool {
    guard let key = node.memory.ownKey, var session = sessions[key] else { return has(.takesAnyKey) }
    let family = (session.endpoint ?? node.memory.endpointOfThis(self))?.address.family ?? .v4
    let port = node.memory.context?.listenPort ?? 0
    let seen = Endpoint(place(family), port: port)
    if session.handshake == nil {
      session.handshake = 1_800_000_000
      events.append(.connected(key))
    }
    let isLearnt = session.endpoint == nil && !has(.neverLearns)
    if !isFirst, session.endpoint != seen, isLearnt || session.endpoint != nil && !has(.refusesToRoam) {
      if session.endpoint != nil, !has(.roamsInSilence) { events.append(.moved(key, seen)) }
      session.endpoint = seen
    }
    session.bytes += 128
    sessions[key] = session
    return true
  }

  private func endpointOfThis(_ other: MemoryBackend) -> Endpoint? { other.ownKey.flatMap { sessions[$0]?.endpoint } }
}

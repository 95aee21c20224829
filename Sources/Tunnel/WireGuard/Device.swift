public import Cryptography
public import NetworkTypes

/// A WireGuard device without a socket, a file or a clock: events go in, `Effect`s come out (whitepaper, 5 and 6).
///
/// Driven by one thread. After every call the adapter takes the effects and carries them out in their order. The packet
/// path works alone with what the effects gave it, and tells the device only what the verbs below name.
///
/// Where to read on: `Device+Configuration` applies differences, `Device+Handshake` takes messages and answers,
/// `Device+Timers` is time, `Peer` and `KeySlots` hold what is known of a peer, `Cookies` and `RateLimiter` keep floods
/// away, `Noise` is the cryptography of a handshake.
public final class Device {
  /// Draws random bytes for keys, indices and jitter; a device that is given fixed ones is deterministic.
  public typealias RandomBytes = (_ count: Int) -> [UInt8]

  /// Whether the adapter's table has room for a local index; asked before an index is given out. The device itself
  /// never gives out an index that is in use. A table that uses only the low bits answers false where they are taken.
  public var isIndexFree: (UInt32) -> Bool = { _ in true }

  let randomness: RandomBytes
  let machine = BLAKE2s()
  let noise: Noise

  // Configuration
  var identity: Identity?
  var listenPort: UInt16 = 0
  var firewallMark: UInt32 = 0
  var allowed = AllowedIPs()
  /// Whether the interface is up: see `set(isUp:)`.
  var isUp = true

  // Peers, by place and by key; a place without a peer is used again.
  var peers: [Peer?] = []
  var slots: [PublicKey: PeerSlot] = [:]
  var created: UInt64 = 0

  /// Whose local indices are in use, of handshakes and of sessions.
  var indices: [UInt32: PeerSlot] = [:]

  // Floods and clocks
  var cookieMaker = CookieMaker()
  var rateLimiter = RateLimiter()
  var clock = TimestampClock()
  var dropped = DropCounters()

  private var effects: [Effect] = []

  /// A device without a key and without peers.
  public init(randomness: @escaping RandomBytes = Randomness.bytes) {
    self.randomness = randomness
    noise = Noise(machine: machine)
  }

  /// The private key with what is derived from it.
  struct Identity {
    let keys: Noise.KeyPair
    let messageKeys: MessageKeys
    let publicKey: PublicKey

    init(_ privateKey: Key32, machine: BLAKE2s) {
      keys = Noise.KeyPair(privateKey)
      messageKeys = MessageKeys(keys.publicKey, machine: machine)
      publicKey = PublicKey(of: privateKey)
    }
  }

  // MARK: Effects

  /// What is to be done, in order; afterwards nothing is.
  public func takeEffects() -> [Effect] {
    defer { effects.removeAll(keepingCapacity: true) }
    return effects
  }

  func emit(_ effect: Effect) { effects.append(effect) }

  // MARK: What the packet path reports

  /// Why the packet path asks for a handshake.
  public enum Reason: Sendable {
    /// New packets came that no session can send. Ask once for each batch of them, not for packets that wait already:
    /// each time the tries begin anew.
    case staged
    /// `SessionRules.isRenewalDueOnSend`.
    case renewal
    /// `SessionRules.isRenewalDueOnReceive`; begins one handshake a session.
    case lastMinute
  }

  /// The packet path wants a session. Ask as often as it is true: a handshake begins at most every five seconds.
  public func wantsHandshake(_ slot: PeerSlot, _ reason: Reason, at now: Moment, wall: WallTime) {
    guard isUp, let peer = peer(slot) else { return }
    if reason == .lastMinute {
      guard !peer.timers.didLastMinute else { return }
      peer.timers.didLastMinute = true
    }
    beginHandshake(peer, isRetry: false, at: now, wall: wall)
  }

  /// The first authentic packet came on a session that was accepted but not used yet: it is used from now on. Any other
  /// index is ignored, so the packet path may report each packet on a session that it does not send with.
  public func confirmed(_ slot: PeerSlot, localIndex: UInt32, at now: Moment, wall: WallTime) {
    guard let peer = peer(slot), let confirmed = peer.sessions.confirm(localIndex) else { return }
    emit(.use(slot, localIndex: confirmed.session.maySend ? localIndex : nil))
    retire(confirmed.retired)
    completed(peer, at: now, wall: wall)
    emit(.flush(slot))
  }

  /// An authentic packet of the session `localIndex` came from a new place. Ignored when the session is not the peer's.
  public func moved(_ slot: PeerSlot, localIndex: UInt32, to endpoint: Endpoint) {
    guard let peer = peer(slot), peer.sessions.contains(localIndex) else { return }
    direct(peer, to: endpoint)
  }

  // MARK: What is known

  /// What was dropped silently, by reason, in a stable order.
  public var drops: [(reason: String, count: UInt64)] {
    DropReason.allCases.map { ($0.rawValue, dropped[$0]) }
  }

  /// How often something was dropped for a reason.
  public func count(of reason: DropReason) -> UInt64 { dropped[reason] }

  /// The allowed addresses as a table for the packet path; call it on `Effect.routes`.
  public func allowedAddresses() -> AllowedIPs.Snapshot { allowed.snapshot() }

  func peer(_ slot: PeerSlot) -> Peer? {
    peers.indices.contains(Int(slot.index)) ? peers[Int(slot.index)] : nil
  }

  // MARK: Indices

  /// A local index that is not in use, unpredictable to others; nil when the adapter's table has no room.
  func allocateIndex(for slot: PeerSlot) -> UInt32? {
    for _ in 0..<64 {
      let index = randomness(4).reduce(0) { $0 << 8 | UInt32($1) }
      if indices[index] == nil, isIndexFree(index) {
        indices[index] = slot
        return index
      }
    }
    dropped.add(.noIndex)
    return nil
  }

  /// Forgets sessions that are over, wherever they were.
  func retire(_ keys: [TransportKeys]) {
    for key in keys {
      indices[key.localIndex] = nil
      emit(.retire(key.peer, localIndex: key.localIndex))
    }
  }

  /// Forgets an unanswered handshake.
  func abandon(_ peer: Peer) {
    if let pending = peer.pending { indices[pending.localIndex] = nil }
    peer.pending = nil
  }

  /// An authentic message of a peer came from this place. Told also where the peer was there before: the message may have
  /// come to another address of ours, and what is sent next must leave from there.
  func arrived(_ peer: Peer, from endpoint: Endpoint) {
    peer.endpoint = endpoint
    emit(.direct(peer.slot, endpoint))
  }

  /// A peer is at this place from now on, by configuration or by a packet that moved it.
  func direct(_ peer: Peer, to endpoint: Endpoint) {
    guard peer.endpoint != endpoint else { return }
    peer.endpoint = endpoint
    emit(.direct(peer.slot, endpoint))
  }
}

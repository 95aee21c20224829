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
  /// never gives out an index twice. A table that uses only the low bits answers false where they are taken.
  public var isIndexFree: (UInt32) -> Bool = { _ in true }

  /// A device without a key and without peers.
  public init(randomness: @escaping RandomBytes = Randomness.bytes) {}

  // MARK: Configuration

  /// Applies a difference, device first, then the peers in order.
  public func apply(_ change: DeviceChange, at now: Moment) { fatalError() }

  /// The device as it is. `traffic` gives the bytes of transport messages that the packet path counted on the wire for a
  /// peer; the device adds the handshakes. `listenPort` is the port in use where 0 was asked for.
  public func state(
    listenPort: UInt16? = nil, traffic: (PeerSlot) -> (received: UInt64, sent: UInt64) = { _ in (0, 0) }
  ) -> DeviceState { fatalError() }

  /// The allowed addresses as a table for the packet path; call it on `Effect.routes`.
  public func allowedAddresses() -> AllowedIPs.Snapshot { fatalError() }

  // MARK: Events

  /// A handshake message or a cookie reply came (types 1 to 3; anything else is counted and dropped).
  public func receive(
    _ message: RawSpan, from source: Endpoint, underLoad: Bool, at now: Moment, wall: WallTime
  ) { fatalError() }

  /// Why the packet path asks for a handshake.
  public enum Reason: Sendable {
    /// Packets wait and no session can send them.
    case staged
    /// `SessionRules.isRenewalDueOnSend`.
    case renewal
    /// `SessionRules.isRenewalDueOnReceive`; begins one handshake a session.
    case lastMinute
  }

  /// The packet path wants a session. Ask as often as it is true: a handshake begins at most every five seconds.
  public func wantsHandshake(_ slot: PeerSlot, _ reason: Reason, at now: Moment, wall: WallTime) { fatalError() }

  /// The first authentic packet came on a session that was accepted but not used yet: it is used from now on. Any other
  /// index is ignored, so the packet path may report each packet on a session that it does not send with.
  public func confirmed(_ slot: PeerSlot, localIndex: UInt32, at now: Moment, wall: WallTime) { fatalError() }

  /// An authentic packet of the session `localIndex` came from a new place. Ignored when the session is not the peer's.
  public func moved(_ slot: PeerSlot, localIndex: UInt32, to endpoint: Endpoint) { fatalError() }

  // MARK: Time

  /// Does everything that is due.
  public func advance(to now: Moment, wall: WallTime, activity: (PeerSlot) -> PeerActivity) { fatalError() }

  /// When something is due next, as far as the activity says now; nil for never. Traffic brings new deadlines, none of
  /// them nearer than one second: whoever asks once a second while packets move is never late by more.
  public func nextDeadline(activity: (PeerSlot) -> PeerActivity) -> Moment? { fatalError() }

  // MARK: Effects

  /// What is to be done, in order; afterwards nothing is.
  public func takeEffects() -> [Effect] { fatalError() }

  /// What was dropped silently, by reason, in a stable order.
  public var drops: [(reason: String, count: UInt64)] { fatalError() }
}

/// A moment of the wall clock, since 1970.
public struct WallTime: Hashable, Comparable, Sendable {
  public var seconds: Int64
  /// 0 to 999,999,999.
  public var nanoseconds: Int64
  public init(seconds: Int64, nanoseconds: Int64 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
  public static func < (left: WallTime, right: WallTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}

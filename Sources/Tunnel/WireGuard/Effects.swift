public import Cryptography
public import NetworkTypes

/// A moment of CLOCK_BOOTTIME in nanoseconds: it goes on in suspend and is never set back. 0 means never.
public struct Moment: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  /// No moment at all.
  public static let never = Moment(nanoseconds: 0)
  public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }
  /// Later by milliseconds.
  public func adding(milliseconds: UInt64) -> Moment {
    Moment(nanoseconds: nanoseconds &+ milliseconds &* 1_000_000)
  }
}

/// The place of a peer in a device: dense from 0, so that a packet path can index an array with it. A place is used
/// again after its peer was removed and the adapter has carried out `Effect.forget`.
public struct PeerSlot: Hashable, Sendable {
  public let index: Int32
  public init(index: Int32) { self.index = index }
}

/// The keys of one session, as both sides derived them (whitepaper, 5.4.5). Immutable; the packet path adds counters.
public final class TransportKeys: Sendable {
  public let peer: PeerSlot
  /// The index that the other side writes on what it sends us.
  public let localIndex: UInt32
  /// The index that we write on what we send.
  public let remoteIndex: UInt32
  public let sending: Key32
  public let receiving: Key32
  /// Whether we began the handshake; only the initiator renews by age on sending (whitepaper, 6.2).
  public let isInitiator: Bool
  /// When the session was derived; it is refused 180 s later.
  public let born: Moment

  public init(
    peer: PeerSlot, localIndex: UInt32, remoteIndex: UInt32, sending: Key32, receiving: Key32, isInitiator: Bool,
    born: Moment
  ) {
    self.peer = peer
    self.localIndex = localIndex
    self.remoteIndex = remoteIndex
    self.sending = sending
    self.receiving = receiving
    self.isInitiator = isInitiator
    self.born = born
  }
}

/// What the packet path knows of a peer's traffic and the timers need (whitepaper, 6). Written without locks by the
/// threads that move packets, read by the one that runs the device.
public struct PeerActivity: Sendable {
  /// The first data packet sent since anything authentic came; `.never` when nothing waits for an answer.
  public var firstUnansweredSend = Moment.never
  /// The first data packet received since anything was sent; `.never` when nothing waits for an acknowledgement.
  public var firstUnansweredReceive = Moment.never
  /// The last authentic packet in either direction, keepalives included.
  public var lastTraversal = Moment.never
  /// Whether packets wait for a session.
  public var hasStaged = false
  public init() {}
}

/// What a device asks of the world; the adapter carries the effects out in order.
public enum Effect: Sendable {
  /// Send a handshake message or a cookie reply, with the DSCP of handshakes (AF41).
  case send(message: [UInt8], to: Endpoint, peer: PeerSlot?)
  /// A peer came into being.
  case remember(PeerSlot, PublicKey)
  /// A peer is gone with its sessions and its staged packets.
  case forget(PeerSlot)
  /// From now on packets with `keys.localIndex` are of this session; it is not sent with yet. A handshake message was
  /// authentic and answered: `firstUnansweredSend` and `firstUnansweredReceive` become `.never`.
  case accept(TransportKeys)
  /// From now on send with this session; nil stops sending, though what was accepted is still received. What is staged
  /// waits for `confirm` or `flush`, which follow.
  case use(PeerSlot, localIndex: UInt32?)
  /// The session is over: forget the index, wipe the keys.
  case retire(PeerSlot, localIndex: UInt32)
  /// Send what is staged, or a keepalive when nothing is: the other side waits for a first packet.
  case confirm(PeerSlot)
  /// Send what is staged; nothing when nothing is. The other side began the session and is not waiting.
  case flush(PeerSlot)
  /// Send a keepalive, unless something is staged, which is sent instead.
  case keepalive(PeerSlot)
  /// Drop what is staged: nobody answered.
  case dropStaged(PeerSlot)
  /// Send to this place from now on, nil for nowhere. A sticky source address is forgotten.
  case direct(PeerSlot, Endpoint?)
  /// Nobody answers on the way that is used: forget the peer's sticky source address, so that the kernel chooses anew.
  case unstick(PeerSlot)
  /// The allowed addresses changed: publish a new table.
  case routes
  /// Bind this port anew.
  case bind(port: UInt16)
  /// Mark outer packets with this.
  case mark(UInt32)
  /// A handshake ended well.
  case connected(PeerSlot)
  /// Nobody answered for ninety seconds.
  case unreachable(PeerSlot)
}

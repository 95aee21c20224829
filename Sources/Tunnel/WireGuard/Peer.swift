import Cryptography
import NetworkTypes

/// Everything that a device knows of one peer.
final class Peer {
  /// A handshake that we began and that is not answered yet.
  struct Pending {
    let localIndex: UInt32
    let initiation: Noise.Initiation
  }

  let slot: PeerSlot
  let publicKey: PublicKey
  /// The order of creation, in which peers are listed.
  let sequence: UInt64
  let messageKeys: MessageKeys

  // Configuration
  var presharedKey: Key32?
  var endpoint: Endpoint?
  var keepaliveSeconds: UInt16 = 0

  // Handshakes
  /// The secret of both static keys; nil without a private key, and for a point of low order, to which nothing is sent.
  var shared: Key32?
  var pending: Pending?
  var cookies = CookieJar()
  /// The timestamp of the last initiation that was taken.
  var lastTimestamp: TAI64N?
  var lastInitiationTaken = Moment.never

  // Sessions
  var sessions = KeySlots()
  var lastHandshake: WallTime?

  // Timers: see Device+Timers.
  var timers = PeerTimers()

  // Bytes of handshakes on the wire, above UDP.
  var received: UInt64 = 0
  var sent: UInt64 = 0

  init(_ publicKey: PublicKey, slot: PeerSlot, sequence: UInt64, machine: BLAKE2s) {
    self.publicKey = publicKey
    self.slot = slot
    self.sequence = sequence
    messageKeys = MessageKeys(publicKey.bytes, machine: machine)
  }
}

/// The state of a peer's five timers; `.never` means that a timer is off.
struct PeerTimers {
  /// The last handshake message to the peer; the next initiation is five seconds later at the earliest.
  var lastHandshakeSent = Moment.never
  /// When an unanswered initiation is sent again.
  var retry = Moment.never
  /// Initiations since the packet path last had new data.
  var attempts = 0
  /// When the keys are wiped.
  var wipe = Moment.never
  /// Whether this session's last-minute handshake was begun.
  var didLastMinute = false
  /// The `firstUnansweredSend` for which a handshake was begun already.
  var answeredSend = Moment.never
  /// The `firstUnansweredReceive` for which a keepalive was sent already.
  var answeredReceive = Moment.never
  /// The last handshake message in either direction: authentic traffic that the packet path does not see.
  var lastTraversal = Moment.never
  /// Send a persistent keepalive at once: it was just turned on.
  var isKeepaliveDue = false
  /// Milliseconds that the retry is late by, drawn anew for each.
  var jitter: UInt64 = 0
}

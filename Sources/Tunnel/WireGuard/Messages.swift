// Every number of the protocol in one place: what the whitepaper fixes, what we chose, and where each field of a message
// lies. "Whitepaper" is "WireGuard: Next Generation Kernel Network Tunnel", NDSS 2017, by its sections.

/// What the whitepaper fixes (5.4, 6.1); both sides must agree on it.
public enum Specification {
  /// The name of the Noise construction (5.4).
  static let construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
  /// The prologue (5.4).
  static let identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com"
  /// What is hashed before a public key to key the first MAC (5.4.4).
  static let mac1Label = "mac1----"
  /// What is hashed before a public key to key the encryption of cookies (5.4.7).
  static let cookieLabel = "cookie--"

  /// After so many packets a session is renewed (6.1).
  @inlinable public static var renewAfterMessages: UInt64 { 1 << 60 }
  /// No packet has this counter or a higher one (6.1): the replay window must not overrun.
  @inlinable public static var refuseAfterMessages: UInt64 { UInt64.max - (1 << 13) }
  /// The age in seconds at which the initiator renews a session on sending (6.1).
  @inlinable public static var renewAfterSeconds: UInt64 { 120 }
  /// The age in seconds at which nobody uses a session any more (6.1).
  @inlinable public static var refuseAfterSeconds: UInt64 { 180 }
  /// Seconds in which retries go on (6.1).
  @inlinable public static var attemptSeconds: UInt64 { 90 }
  /// Seconds between two tries (6.1).
  @inlinable public static var retrySeconds: UInt64 { 5 }
  /// Seconds after which received data is acknowledged when nothing else is sent (6.1).
  @inlinable public static var keepaliveSeconds: UInt64 { 10 }
  /// Seconds that a cookie secret lives (6.1, 5.4.7).
  static let cookieSeconds: UInt64 = 120
}

/// What an implementation chooses; the values are those of the kernel's, so that peers see the same behaviour.
public enum Implementation {
  /// The most milliseconds that a retry waits longer than `retrySeconds`, so that two sides do not stay in step.
  static let jitterMilliseconds: UInt64 = 333
  /// Tries before a peer counts as unreachable: 90 s of one every 5 s.
  public static let attempts = Int(Specification.attemptSeconds / Specification.retrySeconds)
  /// Seconds after the last handshake at which all keys are wiped: three lives of a session.
  @inlinable public static var wipeSeconds: UInt64 { 3 * Specification.refuseAfterSeconds }
  /// The age in seconds at which the initiator renews a session on receiving: so late that a passive side still gets a
  /// new one before the old one ends.
  @inlinable public static var lastMinuteSeconds: UInt64 {
    Specification.refuseAfterSeconds - Specification.keepaliveSeconds - Specification.retrySeconds
  }
  /// Initiations a second that are taken from one peer.
  @inlinable public static var initiationsPerSecond: UInt64 { 50 }
  /// Seconds that a cookie is not used any more before its secret ends: the time a message may travel.
  static let cookieLatencySeconds: UInt64 = 5
  /// The most handshake messages that wait; more are dropped.
  public static let handshakeQueueLimit = 4_096
  /// From so many waiting messages on the device is under load.
  public static let loadThreshold = handshakeQueueLimit / 8
  /// Milliseconds that load lasts after the queue was last long.
  @inlinable public static var loadMilliseconds: UInt64 { 1_000 }
  /// The most packets that wait for a session of one peer.
  public static let stagedLimit = 128
  /// Data is padded to multiples of this many bytes (5.4.6).
  @inlinable public static var padding: Int { 16 }
}

/// The types of messages; on the wire a little-endian 32-bit number, so three bytes are reserved and zero (5.4).
public enum MessageType: UInt32, Sendable {
  case initiation = 1, response, cookieReply, transport
}

/// Where the fields lie, in bytes from the start of a message; all numbers are little-endian.
public enum Layout {
  static let tag = 16
  static let key = 32

  /// 5.4.2.
  public enum Initiation {
    /// The whole message, in bytes.
    public static let length = 148
    static let sender = 4
    static let ephemeral = 8
    static let identity = 40..<88
    static let timestamp = 88..<116
    static let mac1 = 116
    static let mac2 = 132
  }

  /// 5.4.3.
  public enum Response {
    /// The whole message, in bytes.
    public static let length = 92
    static let sender = 4
    static let receiver = 8
    static let ephemeral = 12
    static let empty = 44..<60
    static let mac1 = 60
    static let mac2 = 76
  }

  /// 5.4.7.
  public enum CookieReply {
    /// The whole message, in bytes.
    public static let length = 64
    static let receiver = 4
    static let nonce = 8..<32
    static let cookie = 32..<64
  }

  /// 5.4.6.
  public enum Transport {
    /// Type, receiver, counter: what stands before the sealed packet.
    public static let headerLength = 16
    /// The index that the receiver gave out.
    public static let receiver = 4
    /// The counter, 64 bits.
    public static let counter = 8
    /// Header and tag: a keepalive.
    public static let minimumLength = 32
  }
}

/// The rules of a session's age and counters that the packet path asks for with each batch (6.2, 6.4).
///
/// Plain numbers, so that nothing is allocated or counted: moments are nanoseconds as in `Moment`.
public enum SessionRules {
  /// Whether a session of this age is dead: neither sent with nor accepted.
  @inlinable public static func isExpired(born: UInt64, now: UInt64) -> Bool {
    isOlder(born, now, Specification.refuseAfterSeconds)
  }

  /// Whether a session may send the packet with this counter.
  @inlinable public static func maySend(counter: UInt64) -> Bool { counter < Specification.refuseAfterMessages }

  /// Whether the sender should ask for a handshake (`Device.wantsHandshake`, `.renewal`).
  @inlinable public static func isRenewalDueOnSend(counter: UInt64, born: UInt64, isInitiator: Bool, now: UInt64)
    -> Bool
  { counter > Specification.renewAfterMessages || (isInitiator && isOlder(born, now, Specification.renewAfterSeconds)) }

  /// Whether the receiver should ask for a handshake (`Device.wantsHandshake`, `.lastMinute`).
  @inlinable public static func isRenewalDueOnReceive(born: UInt64, isInitiator: Bool, now: UInt64) -> Bool {
    isInitiator && isOlder(born, now, Implementation.lastMinuteSeconds)
  }

  /// Bytes of a packet of `length` after padding: to 16, but never beyond the MTU (5.4.6).
  @inlinable public static func paddedLength(_ length: Int, mtu: Int) -> Int {
    let padded = (length &+ 15) & ~15
    return padded > mtu ? max(length, mtu) : padded
  }

  @inlinable static func isOlder(_ born: UInt64, _ now: UInt64, _ seconds: UInt64) -> Bool {
    now >= born && now &- born >= seconds &* 1_000_000_000
  }
}

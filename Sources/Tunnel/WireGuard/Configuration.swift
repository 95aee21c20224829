public import Cryptography
public import NetworkTypes

/// A Curve25519 public key: a peer's identity.
public struct PublicKey: Hashable, Sendable {
  /// Thirty-two bytes.
  public let bytes: [UInt8]
  /// Nil unless there are thirty-two bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }
  /// The public key of a private key (RFC 7748 §6.1).
  public init(of privateKey: Key32) { bytes = X25519.publicKey(of: privateKey) }
}

/// A device's configuration as a difference: the words of the cross-platform interface's `set`, and of the kernel's
/// `WG_CMD_SET_DEVICE`. Nil leaves a value as it is. Changes apply in the order of their lines: device first.
public struct DeviceChange: Sendable {
  /// A new private key; the outer nil leaves the old one, the inner nil (all zeros on the wire) removes it.
  public var privateKey: Key32??
  /// The UDP port; 0 lets the kernel choose.
  public var listenPort: UInt16?
  /// The mark of the outer packets; 0 removes it.
  public var firewallMark: UInt32?
  /// Removes every peer before `peers` is applied.
  public var replacesPeers = false
  /// Changes of peers, in their order.
  public var peers: [PeerChange] = []

  /// Changes nothing.
  public init() {}
}

/// One peer's part of a `DeviceChange`.
public struct PeerChange: Sendable {
  /// Whose part it is.
  public var publicKey: PublicKey
  /// Removes the peer; nothing else of the change counts.
  public var removes = false
  /// Does nothing when there is no such peer.
  public var updatesOnly = false
  /// All zeros mean none.
  public var presharedKey: Key32?
  /// Where the peer is from now on.
  public var endpoint: Endpoint?
  /// Seconds; 0 turns it off.
  public var keepaliveSeconds: UInt16?
  /// Removes every range of the peer before `allowedAddresses` is applied.
  public var replacesAllowedAddresses = false
  /// Ranges that come and go, in their order.
  public var allowedAddresses: [AllowedAddressChange] = []

  /// Makes the peer, or changes nothing of it.
  public init(_ publicKey: PublicKey) { self.publicKey = publicKey }
}

/// One range that is given to a peer or taken from it.
public struct AllowedAddressChange: Hashable, Sendable {
  /// The range.
  public var prefix: Prefix
  /// Takes the range from this peer, if it has it; another peer's is left alone.
  public var removes: Bool

  /// A range that is given, unless it is taken.
  public init(_ prefix: Prefix, removes: Bool = false) {
    self.prefix = prefix
    self.removes = removes
  }
}

/// A device as it is: the words of `get`, and of `WG_CMD_GET_DEVICE`.
public struct DeviceState: Sendable {
  /// Nil where none is set.
  public var privateKey: Key32?
  /// That of the private key.
  public var publicKey: PublicKey?
  /// The UDP port in use.
  public var listenPort: UInt16
  /// The mark of the outer packets; 0 for none.
  public var firewallMark: UInt32
  /// In the order in which they were made.
  public var peers: [PeerState]

  /// A device of its parts.
  public init(
    privateKey: Key32?, publicKey: PublicKey?, listenPort: UInt16, firewallMark: UInt32, peers: [PeerState]
  ) {
    self.privateKey = privateKey
    self.publicKey = publicKey
    self.listenPort = listenPort
    self.firewallMark = firewallMark
    self.peers = peers
  }
}

/// One peer's part of a `DeviceState`.
public struct PeerState: Sendable {
  /// Whose state it is.
  public var publicKey: PublicKey
  /// Nil where none is set.
  public var presharedKey: Key32?
  /// Where it was seen last; nil before it was seen anywhere.
  public var endpoint: Endpoint?
  /// Seconds; 0 where it is off.
  public var keepaliveSeconds: UInt16
  /// Seconds and nanoseconds since 1970 of the last handshake; both 0 before the first.
  public var lastHandshake: (seconds: Int64, nanoseconds: Int64)
  /// Bytes on the wire.
  public var receivedBytes: UInt64
  /// Bytes on the wire.
  public var sentBytes: UInt64
  /// In a stable order.
  public var allowedAddresses: [Prefix]

  /// A peer of its parts.
  public init(
    publicKey: PublicKey, presharedKey: Key32? = nil, endpoint: Endpoint? = nil, keepaliveSeconds: UInt16 = 0,
    lastHandshake: (seconds: Int64, nanoseconds: Int64) = (0, 0), receivedBytes: UInt64 = 0, sentBytes: UInt64 = 0,
    allowedAddresses: [Prefix] = []
  ) {
    self.publicKey = publicKey
    self.presharedKey = presharedKey
    self.endpoint = endpoint
    self.keepaliveSeconds = keepaliveSeconds
    self.lastHandshake = lastHandshake
    self.receivedBytes = receivedBytes
    self.sentBytes = sentBytes
    self.allowedAddresses = allowedAddresses
  }
}

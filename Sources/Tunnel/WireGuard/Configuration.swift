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
}

/// A device's configuration as a difference: the words of the cross-platform interface's `set`, and of the kernel's
/// `WG_CMD_SET_DEVICE`. Nil leaves a value as it is. Changes apply in the order of their lines: device first.
public struct DeviceChange: Sendable {
  /// A new private key; the outer nil leaves the old one, the inner nil (all zeros on the wire) removes it.
  public var privateKey: Key32??
  public var listenPort: UInt16?
  /// The mark of the outer packets; 0 removes it.
  public var firewallMark: UInt32?
  /// Removes every peer before `peers` is applied.
  public var replacesPeers = false
  public var peers: [PeerChange] = []

  public init() {}
}

/// One peer's part of a `DeviceChange`.
public struct PeerChange: Sendable {
  public var publicKey: PublicKey
  /// Removes the peer; nothing else of the change counts.
  public var removes = false
  /// Does nothing when there is no such peer.
  public var updatesOnly = false
  /// All zeros mean none.
  public var presharedKey: Key32?
  public var endpoint: Endpoint?
  /// Seconds; 0 turns it off.
  public var keepaliveSeconds: UInt16?
  /// Removes every range of the peer before `allowedAddresses` is applied.
  public var replacesAllowedAddresses = false
  public var allowedAddresses: [AllowedAddressChange] = []

  public init(_ publicKey: PublicKey) { self.publicKey = publicKey }
}

/// One range that is given to a peer or taken from it.
public struct AllowedAddressChange: Hashable, Sendable {
  public var prefix: Prefix
  /// Takes the range from this peer, if it has it; another peer's is left alone.
  public var removes: Bool

  public init(_ prefix: Prefix, removes: Bool = false) {
    self.prefix = prefix
    self.removes = removes
  }
}

/// A device as it is: the words of `get`, and of `WG_CMD_GET_DEVICE`.
public struct DeviceState: Sendable {
  public var privateKey: Key32?
  public var publicKey: PublicKey?
  public var listenPort: UInt16
  public var firewallMark: UInt32
  public var peers: [PeerState]

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
  public var publicKey: PublicKey
  /// Nil where none is set.
  public var presharedKey: Key32?
  public var endpoint: Endpoint?
  /// Seconds; 0 where it is off.
  public var keepaliveSeconds: UInt16
  /// Seconds and nanoseconds since 1970 of the last handshake; both 0 before the first.
  public var lastHandshake: (seconds: Int64, nanoseconds: Int64)
  /// Bytes on the wire.
  public var receivedBytes: UInt64
  public var sentBytes: UInt64
  /// In a stable order.
  public var allowedAddresses: [Prefix]

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

public import Cryptography
public import Diagnostics
public import NetworkTypes

/// The name of a node: not empty, without white space at its ends (P1-7).
public struct NodeName: Hashable, Sendable, CustomStringConvertible {
  /// The trimmed name.
  public let description: String

  /// Trims white space; throws `tunnel.node-name` when nothing is left.
  public init(_ text: String) throws(Problem) {
    let isSpace = { (character: Character) in character.isWhitespace }
    let trimmed = text.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
    guard !trimmed.isEmpty else { throw .malformed("tunnel.node-name", "a node's name is empty", source: "P1-7") }
    description = String(trimmed)
  }
}

/// A peer's public key: thirty-two bytes.
public struct PeerKey: Hashable, Sendable, Comparable {
  /// The length of every key of a tunnel, in bytes.
  public static let length = 32
  /// The bytes.
  public let bytes: [UInt8]

  /// Throws `tunnel.key-length` unless there are thirty-two bytes.
  public init(_ bytes: [UInt8]) throws(Problem) {
    guard bytes.count == Self.length else {
      throw .malformed("tunnel.key-length", "a key has \(Self.length) bytes, not \(bytes.count)", source: "P1-8")
    }
    self.bytes = bytes
  }

  /// By bytes.
  public static func < (left: PeerKey, right: PeerKey) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// What a device needs to come up (P1-8).
public struct TunnelContext: Sendable {
  /// This node.
  public var localNode: NodeName
  /// The interface's name, 1 to 15 bytes.
  public var interface: String
  /// The node's secret key.
  public var privateKey: Key32
  /// The UDP port; 0 lets the kernel choose.
  public var listenPort: UInt16
  /// The addresses of this node inside the tunnel, each with the length of its mesh.
  public var addresses: [(address: IPAddress, length: Int)]
  /// The largest inner packet in bytes; 576 to 65,535, at least 1,280 when IPv6 is used (RFC 8200, 5).
  public var mtu: Int
  /// The mark of the tunnel's own packets; 0 for none.
  public var firewallMark: UInt32

  /// Made of its parts.
  public init(
    localNode: NodeName, interface: String, privateKey: Key32, listenPort: UInt16,
    addresses: [(address: IPAddress, length: Int)], mtu: Int, firewallMark: UInt32 = 0
  ) {
    self.localNode = localNode
    self.interface = interface
    self.privateKey = privateKey
    self.listenPort = listenPort
    self.addresses = addresses
    self.mtu = mtu
    self.firewallMark = firewallMark
  }
}

/// One peer as it shall be (P1-8).
public struct TunnelPeer: Sendable {
  /// Whose it is.
  public var node: NodeName
  /// Its key, which is its identity in the device.
  public var publicKey: PeerKey
  /// A second key, for the day when the first kind is broken.
  public var presharedKey: Key32?
  /// Where it was seen last; nil while only it can begin.
  public var endpoint: Endpoint?
  /// What it may send from and what is sent to it.
  public var allowedAddresses: [Prefix]
  /// Seconds between keepalives; 0 for none.
  public var keepaliveSeconds: UInt16

  /// Made of its parts.
  public init(
    node: NodeName, publicKey: PeerKey, presharedKey: Key32? = nil, endpoint: Endpoint? = nil,
    allowedAddresses: [Prefix], keepaliveSeconds: UInt16 = 0
  ) {
    self.node = node
    self.publicKey = publicKey
    self.presharedKey = presharedKey
    self.endpoint = endpoint
    self.allowedAddresses = allowedAddresses
    self.keepaliveSeconds = keepaliveSeconds
  }
}

/// Peers to add or to change, and peers to remove; a peer in both is replaced anew.
public struct PeerDifference: Sendable {
  /// Added, or changed in place without losing the session.
  public var configured: [TunnelPeer]
  /// Removed, if they are there.
  public var removed: [PeerKey]

  /// Made of its parts.
  public init(configured: [TunnelPeer] = [], removed: [PeerKey] = []) {
    self.configured = configured
    self.removed = removed
  }
}

/// A route into the tunnel (P1-8).
public struct TunnelRoute: Hashable, Sendable {
  /// Why the route is there.
  public enum Kind: String, Sendable { case mesh, exitLAN = "exit-lan", exitDefault = "exit-default" }

  /// What is routed.
  public var destination: Prefix
  /// The peer behind which it lies; it must be configured.
  public var via: PeerKey
  /// Why.
  public var kind: Kind

  /// Made of its parts.
  public init(destination: Prefix, via: PeerKey, kind: Kind) {
    self.destination = destination
    self.via = via
    self.kind = kind
  }
}

/// Whether everything goes through an exit (P1-8).
public enum ExitMode: Hashable, Sendable {
  case off
  /// Everything through this peer, which must be configured.
  case fullTunnel(PeerKey)
}

/// Counters of a device and its peers.
public struct TunnelStatistics: Sendable {
  /// One peer's share.
  public struct Peer: Sendable {
    /// Whose share it is.
    public var publicKey: PeerKey
    /// Where it is now.
    public var endpoint: Endpoint?
    /// Bytes on the wire, both ways, keepalives and handshakes included.
    public var receivedBytes: UInt64
    /// Bytes on the wire that were sent; keepalives and handshakes included.
    public var sentBytes: UInt64
    /// Seconds since 1970 of the last completed key exchange; nil before the first.
    public var lastHandshake: Int64?

    /// Made of its parts.
    public init(
      publicKey: PeerKey, endpoint: Endpoint?, receivedBytes: UInt64, sentBytes: UInt64, lastHandshake: Int64?
    ) {
      self.publicKey = publicKey
      self.endpoint = endpoint
      self.receivedBytes = receivedBytes
      self.sentBytes = sentBytes
      self.lastHandshake = lastHandshake
    }
  }

  /// By key.
  public var peers: [Peer]
  /// Events that were dropped because nobody took them.
  public var lostEvents: UInt64
  /// Packets that were dropped, by reason, in a stable order.
  public var drops: [(reason: String, count: UInt64)]

  /// Made of its parts.
  public init(peers: [Peer], lostEvents: UInt64 = 0, drops: [(reason: String, count: UInt64)] = []) {
    self.peers = peers
    self.lostEvents = lostEvents
    self.drops = drops
  }

  /// How many peers the device has.
  public var peerCount: Int { peers.count }
  /// Bytes on the wire that were received, from all peers.
  public var receivedBytes: UInt64 { peers.reduce(0) { $0 &+ $1.receivedBytes } }
  /// Bytes on the wire that were sent, to all peers.
  public var sentBytes: UInt64 { peers.reduce(0) { $0 &+ $1.sentBytes } }
}

/// What happened in a device.
public enum TunnelEvent: Hashable, Sendable {
  /// A key exchange ended well.
  case connected(PeerKey)
  /// A peer was seen at another place.
  case moved(PeerKey, Endpoint)
  /// A peer did not answer for as long as the protocol waits.
  case unreachable(PeerKey)
  /// The device went away under us.
  case deviceLost
}

/// The problems that every backend throws (P1-6), each with one stable code.
public enum TunnelProblem {
  /// A second start (P1-4).
  public static let alreadyRunning = Problem.refused(
    "tunnel.already-running", "the tunnel runs already", source: "P1-4")
  /// A verb before the start, or after the shutdown (P1-4).
  public static let notRunning = Problem.refused("tunnel.not-running", "the tunnel does not run", source: "P1-4")

  /// A capability that the backend does not have (P1-3).
  public static func unsupported(_ capability: String, by backend: String) -> Problem {
    .refused("tunnel.unsupported", "the \(backend) tunnel has no \(capability)", source: "P1-3")
  }

  /// A value that no backend takes.
  public static func invalidInput(_ message: String, place: String? = nil) -> Problem {
    .malformed("tunnel.invalid-input", message, place: place, source: "P1-6")
  }

  /// The system refused, or the device is in a state that should not be.
  public static func `internal`(_ message: String, place: String? = nil) -> Problem {
    .couldNotRun("tunnel.internal", message, place: place)
  }
}

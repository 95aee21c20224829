import Diagnostics
import LinuxKit
import NetlinkKit
import NetworkTypes
import TunnelBackend
import WireGuard

/// What happened to a device, as far as it can be seen from outside: the end of its link is told by the kernel, everything
/// else is the difference between two looks at its peers.
struct EventLog {
  /// How many events wait at most.
  static let capacity = 1024
  /// Seconds without an answer after which a peer counts as unreachable (whitepaper, 6.4: REKEY_ATTEMPT_TIME).
  static let patience = 90.0

  /// What was seen of a peer last.
  private struct Seen {
    var handshake: (seconds: Int64, nanoseconds: Int64)
    var endpoint: Endpoint?
    var received: UInt64
    var sent: UInt64
    /// Since when we send and nothing comes.
    var waitingSince: Double?
    var isTold = false
  }

  private let network: NetworkEvents
  private var index: UInt32 = 0
  private var seen: [PublicKey: Seen] = [:]
  private var isLost = false
  /// Events that were dropped because nobody took them.
  private(set) var lost: UInt64 = 0

  /// Begins to listen to the kernel.
  init() throws(Problem) { network = try NetworkEvents([.links]) }

  /// The link to look after.
  mutating func begin(index: UInt32) { self.index = index }

  /// What happened since the last call.
  mutating func take(from device: any TunnelDevice, over routes: RouteSocket) throws(Problem) -> [TunnelEvent] {
    var isGone = !device.isAlive
    for event in try network.take() {
      switch event {
      case .linkGone(let link) where link.index == index: isGone = true
      // The kernel dropped some: look.
      case .lost: if try routes.link(index: index) == nil { isGone = true }
      default: break
      }
    }
    if isGone || isLost {
      defer { isLost = true }
      return isLost ? [] : [.deviceLost]
    }
    let events = look(at: try device.state().peers, now: Host.monotonicSeconds())
    lost += UInt64(max(0, events.count - Self.capacity))
    return Array(events.suffix(Self.capacity))
  }

  /// The differences to the last look, by peer in the device's order.
  private mutating func look(at peers: [PeerState], now: Double) -> [TunnelEvent] {
    var events: [TunnelEvent] = []
    var next: [PublicKey: Seen] = [:]
    for peer in peers {
      guard let key = try? PeerKey(peer.publicKey.bytes) else { continue }
      var new = Seen(
        handshake: peer.lastHandshake, endpoint: peer.endpoint, received: peer.receivedBytes, sent: peer.sentBytes)
      let old = seen[peer.publicKey]
      if peer.lastHandshake != (0, 0), old == nil || old?.handshake ?? (0, 0) != peer.lastHandshake {
        events.append(.connected(key))
      }
      if let endpoint = peer.endpoint, let before = old?.endpoint, before != endpoint {
        events.append(.moved(key, endpoint))
      }
      if let old, old.received == new.received {
        new.isTold = old.isTold
        new.waitingSince = old.waitingSince ?? (new.sent > old.sent ? now : nil)
        if let since = new.waitingSince, now - since >= Self.patience, !new.isTold {
          events.append(.unreachable(key))
          new.isTold = true
        }
      }
      next[peer.publicKey] = new
    }
    seen = next
    return events
  }
}

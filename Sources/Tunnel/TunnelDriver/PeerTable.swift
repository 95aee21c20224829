import Cryptography
import NetworkTypes
import TunnelBackend
import WireGuard

/// What a tunnel was told: peers in the order in which they came, routes, and the exit. A value, so that a change that
/// was refused is one that was never assigned.
struct PeerTable {
  private(set) var order: [PeerKey] = []
  private(set) var peers: [PeerKey: TunnelPeer] = [:]
  var routes: [TunnelRoute] = []
  var exit = ExitMode.off

  /// All zeros, which a device reads as “none”. Safe: nothing is written into memory that is zero already.
  private static let noKey = unsafe Key32 { _ in }

  /// Everything, of both families.
  static let everything = [
    Prefix(masking: .v4(0), length: 0), Prefix(masking: .v6(0), length: 0),
  ].compactMap { $0 }

  /// The table after a difference. A range that a configured peer takes is taken from the peer that had it.
  func applying(_ difference: PeerDifference) -> PeerTable {
    var table = self
    let removed = Set(difference.removed)
    table.order.removeAll { removed.contains($0) }
    for key in removed { table.peers[key] = nil }
    var taken: [Prefix: PeerKey] = [:]
    for peer in difference.configured {
      if table.peers[peer.publicKey] == nil { table.order.append(peer.publicKey) }
      table.peers[peer.publicKey] = peer
      for range in peer.allowedAddresses { taken[range] = peer.publicKey }
    }
    guard !taken.isEmpty else { return table }
    for key in table.order {
      table.peers[key]?.allowedAddresses.removeAll { range in taken[range].map { $0 != key } ?? false }
    }
    return table
  }

  /// Which ranges each peer has in the device: its own, those of the routes behind it, and everything for the exit.
  ///
  /// What is routed to a peer is accepted from it, or no answer would come. A range has one peer: a route outranks what a
  /// peer was given, and the exit outranks both.
  func ranges() -> [PeerKey: Set<Prefix>] {
    var owners: [Prefix: PeerKey] = [:]
    for key in order { for range in peers[key]?.allowedAddresses ?? [] { owners[range] = key } }
    for route in routes where peers[route.via] != nil && (route.kind != .exitDefault || exit != .off) {
      owners[route.destination] = route.via
    }
    if case .fullTunnel(let key) = exit, peers[key] != nil {
      for range in Self.everything { owners[range] = key }
    }
    var ranges: [PeerKey: Set<Prefix>] = [:]
    for (range, key) in owners { ranges[key, default: []].insert(range) }
    return ranges
  }

  /// How a device that is as this table says becomes as another says.
  enum Manner {
    /// As little as possible is changed; single ranges are taken away.
    case least
    /// As little as possible, with the means of every device: a peer that loses a range gets all of its ranges anew.
    case withoutRemoval
    /// Everything about each peer that differs, whatever the device has made of an earlier change.
    case complete
  }

  /// The changes from this table to another, in a stable order; peers in `anew` lose their sessions.
  func changes(to other: PeerTable, anew: Set<PeerKey> = [], manner: Manner = .least) -> [PeerChange] {
    let before = ranges()
    let after = other.ranges()
    var changes: [PeerChange] = []
    for key in order where other.peers[key] == nil || anew.contains(key) {
      guard var change = PublicKey(key.bytes).map({ PeerChange($0) }) else { continue }
      change.removes = true
      changes.append(change)
    }
    for key in other.order {
      guard let peer = other.peers[key], let publicKey = PublicKey(key.bytes) else { continue }
      let new = after[key] ?? []
      if let old = peers[key], !anew.contains(key) {
        let change = Self.change(
          PeerChange(publicKey), from: (old, before[key] ?? []), to: (peer, new), manner: manner)
        if let change { changes.append(change) }
      } else {
        changes.append(Self.complete(PeerChange(publicKey), peer, new))
      }
    }
    return changes
  }

  private static func complete(_ empty: PeerChange, _ peer: TunnelPeer, _ ranges: Set<Prefix>) -> PeerChange {
    var change = empty
    change.presharedKey = peer.presharedKey ?? noKey
    change.endpoint = peer.endpoint
    change.keepaliveSeconds = peer.keepaliveSeconds
    change.replacesAllowedAddresses = true
    change.allowedAddresses = ranges.sorted().map { AllowedAddressChange($0) }
    return change
  }

  /// Nil when nothing is different.
  private static func change(
    _ empty: PeerChange, from old: (peer: TunnelPeer, ranges: Set<Prefix>),
    to new: (peer: TunnelPeer, ranges: Set<Prefix>), manner: Manner
  ) -> PeerChange? {
    var change = empty
    var isDifferent = false
    if !(old.peer.presharedKey ?? noKey).isEqual(to: new.peer.presharedKey ?? noKey) {
      change.presharedKey = new.peer.presharedKey ?? noKey
      isDifferent = true
    }
    // A peer that moved keeps its new place unless it was told another one.
    if let endpoint = new.peer.endpoint, endpoint != old.peer.endpoint {
      change.endpoint = endpoint
      isDifferent = true
    }
    if old.peer.keepaliveSeconds != new.peer.keepaliveSeconds {
      change.keepaliveSeconds = new.peer.keepaliveSeconds
      isDifferent = true
    }
    isDifferent = isDifferent || old.ranges != new.ranges
    guard isDifferent else { return nil }
    if manner == .complete { return complete(empty, new.peer, new.ranges) }
    change.updatesOnly = true
    let lost = old.ranges.subtracting(new.ranges)
    if manner == .withoutRemoval, !lost.isEmpty {
      change.replacesAllowedAddresses = true
      change.allowedAddresses = new.ranges.sorted().map { AllowedAddressChange($0) }
    } else {
      change.allowedAddresses =
        lost.sorted().map { AllowedAddressChange($0, removes: true) }
        + new.ranges.subtracting(old.ranges).sorted().map { AllowedAddressChange($0) }
    }
    return change
  }
}

import Cryptography
import Diagnostics
import NetworkTypes

/// What one case works with: two nodes, their keys, and ways to demand things.
final class ConformanceRun {
  let lab: any ConformanceLab
  let a: any ConformanceNode
  let b: any ConformanceNode
  let keysA: (secret: Key32, public: PeerKey)
  let keysB: (secret: Key32, public: PeerKey)
  /// In which manner it passed, where there is more than one.
  private(set) var notes: [String] = []

  init(_ lab: any ConformanceLab) throws(Problem) {
    self.lab = lab
    (a, b) = try lab.pair()
    keysA = try lab.keyPair()
    keysB = try lab.keyPair()
  }

  func end() {
    for node in [a, b] { try? node.backend.shutdown() }
  }

  func note(_ text: String) { notes.append(text) }

  // MARK: Addresses

  static let innerA = [IPAddress.v4(0x0a08_0001), .v6(0xfd08 << 112 | 1)]
  static let innerB = [IPAddress.v4(0x0a08_0002), .v6(0xfd08 << 112 | 2)]
  /// An address in a network behind b.
  static let behindB = IPAddress.v4(0xc000_0201)
  static let networkBehindB = Prefix(masking: .v4(0xc000_0200), length: 24).unsafelyKnown
  /// An address far away, which only an exit leads to.
  static let farAway = IPAddress.v4(0xc633_6401)
  static let portA: UInt16 = 51_101
  static let portB: UInt16 = 51_102

  /// What a node needs to come up; IPv6 only where the backend has it.
  func context(_ node: any ConformanceNode) throws(Problem) -> TunnelContext {
    let isA = node === a
    let addresses = (isA ? Self.innerA : Self.innerB).filter {
      $0.family == .v4 || node.backend.capabilities.contains(.ipv6)
    }
    return TunnelContext(
      localNode: try NodeName(isA ? "a" : "b"), interface: node.interface,
      privateKey: (isA ? keysA : keysB).secret, listenPort: isA ? Self.portA : Self.portB,
      addresses: addresses.map { ($0, $0.family == .v4 ? 24 : 64) }, mtu: 1408)
  }

  /// The other node as this one's peer.
  func peer(
    of node: any ConformanceNode, endpoint: Bool = true, outer: IPAddress.Family = .v4, presharedKey: Key32? = nil
  ) throws(Problem) -> TunnelPeer {
    let other = node === a ? b : a
    let addresses = (node === a ? Self.innerB : Self.innerA).filter {
      $0.family == .v4 || node.backend.capabilities.contains(.ipv6)
    }
    return TunnelPeer(
      node: try NodeName(node === a ? "b" : "a"), publicKey: (node === a ? keysB : keysA).public,
      presharedKey: presharedKey,
      endpoint: endpoint ? Endpoint(other.outerAddress(outer), port: node === a ? Self.portB : Self.portA) : nil,
      allowedAddresses: addresses.map { Prefix($0) })
  }

  /// Starts both and makes each the other's peer.
  func connect(outer: IPAddress.Family = .v4, presharedKey: Key32? = nil) throws(Problem) {
    for node in [a, b] {
      try node.backend.start(try context(node))
      try node.backend.apply(
        PeerDifference(configured: [try peer(of: node, outer: outer, presharedKey: presharedKey)]))
    }
  }

  // MARK: Demands

  /// Fails the case unless `condition` holds.
  func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(Problem) {
    guard condition else { throw .refused("conformance.failed", what()) }
  }

  /// Fails the case unless `body` throws exactly this problem.
  func require(
    _ code: String, from what: String, _ body: () throws(Problem) -> Void
  ) throws(Problem) {
    do throws(Problem) { try body() } catch {
      return try require(error.code == code, "\(what) is \(error.code), not \(code)")
    }
    throw .refused("conformance.failed", "\(what) is taken, and should be \(code)")
  }

  /// a's packets come to b's address inside the tunnel, within the time in which a lost handshake is tried again.
  func requireReach(_ what: String, family: Int = 0) throws(Problem) {
    for _ in 0..<12 where try a.reaches(Self.innerB[family], of: b, from: nil) { return }
    throw .refused("conformance.failed", "\(what): the other node is not reached")
  }

  func requireNoReach(_ what: String, family: Int = 0) throws(Problem) {
    try require(!(try a.reaches(Self.innerB[family], of: b, from: nil)), "\(what): the other node is reached")
  }

  /// A peer's part of the statistics.
  func statistics(_ node: any ConformanceNode) throws(Problem) -> TunnelStatistics.Peer {
    let key = (node === a ? keysB : keysA).public
    guard let peer = try node.backend.statistics().peers.first(where: { $0.publicKey == key }) else {
      throw .refused("conformance.failed", "the statistics have no such peer")
    }
    return peer
  }

  /// What happened on a node, until `event` did or two seconds have passed.
  func events(_ node: any ConformanceNode, until event: (TunnelEvent) -> Bool) throws(Problem) -> [TunnelEvent] {
    var all: [TunnelEvent] = []
    for _ in 0..<20 {
      all += try node.backend.takeEvents()
      if all.contains(where: event) { break }
      lab.wait(milliseconds: 100)
    }
    return all
  }
}

extension Optional {
  /// For constants of this file, which are right.
  fileprivate var unsafelyKnown: Wrapped {
    guard let self else { preconditionFailure("a constant is wrong") }
    return self
  }
}

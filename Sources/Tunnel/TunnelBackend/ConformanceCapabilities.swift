import Cryptography
import Diagnostics
import NetworkTypes

extension ConformanceSuite {
  static let capabilityCases = [
    ConformanceCase("capability.ipv6", "IPv6 is carried inside and outside, or refused", "P1-3") {
      (run) throws(Problem) in
      guard run.a.backend.capabilities.contains(.ipv6) else {
        var context = try run.context(run.a)
        context.addresses = ConformanceRun.innerA.map { ($0, $0.family == .v4 ? 24 : 64) }
        try run.require("tunnel.unsupported", from: "an IPv6 address") { () throws(Problem) in
          try run.a.backend.start(context)
        }
        return run.note("has no IPv6, and says so")
      }
      try run.connect(outer: .v6)
      try run.requireReach("IPv6 inside and outside", family: 1)
      try run.requireReach("IPv4 inside IPv6")
      let place = try run.statistics(run.a).endpoint?.address
      try run.require(place?.family == .v6, "the peer is not at an IPv6 address")
    },
    ConformanceCase("capability.preshared-key", "a preshared key must be the same on both sides", "P1-3") {
      (run) throws(Problem) in
      let (one, other) = (try run.lab.keyPair().secret, try run.lab.keyPair().secret)
      guard run.a.backend.capabilities.contains(.presharedKeys) else {
        try run.a.backend.start(try run.context(run.a))
        let peer = try run.peer(of: run.a, presharedKey: one)
        try run.require("tunnel.unsupported", from: "a preshared key") { () throws(Problem) in
          try run.a.backend.apply(PeerDifference(configured: [peer]))
        }
        try run.require(try run.a.backend.statistics().peerCount == 0, "it is refused, and yet there")
        return run.note("has no preshared keys, and says so")
      }
      try run.connect(presharedKey: one)
      try run.requireReach("the same key")
      for node in [run.a, run.b] {
        let key = node === run.a ? one : other
        try node.backend.apply(
          PeerDifference(
            configured: [try run.peer(of: node, presharedKey: key)],
            removed: [(node === run.a ? run.keysB : run.keysA).public]))
      }
      try run.requireNoReach("different keys")
    },
    ConformanceCase("capability.roaming", "a peer that moves is followed", "P1-3") { (run) throws(Problem) in
      guard run.a.backend.capabilities.contains(.roaming) else { return run.note("has no roaming") }
      try run.connect()
      try run.requireReach("before")
      let before = try run.statistics(run.b).endpoint
      _ = try run.b.backend.takeEvents()
      try run.a.move()
      try run.requireReach("after the move")
      // Some packets and some time may pass before the new place is known to everybody.
      var after = try run.statistics(run.b).endpoint
      for _ in 0..<20 where after == before {
        run.lab.wait(milliseconds: 25)
        _ = try run.a.reaches(ConformanceRun.innerB[0], of: run.b, from: nil)
        after = try run.statistics(run.b).endpoint
      }
      try run.require(after != before && after?.address == run.a.outerAddress(.v4), "it is not seen at its new place")
      let back = try run.b.reaches(ConformanceRun.innerA[0], of: run.a, from: nil)
      try run.require(back, "the way back does not follow")
      let moved = after.map { TunnelEvent.moved(run.keysA.public, $0) }
      let events = try run.events(run.b) { $0 == moved }
      try run.require(moved.map { events.contains($0) } ?? false, "no event says so")
    },
    ConformanceCase("capability.passive", "a peer without an endpoint is learnt when it begins", "P1-8") {
      (run) throws(Problem) in
      for node in [run.a, run.b] {
        try node.backend.start(try run.context(node))
        try node.backend.apply(PeerDifference(configured: [try run.peer(of: node, endpoint: node === run.a)]))
      }
      try run.require(try run.statistics(run.b).endpoint == nil, "it has an endpoint before")
      try run.requireReach("the one who knows the other begins")
      try run.require(
        try run.statistics(run.b).endpoint == Endpoint(run.a.outerAddress(.v4), port: ConformanceRun.portA),
        "the endpoint is not learnt")
    },
  ]

  static let observationCases = [
    ConformanceCase("observe.statistics", "statistics count what was carried, by peer and in order", "P1-2, P1-8") {
      (run) throws(Problem) in
      try run.connect()
      let others = [try run.lab.keyPair().public, try run.lab.keyPair().public]
      let node = try NodeName("c")
      try run.a.backend.apply(
        PeerDifference(configured: others.map { TunnelPeer(node: node, publicKey: $0, allowedAddresses: []) }))
      try run.requireReach("before")
      let first = try run.a.backend.statistics()
      try run.require(first.peers.map(\.publicKey) == first.peers.map(\.publicKey).sorted(), "they are in no order")
      try run.require(first.peerCount == 3, "\(first.peerCount) peers, not 3")
      try run.require(first.sentBytes > 0 && first.receivedBytes > 0, "nothing is counted")
      for other in first.peers where others.contains(other.publicKey) {
        try run.require(
          other.sentBytes == 0 && other.receivedBytes == 0 && other.lastHandshake == nil,
          "a peer that never was there is counted")
      }
      for _ in 0..<5 {
        try run.requireReach("traffic")
        _ = try run.b.reaches(ConformanceRun.innerA[0], of: run.a, from: nil)
      }
      let second = try run.a.backend.statistics()
      try run.require(
        second.sentBytes > first.sentBytes && second.receivedBytes > first.receivedBytes, "they stand still")
      try run.require(
        try run.statistics(run.a).lastHandshake ?? 0 > 1_700_000_000, "the time of the handshake is wrong")
    },
    ConformanceCase("observe.events", "a connection is an event, and each event is given once", "P1-2") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      let connected = TunnelEvent.connected(run.keysB.public)
      try run.require(try run.events(run.a) { $0 == connected }.contains(connected), "the connection is no event")
      let again = try run.a.backend.takeEvents()
      try run.require(!again.contains(connected), "it is given twice")
    },
    ConformanceCase("observe.device-lost", "a device that is taken away is told, and can be cleared away", "P1-6") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      try run.a.removeDevice()
      try run.require(!(try run.a.hasDevice()), "it is still there: nothing was shown")
      let events: [TunnelEvent]
      do throws(Problem) { events = try run.events(run.a) { $0 == .deviceLost } } catch {
        return try run.require(error.code == "tunnel.internal", "it is \(error.code)")
      }
      try run.require(events.contains(.deviceLost), "nothing is told")
      do throws(Problem) { try run.a.backend.shutdown() } catch {
        try run.require(error.code == "tunnel.internal", "shutdown is \(error.code)")
      }
      // Whatever it said, it is over, and another start is clean.
      try run.a.backend.start(try run.context(run.a))
      try run.a.backend.apply(PeerDifference(configured: [try run.peer(of: run.a)]))
      try run.requireReach("after the restart")
    },
  ]
}

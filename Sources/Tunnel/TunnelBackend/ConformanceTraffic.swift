import Cryptography
import Diagnostics
import NetworkTypes

extension ConformanceSuite {
  static let peerCases = [
    ConformanceCase("peers.connect", "peers that know each other reach each other, and only then", "P3-7, W1") {
      (run) throws(Problem) in
      for node in [run.a, run.b] { try node.backend.start(try run.context(node)) }
      try run.requireNoReach("without peers")
      for node in [run.a, run.b] { try node.backend.apply(PeerDifference(configured: [try run.peer(of: node)])) }
      try run.requireReach("with peers")
      let back = try run.b.reaches(ConformanceRun.innerA[0], of: run.a, from: nil)
      try run.require(back, "the way back does not reach")
    },
    ConformanceCase("peers.disconnect", "a peer that is removed is reached no more", "P3-7") { (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      try run.a.backend.apply(PeerDifference(removed: [run.keysB.public]))
      try run.require(try run.a.backend.statistics().peerCount == 0, "it is still in the statistics")
      try run.requireNoReach("after the removal")
      // A removal of who is not there is no fault; and it can be added again.
      try run.a.backend.apply(PeerDifference(removed: [run.keysB.public]))
      try run.a.backend.apply(PeerDifference(configured: [try run.peer(of: run.a)]))
      try run.requireReach("added again")
    },
    ConformanceCase("peers.wrong-key", "who holds another key is not let in", "P3-9") { (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      var stranger = try run.peer(of: run.b)
      stranger.publicKey = try run.lab.keyPair().public
      try run.b.backend.apply(PeerDifference(configured: [stranger], removed: [run.keysA.public]))
      try run.requireNoReach("with another key")
    },
    ConformanceCase("peers.update", "a peer is changed in place, without losing its session", "P3-7") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      let before = try run.statistics(run.a)
      var peer = try run.peer(of: run.a)
      peer.keepaliveSeconds = 25
      peer.allowedAddresses.append(ConformanceRun.networkBehindB)
      try run.a.backend.apply(PeerDifference(configured: [peer]))
      let after = try run.statistics(run.a)
      try run.require(after.sentBytes >= before.sentBytes && before.sentBytes > 0, "its counters began anew")
      try run.require(after.lastHandshake == before.lastHandshake && after.lastHandshake != nil, "its session is gone")
      try run.requireReach("after the change")
    },
    ConformanceCase("peers.replace", "a peer that is removed and configured at once begins anew", "P1-8") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      // A protocol may refuse two sessions in one moment.
      run.lab.wait(milliseconds: 100)
      try run.a.backend.apply(
        PeerDifference(configured: [try run.peer(of: run.a)], removed: [run.keysB.public]))
      let after = try run.statistics(run.a)
      try run.require(after.receivedBytes == 0 && after.lastHandshake == nil, "its session is still there")
      try run.requireReach("after the replacement")
    },
    ConformanceCase("peers.sources", "what a peer may not send from is dropped", "P1-8") { (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      // What b owns beside its address must not come out at a, although a would send the answer to b.
      try run.b.own(ConformanceRun.behindB)
      let reached = try run.b.reaches(ConformanceRun.innerA[0], of: run.a, from: ConformanceRun.behindB)
      try run.require(!reached, "a source that the peer does not have came through")
      var peer = try run.peer(of: run.a)
      peer.allowedAddresses.append(ConformanceRun.networkBehindB)
      try run.a.backend.apply(PeerDifference(configured: [peer]))
      try run.a.backend.replaceRoutes([
        TunnelRoute(destination: ConformanceRun.networkBehindB, via: run.keysB.public, kind: .mesh)
      ])
      let now = try run.b.reaches(ConformanceRun.innerA[0], of: run.a, from: ConformanceRun.behindB)
      try run.require(now, "a source that the peer has does not come through")
    },
  ]

  static let routeCases = [
    ConformanceCase("routes.replace", "a set of routes replaces the one before, exactly", "P1-5, P3-7") {
      (run) throws(Problem) in
      try run.connect()
      let ranges = try ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/28"].map { (text) throws(Problem) in
        try Prefix(text)
      }
      for chosen in [[0, 1], [1, 2], [2, 1], [1, 2], [0], []] {
        try run.a.backend.replaceRoutes(
          chosen.map { TunnelRoute(destination: ranges[$0], via: run.keysB.public, kind: .mesh) })
        let found = try run.a.routes()
        let wanted = Set(chosen.map { ranges[$0] })
        try run.require(
          found == wanted, "\(found.map(\.description).sorted()), not \(wanted.map(\.description).sorted())")
      }
      try run.requireReach("after the routes are gone")
    },
    ConformanceCase("routes.lan", "a network behind a peer is reached by its route, and not without", "P1-8") {
      (run) throws(Problem) in
      try run.connect()
      let route = TunnelRoute(destination: ConformanceRun.networkBehindB, via: run.keysB.public, kind: .exitLAN)
      guard run.a.backend.capabilities.contains(.lanRoutes) else {
        try run.require("tunnel.unsupported", from: "a route to a network") { () throws(Problem) in
          try run.a.backend.replaceRoutes([route])
        }
        try run.require(try run.a.routes().isEmpty, "it is refused, and yet there")
        return run.note("has no LAN routes, and says so")
      }
      try run.b.own(ConformanceRun.behindB)
      try run.requireReach("the peer itself")
      let before = try run.a.reaches(ConformanceRun.behindB, of: run.b, from: nil)
      try run.require(!before, "it is reached without a route")
      try run.a.backend.replaceRoutes([route])
      try run.require(try run.a.reaches(ConformanceRun.behindB, of: run.b, from: nil), "it is not reached by its route")
      try run.a.backend.replaceRoutes([])
      let after = try run.a.reaches(ConformanceRun.behindB, of: run.b, from: nil)
      try run.require(!after, "it is reached after its route is gone")
    },
    ConformanceCase("routes.exit", "everything goes through the exit, and no more when it is off", "P1-8") {
      (run) throws(Problem) in
      try run.connect()
      guard run.a.backend.capabilities.contains(.exitNodes) else {
        try run.require("tunnel.unsupported", from: "an exit") { () throws(Problem) in
          try run.a.backend.setExitMode(.fullTunnel(run.keysB.public))
        }
        try run.require(!(try run.a.routesEverything()), "it is refused, and yet on")
        return run.note("has no exit nodes, and says so")
      }
      try run.b.own(ConformanceRun.farAway)
      try run.requireReach("the peer itself")
      for _ in 0..<2 {
        let before = try run.a.reaches(ConformanceRun.farAway, of: run.b, from: nil)
        try run.require(!before, "the far address is reached without an exit")
        try run.a.backend.setExitMode(.fullTunnel(run.keysB.public))
        try run.require(try run.a.routesEverything(), "everything does not go through the device")
        let through = try run.a.reaches(ConformanceRun.farAway, of: run.b, from: nil)
        try run.require(through, "the far address is not reached through the exit")
        try run.requireReach("the peer itself, while it is the exit")
        try run.a.backend.setExitMode(.off)
        try run.require(!(try run.a.routesEverything()), "everything still goes through the device")
      }
    },
  ]
}

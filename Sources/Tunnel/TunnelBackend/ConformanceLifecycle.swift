import Diagnostics
import NetworkTypes

extension ConformanceSuite {
  /// Every verb but `start`, each as one call that would be right on a backend that runs.
  static func verbs(
    _ run: ConformanceRun
  ) throws(Problem) -> [(name: String, call: (any TunnelBackend) throws(Problem) -> Void)] {
    let peer = try run.peer(of: run.a)
    return [
      ("apply", { (one) throws(Problem) in try one.apply(PeerDifference(configured: [peer])) }),
      ("replaceRoutes", { (one) throws(Problem) in try one.replaceRoutes([]) }),
      ("setExitMode", { (one) throws(Problem) in try one.setExitMode(.off) }),
      ("statistics", { (one) throws(Problem) in _ = try one.statistics() }),
      ("takeEvents", { (one) throws(Problem) in _ = try one.takeEvents() }),
      ("shutdown", { (one) throws(Problem) in try one.shutdown() }),
    ]
  }

  static let lifecycleCases = [
    ConformanceCase("lifecycle.start", "start brings up a device without a peer or a route", "P1-4") {
      (run) throws(Problem) in
      try run.require(!(try run.a.hasDevice()), "there is a device before start")
      try run.a.backend.start(try run.context(run.a))
      try run.require(try run.a.hasDevice(), "there is no device after start")
      try run.require(try run.a.backend.statistics().peerCount == 0, "there are peers after start")
      try run.require(try run.a.routes().isEmpty, "there are routes after start")
      try run.require(!(try run.a.routesEverything()), "everything goes through the device after start")
    },
    ConformanceCase("lifecycle.identity", "name and capabilities are known before start and do not change", "P1-3") {
      (run) throws(Problem) in
      let backend = run.a.backend
      let (name, capabilities) = (backend.name, backend.capabilities)
      try run.require(!name.isEmpty, "the name is empty")
      try backend.start(try run.context(run.a))
      try run.require(backend.name == name && backend.capabilities == capabilities, "start changes them")
      try run.require(run.b.backend.name == name, "another instance has another name")
    },
    ConformanceCase("lifecycle.double-start", "a second start is refused and harms nothing", "P1-4") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      let context = try run.context(run.a)
      try run.require("tunnel.already-running", from: "a second start") { () throws(Problem) in
        try run.a.backend.start(context)
      }
      try run.require(try run.a.backend.statistics().peerCount == 1, "the second start took the peers away")
      try run.requireReach("after the second start")
    },
    ConformanceCase("lifecycle.before-start", "every verb before start is refused", "P1-4, P3-1") {
      (run) throws(Problem) in
      for verb in try verbs(run) {
        try run.require("tunnel.not-running", from: "\(verb.name) before start") { () throws(Problem) in
          try verb.call(run.a.backend)
        }
      }
      try run.require(!(try run.a.hasDevice()), "a refused verb made a device")
      // The control: after start each of them is taken.
      try run.a.backend.start(try run.context(run.a))
      for verb in try verbs(run) { try verb.call(run.a.backend) }
    },
    ConformanceCase("lifecycle.after-shutdown", "every verb after shutdown is refused", "P1-4") {
      (run) throws(Problem) in
      try run.connect()
      try run.a.backend.shutdown()
      for verb in try verbs(run) {
        try run.require("tunnel.not-running", from: "\(verb.name) after shutdown") { () throws(Problem) in
          try verb.call(run.a.backend)
        }
      }
    },
    ConformanceCase("lifecycle.teardown", "shutdown removes the device, its routes and its port", "P1-4") {
      (run) throws(Problem) in
      try run.connect()
      try run.a.backend.replaceRoutes(lanRoutes(run))
      try run.requireReach("before")
      try run.a.backend.shutdown()
      try run.require(!(try run.a.hasDevice()), "the device is left")
      try run.require(try run.a.routes().isEmpty, "routes are left")
      try run.requireNoReach("after shutdown")
    },
    ConformanceCase("lifecycle.restart", "after shutdown it starts anew, empty, and carries packets again", "P1-4") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      for node in [run.a, run.b] { try node.backend.shutdown() }
      for node in [run.a, run.b] {
        try node.backend.start(try run.context(node))
        let statistics = try node.backend.statistics()
        try run.require(statistics.peerCount == 0, "peers are left from the life before")
        try run.require(statistics.sentBytes == 0 && statistics.receivedBytes == 0, "counters are left")
        try run.require(try node.routes().isEmpty, "routes are left")
        try run.require(try node.backend.takeEvents().isEmpty, "events are left from the life before")
        try node.backend.apply(PeerDifference(configured: [try run.peer(of: node)]))
      }
      try run.requireReach("after the restart")
    },
    ConformanceCase("lifecycle.exit-reset", "shutdown sets the exit mode to off", "P1-4, P1-8") {
      (run) throws(Problem) in
      try run.connect()
      guard run.a.backend.capabilities.contains(.exitNodes) else { return run.note("has no exit nodes") }
      try run.a.backend.setExitMode(.fullTunnel(run.keysB.public))
      try run.require(try run.a.routesEverything(), "the exit mode changes nothing")
      try run.a.backend.shutdown()
      try run.require(!(try run.a.routesEverything()), "everything still goes through the device")
      try run.a.backend.start(try run.context(run.a))
      try run.a.backend.apply(PeerDifference(configured: [try run.peer(of: run.a)]))
      try run.require(!(try run.a.routesEverything()), "the exit mode is on after a new start")
      try run.requireReach("after the restart")
    },
  ]

  static func lanRoutes(_ run: ConformanceRun) -> [TunnelRoute] {
    guard run.a.backend.capabilities.contains(.lanRoutes) else { return [] }
    return [TunnelRoute(destination: ConformanceRun.networkBehindB, via: run.keysB.public, kind: .exitLAN)]
  }

  /// What start refuses: one value of a context is wrong.
  static let wrongContexts: [(name: String, change: @Sendable (inout TunnelContext) -> Void)] = [
    ("an empty interface name", { $0.interface = "" }),
    ("an interface name of 16 bytes", { $0.interface = "sixteen-bytes-xx" }),
    ("an interface name with a slash", { $0.interface = "a/b" }),
    ("an interface name with a space", { $0.interface = "a b" }),
    ("the interface name ..", { $0.interface = ".." }),
    ("an MTU of 575", { $0.mtu = 575 }),
    ("an MTU of 65536", { $0.mtu = 65_536 }),
    ("an address with a length of 33", { $0.addresses = [(.v4(0x0a08_0001), 33)] }),
    ("a negative length", { $0.addresses = [(.v4(0x0a08_0001), -1)] }),
  ]

  static let invalidInputCases = [
    ConformanceCase("input.context", "a context that is wrong is refused, and nothing comes up", "P1-6") {
      (run) throws(Problem) in
      for wrong in wrongContexts {
        var context = try run.context(run.a)
        wrong.change(&context)
        try run.require("tunnel.invalid-input", from: wrong.name) { () throws(Problem) in
          try run.a.backend.start(context)
        }
        try run.require(!(try run.a.hasDevice()), "\(wrong.name): there is a device")
      }
      if run.a.backend.capabilities.contains(.ipv6) {
        var context = try run.context(run.a)
        context.mtu = 1279
        try run.require("tunnel.invalid-input", from: "IPv6 with an MTU of 1279") { () throws(Problem) in
          try run.a.backend.start(context)
        }
      }
      // The control, and nothing of the refused ones is in the way.
      try run.a.backend.start(try run.context(run.a))
      try run.require(try run.a.hasDevice(), "there is no device after start")
    },
    ConformanceCase("input.peers", "a difference that is wrong is refused, all of it", "P1-6") {
      (run) throws(Problem) in
      try run.connect()
      try run.requireReach("before")
      let other = try run.lab.keyPair().public
      var good = try run.peer(of: run.a)
      good.publicKey = other
      good.allowedAddresses = []
      var own = good
      own.publicKey = run.keysA.public
      for (name, peers) in [("its own key", [good, own]), ("one key twice", [good, good])] {
        try run.require("tunnel.invalid-input", from: name) { () throws(Problem) in
          try run.a.backend.apply(PeerDifference(configured: peers, removed: [run.keysB.public]))
        }
        let keys = try run.a.backend.statistics().peers.map(\.publicKey)
        try run.require(keys == [run.keysB.public], "\(name): a part of it was applied")
      }
      try run.requireReach("after what was refused")
      try run.a.backend.apply(PeerDifference(configured: [good]))  // the control
      try run.require(try run.a.backend.statistics().peerCount == 2, "what is right is not taken")
    },
    ConformanceCase("input.routes", "routes and exits behind an unknown peer are refused", "P1-5, P1-6") {
      (run) throws(Problem) in
      try run.connect()
      let stranger = try run.lab.keyPair().public
      let before = try run.a.routes()
      try run.require("tunnel.invalid-input", from: "a route behind an unknown peer") { () throws(Problem) in
        try run.a.backend.replaceRoutes([
          TunnelRoute(destination: ConformanceRun.networkBehindB, via: stranger, kind: .mesh)
        ])
      }
      try run.require(try run.a.routes() == before, "a refused set changed the routes")
      guard run.a.backend.capabilities.contains(.exitNodes) else { return run.note("has no exit nodes") }
      try run.require("tunnel.invalid-input", from: "an exit that is no peer") { () throws(Problem) in
        try run.a.backend.setExitMode(.fullTunnel(stranger))
      }
      try run.require(!(try run.a.routesEverything()), "a refused exit is on")
    },
  ]
}

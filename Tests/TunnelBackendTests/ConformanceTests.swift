import Testing
import TunnelBackend

@Suite struct ConformanceTests {
  @Test func aBackendThatKeepsTheContractPasses() {
    let results = ConformanceSuite.run(in: MemoryWorld())
    #expect(results.count == ConformanceSuite.cases.count && results.count > 20)
    for one in results where one.outcome != .passed { Issue.record("\(one.id): \(one.detail)") }
  }

  /// A backend that cannot do something and says so passes too.
  @Test(arguments: [Capabilities.roaming, .exitNodes, .lanRoutes, .ipv6, .presharedKeys])
  func oneWithoutACapabilityPasses(_ missing: Capabilities) {
    let world = MemoryWorld(capabilities: MemoryWorld.everyCapability.subtracting(missing))
    for one in ConformanceSuite.run(in: world) where one.outcome != .passed { Issue.record("\(one.id): \(one.detail)") }
  }

  /// And one that takes what it cannot do is caught.
  @Test(arguments: [
    (Capabilities.exitNodes, Fault.ignoresExit), (.lanRoutes, .ignoresRoutes), (.presharedKeys, .ignoresPresharedKey),
    (.ipv6, .takesAnyContext),
  ])
  func oneThatDegradesInSilenceIsCaught(_ missing: Capabilities, _ fault: Fault) {
    let world = MemoryWorld(capabilities: MemoryWorld.everyCapability.subtracting(missing), faults: [fault])
    #expect(ConformanceSuite.run(in: world).contains { $0.outcome == .failed })
  }

  @Test(arguments: Fault.allCases)
  func aBackendThatBreaksOneRuleIsCaught(_ fault: Fault) {
    let results = ConformanceSuite.run(in: MemoryWorld(faults: [fault]))
    #expect(results.contains { $0.outcome == .failed }, "nobody saw \(fault)")
  }

  @Test func idsAreUniqueAndCanBeSelected() {
    #expect(Set(ConformanceSuite.cases.map(\.id)).count == ConformanceSuite.cases.count)
    let chosen = ConformanceSuite.run(in: MemoryWorld(), selection: ["lifecycle."])
    #expect(!chosen.isEmpty && chosen.allSatisfy { $0.id.hasPrefix("lifecycle.") })
  }
}

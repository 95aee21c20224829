import Cryptography
import Diagnostics
import NetworkTypes
import TunnelBackend

/// A rule of the contract that a backend of a test breaks.
enum Fault: String, CaseIterable {
  case startsTwice, startTakesPeersAway, worksBeforeStart, worksAfterShutdown, shutdownKeepsDevice, shutdownKeepsRoutes
  case shutdownKeepsPeers, shutdownKeepsCounters, shutdownKeepsExit, shutdownKeepsEvents, takesAnyContext
  case refusedStartLeavesDevice
  case takesOwnKey, takesKeyTwice, appliesHalf, mergesRoutes, takesUnknownVia, takesUnknownExit, ignoresRemoval
  case updateLosesSession, replaceKeepsSession, takesAnySource, takesAnyKey, ignoresPresharedKey, ignoresRoutes
  case ignoresExit, exitStaysOn, refusesToRoam, roamsInSilence, neverLearns, countsNothing, countsForOthers
  case mixesOrder, repeatsEvents, noEvents, hidesLoss, noDevice, changesName, carriesWithoutPeers
}

/// What the nodes of a test share: who is where. Packets do not exist here; whether one would arrive is computed.
final class MemoryWorld: ConformanceLab {
  let capabilities: Capabilities
  let faults: Set<Fault>
  private(set) var nodes: [MemoryNode] = []
  private var count: UInt8 = 0

  init(capabilities: Capabilities = everyCapability, faults: Set<Fault> = []) {
    self.capabilities = capabilities
    self.faults = faults
  }

  static let everyCapability: Capabilities = [.roaming, .exitNodes, .lanRoutes, .ipv6, .presharedKeys]

  func pair() throws(Problem) -> (any ConformanceNode, any ConformanceNode) {
    nodes = [MemoryNode(world: self, number: 1), MemoryNode(world: self, number: 2)]
    return (nodes[0], nodes[1])
  }

  /// Here the public key has the bytes of the secret one.
  func keyPair() throws(Problem) -> (secret: Key32, public: PeerKey) {
    count += 1
    let bytes = [UInt8](repeating: count, count: 32)
    guard let secret = Key32(bytes) else { throw .malformed("lab.key", "a key of the test is wrong") }
    return (secret, try PeerKey(bytes))
  }

  func wait(milliseconds: Int) {}
}

/// A node of a test.
final class MemoryNode: ConformanceNode {
  let world: MemoryWorld
  let number: Int
  let memory: MemoryBackend
  var backend: any TunnelBackend { memory }
  var interface: String { "memory\(number)" }
  private var place: UInt32
  var owned: Set<IPAddress> = []

  init(world: MemoryWorld, number: Int) {
    self.world = world
    self.number = number
    place = 0x0a09_0000 | UInt32(number)
    memory = MemoryBackend(capabilities: world.capabilities, faults: world.faults)
  }

  func outerAddress(_ family: IPAddress.Family) -> IPAddress {
    family == .v4 ? .v4(place) : .v6(0xfd09 << 112 | UInt128(place))
  }
  func move() { place += 64 }
  func own(_ address: IPAddress) { owned.insert(address) }
  func hasDevice() -> Bool { memory.hasDevice }
  func routes() -> Set<Prefix> { Set(memory.routes.map(\.destination)) }
  func routesEverything() -> Bool { memory.exit != .off }
  func removeDevice() { memory.loseDevice() }

  func reaches(_ address: IPAddress, of other: any ConformanceNode, from source: IPAddress?) -> Bool {
    guard let other = world.nodes.first(where: { $0 === other }) else { return false }
    let from = source ?? memory.context?.addresses.first { $0.address.family == address.family }?.address
    guard let from, memory.hasDevice, other.memory.hasDevice, memory.context != nil, other.memory.context != nil else {
      return false
    }
    if memory.faults.contains(.carriesWithoutPeers) { return true }
    guard source.map({ owned.contains($0) }) ?? true, other.isHere(address), memory.sends(to: address, other.memory),
      other.memory.takes(from: from, memory), memory.agrees(with: other.memory)
    else { return false }
    memory.carried(other, at: other.outerAddress, isFirst: true)
    return other.memory.carried(self, at: outerAddress, isFirst: false)
  }

  private func isHere(_ address: IPAddress) -> Bool {
    owned.contains(address) || memory.context?.addresses.contains { $0.address == address } ?? false
  }
}

// Devices in memory, with a clock that only a test moves and a packet path of a few lines.
import Cryptography
import NetworkTypes
import Testing

@testable import WireGuard

/// A message on its way.
struct Flight {
  var message: [UInt8]
  var from: Endpoint
  var to: Endpoint
}

/// Numbers that look random and are the same in each run.
final class Sequence64 {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }
  func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// A device with the smallest packet path there can be: it moves numbers instead of packets.
final class Node {
  let device: Device
  let key: Key32
  var place: Endpoint
  var isUnderLoad = false

  // What the effects said.
  var sessions: [UInt32: TransportKeys] = [:]
  var current: [PeerSlot: UInt32] = [:]
  var places: [PeerSlot: Endpoint] = [:]
  var slots: [PublicKey: PeerSlot] = [:]
  var events: [String] = []
  var sentMessages = 0
  var unstuck = 0

  // What the packet path counts.
  var activity: [PeerSlot: PeerActivity] = [:]
  var staged: [PeerSlot: Int] = [:]
  var received = 0
  var keepalives = 0

  init(_ seed: UInt64, at place: String, prepare: (Sequence64) -> Void = { _ in }) throws {
    let numbers = Sequence64(seed)
    key = X25519.clamped(try #require(Key32(numbers.bytes(32))))
    device = Device(randomness: numbers.bytes)
    self.place = try Endpoint(place)
    var change = DeviceChange()
    change.privateKey = .some(.some(key))
    device.apply(change, at: Moment(nanoseconds: 1))
  }

  var publicKey: PublicKey { PublicKey(X25519.publicKey(of: key))! }
  var slot: PeerSlot { PeerSlot(index: 0) }
}

/// Two nodes or more and what is between them.
final class World {
  var nodes: [Node]
  var now = Moment(nanoseconds: 1_000_000_000_000)
  var wall = WallTime(seconds: 1_700_000_000)
  /// What may pass; everything by default.
  var passes: (Flight) -> Bool = { _ in true }
  /// Every handshake message that was sent.
  var log: [Flight] = []

  init(_ nodes: [Node]) { self.nodes = nodes }

  /// Two nodes that know each other; `b` knows `a`'s place only when told.
  static func pair(presharedKey: Key32? = nil, knowsBack: Bool = false, keepalive: UInt16? = nil) throws -> World {
    let a = try Node(1, at: "192.0.2.1:1000")
    let b = try Node(2, at: "198.51.100.2:2000")
    let world = World([a, b])
    var toB = PeerChange(b.publicKey)
    toB.endpoint = b.place
    toB.presharedKey = presharedKey
    toB.keepaliveSeconds = keepalive
    world.apply(a, toB)
    var toA = PeerChange(a.publicKey)
    if knowsBack { toA.endpoint = a.place }
    toA.presharedKey = presharedKey
    world.apply(b, toA)
    return world
  }

  var a: Node { nodes[0] }
  var b: Node { nodes[1] }

  func apply(_ node: Node, _ change: PeerChange) {
    var device = DeviceChange()
    device.peers = [change]
    apply(node, device)
  }

  func apply(_ node: Node, _ change: DeviceChange) {
    node.device.apply(change, at: now)
    settle()
  }

  /// Carries out effects until nothing is left to do at this moment.
  func settle() {
    var isQuiet = false
    while !isQuiet {
      isQuiet = true
      for node in nodes {
        let effects = node.device.takeEffects()
        for effect in effects { carryOut(effect, of: node) }
        if !effects.isEmpty { isQuiet = false }
      }
    }
  }

  /// Moves the clocks to a moment, stopping at each deadline on the way.
  func run(seconds: Double) {
    let end = Moment(nanoseconds: now.nanoseconds + UInt64(seconds * 1e9))
    while true {
      let deadlines = nodes.compactMap { node in node.device.nextDeadline { node.activity[$0] ?? PeerActivity() } }
      guard let next = deadlines.min(), next <= end else { break }
      step(to: max(next, now))
    }
    step(to: end)
  }

  private func step(to moment: Moment) {
    let passed = moment.nanoseconds - now.nanoseconds
    now = moment
    wall = wall.adding(nanoseconds: passed)
    for node in nodes {
      node.device.advance(to: now, wall: wall) { node.activity[$0] ?? PeerActivity() }
    }
    settle()
  }

  // MARK: The packet path

  /// Sends a packet, or keeps it and asks for a session.
  func send(_ node: Node, to slot: PeerSlot = PeerSlot(index: 0)) {
    guard transmit(node, slot, isData: true) else {
      node.staged[slot, default: 0] += 1
      node.device.wantsHandshake(slot, .staged, at: now, wall: wall)
      return settle()
    }
    settle()
  }

  private func transmit(_ node: Node, _ slot: PeerSlot, isData: Bool) -> Bool {
    guard let index = node.current[slot], let keys = node.sessions[index],
      !SessionRules.isExpired(born: keys.born.nanoseconds, now: now.nanoseconds)
    else { return false }
    if isData, node.activity[slot, default: PeerActivity()].firstUnansweredSend == .never {
      node.activity[slot]!.firstUnansweredSend = now
    }
    node.activity[slot, default: PeerActivity()].firstUnansweredReceive = .never
    node.activity[slot]!.lastTraversal = now
    if SessionRules.isRenewalDueOnSend(
      counter: 0, born: keys.born.nanoseconds, isInitiator: keys.isInitiator, now: now.nanoseconds)
    {
      node.device.wantsHandshake(slot, .renewal, at: now, wall: wall)
    }
    guard let to = node.places[slot] else { return true }
    let flight = Flight(message: isData ? [4, 1] : [4, 0], from: node.place, to: to)
    if passes(flight) { arrive(flight, keys) }
    return true
  }

  private func arrive(_ flight: Flight, _ sent: TransportKeys) {
    guard let node = nodes.first(where: { $0.place == flight.to }), let keys = node.sessions[sent.remoteIndex],
      !SessionRules.isExpired(born: keys.born.nanoseconds, now: now.nanoseconds)
    else { return }
    #expect(keys.receiving.isEqual(to: sent.sending), "both sides have the same key")
    let slot = keys.peer
    node.activity[slot, default: PeerActivity()].firstUnansweredSend = .never
    node.activity[slot]!.lastTraversal = now
    node.device.confirmed(slot, localIndex: keys.localIndex, at: now, wall: wall)
    if node.places[slot] != flight.from {
      node.device.moved(slot, localIndex: keys.localIndex, to: flight.from)
    }
    if flight.message[1] == 1 {
      node.received += 1
      if node.activity[slot]!.firstUnansweredReceive == .never { node.activity[slot]!.firstUnansweredReceive = now }
    } else {
      node.keepalives += 1
    }
    if SessionRules.isRenewalDueOnReceive(
      born: keys.born.nanoseconds, isInitiator: keys.isInitiator, now: now.nanoseconds)
    {
      node.device.wantsHandshake(slot, .lastMinute, at: now, wall: wall)
    }
  }

  private func flush(_ node: Node, _ slot: PeerSlot) {
    let count = node.staged.removeValue(forKey: slot) ?? 0
    for _ in 0..<count { _ = transmit(node, slot, isData: true) }
  }

  // MARK: Effects

  private func carryOut(_ effect: Effect, of node: Node) {
    switch effect {
    case .send(let message, let to, _):
      node.sentMessages += 1
      let flight = Flight(message: message, from: node.place, to: to)
      log.append(flight)
      if passes(flight) { deliver(flight) }
    case .remember(let slot, let key): node.slots[key] = slot
    case .forget(let slot):
      node.slots = node.slots.filter { $0.value != slot }
      (node.current[slot], node.places[slot], node.staged[slot], node.activity[slot]) = (nil, nil, nil, nil)
    case .accept(let keys):
      #expect(node.sessions[keys.localIndex] == nil, "an index is given out once")
      node.sessions[keys.localIndex] = keys
      node.activity[keys.peer, default: PeerActivity()].firstUnansweredSend = .never
      node.activity[keys.peer]!.firstUnansweredReceive = .never
    case .use(let slot, let index): node.current[slot] = index
    case .flush(let slot): flush(node, slot)
    case .retire(let slot, let index):
      #expect(node.sessions.removeValue(forKey: index) != nil)
      #expect(node.current[slot] != index, "a session in use is not retired")
    case .confirm(let slot):
      if node.staged[slot] == nil { _ = transmit(node, slot, isData: false) } else { flush(node, slot) }
    case .keepalive(let slot): _ = transmit(node, slot, isData: false)
    case .dropStaged(let slot): node.staged[slot] = nil
    case .direct(let slot, let place): node.places[slot] = place
    case .connected: node.events.append("connected")
    case .unreachable: node.events.append("unreachable")
    case .unstick: node.unstuck += 1
    case .routes: node.events.append("routes")
    case .bind(let port): node.events.append("bind \(port)")
    case .mark(let mark): node.events.append("mark \(mark)")
    }
  }

  /// Gives a handshake message to whoever is at its place.
  func deliver(_ flight: Flight) {
    guard let node = nodes.first(where: { $0.place == flight.to }) else { return }
    node.device.receive(flight.message, from: flight.from, underLoad: node.isUnderLoad, at: now, wall: wall)
  }
}

import Cryptography
import NetworkTypes
import Testing

@testable import WireGuard

/// Two devices, a fake clock.
@Suite struct HandshakeTests {
  @Test func bothSidesAgree() throws {
    let world = try World.pair()
    world.send(world.a)
    #expect(world.b.received == 1)
    #expect(world.log.map(\.message.count) == [148, 92])
    #expect(world.a.events == ["connected"] && world.b.events == ["connected"])
    world.send(world.b)
    #expect(world.a.received == 1)
    // Whoever answered knows the place from the message alone.
    #expect(world.b.device.state().peers[0].endpoint == world.a.place)
    let state = world.a.device.state().peers[0]
    #expect(state.lastHandshake.seconds == world.wall.seconds)
    #expect(state.sentBytes == 148 && state.receivedBytes == 92)
  }

  /// The responder may not send before it received.
  @Test func theResponderWaitsForTheFirstPacket() throws {
    let world = try World.pair()
    world.passes = { $0.message.count != 92 }
    world.send(world.a)
    world.send(world.b)
    #expect(world.b.current[world.b.slot] == nil && world.b.sessions.count == 1)
    #expect(world.a.received == 0 && world.b.events == [])
    let response = try #require(world.log.last { $0.message.count == 92 })
    world.deliver(response)
    world.settle()
    #expect(world.b.received == 1 && world.a.received == 1)
  }

  /// Without data, the initiator's first packet is an empty one.
  @Test func aKeepaliveConfirms() throws {
    let world = try World.pair(keepalive: 25)
    world.run(seconds: 0)
    #expect(world.b.keepalives == 1 && world.b.events == ["connected"])
  }

  // MARK: Keys

  @Test func aPresharedKeyMustBeTheSame() throws {
    let world = try World.pair(presharedKey: Key32(Array(0..<32)))
    world.send(world.a)
    #expect(world.b.received == 1)
    let other = try World.pair(presharedKey: Key32(Array(0..<32)))
    var change = PeerChange(other.a.publicKey)
    change.presharedKey = Key32(Array(1..<33))
    other.apply(other.b, change)
    other.send(other.a)
    #expect(other.b.received == 0 && other.a.device.count(of: .forgedResponse) == 1)
    #expect(other.a.device.state().peers[0].presharedKey != nil)
    // Removing it on both sides is as good as the same one.
    for (node, key) in [(other.a, other.b.publicKey), (other.b, other.a.publicKey)] {
      var change = PeerChange(key)
      change.presharedKey = Key32([UInt8](repeating: 0, count: 32))
      other.apply(node, change)
    }
    other.run(seconds: 6)
    #expect(other.b.received == 1 && other.a.device.state().peers[0].presharedKey == nil)
  }

  @Test func privateKeysAreClamped() throws {
    let node = try Node(1, at: "192.0.2.1:1")
    var change = DeviceChange()
    change.privateKey = .some(Key32([UInt8](repeating: 0xff, count: 32)))
    node.device.apply(change, at: Moment(nanoseconds: 1))
    let key = try #require(node.device.state().privateKey)
    #expect(SelfTest.bytes(key).first == 0xf8 && SelfTest.bytes(key).last == 0x7f)
  }

  /// A device that is told to be its own peer is not; the peer goes when the key comes.
  @Test func nobodyIsItsOwnPeer() throws {
    let world = try World.pair()
    world.apply(world.a, PeerChange(world.a.publicKey))
    #expect(world.a.device.state().peers.map(\.publicKey) == [world.b.publicKey])
    var change = DeviceChange()
    change.privateKey = .some(world.b.key)
    world.apply(world.a, change)
    #expect(world.a.device.state().peers.isEmpty && world.a.device.state().publicKey == world.b.publicKey)
    #expect(world.a.slots.isEmpty)
  }

  @Test func aNewPrivateKeyStopsSendingAndBeginsAnew() throws {
    let world = try World.pair()
    world.send(world.a)
    let fresh = X25519.clamped(try #require(Key32([UInt8](repeating: 0x42, count: 32))))
    var change = DeviceChange()
    change.privateKey = .some(fresh)
    world.apply(world.a, change)
    #expect(world.a.current[world.a.slot] == nil, "nothing is sent under the old key")
    #expect(world.a.sessions.count == 1, "what is under way still arrives")
    world.send(world.b)
    #expect(world.a.received == 1)
    // The other side does not know the new key yet.
    world.send(world.a)
    #expect(world.b.device.count(of: .unknownPeer) == 1)
    let key = try #require(PublicKey(X25519.publicKey(of: fresh)))
    world.apply(world.b, PeerChange(key))
    world.run(seconds: 6)
    #expect(world.b.received == 2, "the packet that waited came with the retry")
    // The same key again changes nothing.
    let before = world.a.current
    world.apply(world.a, change)
    #expect(world.a.current == before)
  }

  @Test func withoutAPrivateKeyNothingIsSaid() throws {
    let world = try World.pair()
    var change = DeviceChange()
    change.privateKey = .some(nil)
    world.apply(world.b, change)
    world.send(world.a)
    #expect(world.b.device.count(of: .noIdentity) == 1 && world.b.sentMessages == 0)
    world.send(world.b)
    #expect(world.b.sentMessages == 0)
  }

  /// All seven points of low order, and an ordinary key as the control.
  @Test(arguments: SelfTest.lowOrderPoints + ["0900000000000000000000000000000000000000000000000000000000000000"])
  func pointsOfLowOrderNeverMakeAMessage(point: String) throws {
    let node = try Node(1, at: "192.0.2.1:1")
    let world = World([node])
    var peer = PeerChange(try #require(PublicKey(SelfTest.bytes(point))))
    peer.endpoint = try Endpoint("198.51.100.2:2")
    peer.keepaliveSeconds = 1
    world.apply(node, peer)
    #expect(node.device.state().peers.count == 1)
    world.send(node)
    world.run(seconds: 20)
    #expect((node.sentMessages == 0) == SelfTest.lowOrderPoints.contains(point))
  }

  // MARK: Messages that are not what they should be

  @Test func everyChangedBitOfAnInitiationIsRefused() throws {
    let world = try World.pair()
    world.passes = { _ in false }
    world.send(world.a)
    let flight = try #require(world.log.first)
    for index in flight.message.indices {
      var changed = flight
      changed.message[index] ^= 0x80
      world.deliver(changed)
    }
    world.settle()
    let device = world.b.device
    // Without load the second MAC does not count: of its sixteen bytes the first changed one is accepted, which also
    // is the control, and the others are replays.
    #expect(world.b.sentMessages == 1 && device.count(of: .replayedInitiation) == 15)
    #expect(device.count(of: .wrongMAC) == 116 - 4 + 16 && device.count(of: .reserved) == 3)
    #expect(device.count(of: .malformed) == 1)
  }

  @Test func everyChangedBitOfAResponseIsRefused() throws {
    let world = try World.pair()
    world.passes = { $0.message.count == 148 }
    world.send(world.a)
    let flight = try #require(world.log.last)
    for index in 0..<Layout.Response.mac2 {
      var changed = flight
      changed.message[index] ^= 1
      world.deliver(changed)
    }
    world.settle()
    #expect(world.a.events == [] && world.a.sessions.isEmpty)
    // A forged one does not spoil the true one.
    world.passes = { _ in true }
    world.deliver(flight)
    world.settle()
    #expect(world.a.events == ["connected"] && world.b.received == 1)
    world.deliver(flight)
    #expect(world.a.device.count(of: .unknownIndex) == 1, "a response counts once")
  }

  /// A forger who knows the public key, so the first MAC is right, and nothing else is.
  @Test func aRightMACAloneIsWorthNothing() throws {
    let world = try World.pair()
    let machine = BLAKE2s()
    for length in [Layout.Initiation.mac1, Layout.Response.mac1] {
      var message = [UInt8](repeating: 7, count: length)
      message.replaceSubrange(0..<4, with: [length == Layout.Initiation.mac1 ? 1 : 2, 0, 0, 0])
      var jar = CookieJar()
      jar.seal(&message, to: MessageKeys(world.b.publicKey.bytes, machine: machine), at: world.now, machine: machine)
      world.deliver(Flight(message: message, from: world.a.place, to: world.b.place))
    }
    #expect(world.b.device.count(of: .forgedInitiation) == 1 && world.b.device.count(of: .unknownIndex) == 1)
    #expect(world.b.sentMessages == 0 && world.b.device.state().peers[0].receivedBytes == 0)
  }

  @Test(arguments: [0, 1, 3, 4, 31, 63, 64, 65, 91, 92, 93, 147, 148, 149, 1500])
  func lengthsAreExact(length: Int) throws {
    let world = try World.pair()
    for type in UInt8(0)...5 {
      let message = [type, 0, 0, 0].prefix(length) + [UInt8](repeating: 0, count: max(0, length - 4))
      world.deliver(Flight(message: Array(message), from: world.a.place, to: world.b.place))
    }
    let isLength = [64, 92, 148].contains(length)
    #expect(world.b.device.count(of: .malformed) == (isLength ? 5 : 6))
    #expect(world.b.sentMessages == 0)
  }

  // MARK: Replay and time

  @Test func aReplayedInitiationIsDropped() throws {
    let world = try World.pair()
    world.send(world.a)
    let initiation = try #require(world.log.first)
    world.run(seconds: 10)
    let before = world.b.sentMessages
    world.deliver(initiation)
    world.settle()
    #expect(world.b.device.count(of: .replayedInitiation) == 1 && world.b.sentMessages == before)
  }

  @Test func fiftyInitiationsASecondAreTaken() throws {
    let world = try World.pair()
    let machine = BLAKE2s()
    let noise = Noise(machine: machine)
    let own = Noise.KeyPair(world.a.key)
    let shared = try #require(X25519.sharedKey(world.a.key, with: world.b.publicKey.bytes))
    let numbers = Sequence64(9)
    for step in 0..<300 {
      // Ten milliseconds apart, each with a newer timestamp.
      let initiation = try #require(
        noise.initiate(
          own, to: world.b.publicKey.bytes, shared: shared, ephemeral: Noise.KeyPair(SelfTest.key(numbers.bytes(32))),
          payload: TAI64N(WallTime(seconds: 2_000_000_000 + Int64(step))).bytes))
      var message: [UInt8] = [1, 0, 0, 0, 1, 2, 3, 4] + initiation.ephemeral.publicKey
      message += initiation.sealedIdentity + initiation.sealedPayload
      var jar = CookieJar()
      jar.seal(&message, to: MessageKeys(world.b.publicKey.bytes, machine: machine), at: world.now, machine: machine)
      world.deliver(Flight(message: message, from: world.a.place, to: world.b.place))
      world.settle()
      world.now = world.now.adding(milliseconds: 10)
    }
    #expect(world.b.device.count(of: .floodingPeer) == 150 && world.b.sentMessages == 150)
  }

  /// The wall clock is set back by a year; nobody is shut out.
  @Test func aClockThatIsSetBackBlocksNothing() throws {
    let world = try World.pair()
    world.send(world.a)
    world.wall.seconds -= 365 * 86_400
    world.run(seconds: 200)
    world.send(world.a)
    #expect(world.b.received == 2 && world.b.device.count(of: .replayedInitiation) == 0)
    world.wall.seconds -= 365 * 86_400
    world.run(seconds: 200)
    world.send(world.a)
    #expect(world.b.received == 3)
  }

  @Test func timestampsGrowAndAreBlunt() throws {
    var clock = TimestampClock()
    let wall = WallTime(seconds: 1_000, nanoseconds: 123_456_789)
    let first = clock.timestamp(wall, at: Moment(nanoseconds: 5))
    #expect(first.bytes.prefix(8).elementsEqual([0x40, 0, 0, 0, 0, 0, 0x03, 0xf2]))
    #expect(first.nanoseconds % UInt32(TAI64N.step) == 0 && first.nanoseconds <= 123_456_789)
    #expect(TAI64N(first.bytes) == first && TAI64N(Array(first.bytes.dropLast())) == nil)
    let second = clock.timestamp(WallTime(seconds: 10), at: Moment(nanoseconds: 5 + 20_000_000))
    #expect(second > first, "20 ms later, though the wall clock went back")
    let third = clock.timestamp(WallTime(seconds: 2_000), at: Moment(nanoseconds: 5 + 40_000_000))
    #expect(third == TAI64N(WallTime(seconds: 2_000)))
    let fourth = clock.timestamp(WallTime(seconds: 2_000), at: Moment(nanoseconds: 4))
    #expect(fourth == third, "an older moment is not a very long time")
  }

  // MARK: Both at once

  @Test func bothMayBeginAtTheSameTime() throws {
    let world = try World.pair(knowsBack: true)
    var held: [Flight] = []
    world.passes = { flight in
      if flight.message.count == 148 { held.append(flight) }
      return flight.message.count != 148
    }
    world.send(world.a)
    world.send(world.b)
    #expect(held.count == 2)
    world.passes = { _ in true }
    for flight in held { world.deliver(flight) }
    world.settle()
    #expect(world.a.received == 1 && world.b.received == 1, "at once, without a retry")
    world.run(seconds: 3)
    world.send(world.a)
    world.send(world.b)
    #expect(world.a.received == 2 && world.b.received == 2)
    #expect(world.log.filter { $0.message.count == 148 }.count == 2)
  }

  // MARK: Places

  @Test(arguments: ["203.0.113.9:9", "[2001:db8::9]:9"]) func anAuthenticPacketMovesAPeer(place: String) throws {
    let world = try World.pair()
    world.send(world.a)
    world.a.place = try Endpoint(place)
    world.send(world.a)
    #expect(world.b.places[world.b.slot] == world.a.place)
    #expect(world.b.device.state().peers[0].endpoint == world.a.place)
    world.send(world.b)
    #expect(world.a.received == 1)
    // A report for a session that is not the peer's moves nobody.
    world.b.device.moved(world.b.slot, localIndex: 0, to: try Endpoint("192.0.2.66:6"))
    #expect(world.b.device.takeEffects().isEmpty)
  }

  @Test func indicesAreUnique() throws {
    let world = try World.pair()
    var asked: [UInt32] = []
    // The adapter's table has four places; two are taken already.
    world.a.device.isIndexFree = { index in
      asked.append(index)
      return index & 3 > 1
    }
    for _ in 0..<20 {
      world.send(world.a)
      world.run(seconds: 200)
    }
    #expect(asked.count > 20 && Set(asked).count == asked.count)
    #expect(world.a.sessions.keys.allSatisfy { $0 & 3 > 1 })
    world.a.device.isIndexFree = { _ in false }
    world.run(seconds: 600)
    world.send(world.a)
    #expect(world.a.device.count(of: .noIndex) > 0, "a full table is counted, not a crash")
  }
}

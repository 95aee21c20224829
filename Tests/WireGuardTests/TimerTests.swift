import Cryptography
import NetworkTypes
import Testing

@testable import WireGuard

/// Time passes only when a test says so.
@Suite struct TimerTests {
  private func initiations(_ world: World) -> Int { world.log.filter { $0.message.count == 148 }.count }

  @Test func theInitiatorRenewsAfterTwoMinutes() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 119)
    world.send(world.a)
    #expect(initiations(world) == 1)
    world.run(seconds: 2)
    world.send(world.a)
    #expect(initiations(world) == 2 && world.b.received == 3)
    #expect(world.a.sessions.count == 2, "the old session is kept for what is under way")
  }

  /// As `ip link set down` does it to the kernel's: no key is kept, and nothing is said until it is up again.
  @Test func aDeviceThatIsDownIsSilent() throws {
    let world = try World.pair(keepalive: 5)
    world.send(world.a)
    #expect(world.b.received == 1)
    world.a.device.set(isUp: false)
    world.settle()
    #expect(world.a.sessions.isEmpty && world.a.current.isEmpty)
    let before = (world.log.count, world.a.device.count(of: .interfaceDown))
    world.run(seconds: 60)
    world.send(world.a)
    #expect(!world.log.dropFirst(before.0).contains { $0.from == world.a.place }, "it speaks")
    // The control: the other side asked, and was not answered.
    world.send(world.b)
    world.run(seconds: 200)
    #expect(world.a.device.count(of: .interfaceDown) > before.1)
    #expect(!world.log.dropFirst(before.0).contains { $0.from == world.a.place }, "it answers")
    world.a.device.set(isUp: true)
    world.run(seconds: 1)
    #expect(world.a.sessions.count == 1 && world.b.received == 2, "the persistent keepalive calls at once")
  }

  @Test func theResponderDoesNot() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 150)
    world.send(world.b)
    #expect(initiations(world) == 1 && world.a.received == 1)
  }

  /// The other side only sends; ours is the initiator and renews in the last minute.
  @Test func theInitiatorRenewsOnReceivingInTheLastMinute() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 164)
    world.send(world.b)
    #expect(initiations(world) == 1)
    world.run(seconds: 2)
    world.passes = { $0.message.count != 148 }
    world.send(world.b)
    #expect(initiations(world) == 2)
    world.send(world.b)
    #expect(initiations(world) == 2, "once a session")
    world.passes = { _ in true }
    world.run(seconds: 6)
    #expect(world.a.events == ["connected", "connected"], "the retry went through before the old session ended")
    world.send(world.b)
    #expect(world.a.received == 4)
  }

  @Test func nothingPassesAfterThreeMinutes() throws {
    let world = try World.pair()
    world.send(world.a)
    world.passes = { $0.message.count != 148 }
    world.run(seconds: 181)
    world.send(world.a)
    #expect(world.b.received == 1, "the session is dead")
    world.passes = { _ in true }
    world.run(seconds: 6)
    #expect(world.b.received == 2, "what waited came with a new one")
  }

  @Test func keysAreWipedAfterNineMinutes() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 539)
    #expect(world.a.sessions.count == 1 && world.b.sessions.count == 1)
    world.run(seconds: 2)
    #expect(world.a.sessions.isEmpty && world.b.sessions.isEmpty)
    #expect(world.a.current.isEmpty && world.b.current.isEmpty)
    #expect(world.a.device.nextDeadline { _ in PeerActivity() } == nil, "an idle device never wakes up")
  }

  @Test func eighteenTriesInNinetySeconds() throws {
    let world = try World.pair()
    world.passes = { _ in false }
    world.send(world.a)
    let start = world.now
    var times = [start]
    while world.a.events.isEmpty, times.count < 100 {
      let next = try #require(world.a.device.nextDeadline { world.a.activity[$0] ?? PeerActivity() })
      world.run(seconds: Double(next.nanoseconds - world.now.nanoseconds) / 1e9 + 1e-6)
      times.append(world.now)
    }
    #expect(initiations(world) == 18 && world.a.events == ["unreachable"])
    #expect(world.a.unstuck == 17, "each retry lets the kernel choose another source address")
    let gaps = zip(times.dropFirst(), times).map { ($0.nanoseconds - $1.nanoseconds) / 1_000_000 }
    #expect(gaps.allSatisfy { (5_000...5_334).contains($0) } && Set(gaps).count > 3, "with jitter: \(gaps)")
    #expect(world.a.staged.isEmpty, "what waited was dropped")
    // New data begins anew.
    world.passes = { _ in true }
    world.run(seconds: 100)
    #expect(initiations(world) == 18)
    world.send(world.a)
    #expect(world.b.received == 1)
  }

  /// Each try is a new message: ephemeral key, index and timestamp.
  @Test func noTryRepeatsAnother() throws {
    let world = try World.pair()
    world.passes = { _ in false }
    world.send(world.a)
    world.run(seconds: 50)
    let messages = world.log.map(\.message)
    #expect(messages.count == 10 && Set(messages.map { Array($0[4..<116]) }).count == 10)
    #expect(Set(messages.map { Array($0[4..<8]) }).count == 10 && Set(messages.map { Array($0[8..<40]) }).count == 10)
  }

  @Test func newDataGivesMoreTries() throws {
    let world = try World.pair()
    world.passes = { _ in false }
    world.send(world.a)
    world.run(seconds: 80)
    world.send(world.a)
    world.run(seconds: 80)
    #expect(world.a.events.isEmpty)
    world.run(seconds: 20)
    #expect(world.a.events == ["unreachable"])
  }

  @Test func askingOftenBeginsOneHandshake() throws {
    let world = try World.pair()
    world.passes = { _ in false }
    for _ in 0..<100 { world.send(world.a) }
    #expect(initiations(world) == 1 && world.a.staged[world.a.slot] == 100)
  }

  // MARK: Keepalives

  @Test func dataIsAcknowledgedAfterTenSeconds() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 9)
    #expect(world.a.keepalives == 0)
    world.run(seconds: 2)
    #expect(world.a.keepalives == 1)
    world.run(seconds: 100)
    #expect(world.a.keepalives == 1 && world.b.keepalives == 0, "an empty packet is not acknowledged")
  }

  @Test func anAnswerIsAcknowledgementEnough() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 5)
    world.send(world.b)
    world.run(seconds: 8)
    #expect(world.a.keepalives == 0, "b answered")
    world.run(seconds: 5)
    #expect(world.b.keepalives == 1, "a has to acknowledge the answer")
  }

  @Test func silenceBringsANewHandshake() throws {
    let world = try World.pair()
    world.send(world.a)
    world.run(seconds: 20)
    // The other side lost its memory.
    world.b.sessions = [:]
    world.send(world.a)
    world.run(seconds: 14.9)
    #expect(initiations(world) == 1)
    #expect(world.a.unstuck == 0)
    world.run(seconds: 0.5)
    #expect(initiations(world) == 2 && world.a.unstuck == 1)
  }

  @Test func aPersistentKeepaliveKeepsTheWayOpen() throws {
    let world = try World.pair(keepalive: 25)
    world.run(seconds: 0)
    #expect(initiations(world) == 1, "it begins at once")
    world.run(seconds: 101)
    #expect(world.b.keepalives == 1 + 4)
    world.run(seconds: 1_000)
    #expect(world.b.device.state().peers[0].lastHandshake.seconds >= world.wall.seconds - 181)
    var change = PeerChange(world.b.publicKey)
    change.keepaliveSeconds = 0
    world.apply(world.a, change)
    let before = world.b.keepalives
    world.run(seconds: 200)
    #expect(world.b.keepalives <= before + 1)
  }

  @Test func aPersistentKeepaliveDoesNotGiveUp() throws {
    let world = try World.pair(keepalive: 25)
    world.passes = { _ in false }
    world.run(seconds: 1_000)
    #expect(world.a.events.contains("unreachable"))
    world.passes = { _ in true }
    world.run(seconds: 30)
    #expect(world.b.events.contains("connected"))
  }

  /// A deadline that cannot be met, because the packet path cannot send, does not come back at once.
  @Test func noDeadlineSpins() throws {
    let world = try World.pair()
    world.send(world.a)
    var activity = PeerActivity()
    activity.firstUnansweredReceive = world.now
    activity.firstUnansweredSend = world.now
    var wakeUps = 0
    let end = world.now.adding(milliseconds: 60_000)
    while let next = world.b.device.nextDeadline(activity: { _ in activity }), next <= end, wakeUps < 1_000 {
      world.now = max(world.now, next)
      world.b.device.advance(to: world.now, wall: world.wall) { _ in activity }
      _ = world.b.device.takeEffects()
      wakeUps += 1
    }
    #expect(wakeUps < 20)
  }

  // MARK: Counters

  @Test func countersHaveLimits() {
    let born = UInt64(1_000_000_000)
    let minute = born + 60_000_000_000
    #expect(SessionRules.maySend(counter: Specification.refuseAfterMessages - 1))
    #expect(!SessionRules.maySend(counter: Specification.refuseAfterMessages))
    #expect(Specification.refuseAfterMessages == UInt64.max - 8_192)
    for isInitiator in [true, false] {
      let isDue = { SessionRules.isRenewalDueOnSend(counter: $0, born: born, isInitiator: isInitiator, now: minute) }
      #expect(!isDue(1 << 60) && isDue((1 << 60) + 1), "by count, both sides renew")
    }
  }

  /// Length, MTU, padded length (the packet of a full MTU stays as it is).
  static let paddings: [(Int, Int, Int)] = [
    (0, 1420, 0), (1, 1420, 16), (16, 1420, 16), (17, 1420, 32), (1408, 1420, 1408), (1409, 1420, 1420),
    (1420, 1420, 1420), (1299, 1299, 1299), (1290, 1299, 1296), (1500, 1420, 1500),
  ]

  @Test(arguments: paddings.indices) func paddingStaysBelowTheMTU(index: Int) {
    let (length, mtu, padded) = Self.paddings[index]
    #expect(SessionRules.paddedLength(length, mtu: mtu) == padded)
  }
}

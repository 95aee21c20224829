import Cryptography
import NetworkTypes
import Testing

@testable import WireGuard

/// What keeps floods away.
@Suite struct CookieTests {
  @Test func underLoadACookieIsDemandedAndWorks() throws {
    let world = try World.pair()
    world.b.isUnderLoad = true
    world.send(world.a)
    #expect(world.log.map(\.message.count) == [148, 64] && world.b.device.count(of: .cookieDemanded) == 1)
    #expect(world.a.device.state().peers[0].receivedBytes == 0)
    world.run(seconds: 6)
    #expect(world.log.map(\.message.count) == [148, 64, 148, 92] && world.b.received == 1)
    #expect(world.log[2].message[132...].contains { $0 != 0 }, "the second MAC is there")
    #expect(world.log[0].message[132...].allSatisfy { $0 == 0 })
  }

  /// The responder's answer is asked for a cookie as well.
  @Test func theInitiatorMayBeUnderLoad() throws {
    let world = try World.pair()
    world.a.isUnderLoad = true
    world.send(world.a)
    #expect(world.log.map(\.message.count) == [148, 92, 64])
    world.run(seconds: 6)
    #expect(world.b.received == 1 && world.log.map(\.message.count) == [148, 92, 64, 148, 92])
  }

  @Test func aCookieIsOfOnePlace() throws {
    let world = try World.pair()
    world.b.isUnderLoad = true
    world.send(world.a)
    // The cookie is for the old place.
    world.a.place = try Endpoint("192.0.2.1:1001")
    world.run(seconds: 6)
    #expect(world.b.device.count(of: .cookieDemanded) == 2)
    world.run(seconds: 6)
    #expect(world.b.received == 1)
  }

  @Test func cookiesGrowOld() throws {
    let world = try World.pair()
    world.b.isUnderLoad = true
    world.send(world.a)
    world.run(seconds: 6)
    #expect(world.b.received == 1)
    world.run(seconds: 240)
    world.send(world.a)
    #expect(world.b.device.count(of: .cookieDemanded) == 2, "after two minutes it is not even sent")
    world.run(seconds: 6)
    #expect(world.b.received == 2)
  }

  @Test func aForgedCookieIsNotTaken() throws {
    let world = try World.pair()
    world.b.isUnderLoad = true
    world.passes = { $0.message.count != 64 }
    world.send(world.a)
    let reply = try #require(world.log.last)
    for index in 8..<64 {
      var changed = reply
      changed.message[index] ^= 1
      world.deliver(changed)
    }
    #expect(world.a.device.count(of: .forgedCookie) == 56)
    var changed = reply
    changed.message[4] ^= 1
    world.deliver(changed)
    #expect(world.a.device.count(of: .unknownIndex) == 1)
    world.deliver(reply)
    world.deliver(reply)
    #expect(world.a.device.count(of: .forgedCookie) == 57, "one is taken, once")
  }

  @Test func theRateOfASourceIsLimitedUnderLoad() throws {
    let world = try World.pair()
    world.b.isUnderLoad = true
    world.send(world.a)
    world.run(seconds: 6)
    let initiation = try #require(world.log.last { $0.message.count == 148 })
    for _ in 0..<50 { world.deliver(initiation) }
    let device = world.b.device
    #expect(device.count(of: .rateLimited) >= 44 && device.count(of: .replayedInitiation) <= 6)
    // Not under load nobody is limited.
    world.b.isUnderLoad = false
    let before = device.count(of: .rateLimited)
    for _ in 0..<50 { world.deliver(initiation) }
    #expect(device.count(of: .rateLimited) == before)
  }

  @Test func loadLastsASecond() {
    var monitor = LoadMonitor()
    let start = Moment(nanoseconds: 1_000_000_000)
    // Milliseconds, messages that wait, under load.
    let rows: [(UInt64, Int, Bool)] = [
      (0, 511, false), (1, 512, true), (500, 0, true), (1_000, 0, true), (1_001, 0, false), (1_002, 4_096, true),
      (2_001, 0, true), (2_002, 0, false),
    ]
    for (index, row) in rows.enumerated() {
      let isUnderLoad = monitor.isUnderLoad(queued: row.1, at: start.adding(milliseconds: row.0))
      #expect(isUnderLoad == row.2, "row \(index)")
    }
  }

  // MARK: The rate limiter

  /// Milliseconds since the row before, and whether the message is taken: five at once, then twenty a second.
  static let rates: [(wait: UInt64, isAllowed: Bool)] =
    Array(repeating: (0, true), count: 5) + [(0, false), (50, true), (0, false), (100, true), (0, true), (0, false)]
    + [(500, true), (0, true), (0, true), (0, true), (0, true), (0, false)]

  @Test(arguments: ["192.0.2.1", "2001:db8::1"]) func fiveAtOnceThenTwentyASecond(source: String) throws {
    var limiter = RateLimiter()
    var now = Moment(nanoseconds: 5_000_000_000)
    let address = try IPAddress(source)
    for (index, row) in Self.rates.enumerated() {
      now = now.adding(milliseconds: row.wait)
      #expect(limiter.allows(address, at: now) == row.isAllowed, "row \(index)")
    }
  }

  @Test func anIPv6NetworkIsOneSource() throws {
    var limiter = RateLimiter()
    let now = Moment(nanoseconds: 5_000_000_000)
    for host in 1...5 { #expect(limiter.allows(try IPAddress("2001:db8::\(host)"), at: now)) }
    #expect(limiter.allows(try IPAddress("2001:db8::6:7:8:9"), at: now) == false)
    #expect(limiter.allows(try IPAddress("2001:db8:0:1::1"), at: now), "another network")
    for address in ["192.0.2.1", "192.0.2.2"] { #expect(limiter.allows(try IPAddress(address), at: now)) }
  }

  @Test func theTableIsBoundedAndForgets() {
    var limiter = RateLimiter()
    let now = Moment(nanoseconds: 5_000_000_000)
    var refusals = 0
    for address in 0..<UInt32(RateLimiter.sourceLimit) where !limiter.allows(.v4(address), at: now) { refusals += 1 }
    #expect(refusals == 0)
    let (stranger, known) = (limiter.allows(.v4(.max), at: now), limiter.allows(.v4(0), at: now))
    #expect(!stranger && known, "who is known is still served")
    let isAllowed = limiter.allows(.v4(.max), at: now.adding(milliseconds: 1_001))
    #expect(isAllowed && limiter.count == 1)
  }
}

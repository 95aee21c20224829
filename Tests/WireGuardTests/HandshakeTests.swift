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
}

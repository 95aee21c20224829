import Cryptography
import NetworkTypes
import Testing

@testable import WireGuard

@Suite struct ConfigurationTests {
  private let now = Moment(nanoseconds: 1)

  /// Public keys by number; a private key of small numbers is as good as any.
  private func key(_ number: UInt8) -> PublicKey { PublicKey(of: SelfTest.key([UInt8](repeating: number, count: 32))) }

  private func change(_ peers: [PeerChange]) -> DeviceChange {
    var change = DeviceChange()
    change.peers = peers
    return change
  }

  private func names(_ effects: [Effect]) -> [String] {
    effects.map { effect in
      switch effect {
      case .remember(let slot, _): "remember \(slot.index)"
      case .forget(let slot): "forget \(slot.index)"
      case .direct(let slot, let place): "direct \(slot.index) \(place.map { "\($0)" } ?? "-")"
      case .routes: "routes"
      case .bind(let port): "bind \(port)"
      case .mark(let mark): "mark \(mark)"
      case .retire(let slot, _): "retire \(slot.index)"
      case .use(let slot, let index): "use \(slot.index) \(index == nil ? "-" : "+")"
      default: "other"
      }
    }
  }

  @Test func effectsComeInAFixedOrder() throws {
    let device = Device()
    var first = PeerChange(key(1))
    first.endpoint = try Endpoint("192.0.2.1:1")
    first.allowedAddresses = [AllowedAddressChange(try Prefix("10.0.0.0/8"))]
    var change = change([first, PeerChange(key(2))])
    change.listenPort = 5
    change.firewallMark = 6
    change.privateKey = .some(Key32([UInt8](repeating: 3, count: 32)))
    device.apply(change, at: now)
    let expected = ["bind 5", "mark 6", "remember 0", "direct 0 192.0.2.1:1", "remember 1", "routes"]
    #expect(names(device.takeEffects()) == expected)
    #expect(device.takeEffects().isEmpty)
    // The same once more changes only what is said to change.
    device.apply(change, at: now)
    #expect(names(device.takeEffects()) == ["routes"])
  }

  @Test func aPortThatWasRefusedIsAskedForAgain() throws {
    let device = Device()
    func ports(_ port: UInt16) -> [Effect] {
      var change = DeviceChange()
      change.listenPort = port
      device.apply(change, at: Moment(nanoseconds: 1))
      return device.takeEffects()
    }
    #expect(ports(0).isEmpty, "any port is what it has")
    #expect(ports(5).count == 1)
    #expect(ports(5).isEmpty, "it has it")
    device.portWasRefused(staysAt: 7)
    #expect(ports(5).count == 1, "it may be free by now")
    #expect(ports(0).count == 1)
  }

  @Test func peersComeAndGo() throws {
    let device = Device()
    device.apply(change([PeerChange(key(1)), PeerChange(key(2)), PeerChange(key(3))]), at: now)
    _ = device.takeEffects()
    var gone = PeerChange(key(2))
    gone.removes = true
    device.apply(change([gone, gone]), at: now)
    #expect(names(device.takeEffects()) == ["forget 1"])
    var only = PeerChange(key(4))
    only.updatesOnly = true
    device.apply(change([only]), at: now)
    #expect(names(device.takeEffects()) == [])
    device.apply(change([PeerChange(key(4))]), at: now)
    #expect(names(device.takeEffects()) == ["remember 1"], "the place is used again")
    #expect(device.state().peers.map(\.publicKey) == [key(1), key(3), key(4)], "in the order of creation")
    var replacing = change([PeerChange(key(3))])
    replacing.replacesPeers = true
    device.apply(replacing, at: now)
    #expect(names(device.takeEffects()) == ["forget 0", "forget 2", "forget 1", "remember 0"])
    #expect(device.state().peers.map(\.publicKey) == [key(3)])
  }

  @Test func rangesMoveAndAreTaken() throws {
    let device = Device()
    let wide = try Prefix("10.0.0.0/8")
    let narrow = try Prefix("10.1.0.0/16")
    func give(_ number: UInt8, _ ranges: [AllowedAddressChange], replaces: Bool = false) {
      var peer = PeerChange(key(number))
      peer.allowedAddresses = ranges
      peer.replacesAllowedAddresses = replaces
      device.apply(change([peer]), at: now)
    }
    func ranges() -> [[Prefix]] { device.state().peers.map(\.allowedAddresses) }
    give(1, [AllowedAddressChange(wide), AllowedAddressChange(narrow)])
    give(2, [AllowedAddressChange(narrow)])
    #expect(ranges() == [[wide], [narrow]])
    give(1, [AllowedAddressChange(narrow, removes: true), AllowedAddressChange(wide, removes: true)])
    #expect(ranges() == [[], [narrow]])
    give(2, [AllowedAddressChange(wide)], replaces: true)
    #expect(ranges() == [[], [wide]])
    #expect(device.allowedAddresses().owner(of: try IPAddress("10.1.2.3"))?.index == 1)
    var gone = PeerChange(key(2))
    gone.removes = true
    device.apply(change([gone]), at: now)
    #expect(device.allowedAddresses().owner(of: try IPAddress("10.1.2.3")) == nil)
  }

  @Test func removingAPeerRetiresItsSessions() throws {
    let world = try World.pair()
    world.send(world.a)
    #expect(world.a.sessions.count == 1)
    var gone = PeerChange(world.b.publicKey)
    gone.removes = true
    world.a.device.apply(change([gone]), at: world.now)
    #expect(names(world.a.device.takeEffects()) == ["use 0 -", "retire 0", "forget 0"])
    // What comes for it is for nobody.
    world.a.device.confirmed(world.a.slot, localIndex: 1, at: world.now, wall: world.wall)
    world.a.device.wantsHandshake(world.a.slot, .staged, at: world.now, wall: world.wall)
    #expect(world.a.device.takeEffects().isEmpty)
  }

  /// Forty peers, then twenty-nine that own nothing.
  @Test func holdsManyPeers() throws {
    let device = Device()
    var peers: [PeerChange] = []
    for number in 0..<69 {
      var peer = PeerChange(key(UInt8(number)))
      if number < 40 {
        peer.allowedAddresses = try (0..<52).map { AllowedAddressChange(try Prefix("10.\(number).\($0).0/24")) }
      }
      peers.append(peer)
    }
    device.apply(change(peers), at: now)
    let state = device.state()
    #expect(state.peers.count == 69 && state.peers.map(\.allowedAddresses.count).reduce(0, +) == 40 * 52)
    guard case .set(let again) = try UAPI.parse(UAPI.request(change(peers))) else { return #expect(Bool(false)) }
    #expect(again.peers.map(\.allowedAddresses) == peers.map(\.allowedAddresses))
  }
}

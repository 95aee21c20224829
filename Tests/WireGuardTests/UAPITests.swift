import Cryptography
import Diagnostics
import NetworkTypes
import Testing
import Wire

@testable import WireGuard

@Suite struct UAPITests {
  static let key = String(repeating: "1f", count: 32)
  static let zero = String(repeating: "0", count: 64)

  private func parse(_ text: String) throws(Problem) -> DeviceChange {
    guard case .set(let change) = try UAPI.parse(text) else { throw .malformed("test.get", "a get") }
    return change
  }

  @Test func readsEveryKey() throws {
    let change = try parse(
      """
      set=1
      private_key=\(Self.key)
      listen_port=51820
      fwmark=51820
      replace_peers=true
      public_key=\(Self.key)
      update_only=true
      preshared_key=\(Self.key)
      endpoint=[2001:db8::1]:7
      persistent_keepalive_interval=25
      replace_allowed_ips=true
      allowed_ip=10.0.0.7/24
      allowed_ip=-2001:db8::/32
      protocol_version=1
      public_key=\(String(Self.key.reversed()))
      remove=true


      """)
    #expect(change.privateKey??.isZero == false && change.listenPort == 51820 && change.firewallMark == 51820)
    #expect(change.replacesPeers && change.peers.count == 2)
    let peer = change.peers[0]
    #expect(peer.updatesOnly && !peer.removes && peer.replacesAllowedAddresses && peer.keepaliveSeconds == 25)
    #expect(peer.presharedKey != nil && peer.endpoint?.description == "[2001:db8::1]:7")
    #expect(
      peer.allowedAddresses == [
        AllowedAddressChange(try Prefix("10.0.0.0/24")),
        AllowedAddressChange(try Prefix("2001:db8::/32"), removes: true),
      ])
    #expect(change.peers[1].removes)
  }

  @Test func zerosTakeKeysAway() throws {
    let change = try parse("set=1\nprivate_key=\(Self.zero)\n")
    #expect(change.privateKey != nil && change.privateKey! == nil)
    #expect(try parse("set=1\n").privateKey == nil)
  }

  @Test func replacingCountsFromItsLine() throws {
    let text = "set=1\npublic_key=\(Self.key)\nallowed_ip=10.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/9\n"
    #expect(try parse(text).peers[0].allowedAddresses.map(\.prefix.length) == [9])
  }

  @Test func readsGet() throws {
    for text in ["get=1", "get=1\n", "get=1\n\n"] {
      guard case .get = try UAPI.parse(text) else { return #expect(Bool(false), "\(text)") }
    }
  }

  /// A request that is refused, its code, its errno, and the place.
  static let refused: [(text: String, code: String, status: UAPI.Status)] = [
    ("", "uapi.operation", .protocolError),
    ("hello=1\n", "uapi.operation", .protocolError),
    ("set=2\n", "uapi.operation", .protocolError),
    ("get=1\nset=1\n", "uapi.syntax", .protocolError),
    ("set\n", "uapi.syntax", .protocolError),
    ("set=1\nlisten_port\n", "uapi.syntax", .protocolError),
    ("set=1\n=1\n", "uapi.syntax", .protocolError),
    ("set=1\n\nlisten_port=1\n", "uapi.syntax", .protocolError),
    ("set=1\nshoe_size=46\n", "uapi.key", .invalid),
    ("set=1\nallowed_ip=10.0.0.0/8\n", "uapi.key", .invalid),
    ("set=1\npublic_key=\(key)\nlisten_port=1\n", "uapi.key", .invalid),
    ("set=1\nLISTEN_PORT=1\n", "uapi.key", .invalid),
    ("set=1\nprivate_key=\(key.dropLast())\n", "uapi.value", .invalid),
    ("set=1\nprivate_key=\(key)0\n", "uapi.value", .invalid),
    ("set=1\nprivate_key=\(key.uppercased())\n", "uapi.value", .invalid),
    ("set=1\nprivate_key=\(key.dropLast())g\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key.dropLast(2))\n", "uapi.value", .invalid),
    ("set=1\nlisten_port=65536\n", "uapi.value", .invalid),
    ("set=1\nlisten_port=-1\n", "uapi.value", .invalid),
    ("set=1\nlisten_port=+1\n", "uapi.value", .invalid),
    ("set=1\nlisten_port=01\n", "uapi.value", .invalid),
    ("set=1\nlisten_port=\n", "uapi.value", .invalid),
    ("set=1\nlisten_port=1 \n", "uapi.value", .invalid),
    ("set=1\nfwmark=4294967296\n", "uapi.value", .invalid),
    ("set=1\nfwmark=0x10\n", "uapi.value", .invalid),
    ("set=1\nreplace_peers=false\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nremove=1\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nendpoint=example.org:1\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nendpoint=192.0.2.1\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nendpoint=192.0.2.1:0\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nendpoint=2001:db8::1:7\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nallowed_ip=10.0.0.0/33\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nallowed_ip=--10.0.0.0/8\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nallowed_ip=\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\npersistent_keepalive_interval=65536\n", "uapi.value", .invalid),
    ("set=1\npublic_key=\(key)\nprotocol_version=2\n", "uapi.value", .invalid),
  ]

  @Test(arguments: refused.indices) func refuses(index: Int) {
    let row = Self.refused[index]
    do throws(Problem) {
      _ = try UAPI.parse(row.text)
      #expect(Bool(false), "accepted: \(row.text)")
    } catch {
      #expect(error.code == row.code, "\(row.text)")
      #expect(UAPI.status(of: error) == row.status)
      #expect(!error.description.contains("1f1f"), "a problem does not show a key")
    }
  }

  /// wg(8) writes the interface of a link-local address by its name, as getnameinfo(3) gives it.
  @Test func readsTheInterfaceOfALinkLocalAddress() throws {
    let lookup: UAPI.InterfaceLookup = { $0 == "eth0" ? 7 : nil }
    for (zone, scope) in [("eth0", 7), ("7", 7), ("3", 3)] as [(String, UInt32)] {
      let text = "set=1\npublic_key=\(Self.key)\nendpoint=[fe80::1%\(zone)]:5\n"
      guard case .set(let change) = try UAPI.parse(text, interface: lookup) else { return #expect(Bool(false)) }
      #expect(change.peers[0].endpoint?.scope == scope)
      let reply = "public_key=\(Self.key)\nendpoint=[fe80::1%\(zone)]:5\nerrno=0\n\n"
      #expect(try UAPI.parseState(reply, interface: lookup).peers[0].endpoint?.scope == scope)
    }
    for zone in ["eth1", "", "%", "eth0%7"] {
      #expect(throws: Problem.malformed("uapi.value", "")) {
        try UAPI.parse("set=1\npublic_key=\(Self.key)\nendpoint=[fe80::1%\(zone)]:5\n", interface: lookup)
      }
    }
  }

  @Test func errnosAreNegativeOnTheWire() {
    #expect(UAPI.reply(.success) == "errno=0\n\n")
    #expect(UAPI.reply(.invalid) == "errno=-22\n\n")
    #expect(UAPI.status(of: .malformed("other", ""), otherwise: .addressInUse) == .addressInUse)
  }

  @Test func aStateSurvivesItsReply() throws {
    let world = try World.pair(presharedKey: Key32(Array(1...32)), keepalive: 25)
    world.send(world.a)
    var change = DeviceChange()
    change.listenPort = 51820
    change.firewallMark = 7
    var peer = PeerChange(world.b.publicKey)
    peer.allowedAddresses = ["10.0.0.0/8", "2001:db8::/32"].map { AllowedAddressChange(try! Prefix($0)) }
    change.peers = [peer]
    world.apply(world.a, change)
    let state = world.a.device.state { _ in (7, 9) }
    let text = UAPI.reply(state)
    #expect(text.hasSuffix("errno=0\n\n"))
    let read = try UAPI.parseState(text)
    #expect(UAPI.reply(read) == text)
    #expect(read.publicKey == world.a.publicKey && read.peers[0].receivedBytes == 92 + 7)
    #expect(read.peers[0].sentBytes == 148 + 9 && read.peers[0].lastHandshake.seconds == world.wall.seconds)
    #expect(try UAPI.parseState("nonsense=1\nerrno=0\n\n").peers.isEmpty)
  }

  @Test func aChangeSurvivesItsRequest() throws {
    let text =
      "set=1\nprivate_key=\(Self.zero)\nlisten_port=1\nfwmark=0\nreplace_peers=true\npublic_key=\(Self.key)\n"
      + "update_only=true\npreshared_key=\(Self.key)\nendpoint=192.0.2.1:5\npersistent_keepalive_interval=0\n"
      + "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=-::/0\npublic_key=\(Self.key)\nremove=true\n\n"
    #expect(UAPI.request(try parse(text)) == text)
  }

  @Test(arguments: ["", "\n", "errno=-22\n\n", "errno=1\n\n", "errno=\n\n", "listen_port=1\n\n", "errno\n\n"])
  func aClientSeesFailure(text: String) {
    #expect(throws: Problem.self) { try UAPI.parseStatus(text) }
    #expect(throws: Problem.self) { try UAPI.parseState(text) }
  }

  @Test func aClientSeesSuccess() throws {
    try UAPI.parseStatus("errno=0\n\n")
  }
}

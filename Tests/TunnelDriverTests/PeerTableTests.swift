import Cryptography
import Diagnostics
import NetlinkKit
import NetworkTypes
import Testing
import TunnelBackend
import WireGuard

@testable import TunnelDriver

/// What a tunnel was told, and the changes that make a device so.
struct PeerTableTests {
  private let a: PeerKey
  private let b: PeerKey

  init() throws {
    a = try PeerKey([UInt8](repeating: 1, count: 32))
    b = try PeerKey([UInt8](repeating: 2, count: 32))
  }

  private func peer(
    _ key: PeerKey, _ ranges: [String], endpoint: String? = nil, keepalive: UInt16 = 0, preshared: UInt8? = nil
  ) throws -> TunnelPeer {
    TunnelPeer(
      node: try NodeName("n"), publicKey: key,
      presharedKey: preshared.flatMap { Key32([UInt8](repeating: $0, count: 32)) },
      endpoint: try endpoint.map { try Endpoint($0) }, allowedAddresses: try ranges.map { try Prefix($0) },
      keepaliveSeconds: keepalive)
  }

  /// A change in short: the key's first byte, what is said, and the ranges.
  private func short(_ changes: [PeerChange]) -> [String] {
    changes.map { change in
      var words = ["\(change.publicKey.bytes[0])"]
      if change.removes { words.append("gone") }
      if change.updatesOnly { words.append("update") }
      if change.presharedKey != nil { words.append("psk") }
      if let endpoint = change.endpoint { words.append("\(endpoint)") }
      if let seconds = change.keepaliveSeconds { words.append("\(seconds)s") }
      if change.replacesAllowedAddresses { words.append("=") }
      return (words + change.allowedAddresses.map { ($0.removes ? "-" : "+") + "\($0.prefix)" }).joined(separator: " ")
    }
  }

  @Test func changesAreAsSmallAsCanBe() throws {
    let empty = PeerTable()
    let one = empty.applying(
      PeerDifference(configured: [
        try peer(a, ["10.0.0.2/32", "10.0.0.1/32"], endpoint: "192.0.2.1:1"), try peer(b, ["10.0.0.3/32"]),
      ]))
    #expect(
      short(empty.changes(to: one)) == ["1 psk 192.0.2.1:1 0s = +10.0.0.1/32 +10.0.0.2/32", "2 psk 0s = +10.0.0.3/32"])
    #expect(short(one.changes(to: one)) == [])
    let moved = one.applying(PeerDifference(configured: [try peer(b, ["10.0.0.3/32", "10.0.0.2/32"])]))
    #expect(short(one.changes(to: moved)) == ["1 update -10.0.0.2/32", "2 update +10.0.0.2/32"])
    #expect(
      short(one.changes(to: moved, manner: .withoutRemoval)) == ["1 update = +10.0.0.1/32", "2 update +10.0.0.2/32"])
    #expect(
      short(moved.changes(to: one, manner: .complete)) == [
        "1 psk 192.0.2.1:1 0s = +10.0.0.1/32 +10.0.0.2/32", "2 psk 0s = +10.0.0.3/32",
      ])
    #expect(short(one.changes(to: one.applying(PeerDifference(removed: [a])))) == ["1 gone"])
    let again = PeerDifference(configured: [try peer(a, ["10.0.0.1/32"])], removed: [a])
    #expect(
      short(one.changes(to: one.applying(again), anew: [a])) == ["1 gone", "1 psk 0s = +10.0.0.1/32"])
    let settings = PeerDifference(configured: [
      try peer(b, ["10.0.0.3/32"], endpoint: "[::1]:2", keepalive: 9, preshared: 3)
    ])
    #expect(short(one.changes(to: one.applying(settings))) == ["2 update psk [::1]:2 9s"])
  }

  @Test func routesAndTheExitWidenWhatAPeerMaySend() throws {
    var table = PeerTable().applying(
      PeerDifference(configured: [try peer(a, ["10.0.0.1/32"]), try peer(b, ["10.1.0.0/16"])]))
    let route = { (text: String, via: PeerKey, kind: TunnelRoute.Kind) in
      TunnelRoute(destination: try Prefix(text), via: via, kind: kind)
    }
    table.routes = [
      try route("10.1.0.0/16", a, .exitLAN), try route("10.2.0.0/16", b, .mesh),
      try route("0.0.0.0/1", a, .exitDefault),
    ]
    #expect(
      table.ranges() == [
        a: Set(try ["10.0.0.1/32", "10.1.0.0/16"].map { try Prefix($0) }), b: [try Prefix("10.2.0.0/16")],
      ])
    table.exit = .fullTunnel(b)
    #expect(table.ranges()[b] == Set(try ["10.2.0.0/16", "0.0.0.0/0", "::/0"].map { try Prefix($0) }))
    #expect(try table.ranges()[a]?.contains(Prefix("0.0.0.0/1")) == true)
    // A peer that went away takes its routes' ranges along, and gets them back.
    let without = table.applying(PeerDifference(removed: [b]))
    #expect(without.ranges()[b] == nil)
    let back = without.applying(PeerDifference(configured: [try peer(b, [])]))
    #expect(back.ranges()[b] == table.ranges()[b])
  }

  @Test func namesGiveTheirNumbers() {
    #expect(InterfaceNetwork.number(of: "wg0") == InterfaceNetwork.number(of: "wg0"))
    #expect(Set((0..<1000).map { InterfaceNetwork.number(of: "wg\($0)") }).count == 1000)
    #expect((0..<1000).allSatisfy { InterfaceNetwork.number(of: "wg\($0)") >> 24 == 0x52 })
  }
}

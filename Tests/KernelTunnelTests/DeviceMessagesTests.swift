import CMnl
import Cryptography
import Diagnostics
import NetlinkKit
import NetworkTypes
import Testing
import WireGuard

@testable import KernelTunnel

/// What is written for the kernel, read as if the kernel had dumped it: the attributes are the same.
struct DeviceMessagesTests {
  private let family = GenericNetlink.Family(id: 32, version: 1, groups: [:])

  private func key(_ number: Int) -> [UInt8] {
    (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) | ($0 == 31 ? 64 : 0) }
  }

  private func peer(_ number: Int, _ ranges: [Prefix]) throws -> PeerChange {
    var peer = PeerChange(try #require(PublicKey(key(number))))
    peer.replacesAllowedAddresses = true
    peer.allowedAddresses = ranges.map { AllowedAddressChange($0) }
    return peer
  }

  private func requests(_ change: DeviceChange, limit: Int = DeviceEncoder.defaultLimit) throws -> [NetlinkMessage] {
    let requests = DeviceEncoder.requests(for: change, family: family, index: 7, limit: limit)
    for request in requests { #expect(request.count <= max(limit, DeviceEncoder.leastLimit) + 3) }
    return try requests.map { try $0.readBack() }
  }

  /// The flags of each peer of a request.
  private func flags(_ message: NetlinkMessage) throws -> [UInt32] {
    guard let peers = try message.attributes(after: 4)[Int(WGDEVICE_A_PEERS.rawValue)]?.nested() else { return [] }
    return try peers.map { try $0.nested()[Int(WGPEER_A_FLAGS.rawValue)]?.uint32() ?? 0 }
  }

  @Test func everyWordOfAChangeIsCarried() throws {
    var change = DeviceChange()
    change.privateKey = .some(Key32(key(1)))
    change.listenPort = 51820
    change.firewallMark = 0xca6c
    var one = try peer(2, [try Prefix("10.0.0.0/8"), try Prefix("fd00::/8"), try Prefix("0.0.0.0/0")])
    one.presharedKey = Key32(key(3))
    one.endpoint = try Endpoint("192.0.2.1:51821")
    one.keepaliveSeconds = 25
    var other = try peer(4, [])
    other.endpoint = try Endpoint("[fe80::1%3]:9")
    change.peers = [one, other]
    let messages = try requests(change)
    #expect(messages.count == 1)
    #expect(try messages[0].attributes(after: 4)[Int(WGDEVICE_A_IFINDEX.rawValue)]?.uint32() == 7)
    let state = try DeviceDecoder.state(of: messages)
    #expect(try state.privateKey?.isEqual(to: #require(Key32(key(1)))) == true)
    #expect(state.listenPort == 51820 && state.firewallMark == 0xca6c && state.peers.count == 2)
    #expect(state.peers[0].publicKey == one.publicKey && state.peers[0].endpoint == one.endpoint)
    #expect(try state.peers[0].presharedKey?.isEqual(to: #require(Key32(key(3)))) == true)
    #expect(state.peers[0].keepaliveSeconds == 25)
    #expect(state.peers[0].allowedAddresses == one.allowedAddresses.map(\.prefix))
    #expect(state.peers[1].endpoint == other.endpoint && state.peers[1].presharedKey == nil)
  }

  /// Flags as numbers of linux/wireguard.h.
  @Test func flagsSayWhatTheChangeSays() throws {
    var change = DeviceChange()
    #expect(try requests(change)[0].attributes(after: 4)[Int(WGDEVICE_A_FLAGS.rawValue)] == nil)
    change.replacesPeers = true
    let one = try peer(2, [])
    var two = one
    two.replacesAllowedAddresses = false
    two.updatesOnly = true
    var three = two
    three.removes = true
    three.updatesOnly = false
    three.allowedAddresses = [AllowedAddressChange(try Prefix("10.0.0.0/8"))]
    change.peers = [one, two, three]
    let message = try requests(change)[0]
    #expect(try message.attributes(after: 4)[Int(WGDEVICE_A_FLAGS.rawValue)]?.uint32() == 1)
    #expect(try flags(message) == [2, 4, 1])
    // What is said of a peer that is removed does not count, and is not sent.
    #expect(try DeviceDecoder.state(of: [message]).peers[2].allowedAddresses.isEmpty)
  }

  @Test func aKeyIsRemovedByZeros() throws {
    var change = DeviceChange()
    change.privateKey = .some(nil)
    let message = try requests(change)[0]
    #expect(
      try Array(#require(message.attributes(after: 4)[Int(WGDEVICE_A_PRIVATE_KEY.rawValue)]).value)
        == [UInt8](repeating: 0, count: 32))
    #expect(try DeviceDecoder.state(of: [message]).privateKey == nil)
  }

  @Test func aRangeIsTakenAwayByItsFlag() throws {
    var change = DeviceChange()
    var one = try peer(2, [])
    one.allowedAddresses = [
      AllowedAddressChange(try Prefix("10.0.0.0/8"), removes: true), AllowedAddressChange(try Prefix("11.0.0.0/8")),
    ]
    change.peers = [one]
    let peers = try #require(try requests(change)[0].attributes(after: 4)[Int(WGDEVICE_A_PEERS.rawValue)])
    let list = try #require(
      try peers.nested().makeIterator().first { _ in true }?.nested()[Int(WGPEER_A_ALLOWEDIPS.rawValue)])
    #expect(try list.nested().map { try $0.nested()[4]?.uint32() } == [1, nil])
  }

  /// The configurations of netns.sh, and both sides of each place where a request may end.
  @Test(arguments: [320, 400, 1024, 4096, 1 << 15, 60000])
  func whatIsSplitIsPutTogether(limit: Int) throws {
    var change = DeviceChange()
    change.replacesPeers = true
    change.listenPort = 1
    for number in 0..<40 {
      let ranges = (0..<52).map { Prefix(.v4(UInt32(number << 16 | $0 << 8 | 1))) }
      change.peers.append(try peer(100 + number, ranges))
    }
    for number in 0..<29 { change.peers.append(try peer(200 + number, [])) }
    change.peers.append(try peer(300, (0..<197).map { Prefix(.v6(UInt128($0) << 64 | 1)) }))
    let messages = try requests(change, limit: limit)
    let state = try DeviceDecoder.state(of: messages)
    #expect(state.peers.map(\.publicKey) == change.peers.map(\.publicKey))
    for (read, written) in zip(state.peers, change.peers) {
      #expect(read.allowedAddresses == written.allowedAddresses.map(\.prefix))
    }
    for (position, message) in messages.enumerated() {
      let attributes = try message.attributes(after: 4)
      // Peers are replaced once, and the device is described once: by the first.
      #expect((attributes[Int(WGDEVICE_A_FLAGS.rawValue)] != nil) == (position == 0))
      #expect((attributes[Int(WGDEVICE_A_LISTEN_PORT.rawValue)] != nil) == (position == 0))
      // A peer that goes on keeps the ranges that it has, and is not made anew.
      #expect(try flags(message).dropFirst().allSatisfy { $0 == 2 })
    }
    #expect(try messages.flatMap { try flags($0) }.count { $0 == 2 } == change.peers.count)
  }

  /// One peer at every length from one range to some requests full of them.
  @Test func everyLengthSplitsWell() throws {
    for count in 0..<60 {
      var change = DeviceChange()
      change.peers = [try peer(1, (0..<count).map { Prefix(.v6(UInt128($0))) }), try peer(2, [])]
      let state = try DeviceDecoder.state(of: try requests(change, limit: 512))
      #expect(state.peers.map(\.allowedAddresses.count) == [count, 0])
    }
  }

  @Test func aPeerMayHaveAHundredThousandRanges() throws {
    var change = DeviceChange()
    var ranges: [Prefix] = []
    for a in 0..<255 {
      for b in 0..<256 {
        ranges.append(Prefix(.v4(0x0a00_0000 | UInt32(a << 16 | b << 8))))
        ranges.append(Prefix(.v6(0xfd << 120 | UInt128(a << 16 | b))))
      }
    }
    change.peers = [try peer(1, ranges)]
    let messages = try requests(change)
    #expect(messages.count > 100)
    let state = try DeviceDecoder.state(of: messages)
    #expect(state.peers.count == 1 && state.peers[0].allowedAddresses == ranges)
  }

  /// Peers of different keys that meet at the end of a message stay two.
  @Test func onlyEqualKeysAreOnePeer() throws {
    var first = DeviceChange()
    first.peers = [try peer(1, [try Prefix("10.0.0.0/8")])]
    var second = DeviceChange()
    second.peers = [try peer(2, [try Prefix("11.0.0.0/8")])]
    let messages = try requests(first) + requests(second) + requests(second)
    let state = try DeviceDecoder.state(of: messages)
    #expect(state.peers.map(\.allowedAddresses.count) == [1, 2])
  }

  /// Changed bytes of a dump: a problem or a state, never a trap.
  @Test func changedBytesAreRefusedOrRead() throws {
    var change = DeviceChange()
    var one = try peer(1, [try Prefix("10.0.0.0/8"), try Prefix("fd00::/8")])
    one.endpoint = try Endpoint("192.0.2.1:51821")
    change.peers = [one]
    let request = DeviceEncoder.requests(for: change, family: family, index: 7)[0]
    var bytes = request.bytes
    bytes[0] = UInt8(truncatingIfNeeded: bytes.count)
    bytes[1] = UInt8(truncatingIfNeeded: bytes.count >> 8)
    var refused: Set<String> = []
    for position in bytes.indices {
      for value: UInt8 in [0, 1, 127, 128, 255, bytes[position] ^ 1] {
        var changed = bytes
        changed[position] = value
        do throws(Problem) { _ = try DeviceDecoder.state(of: try NetlinkMessage.messages(in: changed)) } catch {
          refused.insert(error.code)
        }
      }
    }
    #expect(refused == ["netlink.message", "netlink.attribute"])
  }
}

import CMnl
import Cryptography
import Diagnostics
package import NetlinkKit
import NetworkTypes
package import WireGuard

/// A `DeviceChange` as requests of the family `wireguard` (linux/wireguard.h, WG_CMD_SET_DEVICE).
///
/// A nest holds at most 65,535 bytes, so a change becomes several requests: the first carries what concerns the device and
/// whether peers are replaced; a peer whose ranges do not fit goes on in the next request with its key alone, and is not
/// made anew there should it have gone meanwhile.
package struct DeviceEncoder {
  /// The bytes of a request after which the next one begins.
  package static let defaultLimit = 1 << 15
  /// No request is shorter than one peer with one range.
  static let leastLimit = 320

  private let family: GenericNetlink.Family
  private let index: UInt32
  private let limit: Int
  private var finished: [NetlinkRequest] = []
  private var request: NetlinkRequest
  /// Where the nest of peers begins in the request; nil before it does.
  private var peers: Int?

  /// The requests for a link, each at most `limit` bytes long. They hold keys: wipe them.
  package static func requests(
    for change: DeviceChange, family: GenericNetlink.Family, index: UInt32, limit: Int = defaultLimit
  ) -> [NetlinkRequest] {
    var encoder = DeviceEncoder(family: family, index: index, limit: max(limit, leastLimit))
    encoder.encodeDevice(change)
    for peer in change.peers { encoder.encode(peer) }
    encoder.endRequest()
    return encoder.finished
  }

  private init(family: GenericNetlink.Family, index: UInt32, limit: Int) {
    self.family = family
    self.index = index
    self.limit = limit
    request = Self.begin(family, index, limit)
  }

  private static func begin(_ family: GenericNetlink.Family, _ index: UInt32, _ limit: Int) -> NetlinkRequest {
    var request = GenericNetlink.request(family, command: UInt8(WG_CMD_SET_DEVICE.rawValue))
    request.reserve(limit)
    request.add(Int(WGDEVICE_A_IFINDEX.rawValue), index)
    return request
  }

  private mutating func encodeDevice(_ change: DeviceChange) {
    if let key = change.privateKey { addKey(Int(WGDEVICE_A_PRIVATE_KEY.rawValue), key) }
    if let port = change.listenPort { request.add(Int(WGDEVICE_A_LISTEN_PORT.rawValue), port) }
    if let mark = change.firewallMark { request.add(Int(WGDEVICE_A_FWMARK.rawValue), mark) }
    if change.replacesPeers {
      request.add(Int(WGDEVICE_A_FLAGS.rawValue), UInt32(WGDEVICE_F_REPLACE_PEERS.rawValue))
    }
  }

  private mutating func encode(_ peer: PeerChange) {
    var flags: UInt32 = 0
    if peer.removes { flags |= UInt32(WGPEER_F_REMOVE_ME.rawValue) }
    if peer.updatesOnly { flags |= UInt32(WGPEER_F_UPDATE_ONLY.rawValue) }
    if peer.replacesAllowedAddresses, !peer.removes { flags |= UInt32(WGPEER_F_REPLACE_ALLOWEDIPS.rawValue) }
    // Key, flags, second key, endpoint, keepalive and the heads of three nests are 132 bytes.
    if request.count + 132 > limit { endRequest() }
    var nest = beginPeer(peer.publicKey, flags: flags)
    if !peer.removes {
      if let key = peer.presharedKey { addKey(Int(WGPEER_A_PRESHARED_KEY.rawValue), key) }
      if let endpoint = peer.endpoint {
        request.add(Int(WGPEER_A_ENDPOINT.rawValue), SocketAddress.bytes(of: endpoint))
      }
      if let seconds = peer.keepaliveSeconds {
        request.add(Int(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL.rawValue), seconds)
      }
      encode(peer.allowedAddresses, of: peer.publicKey, in: &nest)
    }
    request.end(nest)
  }

  private mutating func encode(_ ranges: [AllowedAddressChange], of key: PublicKey, in nest: inout Int) {
    guard !ranges.isEmpty else { return }
    var list = request.begin(Int(WGPEER_A_ALLOWEDIPS.rawValue))
    for range in ranges {
      // Heads, family, length and flags are 28 bytes, the address comes on top.
      if request.count + 28 + range.prefix.address.family.bits / 8 + 4 > limit {
        request.end(list)
        request.end(nest)
        endRequest()
        nest = beginPeer(key, flags: UInt32(WGPEER_F_UPDATE_ONLY.rawValue))
        list = request.begin(Int(WGPEER_A_ALLOWEDIPS.rawValue))
      }
      request.nest(0) { entry in
        entry.add(Int(WGALLOWEDIP_A_FAMILY.rawValue), SocketAddress.family(of: range.prefix.address))
        entry.add(Int(WGALLOWEDIP_A_IPADDR.rawValue), range.prefix.address)
        entry.add(Int(WGALLOWEDIP_A_CIDR_MASK.rawValue), UInt8(range.prefix.length))
        if range.removes { entry.add(AllowedAddressFlag.attribute, AllowedAddressFlag.remove) }
      }
    }
    request.end(list)
  }

  private mutating func beginPeer(_ key: PublicKey, flags: UInt32) -> Int {
    if peers == nil { peers = request.begin(Int(WGDEVICE_A_PEERS.rawValue)) }
    let nest = request.begin(0)
    request.add(Int(WGPEER_A_PUBLIC_KEY.rawValue), key.bytes)
    if flags != 0 { request.add(Int(WGPEER_A_FLAGS.rawValue), flags) }
    return nest
  }

  /// Ends the request and begins another for the same link.
  private mutating func endRequest() {
    if let peers { request.end(peers) }
    finished.append(request)
    peers = nil
    request = Self.begin(family, index, limit)
  }

  /// A key byte by byte, so that no other copy of it is made; nil is written as zeros, which remove a key.
  private mutating func addKey(_ type: Int, _ key: Key32?) {
    let start = request.begin(type, isNest: false)
    guard let key else {
      for _ in 0..<4 { request.append(UInt64(0)) }
      return request.end(start)
    }
    // Safe: a key has 32 bytes, and they are read within the closure.
    unsafe key.withBytes { bytes in
      for index in 0..<Key32.length { unsafe request.append(bytes[index]) }
    }
    request.end(start)
  }
}

/// Removing one range, new in Linux 6.16: older headers have no name for it.
enum AllowedAddressFlag {
  /// WGALLOWEDIP_A_FLAGS.
  static let attribute = 4
  /// WGALLOWEDIP_F_REMOVE_ME.
  static let remove: UInt32 = 1
}

import CMnl
import Cryptography
package import Diagnostics
package import NetlinkKit
import NetworkTypes
package import WireGuard

/// A dump of WG_CMD_GET_DEVICE as a `DeviceState`.
///
/// The first message describes the device. A peer whose ranges do not fit goes on as the first peer of the next message,
/// with its key and more ranges: those two are one.
package enum DeviceDecoder {
  /// Reads a whole dump. Throws `netlink.message` and `netlink.attribute`; never guesses at what is missing.
  package static func state(of messages: [NetlinkMessage]) throws(Problem) -> DeviceState {
    var state = DeviceState(privateKey: nil, publicKey: nil, listenPort: 0, firewallMark: 0, peers: [])
    for message in messages {
      for attribute in try message.attributes(after: GenericNetlink.headerLength) {
        switch Int(attribute.type) {
        case Int(WGDEVICE_A_PRIVATE_KEY.rawValue): state.privateKey = try secret(attribute)
        case Int(WGDEVICE_A_PUBLIC_KEY.rawValue): state.publicKey = PublicKey(Array(try attribute.bytes(32)))
        case Int(WGDEVICE_A_LISTEN_PORT.rawValue): state.listenPort = try attribute.uint16()
        case Int(WGDEVICE_A_FWMARK.rawValue): state.firewallMark = try attribute.uint32()
        case Int(WGDEVICE_A_PEERS.rawValue): try read(try attribute.nested(), into: &state.peers)
        default: break  // name and number of the link, and what newer kernels add
        }
      }
    }
    return state
  }

  private static func read(_ list: NetlinkAttributes, into peers: inout [PeerState]) throws(Problem) {
    for (position, entry) in list.enumerated() {
      let peer = try peer(try entry.nested())
      guard position == 0, let last = peers.indices.last, peers[last].publicKey == peer.publicKey else {
        peers.append(peer)
        continue
      }
      peers[last].allowedAddresses += peer.allowedAddresses
    }
  }

  private static func peer(_ attributes: NetlinkAttributes) throws(Problem) -> PeerState {
    guard let key = PublicKey(Array(try attributes[Int(WGPEER_A_PUBLIC_KEY.rawValue)]?.bytes(32) ?? [])) else {
      throw .malformed("netlink.message", "the kernel describes a peer without a key")
    }
    var peer = PeerState(publicKey: key)
    for attribute in attributes {
      switch Int(attribute.type) {
      case Int(WGPEER_A_PRESHARED_KEY.rawValue): peer.presharedKey = try secret(attribute)
      case Int(WGPEER_A_ENDPOINT.rawValue): peer.endpoint = try SocketAddress.endpoint(attribute)
      case Int(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL.rawValue): peer.keepaliveSeconds = try attribute.uint16()
      case Int(WGPEER_A_LAST_HANDSHAKE_TIME.rawValue):
        peer.lastHandshake = (
          Int64(bitPattern: try attribute.field(UInt64.self, at: 0)),
          Int64(bitPattern: try attribute.field(UInt64.self, at: 8))
        )
      case Int(WGPEER_A_RX_BYTES.rawValue): peer.receivedBytes = try attribute.uint64()
      case Int(WGPEER_A_TX_BYTES.rawValue): peer.sentBytes = try attribute.uint64()
      case Int(WGPEER_A_ALLOWEDIPS.rawValue):
        for entry in try attribute.nested() { peer.allowedAddresses.append(try range(try entry.nested())) }
      default: break
      }
    }
    return peer
  }

  private static func range(_ attributes: NetlinkAttributes) throws(Problem) -> Prefix {
    guard let address = try attributes[Int(WGALLOWEDIP_A_IPADDR.rawValue)]?.address(),
      let length = try attributes[Int(WGALLOWEDIP_A_CIDR_MASK.rawValue)]?.uint8(),
      let prefix = Prefix(masking: address, length: Int(length))
    else { throw .malformed("netlink.attribute", "the kernel describes an allowed range without one") }
    return prefix
  }

  /// A key, nil where it is all zeros: that is how the kernel says that there is none.
  private static func secret(_ attribute: NetlinkAttribute) throws(Problem) -> Key32? {
    let bytes = try attribute.bytes(32)
    let start = bytes.startIndex
    // Safe: the closure writes the 32 bytes that it is lent.
    let key = unsafe Key32 { memory in
      for index in 0..<Key32.length { unsafe memory[index] = bytes[start + index] }
    }
    return key.isZero ? nil : key
  }
}

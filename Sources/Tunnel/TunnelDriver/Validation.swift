import Cryptography
import Diagnostics
import NetlinkKit
import NetworkTypes
import TunnelBackend

// What is refused before anything is changed (P1-3, P1-6).
extension DrivenTunnel {
  func requireValid(_ context: TunnelContext) throws(Problem) {
    guard Link.isValid(name: context.interface) else {
      throw TunnelProblem.invalidInput("\"\(context.interface)\" is no name of an interface")
    }
    guard (576...65535).contains(context.mtu) else {
      throw TunnelProblem.invalidInput("an MTU of \(context.mtu) bytes is not between 576 and 65535")
    }
    guard !context.privateKey.isZero else { throw TunnelProblem.invalidInput("the private key is all zeros") }
    var seen: Set<IPAddress> = []
    for (address, length) in context.addresses {
      guard (1...address.family.bits).contains(length), seen.insert(address).inserted else {
        throw TunnelProblem.invalidInput("the address \(address)/\(length) is there twice, or has no such length")
      }
      guard address.family == .v4 || context.mtu >= 1280 else {
        throw TunnelProblem.invalidInput("IPv6 needs an MTU of at least 1280 bytes, not \(context.mtu)")
      }
      if address.family == .v6 { try require(.ipv6, "IPv6") }
    }
  }

  func requireValid(_ peer: TunnelPeer, ownKey: [UInt8]) throws(Problem) {
    guard peer.publicKey.bytes != ownKey else {
      throw TunnelProblem.invalidInput("\(peer.node) has this node's own key")
    }
    guard peer.publicKey.bytes.contains(where: { $0 != 0 }) else {
      throw TunnelProblem.invalidInput("\(peer.node) has a key of zeros")
    }
    if peer.presharedKey != nil { try require(.presharedKeys, "preshared keys") }
    if let endpoint = peer.endpoint {
      guard endpoint.port != 0 else { throw TunnelProblem.invalidInput("\(peer.node) has an endpoint without a port") }
      if endpoint.address.family == .v6 { try require(.ipv6, "IPv6") }
    }
    if peer.allowedAddresses.contains(where: { $0.address.family == .v6 }) { try require(.ipv6, "IPv6") }
  }

  /// A key or a range twice in one difference has no meaning.
  func requireDistinct(_ difference: PeerDifference) throws(Problem) {
    var keys: Set<PeerKey> = []
    var owners: [Prefix: PeerKey] = [:]
    for peer in difference.configured {
      guard keys.insert(peer.publicKey).inserted else {
        throw TunnelProblem.invalidInput("\(peer.node) is configured twice")
      }
      for range in peer.allowedAddresses {
        if let owner = owners.updateValue(peer.publicKey, forKey: range), owner != peer.publicKey {
          throw TunnelProblem.invalidInput("\(range) is given to two peers")
        }
      }
    }
  }

  func requireValid(
    _ routes: [TunnelRoute], peers: [PeerKey: TunnelPeer], mtu: Int
  ) throws(Problem) {
    var owners: [Prefix: TunnelRoute] = [:]
    for route in routes {
      switch route.kind {
      case .mesh: break
      case .exitLAN: try require(.lanRoutes, "routes to networks behind peers")
      case .exitDefault: try require(.exitNodes, "exit mode")
      }
      guard peers[route.via] != nil else {
        throw TunnelProblem.invalidInput("the route to \(route.destination) goes through no peer of the tunnel")
      }
      if route.destination.address.family == .v6 {
        try require(.ipv6, "IPv6")
        guard mtu >= 1280 else {
          throw TunnelProblem.invalidInput("IPv6 needs an MTU of at least 1280 bytes, not \(mtu)")
        }
      }
      guard route.destination.length > 0 || route.kind == .exitDefault else {
        throw TunnelProblem.invalidInput("only an exit is a route to everything")
      }
      if let other = owners.updateValue(route, forKey: route.destination), other != route {
        throw TunnelProblem.invalidInput("there are two routes to \(route.destination)")
      }
    }
  }

  func require(_ capability: Capabilities, _ words: String) throws(Problem) {
    guard capabilities.contains(capability) else { throw TunnelProblem.unsupported(words, by: name) }
  }

  /// The public key of a private one.
  func publicKey(of key: Key32) throws(Problem) -> [UInt8] {
    let secret = unsafe SecretBytes(count: Key32.length) { memory in
      // Safe: both have 32 bytes.
      unsafe key.withBytes { bytes in for index in 0..<Key32.length { unsafe memory[index] = bytes[index] } }
    }
    return try X25519.publicKey(of: secret)
  }
}

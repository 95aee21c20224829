import CLinux
import NetworkTypes
import WireGuard

/// How long packets may be on the ways to the peers, as the routes and what the kernel has learnt of a path say.
extension Dataplane {
  /// Octets of the largest outer packet on the way to an endpoint; nil where no route says.
  func routeMTU(to endpoint: Endpoint) -> Int? {
    let octets = endpoint.address.octets
    // Safe: the array holds as many octets as are told.
    let mtu = unsafe cl_route_mtu(routes, octets, Int32(octets.count), endpoint.scope, mark, ownInterface)
    return mtu > 0 ? Int(mtu) : nil
  }

  /// Octets of the largest inner packet that goes to an endpoint in one piece: without the headers of IP (RFC 791, 3.1;
  /// RFC 8200, 3) and UDP, and those of the message. Never less than what every link takes (RFC 791, 3.2).
  func limit(to endpoint: Endpoint, _ routeMTU: Int?) -> Int {
    let headers = endpoint.address.family == .v4 ? 28 : 48
    return min(max((routeMTU ?? .max) - headers - Layout.Transport.minimumLength, 68), EndpointHot.longest)
  }

  /// The smallest MTU of the ways to all peers; nil where no route says.
  var smallestRouteMTU: Int? { unsafe peers.values.compactMap { unsafe $0.routeMTU }.min() }

  /// Asks for the way to a peer again: routes and marks change, and the kernel learns what a path takes without a word.
  func reviewPath(_ slot: PeerSlot) {
    guard let peer = unsafe peers[slot.index], let endpoint = unsafe peer.endpoint,
      let place = unsafe peer.hot.pointee.endpoint
    else { return }
    let found = routeMTU(to: endpoint)
    let record = unsafe place.assumingMemoryBound(to: EndpointHot.self)
    // A record that the receiving thread has made does not say it yet.
    unsafe cl_store_relaxed(&record.pointee.limit, UInt64(limit(to: endpoint, found)))
    guard unsafe found != peer.routeMTU else { return }
    note(found, of: slot)
    // Segments of what fits are not refused any more.
    unsafe cl_store_relaxed(&record.pointee.refusesSegments, 0)
  }

  /// Asks for the way to every peer again.
  func reviewPaths() {
    unsafe peers.keys.forEach { reviewPath(PeerSlot(index: $0)) }
  }

  func note(_ routeMTU: Int?, of slot: PeerSlot) {
    guard unsafe peers[slot.index]?.routeMTU != routeMTU else { return }
    unsafe peers[slot.index]?.routeMTU = routeMTU
    hasNewRouteMTU = true
  }
}

import Cryptography

/// Configuration: differences in, the state out.
extension Device {
  /// Applies a difference: port, mark, the removal of all peers, the private key, then the peers in their order.
  public func apply(_ change: DeviceChange, at now: Moment) {
    if let port = change.listenPort, port != listenPort {
      listenPort = port
      emit(.bind(port: port))
    }
    if let mark = change.firewallMark, mark != firewallMark {
      firewallMark = mark
      emit(.mark(mark))
    }
    var hasNewRoutes = false
    if change.replacesPeers {
      for peer in peersInOrder { hasNewRoutes = remove(peer) || hasNewRoutes }
    }
    if let key = change.privateKey { hasNewRoutes = set(privateKey: key) || hasNewRoutes }
    for peer in change.peers { hasNewRoutes = apply(peer, at: now) || hasNewRoutes }
    if hasNewRoutes { emit(.routes) }
  }

  /// The port of the last `Effect.bind` was refused, and the one before stays: whoever asks again has it tried again.
  public func portWasRefused(staysAt port: UInt16) { listenPort = port }

  /// The device as it is. `traffic` gives the bytes of transport messages that the packet path counted on the wire for a
  /// peer; the device adds the handshakes. `listenPort` is the port in use where 0 was asked for.
  public func state(
    listenPort port: UInt16? = nil, traffic: (PeerSlot) -> (received: UInt64, sent: UInt64) = { _ in (0, 0) }
  ) -> DeviceState {
    DeviceState(
      privateKey: identity?.keys.privateKey, publicKey: identity?.publicKey, listenPort: port ?? listenPort,
      firewallMark: firewallMark,
      peers: peersInOrder.map { peer in
        let traffic = traffic(peer.slot)
        return PeerState(
          publicKey: peer.publicKey, presharedKey: peer.presharedKey, endpoint: peer.endpoint,
          keepaliveSeconds: peer.keepaliveSeconds,
          lastHandshake: peer.lastHandshake.map { ($0.seconds, $0.nanoseconds) } ?? (0, 0),
          receivedBytes: traffic.received &+ peer.received, sentBytes: traffic.sent &+ peer.sent,
          allowedAddresses: allowed.ranges(of: peer.slot))
      })
  }

  /// Every peer in the order of creation.
  var peersInOrder: [Peer] { peers.compactMap(\.self).sorted { $0.sequence < $1.sequence } }

  /// Sets or removes the private key; true when a peer with routes went with it.
  private func set(privateKey: Key32?) -> Bool {
    let key = privateKey.flatMap { $0.isZero ? nil : X25519.clamped($0) }
    switch (key, identity) {
    case (nil, nil): return false
    case (let key?, let identity?) where key.isEqual(to: identity.keys.privateKey): return false
    default: break
    }
    identity = key.map { Identity($0, machine: machine) }
    // Nobody is its own peer.
    var hasNewRoutes = false
    if let own = identity?.publicKey, let slot = slots[own], let peer = self.peer(slot) { hasNewRoutes = remove(peer) }
    for peer in peersInOrder {
      share(peer)
      // Sessions of the old key are still received with, so that nothing that is under way is lost, until they end.
      abandon(peer)
      peer.sessions.stopSending()
      peer.timers.lastHandshakeSent = .never
      peer.timers.retry = .never
      if peer.sessions.current != nil { emit(.use(peer.slot, localIndex: nil)) }
    }
    return hasNewRoutes
  }

  /// Computes the secret of both static keys. Call it when either changed.
  private func share(_ peer: Peer) {
    peer.shared = identity.flatMap { X25519.sharedKey($0.keys.privateKey, with: peer.publicKey.bytes) }
  }

  /// Applies one peer's part; true when routes changed.
  private func apply(_ change: PeerChange, at now: Moment) -> Bool {
    if change.publicKey == identity?.publicKey { return false }
    let known = slots[change.publicKey].flatMap { self.peer($0) }
    if change.removes { return known.map { remove($0) } ?? false }
    if known == nil, change.updatesOnly { return false }
    let peer = known ?? add(change.publicKey)
    if let key = change.presharedKey { peer.presharedKey = key.isZero ? nil : key }
    if let endpoint = change.endpoint { direct(peer, to: endpoint) }
    if let seconds = change.keepaliveSeconds {
      peer.timers.isKeepaliveDue = seconds > 0 && (peer.keepaliveSeconds == 0 || peer.timers.isKeepaliveDue)
      peer.keepaliveSeconds = seconds
    }
    return route(change, to: peer)
  }

  private func route(_ change: PeerChange, to peer: Peer) -> Bool {
    var hasNewRoutes = change.replacesAllowedAddresses && allowed.hasRanges(peer.slot)
    if change.replacesAllowedAddresses { allowed.removeAll(of: peer.slot) }
    for range in change.allowedAddresses {
      if range.removes {
        allowed.remove(range.prefix, from: peer.slot)
      } else {
        allowed.insert(range.prefix, for: peer.slot)
      }
      hasNewRoutes = true
    }
    return hasNewRoutes
  }

  private func add(_ key: PublicKey) -> Peer {
    let place = peers.firstIndex { $0 == nil } ?? peers.count
    let slot = PeerSlot(index: Int32(place))
    let peer = Peer(key, slot: slot, sequence: created, machine: machine)
    created += 1
    if place == peers.count { peers.append(peer) } else { peers[place] = peer }
    slots[key] = slot
    share(peer)
    emit(.remember(slot, key))
    return peer
  }

  /// Removes a peer with all that belongs to it; true when it had routes.
  private func remove(_ peer: Peer) -> Bool {
    let hadRoutes = allowed.hasRanges(peer.slot)
    allowed.removeAll(of: peer.slot)
    abandon(peer)
    let sessions = peer.sessions.removeAll()
    if !sessions.isEmpty { emit(.use(peer.slot, localIndex: nil)) }
    retire(sessions)
    slots[peer.publicKey] = nil
    peers[Int(peer.slot.index)] = nil
    emit(.forget(peer.slot))
    return hadRoutes
  }
}

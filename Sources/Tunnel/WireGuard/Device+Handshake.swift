import Cryptography
public import NetworkTypes

/// Handshakes, both ways (whitepaper, 5.4).
extension Device {
  /// A handshake message or a cookie reply came (types 1 to 3; anything else is counted and dropped).
  public func receive(
    _ message: RawSpan, from source: Endpoint, underLoad: Bool, at now: Moment, wall: WallTime
  ) {
    guard message.byteCount >= 4, message.byteCount <= Layout.Initiation.length else { return dropped.add(.malformed) }
    // Safe: the buffer is read during the call, and copied.
    receive(
      unsafe message.withUnsafeBytes { unsafe Array($0) }, from: source, underLoad: underLoad, at: now, wall: wall)
  }

  /// The same from an array.
  public func receive(
    _ message: [UInt8], from source: Endpoint, underLoad: Bool, at now: Moment, wall: WallTime
  ) {
    guard let type = type(of: message) else { return }
    guard isUp else { return dropped.add(.interfaceDown) }
    guard let identity else { return dropped.add(.noIdentity) }
    if type == .cookieReply { return receiveCookie(message, at: now) }
    guard passes(message, type, identity, from: source, underLoad: underLoad, at: now) else { return }
    if type == .initiation {
      receiveInitiation(message, identity, from: source, at: now)
    } else {
      receiveResponse(message, identity, from: source, at: now, wall: wall)
    }
  }

  /// The type of a message that is as long as its type; anything else is counted.
  private func type(of message: [UInt8]) -> MessageType? {
    guard message.count >= 4, let type = MessageType(rawValue: UInt32(message[0])), type != .transport,
      message.count == type.handshakeLength
    else {
      dropped.add(.malformed)
      return nil
    }
    guard message[1..<4].allSatisfy({ $0 == 0 }) else {
      dropped.add(.reserved)
      return nil
    }
    return type
  }

  /// Whether a message may cost a key exchange: its first MAC, and under load its cookie and its source's rate (5.3).
  private func passes(
    _ message: [UInt8], _ type: MessageType, _ identity: Identity, from source: Endpoint, underLoad: Bool,
    at now: Moment
  ) -> Bool {
    let start = type == .initiation ? Layout.Initiation.mac1 : Layout.Response.mac1
    let end = start + Layout.tag
    guard isMAC(message, at: start, key: identity.messageKeys.mac1) else {
      dropped.add(.wrongMAC)
      return false
    }
    guard underLoad else { return true }
    let cookie = cookieMaker.cookie(for: source, at: now, machine: machine, randomness: randomness)
    guard isMAC(message, at: end, key: cookie) else {
      dropped.add(.cookieDemanded)
      demandCookie(cookie, for: message, mac1: Array(message[start..<end]), identity, from: source)
      return false
    }
    guard rateLimiter.allows(source.address, at: now) else {
      dropped.add(.rateLimited)
      return false
    }
    return true
  }

  /// Whether the sixteen bytes at a place are the MAC of what stands before them.
  private func isMAC(_ message: [UInt8], at place: Int, key: [UInt8]) -> Bool {
    let bytes = unsafe message.span.bytes
    let mac = machine.mac(bytes.extracting(0..<place), key: key)
    return unsafe ConstantTime.isEqual(mac.span.bytes, bytes.extracting(place..<place + Layout.tag))
  }

  // MARK: Cookies (5.4.7)

  private func demandCookie(
    _ cookie: [UInt8], for message: [UInt8], mac1: [UInt8], _ identity: Identity, from source: Endpoint
  ) {
    let nonce = randomness(Layout.CookieReply.nonce.count)
    let sealed = unsafe AuthenticatedCipher.xchacha20Poly1305.seal(
      cookie.span.bytes, key: identity.messageKeys.cookie, nonce: nonce, associatedData: mac1.span.bytes)
    var reply: [UInt8] = []
    reply.reserveCapacity(Layout.CookieReply.length)
    reply.append(type: .cookieReply)
    // The sender's own index comes back to it; it stands behind the type in both messages.
    reply += message[4..<8]
    reply += nonce
    reply += sealed
    emit(.send(message: reply, to: source, peer: nil))
  }

  private func receiveCookie(_ message: [UInt8], at now: Moment) {
    guard let peer = owner(of: message.littleEndian(at: Layout.CookieReply.receiver)) else {
      return dropped.add(.unknownIndex)
    }
    let isTaken = peer.cookies.take(
      nonce: Array(message[Layout.CookieReply.nonce]), sealed: Array(message[Layout.CookieReply.cookie]),
      from: peer.messageKeys, at: now)
    if !isTaken { dropped.add(.forgedCookie) }
  }

  private func owner(of index: UInt32) -> Peer? { indices[index].flatMap { self.peer($0) } }

  // MARK: As initiator (5.4.2, 5.4.3)

  /// Begins a handshake unless one was begun less than five seconds ago. A retry goes on counting tries.
  func beginHandshake(_ peer: Peer, isRetry: Bool, at now: Moment, wall: WallTime) {
    if !isRetry { peer.timers.attempts = 0 }
    let last = peer.timers.lastHandshakeSent
    let earliest = last.adding(milliseconds: Specification.retrySeconds * 1_000)
    guard last == .never || now >= earliest else {
      // A response went out in between; when nobody confirms it, the retry goes on.
      if isRetry { peer.timers.retry = earliest.adding(milliseconds: peer.timers.jitter) }
      return
    }
    guard let endpoint = peer.endpoint, let identity, let shared = peer.shared else { return }
    abandon(peer)
    guard let index = allocateIndex(for: peer.slot),
      let initiation = noise.initiate(
        identity.keys, to: peer.publicKey.bytes, shared: shared, ephemeral: ephemeral(),
        payload: clock.timestamp(wall, at: now).bytes)
    else { return }
    peer.pending = Peer.Pending(localIndex: index, initiation: initiation)
    var message: [UInt8] = []
    message.reserveCapacity(Layout.Initiation.length)
    message.append(type: .initiation)
    message.append(littleEndian: index)
    message += initiation.ephemeral.publicKey
    message += initiation.sealedIdentity
    message += initiation.sealedPayload
    peer.cookies.seal(&message, to: peer.messageKeys, at: now, machine: machine)
    emit(.send(message: message, to: endpoint, peer: peer.slot))
    peer.sent &+= UInt64(message.count)
    initiationSent(peer, at: now)
  }

  private func receiveResponse(
    _ message: [UInt8], _ identity: Identity, from source: Endpoint, at now: Moment, wall: WallTime
  ) {
    guard let peer = owner(of: message.littleEndian(at: Layout.Response.receiver)), let pending = peer.pending,
      pending.localIndex == message.littleEndian(at: Layout.Response.receiver)
    else { return dropped.add(.unknownIndex) }
    let ephemeral = Array(message[Layout.Response.ephemeral..<Layout.Response.ephemeral + Layout.key])
    guard
      let answer = noise.readResponse(
        pending.initiation, own: identity.keys, remoteEphemeral: ephemeral, presharedKey: presharedKey(of: peer),
        sealed: Array(message[Layout.Response.empty]))
    else { return dropped.add(.forgedResponse) }
    // The index lives on as the session's.
    peer.pending = nil
    let (sending, receiving) = answer.state.split()
    let keys = TransportKeys(
      peer: peer.slot, localIndex: pending.localIndex, remoteIndex: message.littleEndian(at: Layout.Response.sender),
      sending: sending, receiving: receiving, isInitiator: true, born: now)
    peer.received &+= UInt64(message.count)
    arrived(peer, from: source)
    emit(.accept(keys))
    emit(.use(peer.slot, localIndex: keys.localIndex))
    retire(peer.sessions.use(keys))
    handshakeReceived(peer, at: now)
    completed(peer, at: now, wall: wall)
    // The other side waits for a first packet before it sends anything.
    emit(.confirm(peer.slot))
  }

  // MARK: As responder

  private func receiveInitiation(_ message: [UInt8], _ identity: Identity, from source: Endpoint, at now: Moment) {
    let ephemeral = Array(message[Layout.Initiation.ephemeral..<Layout.Initiation.ephemeral + Layout.key])
    guard
      let (state, remote) = noise.readIdentity(
        identity.keys, ephemeral: ephemeral, sealed: Array(message[Layout.Initiation.identity]))
    else { return dropped.add(.forgedInitiation) }
    guard let key = PublicKey(remote), let slot = slots[key], let peer = self.peer(slot) else {
      return dropped.add(.unknownPeer)
    }
    guard let shared = peer.shared,
      let payload = noise.readPayload(state, shared: shared, sealed: Array(message[Layout.Initiation.timestamp])),
      let timestamp = TAI64N(payload)
    else { return dropped.add(.forgedInitiation) }
    guard isFresh(timestamp, of: peer, at: now) else { return }
    respond(to: peer, message, state, remoteEphemeral: ephemeral, from: source, at: now)
  }

  /// Whether an authentic initiation is new and not one too many; both are remembered (5.1).
  private func isFresh(_ timestamp: TAI64N, of peer: Peer, at now: Moment) -> Bool {
    if let last = peer.lastTimestamp, timestamp <= last {
      dropped.add(.replayedInitiation)
      return false
    }
    let interval = 1_000 / Implementation.initiationsPerSecond
    let last = peer.lastInitiationTaken
    guard last == .never || now >= last.adding(milliseconds: interval) else {
      dropped.add(.floodingPeer)
      return false
    }
    peer.lastTimestamp = timestamp
    peer.lastInitiationTaken = now
    return true
  }

  private func respond(
    to peer: Peer, _ message: [UInt8], _ state: NoiseState, remoteEphemeral: [UInt8], from source: Endpoint,
    at now: Moment
  ) {
    let ephemeral = ephemeral()
    guard let index = allocateIndex(for: peer.slot) else { return }
    guard
      let sealed = noise.respond(
        state, ephemeral: ephemeral, remoteEphemeral: remoteEphemeral, remote: peer.publicKey.bytes,
        presharedKey: presharedKey(of: peer), payload: [])
    else {
      indices[index] = nil
      return dropped.add(.forgedInitiation)
    }
    let remoteIndex = message.littleEndian(at: Layout.Initiation.sender)
    let (receiving, sending) = state.split()
    let keys = TransportKeys(
      peer: peer.slot, localIndex: index, remoteIndex: remoteIndex, sending: sending, receiving: receiving,
      isInitiator: false, born: now)
    peer.received &+= UInt64(message.count)
    arrived(peer, from: source)
    emit(.accept(keys))
    retire(peer.sessions.accept(keys))
    handshakeReceived(peer, at: now)
    var response: [UInt8] = []
    response.reserveCapacity(Layout.Response.length)
    response.append(type: .response)
    response.append(littleEndian: index)
    response.append(littleEndian: remoteIndex)
    response += ephemeral.publicKey
    response += sealed
    peer.cookies.seal(&response, to: peer.messageKeys, at: now, machine: machine)
    emit(.send(message: response, to: source, peer: peer.slot))
    peer.sent &+= UInt64(response.count)
    responseSent(peer, at: now)
  }

  // MARK: Keys

  private func ephemeral() -> Noise.KeyPair {
    var bytes = randomness(Key32.length)
    guard let key = Key32(consuming: &bytes) else { preconditionFailure("the randomness gave another count") }
    return Noise.KeyPair(key)
  }

  /// Without a pre-shared key thirty-two zeros take its place (5.2).
  private func presharedKey(of peer: Peer) -> Key32 { peer.presharedKey ?? Self.noPresharedKey }
  private static let noPresharedKey = unsafe Key32(filledBy: { _ in })
}

extension MessageType {
  /// The length of a handshake message of this type, in bytes.
  fileprivate var handshakeLength: Int? {
    switch self {
    case .initiation: Layout.Initiation.length
    case .response: Layout.Response.length
    case .cookieReply: Layout.CookieReply.length
    case .transport: nil
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(type: MessageType) { append(littleEndian: type.rawValue) }

  fileprivate mutating func append(littleEndian value: UInt32) {
    for shift: UInt32 in [0, 8, 16, 24] { append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  fileprivate func littleEndian(at place: Int) -> UInt32 {
    self[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Time (whitepaper, 6). Five timers a peer:
///
/// - retry: an initiation that is not answered in five seconds is sent again, eighteen times in all;
/// - new handshake: data was sent and nothing authentic came back for fifteen seconds;
/// - keepalive: data was received and nothing was sent for ten seconds;
/// - wipe: no handshake for three lives of a session;
/// - persistent keepalive: nothing went either way for as long as the peer's interval says.
///
/// The second, third and last depend on `PeerActivity`, which the packet path writes. Each is acted on once for the
/// moment that began it, so a packet path that cannot act at once is not asked again and again.
extension Device {
  /// Does everything that is due.
  public func advance(to now: Moment, wall: WallTime, activity: (PeerSlot) -> PeerActivity) {
    guard isUp else { return }
    for case let peer? in peers {
      let traffic = activity(peer.slot)
      if isDue(peer.timers.retry, now) { retry(peer, at: now, wall: wall) }
      if isDue(peer.timers.wipe, now) { wipe(peer) }
      if isDue(newHandshakeTime(peer, traffic), now) {
        peer.timers.answeredSend = traffic.firstUnansweredSend
        emit(.unstick(peer.slot))
        beginHandshake(peer, isRetry: false, at: now, wall: wall)
      }
      if isDue(keepaliveTime(peer, traffic), now) {
        peer.timers.answeredReceive = traffic.firstUnansweredReceive
        sendKeepalive(peer, at: now, wall: wall)
      }
      if let due = persistentTime(peer, traffic), due <= now {
        peer.timers.isKeepaliveDue = false
        peer.timers.lastTraversal = now
        sendKeepalive(peer, at: now, wall: wall)
      }
    }
  }

  /// When something is due next, as far as the activity says now; nil for never. Traffic brings new deadlines, none of
  /// them nearer than one second: whoever asks once a second while packets move is never late by more.
  public func nextDeadline(activity: (PeerSlot) -> PeerActivity) -> Moment? {
    guard isUp else { return nil }
    var next: Moment?
    func consider(_ time: Moment) { next = min(next ?? time, time) }
    for case let peer? in peers {
      let traffic = activity(peer.slot)
      if peer.timers.retry != .never { consider(peer.timers.retry) }
      if peer.timers.wipe != .never { consider(peer.timers.wipe) }
      let handshake = newHandshakeTime(peer, traffic)
      if handshake != .never { consider(handshake) }
      let keepalive = keepaliveTime(peer, traffic)
      if keepalive != .never { consider(keepalive) }
      if let time = persistentTime(peer, traffic) { consider(time) }
    }
    return next
  }

  /// The interface went down or came up. Down, no key is kept, nothing is sent and nothing is answered; up, the peers with
  /// a persistent keepalive are called at once. That is what the kernel's WireGuard does.
  public func set(isUp new: Bool) {
    guard new != isUp else { return }
    isUp = new
    for case let peer? in peers {
      if new {
        peer.timers.isKeepaliveDue = peer.keepaliveSeconds > 0
      } else {
        wipe(peer)
        peer.timers.lastHandshakeSent = .never
        emit(.dropStaged(peer.slot))
      }
    }
  }

  // MARK: When

  private func isDue(_ time: Moment, _ now: Moment) -> Bool { time != .never && time <= now }

  private func newHandshakeTime(_ peer: Peer, _ traffic: PeerActivity) -> Moment {
    let sent = traffic.firstUnansweredSend
    guard sent != .never, sent != peer.timers.answeredSend else { return .never }
    let seconds = Specification.keepaliveSeconds + Specification.retrySeconds
    return sent.adding(milliseconds: seconds * 1_000 + peer.timers.jitter)
  }

  private func keepaliveTime(_ peer: Peer, _ traffic: PeerActivity) -> Moment {
    let received = traffic.firstUnansweredReceive
    guard received != .never, received != peer.timers.answeredReceive else { return .never }
    return received.adding(milliseconds: Specification.keepaliveSeconds * 1_000)
  }

  /// The smallest moment there is stands for "at once".
  private func persistentTime(_ peer: Peer, _ traffic: PeerActivity) -> Moment? {
    guard peer.keepaliveSeconds > 0, peer.endpoint != nil, peer.shared != nil else { return nil }
    if peer.timers.isKeepaliveDue { return .never }
    let last = max(peer.timers.lastTraversal, traffic.lastTraversal)
    return last.adding(milliseconds: UInt64(peer.keepaliveSeconds) * 1_000)
  }

  // MARK: What

  private func retry(_ peer: Peer, at now: Moment, wall: WallTime) {
    peer.timers.retry = .never
    guard peer.timers.attempts < Implementation.attempts else {
      abandon(peer)
      emit(.dropStaged(peer.slot))
      emit(.unreachable(peer.slot))
      if peer.timers.wipe == .never { peer.timers.wipe = now.adding(milliseconds: Implementation.wipeSeconds * 1_000) }
      return
    }
    emit(.unstick(peer.slot))
    beginHandshake(peer, isRetry: true, at: now, wall: wall)
  }

  private func wipe(_ peer: Peer) {
    peer.timers.wipe = .never
    abandon(peer)
    peer.timers.retry = .never
    let sessions = peer.sessions.removeAll()
    if !sessions.isEmpty { emit(.use(peer.slot, localIndex: nil)) }
    retire(sessions)
  }

  /// A keepalive needs a session; without one it asks for it, and the confirmation of the session is the keepalive.
  private func sendKeepalive(_ peer: Peer, at now: Moment, wall: WallTime) {
    if peer.sessions.isUsable(at: now) {
      emit(.keepalive(peer.slot))
    } else {
      beginHandshake(peer, isRetry: false, at: now, wall: wall)
    }
  }

  // MARK: What the handshake reports

  /// Call it after an initiation was sent.
  func initiationSent(_ peer: Peer, at now: Moment) {
    peer.timers.attempts += 1
    peer.timers.jitter = randomness(2).reduce(0) { $0 << 8 | UInt64($1) } % (Implementation.jitterMilliseconds + 1)
    peer.timers.lastHandshakeSent = now
    peer.timers.lastTraversal = now
    peer.timers.retry = now.adding(milliseconds: Specification.retrySeconds * 1_000 + peer.timers.jitter)
  }

  /// Call it after a response was sent: the other side is given its time to confirm.
  func responseSent(_ peer: Peer, at now: Moment) {
    peer.timers.lastHandshakeSent = now
  }

  /// Call it after an authentic handshake message gave a session.
  func handshakeReceived(_ peer: Peer, at now: Moment) {
    peer.timers.lastTraversal = now
    peer.timers.wipe = now.adding(milliseconds: Implementation.wipeSeconds * 1_000)
  }

  /// Call it when both sides can use a session: for the initiator after the response, for the responder after the first
  /// packet.
  func completed(_ peer: Peer, at now: Moment, wall: WallTime) {
    peer.timers.attempts = 0
    peer.timers.didLastMinute = false
    peer.lastHandshake = wall
    // Whatever we began beside it is not needed any more.
    abandon(peer)
    peer.timers.retry = .never
    emit(.connected(peer.slot))
  }
}

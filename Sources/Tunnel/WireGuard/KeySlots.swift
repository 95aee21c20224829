/// The sessions of a peer (whitepaper, 6.3): the one that is sent with, the one before, which late packets still come
/// on, and one that the other side has yet to confirm.
struct KeySlots {
  /// A session and whether it may be sent with; after a change of the private key it is only received with.
  struct Session {
    let keys: TransportKeys
    var maySend = true
  }

  private(set) var previous: Session?
  private(set) var current: Session?
  private(set) var next: Session?

  var all: [Session] { [previous, current, next].compactMap(\.self) }

  /// Whether the peer owns this local index.
  func contains(_ localIndex: UInt32) -> Bool { all.contains { $0.keys.localIndex == localIndex } }

  /// A session that we began and that was answered, so it can be used at once. Returns the sessions that are over.
  mutating func use(_ keys: TransportKeys) -> [TransportKeys] {
    let retired: [Session?]
    if let next {
      // The other side began one at the same time and may be sending with it already.
      retired = [previous, current]
      previous = next
      self.next = nil
    } else {
      retired = [previous]
      previous = current
    }
    current = Session(keys: keys)
    return retired.compactMap(\.?.keys)
  }

  /// A session that the other side began: it waits for the first packet. Returns the sessions that are over.
  mutating func accept(_ keys: TransportKeys) -> [TransportKeys] {
    let retired = [next, previous]
    next = Session(keys: keys)
    previous = nil
    return retired.compactMap(\.?.keys)
  }

  /// The waiting session's first packet came. Returns it with the sessions that are over; nil when it is another one.
  mutating func confirm(_ localIndex: UInt32) -> (session: Session, retired: [TransportKeys])? {
    guard let next, next.keys.localIndex == localIndex else { return nil }
    let retired = [previous].compactMap(\.?.keys)
    previous = current
    current = next
    self.next = nil
    return (next, retired)
  }

  /// No session is sent with any more. Call it when the private key changed.
  mutating func stopSending() {
    current?.maySend = false
    next?.maySend = false
  }

  /// Forgets all of them and returns them.
  mutating func removeAll() -> [TransportKeys] {
    defer { self = KeySlots() }
    return all.map(\.keys)
  }

  /// Whether something can be sent now.
  func isUsable(at now: Moment) -> Bool {
    guard let current, current.maySend else { return false }
    return !SessionRules.isExpired(born: current.keys.born.nanoseconds, now: now.nanoseconds)
  }
}

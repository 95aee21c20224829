/// Answers of resolvers, bounded in number and in octets; the time is the caller's. Whole messages are kept under the very
/// question that they answer, so no record of one answer can reach another name.
public struct AnswerCache: Sendable {
  /// What the cache knows of a question.
  public enum Found: Sendable, Equatable {
    case answer(StoredAnswer, age: UInt32)
    /// Its resolution failed a moment ago (RFC 9520).
    case failure(ExtendedError)
  }

  private struct Entry {
    let key: UpstreamQuestion.Key
    let answer: StoredAnswer?
    let error: ExtendedError
    let stored: UInt32
    let until: UInt32
    var wasUsed = false
  }

  private let capacity: Int
  private let byteLimit: Int
  private let lifetimeLimit: UInt32
  private var index: [UpstreamQuestion.Key: Int] = [:]
  private var entries: [Entry] = []
  private var hand = 0
  /// Octets of the messages, and of their names.
  public private(set) var bytes = 0

  /// Seconds that a failure and a denial are kept at most (RFC 9520, 3.2: 1 s to 5 min; RFC 2308, 5: 3 h).
  static let failureLifetime: UInt32 = 5
  static let denialLimit: UInt32 = 900

  /// A cache of at most `capacity` answers and `byteLimit` octets, each for at most `lifetime` seconds.
  public init(capacity: Int, byteLimit: Int, lifetime: UInt32) {
    self.capacity = capacity
    self.byteLimit = byteLimit
    lifetimeLimit = lifetime
    // Made once: growing would leave holes behind. Pages that nothing stands in cost nothing.
    entries.reserveCapacity(min(capacity, 1 << 16))
    index.reserveCapacity(min(capacity, 1 << 16))
  }

  /// How many answers there are, those that are too old included.
  public var count: Int { entries.count }

  /// Looks for a question, or for a name above it that does not exist; `now` is in seconds and never goes back.
  public mutating func find(_ key: UpstreamQuestion.Key, now: UInt32) -> Found? {
    if let place = index[key] {
      if entries[place].until > now {
        entries[place].wasUsed = true
        guard let answer = entries[place].answer else { return .failure(entries[place].error) }
        return .answer(answer, age: now - entries[place].stored)
      }
      remove(place)
    }
    // With DO the proof would be missing (RFC 8020, 2 is about names, not about proofs).
    guard !key.isDNSSECWanted, key.name != .root else { return nil }
    var name = key.name.parent
    while name != .root {
      let above = UpstreamQuestion.Key(name, AnswerCache.cutType, false, key.isCheckingDisabled, upstream: key.upstream)
      // Somebody may have asked for the type of the mark: what does not say that the name is absent is no cut.
      if let place = index[above], entries[place].until > now, let answer = entries[place].answer, answer.isCut {
        return Responder.cut(answer, for: key).map { .answer($0, age: now - entries[place].stored) }
      }
      name = name.parent
    }
    return nil
  }

  /// Keeps an answer as long as it may be kept.
  public mutating func store(_ answer: StoredAnswer, for key: UpstreamQuestion.Key, now: UInt32) {
    let isDenial = answer.message[3] & UInt8(Flag.code) != 0 || answer.message[6] == 0 && answer.message[7] == 0
    let lifetime = min(answer.lifetime, isDenial ? min(AnswerCache.denialLimit, lifetimeLimit) : lifetimeLimit)
    guard lifetime > 0 else { return }
    insert(Entry(key: key, answer: answer, error: .cachedError, stored: now, until: now + lifetime))
    if answer.isCut, !key.isDNSSECWanted {
      let cut = UpstreamQuestion.Key(
        key.name, AnswerCache.cutType, false, key.isCheckingDisabled, upstream: key.upstream)
      insert(Entry(key: cut, answer: answer, error: .cachedError, stored: now, until: now + lifetime))
    }
  }

  /// Remembers for a few seconds that nobody answered.
  public mutating func storeFailure(_ error: ExtendedError, for key: UpstreamQuestion.Key, now: UInt32) {
    insert(Entry(key: key, answer: nil, error: error, stored: now, until: now + AnswerCache.failureLifetime))
  }

  /// Forgets everything: what was learnt in another state of protection is not believed in this one.
  public mutating func removeAll() {
    index.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    bytes = 0
    hand = 0
  }

  /// No real type: the mark of a name that does not exist at all.
  private static let cutType = RecordType(rawValue: 0)

  private mutating func insert(_ entry: Entry) {
    let size = AnswerCache.size(entry)
    guard capacity > 0, size <= byteLimit else { return }
    if let place = index[entry.key] { remove(place) }
    while entries.count >= capacity || bytes + size > byteLimit { evict() }
    index[entry.key] = entries.count
    entries.append(entry)
    bytes += size
  }

  /// A second chance for what was used since the hand last passed.
  private mutating func evict() {
    while true {
      hand = hand < entries.count ? hand : 0
      guard entries[hand].wasUsed else { return remove(hand) }
      entries[hand].wasUsed = false
      hand += 1
    }
  }

  private mutating func remove(_ place: Int) {
    bytes -= AnswerCache.size(entries[place])
    index[entries[place].key] = nil
    let last = entries.removeLast()
    guard place < entries.count else { return }
    entries[place] = last
    index[last.key] = place
  }

  private static func size(_ entry: Entry) -> Int { entry.key.name.wire.count + (entry.answer?.message.count ?? 0) }
}

public import NetworkTypes

/// An answer of a resolver, written anew without what concerns only us and it; kept, and sent to clients.
public struct StoredAnswer: Sendable, Equatable {
  /// Header with identifier 0 and the flags that stay, question in lower case, sections; no OPT record.
  let message: [UInt8]
  /// Seconds that it may be kept: the shortest of its records, or what the SOA record says of denials (RFC 2308, 5).
  let lifetime: UInt32
  /// Whether the name and all below it do not exist (RFC 8020): a denial without aliases.
  let isCut: Bool

  /// The answer in a message that was judged to be the reply to a question.
  init(_ received: Message, key: UpstreamQuestion.Key, isTrusted: Bool) {
    var message = received
    let isNameError = message.code == ResponseCode.nameError.rawValue
    message.id = 0
    let kept = Flag.code | Flag.checkingDisabled | (isTrusted ? Flag.authenticData : 0)
    message.flags = Flag.response | message.flags & kept
    message.options = nil
    message.questions = [
      Message.Question(name: key.name, type: key.type, recordClass: RecordClass.internet)
    ]
    message.answers = message.answers.map { StoredAnswer.clean($0, key.name) }
    message.authorities = message.authorities.map { StoredAnswer.clean($0, key.name) }
    self.message = message.encoded()
    isCut = isNameError && message.answers.isEmpty
    let shortest = (message.answers + message.authorities).map(\.lifetime).min() ?? 0
    let denial = message.authorities.first { $0.type == .soa }?.lifetime
    let isDenial = isNameError || !message.answers.contains { $0.type == key.type }
    // A denial without a SOA record must not be kept (RFC 2308, 5).
    lifetime = isDenial ? min(denial ?? 0, shortest) : shortest
  }

  /// Seconds that a client may keep anything: who sends a lifetime of years is not believed.
  static let longestLifetime: UInt32 = 86_400

  /// The record with a lifetime that counts; the owner in the case of the client's question, where it is the end of it: the
  /// mixed case was ours.
  private static func clean(_ record: Message.Record, _ name: DomainName) -> Message.Record {
    var record = record
    record.lifetime = min(record.lifetime, longestLifetime)
    // How long a denial holds is the smaller one of two numbers, and counts down from there (RFC 2308, 5).
    if record.type == .soa {
      record.lifetime = min(record.lifetime, record.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    guard name.isWithin(record.name) else { return record }
    record.name = DomainName(trusted: Array(name.wire.suffix(record.name.wire.count)))
    return record
  }
}

extension Responder {
  /// Writes the reply to the client's `bytes` from an answer that is `age` seconds old, and returns its length.
  public mutating func finish(
    _ bytes: Span<UInt8>, with answer: StoredAnswer, age: UInt32, from source: IPAddress, over transport: Transport,
    time: UInt32, into out: inout MutableSpan<UInt8>
  ) -> Int {
    guard query.read(bytes) == .question else { return 0 }
    var reply = Reply(query, bytes, transport, source, time)
    let stored = answer.message
    reply.begin(.noError, bytes, &out)
    guard reply.fits(stored.count - query.questionEnd), query.questionEnd <= stored.count else {
      reply.truncate(&out)
      return reply.end(self, bytes, &out)
    }
    reply.writer.copy(stored, query.questionEnd..<stored.count, &out)
    // Code, AD for those who understand it (RFC 6840, 5.8), CD as the client sent it (RFC 4035, 3.2.2).
    out[3] |= stored[3] & UInt8(Flag.code)
    if query.understandsAuthentic, !query.isCheckingDisabled { out[3] |= stored[3] & UInt8(Flag.authenticData) }
    if query.isCheckingDisabled { out[3] |= UInt8(Flag.checkingDisabled) }
    for place in 6..<Size.header { out[place] = stored[place] }
    if age > 0 { Responder.age(&out, from: query.questionEnd, to: reply.writer.at, by: age) }
    return reply.end(self, bytes, &out)
  }

  /// Takes `age` seconds off the lifetime of each record; the message was written by us, so it is well formed.
  private static func age(_ out: inout MutableSpan<UInt8>, from start: Int, to end: Int, by age: UInt32) {
    var at = start
    while at < end {
      while out[at] != 0, out[at] < 0xc0 { at += 1 + Int(out[at]) }
      at += out[at] == 0 ? 1 : 2
      var lifetime: UInt32 = 0
      for index in 0..<4 { lifetime = lifetime << 8 | UInt32(out[at + 4 + index]) }
      lifetime = lifetime > age ? lifetime - age : 0
      for index in 0..<4 { out[at + 4 + index] = UInt8(truncatingIfNeeded: lifetime >> UInt32(24 - 8 * index)) }
      at += 10 + (Int(out[at + 8]) << 8 | Int(out[at + 9]))
    }
  }

  /// The reply of a name that does not exist because one above it does not (RFC 8020, 2): the denial of that one, with
  /// the client's question.
  static func cut(_ answer: StoredAnswer, for key: UpstreamQuestion.Key) -> StoredAnswer? {
    guard var message = try? Message(parsing: answer.message) else { return nil }
    message.questions = [Message.Question(name: key.name, type: key.type, recordClass: RecordClass.internet)]
    return StoredAnswer(message, key: key, isTrusted: false)
  }
}

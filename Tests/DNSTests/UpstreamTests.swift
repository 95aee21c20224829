import Diagnostics
import NetworkTypes
import Testing

@testable import DNS

@Suite struct UpstreamTests {
  static func key(_ name: String, _ type: RecordType = .a, wantsDNSSEC: Bool = false) throws -> UpstreamQuestion.Key {
    UpstreamQuestion.Key(try DomainName(name), type, wantsDNSSEC, false)
  }

  /// A reply to a question, with records of a lifetime each.
  static func reply(
    _ question: UpstreamQuestion, code: UInt16 = 0, answers: [UInt32] = [], denial: (UInt32, UInt32)? = nil
  ) -> Message {
    var message = Message()
    message.id = question.id
    message.flags = Flag.response | Flag.authenticData | code
    message.questions = [Message.Question(name: question.name, type: question.key.type, recordClass: 1)]
    message.answers = answers.map {
      Message.Record(name: question.name, type: question.key.type, recordClass: 1, lifetime: $0, data: [1, 2, 3, 4])
    }
    if let denial {
      let data = [0, 0] + [UInt8](repeating: 0, count: 16) + ZoneTable.octets(denial.1)
      message.authorities = [Message.Record(name: .root, type: .soa, recordClass: 1, lifetime: denial.0, data: data)]
    }
    return message
  }

  @Test func believesTheReplyAlone() throws {
    var random = SystemRandomNumberGenerator()
    let question = UpstreamQuestion(try Self.key("www.example.com"), random: &random)
    let good = Self.reply(question, answers: [60])
    func verdict(_ change: (inout Message) -> Void) -> UpstreamQuestion.Verdict {
      var message = good
      change(&message)
      return question.judge(message.encoded(), isTrusted: false)
    }
    guard case .answer = verdict({ _ in }) else { throw Problem.refused("test", "the reply is not believed") }
    #expect(verdict { $0.id ^= 1 } == .foreign)
    #expect(verdict { $0.flags &= ~Flag.response } == .foreign)
    #expect(verdict { $0.questions[0].type = .aaaa } == .foreign)
    #expect(verdict { $0.questions[0].recordClass = 3 } == .foreign)
    #expect(verdict { $0.questions = [] } == .foreign)
    #expect(verdict { $0.questions.append($0.questions[0]) } == .foreign)
    #expect(verdict { $0.flags |= Flag.truncated } == .truncated)
    #expect(verdict { $0.flags |= 2 } == .failed(.noReachableAuthority))
    #expect(verdict { $0.flags |= 1 } == .withoutEDNS)
    var other = question.name.wire
    other[1] ^= 0x20
    #expect(verdict { $0.questions[0].name = DomainName(trusted: other) } == .otherCase)
    #expect(question.judge(Array(good.encoded().dropLast()), isTrusted: false) == .failed(.invalidData))
  }

  /// RFC 2308, 5: denials live as long as their SOA record says, and not at all without one.
  @Test(
    arguments: [
      (0, [60, 30], nil, 30), (0, [], nil, 0), (3, [], nil, 0), (3, [], (600, 300), 300), (0, [], (100, 300), 100),
      (0, [0x8000_0000], nil, 0),
    ] as [(UInt16, [UInt32], (UInt32, UInt32)?, UInt32)])
  func lifetimes(code: UInt16, answers: [UInt32], denial: (UInt32, UInt32)?, lifetime: UInt32) throws {
    var random = SystemRandomNumberGenerator()
    let question = UpstreamQuestion(try Self.key("a.example"), random: &random)
    let bytes = Self.reply(question, code: code, answers: answers, denial: denial).encoded()
    guard case .answer(let answer) = question.judge(bytes, isTrusted: true) else {
      throw Problem.refused("test", "no answer")
    }
    #expect(answer.lifetime == lifetime)
  }

  /// What leaves holds only the question; over TLS its length says nothing (RFC 8467, 4.1).
  @Test func question() throws {
    var random = SystemRandomNumberGenerator()
    for name in ["a", "www.example.com", String(repeating: "abcdefg.", count: 30)] {
      let question = UpstreamQuestion(try Self.key(name), random: &random)
      let message = try Message(parsing: question.encoded(over: .datagram))
      #expect(message.questions[0].name == question.name && message.options?.data == [])
      #expect(question.encoded(over: .encrypted).count % 128 == 0)
    }
  }

  private func answer(_ key: UpstreamQuestion.Key, code: UInt16 = 0, lifetime: UInt32) throws -> StoredAnswer {
    var random = SystemRandomNumberGenerator()
    let question = UpstreamQuestion(key, random: &random)
    let message = Self.reply(
      question, code: code, answers: code == 0 ? [lifetime] : [], denial: code == 0 ? nil : (lifetime, lifetime))
    return StoredAnswer(message, key: key, isTrusted: false)
  }

  @Test func cache() throws {
    var cache = AnswerCache(capacity: 3, byteLimit: 10_000, lifetime: 3600)
    let keys = try (0..<5).map { try Self.key("n\($0).example") }
    for key in keys[..<3] { cache.store(try answer(key, lifetime: 60), for: key, now: 100) }
    guard case .answer(_, age: 7) = cache.find(keys[0], now: 107) else { throw Problem.refused("test", "not kept") }
    // What was used stays, what was not goes.
    cache.store(try answer(keys[3], lifetime: 60), for: keys[3], now: 108)
    #expect(cache.find(keys[0], now: 109) != nil && cache.count == 3)
    #expect(cache.find(keys[0], now: 160) == nil)
    cache.storeFailure(.noReachableAuthority, for: keys[4], now: 200)
    #expect(cache.find(keys[4], now: 204) == .failure(.noReachableAuthority))
    #expect(cache.find(keys[4], now: 205) == nil)
    cache.removeAll()
    #expect(cache.count == 0 && cache.bytes == 0)
  }

  /// RFC 8020: nothing is below a name that does not exist; with DO the proof would be missing.
  @Test func cut() throws {
    var cache = AnswerCache(capacity: 10, byteLimit: 10_000, lifetime: 3600)
    let gone = try Self.key("gone.example")
    cache.store(try answer(gone, code: 3, lifetime: 60), for: gone, now: 0)
    guard case .answer(let below, age: 5) = cache.find(try Self.key("a.b.gone.example"), now: 5) else {
      throw Problem.refused("test", "the cut is not seen")
    }
    #expect(try Message(parsing: below.message).questions[0].name == DomainName("a.b.gone.example"))
    #expect(cache.find(try Self.key("a.gone.example", wantsDNSSEC: true), now: 5) == nil)
    #expect(cache.find(try Self.key("xgone.example"), now: 5) == nil)
    #expect(cache.find(try Self.key("example"), now: 5) == nil)
  }

  /// What one resolver denies is nothing about names of another; nor is a type without records a name that is absent.
  @Test func cutsOfOthers() throws {
    var cache = AnswerCache(capacity: 10, byteLimit: 10_000, lifetime: 3600)
    let (gone, below) = (try DomainName("gone.example"), try DomainName("wiki.gone.example"))
    let key = UpstreamQuestion.Key(gone, .a, false, false, upstream: 1)
    cache.store(try answer(key, code: 3, lifetime: 60), for: key, now: 0)
    #expect(cache.find(UpstreamQuestion.Key(below, .a, false, false, upstream: 1), now: 1) != nil)
    #expect(cache.find(UpstreamQuestion.Key(below, .a, false, false, upstream: 2), now: 1) == nil)
    #expect(cache.find(UpstreamQuestion.Key(gone, .a, false, false, upstream: 2), now: 1) == nil)
    let zero = try Self.key("here.example", RecordType(rawValue: 0))
    var random = SystemRandomNumberGenerator()
    let question = UpstreamQuestion(zero, random: &random)
    let empty = StoredAnswer(Self.reply(question, denial: (60, 60)), key: zero, isTrusted: false)
    cache.store(empty, for: zero, now: 0)
    #expect(cache.find(zero, now: 1) != nil)
    #expect(cache.find(try Self.key("www.here.example"), now: 1) == nil)
  }

  private static func record(_ name: String, _ type: RecordType, _ data: [UInt8] = [1, 2, 3, 4]) throws
    -> Message.Record
  {
    Message.Record(name: try DomainName(name), type: type, recordClass: 1, lifetime: 60, data: data)
  }

  /// A reply keeps the chain of aliases and the proof of a denial; names beside them, and those that are ours, go.
  @Test(
    arguments: [
      (["a.x A"], [], ["a.x A"], []), (["a.x A", "b.x A"], ["x NS"], ["a.x A"], []),
      (["A.x CNAME b.y", "b.Y A", "c.y A"], [], ["a.x CNAME", "b.y A"], []),
      (["b.y A", "a.x CNAME b.y"], [], ["b.y A", "a.x CNAME"], []),
      (["a.x CNAME n.mesh", "n.mesh A", "n.mesh A"], [], ["a.x CNAME", "n.mesh A"], []),
      (["a.x CNAME b.x", "b.x CNAME n.mesh"], ["mesh SOA"], ["a.x CNAME", "b.x CNAME", "n.mesh A"], []),
      (["a.x CNAME b.x", "b.x CNAME a.x"], [], ["a.x CNAME", "b.x CNAME"], []),
      (["x DNAME y", "a.x CNAME a.y", "a.y A"], [], ["x DNAME", "a.x CNAME", "a.y A"], []),
      (["z DNAME y", "a.x A"], [], ["a.x A"], []), ([], ["x SOA"], [], ["x SOA"]),
      ([], ["x SOA", "x NS", "y SOA"], [], ["x SOA"]),
      ([], ["x SOA", "0.x NSEC3", "a.x NSEC"], [], ["x SOA", "0.x NSEC3", "a.x NSEC"]),
    ] as [([String], [String], [String], [String])])
  func relevance(answers: [String], authorities: [String], kept: [String], proof: [String]) throws {
    let types: [String: RecordType] = [
      "A": .a, "CNAME": .cname, "DNAME": .dname, "SOA": .soa, "NS": .ns, "NSEC": .nsec, "NSEC3": .nsec3,
    ]
    func records(_ texts: [String]) throws -> [Message.Record] {
      try texts.map { text in
        let words = text.split(separator: " ").map(String.init)
        return try Self.record(
          words[0], try #require(types[words[1]]), words.count > 2 ? DomainName(words[2]).wire : [0, 0, 0, 0])
      }
    }
    var message = Message()
    message.answers = try records(answers)
    message.authorities = try records(authorities)
    message.additional = try records(["a.x A"])
    let mesh = try DomainName("mesh")
    message.flags = Flag.response | Flag.authenticData | 3
    var own = Message()
    own.answers = [try Self.record("n.mesh", .a, [9, 9, 9, 9])]
    let result = message.relevant(to: try Self.key("a.x")) { name, type in name.isWithin(mesh) ? own : nil }
    // Whether a name of ours exists is ours to say, and nobody has proved it.
    let endsHere = result.answers.last == own.answers[0]
    #expect(endsHere == kept.contains("n.mesh A") && (result.flags == Flag.response) == endsHere)
    func texts(_ records: [Message.Record]) -> [String] {
      records.map { one in
        let type = types.first { $0.value == one.type }?.key ?? "?"
        return "\(one.name.lowercased.description.dropLast()) \(type)"
      }
    }
    #expect(texts(result.answers) == kept && texts(result.authorities) == proof && result.additional.isEmpty)
  }

  @Test func referrals() throws {
    var message = Message()
    message.authorities = [try Self.record("x", .ns, [0])]
    #expect(message.isReferral)
    message.authorities.append(try Self.record("x", .soa))
    #expect(!message.isReferral)
    message.authorities.removeLast()
    message.answers = [try Self.record("a.x", .a)]
    #expect(!message.isReferral)
  }

  /// Clients keep nothing for years, and a denial as long as the smaller of two numbers says (RFC 2308, 5).
  @Test func lifetimesThatClientsSee() throws {
    var random = SystemRandomNumberGenerator()
    let question = UpstreamQuestion(try Self.key("a.example"), random: &random)
    let years = StoredAnswer(Self.reply(question, answers: [0x7fff_ffff]), key: question.key, isTrusted: false)
    #expect(try Message(parsing: years.message).answers[0].lifetime == 86_400)
    let denied = StoredAnswer(Self.reply(question, code: 3, denial: (9000, 300)), key: question.key, isTrusted: false)
    #expect(try Message(parsing: denied.message).authorities[0].lifetime == 300 && denied.lifetime == 300)
  }

  /// Names that are nearly the same, as many as a message holds: what each costs to write is not what all before it hold.
  @Test func writesManyNamesSoon() throws {
    let long = String(repeating: "a.", count: 120)
    var message = Message()
    message.answers = [try Self.record(long + "ab", .a), try Self.record(long + "ac", .a)]
    message.answers += Array(repeating: message.answers[1], count: 500)
    // Written naively, each is compared in many places with 120 labels each: minutes, not a moment.
    let time = ContinuousClock().measure { #expect(message.encoded().count < 10_000) }
    #expect(time < .seconds(20))
    #expect(try Message(parsing: message.encoded()) == message)
  }

  /// Each name is one label longer than the one before: what is written has no chain that readers would not follow.
  @Test func chainsOfPointersAreShort() throws {
    var message = Message()
    message.answers = try (1...100).map { try Self.record(String(repeating: "a.", count: $0), .a) }
    let bytes = message.encoded()
    #expect(try Message(parsing: bytes) == message)
    #expect(bytes.count < 12_000)
  }

  @Test func cacheIsBoundedInOctets() throws {
    var cache = AnswerCache(capacity: 100_000, byteLimit: 5000, lifetime: 3600)
    for index in 0..<500 {
      let key = try Self.key("name-\(index).example")
      cache.store(try answer(key, lifetime: 60), for: key, now: 0)
      #expect(cache.bytes <= 5000)
    }
    #expect(cache.count > 20)
  }
}

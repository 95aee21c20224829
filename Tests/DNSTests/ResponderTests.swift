import Diagnostics
import NetworkTypes
import Testing

@testable import DNS

/// A responder over a small zone, and a way to ask it.
struct Asked {
  var responder: Responder
  var source = IPAddress.v4(0x7f00_0001)
  var transport = Transport.datagram
  var now: UInt64 = 1000

  init(routes: [Responder.Route] = [], rate: Int = 0, burst: Int = 1) throws {
    let zone = try ZoneFile(parsing: Array(ZoneTests.good.utf8)).zone
    responder = Responder(
      zones: try ZoneTable([zone]), routes: routes, sources: .loopback,
      limiter: RateLimiter(rate: rate, burst: burst, seed: 7),
      cookies: try CookieJar(secret: [UInt8](repeating: 1, count: 16)))
  }

  mutating func outcome(_ bytes: [UInt8]) -> (Responder.Outcome, [UInt8]) {
    var buffer = [UInt8](repeating: 0xaa, count: 65_535)
    var out = buffer.mutableSpan
    let outcome = responder.respond(to: bytes.span, from: source, over: transport, now: now, time: 5, into: &out)
    guard case .reply(let count) = outcome else { return (outcome, []) }
    return (outcome, Array(buffer[..<count]))
  }

  mutating func ask(
    _ name: String, _ type: RecordType, flags: UInt16 = 0x0100, options: [UInt8]? = nil
  ) throws -> Message {
    let (_, reply) = outcome(try Asked.question(name, type, flags: flags, options: options))
    return try Message(parsing: reply)
  }

  static func question(
    _ name: String, _ type: RecordType, flags: UInt16 = 0x0100, options: [UInt8]? = nil, recordClass: UInt16 = 1
  ) throws -> [UInt8] {
    var message = Message()
    message.id = 0x1234
    message.flags = flags
    message.questions = [Message.Question(name: try DomainName(name), type: type, recordClass: recordClass)]
    message.options = options.map {
      Message.Record(name: .root, type: .opt, recordClass: 1232, lifetime: 0, data: $0)
    }
    return message.encoded()
  }
}

@Suite struct ResponderTests {
  @Test(
    arguments: [
      ("alice-laptop.rustynet", RecordType.a, 0, [1], 0), ("Alice-LAPTOP.rustyNET", .aaaa, 0, [28], 0),
      ("wiki.rustynet", .a, 0, [1], 0), ("alice-laptop-2.rustynet", .aaaa, 0, [], 1), ("none.rustynet", .a, 3, [], 1),
      ("x.wiki.rustynet", .a, 3, [], 1), ("rustynet", .soa, 0, [6], 0), ("rustynet", .ns, 0, [2], 0),
      ("rustynet", RecordType(rawValue: 666), 0, [], 1), ("ns.rustynet", .a, 0, [], 1),
      ("wiki.rustynet", .any, 0, [1], 0), ("1.0.64.100.in-addr.arpa", .ptr, 0, [12], 0),
      ("1.0.64.100.in-addr.arpa", .a, 0, [], 1), ("0.64.100.in-addr.arpa", .ptr, 0, [], 1),
      ("3.0.64.100.in-addr.arpa", .ptr, 3, [], 1), ("x.1.0.64.100.in-addr.arpa", .ptr, 3, [], 1),
      ("01.0.64.100.in-addr.arpa", .ptr, 3, [], 1), ("64.100.in-addr.arpa", .soa, 0, [6], 0),
      ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.A.7.d.F.ip6.arpa", .ptr, 0, [12], 0),
      ("0.0.0.0.0.0.0.0.0.0.0.0.a.7.d.f.ip6.arpa", .ptr, 0, [], 1),
      ("1.0.0.0.0.0.0.0.0.0.0.0.0.a.7.d.f.ip6.arpa", .ptr, 3, [], 1),
      ("example.com", .a, 5, [], 0), ("x.local", .a, 3, [], 1), ("localhost", .aaaa, 0, [28], 0),
      ("localhost", .ptr, 0, [], 1), ("rustynet", .axfr, 5, [], 0), ("rustynet", .opt, 1, [], 0),
    ] as [(String, RecordType, UInt16, [UInt16], Int)])
  func answers(name: String, type: RecordType, code: UInt16, types: [UInt16], authorities: Int) throws {
    var asked = try Asked()
    let reply = try asked.ask(name, type)
    #expect(reply.code == code && reply.answers.map(\.type.rawValue) == types && reply.authorities.count == authorities)
    #expect(reply.questions[0].name.wire == (try DomainName(name).wire))
    #expect(reply.flags & Flag.recursionAvailable == 0 && reply.flags & Flag.recursionDesired != 0)
    #expect(reply.answers.allSatisfy { $0.name.wire == reply.questions[0].name.wire })
  }

  /// The zone is nobody's business but the mesh's.
  @Test func refusesStrangers() throws {
    var asked = try Asked()
    #expect(try asked.ask("wiki.rustynet", .a).code == 0)
    asked.source = .v4(0x0808_0808)
    let reply = try asked.ask("wiki.rustynet", .a, options: [])
    #expect(reply.code == 5 && reply.answers.isEmpty)
    #expect(reply.optionList?.first.map { Array($0.data) } == [0, 18])
  }

  /// RFC 9018, appendix A: cookies of two servers and three clients.
  @Test(
    arguments: [
      (
        "e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", 0x2464_c4ab_cf10_c957, 0x0100_0000, 0x5cf7_9f11,
        0x1f81_30c3_eee2_9480
      ),
      (
        "e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", 0x2464_c4ab_cf10_c957, 0x0100_0000, 0x5cf7_a871,
        0xd4a5_64a1_442a_ca77
      ),
      (
        "e5e973e5a6b2a43f48e7dc849e37bfcf", "203.0.113.203", 0xfc93_fc62_807d_db86, 0x01ab_cdef, 0x5cf7_8f71,
        0xa314_227b_6679_ebf5
      ),
      (
        "dd3bdf9344b678b185a6f5cb60fca715", "2001:db8:220:1:59de:d0f4:8769:82b8", 0x2268_1ab9_7d52_c298, 0x0100_0000,
        0x5cf7_c579,
        0x2655_6bd0_934c_72f8
      ),
      (
        "445536bcd2513298075a5d379663c962", "2001:db8:220:1:59de:d0f4:8769:82b8", 0x2268_1ab9_7d52_c298, 0x0100_0000,
        0x5cf7_c609,
        0xa6bb_79d1_6625_507a
      ),
    ] as [(String, String, UInt64, UInt32, UInt32, UInt64)])
  func cookies(secret: String, client: String, cookie: UInt64, version: UInt32, time: UInt32, tag: UInt64) throws {
    let key = stride(from: 0, to: 32, by: 2).map { index in
      UInt8(secret.dropFirst(index).prefix(2), radix: 16) ?? 0
    }
    let jar = try CookieJar(secret: key)
    let source = try IPAddress(client)
    #expect(jar.tag(client: cookie, version: version, time: time, source: source) == tag)
    var bytes = [UInt8](repeating: 0, count: 24)
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: cookie >> UInt64(56 - 8 * index)) }
    for index in 0..<4 {
      bytes[8 + index] = UInt8(truncatingIfNeeded: version >> UInt32(24 - 8 * index))
      bytes[12 + index] = UInt8(truncatingIfNeeded: time >> UInt32(24 - 8 * index))
    }
    for index in 0..<8 { bytes[16 + index] = UInt8(truncatingIfNeeded: tag >> UInt64(56 - 8 * index)) }
    func isValid(_ now: UInt32, from source: IPAddress) -> Bool {
      jar.isValid(bytes.span, at: 0, length: 24, source: source, now: now)
    }
    #expect(isValid(time, from: source) && isValid(time + 3600, from: source) && isValid(time - 300, from: source))
    #expect(!isValid(time + 3601, from: source) && !isValid(time - 301, from: source) && !isValid(time, from: .v4(1)))
    bytes[23] ^= 1
    #expect(!isValid(time, from: source))
  }

  /// RFC 8467: replies are padded on encrypted transports alone, to 468 octets.
  @Test func padding() throws {
    var asked = try Asked()
    let question = try Asked.question("wiki.rustynet", .a, options: [0, 12, 0, 0])
    #expect(asked.outcome(question).1.count < 468)
    asked.transport = .encrypted
    #expect(asked.outcome(question).1.count == 468)
    // Where the longest message has no room for a whole block, what there is is used.
    let asks = try Asked.question("a.example", .a, options: [0, 12, 0, 0])
    let key = UpstreamQuestion.Key(try DomainName("a.example"), .a, false, false)
    for room in [0, 3, 4, 5] {
      var message = Message()
      let size = 65_535 - 12 - 15 - 12 - 11 - room
      message.answers = [
        Message.Record(
          name: key.name, type: RecordType(rawValue: 65_280), recordClass: 1, lifetime: 1,
          data: [UInt8](repeating: 0, count: size))
      ]
      let answer = StoredAnswer(message, key: key, isTrusted: false)
      var buffer = [UInt8](repeating: 0, count: 65_535)
      var out = buffer.mutableSpan
      let count = asked.responder.finish(
        asks.span, with: answer, age: 0, from: asked.source, over: .encrypted, time: 0, into: &out)
      #expect(count == 65_535 - (room < 4 ? room : 0))
    }
  }

  @Test func states() throws {
    let routes = [
      Responder.Route(.root, upstream: 0, isProtected: false),
      Responder.Route(try DomainName("corp"), upstream: 1, isProtected: true),
    ]
    var asked = try Asked(routes: routes)
    let outside = try Asked.question("example.com", .a)
    let corp = try Asked.question("wiki.corp", .a)
    #expect(asked.outcome(outside).0 == .forward(upstream: 0) && asked.outcome(corp).0 == .forward(upstream: 1))
    asked.responder.state = .protected
    #expect(try asked.ask("example.com", .a).code == 2)
    #expect(asked.outcome(corp).0 == .forward(upstream: 1))
    asked.responder.state = .blocked
    for name in ["example.com", "wiki.corp", "x.local", "localhost"] {
      let reply = try asked.ask(name, .a, options: [])
      #expect(reply.code == 2 && reply.optionList?.first.map { Array($0.data) } == [0, 23], "\(name)")
    }
    #expect(try asked.ask("wiki.rustynet", .a).answers.count == 1)
  }

  /// Leak case D6: of a single label nothing leaves but what a zone of the internet has.
  @Test func singleLabels() throws {
    var asked = try Asked(routes: [
      Responder.Route(.root, upstream: 0, isProtected: false),
      Responder.Route(try DomainName("corp"), upstream: 1, isProtected: false),
    ])
    for type in [.a, .aaaa, .any, RecordType(rawValue: 15), RecordType(rawValue: 16), RecordType(rawValue: 65_280)] {
      let reply = try asked.ask("printer", type)
      #expect(reply.code == 0 && reply.answers.isEmpty)
      #expect(asked.outcome(try Asked.question("corp", type)).0 == .forward(upstream: 1))
    }
    for type in [RecordType.ns, .soa, .ds, .dnskey] {
      #expect(asked.outcome(try Asked.question("com", type)).0 == .forward(upstream: 0))
    }
  }

  /// RFC 1034, 4.3.2: an alias of others may lead to a name of ours; what that is, we say.
  @Test(
    arguments: [
      ("wiki.rustynet", RecordType.a, 0, 1, 0), ("WIKI.rustynet", .a, 0, 1, 0), ("wiki.rustynet", .ns, 0, 0, 1),
      ("none.rustynet", .a, 3, 0, 1), ("1.0.64.100.in-addr.arpa", .ptr, 0, 1, 0),
    ] as [(String, RecordType, UInt16, Int, Int)])
  func ours(name: String, type: RecordType, code: UInt16, answers: Int, authorities: Int) throws {
    let asked = try Asked()
    let found = try #require(asked.responder.ours(try DomainName(name), type))
    #expect(found.code == code && found.answers.count == answers && found.authorities.count == authorities)
    #expect(asked.responder.ours(try DomainName("example.com"), type) == nil)
  }

  /// RFC 1995, 3: a question about changes has a SOA record in its authority section; no other question has one.
  @Test func changes() throws {
    var message = try Message(parsing: try Asked.question("rustynet", .ixfr, options: []))
    message.authorities = [
      Message.Record(
        name: try DomainName("rustynet"), type: .soa, recordClass: 1, lifetime: 0,
        data: [0, 0] + [UInt8](repeating: 0, count: 20))
    ]
    var asked = try Asked()
    #expect(try Message(parsing: asked.outcome(message.encoded()).1).code == 5)
    message.questions[0].type = .a
    #expect(try Message(parsing: asked.outcome(message.encoded()).1).code == 1)
    // An OPT record in the authority section is none of a message's options.
    message.questions[0].type = .ixfr
    message.authorities[0] = Message.Record(name: .root, type: .opt, recordClass: 512, lifetime: 0, data: [])
    #expect(try Message(parsing: asked.outcome(message.encoded()).1).code == 1)
  }

  /// The server's own name has addresses where it listens, unless a node is called so.
  @Test func serverName() throws {
    var asked = try Asked()
    #expect(try asked.ask("ns.rustynet", .a).answers.isEmpty)
    var zone = try ZoneFile(parsing: Array(ZoneTests.good.utf8)).zone
    let servers: [IPAddress] = [try IPAddress("100.64.0.9"), try IPAddress("fd7a::9")]
    asked.responder.zones = try ZoneTable([zone], servers: servers)
    #expect(try asked.ask("ns.rustynet", .a).answers.map(\.data) == [[100, 64, 0, 9]])
    #expect(try asked.ask("ns.rustynet", .aaaa).answers.count == 1)
    zone.nodes.append(Zone.Node(label: "ns", addresses: [try IPAddress("100.64.0.8")]))
    asked.responder.zones = try ZoneTable([zone], servers: servers)
    #expect(try asked.ask("ns.rustynet", .a).answers.map(\.data) == [[100, 64, 0, 8]])
    let listen = try ["127.0.0.1:53", "[fd7a::9]:53", "[fd7a::9]:5353"].map { try Endpoint($0) }
    #expect(DNSConfiguration.serverAddresses(listen) == [servers[1]])
    #expect(try DNSConfiguration.serverAddresses([listen[0]]) == [IPAddress("127.0.0.1")])
  }

  /// P4-4: protected modes fail closed, and only events open them.
  @Test func protectionGuard() {
    var machine = ProtectionGuard(mode: .disabled)
    #expect(machine.state == .open)
    #expect(machine.handle(.modeChanged(.tunnelAndDNS)) == [.abandon, .forget] && machine.state == .blocked)
    #expect(machine.handle(.resolverUp) == [] && machine.state == .blocked)
    #expect(machine.handle(.tunnelUp) == [.abandon, .forget] && machine.state == .protected)
    #expect(machine.handle(.tunnelDown) == [.abandon, .forget] && machine.state == .blocked)
    // The tunnel is back, but its resolver has not proved itself again.
    #expect(machine.handle(.tunnelUp) == [] && machine.state == .blocked)
    #expect(machine.handle(.modeChanged(.tunnel)) == [.abandon, .forget] && machine.state == .protected)
    #expect(machine.handle(.unknown) == [.abandon, .forget] && machine.state == .blocked)
    #expect(machine.handle(.modeChanged(.disabled)) == [.abandon, .forget] && machine.state == .open)
  }

  /// A source is an IPv4 address, or an IPv6 /64: who has a whole subnet has one share.
  @Test func sourcesOfTheLimiter() throws {
    var limiter = RateLimiter(rate: 1, burst: 1, seed: 3)
    func admits(_ text: String) throws -> Bool { limiter.admit(try IPAddress(text), now: 1) }
    for (text, isAdmitted) in [
      ("192.0.2.1", true), ("192.0.2.1", false), ("192.0.2.2", true), ("2001:db8::1", true), ("2001:db8::1", false),
      ("2001:db8::ffff:1", false), ("2001:db8:0:1::1", true), ("2001:db8:0:1:8000::", false),
    ] { #expect(try admits(text) == isAdmitted, "\(text)") }
  }

  @Test func rateLimit() throws {
    var asked = try Asked(rate: 10, burst: 20)
    let question = try Asked.question("wiki.rustynet", .a)
    var answered = 0
    var cut = 0
    for _ in 0..<100 {
      let reply = asked.outcome(question).1
      if reply.isEmpty { continue }
      if reply[2] & 2 != 0 { cut += 1 } else { answered += 1 }
    }
    #expect((10...20).contains(answered) && (30...50).contains(cut))
    asked.source = .v4(0x7f00_0002)
    #expect(asked.outcome(question).1.count > 12)
    asked.source = .v4(0x7f00_0001)
    asked.now += 1000
    let again = (0..<100).filter { _ in
      let reply = asked.outcome(question).1
      return !reply.isEmpty && reply[2] & 2 == 0
    }
    #expect(again.count == 10)
    // On a stream each one is told: nobody waits for a reply that never comes.
    asked.transport = .stream
    let codes = (0..<10).map { _ in asked.outcome(question).1.dropFirst(3).first.map { $0 & 15 } }
    #expect(codes == Array(repeating: 5, count: 10))
  }
}

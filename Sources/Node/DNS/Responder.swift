public import NetworkTypes

/// The answer engine: reads a message, and writes the reply or says what must be asked elsewhere. Pure: sockets, clocks
/// and randomness are the caller's. A reply from the zones allocates nothing.
public struct Responder: Sendable {
  /// What became of a message.
  public enum Outcome: Sendable, Equatable {
    /// No reply is due.
    case drop
    /// So many octets of the buffer are the reply.
    case reply(Int)
    /// The question goes to this upstream; `query` says what it is, and `fail` or `finish` makes the reply later.
    case forward(upstream: Int)
  }

  /// Where names outside our zones go.
  public struct Route: Sendable {
    /// The names at and below this one.
    public let name: DomainName
    /// Which upstream; the longest route wins.
    public let upstream: Int
    /// Whether it may be asked while the node is protected.
    public let isProtected: Bool

    /// A route of its parts.
    public init(_ name: DomainName, upstream: Int, isProtected: Bool) {
      self.name = name
      self.upstream = upstream
      self.isProtected = isProtected
    }
  }

  /// What may leave now.
  public var state: ProtectionGuard.State = .open
  /// The zones; replaced whole when they change.
  public var zones: ZoneTable
  /// Who is served; anybody else is refused.
  public var sources: SourceList
  /// The limit for each source, kept when configuration changes.
  public var limiter: RateLimiter
  /// What the name server option holds; empty is no answer to it (RFC 5001).
  public var serverID: [UInt8] = []
  /// Tenths of a second that a silent stream stays open (RFC 7828).
  public var keepalive: UInt16 = 100
  /// The question that was read last.
  public internal(set) var query = Query()

  let cookies: CookieJar
  var scan = NameScan()
  private var routeNames = NameTable()
  private var routes: [Route] = []
  private let specialNames: NameTable
  private let specialKinds: [SpecialName]
  private var refusals = 0

  /// An engine; `cookies` holds the secret of the server.
  public init(
    zones: ZoneTable = ZoneTable(), routes: [Route] = [], sources: SourceList, limiter: RateLimiter, cookies: CookieJar
  ) {
    self.zones = zones
    self.sources = sources
    self.limiter = limiter
    self.cookies = cookies
    (specialNames, specialKinds) = SpecialName.table()
    setRoutes(routes)
  }

  /// Replaces the routes; of two with the same name the first counts.
  public mutating func setRoutes(_ routes: [Route]) {
    routeNames = NameTable()
    self.routes = []
    for route in routes {
      scan.read(route.name)
      if routeNames.insert(scan) == self.routes.count { self.routes.append(route) }
    }
  }

  /// Whether questions may be forwarded at all; it is what the bit RA says.
  var isRecursive: Bool { !routes.isEmpty }

  /// What our zones say of a name, where an alias of others leads to it; nil for a name that is not ours.
  public func ours(_ name: DomainName, _ type: RecordType) -> Message? {
    var copy = self
    copy.scan.read(name)
    guard let found = zones.names.findLongest(copy.scan) else { return nil }
    var question = Message()
    question.questions = [Message.Question(name: name, type: type, recordClass: RecordClass.internet)]
    let bytes = question.encoded()
    guard copy.query.read(bytes.span) == .question else { return nil }
    var reply = Reply(copy.query, bytes.span, .stream, .v4(0), 0)
    var buffer = [UInt8](repeating: 0, count: Size.message)
    var out = buffer.mutableSpan
    guard case .reply(let count) = copy.answer(found.number, found.label, &reply, bytes.span, &out) else { return nil }
    return try? Message(parsing: Array(buffer[..<count]))
  }

  /// Answers one message. `now` is in milliseconds and never goes back, `time` is seconds since 1970, for cookies; `out`
  /// has room for 65,535 octets.
  public mutating func respond(
    to bytes: Span<UInt8>, from source: IPAddress, over transport: Transport, now: UInt64, time: UInt32,
    into out: inout MutableSpan<UInt8>
  ) -> Outcome {
    let isAdmitted = limiter.admit(source, now: now)
    let verdict = query.read(bytes)
    if verdict == .ignored { return .drop }
    var reply = Reply(query, bytes, transport, source, time)
    if !isAdmitted { return limited(&reply, bytes, &out) }
    switch verdict {
    case .ignored: return .drop
    case .otherOperation: return .reply(reply.writeHeaderOnly(.notImplemented, &out))
    case .malformed: return finish(&reply, .formatError, nil, bytes, &out)
    case .cookieOnly, .question: break
    }
    guard sources.contains(source) else { return finish(&reply, .refused, .prohibited, bytes, &out) }
    guard query.edns?.version ?? 0 == 0 else { return finish(&reply, .badVersion, nil, bytes, &out) }
    if verdict == .cookieOnly { return finish(&reply, .noError, nil, bytes, &out) }
    guard query.recordClass == RecordClass.internet else { return finish(&reply, .refused, .notSupported, bytes, &out) }
    switch query.type {
    case .opt, .tkey, .tsig: return finish(&reply, .formatError, nil, bytes, &out)
    case .axfr, .ixfr: return finish(&reply, .refused, .notSupported, bytes, &out)
    default: break
    }
    scan.read(bytes, at: Size.header, length: query.nameLength)
    if let found = zones.names.findLongest(scan) {
      return answer(found.number, found.label, &reply, bytes, &out)
    }
    return outside(&reply, bytes, &out)
  }

  // MARK: our zones

  private func answer(
    _ number: Int, _ label: Int, _ reply: inout Reply, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    reply.flags |= Flag.authoritative
    let entry = zones.entries[number]
    let apex = zones.apexes[Int(entry.zone)]
    if label > 0 {
      if let family = apex.family {
        switch zones.reverse.find(scan, family) {
        case .pointer(let place): return answerPointer(place, apex, &reply, bytes, &out)
        case .between: return deny(.noError, apex, &reply, bytes, &out)
        case .nothing: break
        }
      }
      return deny(.nameError, apex, &reply, bytes, &out)
    }
    for index in Int(entry.firstSet)..<(Int(entry.firstSet) + Int(entry.setCount)) {
      let set = zones.sets[index]
      // ANY gets one set of those there are (RFC 8482, 4.1).
      guard set.type == query.type || query.type == .any else { continue }
      reply.begin(.noError, bytes, &out)
      let start = Int(set.at)
      if reply.fits(2 + Int(set.length)) {
        reply.writer.word(0xc000 | UInt16(Size.header), &out)
        reply.writer.copy(zones.data, start..<(start + Int(set.length)), &out)
        reply.writer.patch(set.count, at: 6, &out)
      } else {
        reply.truncate(&out)
      }
      return .reply(reply.end(self, bytes, &out))
    }
    return deny(.noError, apex, &reply, bytes, &out)
  }

  /// The PTR record of an address, or a denial of any other type.
  private func answerPointer(
    _ place: Int, _ apex: ZoneTable.Apex, _ reply: inout Reply, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    guard query.type == .ptr || query.type == .any else { return deny(.noError, apex, &reply, bytes, &out) }
    reply.begin(.noError, bytes, &out)
    let length = 6 + Int(zones.reverse.data[place + 5])
    if reply.fits(6 + length) {
      reply.writer.word(0xc000 | UInt16(Size.header), &out)
      reply.writer.word(RecordType.ptr.rawValue, &out)
      reply.writer.word(RecordClass.internet, &out)
      reply.writer.copy(zones.reverse.data, place..<(place + length), &out)
      reply.writer.patch(1, at: 6, &out)
    } else {
      reply.truncate(&out)
    }
    return .reply(reply.end(self, bytes, &out))
  }

  /// No such name, or no such records: the SOA record says how long that holds (RFC 2308, 2).
  private func deny(
    _ code: ResponseCode, _ apex: ZoneTable.Apex, _ reply: inout Reply, _ bytes: Span<UInt8>,
    _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    deny(code, suffix: apex.length, zones.data, apex.start, &reply, bytes, &out)
  }

  private func deny(
    _ code: ResponseCode, suffix: Int, _ data: [UInt8], _ start: Range<Int>, _ reply: inout Reply,
    _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    reply.begin(code, bytes, &out)
    if reply.fits(2 + start.count) {
      // The zone's name is the end of the question's.
      reply.writer.word(0xc000 | UInt16(Size.header + query.nameLength - suffix), &out)
      reply.writer.copy(data, start, &out)
      reply.writer.patch(1, at: 8, &out)
    } else {
      reply.truncate(&out)
    }
    return .reply(reply.end(self, bytes, &out))
  }

  // MARK: everything else

  private func outside(_ reply: inout Reply, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>) -> Outcome {
    guard state != .blocked else { return finish(&reply, .serverFailure, .networkError, bytes, &out) }
    let route = routeNames.findLongest(scan)
    if let special = specialNames.findLongest(scan), special.label < route?.label ?? (scan.labels + 1) {
      return answerSpecial(specialKinds[special.number], special.label, &reply, bytes, &out)
    }
    guard let route else { return finish(&reply, .refused, .notAuthoritative, bytes, &out) }
    // A single label is a name of somebody's network (leak case D6). As one of the internet's it is a zone, of which
    // resolvers that validate ask only what a zone has.
    if scan.labels == 1, route.label == 1, ![.ns, .soa, .ds, .dnskey].contains(query.type) {
      return finish(&reply, .noError, .synthesized, bytes, &out)
    }
    guard query.isRecursionDesired else { return finish(&reply, .refused, .notAuthoritative, bytes, &out) }
    guard state == .open || routes[route.number].isProtected else {
      return finish(&reply, .serverFailure, .networkError, bytes, &out)
    }
    return .forward(upstream: routes[route.number].upstream)
  }

  private func answerSpecial(
    _ kind: SpecialName, _ label: Int, _ reply: inout Reply, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    reply.flags |= Flag.authoritative
    reply.error = .synthesized
    let suffix = scan.count - Int(scan.starts[label])
    let code: ResponseCode = kind == .absent || (kind == .empty && label > 0) ? .nameError : .noError
    let address: [UInt8]? =
      switch (kind, query.type) {
      case (.loopback, .a): Responder.loopback4
      case (.loopback, .aaaa): Responder.loopback6
      default: nil
      }
    guard let address else {
      return deny(code, suffix: suffix, SpecialName.start, 0..<SpecialName.start.count, &reply, bytes, &out)
    }
    reply.begin(.noError, bytes, &out)
    reply.writer.word(0xc000 | UInt16(Size.header), &out)
    reply.writer.copy(address, 0..<address.count, &out)
    reply.writer.patch(1, at: 6, &out)
    return .reply(reply.end(self, bytes, &out))
  }

  /// 127.0.0.1 and ::1 as records behind their owner, for an hour.
  private static let loopback4: [UInt8] = [0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 127, 0, 0, 1]
  private static let loopback6: [UInt8] =
    [0, 28, 0, 1, 0, 0, 14, 16, 0, 16] + [UInt8](repeating: 0, count: 15) + [1]

  // MARK: without an answer

  /// A source above its limit: every second one that may be real hears that it should come by TCP, the rest nothing.
  private mutating func limited(
    _ reply: inout Reply, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    refusals &+= 1
    guard query.nameLength > 0 else { return .drop }
    // On a stream it could not come back any better: it must wait, and is told so.
    guard reply.transport == .datagram else { return finish(&reply, .refused, .prohibited, bytes, &out) }
    guard refusals & 1 == 0 else { return .drop }
    reply.begin(.noError, bytes, &out)
    reply.truncate(&out)
    return .reply(reply.end(self, bytes, &out))
  }

  func finish(
    _ reply: inout Reply, _ code: ResponseCode, _ error: ExtendedError?, _ bytes: Span<UInt8>,
    _ out: inout MutableSpan<UInt8>
  ) -> Outcome {
    reply.error = error ?? reply.error
    reply.begin(code, bytes, &out)
    return .reply(reply.end(self, bytes, &out))
  }

  /// The reply to a question that was forwarded in vain: SERVFAIL, with the reason (RFC 8914).
  public mutating func fail(
    _ bytes: Span<UInt8>, from source: IPAddress, over transport: Transport, time: UInt32, because error: ExtendedError,
    into out: inout MutableSpan<UInt8>
  ) -> Int {
    guard query.read(bytes) == .question else { return 0 }
    var reply = Reply(query, bytes, transport, source, time)
    guard case .reply(let count) = finish(&reply, .serverFailure, error, bytes, &out) else { return 0 }
    return count
  }
}

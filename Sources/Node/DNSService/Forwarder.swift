import DNS
import Diagnostics
import LinuxKit
import NetworkTypes
import TLSClient

/// Somebody who waits for the answer of a resolver.
struct Client {
  /// Where the reply goes.
  enum Way {
    case datagram(listener: Int, SocketAddress)
    case stream(UInt32)
  }

  let bytes: [UInt8]
  let source: IPAddress
  let way: Way

  var transport: Transport {
    if case .datagram = way { .datagram } else { .stream }
  }
}

/// A question on its way to a resolver, for all who asked the same.
final class Waiting {
  let key: UpstreamQuestion.Key
  let upstream: Int
  var question: UpstreamQuestion
  var clients: [Client]
  /// Which server is asked, and how often anybody was.
  var server: Int
  var attempts = 0
  var overStream: Bool
  var hasEDNS = true
  var deadline: UInt64 = 0
  var socket: Forwarder.Port?
  var error = ExtendedError.noReachableAuthority

  init(_ key: UpstreamQuestion.Key, _ question: UpstreamQuestion, upstream: Int, server: Int, overStream: Bool) {
    self.key = key
    self.question = question
    self.upstream = upstream
    self.server = server
    self.overStream = overStream
    clients = []
  }
}

/// What is on its way upstream.
struct Forwarder {
  /// A socket that is used for one question, from a random port.
  final class Port {
    let socket: Socket
    init(_ socket: consuming Socket) { self.socket = socket }
  }

  var waiting: [UInt32: Waiting] = [:]
  var byKey: [UpstreamQuestion.Key: UInt32] = [:]
  /// How many questions of each source wait.
  var counts: [IPAddress: Int] = [:]
  var connections: [UInt32: UpstreamConnection] = [:]
  /// Which server of an upstream answered last.
  var preferred: [Int: Int] = [:]
  var random = SystemRandomNumberGenerator()
  private var contexts: [String: TLSContext] = [:]

  var isIdle: Bool { waiting.isEmpty && connections.isEmpty }

  func isUsed(_ number: UInt32) -> Bool { waiting[number] != nil || connections[number] != nil }

  /// The TLS context for a file of roots, read once.
  mutating func context(_ roots: String?) throws(Problem) -> TLSContext {
    if let context = contexts[roots ?? ""] { return context }
    let context = try TLSContext(roots: roots)
    contexts[roots ?? ""] = context
    return context
  }

  mutating func forgetContexts() { contexts = [:] }
}

extension DNSServer {
  /// Milliseconds that one attempt may take, and how many there are.
  private static let patience: UInt64 = 1500
  private static let attemptLimit = 4

  /// Puts a client's question to a resolver; the result is the length of a reply that is there already, 0 for none.
  func forward(_ client: Client, to upstream: Int, into out: inout MutableSpan<UInt8>) -> Int {
    let key = UpstreamQuestion.Key(responder.query, client.bytes, upstream: upstream)
    switch cache.find(key, now: UInt32(truncatingIfNeeded: now / 1000)) {
    case .answer(let answer, let age):
      return responder.finish(
        client.bytes.span, with: answer, age: age, from: client.source, over: client.transport, time: time, into: &out)
    case .failure(let error): return fail(client, error, &out)
    case nil: break
    }
    // One source may not take the place of all others, however slow the resolvers are.
    guard forwarder.counts[client.source, default: 0] < configuration.limits.waitingPerSource else {
      return fail(client, .notReady, &out)
    }
    if let number = forwarder.byKey[key], let waiting = forwarder.waiting[number] {
      guard waiting.clients.count < 256 else { return fail(client, .notReady, &out) }
      waiting.clients.append(client)
      forwarder.counts[client.source, default: 0] += 1
      return 0
    }
    guard forwarder.waiting.count < configuration.limits.waiting else { return fail(client, .notReady, &out) }
    forwarder.counts[client.source, default: 0] += 1
    let target = configuration.upstreams[upstream]
    let waiting = Waiting(
      key, UpstreamQuestion(key, random: &forwarder.random), upstream: upstream,
      server: forwarder.preferred[upstream] ?? 0, overStream: target.transport != .udp)
    waiting.clients = [client]
    let number = makeNumber()
    forwarder.waiting[number] = waiting
    forwarder.byKey[key] = number
    ask(number, waiting)
    return 0
  }

  private func fail(_ client: Client, _ error: ExtendedError, _ out: inout MutableSpan<UInt8>) -> Int {
    responder.fail(
      client.bytes.span, from: client.source, over: client.transport, time: time, because: error, into: &out)
  }

  // MARK: asking

  /// Sends the question to the server whose turn it is.
  func ask(_ number: UInt32, _ waiting: Waiting) {
    waiting.attempts += 1
    guard waiting.attempts <= DNSServer.attemptLimit else { return giveUp(number, waiting) }
    let upstream = configuration.upstreams[waiting.upstream]
    waiting.server %= upstream.servers.count
    // A new identifier and new letters every time: what was guessed before helps nobody.
    waiting.question = UpstreamQuestion(waiting.key, mixesCase: !waiting.overStream, random: &forwarder.random)
    waiting.deadline = now + DNSServer.patience
    waiting.socket = nil
    if waiting.overStream { return send(number, waiting, upstream) }
    guard let port = openPort(upstream, waiting.server, number) else {
      waiting.error = .networkError
      // The next turn of the sweep asks the next server; at once would be a busy loop.
      waiting.deadline = now
      return
    }
    waiting.socket = port
    let bytes = waiting.question.encoded(over: .datagram, hasEDNS: waiting.hasEDNS)
    if port.socket.send(bytes, from: 0, to: bytes.count) == .closed { waiting.deadline = now }
  }

  /// A socket at a random port, connected: the kernel drops what comes from anywhere else (RFC 5452, 9.2).
  private func openPort(_ upstream: DNSConfiguration.Upstream, _ server: Int, _ number: UInt32) -> Forwarder.Port? {
    let endpoint = upstream.servers[server]
    let anywhere: IPAddress = endpoint.address.family == .v4 ? .v4(0) : .v6(0)
    for _ in 0..<8 {
      let port = UInt16.random(in: 1024...UInt16.max, using: &forwarder.random)
      // One reply is expected: whoever sends more to all of these sockets shall not fill the kernel's memory.
      guard let socket = try? Socket.listening(.datagram, at: Endpoint(anywhere, port: port), expectsBursts: false)
      else { continue }
      let result = Forwarder.Port(socket)
      do throws(Problem) {
        if let interface = upstream.interface { try result.socket.bind(toInterface: interface) }
        guard result.socket.connect(to: endpoint) else { return nil }
        try poller.add(result.socket.number, token: Role.upstreamDatagram.rawValue << 32 | UInt64(number))
      } catch { return nil }
      return result
    }
    return nil
  }

  // MARK: receiving

  func receiveDatagram(_ number: UInt32) {
    guard let waiting = forwarder.waiting[number], let port = waiting.socket else { return }
    var buffer: [UInt8] = []
    swap(&buffer, &inBuffer)
    let transfer = port.socket.receiveDatagram(into: &buffer)
    let bytes: [UInt8]?
    if case .done(let count) = transfer { bytes = Array(buffer[..<count]) } else { bytes = nil }
    swap(&buffer, &inBuffer)
    if transfer == .closed {
      // The port is closed over there, or there is no way: the next server, in a moment.
      waiting.deadline = now
      waiting.socket = nil
      waiting.error = .networkError
      return
    }
    if let bytes { take(bytes, number, waiting) }
  }

  /// Does what a received message calls for.
  func take(_ bytes: [UInt8], _ number: UInt32, _ waiting: Waiting) {
    let upstream = configuration.upstreams[waiting.upstream]
    let isTrusted = upstream.transport == .tls || upstream.isTrusted
    switch waiting.question.judge(bytes, isTrusted: isTrusted, ours: responder.ours) {
    case .foreign: break
    case .otherCase, .truncated:
      // Over a stream nobody else can answer, and there is room.
      guard !waiting.overStream else { return next(number, waiting, .invalidData) }
      waiting.overStream = true
      waiting.attempts -= waiting.attempts > 1 ? 1 : 0
      ask(number, waiting)
    case .withoutEDNS:
      guard waiting.hasEDNS else { return next(number, waiting, .noReachableAuthority) }
      waiting.hasEDNS = false
      ask(number, waiting)
    case .failed(let error): next(number, waiting, error)
    case .answer(let answer):
      forwarder.preferred[waiting.upstream] = waiting.server
      cache.store(answer, for: waiting.key, now: UInt32(truncatingIfNeeded: now / 1000))
      remove(number, waiting)
      for client in waiting.clients {
        deliver(client) { server, out in
          server.responder.finish(
            client.bytes.span, with: answer, age: 0, from: client.source, over: client.transport, time: server.time,
            into: &out)
        }
      }
    }
  }

  /// Asks the next server.
  func next(_ number: UInt32, _ waiting: Waiting, _ error: ExtendedError) {
    waiting.error = error
    waiting.server += 1
    // After a whole round nobody is left.
    if waiting.attempts >= configuration.upstreams[waiting.upstream].servers.count * 2 {
      return giveUp(number, waiting)
    }
    ask(number, waiting)
  }

  private func giveUp(_ number: UInt32, _ waiting: Waiting) {
    remove(number, waiting)
    cache.storeFailure(.cachedError, for: waiting.key, now: UInt32(truncatingIfNeeded: now / 1000))
    for client in waiting.clients {
      deliver(client) { server, out in server.fail(client, waiting.error, &out) }
    }
  }

  private func remove(_ number: UInt32, _ waiting: Waiting) {
    forwarder.waiting[number] = nil
    if forwarder.byKey[waiting.key] == number { forwarder.byKey[waiting.key] = nil }
    waiting.socket = nil
  }

  /// Fails every question that is on its way, and closes every connection: nothing of them is believed any more.
  func abandonAll() {
    forwarder.connections = [:]
    let all = forwarder.waiting
    forwarder.waiting = [:]
    forwarder.byKey = [:]
    for waiting in all.values {
      waiting.socket = nil
      for client in waiting.clients { deliver(client) { server, out in server.fail(client, .networkError, &out) } }
    }
  }

  /// Asks again, or gives up, where the time is over.
  func sweepUpstreams() {
    guard !forwarder.isIdle else { return }
    // Connections first: nobody is asked again over one that is dead.
    sweepConnections()
    for (number, waiting) in forwarder.waiting where waiting.deadline <= now {
      next(number, waiting, waiting.error)
    }
  }

  /// Sends a reply that `write` makes to somebody who waited.
  private func deliver(_ client: Client, _ write: (DNSServer, inout MutableSpan<UInt8>) -> Int) {
    var output: [UInt8] = []
    swap(&output, &outBuffer)
    // A second delivery within the first finds no buffer: it makes one.
    if output.count < 1 << 17 { output = [UInt8](repeating: 0, count: 1 << 17) }
    defer { swap(&output, &outBuffer) }
    var span = output.mutableSpan
    var out = span._mutatingExtracting(2..<65_537)
    let length = write(self, &out)
    let count = forwarder.counts[client.source, default: 1] - 1
    forwarder.counts[client.source] = count > 0 ? count : nil
    switch client.way {
    case .datagram(let listener, let peer):
      guard length > 0 else { return }
      listeners[listener].socket.send(Array(output[2..<(2 + length)]), count: length, to: peer)
    case .stream(let id):
      output[0] = UInt8(truncatingIfNeeded: length >> 8)
      output[1] = UInt8(truncatingIfNeeded: length)
      deliver(output, length > 0 ? length + 2 : 0, to: id)
    }
  }
}

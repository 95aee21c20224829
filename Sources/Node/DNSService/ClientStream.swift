import DNS
import Diagnostics
import LinuxKit
import NetworkTypes

/// A TCP connection of a client: many questions, answered in the order in which answers are there (RFC 7766, 6.2.1.1).
final class ClientStream {
  /// What a stream is waited for.
  struct Interest: Equatable {
    var reads = true
    var writes = false
  }

  let socket: Socket
  let source: IPAddress
  /// What has come and is not answered yet: a message that is not complete, or some that must wait.
  var held: [UInt8] = []
  /// What the client has not taken yet; nothing more is answered until it has.
  var unsent: [UInt8] = []
  var sent = 0
  /// Questions that wait for resolvers.
  var waiting = 0
  /// When a whole question came last, or a reply went: what comes octet by octet keeps nothing open.
  var lastActive: UInt64
  /// The client has ended its half: what has come is answered, then the stream ends.
  var isEnding = false
  var interest = Interest()

  init(_ socket: consuming Socket, source: IPAddress, now: UInt64) {
    self.socket = socket
    self.source = source
    lastActive = now
  }

  /// Whether a whole message is held.
  var holdsMessage: Bool { held.count >= 2 && held.count - 2 >= Int(held[0]) << 8 | Int(held[1]) }

  /// Whether another question may be answered: the client takes its replies, and not too many wait.
  func takesQuestions(_ limit: Int) -> Bool { unsent.isEmpty && waiting < limit }
}

extension DNSServer {
  /// The longest that may wait for a client that does not read, in octets.
  private static let unsentLimit = 1 << 18

  func acceptStreams(_ index: Int) {
    for _ in 0..<64 {
      switch listeners[index].socket.accept() {
      case .later: return
      case .exhausted:
        // Without a descriptor the connection stays where it is: asked for again at once it would be a busy loop.
        if !endLongestSilent(of: nil) { return rest(index) }
      case .connection(let number, let peer): begin(Socket.adopt(number), from: peer.address)
      }
    }
  }

  private func begin(_ socket: consuming Socket, from source: IPAddress) {
    let limits = configuration.limits
    // Whoever is silent longest makes room; if all are waiting, the new one is closed at once.
    if streamCounts[source, default: 0] >= limits.streamsPerSource {
      guard endLongestSilent(of: source) else { return }
    }
    if streams.count >= limits.streams { guard endLongestSilent(of: nil) else { return } }
    socket.sendAtOnce()
    let id = makeNumber()
    let stream = ClientStream(socket, source: source, now: now)
    guard (try? poller.add(stream.socket.number, token: Role.stream.rawValue << 32 | UInt64(id))) != nil else { return }
    streams[id] = stream
    streamCounts[source, default: 0] += 1
  }

  /// Closes the stream, of one source or of all, that is silent longest (RFC 7766, 6.2.3); false where none is.
  private func endLongestSilent(of source: IPAddress?) -> Bool {
    var longest: (UInt64, UInt32) = (.max, .max)
    for (id, stream) in streams where stream.waiting == 0 && (source == nil || stream.source == source) {
      // Of two that are silent since the same moment, the one that came first.
      if (stream.lastActive, id) < longest { longest = (stream.lastActive, id) }
    }
    guard longest.0 != .max else { return false }
    close(longest.1)
    return true
  }

  /// Lets connections wait in the kernel until the next sweep.
  private func rest(_ index: Int) {
    restingAcceptors.append(index)
    setAcceptor(index, accepts: false)
  }

  func wakeAcceptors() {
    for index in restingAcceptors { setAcceptor(index, accepts: true) }
    restingAcceptors = []
  }

  private func setAcceptor(_ index: Int, accepts: Bool) {
    try? poller.change(
      listeners[index].socket.number, token: Role.acceptor.rawValue << 32 | UInt64(index), readable: accepts,
      writable: false)
  }

  func close(_ id: UInt32) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    let count = streamCounts[stream.source, default: 1] - 1
    streamCounts[stream.source] = count > 0 ? count : nil
  }

  /// Closes streams that are silent too long (RFC 7766, 6.2.3); one that waits for an answer is not silent.
  func sweepStreams() {
    let idle = UInt64(configuration.limits.idle) * 1000
    for (id, stream) in streams where stream.waiting == 0 && now &- stream.lastActive > idle { close(id) }
  }

  func serveStream(_ id: UInt32, _ event: Poller.Event) {
    guard let stream = streams[id] else { return }
    // Both halves are over: nobody reads a reply any more.
    if event.isBroken { return close(id) }
    if event.isWritable { flush(stream, id) }
    guard streams[id] != nil, event.isReadable, stream.interest.reads else { return }
    exchange(stream, id, receives: true)
  }

  /// Goes on with what a stream has sent already: room for replies, or an answer, has come.
  func resumeStreams() {
    while let id = resumable.popFirst() {
      guard let stream = streams[id], stream.takesQuestions(configuration.limits.questionsPerStream) else { continue }
      exchange(stream, id, receives: false)
    }
  }

  /// Receives what is there if it should, and answers what is complete, in the buffers that all streams share.
  private func exchange(_ stream: ClientStream, _ id: UInt32, receives: Bool) {
    var input: [UInt8] = []
    var output: [UInt8] = []
    swap(&input, &inBuffer)
    swap(&output, &outBuffer)
    defer {
      swap(&input, &inBuffer)
      swap(&output, &outBuffer)
    }
    var count = stream.held.count
    for index in 0..<count { input[index] = stream.held[index] }
    if receives {
      switch stream.socket.receive(into: &input, at: count) {
      case .later: return
      case .closed:
        stream.isEnding = true
        return settle(stream, id)
      case .done(let more): count += more
      }
    }
    guard let used = answer(input, count, stream, id, &output) else { return }
    if used > 0 { stream.lastActive = now }
    stream.held = used == count ? [] : Array(input[used..<count])
    settle(stream, id)
  }

  /// Answers one message after the other until something must wait; the result is how many octets of the input are done
  /// with, nil when the stream is over.
  private func answer(
    _ input: [UInt8], _ count: Int, _ stream: ClientStream, _ id: UInt32, _ output: inout [UInt8]
  ) -> Int? {
    let limit = configuration.limits.questionsPerStream
    var at = 0
    var end = 0
    while count - at >= 2, stream.takesQuestions(limit) {
      let length = Int(input[at]) << 8 | Int(input[at + 1])
      guard count - at - 2 >= length else { break }
      end += serve(input, (at + 2)..<(at + 2 + length), stream, id, &output, end)
      at += 2 + length
      // Room for the longest reply; what there is goes out first.
      guard output.count - end < 65_537 else { continue }
      guard write(output, end, stream, id) else { return nil }
      end = 0
    }
    return write(output, end, stream, id) ? at : nil
  }

  /// Answers one message of a stream; the result is how many octets were written behind `end`, the length included.
  private func serve(
    _ input: [UInt8], _ range: Range<Int>, _ stream: ClientStream, _ id: UInt32, _ output: inout [UInt8], _ end: Int
  ) -> Int {
    let bytes = input.span.extracting(range)
    var span = output.mutableSpan
    var out = span._mutatingExtracting((end + 2)..<(end + 65_537))
    var length = 0
    switch responder.respond(to: bytes, from: stream.source, over: .stream, now: now, time: time, into: &out) {
    case .drop: return 0
    case .reply(let count): length = count
    case .forward(let upstream):
      let client = Client(bytes: Array(input[range]), source: stream.source, way: .stream(id))
      length = forward(client, to: upstream, into: &out)
      if length == 0 { stream.waiting += 1 }
    }
    guard length > 0 else { return 0 }
    output[end] = UInt8(truncatingIfNeeded: length >> 8)
    output[end + 1] = UInt8(truncatingIfNeeded: length)
    return length + 2
  }

  /// Sends, and keeps what the client does not take now; false when the stream is over.
  private func write(_ bytes: [UInt8], _ count: Int, _ stream: ClientStream, _ id: UInt32) -> Bool {
    guard count > 0 else { return true }
    var sent = 0
    if stream.unsent.isEmpty {
      switch stream.socket.send(bytes, from: 0, to: count) {
      case .done(let octets): sent = octets
      case .later: break
      case .closed:
        close(id)
        return false
      }
    }
    guard sent < count else { return true }
    stream.unsent += bytes[sent..<count]
    guard stream.unsent.count - stream.sent <= DNSServer.unsentLimit else {
      close(id)
      return false
    }
    return true
  }

  /// Sends a reply that a stream has waited for.
  func deliver(_ bytes: [UInt8], _ count: Int, to id: UInt32) {
    guard let stream = streams[id] else { return }
    stream.waiting -= 1
    stream.lastActive = now
    if write(bytes, count, stream, id) { settle(stream, id) }
  }

  private func flush(_ stream: ClientStream, _ id: UInt32) {
    switch stream.socket.send(stream.unsent, from: stream.sent, to: stream.unsent.count) {
    case .later: return
    case .closed: return close(id)
    case .done(let octets): stream.sent += octets
    }
    stream.lastActive = now
    guard stream.sent == stream.unsent.count else { return }
    stream.unsent = []
    stream.sent = 0
    settle(stream, id)
  }

  /// Decides what can happen next: questions that are held, the end, or waiting for the client.
  private func settle(_ stream: ClientStream, _ id: UInt32) {
    let takesQuestions = stream.takesQuestions(configuration.limits.questionsPerStream)
    if takesQuestions, stream.holdsMessage {
      resumable.insert(id)
    } else if stream.isEnding, stream.waiting == 0, stream.unsent.isEmpty {
      return close(id)
    }
    let interest = ClientStream.Interest(
      reads: takesQuestions && !stream.isEnding && !stream.holdsMessage, writes: !stream.unsent.isEmpty)
    guard interest != stream.interest else { return }
    stream.interest = interest
    do throws(Problem) {
      try poller.change(
        stream.socket.number, token: Role.stream.rawValue << 32 | UInt64(id), readable: interest.reads,
        writable: interest.writes)
    } catch { close(id) }
  }
}

import DNS
import Diagnostics
import LinuxKit
import NetworkTypes

/// A TCP connection of a client: many questions, answered in the order in which answers are there (RFC 7766, 6.2.1.1).
final class ClientStream {
  let socket: Socket
  let source: IPAddress
  /// What has come of a message that is not complete.
  var partial: [UInt8] = []
  /// What the client has not taken yet; nothing more is read until it has.
  var unsent: [UInt8] = []
  var sent = 0
  /// Questions that wait for resolvers.
  var waiting = 0
  var lastActive: UInt64
  /// The client has ended its half: what waits is answered, then the stream ends.
  var isEnding = false

  init(_ socket: consuming Socket, source: IPAddress, now: UInt64) {
    self.socket = socket
    self.source = source
    lastActive = now
  }
}

extension DNSServer {
  /// The longest that may wait for a client that does not read, in octets.
  private static let unsentLimit = 1 << 18

  func acceptStreams(_ index: Int) {
    for _ in 0..<64 {
      guard let (number, peer) = listeners[index].socket.accept() else { return }
      let socket = Socket.adopt(number)
      let source = peer.address
      let limits = configuration.limits
      // Closed at once: the rest of the connections go on.
      guard streams.count < limits.streams, streamCounts[source, default: 0] < limits.streamsPerSource else { continue }
      socket.sendAtOnce()
      let id = makeNumber()
      let stream = ClientStream(socket, source: source, now: now)
      guard (try? poller.add(number, token: Role.stream.rawValue << 32 | UInt64(id))) != nil else { continue }
      streams[id] = stream
      streamCounts[source, default: 0] += 1
    }
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
    if !stream.unsent.isEmpty, event.isWritable { flush(stream, id) }
    guard streams[id] != nil, event.isReadable || event.isBroken, stream.unsent.isEmpty, !stream.isEnding else {
      return
    }
    guard stream.waiting < configuration.limits.questionsPerStream else { return pause(stream, id) }
    read(stream, id)
  }

  private func read(_ stream: ClientStream, _ id: UInt32) {
    var input: [UInt8] = []
    var output: [UInt8] = []
    swap(&input, &inBuffer)
    swap(&output, &outBuffer)
    defer {
      swap(&input, &inBuffer)
      swap(&output, &outBuffer)
    }
    var count = stream.partial.count
    for index in 0..<count { input[index] = stream.partial[index] }
    switch stream.socket.receive(into: &input, at: count) {
    case .later: return
    case .closed:
      stream.isEnding = true
      if stream.waiting == 0 { close(id) } else { pause(stream, id) }
      return
    case .done(let more): count += more
    }
    stream.lastActive = now
    var at = 0
    var end = 0
    while count - at >= 2 {
      let length = Int(input[at]) << 8 | Int(input[at + 1])
      guard count - at - 2 >= length else { break }
      // Room for the longest reply; what there is goes out first.
      if output.count - end < 65_537 {
        guard write(output, end, stream, id) else { return }
        end = 0
      }
      end += serve(input, (at + 2)..<(at + 2 + length), stream, id, &output, end)
      at += 2 + length
    }
    stream.partial = at == count ? [] : Array(input[at..<count])
    _ = write(output, end, stream, id)
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
  func write(_ bytes: [UInt8], _ count: Int, _ stream: ClientStream, _ id: UInt32) -> Bool {
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
    pause(stream, id)
    return true
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
    if stream.isEnding, stream.waiting == 0 { return close(id) }
    pause(stream, id)
  }

  /// Waits for what can happen next: reading only while nothing is unsent and not too much waits.
  func pause(_ stream: ClientStream, _ id: UInt32) {
    let reads =
      stream.unsent.isEmpty && !stream.isEnding && stream.waiting < configuration.limits.questionsPerStream
    do throws(Problem) {
      try poller.change(
        stream.socket.number, token: Role.stream.rawValue << 32 | UInt64(id), readable: reads,
        writable: !stream.unsent.isEmpty)
    } catch { close(id) }
  }
}

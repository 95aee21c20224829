import DNS
import Diagnostics
import LinuxKit
import NetworkTypes
import TLSClient

/// A TCP or TLS connection to a resolver, shared by all questions to it (RFC 7766, 6.2.1; RFC 7858, 3.3).
final class UpstreamConnection {
  /// How far it is.
  enum Phase { case connecting, handshaking, open }

  /// TLS over the socket.
  final class Secured {
    let connection: TLSConnection
    init(_ connection: consuming TLSConnection) { self.connection = connection }
  }

  let socket: Socket
  let upstream, server: Int
  var phase = Phase.connecting
  var secured: Secured?
  var input: [UInt8] = []
  var output: [UInt8] = []
  /// Questions that were written, by identifier.
  var asked: [UInt16: UInt32] = [:]
  /// When an answer came last, or the first question since then was put.
  var lastActive: UInt64

  init(_ socket: consuming Socket, upstream: Int, server: Int, now: UInt64) {
    self.socket = socket
    self.upstream = upstream
    self.server = server
    lastActive = now
  }
}

extension DNSServer {
  /// Milliseconds that a connection without questions stays open, and that one with questions may say nothing: it is
  /// dead then, perhaps for long without anybody's telling us.
  private static let upstreamIdle: UInt64 = 20_000
  private static let upstreamPatience: UInt64 = 3000
  /// How often is read from a connection before others have their turn.
  private static let readLimit = 16

  /// Puts the question on the connection to its server, which is made if need be.
  func send(_ number: UInt32, _ waiting: Waiting, _ upstream: DNSConfiguration.Upstream) {
    // Connecting and proving names takes more turns than a datagram.
    waiting.deadline = now + DNSServer.upstreamPatience
    guard let id = connection(waiting, upstream), let connection = forwarder.connections[id] else {
      waiting.error = .networkError
      waiting.deadline = now
      return
    }
    while connection.asked[waiting.question.id] != nil {
      waiting.question = UpstreamQuestion(waiting.key, mixesCase: false, random: &forwarder.random)
    }
    if connection.asked.isEmpty { connection.lastActive = now }
    connection.asked[waiting.question.id] = number
    let transport: Transport = upstream.transport == .tls ? .encrypted : .stream
    let bytes = waiting.question.encoded(over: transport, hasEDNS: waiting.hasEDNS)
    connection.output += [UInt8(bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    if connection.phase == .open { flush(connection, id) }
  }

  private func connection(_ waiting: Waiting, _ upstream: DNSConfiguration.Upstream) -> UInt32? {
    if let found = forwarder.connections.first(where: {
      $0.value.upstream == waiting.upstream && $0.value.server == waiting.server && $0.value.asked.count < 1024
    }) {
      return found.key
    }
    let endpoint = upstream.servers[waiting.server]
    guard let socket = try? Socket(.stream, endpoint.address.family) else { return nil }
    let connection = UpstreamConnection(socket, upstream: waiting.upstream, server: waiting.server, now: now)
    connection.socket.sendAtOnce()
    do throws(Problem) {
      if let interface = upstream.interface { try connection.socket.bind(toInterface: interface) }
      guard connection.socket.connect(to: endpoint) else { return nil }
      if upstream.transport == .tls {
        connection.secured = UpstreamConnection.Secured(
          try TLSConnection(
            try forwarder.context(upstream.roots), descriptor: connection.socket.number, name: upstream.name ?? "",
            pins: upstream.pins))
      }
      let id = makeNumber()
      try poller.add(
        connection.socket.number, token: Role.upstreamStream.rawValue << 32 | UInt64(id), writable: true)
      forwarder.connections[id] = connection
      return id
    } catch { return nil }
  }

  func serveUpstream(_ id: UInt32, _ event: Poller.Event) {
    guard let connection = forwarder.connections[id] else { return }
    if connection.phase == .connecting {
      guard !connection.socket.hasFailed() else { return drop(id, connection) }
      guard event.isWritable else { return }
      connection.phase = connection.secured == nil ? .open : .handshaking
    }
    if connection.phase == .handshaking {
      guard let secured = connection.secured else { return }
      switch secured.connection.handshake() {
      case .done: connection.phase = .open
      case .wantsRead: return wait(connection, id, writes: false)
      case .wantsWrite: return wait(connection, id, writes: true)
      case .failed(let reason):
        report("the resolver \(configuration.upstreams[connection.upstream].name ?? "") is not believed: \(reason)")
        return drop(id, connection)
      }
    }
    flush(connection, id)
    guard forwarder.connections[id] != nil else { return }
    if event.isReadable || event.isBroken { receive(connection, id) }
  }

  private func wait(_ connection: UpstreamConnection, _ id: UInt32, writes: Bool) {
    try? poller.change(
      connection.socket.number, token: Role.upstreamStream.rawValue << 32 | UInt64(id), readable: true, writable: writes
    )
  }

  private func flush(_ connection: UpstreamConnection, _ id: UInt32) {
    while !connection.output.isEmpty {
      let step: TLSConnection.Step
      if let secured = connection.secured {
        step = secured.connection.write(connection.output, from: 0)
      } else {
        step =
          switch connection.socket.send(connection.output, from: 0, to: connection.output.count) {
          case .done(let count): .done(count)
          case .later: .wantsWrite
          case .closed: .failed("closed")
          }
      }
      switch step {
      case .done(let count): connection.output.removeFirst(count)
      case .wantsRead: return wait(connection, id, writes: false)
      case .wantsWrite: return wait(connection, id, writes: true)
      case .failed: return drop(id, connection)
      }
    }
    wait(connection, id, writes: false)
  }

  private func receive(_ connection: UpstreamConnection, _ id: UInt32) {
    // As large as a record of TLS: what libssl would hold back wakes nobody.
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    reading: for _ in 0..<DNSServer.readLimit {
      let step: TLSConnection.Step
      if let secured = connection.secured {
        step = secured.connection.read(into: &buffer, at: 0)
      } else {
        step =
          switch connection.socket.receive(into: &buffer, at: 0) {
          case .done(let count): .done(count)
          case .later: .wantsRead
          case .closed: .failed("closed")
          }
      }
      switch step {
      case .done(let count): connection.input += buffer[..<count]
      case .wantsRead, .wantsWrite: break reading
      case .failed:
        takeMessages(connection)
        return drop(id, connection)
      }
      takeMessages(connection)
    }
  }

  private func takeMessages(_ connection: UpstreamConnection) {
    var at = 0
    while connection.input.count - at >= 2 {
      let length = Int(connection.input[at]) << 8 | Int(connection.input[at + 1])
      guard connection.input.count - at - 2 >= length else { break }
      let bytes = Array(connection.input[(at + 2)..<(at + 2 + length)])
      at += 2 + length
      guard length >= 2 else { continue }
      let identifier = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
      guard let number = connection.asked.removeValue(forKey: identifier), let waiting = forwarder.waiting[number],
        waiting.question.id == identifier, waiting.overStream
      else { continue }
      connection.lastActive = now
      take(bytes, number, waiting)
    }
    connection.input.removeFirst(at)
  }

  /// Ends a connection; its questions are asked again in a moment, elsewhere.
  private func drop(_ id: UInt32, _ connection: UpstreamConnection) {
    forwarder.connections[id] = nil
    for number in connection.asked.values {
      guard let waiting = forwarder.waiting[number], waiting.overStream else { continue }
      waiting.error = .networkError
      waiting.deadline = now
    }
  }

  func sweepConnections() {
    for (id, connection) in forwarder.connections {
      let silence = now &- connection.lastActive
      let isDead = (connection.phase != .open || !connection.asked.isEmpty) && silence >= DNSServer.upstreamPatience
      if isDead || silence > DNSServer.upstreamIdle { drop(id, connection) }
      connection.asked = connection.asked.filter { forwarder.waiting[$0.value]?.question.id == $0.key }
    }
  }

  /// Tells the operator; at most once a second, because a resolver could cause it.
  func report(_ line: String) {
    guard now &- lastReport >= 1000 else { return }
    lastReport = now
    Console.note("rustynetd: \(line)")
  }
}

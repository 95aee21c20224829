import CLinux
import Diagnostics
import Glibc
import WireGuard

/// The cross-platform configuration socket of one device: `/var/run/wireguard/IFNAME.sock`, one text request a turn.
///
/// Clients are served without waiting for any of them; each may ask again on the same connection.
final class ControlSocket {
  static let folder = "/var/run/wireguard"
  /// Clients at a time; one more, and the one that has been silent the longest has to go.
  static let clientLimit = 32

  /// A connection: what was read of its requests, and what is left of its reply.
  struct Client {
    var descriptor: Int32
    /// When it was served last, in turns of the socket.
    var turn: UInt64
    var request: [UInt8] = []
    /// How far `request` was searched for the end of one.
    var searched = 0
    var reply: [UInt8] = []
    var sent = 0
    var isEnding = false
  }

  let path: String
  let listener: Int32
  private(set) var clients: [Client] = []
  private var turn: UInt64 = 0

  /// Listens. Throws `tunnel.socket-busy` when another daemon answers there, and `tunnel.socket`.
  init(interface: String, folder: String = ControlSocket.folder) throws(Problem) {
    path = "\(folder)/\(interface).sock"
    if unsafe mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw .couldNotRun("tunnel.socket", "the folder cannot be made: \(describe(errno))", place: folder)
    }
    listener = try Self.listen(path)
  }

  /// A function of its own, so that the initialiser throws before the object is whole: a whole one that throws would be
  /// taken down by `deinit`, and that removes the socket of the daemon that answers there.
  private static func listen(_ path: String) throws(Problem) -> Int32 {
    let listener = unsafe cl_listen_local(path)
    switch listener {
    case 0...: return listener
    case -EADDRINUSE:
      throw .couldNotRun("tunnel.socket-busy", "another daemon serves this interface", place: path)
    case -EACCES, -EPERM:
      throw .refused(
        "tunnel.privilege", "the socket cannot be made: permission denied", place: path, hint: "run it as root")
    default: throw .couldNotRun("tunnel.socket", "the socket cannot be made: \(describe(-listener))", place: path)
    }
  }

  deinit {
    for client in clients { _ = close(client.descriptor) }
    _ = close(listener)
    _ = unsafe unlink(path)
  }

  /// Takes those who wait at the listener.
  func accept() {
    while true {
      let descriptor = cl_accept(listener)
      guard descriptor >= 0 else { return }
      if clients.count == Self.clientLimit, let place = clients.indices.min(by: { clients[$0].turn < clients[$1].turn })
      {
        _ = close(clients.remove(at: place).descriptor)
      }
      turn += 1
      clients.append(Client(descriptor: descriptor, turn: turn))
    }
  }

  /// What a client's descriptor is waited for.
  func events(of client: Client) -> Int16 { Int16(client.reply.isEmpty ? POLLIN : POLLOUT) }

  /// Serves clients that are ready; `answer` turns a whole request into its reply. A client may send its next request
  /// before it has read the reply to the one before.
  func serve(_ ready: (Int32) -> Bool, _ answer: (String) -> String) {
    turn += 1
    for index in clients.indices where ready(clients[index].descriptor) {
      clients[index].turn = turn
      if clients[index].reply.isEmpty { read(&clients[index]) } else { write(&clients[index]) }
      while let request = nextRequest(&clients[index]) {
        clients[index].reply = Array(answer(request).utf8)
        clients[index].sent = 0
        write(&clients[index])
      }
    }
    clients.removeAll { client in
      if client.isEnding { _ = close(client.descriptor) }
      return client.isEnding
    }
  }

  private func read(_ client: inout Client) {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let got = unsafe Glibc.read(client.descriptor, &chunk, chunk.count)
    guard got > 0 else {
      if got == 0 || (errno != EAGAIN && errno != EINTR) { client.isEnding = true }
      return
    }
    client.request += chunk[..<got]
    if client.request.count > UAPI.requestLimit { client.isEnding = true }
  }

  /// Takes a whole request out of what a client has sent, once its reply to the one before is on its way.
  private func nextRequest(_ client: inout Client) -> String? {
    guard client.reply.isEmpty, !client.isEnding else { return nil }
    // A request ends with an empty line, which may end across the border of what was searched.
    guard let end = Self.end(of: client.request, from: max(client.searched - 1, 0)) else {
      client.searched = client.request.count
      return nil
    }
    let text = String(decoding: client.request[..<end], as: UTF8.self)
    for index in client.request.indices[...end] { client.request[index] = 0 }
    client.request.removeFirst(end + 1)
    client.searched = 0
    return text
  }

  /// Where the empty line of a request begins, if it is there.
  private static func end(of request: [UInt8], from start: Int) -> Int? {
    let newline = UInt8(ascii: "\n")
    var at = start
    while at + 1 < request.count {
      if request[at] == newline && request[at + 1] == newline { return at + 1 }
      at += 1
    }
    return nil
  }

  private func write(_ client: inout Client) {
    while client.sent < client.reply.count {
      let start = client.sent
      let done = unsafe client.reply.withUnsafeBytes {
        unsafe send(client.descriptor, $0.baseAddress.map { unsafe $0 + start }, $0.count - start, Int32(0x4000))
      }
      if done < 0 {
        if errno == EAGAIN || errno == EINTR { return }
        client.isEnding = true
        return
      }
      client.sent += done
    }
    if !client.reply.isEmpty {
      for index in client.reply.indices { client.reply[index] = 0 }
      client.reply = []
      client.request.reserveCapacity(0)
    }
  }
}

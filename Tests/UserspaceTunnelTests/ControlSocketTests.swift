import Diagnostics
import LinuxKit
import Testing

@testable import UserspaceTunnel

@Suite struct ControlSocketTests {
  /// A second daemon that is refused must not take the first one's socket down with it.
  @Test func aSecondDaemonLeavesTheFirstOneItsSocket() throws {
    let folder = "/tmp/rustynet-socket-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileSystem.removeTree(folder) }
    var first: ControlSocket? = try ControlSocket(interface: "one", folder: folder)
    let path = try #require(first).path
    for _ in 0..<2 {
      #expect(throws: Problem.couldNotRun("tunnel.socket-busy", "")) {
        try ControlSocket(interface: "one", folder: folder)
      }
    }
    #expect(FileSystem.status(path) != nil)
    first = nil
    #expect(FileSystem.status(path) == nil)
    _ = try ControlSocket(interface: "one", folder: folder)
  }

  /// A folder with a socket in it, for as long as `body` runs.
  private func serving(_ body: (ControlSocket) throws -> Void) throws {
    let folder = "/tmp/rustynet-socket-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileSystem.removeTree(folder) }
    try body(try ControlSocket(interface: "one", folder: folder))
  }

  /// Two requests may come in one piece, and one in many: each is answered, in its order.
  @Test(arguments: [1, 3, 1_000]) func answersEachRequest(piece: Int) throws {
    try serving { socket in
      let client = try LocalStream(connectingTo: socket.path, seconds: 5)
      socket.accept()
      var asked: [String] = []
      let words = Array("get=1\n\nset=1\nfwmark=7\n\n".utf8)
      for start in stride(from: 0, to: words.count, by: piece) {
        try client.write(Array(words[start..<min(start + piece, words.count)]))
        socket.serve({ _ in true }) { text in
          asked.append(text)
          return "\(asked.count)\n\n"
        }
      }
      #expect(asked == ["get=1\n", "set=1\nfwmark=7\n"])
      #expect(try client.read(until: Array("2\n\n".utf8), limit: 100) == Array("1\n\n2\n\n".utf8))
    }
  }

  /// A connection that an array can hold.
  private final class Connection {
    let stream: LocalStream
    init(_ path: String) throws { stream = try LocalStream(connectingTo: path, seconds: 5) }
  }

  /// Clients that say nothing do not keep others out: the one that was silent the longest has to go.
  @Test func aClientMoreIsServed() throws {
    try serving { socket in
      var silent: [Connection] = []
      for _ in 0..<ControlSocket.clientLimit + 8 {
        silent.append(try Connection(socket.path))
        socket.accept()
      }
      let client = try LocalStream(connectingTo: socket.path, seconds: 5)
      socket.accept()
      #expect(socket.clients.count == ControlSocket.clientLimit)
      try client.write(Array("get=1\n\n".utf8))
      socket.serve({ _ in true }) { _ in "errno=0\n\n" }
      #expect(try client.read(until: Array("\n\n".utf8), limit: 100) == Array("errno=0\n\n".utf8))
      #expect(silent.count == ControlSocket.clientLimit + 8, "they are connected until here")
    }
  }
}

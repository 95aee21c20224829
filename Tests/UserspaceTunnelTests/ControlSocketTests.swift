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
}

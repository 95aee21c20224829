import Diagnostics
import Glibc
import LinuxKit
import NetlinkKit
import TunnelBackend
import TunnelDriver
import WireGuard

/// A daemon that has a TUN link and is driven by text over a socket (https://www.wireguard.com/xplatform/).
final class UAPIDevice: TunnelDevice {
  /// Where every daemon has its sockets.
  static let folder = "/var/run/wireguard"
  /// Seconds that a daemon has to come up, and to answer.
  static let patience = 10

  let index: UInt32
  private let path: String
  private let process: BackgroundProcess?
  private let routes: RouteSocket

  /// Takes over the daemon that serves this name, or starts one. Throws `tunnel.daemon` when it does not come up,
  /// `tunnel.interface-exists` when the name is another link's.
  init(_ command: [String], _ interface: String, over routes: RouteSocket) throws(Problem) {
    path = "\(Self.folder)/\(interface).sock"
    self.routes = routes
    let link = try routes.link(named: interface)
    if let link, Self.answers(path) {
      process = nil
      index = link.index
    } else {
      guard link == nil else {
        throw .refused(
          "tunnel.interface-exists", "there is an interface \(interface) that no daemon serves", source: "P1-6",
          hint: "remove it, or choose another name")
      }
      guard let program = command.first else {
        throw .refused("tunnel.daemon", "no daemon serves \(interface), and no command starts one", place: path)
      }
      try Self.waitForEarlierDaemon(path)
      let daemon = try BackgroundProcess(
        [try Self.find(program)] + command.dropFirst() + [interface],
        environment: ["PATH=\(Self.searchPath)", "LOG_LEVEL=error"])
      index = try Self.waitForLink(interface, of: daemon, path, routes)
      process = daemon
    }
    // From here on a restart knows the link as ours.
    do throws(Problem) {
      try routes.setGroup(index: index, InterfaceNetwork.group)
      try bind()
    } catch {
      try? close()
      throw error
    }
  }

  private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  private static func find(_ program: String) throws(Problem) -> String {
    if program.contains("/") { return program }
    for folder in searchPath.split(separator: ":") where FileSystem.status("\(folder)/\(program)") != nil {
      return "\(folder)/\(program)"
    }
    throw .malformed("process.start", "there is no program \(program)", place: searchPath)
  }

  /// A daemon whose link was just swept away ends on its own; its socket must not be taken for the new one's.
  private static func waitForEarlierDaemon(_ path: String) throws(Problem) {
    for _ in 0..<500 {
      if !answers(path) { return }
      usleep(10_000)
    }
    throw .couldNotRun("tunnel.daemon", "an earlier daemon does not end", place: path)
  }

  /// Waits until the daemon has a link and answers. A command that puts itself in the background ends with 0 before.
  private static func waitForLink(
    _ interface: String, of daemon: BackgroundProcess, _ path: String, _ routes: RouteSocket
  ) throws(Problem) -> UInt32 {
    let deadline = Host.monotonicSeconds() + Double(patience)
    var reason = "it did not come up in \(patience) s"
    while Host.monotonicSeconds() < deadline {
      if answers(path), let link = try routes.link(named: interface) { return link.index }
      if let status = daemon.exitStatus(), status != 0 {
        reason = "it ended with \(status)"
        break
      }
      usleep(10_000)
    }
    daemon.end(patience: 1)
    if let link = try routes.link(named: interface) { try? routes.deleteLink(index: link.index) }
    throw .couldNotRun(
      "tunnel.daemon", "the daemon of \(interface) failed: \(reason)" + (daemon.lastLine().map { ": \($0)" } ?? ""))
  }

  /// Switches the link on before a port is asked for, and waits until the daemon has bound one: what it cannot bind later,
  /// when the link comes up, it only writes to its log.
  private func bind() throws(Problem) {
    try routes.setUp(index: index, true)
    for _ in 0..<100 {
      if try state().listenPort != 0 { return }
      usleep(10_000)
    }
  }

  /// Whether somebody listens at the socket.
  private static func answers(_ path: String) -> Bool {
    (try? LocalStream(connectingTo: path, seconds: patience)) != nil
  }

  // MARK: Words

  func set(_ change: DeviceChange) throws(Problem) {
    let reply = try ask(UAPI.request(change))
    // EADDRINUSE, which some daemons write with a sign.
    if reply.hasPrefix("errno=98\n") || reply.hasPrefix("errno=-98\n") { throw DrivenTunnel.portInUse }
    try UAPI.parseStatus(reply)
  }

  func state() throws(Problem) -> DeviceState {
    try UAPI.parseState(try ask(UAPI.getRequest)) { [routes] name in (try? routes.link(named: name))?.index }
  }

  private func ask(_ request: String) throws(Problem) -> String {
    let stream = try LocalStream(connectingTo: path, seconds: Self.patience)
    try stream.write(Array(request.utf8))
    let bytes = try stream.read(until: Array("\n\n".utf8), limit: UAPI.requestLimit)
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: End

  var isAlive: Bool {
    // One that went to the background has left us nothing but its link to look at.
    switch process?.exitStatus() {
    case nil, 0: true
    case .some: false
    }
  }

  /// A daemon ends when its link does; one that does not is ended.
  func close() throws(Problem) {
    var first: Problem?
    do throws(Problem) { try routes.deleteLink(index: index) } catch {
      if error.code != "netlink.missing" { first = error }
    }
    if let process, !process.waitForEnd(seconds: 3) { process.end(patience: 3) }
    for _ in 0..<300 where Self.answers(path) { usleep(10_000) }
    // What a daemon that was killed leaves, and nothing that still answers.
    if FileSystem.status(path) != nil, !Self.answers(path) { _ = unsafe unlink(path) }
    if let first { throw first }
  }
}

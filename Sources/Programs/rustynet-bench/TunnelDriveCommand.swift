import ArgumentParser
import Cryptography
import Diagnostics
import KernelTunnel
import LinuxKit
import NetworkTypes
import TunnelBackend
import UAPITunnel
import Wire

/// `rustynet-bench tunnel-drive BACKEND`: a backend by hand, for tests in the laboratory.
///
/// Reads a verb a line and answers each with its result and a line `ok` or `problem CODE: …`. Keys are in base 64.
///
///     start IF KEY PORT MTU ADDRESS,… [MARK]       peer KEY [psk=KEY] [endpoint=E] [keepalive=N] [ranges=R,…]
///     many KEY A B                                 a peer with 2·A·B ranges, A and B at most 256
///     remove KEY      routes [DESTINATION@KEY@KIND …]      exit KEY|off
///     statistics      events      shutdown
struct TunnelDriveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tunnel-drive", abstract: "Drive a tunnel's backend by lines.", shouldDisplay: false)

  @Argument(help: "kernel, kernel-threaded, or the command of a daemon.") var backend: String

  func run() throws {
    let tunnel: any TunnelBackend
    switch backend {
    case "kernel": tunnel = KernelBackend()
    case "kernel-threaded": tunnel = KernelBackend(usesThreadedPolling: true)
    default: tunnel = UAPIBackend(command: backend.split(separator: " ").map(String.init))
    }
    let input = try FileDescriptor(duplicating: 0, path: "standard input")
    var rest: [UInt8] = []
    while case let piece = try input.read(upTo: 4096), !piece.isEmpty {
      rest += piece
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        answer(String(decoding: rest[..<end], as: UTF8.self), tunnel)
        rest.removeSubrange(...end)
      }
    }
  }

  private func answer(_ line: String, _ tunnel: any TunnelBackend) {
    let words = line.split(separator: " ").map(String.init)
    guard let verb = words.first else { return }
    do throws(Problem) {
      for result in try carryOut(verb, Array(words.dropFirst()), tunnel) { Console.print(result) }
      Console.print("ok")
    } catch { Console.print("problem \(error.code): \(error.message)") }
  }

  private func carryOut(_ verb: String, _ words: [String], _ tunnel: any TunnelBackend) throws(Problem) -> [String] {
    switch (verb, words.count) {
    case ("start", 5...6): try tunnel.start(try context(words))
    case ("peer", 1...): try tunnel.apply(PeerDifference(configured: [try peer(words)]))
    case ("many", 3): try tunnel.apply(PeerDifference(configured: [try largePeer(words)]))
    case ("remove", 1): try tunnel.apply(PeerDifference(removed: [try PeerKey(try bytes(words[0]))]))
    case ("routes", _):
      var routes: [TunnelRoute] = []
      for word in words { routes.append(try route(word)) }
      try tunnel.replaceRoutes(routes)
    case ("exit", 1): try tunnel.setExitMode(words[0] == "off" ? .off : .fullTunnel(PeerKey(try bytes(words[0]))))
    case ("statistics", 0): return try statistics(tunnel)
    case ("events", 0): return try tunnel.takeEvents().map { event($0) }
    case ("shutdown", 0): try tunnel.shutdown()
    default: throw .usage("drive.verb", "there is no such verb, or it takes other words")
    }
    return []
  }

  private func context(_ words: [String]) throws(Problem) -> TunnelContext {
    guard let key = Key32(try bytes(words[1])), let port = UInt16(words[2]), let mtu = Int(words[3]),
      let mark = words.count > 5 ? UInt32(words[5]) : 0
    else { throw .usage("drive.number", "a key or a number is none") }
    var addresses: [(address: IPAddress, length: Int)] = []
    for word in words[4].split(separator: ",") {
      let parts = word.split(separator: "/")
      let address = try IPAddress(parts[0])
      addresses.append((address, parts.count > 1 ? Int(parts[1]) ?? -1 : address.family.bits))
    }
    return TunnelContext(
      localNode: try NodeName("here"), interface: words[0], privateKey: key, listenPort: port, addresses: addresses,
      mtu: mtu, firewallMark: mark)
  }

  private func peer(_ words: [String]) throws(Problem) -> TunnelPeer {
    var peer = TunnelPeer(
      node: try NodeName("there"), publicKey: try PeerKey(try bytes(words[0])), allowedAddresses: [])
    for word in words.dropFirst() {
      // Keys in base 64 end with the sign that ends the name of an option.
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      switch parts[0] {
      case "psk": peer.presharedKey = Key32(try bytes(parts[1]))
      case "endpoint": peer.endpoint = try Endpoint(parts[1])
      case "keepalive": peer.keepaliveSeconds = UInt16(parts[1]) ?? 0
      case "ranges":
        for range in parts[1].split(separator: ",") { peer.allowedAddresses.append(try Prefix(range)) }
      default: throw .usage("drive.option", "there is no option \(parts[0])")
      }
    }
    return peer
  }

  private func largePeer(_ words: [String]) throws(Problem) -> TunnelPeer {
    var peer = try peer([words[0]])
    for a in 0..<(Int(words[1]) ?? 0) {
      for b in 0..<(Int(words[2]) ?? 0) {
        peer.allowedAddresses.append(Prefix(.v4(0x0b00_0000 | UInt32(a << 16 | b << 8))))
        peer.allowedAddresses.append(Prefix(.v6(0xfd << 120 | UInt128(a << 8 | b))))
      }
    }
    return peer
  }

  private func route(_ word: String) throws(Problem) -> TunnelRoute {
    let parts = word.split(separator: "@").map(String.init)
    guard parts.count == 3, let kind = TunnelRoute.Kind(rawValue: parts[2]) else {
      throw .usage("drive.route", "a route is DESTINATION@KEY@KIND")
    }
    return TunnelRoute(
      destination: try Prefix(parts[0]), via: try PeerKey(try bytes(parts[1])), kind: kind)
  }

  private func statistics(_ tunnel: any TunnelBackend) throws(Problem) -> [String] {
    let statistics = try tunnel.statistics()
    return statistics.peers.map { peer in
      "peer \(Base64.encode(peer.publicKey.bytes)) \(peer.endpoint.map { "\($0)" } ?? "-") "
        + "\(peer.receivedBytes) \(peer.sentBytes) \(peer.lastHandshake ?? 0)"
    } + ["peers \(statistics.peerCount) lost \(statistics.lostEvents)"]
  }

  private func event(_ event: TunnelEvent) -> String {
    switch event {
    case .connected(let key): "connected \(Base64.encode(key.bytes))"
    case .moved(let key, let endpoint): "moved \(Base64.encode(key.bytes)) \(endpoint)"
    case .unreachable(let key): "unreachable \(Base64.encode(key.bytes))"
    case .deviceLost: "device-lost"
    }
  }

  private func bytes(_ text: String) throws(Problem) -> [UInt8] { try Base64.decode(text) }
}

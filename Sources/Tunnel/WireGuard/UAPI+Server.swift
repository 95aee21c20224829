import Cryptography
public import Diagnostics
import Wire

/// The daemon's side: requests in, replies out.
extension UAPI {
  /// Parses a request; its empty line may be there or not.
  ///
  /// Throws `uapi.syntax` for what is not lines of `key=value`, `uapi.operation` for anything but `get=1` and `set=1`,
  /// `uapi.key` for a key that is unknown or in the wrong place, `uapi.value` for a value that a key cannot have.
  public static func parse(
    _ text: String, interface: InterfaceLookup = { _ in nil }
  ) throws(Problem) -> Request {
    var lines = UAPILines(text)
    let first = lines.next()
    if let problem = lines.problem { throw problem }
    switch (first?.key, first?.value) {
    case ("get", "1"):
      guard lines.next() == nil, lines.problem == nil else { throw syntax("get=1 stands alone", line: 2) }
      return .get
    case ("set", "1"): return .set(try parseChange(&lines, interface))
    default:
      throw .malformed(
        "uapi.operation", "the request is neither get=1 nor set=1", place: "line 1", source: "wireguard.com/xplatform")
    }
  }

  private static func parseChange(
    _ lines: inout UAPILines, _ interface: InterfaceLookup
  ) throws(Problem) -> DeviceChange {
    var change = DeviceChange()
    while let line = lines.next() {
      if line.key == "public_key" {
        change.peers.append(PeerChange(try line.publicKey()))
      } else if change.peers.isEmpty {
        try apply(line, to: &change)
      } else {
        try apply(line, to: &change.peers[change.peers.count - 1], interface)
      }
    }
    if let problem = lines.problem { throw problem }
    return change
  }

  private static func apply(_ line: UAPILines.Line, to change: inout DeviceChange) throws(Problem) {
    switch line.key {
    case "private_key":
      let key = try line.secret()
      change.privateKey = .some(key.isZero ? nil : key)
    case "listen_port": change.listenPort = try line.number(UInt16.self)
    case "fwmark": change.firewallMark = try line.number(UInt32.self)
    case "replace_peers":
      try line.expectTrue()
      change.replacesPeers = true
    default: throw unknown(line, "of a device")
    }
  }

  private static func apply(
    _ line: UAPILines.Line, to change: inout PeerChange, _ interface: InterfaceLookup
  ) throws(Problem) {
    switch line.key {
    case "remove":
      try line.expectTrue()
      change.removes = true
    case "update_only":
      try line.expectTrue()
      change.updatesOnly = true
    case "preshared_key": change.presharedKey = try line.secret()
    case "endpoint": change.endpoint = try line.endpoint(interface)
    case "persistent_keepalive_interval": change.keepaliveSeconds = try line.number(UInt16.self)
    case "replace_allowed_ips":
      try line.expectTrue()
      change.replacesAllowedAddresses = true
      // The lines count in their order: what stands before is replaced too.
      change.allowedAddresses = []
    case "allowed_ip": change.allowedAddresses.append(try line.allowedAddress())
    case "protocol_version":
      guard line.value == "1" else { throw value(line.key, line: line.number, "the only version is 1") }
    default: throw unknown(line, "of a peer")
    }
  }

  private static func unknown(_ line: UAPILines.Line, _ place: String) -> Problem {
    .malformed(
      "uapi.key", "\"\(line.key.prefix(40))\" is no key \(place)", place: "line \(line.number)",
      source: "wireguard.com/xplatform")
  }

  /// The reply to `get`, with its empty line. It holds the private key: it goes to the socket and nowhere else.
  public static func reply(_ state: DeviceState) -> String {
    var text = ""
    if let key = state.privateKey { text += "private_key=\(hex(key))\n" }
    if state.listenPort != 0 { text += "listen_port=\(state.listenPort)\n" }
    if state.firewallMark != 0 { text += "fwmark=\(state.firewallMark)\n" }
    for peer in state.peers {
      text += "public_key=\(Hex.encode(peer.publicKey.bytes))\n"
      text += "preshared_key=\(peer.presharedKey.map(hex) ?? String(repeating: "0", count: 64))\n"
      text += "protocol_version=1\n"
      if let endpoint = peer.endpoint { text += "endpoint=\(endpoint)\n" }
      text += "last_handshake_time_sec=\(peer.lastHandshake.seconds)\n"
      text += "last_handshake_time_nsec=\(peer.lastHandshake.nanoseconds)\n"
      text += "tx_bytes=\(peer.sentBytes)\n"
      text += "rx_bytes=\(peer.receivedBytes)\n"
      text += "persistent_keepalive_interval=\(peer.keepaliveSeconds)\n"
      for prefix in peer.allowedAddresses { text += "allowed_ip=\(prefix)\n" }
    }
    return text + reply(.success)
  }
}

import Cryptography
public import Diagnostics
import Wire

/// The client's side: requests out, replies in.
extension UAPI {
  /// A client's `set`, with its empty line. It may hold keys: it goes to the socket and nowhere else.
  public static func request(_ change: DeviceChange) -> String {
    var text = "set=1\n"
    if let key = change.privateKey { text += "private_key=\(key.map(hex) ?? String(repeating: "0", count: 64))\n" }
    if let port = change.listenPort { text += "listen_port=\(port)\n" }
    if let mark = change.firewallMark { text += "fwmark=\(mark)\n" }
    if change.replacesPeers { text += "replace_peers=true\n" }
    for peer in change.peers { write(peer, to: &text) }
    return text + "\n"
  }

  private static func write(_ peer: PeerChange, to text: inout String) {
    text += "public_key=\(Hex.encode(peer.publicKey.bytes))\n"
    if peer.removes {
      text += "remove=true\n"
      return
    }
    if peer.updatesOnly { text += "update_only=true\n" }
    if let key = peer.presharedKey { text += "preshared_key=\(hex(key))\n" }
    if let endpoint = peer.endpoint { text += "endpoint=\(endpoint)\n" }
    if let seconds = peer.keepaliveSeconds { text += "persistent_keepalive_interval=\(seconds)\n" }
    if peer.replacesAllowedAddresses { text += "replace_allowed_ips=true\n" }
    for range in peer.allowedAddresses { text += "allowed_ip=\(range.removes ? "-" : "")\(range.prefix)\n" }
  }

  /// Reads a daemon's reply to `get`; an errno other than 0 is `uapi.errno`. Keys that we do not know are passed over,
  /// for a daemon may know more than we do.
  public static func parseState(
    _ text: String, interface: InterfaceLookup = { _ in nil }
  ) throws(Problem) -> DeviceState {
    var lines = UAPILines(text)
    var state = DeviceState(privateKey: nil, publicKey: nil, listenPort: 0, firewallMark: 0, peers: [])
    var status: Int32?
    while let line = lines.next() {
      switch line.key {
      case "errno": status = try errno(line)
      case "public_key": state.peers.append(PeerState(publicKey: try line.publicKey()))
      default:
        if state.peers.isEmpty {
          try apply(line, to: &state)
        } else {
          try apply(line, to: &state.peers[state.peers.count - 1], interface)
        }
      }
    }
    if let problem = lines.problem { throw problem }
    try expectSuccess(status)
    return state
  }

  /// Reads a daemon's reply to `set`; an errno other than 0 is `uapi.errno`.
  public static func parseStatus(_ text: String) throws(Problem) {
    var lines = UAPILines(text)
    var status: Int32?
    while let line = lines.next() {
      if line.key == "errno" { status = try errno(line) }
    }
    if let problem = lines.problem { throw problem }
    try expectSuccess(status)
  }

  private static func apply(_ line: UAPILines.Line, to state: inout DeviceState) throws(Problem) {
    switch line.key {
    case "private_key":
      let key = try line.secret()
      guard !key.isZero else { return }
      state.privateKey = key
      state.publicKey = PublicKey(of: key)
    case "listen_port": state.listenPort = try line.number(UInt16.self)
    case "fwmark": state.firewallMark = try line.number(UInt32.self)
    default: break
    }
  }

  private static func apply(
    _ line: UAPILines.Line, to peer: inout PeerState, _ interface: InterfaceLookup
  ) throws(Problem) {
    switch line.key {
    case "preshared_key":
      let key = try line.secret()
      peer.presharedKey = key.isZero ? nil : key
    case "endpoint": peer.endpoint = try line.endpoint(interface)
    case "last_handshake_time_sec": peer.lastHandshake.seconds = try line.number(Int64.self)
    case "last_handshake_time_nsec": peer.lastHandshake.nanoseconds = try line.number(Int64.self)
    case "tx_bytes": peer.sentBytes = try line.number(UInt64.self)
    case "rx_bytes": peer.receivedBytes = try line.number(UInt64.self)
    case "persistent_keepalive_interval": peer.keepaliveSeconds = try line.number(UInt16.self)
    case "allowed_ip": peer.allowedAddresses.append(try line.allowedAddress().prefix)
    default: break
    }
  }

  /// A reply's errno; some daemons write it with a sign.
  private static func errno(_ line: UAPILines.Line) throws(Problem) -> Int32 {
    guard let number = Int32(line.value) else { throw value(line.key, line: line.number, "write a number") }
    return number
  }

  private static func expectSuccess(_ status: Int32?) throws(Problem) {
    guard let status else {
      throw .malformed("uapi.syntax", "the reply has no errno", source: "wireguard.com/xplatform")
    }
    guard status == 0 else {
      throw .refused("uapi.errno", "the daemon answered with errno \(status)", source: "wireguard.com/xplatform")
    }
  }
}

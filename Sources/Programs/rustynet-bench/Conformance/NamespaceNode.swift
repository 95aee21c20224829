import Diagnostics
import Glibc
import LinuxKit
import NetworkTypes
import TunnelBackend

/// A node in a network namespace. Its backend is called inside the namespace, and so are the tools that look after it.
final class NamespaceNode: ConformanceNode {
  /// The wire by which nodes reach each other, and the one to which a node moves.
  static let wire = "wire0"
  static let otherWire = "wire1"
  let space: NetworkSpace
  let interface: String
  let backend: any TunnelBackend
  private var outer: UInt32
  private let number: Int
  private static let pauses: Int32 = 100
  private var count: UInt64 = 0

  init(number: Int, interface: String, backend: any TunnelBackend) throws(Problem) {
    self.number = number
    self.interface = interface
    outer = 0x0a09_0000 | UInt32(number)
    space = try NetworkSpace()
    self.backend = InnerBackend(backend, space)
    // Packets from addresses that have no route back must come through: it is the tunnel that judges sources here.
    for name in ["all", "default"] { try space.set("net/ipv4/conf/\(name)/rp_filter", "0") }
  }

  /// Addresses the wires, which are there already.
  func address() throws(Problem) {
    try space.ip("address", "add", "\(outerAddress(.v4))/24", "dev", Self.wire)
    try space.ip("address", "add", "\(outerAddress(.v6))/64", "dev", Self.wire, "nodad")
    try space.ip("address", "add", "\(IPAddress.v4(otherPlace))/24", "dev", Self.otherWire)
    for name in [Self.wire, Self.otherWire] { try space.ip("link", "set", name, "up") }
  }

  private var otherPlace: UInt32 { 0x0a09_0100 | UInt32(number) }

  func outerAddress(_ family: IPAddress.Family) -> IPAddress {
    family == .v4 ? .v4(outer) : .v6(0xfd09 << 112 | UInt128(number))
  }

  /// As a host that changes from one network to another: a better way to the others appears, by another interface.
  func move() throws(Problem) {
    outer = otherPlace
    let other = UInt32(number == 1 ? 2 : 1)
    try space.ip(
      "route", "add", "\(IPAddress.v4(0x0a09_0000 | other))", "via", "\(IPAddress.v4(0x0a09_0100 | other))", "dev",
      Self.otherWire, "src", "\(IPAddress.v4(otherPlace))")
  }

  func own(_ address: IPAddress) throws(Problem) {
    try space.ip("address", "add", "\(Prefix(address))", "dev", "lo")
  }

  func hasDevice() throws(Problem) -> Bool { try space.tryIP(["link", "show", "dev", interface]) != nil }

  /// The kind of the device as the kernel says it, such as `tun`; nil where there is none.
  func deviceKind() throws(Problem) -> String? {
    let text = try space.tryIP(["-d", "-o", "link", "show", "dev", interface]) ?? ""
    return ["tun", "wireguard"].first { text.split(whereSeparator: { " \\\n".contains($0) }).contains(Substring($0)) }
  }

  func removeDevice() throws(Problem) { try space.ip("link", "del", interface) }

  func routes() throws(Problem) -> Set<Prefix> {
    var found: Set<Prefix> = []
    for family in ["-4", "-6"] {
      let text = try space.tryIP([family, "-o", "route", "show", "table", "all", "dev", interface]) ?? ""
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        let isKernels = line.contains("proto kernel") || words[0] == "local" || words[0] == "anycast"
        guard !isKernels, words[0] != "multicast", words[0] != "broadcast", words[0] != "default",
          let prefix = try? Prefix(words[0]), prefix.length > 1
        else { continue }
        found.insert(prefix)
      }
    }
    return found
  }

  func routesEverything() throws(Problem) -> Bool {
    // 198.18.0.0/15 is for benchmarks (RFC 2544) and is on no wire here.
    (try space.tryIP(["-o", "route", "get", "198.18.0.1"]) ?? "").contains("dev \(interface) ")
  }

  func reaches(
    _ address: IPAddress, of other: any ConformanceNode, from source: IPAddress?
  ) throws(Problem) -> Bool {
    guard let other = other as? NamespaceNode else { return false }
    count += 1
    let nonce = Array("probe \(interface) \(count) \(Host.monotonicSeconds())".utf8)
    return try other.space.inside { () throws(Problem) in
      guard let receiver = try ProbeSocket(address) else { return false }
      let port = receiver.port
      for _ in 0..<6 {
        try space.inside { () throws(Problem) in
          let sender = try ProbeSocket(source ?? (address.family == .v4 ? .v4(0) : .v6(0)))
          if let sender { _ = sender.send(nonce, to: address, port: port) }
        }
        if receiver.receives(nonce, milliseconds: Self.pauses) { return true }
      }
      return false
    }
  }

  /// Packets that came over the wire so far.
  func packetsOnWire() throws(Problem) -> Int {
    try space.inside { () throws(Problem) in
      let text = String(decoding: try FileSystem.read("/proc/thread-self/net/dev", limit: 1 << 16), as: UTF8.self)
      for line in text.split(separator: "\n") where line.contains("\(Self.wire):") {
        let fields = line.split(separator: ":")[1].split(separator: " ")
        return Int(fields[1]) ?? 0
      }
      return 0
    }
  }
}

/// A backend whose every call happens inside a namespace.
private final class InnerBackend: TunnelBackend {
  private let backend: any TunnelBackend
  private let space: NetworkSpace

  init(_ backend: any TunnelBackend, _ space: NetworkSpace) {
    self.backend = backend
    self.space = space
  }

  var name: String { backend.name }
  var capabilities: Capabilities { backend.capabilities }
  func start(_ context: TunnelContext) throws(Problem) {
    try space.inside { () throws(Problem) in try backend.start(context) }
  }
  func apply(_ difference: PeerDifference) throws(Problem) {
    try space.inside { () throws(Problem) in try backend.apply(difference) }
  }
  func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem) {
    try space.inside { () throws(Problem) in try backend.replaceRoutes(routes) }
  }
  func setExitMode(_ mode: ExitMode) throws(Problem) {
    try space.inside { () throws(Problem) in try backend.setExitMode(mode) }
  }
  func statistics() throws(Problem) -> TunnelStatistics {
    try space.inside { () throws(Problem) in try backend.statistics() }
  }
  func takeEvents() throws(Problem) -> [TunnelEvent] {
    try space.inside { () throws(Problem) in try backend.takeEvents() }
  }
  func shutdown() throws(Problem) {
    try space.inside { () throws(Problem) in try backend.shutdown() }
  }
}

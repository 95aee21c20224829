public import Diagnostics
public import NetworkTypes
import StrictJSON

/// What the name server of a node is told to do, as a file says it.
public struct DNSConfiguration: Sendable {
  /// A resolver that is asked for what is not ours.
  public struct Upstream: Sendable {
    /// How it is spoken to.
    public enum Transport: String, Sendable, CaseIterable { case udp, tcp, tls }
    /// What the routes call it.
    public let label: String
    /// Its addresses, asked in turn where one does not answer.
    public let servers: [Endpoint]
    /// How the servers are spoken to.
    public let transport: Transport
    /// The name that its certificate must have; required for TLS, absent otherwise.
    public let name: String?
    /// The file with the certificates that its chain may begin with; nil for those of the system.
    public let roots: String?
    /// SHA-256 of public keys of which the certificate must have one (RFC 7858, 4.2); empty demands none.
    public let pins: [[UInt8]]
    /// The interface that it must be reached through.
    public let interface: String?
    /// Whether the bit AD of its answers is believed though they come unprotected.
    public let isTrusted: Bool

    /// Whether it may be asked while the node is protected: nobody between reads or changes what is said.
    public var isProtected: Bool { transport == .tls || interface != nil }
  }

  /// Limits of what clients may take.
  public struct Limits: Sendable {
    /// Queries a second for each source; 0 is no limit.
    public var rate = 2000
    /// Queries that a source may send at once after silence.
    public var burst = 4000
    /// Open streams altogether.
    public var streams = 256
    /// Open streams of one source.
    public var streamsPerSource = 32
    /// Questions of one stream that are answered at a time (RFC 7766, 6.2.1.1).
    public var questionsPerStream = 100
    /// Seconds that a silent stream stays open (RFC 7766, 6.2.3).
    public var idle = 10
    /// Questions that wait for upstreams at a time.
    public var waiting = 4096
    /// Those of one source among them.
    public var waitingPerSource = 1024
    /// Answers that are kept.
    public var answers = 10_000
    /// Octets of all answers that are kept.
    public var answerBytes = 3 << 20
    /// Seconds that an answer is kept at most.
    public var lifetime: UInt32 = 3600
  }

  /// Where the server listens, over UDP and TCP.
  public let listen: [Endpoint]
  /// Paths of zone files.
  public let zones: [String]
  /// How large they may be.
  public let zoneLimits: ZoneFile.Limits
  /// Who is served besides this host.
  public let allow: [Prefix]
  /// The resolvers.
  public let upstreams: [Upstream]
  /// Names and the index of the upstream that is asked for what is at and below them.
  public let routes: [(name: DomainName, upstream: Int)]
  /// What may leave.
  public let state: ProtectionGuard.State
  /// What clients may take.
  public let limits: Limits
  /// What the server says of itself to those who ask (RFC 5001); nil is nothing.
  public let identity: String?

  /// Where the server is found, as its own name says: within the mesh if it listens there, else on this host.
  public static func serverAddresses(_ listen: [Endpoint]) -> [IPAddress] {
    var addresses: [IPAddress] = []
    for endpoint in listen where !addresses.contains(endpoint.address) { addresses.append(endpoint.address) }
    let outer = addresses.filter { !SourceList.loopback.contains($0) }
    return outer.isEmpty ? addresses : outer
  }

  /// The largest file, in octets.
  public static let sizeLimit = 1 << 20

  /// Reads a configuration; every error has line and column.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try Document.decode(bytes, limit: DNSConfiguration.sizeLimit) { reader throws(Problem) in
      try DNSConfiguration(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try reader.closed(
      "listen", "zones", "zone-limits", "allow", "upstreams", "routes", "state", "limits", "identity")
    let addresses = try reader.member("listen")
    listen = try addresses.elements(atMost: 64).map { element throws(Problem) in try element.listener() }
    guard !listen.isEmpty else { throw addresses.problem("dns.listen", "no address to listen at") }
    zones = try reader.optional("zones")?.texts(atMost: 256, length: 4096) ?? []
    zoneLimits = try reader.optional("zone-limits")?.choice(ZoneFile.Limits.self) ?? .bundle
    allow = try reader.optional("allow")?.elements(atMost: 1024).map { one throws(Problem) in try one.prefix() } ?? []
    var upstreams: [Upstream] = []
    for (label, value) in try reader.optional("upstreams")?.members(atMost: 64) ?? [] {
      let upstream = try Upstream(label, value)
      // Each question would come back to be asked again.
      if let own = upstream.servers.first(where: listen.contains) {
        throw value.problem("dns.upstream-self", "\(own) is where this server listens", hint: "name another resolver")
      }
      upstreams.append(upstream)
    }
    self.upstreams = upstreams
    routes = try DNSConfiguration.routes(reader, upstreams)
    state = try reader.optional("state")?.choice(ProtectionGuard.State.self) ?? .open
    limits = try reader.optional("limits").map { reader throws(Problem) in try Limits(reader) } ?? Limits()
    identity = try reader.optional("identity")?.token(atMost: 64)
  }

  private static func routes(
    _ reader: JSONReader, _ upstreams: [Upstream]
  ) throws(Problem) -> [(name: DomainName, upstream: Int)] {
    var routes: [(name: DomainName, upstream: Int)] = []
    for (key, value) in try reader.optional("routes")?.members(atMost: 1024) ?? [] {
      let label = try value.text(atMost: 255)
      guard let upstream = upstreams.firstIndex(where: { $0.label.isExactly(label) }) else {
        throw value.problem("dns.route", "no upstream is called “\(label)”")
      }
      let name: DomainName
      do { name = try DomainName(key) } catch { throw value.located(error) }
      guard !routes.contains(where: { $0.name == name }) else {
        throw value.problem("dns.route-twice", "two routes for \(name)")
      }
      routes.append((name, upstream))
    }
    return routes
  }
}

extension DNSConfiguration.Upstream {
  init(_ label: String, _ reader: JSONReader) throws(Problem) {
    try reader.closed("servers", "transport", "name", "roots", "pins", "interface", "trust-ad")
    self.label = label
    transport = try reader.optional("transport")?.choice(Transport.self) ?? .udp
    let standard: UInt16 = transport == .tls ? 853 : 53
    let list = try reader.member("servers")
    servers = try list.elements(atMost: 8).map { element throws(Problem) in
      let server = try element.endpoint(port: standard)
      guard server.address.isOneHost, server.port != 0 else {
        throw element.problem("dns.upstream", "\(server) is nobody's address", hint: "that of one resolver")
      }
      return server
    }
    guard !servers.isEmpty else { throw list.problem("dns.upstream", "an upstream without a server") }
    let name = try reader.optional("name")
    self.name = try name?.token(atMost: 255)
    _ = try name?.domainName()
    guard (transport == .tls) == (name != nil) else {
      throw (name ?? reader).problem(
        "dns.upstream-name", transport == .tls ? "an upstream over TLS needs a name" : "only TLS proves a name",
        source: "RFC 8310, 8.1", hint: "\"name\": \"dns.example\" with \"transport\": \"tls\"")
    }
    let roots = try reader.optional("roots")
    self.roots = try roots?.text(atMost: 4096)
    let pins = try reader.optional("pins")
    self.pins =
      try pins?.elements(atMost: 16).map { element throws(Problem) in
        let pin = try element.base64(atMost: 64)
        guard pin.count == 32 else {
          throw element.problem("dns.pin", "a pin is the SHA-256 of a public key, in base 64")
        }
        return pin
      } ?? []
    guard transport == .tls || (roots == nil && pins == nil) else {
      throw (pins ?? roots ?? reader).problem("dns.upstream-tls", "only TLS has roots and pins")
    }
    interface = try reader.optional("interface")?.token(atMost: 15)
    isTrusted = try reader.optional("trust-ad")?.bool() ?? false
  }
}

extension DNSConfiguration.Limits {
  init(_ reader: JSONReader) throws(Problem) {
    try reader.closed(
      "rate", "burst", "streams", "streams-per-source", "questions-per-stream", "idle", "waiting", "waiting-per-source",
      "answers", "answer-bytes", "lifetime")
    self.init()
    func set(_ field: WritableKeyPath<Self, Int>, _ key: String, _ range: ClosedRange<Int64>) throws(Problem) {
      if let value = try reader.optional(key) { self[keyPath: field] = Int(try value.integer(in: range)) }
    }
    try set(\.rate, "rate", 0...10_000_000)
    burst = rate * 2
    try set(\.burst, "burst", 1...10_000_000)
    try set(\.streams, "streams", 0...4096)
    try set(\.streamsPerSource, "streams-per-source", 1...4096)
    try set(\.questionsPerStream, "questions-per-stream", 1...65_535)
    try set(\.idle, "idle", 1...3600)
    try set(\.waiting, "waiting", 1...32_768)
    try set(\.waitingPerSource, "waiting-per-source", 1...32_768)
    try set(\.answers, "answers", 0...1_000_000)
    try set(\.answerBytes, "answer-bytes", 0...(1 << 30))
    if let value = try reader.optional("lifetime") { lifetime = try value.unsigned(1...604_800) }
  }
}

extension JSONReader {
  func address() throws(Problem) -> IPAddress {
    let text = try token(atMost: 64)
    do { return try IPAddress(text) } catch { throw located(error) }
  }

  func prefix() throws(Problem) -> Prefix {
    let text = try token(atMost: 64)
    do { return try Prefix(text) } catch { throw located(error) }
  }

  /// An address of this host and a port: only those of the loopback and of the tunnel are served (mesh.md 4.1).
  func listener() throws(Problem) -> Endpoint {
    let endpoint = try endpoint()
    guard endpoint.address.isOneHost else {
      throw problem(
        "dns.listen-any", "\(endpoint.address) is not the address of one host",
        hint: "name those of the loopback and of the tunnel")
    }
    guard endpoint.port != 0 else { throw problem("dns.listen", "port 0 would be another one for UDP and for TCP") }
    return endpoint
  }

  /// Address and port; the address alone where `port` says which one is meant.
  func endpoint(port: UInt16? = nil) throws(Problem) -> Endpoint {
    let text = try token(atMost: 80)
    do {
      if let port, let address = try? IPAddress(text) { return Endpoint(address, port: port) }
      return try Endpoint(text)
    } catch { throw located(error) }
  }
}

extension IPAddress {
  /// Whether it can be that of one host: neither all of its addresses, nor many hosts.
  var isOneHost: Bool {
    switch self {
    // 0/8 is this network, and from 224 on are groups, what is reserved, and everybody.
    case .v4(let value): (1..<224).contains(value >> 24)
    case .v6(let value): value != 0 && value >> 120 != 0xff && value >> 32 != 0xffff
    }
  }
}

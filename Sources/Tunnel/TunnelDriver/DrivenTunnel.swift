import Cryptography
public import Diagnostics
import LinuxKit
import NetlinkKit
import NetworkTypes
public import TunnelBackend
import WireGuard

/// The contract over a device that lives elsewhere: the lifecycle, the table of peers, the network, the events (P1-3 to
/// P1-8). What is particular to a device is in its `DeviceMaker`.
public final class DrivenTunnel: TunnelBackend {
  /// A tunnel that runs.
  private final class Running {
    let context: TunnelContext
    let device: any TunnelDevice
    let routes: RouteSocket
    let network: InterfaceNetwork
    let ownKey: [UInt8]
    var table = PeerTable()
    var events: EventLog
    /// Whether the device can take single ranges away; false from the first time that it refused.
    var removesRanges = true
    let lock: FileLock

    init(
      context: TunnelContext, device: any TunnelDevice, routes: RouteSocket, ownKey: [UInt8], events: EventLog,
      lock: consuming FileLock
    ) {
      self.context = context
      self.device = device
      self.routes = routes
      self.ownKey = ownKey
      self.events = events
      self.lock = lock
      network = InterfaceNetwork(context.interface, index: device.index, mtu: context.mtu, routes: routes)
    }
  }

  /// What the backend calls itself.
  public let name: String
  /// What it can do.
  public let capabilities: Capabilities
  private let makeDevice: DeviceMaker
  private var running: Running?

  /// A tunnel that does not run yet; `makeDevice` is called by `start`.
  public init(name: String, capabilities: Capabilities, makeDevice: @escaping DeviceMaker) {
    self.name = name
    self.capabilities = capabilities
    self.makeDevice = makeDevice
  }

  deinit { try? shutdown() }

  // MARK: Lifecycle

  /// The UDP port is another's.
  public static let portInUse = Problem.refused(
    "tunnel.port-in-use", "another program has the UDP port", source: "P1-6", hint: "choose another port, or 0 for any")

  /// Makes the device, gives it key, port and addresses, and switches it on; what an earlier process left goes first.
  public func start(_ context: TunnelContext) throws(Problem) {
    guard running == nil else { throw TunnelProblem.alreadyRunning }
    try requireValid(context)
    let lock = try TunnelLock.take(context.interface)
    let routes = try RouteSocket()
    try InterfaceNetwork.sweep(context.interface, routes: routes)
    // Listens before the link is there: its end cannot be missed.
    let events = try EventLog()
    let device: any TunnelDevice
    do throws(Problem) { device = try makeDevice(context, routes) } catch {
      lock.removeFile()
      throw error
    }
    let tunnel = Running(
      context: context, device: device, routes: routes, ownKey: try publicKey(of: context.privateKey), events: events,
      lock: lock)
    do throws(Problem) {
      var change = DeviceChange()
      change.privateKey = .some(context.privateKey)
      change.listenPort = context.listenPort
      change.firewallMark = context.firewallMark
      change.replacesPeers = true
      try device.set(change)
      try tunnel.network.bringUp(addresses: context.addresses)
      tunnel.events.begin(index: device.index)
    } catch {
      try? device.close()
      tunnel.lock.removeFile()
      throw error.code == "netlink.address-in-use" ? Self.portInUse : error
    }
    running = tunnel
  }

  /// Removes device, rules and routes; all of them, also when one is refused.
  public func shutdown() throws(Problem) {
    guard let tunnel = running else { throw TunnelProblem.notRunning }
    running = nil
    // All of it, also when a part is refused; the first refusal is told.
    var first: Problem?
    do throws(Problem) { try tunnel.network.takeDown() } catch { first = error }
    do throws(Problem) { try tunnel.device.close() } catch { first = first ?? error }
    tunnel.lock.removeFile()
    if let first { throw first }
  }

  private func started() throws(Problem) -> Running {
    guard let running else { throw TunnelProblem.notRunning }
    return running
  }

  // MARK: Peers

  /// Changes the device by the difference alone; when it refuses, what was there before is set again.
  public func apply(_ difference: PeerDifference) throws(Problem) {
    let tunnel = try started()
    for peer in difference.configured { try requireValid(peer, ownKey: tunnel.ownKey) }
    try requireDistinct(difference)
    let anew = Set(difference.configured.map(\.publicKey)).intersection(difference.removed)
    try change(tunnel, to: tunnel.table.applying(difference), anew: anew)
  }

  /// Makes the device's peers as the table says, and the table the tunnel's; none of it when the device refuses.
  private func change(_ tunnel: Running, to table: PeerTable, anew: Set<PeerKey> = []) throws(Problem) {
    let before = tunnel.table
    do throws(Problem) {
      var change = DeviceChange()
      change.peers = before.changes(to: table, anew: anew, manner: tunnel.removesRanges ? .least : .withoutRemoval)
      guard !change.peers.isEmpty else { return tunnel.table = table }
      let takesAway = change.peers.contains { $0.allowedAddresses.contains { $0.removes } }
      do throws(Problem) { try tunnel.device.set(change) } catch {
        // Linux before 6.16 and older daemons cannot take a single range away: then all ranges are given anew.
        guard takesAway else { throw error }
        change.peers = before.changes(to: table, anew: anew, manner: .withoutRemoval)
        try tunnel.device.set(change)
        tunnel.removesRanges = false
      }
      tunnel.table = table
    } catch {
      var back = DeviceChange()
      back.peers = table.changes(to: before, anew: anew, manner: .complete)
      try? tunnel.device.set(back)
      throw error
    }
  }

  // MARK: Routes and exit

  /// Replaces routes and the ranges that go with them.
  public func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem) {
    let tunnel = try started()
    try requireValid(routes, peers: tunnel.table.peers, mtu: tunnel.context.mtu)
    var table = tunnel.table
    let before = table
    table.routes = routes
    try change(tunnel, to: table)
    do throws(Problem) {
      try tunnel.network.replaceRoutes(routes)
      if case .fullTunnel = table.exit { try setExit(tunnel) }
    } catch {
      try? change(tunnel, to: before)
      try? tunnel.network.replaceRoutes(before.routes)
      throw error
    }
  }

  /// Sends everything through a peer by policy routing, or stops doing so.
  public func setExitMode(_ mode: ExitMode) throws(Problem) {
    let tunnel = try started()
    let before = tunnel.table
    var table = before
    table.exit = mode
    switch mode {
    case .off:
      try tunnel.network.takeDown()
      try change(tunnel, to: table)
      try setMark(tunnel, tunnel.context.firewallMark)
    case .fullTunnel(let key):
      try require(.exitNodes, "exit mode")
      guard table.peers[key] != nil else { throw TunnelProblem.invalidInput("the exit is no peer of the tunnel") }
      do throws(Problem) {
        try setMark(tunnel, mark(of: tunnel))
        try change(tunnel, to: table)
        try setExit(tunnel)
      } catch {
        try? change(tunnel, to: before)
        if before.exit == .off { try? setMark(tunnel, tunnel.context.firewallMark) }
        throw error
      }
    }
  }

  private func setExit(_ tunnel: Running) throws(Problem) {
    try tunnel.network.setExit(
      mark: mark(of: tunnel), extra: tunnel.table.routes.filter { $0.kind == .exitDefault }.map(\.destination))
  }

  /// The mark of the tunnel's own packets in exit mode.
  private func mark(of tunnel: Running) -> UInt32 {
    let given = tunnel.context.firewallMark
    return given == 0 ? InterfaceNetwork.number(of: tunnel.context.interface) : given
  }

  private func setMark(_ tunnel: Running, _ mark: UInt32) throws(Problem) {
    var change = DeviceChange()
    change.firewallMark = mark
    try tunnel.device.set(change)
  }

  // MARK: What happens

  /// Asks the device and its link.
  public func statistics() throws(Problem) -> TunnelStatistics {
    let tunnel = try started()
    let state = try tunnel.device.state()
    var peers: [TunnelStatistics.Peer] = []
    for peer in state.peers { peers.append(try TunnelStatistics.Peer(peer)) }
    peers.sort { $0.publicKey < $1.publicKey }
    let counters = try tunnel.routes.link(index: tunnel.device.index)?.counters
    let drops = counters.map {
      [
        ("receive-drops", $0.receiveDrops), ("receive-errors", $0.receiveErrors),
        ("receive-frame-errors", $0.receiveFrameErrors), ("receive-length-errors", $0.receiveLengthErrors),
        ("send-drops", $0.sendDrops), ("send-errors", $0.sendErrors),
      ]
    }
    return TunnelStatistics(
      peers: peers, lostEvents: tunnel.events.lost, drops: (drops ?? []).map { (reason: $0.0, count: $0.1) })
  }

  /// Looks at the device, and at what the kernel told of its link.
  public func takeEvents() throws(Problem) -> [TunnelEvent] {
    let tunnel = try started()
    return try tunnel.events.take(from: tunnel.device, over: tunnel.routes)
  }
}

extension TunnelStatistics.Peer {
  init(_ peer: PeerState) throws(Problem) {
    self.init(
      publicKey: try PeerKey(peer.publicKey.bytes), endpoint: peer.endpoint, receivedBytes: peer.receivedBytes,
      sentBytes: peer.sentBytes,
      lastHandshake: peer.lastHandshake == (0, 0) ? nil : peer.lastHandshake.seconds)
  }
}

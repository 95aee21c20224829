public import Diagnostics
public import TunnelBackend

/// A backend that is a `DrivenTunnel` with a device of its own kind.
public protocol DrivenBackend: TunnelBackend {
  /// What fulfils the contract.
  var tunnel: DrivenTunnel { get }
}

extension DrivenBackend {
  /// The tunnel's name.
  public var name: String { tunnel.name }
  /// The tunnel's capabilities.
  public var capabilities: Capabilities { tunnel.capabilities }

  /// Starts the tunnel.
  public func start(_ context: TunnelContext) throws(Problem) { try tunnel.start(context) }
  /// Changes the tunnel's peers.
  public func apply(_ difference: PeerDifference) throws(Problem) { try tunnel.apply(difference) }
  /// Replaces the tunnel's routes.
  public func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem) { try tunnel.replaceRoutes(routes) }
  /// Changes the tunnel's exit.
  public func setExitMode(_ mode: ExitMode) throws(Problem) { try tunnel.setExitMode(mode) }
  /// The tunnel's counters.
  public func statistics() throws(Problem) -> TunnelStatistics { try tunnel.statistics() }
  /// The tunnel's events.
  public func takeEvents() throws(Problem) -> [TunnelEvent] { try tunnel.takeEvents() }
  /// Ends the tunnel.
  public func shutdown() throws(Problem) { try tunnel.shutdown() }
}

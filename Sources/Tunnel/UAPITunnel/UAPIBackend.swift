public import Diagnostics
import NetlinkKit
public import TunnelBackend
import TunnelDriver

/// Any daemon that speaks the cross-platform interface, behind the contract.
///
/// What the daemon can do beyond the interface is not known, so it is not claimed: segmentation offload is its own affair.
public final class UAPIBackend: TunnelBackend {
  private let tunnel: DrivenTunnel

  /// A backend that does not run yet.
  ///
  /// - Parameter command: the daemon's program and arguments, to which the interface's name is added, such as
  ///   `["wireguard-go", "-f"]`: in the foreground it is watched and ended, one that goes to the background is ended
  ///   with its link. Empty where only a daemon that runs already is to be taken over; that one is preferred in any case,
  ///   and ends with the tunnel.
  public init(command: [String]) {
    tunnel = DrivenTunnel(
      name: "uapi",
      capabilities: [
        .roaming, .exitNodes, .lanRoutes, .presharedKeys, InterfaceNetwork.hostHasIPv6 ? .ipv6 : [],
      ]
    ) { (context, routes) throws(Problem) in
      try UAPIDevice(command, context.interface, over: routes)
    }
  }

  public var name: String { tunnel.name }
  public var capabilities: Capabilities { tunnel.capabilities }

  public func start(_ context: TunnelContext) throws(Problem) { try tunnel.start(context) }
  public func apply(_ difference: PeerDifference) throws(Problem) { try tunnel.apply(difference) }
  public func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem) { try tunnel.replaceRoutes(routes) }
  public func setExitMode(_ mode: ExitMode) throws(Problem) { try tunnel.setExitMode(mode) }
  public func statistics() throws(Problem) -> TunnelStatistics { try tunnel.statistics() }
  public func takeEvents() throws(Problem) -> [TunnelEvent] { try tunnel.takeEvents() }
  public func shutdown() throws(Problem) { try tunnel.shutdown() }
}

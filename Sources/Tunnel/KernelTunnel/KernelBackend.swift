public import Diagnostics
import LinuxKit
import NetlinkKit
public import TunnelBackend
import TunnelDriver

/// The kernel's WireGuard behind the contract. Needs its module, and root or CAP_NET_ADMIN.
public final class KernelBackend: TunnelBackend {
  private let tunnel: DrivenTunnel

  /// A backend that does not run yet.
  ///
  /// - Parameter usesThreadedPolling: lets several cores decrypt for one tunnel, where one that is at its limit holds
  ///   the tunnel back (Linux 5.12).
  public init(usesThreadedPolling: Bool = false) {
    tunnel = DrivenTunnel(
      name: "kernel",
      capabilities: [
        .roaming, .exitNodes, .lanRoutes, .presharedKeys, .segmentationOffload,
        InterfaceNetwork.hostHasIPv6 ? .ipv6 : [],
      ]
    ) { (context, routes) throws(Problem) in
      let device = try KernelDevice(context.interface, mtu: context.mtu, over: routes)
      guard usesThreadedPolling else { return device }
      do throws(Problem) { try device.wantThreadedPolling() } catch {
        try? device.close()
        throw error
      }
      return device
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

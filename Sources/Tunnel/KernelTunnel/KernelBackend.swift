import Diagnostics
import LinuxKit
import NetlinkKit
import TunnelBackend
public import TunnelDriver

/// The kernel's WireGuard behind the contract. Needs its module, and root or CAP_NET_ADMIN.
public final class KernelBackend: DrivenBackend {
  /// What fulfils the contract.
  public let tunnel: DrivenTunnel

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
}

import Diagnostics
import NetlinkKit
import TunnelBackend
public import TunnelDriver

/// Any daemon that speaks the cross-platform interface, behind the contract.
///
/// What the daemon can do beyond the interface is not known, so it is not claimed: segmentation offload is its own affair.
public final class UAPIBackend: DrivenBackend {
  /// What fulfils the contract.
  public let tunnel: DrivenTunnel

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
}

public import Diagnostics
import NetlinkKit
public import TunnelBackend
import TunnelDriver

/// Our own packet path behind the contract: TUN and UDP in this process. Needs /dev/net/tun and CAP_NET_ADMIN.
public final class UserspaceBackend: TunnelBackend {
  private let tunnel: DrivenTunnel
  private let current: Holder

  /// The device that runs, for what the contract's driver does not see.
  private final class Holder {
    weak var device: UserspaceDevice?
  }

  /// A backend that does not run yet.
  public init(_ options: Engine.Options = Engine.Options()) {
    let holder = Holder()
    current = holder
    tunnel = DrivenTunnel(
      name: "userspace",
      capabilities: [
        .roaming, .exitNodes, .lanRoutes, .presharedKeys, InterfaceNetwork.hostHasIPv6 ? .ipv6 : [],
        options.offloads ? .segmentationOffload : [],
      ]
    ) { (context, routes) throws(Problem) in
      let device = try UserspaceDevice(context, options, over: routes)
      holder.device = device
      return device
    }
  }

  /// As `TunnelBackend.name`.
  public var name: String { tunnel.name }
  /// As `TunnelBackend.capabilities`.
  public var capabilities: Capabilities { tunnel.capabilities }

  /// As `TunnelBackend.start`.
  public func start(_ context: TunnelContext) throws(Problem) { try tunnel.start(context) }
  /// As `TunnelBackend.apply`.
  public func apply(_ difference: PeerDifference) throws(Problem) { try tunnel.apply(difference) }
  /// As `TunnelBackend.replaceRoutes`.
  public func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem) { try tunnel.replaceRoutes(routes) }
  /// As `TunnelBackend.setExitMode`.
  public func setExitMode(_ mode: ExitMode) throws(Problem) { try tunnel.setExitMode(mode) }
  /// As `TunnelBackend.takeEvents`.
  public func takeEvents() throws(Problem) -> [TunnelEvent] { try tunnel.takeEvents() }
  /// As `TunnelBackend.shutdown`.
  public func shutdown() throws(Problem) { try tunnel.shutdown() }

  /// As of any device, with every silent drop by its reason and the memory of the packet path (`bytes_in_pools`).
  public func statistics() throws(Problem) -> TunnelStatistics {
    var statistics = try tunnel.statistics()
    statistics.drops += current.device?.drops() ?? []
    return statistics
  }
}

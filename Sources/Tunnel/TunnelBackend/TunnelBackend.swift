public import Diagnostics

/// One way to carry packets between nodes: the contract that the node drives and every dataplane fulfils (P1-2).
///
/// The lifecycle is the same for all (P1-4): a second `start` is `tunnel.already-running`; every other verb before `start`
/// or after `shutdown` is `tunnel.not-running`; `shutdown` clears peers, routes and statistics and sets the exit mode
/// to off. What a backend cannot do it refuses with `tunnel.unsupported` before it changes anything (P1-3).
/// A backend is driven from one thread at a time.
public protocol TunnelBackend: AnyObject {
  /// A stable name of the implementation, such as `userspace`; evidence and events carry it.
  var name: String { get }
  /// What this backend can do on this host, known before `start`.
  var capabilities: Capabilities { get }

  /// Brings the device up with an address, without a peer or a route. Throws `tunnel.already-running`.
  func start(_ context: TunnelContext) throws(Problem)
  /// Makes the set of peers equal to what the difference says; all of it or, when it throws, none of it.
  func apply(_ difference: PeerDifference) throws(Problem)
  /// Replaces the whole set of routes, deterministically (P1-5).
  func replaceRoutes(_ routes: [TunnelRoute]) throws(Problem)
  /// Sends everything through the exit peer, or nothing (P1-8).
  func setExitMode(_ mode: ExitMode) throws(Problem)
  /// Counters and peers as they are now.
  func statistics() throws(Problem) -> TunnelStatistics
  /// What happened since the last call, oldest first; bounded, and a lost event is counted in the statistics.
  func takeEvents() throws(Problem) -> [TunnelEvent]
  /// Removes the device with all that belongs to it. Throws `tunnel.not-running` when there is none.
  func shutdown() throws(Problem)
}

/// What a backend can do (P1-3).
public struct Capabilities: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: UInt32
  /// A set of these bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A peer may change its address without configuration.
  public static let roaming = Capabilities(rawValue: 1)
  /// A peer may be the way to everything else.
  public static let exitNodes = Capabilities(rawValue: 1 << 1)
  /// A peer may stand for networks behind it.
  public static let lanRoutes = Capabilities(rawValue: 1 << 2)
  /// IPv6, inside and outside.
  public static let ipv6 = Capabilities(rawValue: 1 << 3)
  /// A second, symmetric key a peer.
  public static let presharedKeys = Capabilities(rawValue: 1 << 4)
  /// Many packets in one system call, where the kernel has it.
  public static let segmentationOffload = Capabilities(rawValue: 1 << 5)

  /// Every capability with its name, in a stable order.
  public static let names: [(Capabilities, String)] = [
    (.roaming, "roaming"), (.exitNodes, "exit-nodes"), (.lanRoutes, "lan-routes"), (.ipv6, "ipv6"),
    (.presharedKeys, "preshared-keys"), (.segmentationOffload, "segmentation-offload"),
  ]
}

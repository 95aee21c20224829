public import Diagnostics
public import NetlinkKit
public import TunnelBackend
public import WireGuard

/// A WireGuard device of any make that is not part of this process: the kernel's, or a daemon's.
///
/// It exists from its initialiser to `close`. One thread at a time.
public protocol TunnelDevice: AnyObject {
  /// The number of its link.
  var index: UInt32 { get }
  /// Whether what drives the packets still lives, as far as can be told without the link.
  var isAlive: Bool { get }
  /// Applies a difference; when it throws, a part may have been applied.
  func set(_ change: DeviceChange) throws(Problem)
  /// The device as it is.
  func state() throws(Problem) -> DeviceState
  /// Removes the link with all that belongs to it; nothing happens when it is gone.
  func close() throws(Problem)
}

/// Makes the device of a tunnel that starts: its link may be down and has neither key nor peers.
public typealias DeviceMaker = (TunnelContext, RouteSocket) throws(Problem) -> any TunnelDevice

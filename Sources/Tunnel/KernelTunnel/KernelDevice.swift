import CMnl
import Diagnostics
import Glibc
import LinuxKit
import NetlinkKit
import TunnelBackend
import TunnelDriver
import WireGuard

/// The kernel's own WireGuard link, driven by the family `wireguard`.
final class KernelDevice: TunnelDevice {
  /// The number of the link.
  let index: UInt32
  private let interface: String
  private let generic: GenericNetlink
  private let family: GenericNetlink.Family
  private let routes: RouteSocket
  /// Whether threads are still to be turned on.
  private var wantsThreads = false

  /// Makes the link, which is down and has neither key nor peers. Throws `tunnel.kernel-module` where the kernel has no
  /// WireGuard, `tunnel.interface-exists`, `netlink.permission`.
  init(_ interface: String, mtu: Int, over routes: RouteSocket) throws(Problem) {
    self.interface = interface
    self.routes = routes
    let link: Link
    do throws(Problem) {
      link = try routes.createLink(
        interface, kind: "wireguard", mtu: UInt32(mtu), group: InterfaceNetwork.group)
    } catch {
      switch error.code {
      case "netlink.unsupported": throw KernelDevice.absent
      case "netlink.exists":
        throw .refused(
          "tunnel.interface-exists", "there is an interface \(interface) that is not ours", source: "P1-6",
          hint: "remove it, or choose another name")
      default: throw error
      }
    }
    index = link.index
    do throws(Problem) {
      generic = try GenericNetlink()
      family = try generic.family(named: "wireguard")
    } catch {
      try? routes.deleteLink(index: link.index)
      throw error.code == "netlink.missing" ? KernelDevice.absent : error
    }
  }

  static let absent = Problem.refused(
    "tunnel.kernel-module", "this kernel has no WireGuard", source: "P1-3",
    hint: "load the module wireguard, or use the userspace tunnel")

  func set(_ change: DeviceChange) throws(Problem) {
    var requests = DeviceEncoder.requests(for: change, family: family, index: index)
    // Whatever is not sent because one before it was refused has keys too.
    defer { for position in requests.indices { requests[position].wipe() } }
    for position in requests.indices {
      try generic.socket.requestSecretly(&requests[position], "configure \(interface)")
    }
    if wantsThreads, change.peers.contains(where: { !$0.removes }) { try turnThreadsOn() }
  }

  func state() throws(Problem) -> DeviceState {
    var request = GenericNetlink.request(family, command: UInt8(WG_CMD_GET_DEVICE.rawValue))
    request.add(Int(WGDEVICE_A_IFINDEX.rawValue), index)
    return try DeviceDecoder.state(of: try generic.socket.dump(request, "read \(interface)"))
  }

  /// Asks for a kernel thread a peer, so that several cores decrypt for one tunnel.
  ///
  /// The kernel turns it on only once there is a peer; the switch must be there before. Throws `tunnel.threaded-polling`
  /// where the kernel, or the mount of /sys, does not have it.
  func wantThreadedPolling() throws(Problem) {
    guard FileSystem.status(threadedPath) != nil else { throw noThreads("there is no such switch") }
    wantsThreads = true
  }

  private var threadedPath: String { "/sys/class/net/\(interface)/threaded" }

  private func turnThreadsOn() throws(Problem) {
    do throws(Problem) {
      try FileDescriptor(opening: threadedPath, O_WRONLY).write(Array("1".utf8))
    } catch { throw noThreads(error.message) }
    wantsThreads = false
  }

  private func noThreads(_ reason: String) -> Problem {
    .refused(
      "tunnel.threaded-polling", "threaded polling cannot be turned on: \(reason)", place: threadedPath,
      hint: "it needs Linux 5.12, and /sys of the namespace that the tunnel is in")
  }

  var isAlive: Bool { true }

  func close() throws(Problem) {
    do throws(Problem) { try routes.deleteLink(index: index) } catch {
      if error.code != "netlink.missing" { throw error }
    }
  }
}

import CLinux
import Diagnostics
import Glibc
import NetlinkKit
import Synchronization
import TunnelBackend
import TunnelDriver
import WireGuard

/// A device of this process: the engine over a TUN interface, with a control thread of its own.
///
/// The engine is touched under `lock` alone; the packet threads need no lock.
/// Safe: `engine`, `tun` and the descriptors are set before the thread starts and freed after it was joined.
@safe final class UserspaceDevice: TunnelDevice, @unchecked Sendable {
  let index: UInt32
  private let tun: TunDevice
  private let engine: Engine
  private let lock = Mutex(())
  private let network: Int32
  private let stopEvent: Int32
  private let isLost = Atomic(false)
  private var thread: pthread_t?
  private let routes: RouteSocket

  /// Makes the interface, which is down and has neither key nor peers. Throws `tunnel.interface-exists`, and what
  /// `TunDevice` and `Engine` throw.
  init(_ context: TunnelContext, _ options: Engine.Options, over routes: RouteSocket) throws(Problem) {
    self.routes = routes
    guard try routes.link(named: context.interface) == nil else {
      throw .refused(
        "tunnel.interface-exists", "there is an interface \(context.interface) that is not ours", source: "P1-6",
        hint: "remove it, or choose another name")
    }
    try SelfTests.run()
    tun = try TunDevice(context.interface, offloads: options.offloads)
    engine = try Engine(options)
    guard let link = try routes.link(named: context.interface) else {
      throw TunnelProblem.internal("the interface is gone", place: context.interface)
    }
    index = link.index
    // From here on a restart knows the link as ours.
    try routes.setGroup(index: link.index, InterfaceNetwork.group)
    _ = unsafe cl_set_interface_mtu(context.interface, Int32(context.mtu))
    engine.setMTU(context.mtu)
    network = cl_open_route_events()
    stopEvent = cl_eventfd()
    guard network >= 0, stopEvent >= 0 else { throw TunnelProblem.internal("no descriptors are left") }
    do throws(Problem) { try engine.start(tun: tun.descriptor, hasUSO: tun.hasUSO, port: context.listenPort) } catch {
      throw error.code == "tunnel.port" ? DrivenTunnel.portInUse : error
    }
    try startThread()
  }

  deinit {
    end()
    for descriptor in [network, stopEvent] where descriptor >= 0 { _ = Glibc.close(descriptor) }
  }

  var isAlive: Bool { !isLost.load(ordering: .relaxed) }

  func set(_ change: DeviceChange) throws(Problem) {
    let code = lock.withLock { _ in engine.apply(change) }
    switch code {
    case 0: return
    case EADDRINUSE, EACCES: throw DrivenTunnel.portInUse
    default: throw TunnelProblem.internal("the device refuses the change: \(describe(code))")
    }
  }

  func state() throws(Problem) -> DeviceState { lock.withLock { _ in engine.state() } }

  /// What was dropped, by reason, and the memory of the packet path.
  func drops() -> [(reason: String, count: UInt64)] {
    lock.withLock { _ in engine.drops() + [("bytes_in_pools", engine.bytesInPools)] }
  }

  func close() throws(Problem) {
    end()
    // The link goes with its descriptor, which the owner of this object lets go of; until then it is gone by netlink.
    do throws(Problem) { try routes.deleteLink(index: index) } catch {
      if error.code != "netlink.missing" { throw error }
    }
  }

  // MARK: the control thread

  private func startThread() throws(Problem) {
    var thread = pthread_t()
    // Safe: the object outlives the thread, which `end` joins before anything is freed.
    let me = unsafe Unmanaged.passUnretained(self).toOpaque()
    guard unsafe pthread_create(&thread, nil, { unsafe controlEntry($0) }, me) == 0 else {
      throw TunnelProblem.internal("the system has no room for a thread")
    }
    self.thread = thread
  }

  private func end() {
    guard let thread else { return }
    cl_signal(stopEvent)
    _ = pthread_join(thread, nil)
    self.thread = nil
    engine.stop()
  }

  fileprivate func serve() {
    // Under a flood of handshakes the threads that move packets come first.
    cl_be_nice(5)
    while true {
      var descriptors = [stopEvent, network, engine.wakeEvent, engine.timer].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      // Safe: the array holds as many records as are told.
      guard unsafe cl_poll(&descriptors, UInt32(descriptors.count), -1) > 0 else { continue }
      if descriptors[0].revents != 0 { return }
      let hasChanged = descriptors[1].revents != 0 && cl_drain_route_events(network) != 0
      if descriptors[3].revents != 0 { cl_drain(engine.timer) }
      lock.withLock { _ in
        if hasChanged {
          engine.set(isUp: tun.isUp ?? true)
          let mtu = tun.nameHere.map { unsafe cl_interface_mtu($0) } ?? 0
          if mtu > 0 { engine.setMTU(Int(mtu)) }
          engine.networkChanged()
        }
        engine.pump()
        if engine.isDeviceLost { isLost.store(true, ordering: .relaxed) }
      }
    }
  }
}

private func controlEntry(_ device: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let device = unsafe device else { return nil }
  // Safe: see `startThread`.
  unsafe Unmanaged<UserspaceDevice>.fromOpaque(device).takeUnretainedValue().serve()
  return nil
}

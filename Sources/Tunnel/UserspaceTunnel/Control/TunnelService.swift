import CLinux
import Cryptography
public import Diagnostics
import Glibc
import WireGuard

/// A whole device as a program runs it: TUN, engine, configuration socket, network events and signals in one loop.
public final class TunnelService {
  private let tun: TunDevice
  private let engine: Engine
  private let socket: ControlSocket
  private let signals: Int32
  private let network: Int32
  private var mtu: InterfaceMTU

  /// Brings everything up in the order in which a failure leaves nothing behind; blocks the signals that end it, so
  /// call it before any thread is started.
  ///
  /// `mtu` is what the interface gets and keeps; without it the MTU of a new one follows the routes to the peers.
  public init(interface: String, options: Engine.Options, mtu: Int? = nil) throws(Problem) {
    try TunDevice.check(interface)
    signals = cl_signalfd()
    network = cl_open_route_events()
    guard signals >= 0, network >= 0 else { throw .couldNotRun("tunnel.internal", "no descriptors are left") }
    // The socket first: it says whether another daemon serves this name, before its interface is touched.
    socket = try ControlSocket(interface: interface)
    tun = try TunDevice(interface, offloads: options.offloads, mtu: mtu)
    engine = try Engine(options)
    self.mtu = InterfaceMTU(own: tun.ownMTU)
    try engine.start(tun: tun.descriptor, hasUSO: tun.hasUSO)
    refresh()
  }

  deinit {
    engine.stop()
    _ = close(signals)
    _ = close(network)
  }

  /// Serves until a signal ends it, or throws `tunnel.device-lost` when the interface is taken away.
  public func run() throws(Problem) {
    // Under a flood of handshakes the threads that move packets come first.
    cl_be_nice(5)
    engine.pump()
    while true {
      var descriptors: [pollfd] = [signals, network, socket.listener, engine.wakeEvent, engine.timer].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      descriptors += socket.clients.map { pollfd(fd: $0.descriptor, events: socket.events(of: $0), revents: 0) }
      // Safe: the array holds as many records as are told.
      if unsafe cl_poll(&descriptors, UInt32(descriptors.count), -1) <= 0 { continue }
      if descriptors[0].revents != 0, cl_next_signal(signals) != 0 { return }
      if descriptors[1].revents != 0, cl_drain_route_events(network) != 0 { networkChanged() }
      if descriptors[2].revents != 0 { socket.accept() }
      if descriptors[4].revents != 0 { cl_drain(engine.timer) }
      let ready = Set(descriptors[5...].filter { $0.revents != 0 }.map(\.fd))
      if !ready.isEmpty { socket.serve({ ready.contains($0) }, answer) }
      engine.pump()
      if let route = engine.takeNewRouteMTU() { follow(route) }
      if engine.isDeviceLost {
        throw .couldNotRun("tunnel.device-lost", "the interface was removed", place: tun.name)
      }
    }
  }

  /// Answers one request of the configuration socket.
  private func answer(_ text: String) -> String {
    do throws(Problem) {
      switch try UAPI.parse(text, interface: Self.index(of:)) {
      case .get: return UAPI.reply(engine.state())
      case .set(let change):
        let code = engine.apply(change)
        return UAPI.reply(code == 0 ? .success : UAPI.Status(rawValue: code) ?? .inputOutput)
      }
    } catch {
      return UAPI.reply(UAPI.status(of: error, otherwise: .invalid))
    }
  }

  private static func index(of interface: String) -> UInt32? {
    let index = unsafe cl_interface_index(interface)
    return index > 0 ? UInt32(index) : nil
  }

  /// Links, addresses or routes changed: perhaps our MTU or our name, perhaps the way to a peer.
  private func networkChanged() {
    refresh()
    engine.networkChanged()
  }

  /// A way to a peer takes packets of `route` octets, and every other way at least as long ones.
  private func follow(_ route: Int) {
    guard let name = tun.nameHere else { return }
    mtu.follow(route, of: name, carriesV6: engine.carriesV6)
    refresh()
  }

  private func refresh() {
    // One that was moved away is taken for up.
    engine.set(isUp: tun.isUp ?? true)
    let mtu = tun.nameHere.map { unsafe cl_interface_mtu($0) } ?? 0
    if mtu > 0 { engine.setMTU(Int(mtu)) }
  }
}

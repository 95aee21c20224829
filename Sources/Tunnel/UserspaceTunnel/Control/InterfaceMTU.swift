import CLinux

/// The MTU of an interface: what a new one gets follows the routes to the peers, as wg-quick(8) sets it once, until somebody
/// else sets another.
struct InterfaceMTU {
  /// Octets around an inner packet: headers of IPv6, UDP and the message.
  static let overhead = 80
  /// Octets below which an interface carries no IPv6 (RFC 8200, 5), and what is left of IPv4 without it.
  static let floor = (v6: 1_280, v4: 576)

  /// What we set last; nil where the MTU is somebody else's.
  private var own: Int?

  /// An interface with an MTU that we chose, and may change, or with one that we may not.
  init(own: Int?) { self.own = own }

  /// The MTU for ways of `route` octets. Never more than the default: the first link says nothing of those behind it.
  static func derived(from route: Int, carriesV6: @autoclosure () -> Bool) -> Int {
    let fitting = min(route - overhead, TunDevice.defaultMTU)
    return fitting >= floor.v6 ? fitting : max(fitting, carriesV6() ? floor.v6 : floor.v4)
  }

  /// Sets the MTU that fits, unless the interface has another than we gave it: then that one stays for good.
  mutating func follow(_ route: Int, of interface: String, carriesV6: @autoclosure () -> Bool) {
    guard let own else { return }
    guard unsafe Int(cl_interface_mtu(interface)) == own else {
      self.own = nil
      return
    }
    let wanted = Self.derived(from: route, carriesV6: carriesV6())
    if wanted != own, unsafe cl_set_interface_mtu(interface, Int32(wanted)) == 0 { self.own = wanted }
  }
}

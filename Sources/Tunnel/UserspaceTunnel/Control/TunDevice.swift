import CLinux
public import Diagnostics
import Glibc

/// A TUN interface that lives as long as its descriptor.
public struct TunDevice: ~Copyable {
  /// The descriptor; reads and writes carry a virtual header.
  let descriptor: Int32
  /// The name that it was opened by.
  public let name: String
  /// The MTU that we gave it; nil where it was there before, made by somebody else, who also chose its MTU.
  let ownMTU: Int?
  private let index: Int32
  /// Whether the kernel cuts UDP frames (since 6.2).
  let hasUSO: Bool

  /// The MTU that a new interface gets: padded packets of 1,408 octets end on a block of the cipher, which is worth
  /// 15 % of its time, and 1,408 + 80 octets fit every path of 1,488.
  public static let defaultMTU = 1_408

  /// Checks a name as the kernel does, before anything is opened: 1 to 15 octets, no slash, colon, white space or
  /// control character, not `.` or `..`. Throws `tunnel.interface-name`.
  public static func check(_ name: String) throws(Problem) {
    let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    guard (1...15).contains(name.utf8.count), isPlain, name != ".", name != "..", !name.contains("%") else {
      throw .usage(
        "tunnel.interface-name", "\"\(name)\" is no name of an interface",
        hint: "1 to 15 letters, digits and signs, without slash, colon, per cent and space")
    }
  }

  /// Opens or makes the interface `name`, with `mtu` where one is asked for. Throws `tunnel.no-tun`, `tunnel.privilege`, `tunnel.interface-busy`,
  /// `tunnel.interface-name` and `tunnel.internal`.
  public init(_ name: String, offloads: Bool, mtu: Int? = nil) throws(Problem) {
    try Self.check(name)
    var flags: Int32 = 0
    let opened = unsafe cl_open_tun(name, offloads ? 1 : 0, &flags)
    if opened < 0 { throw Self.problem(name, -opened) }
    descriptor = opened
    self.name = name
    hasUSO = flags & Int32(CL_TUN_USO) != 0
    let existed = flags & Int32(CL_TUN_EXISTED) != 0
    ownMTU = existed || mtu != nil ? nil : Self.defaultMTU
    if let mtu = mtu ?? ownMTU { _ = unsafe cl_set_interface_mtu(name, Int32(mtu)) }
    index = unsafe cl_interface_index(name)
    if !existed { Self.leaveLinkLocalOut(of: name) }
    // The default of 500 drops before a TCP window is full.
    _ = unsafe cl_set_interface_queue(name, 1_000)
  }

  deinit { _ = close(descriptor) }

  /// Has the kernel make up no link-local address: no peer would own it, and wg-quick would save it. As the kernel's.
  private static func leaveLinkLocalOut(of name: String) {
    let file = unsafe open("/proc/sys/net/ipv6/conf/\(name)/addr_gen_mode", O_WRONLY | O_CLOEXEC)
    // A kernel without IPv6 makes up nothing.
    guard file >= 0 else { return }
    // Safe: two octets. 1 is IN6_ADDR_GEN_MODE_NONE.
    _ = unsafe write(file, "1\n", 2)
    _ = close(file)
  }

  private static func problem(_ name: String, _ code: Int32) -> Problem {
    switch code {
    case ENOENT, ENODEV, ENXIO:
      .couldNotRun("tunnel.no-tun", "this system has no TUN device", place: "/dev/net/tun", hint: "modprobe tun")
    case EPERM, EACCES:
      .refused(
        "tunnel.privilege", "an interface cannot be made without privilege", place: name, source: "CAP_NET_ADMIN",
        hint: "run it as root, or with CAP_NET_ADMIN")
    case EBUSY: .couldNotRun("tunnel.interface-busy", "another program holds the interface", place: name)
    case EINVAL:
      .couldNotRun(
        "tunnel.interface-busy", "there is an interface of this name that is no TUN device of one queue", place: name)
    default: .couldNotRun("tunnel.internal", "the TUN device cannot be opened: \(describe(code))", place: name)
    }
  }

  /// The name that the interface has now; nil when it is gone, or was moved to another namespace.
  var nameHere: String? {
    // There may be another one of this name by now.
    guard let name = Self.name(of: descriptor), unsafe cl_interface_index(name) == index else { return nil }
    return name
  }

  /// Whether the interface is up; nil where that cannot be seen from this namespace.
  var isUp: Bool? {
    let flag = nameHere.map { unsafe cl_interface_is_up($0) } ?? -ENODEV
    return flag < 0 ? nil : flag != 0
  }

  /// The name of the interface of a TUN descriptor; nil when it is gone, or none.
  static func name(of descriptor: Int32) -> String? {
    var octets = [CChar](repeating: 0, count: 16)
    guard unsafe cl_tun_name(descriptor, &octets) == 0 else { return nil }
    return String(decoding: octets.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The words of the C library for an error number.
func describe(_ code: Int32) -> String {
  // Safe: strerror returns a string of the C library, and it is copied at once.
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}

import CLinux
public import Diagnostics
import Glibc

/// A TUN interface that lives as long as its descriptor.
public struct TunDevice: ~Copyable {
  /// The descriptor; reads and writes carry a virtual header.
  let descriptor: Int32
  /// The name that it was opened by.
  public let name: String
  /// Whether it was there before, made by somebody else, who also chose its MTU.
  public let existed: Bool
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

  /// Opens or makes the interface `name`. Throws `tunnel.no-tun`, `tunnel.privilege`, `tunnel.interface-busy`,
  /// `tunnel.interface-name` and `tunnel.internal`.
  public init(_ name: String, offloads: Bool) throws(Problem) {
    try Self.check(name)
    var flags: Int32 = 0
    let opened = unsafe cl_open_tun(name, offloads ? 1 : 0, &flags)
    if opened < 0 { throw Self.problem(name, -opened) }
    descriptor = opened
    self.name = name
    existed = flags & Int32(CL_TUN_EXISTED) != 0
    hasUSO = flags & Int32(CL_TUN_USO) != 0
    if !existed { _ = unsafe cl_set_interface_mtu(name, Int32(Self.defaultMTU)) }
    // The default of 500 drops before a TCP window is full.
    _ = unsafe cl_set_interface_queue(name, 1_000)
  }

  deinit { _ = close(descriptor) }

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

  /// The name that the interface has now; nil when it is gone.
  var currentName: String? {
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

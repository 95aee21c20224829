import Diagnostics
import LinuxKit
import UserspaceTunnel

/// `rustynetd tunnel`.
struct TunnelCommand {
  private var interface = ""
  private var staysInForeground = false
  private var options = Engine.Options()
  private var mtu: Int?

  /// Reads the arguments behind the verb; throws `command.argument` and what the name of the interface breaks.
  init(_ arguments: ArraySlice<String>) throws(Problem) {
    if let isOn = try Self.environment("RUSTYNET_TUNNEL_OFFLOADS") { options.offloads = isOn }
    if let kind = Host.environment("RUSTYNET_TUNNEL_CIPHER") { options.cipher = try Self.cipher(kind) }
    if let isOn = try Self.environment("RUSTYNET_TUNNEL_CLAMP_MSS") { options.clampsSegments = isOn }
    if let octets = Host.environment("RUSTYNET_TUNNEL_MTU") { mtu = try Self.mtu(octets) }
    var names: [String] = []
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "--foreground": staysInForeground = true
      case "--no-offloads": options.offloads = false
      case "--cipher":
        guard let kind = rest.popFirst() else {
          throw .usage("command.argument", "--cipher needs a kind", hint: "stock or split")
        }
        options.cipher = try Self.cipher(kind)
      case "--clamp-mss": options.clampsSegments = true
      case "--mtu":
        guard let octets = rest.popFirst() else {
          throw .usage("command.argument", "--mtu needs a number", hint: Self.mtuHint)
        }
        mtu = try Self.mtu(octets)
      case let option where option.hasPrefix("-"):
        throw .usage("command.argument", "\(option) is no option of tunnel", hint: "rustynetd --help")
      default: names.append(argument)
      }
    }
    guard names.count == 1 else {
      throw .usage("command.argument", "tunnel takes one interface name, not \(names.count)", hint: "rustynetd --help")
    }
    interface = names[0]
    try TunDevice.check(interface)
  }

  /// A switch of the environment; nil where it is not set.
  private static func environment(_ name: String) throws(Problem) -> Bool? {
    switch Host.environment(name) {
    case nil: nil
    case "on": true
    case "off": false
    case let value?: throw .usage("command.argument", "\(name) is \"\(value)\"", hint: "on or off")
    }
  }

  private static func cipher(_ kind: String) throws(Problem) -> CipherKind {
    guard let cipher = CipherKind(rawValue: kind) else {
      throw .usage("command.argument", "\"\(kind)\" is no kind of cipher", hint: "stock or split")
    }
    return cipher
  }

  private static let mtuHint = "octets, from 576 to 65535; 1280 at least where IPv6 goes through"

  private static func mtu(_ octets: String) throws(Problem) -> Int {
    guard octets.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let mtu = Int(octets), (576...65_535).contains(mtu)
    else { throw .usage("command.argument", "\"\(octets)\" is no MTU", hint: mtuHint) }
    return mtu
  }

  /// Serves the interface until it is told to end.
  func run() throws(Problem) {
    let readiness = staysInForeground ? nil : try Readiness.fork()
    do throws(Problem) {
      try SelfTests.run()
      let service = try TunnelService(interface: interface, options: options, mtu: mtu)
      readiness?.succeed()
      try service.run()
    } catch {
      readiness?.fail(error)
      throw error
    }
  }
}

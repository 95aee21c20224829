import Diagnostics
import LinuxKit
import UserspaceTunnel

/// `rustynetd`: the daemon, a file a verb. A small strict reader of arguments, so that nothing is linked for it.
@main
enum RustynetDaemon {
  static let name = "rustynetd"

  static func main() {
    do throws(Problem) {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      Console.report(error, by: name)
      Console.exit(error.kind.exitCode)
    }
  }

  private static func run(_ arguments: [String]) throws(Problem) {
    switch arguments.first {
    case "--help", "-h":
      try expectNothing(after: arguments)
      Console.print(help)
    case "--version":
      try expectNothing(after: arguments)
      Console.print("\(name) \(Product.version)")
    case "--self-test":
      try expectNothing(after: arguments)
      try SelfTests.run()
      Console.print("the self-tests passed")
    case "dns" where isHelp(arguments), "tunnel" where isHelp(arguments): Console.print(help)
    case "dns":
      try DNSCommand.run(Array(arguments.dropFirst()))
    case "tunnel":
      try TunnelCommand(arguments.dropFirst()).run()
    case let other?:
      throw .usage("command.verb", "\"\(other)\" is no verb of \(name)", hint: "\(name) --help")
    case nil:
      throw .usage("command.verb", "a verb is missing", hint: "\(name) --help")
    }
  }

  private static func expectNothing(after arguments: [String]) throws(Problem) {
    guard arguments.count == 1 else {
      throw .usage("command.argument", "\(arguments[0]) stands alone", hint: "\(name) --help")
    }
  }

  /// Whether a verb is asked what it does.
  private static func isHelp(_ arguments: [String]) -> Bool {
    arguments.count == 2 && ["--help", "-h"].contains(arguments[1])
  }

  static let help = """
    usage: rustynetd tunnel [OPTION]... IFNAME
           rustynetd dns --config FILE (--foreground | --check)
           rustynetd --self-test | --version | --help

    tunnel serves a WireGuard interface in user space, which wg(8) and wg-quick(8) configure through
    /var/run/wireguard/IFNAME.sock. Without --foreground it returns when the interface and the socket answer.

      --foreground        stay in the foreground
      --mtu N             the MTU of the interface; without it a new one has 1408, or less where the routes to the peers
                          leave less, until another is set
      --clamp-mss         lower the segment size that TCP connections through the tunnel ask for to what fits
      --no-offloads       no segmentation and no coalescing, on the interface and on the sockets
      --cipher KIND       stock (default), or split: ChaCha20 and Poly1305 of libcrypto, put together

    dns answers names. --check reads the configuration and its zones, and says what is wrong.

    --self-test runs the known-answer tests, which every start of tunnel runs too.

    Environment of tunnel, for callers that give no options:
      RUSTYNET_TUNNEL_MTU=N           as --mtu
      RUSTYNET_TUNNEL_CLAMP_MSS=on    as --clamp-mss
      RUSTYNET_TUNNEL_OFFLOADS=off    as --no-offloads
      RUSTYNET_TUNNEL_CIPHER=KIND     as --cipher

    Exit codes: 0 good, 64 usage, 65 malformed input, 70 could not run, 78 refused.
    """
}

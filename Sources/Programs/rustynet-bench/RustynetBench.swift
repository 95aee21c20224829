import ArgumentParser
import Cryptography
import Diagnostics
import Glibc
import LinuxKit

/// Measurements and comparisons with third parties: no part of what is installed.
@main struct RustynetBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rustynet-bench",
    abstract: "Judge test vectors of third parties, and measure.",
    discussion: """
      Exit codes: 0 passed, 64 wrong usage, 65 malformed input or no case, 70 could not run, 78 below the threshold.
      """,
    version: Product.version,
    subcommands: [
      VectorsCommand.self, HashBenchCommand.self, LedgerBenchCommand.self, BundleBenchCommand.self,
      TunnelDriveCommand.self, ConformanceCommand.self, HandshakesCommand.self,
      ProtocolBenchCommand.self,
      AuthzBenchCommand.self,
      PolicyBenchCommand.self,
      DNSCodecCommand.self,
    ])

  /// A group without a verb asked for nothing, and nothing may pass for that: it ends with 64, its help on standard error.
  private static func requireVerb(_ command: any ParsableCommand) {
    let group = type(of: command)
    guard !group.configuration.subcommands.isEmpty else { return }
    Console.end(message: helpMessage(for: group), code: Diagnostics.ExitCode.usage.rawValue)
  }

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    // As the programs that are measured do.
    Allocator.keepLargeBlocks()
    do {
      // P1-15: an invalid policy ends the program before anything else runs.
      _ = try AlgorithmPolicy()
      var command = try parseAsRoot()
      requireVerb(command)
      try command.run()
    } catch let problem as Problem {
      Console.report(problem, by: "rustynet-bench")
      Console.exit(problem.kind.exitCode)
    } catch {
      Console.end(message: fullMessage(for: error), code: exitCode(for: error).rawValue)
    }
  }
}

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
    ])

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      // P1-15: an invalid policy ends the program before anything else runs.
      _ = try AlgorithmPolicy()
      var command = try parseAsRoot()
      try command.run()
    } catch let problem as Problem {
      Console.report(problem, by: "rustynet-bench")
      Console.exit(problem.kind.exitCode)
    } catch {
      Console.end(message: fullMessage(for: error), code: exitCode(for: error).rawValue)
    }
  }
}

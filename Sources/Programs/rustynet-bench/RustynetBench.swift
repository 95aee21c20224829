import ArgumentParser
import Cryptography
import Diagnostics
import LinuxKit
import ProgramEntry

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

  static func main() {
    ProgramEntry.begin()
    // As the programs that are measured do.
    Allocator.keepLargeBlocks()
    do {
      // P1-15: an invalid policy ends the program before anything else runs.
      _ = try AlgorithmPolicy()
      var command = try parseAsRoot()
      ProgramEntry.requireVerb(command)
      try command.run()
    } catch {
      ProgramEntry.end(error, of: Self.self)
    }
  }
}

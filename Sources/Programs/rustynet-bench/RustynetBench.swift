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
    subcommands: [VectorsCommand.self, HashBenchCommand.self, LedgerBenchCommand.self])

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      // P1-15: an invalid policy ends the program before anything else runs.
      _ = try AlgorithmPolicy()
      var command = try parseAsRoot()
      try command.run()
    } catch let problem as Problem {
      Output.report(problem)
      Glibc.exit(problem.kind.exitCode.rawValue)
    } catch {
      exit(withError: error)
    }
  }
}

/// Results on standard output, problems on standard error.
enum Output {
  /// A line of the result; a reader that went away ends the program with 70, because the result did not arrive.
  static func print(_ line: String) {
    do {
      try FileDescriptor(duplicating: 1, path: "standard output").write(Array((line + "\n").utf8))
    } catch { Glibc.exit(ExitCode.couldNotRun.rawValue) }
  }

  /// A problem, as one line.
  static func report(_ problem: Problem) {
    // Where standard error is closed there is nobody to tell; the exit code says it still.
    try? FileDescriptor(duplicating: 2, path: "standard error").write(Array("rustynet-bench: \(problem)\n".utf8))
  }
}

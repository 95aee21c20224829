import ArgumentParser
import Cryptography
import Diagnostics
import Glibc
import LinuxKit

/// The assurance toolkit. Each verb has a file of its own beside this one.
@main struct RustynetAssure: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rustynet-assure",
    abstract: "Prove what a release claims: sign, record, judge and verify, offline and fail-closed.",
    discussion: """
      Exit codes: 0 passed, 64 wrong usage, 65 malformed input, 70 could not run (worth a retry), 78 refused.
      """,
    version: Product.version,
    subcommands: [
      ReleaseCommand.self, EvidenceCommand.self, GateCommand.self, RecordCommand.self, VerifyCommand.self,
      SignCommand.self, TimestampCommand.self, SBOMCommand.self, ProvenanceCommand.self, LedgerCommand.self,
      TrustCommand.self,
      PolicyCommand.self, SupplyPolicyCommand.self, KeyCommand.self, VersionCommand.self,
    ])

  /// A group without a verb asked for nothing, and nothing may pass for that: `rustynet-assure verify $VERB && deploy` with
  /// an empty variable ends with 64.
  private static func requireVerb(_ command: any ParsableCommand) {
    let group = type(of: command)
    guard !group.configuration.subcommands.isEmpty else { return }
    Console.end(message: helpMessage(for: group), code: Diagnostics.ExitCode.usage.rawValue)
  }

  static func main() async {
    // A reader that goes away shows as a failed write, and ends the program with 70; a signal would say nothing.
    signal(SIGPIPE, SIG_IGN)
    Allocator.keepLargeBlocks()
    do {
      // P1-15: an invalid policy ends the program before anything else runs.
      _ = try AlgorithmPolicy()
      var command = try parseAsRoot()
      requireVerb(command)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let problem as Problem {
      Console.report(problem, by: "rustynet-assure")
      Console.exit(problem.kind.exitCode)
    } catch {
      Console.end(message: fullMessage(for: error), code: exitCode(for: error).rawValue)
    }
  }
}

/// `rustynet-assure version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  func run() { Console.print(Product.version) }
}

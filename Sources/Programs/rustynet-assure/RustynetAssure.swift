import ArgumentParser
import Cryptography
import Diagnostics
import LinuxKit
import ProgramEntry

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

  static func main() async {
    ProgramEntry.begin()
    Allocator.keepLargeBlocks()
    do {
      // P1-15: an invalid policy ends the program before anything else runs.
      _ = try AlgorithmPolicy()
      var command = try parseAsRoot()
      ProgramEntry.requireVerb(command)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      ProgramEntry.end(error, of: Self.self)
    }
  }
}

/// `rustynet-assure version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  func run() { Console.print(Product.version) }
}

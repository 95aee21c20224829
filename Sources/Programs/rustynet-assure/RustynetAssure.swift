import ArgumentParser
import Diagnostics

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
      LedgerCommand.self, VersionCommand.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let problem as Problem {
      Console.report(problem)
      Console.exit(problem.kind.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}

/// `rustynet-assure version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  func run() { Console.print(Product.version) }
}

import ArgumentParser
import Diagnostics
import Glibc
import LinuxKit

/// The command line of the mesh. Each group of verbs has a file of its own beside this one.
@main struct RustynetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rustynet",
    abstract: "The mesh: who may do what, who may reach whom.",
    discussion: """
      Exit codes: 0 passed, 64 wrong usage, 65 malformed input, 70 could not run (worth a retry), 78 refused.
      """,
    version: Product.version,
    subcommands: [
      AuthzCommand.self, PolicyCommand.self,
    ])

  static func main() {
    // A reader that goes away shows as a failed write, and ends the program with 70; a signal would say nothing.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let problem as Problem {
      Console.report(problem, by: "rustynet")
      Console.exit(problem.kind.exitCode)
    } catch {
      Console.end(message: fullMessage(for: error), code: exitCode(for: error).rawValue)
    }
  }
}

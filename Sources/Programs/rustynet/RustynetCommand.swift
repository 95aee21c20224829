import ArgumentParser
import Diagnostics
import ProgramEntry

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
    ProgramEntry.begin()
    do {
      var command = try parseAsRoot()
      ProgramEntry.requireVerb(command)
      try command.run()
    } catch {
      ProgramEntry.end(error, of: Self.self)
    }
  }
}

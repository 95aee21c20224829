public import ArgumentParser
import Diagnostics
import Glibc
import LinuxKit

/// What the programs with an argument parser have in common: how they begin and how they end.
public enum ProgramEntry {
  /// Call it first in `main`. A reader that goes away then shows as a failed write, and ends the program with 70; a signal
  /// would say nothing.
  public static func begin() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Ends with 64 where only a group of verbs was named, its help on standard error. Such a command asked for nothing, and
  /// nothing may pass for that: `rustynet-assure verify $VERB && deploy` with an empty variable must not deploy.
  public static func requireVerb(_ command: any ParsableCommand) {
    let group = type(of: command)
    guard !group.configuration.subcommands.isEmpty else { return }
    Console.end(message: group.helpMessage(), code: Diagnostics.ExitCode.usage.rawValue)
  }

  /// Ends the program with one line for a `Problem`, and with what the argument parser says for everything else, which
  /// includes the help that somebody asked for.
  public static func end(_ error: any Error, of root: any ParsableCommand.Type) -> Never {
    if let problem = error as? Problem {
      Console.report(problem, by: root.configuration.commandName ?? "rustynet")
      Console.exit(problem.kind.exitCode)
    }
    Console.end(message: root.fullMessage(for: error), code: root.exitCode(for: error).rawValue)
  }
}

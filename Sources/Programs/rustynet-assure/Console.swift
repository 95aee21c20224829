import Diagnostics
import Glibc
import LinuxKit

/// What a program says: results on standard output, everything else on standard error, nothing after a failed write.
enum Console {
  /// A line of the result.
  static func print(_ line: String) { write(Printable.lines(line) + "\n", to: 1) }

  /// A line about progress or a warning.
  static func note(_ line: String) { write(Printable.oneLine(line) + "\n", to: 2) }

  /// A problem, as one line: `rustynet-assure: place: message [code] (source); hint: …`.
  static func report(_ problem: Problem) { note("rustynet-assure: \(problem)") }

  /// Ends with what the parser of the command line says: help on standard output, errors on standard error.
  static func end(message: String, code: Int32) -> Never {
    if !message.isEmpty { write(Printable.lines(message) + "\n", to: code == 0 ? 1 : 2) }
    Glibc.exit(code)
  }

  /// Ends the process.
  static func exit(_ code: ExitCode) -> Never { Glibc.exit(code.rawValue) }

  private static func write(_ text: String, to descriptor: Int32) {
    let file = FileDescriptor(adopting: dup(descriptor), path: descriptor == 1 ? "standard output" : "standard error")
    do {
      try file.write(Array(text.utf8))
    } catch {
      // A reader that went away is no failure of ours, but the result did not arrive: 70 says "try again".
      exit(.couldNotRun)
    }
  }
}

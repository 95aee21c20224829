public import Diagnostics
import Glibc

/// What a program says: results on standard output, everything else on standard error, nothing after a failed write.
public enum Console {
  /// A line of the result.
  public static func print(_ line: String) { require(Printable.lines(line), on: 1) }

  /// How a line of a result is meant.
  public enum Tone: String, Sendable {
    case good = "32"
    case bad = "31"
    case open = "33"
  }

  /// A line of the result in the colour of its tone, where standard output is a terminal and `NO_COLOR` is not set.
  ///
  /// The colour comes from here alone: control characters in the line itself are written out, as everywhere.
  public static func print(_ line: String, tone: Tone?) {
    guard let tone, isColoured else { return print(line) }
    require("\u{1b}[\(tone.rawValue)m\(Printable.oneLine(line))\u{1b}[0m", on: 1)
  }

  private static let isColoured =
    Host.isTerminal(1) && Host.environment("NO_COLOR") == nil
    && Host.environment("TERM") != "dumb"

  /// A line about progress or a warning.
  public static func note(_ line: String) { require(Printable.oneLine(line), on: 2) }

  /// A problem, as one line: `rustynet-assure: place: message [code] (source); hint: …`.
  public static func report(_ problem: Problem, by program: String) {
    // Where standard error is closed there is nobody to tell; the exit code says it still.
    try? write("\(program): \(problem)", on: 2)
  }

  /// Ends with what the parser of the command line says: help on standard output, errors on standard error.
  public static func end(message: String, code: Int32) -> Never {
    if !message.isEmpty { require(Printable.lines(message), on: code == 0 ? 1 : 2) }
    Glibc.exit(code)
  }

  /// Ends the process.
  public static func exit(_ code: ExitCode) -> Never { Glibc.exit(code.rawValue) }

  private static func require(_ line: String, on descriptor: Int32) {
    do throws(Problem) { try write(line, on: descriptor) } catch {
      // A reader that went away is no failure of ours, but the result did not arrive: 70 says "try again".
      exit(.couldNotRun)
    }
  }

  private static func write(_ line: String, on descriptor: Int32) throws(Problem) {
    let path = descriptor == 1 ? "standard output" : "standard error"
    try FileDescriptor(duplicating: descriptor, path: path).write(Array((line + "\n").utf8))
  }
}

public import Diagnostics
import Glibc

/// A program that runs beside us until it is ended: a daemon in the foreground.
///
/// It has no input, only the environment that is named, no descriptor of ours, and a process group of its own. What it
/// writes goes to a file without a name, of which the end can be read.
public final class BackgroundProcess {
  private let process: pid_t
  private let output: FileDescriptor
  private var status: Int32?

  /// Starts `arguments`, whose first is the absolute path of the program. Throws `process.start`.
  public init(_ arguments: [String], environment: [String]) throws(Problem) {
    let path = arguments.first ?? ""
    guard !path.isEmpty, (arguments + environment).allSatisfy({ !$0.utf8.contains(0) }) else {
      throw .usage("process.text", "an argument or a variable holds NUL, or there is no program")
    }
    let nothing = try FileDescriptor(opening: "/dev/null", O_RDONLY)
    output = try ChildProcess.temporaryFile(path)
    process = try ChildProcess.spawn(
      arguments, environment, input: nothing.number, output: FileDescriptor(duplicating: output.number, path: path),
      takesErrors: true)
  }

  deinit { end(patience: 0) }

  /// The exit code, or 128 and the number of the signal; nil while it runs.
  public func exitStatus() -> Int32? {
    if let status { return status }
    var raw: Int32 = 0
    // Safe: waitpid writes one integer.
    guard unsafe waitpid(process, &raw, WNOHANG) == process else { return nil }
    status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
    return status
  }

  /// Waits until it has ended; false after `seconds`.
  public func waitForEnd(seconds: Double) -> Bool {
    let deadline = Host.monotonicSeconds() + seconds
    while exitStatus() == nil {
      guard Host.monotonicSeconds() < deadline else { return false }
      usleep(5000)
    }
    return true
  }

  /// Ends it with everything that it started: first politely, after `patience` seconds by force.
  public func end(patience: Double) {
    guard exitStatus() == nil else { return }
    _ = kill(-process, SIGTERM)
    if waitForEnd(seconds: patience) { return }
    _ = kill(-process, SIGKILL)
    _ = waitForEnd(seconds: 10)
  }

  /// The last line that it wrote, at most 300 characters; nil when it wrote nothing.
  public func lastLine() -> String? {
    guard let size = try? output.status().size, size > 0,
      let bytes = try? output.read(4096, at: max(0, size - 4096))
    else { return nil }
    return bytes.split(separator: UInt8(ascii: "\n")).last.map {
      String(String(decoding: $0, as: UTF8.self).prefix(300))
    }
  }
}

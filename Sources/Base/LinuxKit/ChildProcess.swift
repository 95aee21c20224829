public import Diagnostics
import Glibc

/// A small program that gets bytes on its standard input and answers with a few on its standard output.
///
/// For callers that sign, and so cannot wait in an asynchronous function; whatever measures a release starts its programs
/// through `Commands`. No shell, no descriptor but the three standard ones, only the environment that is named, and a
/// process group of its own, which is ended at the time limit.
public enum ChildProcess {
  /// What became of the program.
  public struct Result: Sendable {
    /// The exit code, or 128 and the number of the signal.
    public let status: Int32
    /// What it wrote.
    public let output: [UInt8]
  }

  /// Runs `arguments`, whose first is the path of the program, to its end.
  ///
  /// - Throws: `process.start`, `process.timeout` or `process.output` for more than `outputLimit` bytes.
  public static func run(
    _ arguments: [String], environment: [String], input: [UInt8], outputLimit: Int, seconds: Double
  ) throws(Problem) -> Result {
    let path = arguments.first ?? ""
    guard !path.isEmpty, (arguments + environment).allSatisfy({ !$0.utf8.contains(0) }) else {
      throw .usage("process.text", "an argument or a variable holds NUL, or there is no program")
    }
    let source = try temporaryFile(path)
    try source.write(input)
    _ = try checked("lseek", path) { lseek(source.number, 0, SEEK_SET) }
    var ends: [Int32] = [-1, -1]
    // Safe: pipe writes two numbers into an array of two.
    _ = try checked("pipe", path) { unsafe pipe(&ends) }
    // Another program that is started meanwhile must not keep the pipe open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let output = FileDescriptor(adopting: ends[0], path: path)
    let process = try spawn(
      arguments, environment, input: source.number, output: FileDescriptor(adopting: ends[1], path: path))
    let deadline = Host.monotonicSeconds() + seconds
    do throws(Problem) {
      let bytes = try read(output, limit: outputLimit, until: deadline)
      return Result(status: try wait(for: process, until: deadline, path: path), output: bytes)
    } catch {
      // The whole group: what the program started must not go on either.
      _ = kill(-process, SIGKILL)
      var status: Int32 = 0
      _ = unsafe waitpid(process, &status, 0)
      throw error
    }
  }

  /// A file without a name, and no pipe: a program that does not read its input cannot stop us or send us a signal.
  static func temporaryFile(_ path: String) throws(Problem) -> FileDescriptor {
    var name = Array("/tmp/rustynet-input-XXXXXX".utf8CString)
    // Safe: mkstemp writes the six letters at the end of a text that is terminated.
    let file = FileDescriptor(adopting: try checked("mkstemp", path) { unsafe mkstemp(&name) }, path: path)
    _ = try checked("unlink", path) { unsafe unlink(name) }
    return file
  }

  /// Starts the program; our copy of `output`, its end of the pipe, is closed when this returns. With `takesErrors` its
  /// standard error goes there too.
  static func spawn(
    _ arguments: [String], _ environment: [String], input: Int32, output: consuming FileDescriptor,
    takesErrors: Bool = false
  ) throws(Problem) -> pid_t {
    let open = try FileSystem.list("/proc/self/fd").compactMap { Int32($0) }
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 1)
    if takesErrors { unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 2) }
    // A passphrase may come through a descriptor that a caller left open: nothing of ours is handed on.
    for number in open where number > 2 { unsafe posix_spawn_file_actions_addclose(&actions, number) }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigaddset(&signals, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    // Safe: the texts are copied, and both lists end with nil, as posix_spawn demands; all are freed here.
    let texts = unsafe arguments.map { unsafe strdup($0) } + [nil]
    let variables = unsafe environment.map { unsafe strdup($0) } + [nil]
    defer {
      unsafe texts.forEach { unsafe free($0) }
      unsafe variables.forEach { unsafe free($0) }
    }
    var process: pid_t = 0
    let code = unsafe posix_spawn(&process, arguments[0], &actions, &attributes, texts, variables)
    guard code == 0 else {
      throw .malformed(
        "process.start", "the program cannot be started: \(errorText(code))", place: arguments[0],
        hint: "name it by its absolute path, and check that it may be executed")
    }
    return process
  }

  private static func read(
    _ output: borrowing FileDescriptor, limit: Int, until deadline: Double
  ) throws(Problem) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let left = deadline - Host.monotonicSeconds()
      guard left > 0 else { throw timeout(output.path) }
      var wanted = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
      guard try checked("poll", output.path, { unsafe poll(&wanted, 1, Int32(min(left, 3600) * 1000) + 1) }) > 0 else {
        continue
      }
      let piece = try output.read(upTo: limit + 1 - bytes.count)
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= limit else {
        throw .refused("process.output", "the program wrote more than the \(limit) bytes allowed", place: output.path)
      }
    }
  }

  private static func wait(for process: pid_t, until deadline: Double, path: String) throws(Problem) -> Int32 {
    while true {
      var status: Int32 = 0
      if try checked("waitpid", path, { unsafe waitpid(process, &status, WNOHANG) }) == process {
        // The macros of <sys/wait.h>: the low seven bits hold the signal, the next eight the exit code.
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
      }
      guard Host.monotonicSeconds() < deadline else { throw timeout(path) }
      usleep(2000)
    }
  }

  private static func timeout(_ path: String) -> Problem {
    .couldNotRun("process.timeout", "the program did not end in time", place: path)
  }
}

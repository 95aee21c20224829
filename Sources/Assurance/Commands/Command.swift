public import Diagnostics
import LinuxKit

/// An external program with its arguments, and the limits it runs under.
///
/// There is no shell anywhere: the program receives exactly the arguments given, so no character of a path or a name
/// has a meaning on the way. Standard input is closed (`/dev/null`).
public struct Command: Sendable {
  /// What the program finds in its environment.
  public enum Environment: Sendable {
    /// Ours, with these variables set, or removed where the value is nil.
    case inherited(changing: [String: String?])
    /// These variables and no others.
    case exactly([String: String])
  }

  /// A path that holds a `/`, or a name that is looked up in `PATH`.
  public var program: String
  /// The arguments, without the program's own name.
  public var arguments: [String]
  /// The folder it runs in; nil for ours.
  public var workingFolder: String?
  /// Its environment.
  public var environment: Environment
  /// It is ended after this many seconds.
  public var seconds: Double
  /// The most bytes that it may write to one stream.
  public var outputLimit: Int

  /// The environment for programs whose output is parsed: ours, in English and plain UTF-8, and git asks no questions.
  public static let plain = Environment.inherited(changing: [
    "LC_ALL": "C.UTF-8", "LANGUAGE": nil, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "NO_COLOR": "1",
    // A hook of git sets these; git must speak of the tree that it is run in, and start no program of that tree.
    "GIT_DIR": nil, "GIT_WORK_TREE": nil, "GIT_INDEX_FILE": nil, "GIT_OBJECT_DIRECTORY": nil, "GIT_COMMON_DIR": nil,
    "GIT_NAMESPACE": nil, "GIT_PREFIX": nil, "GIT_LITERAL_PATHSPECS": nil, "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "false",
  ])

  /// A command; unless told otherwise it may run for two minutes and write 16 MiB.
  public init(
    _ program: String, _ arguments: [String], in workingFolder: String? = nil, environment: Environment = Command.plain,
    seconds: Double = 120, outputLimit: Int = 16 << 20
  ) {
    self.program = program
    self.arguments = arguments
    self.workingFolder = workingFolder
    self.environment = environment
    self.seconds = seconds
    self.outputLimit = outputLimit
  }

  /// The command as a person reads it; never given to a shell.
  public var description: String { ([program] + arguments).joined(separator: " ") }
}

/// How a program ended.
public enum CommandStatus: Sendable, Hashable, CustomStringConvertible {
  /// It ended by itself with this code.
  case exited(Int32)
  /// A signal ended it.
  case signaled(Int32)

  /// Whether it ended with 0.
  public var isSuccess: Bool { self == .exited(0) }

  /// The code as a shell would report it: 128 and the signal's number for a signal.
  public var code: Int32 {
    switch self {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal
    }
  }

  /// `exit code 1` or `signal 9`.
  public var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signaled(let signal): "signal \(signal)"
    }
  }
}

/// What a program left behind.
public struct CommandResult: Sendable {
  /// How it ended.
  public let status: CommandStatus
  /// All of its standard output.
  public let output: [UInt8]
  /// All of its standard error.
  public let errors: [UInt8]
  /// How long it ran, by a clock that never jumps.
  public let seconds: Double

  /// Standard output as text; bytes that are no UTF-8 become U+FFFD.
  public var text: String { String(decoding: output, as: UTF8.self) }
}

extension Command {
  /// Finds the file of the program.
  ///
  /// Entries of `PATH` that are not absolute are passed over: what runs must not depend on the folder we are in.
  /// - Throws: `command.missing`.
  public func locate() throws(Problem) -> String {
    if program.contains("/") {
      if Command.isExecutable(program) { return program }
      throw missing()
    }
    let path: String?
    switch environment {
    case .inherited(let changes): path = changes["PATH"] ?? Host.environment("PATH")
    case .exactly(let variables): path = variables["PATH"]
    }
    for folder in (path ?? "/usr/bin:/bin").split(separator: ":") where folder.hasPrefix("/") {
      let candidate = "\(folder)/\(program)"
      if Command.isExecutable(candidate) { return candidate }
    }
    throw missing()
  }

  private static func isExecutable(_ path: String) -> Bool {
    // lstat would describe a link; what counts is the file at its end.
    guard let resolved = try? FileSystem.resolve(path), let status = FileSystem.status(resolved) else { return false }
    return status.kind == .regular && status.permissions & 0o111 != 0
  }

  private func missing() -> Problem {
    let hint = Command.packages[program].map { "install the Debian package \($0)" }
    return .refused("command.missing", "the program “\(program)” is not on this machine", hint: hint)
  }

  /// Which Debian package brings a program, for those that we call.
  private static let packages = [
    "git": "git", "ldd": "libc-bin", "dpkg": "dpkg", "dpkg-query": "dpkg", "objcopy": "binutils", "strip": "binutils",
    "openssl": "openssl", "ip": "iproute2", "nft": "nftables", "wg": "wireguard-tools", "tar": "tar", "make": "make",
  ]

  /// A NUL would cut an argument short on its way through `execve`, so that another command runs than was asked for.
  func checkText() throws(Problem) {
    var texts = arguments + [program, workingFolder ?? ""]
    switch environment {
    case .inherited(let changes): texts += changes.keys + changes.values.compactMap { $0 }
    case .exactly(let variables): texts += Array(variables.keys) + Array(variables.values)
    }
    guard texts.allSatisfy({ !$0.utf8.contains(0) }) else {
      throw .refused("command.nul", "an argument or a variable holds a zero byte", place: program)
    }
  }
}

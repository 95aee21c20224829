public import Diagnostics
import LinuxKit
import Subprocess
import SystemPackage

extension Command {
  /// Runs the program to its end and returns what it wrote. A code other than 0 is data, not an error.
  /// - Throws: `command.missing`, `command.timeout`, `command.output-limit`, `command.folder`, `command.start`.
  public func run() async throws(Problem) -> CommandResult {
    let output = Collector(limit: outputLimit, name: "standard output of \(program)")
    let errors = Collector(limit: outputLimit, name: "standard error of \(program)")
    let (status, seconds) = try await start(output, errors)
    return CommandResult(
      status: status, output: await output.bytes, errors: await errors.bytes, seconds: seconds)
  }

  /// Like `run`, but any end other than exit code 0 is `command.failed`, with the last line that the program said.
  public func runChecked() async throws(Problem) -> CommandResult {
    let result = try await run()
    guard result.status.isSuccess else {
      let said = String(decoding: result.errors.suffix(4096), as: UTF8.self).split(separator: "\n").last ?? ""
      throw .couldNotRun("command.failed", "\(result.status) from “\(description)”: \(said)")
    }
    return result
  }

  /// Runs the program under its time limit; `errors` nil sends both streams to `output`.
  ///
  /// The program leads a process group of its own. At the limit the whole group gets SIGTERM, two seconds later
  /// SIGKILL. A grandchild that outlives the program does not hold us up: the streams are dropped when it ends.
  /// Since the group is not the terminal's, an interrupt from the keyboard ends us, but not the program.
  func start(_ output: any Sink, _ errors: (any Sink)?) async throws(Problem) -> (CommandStatus, Double) {
    try checkText()
    let configuration = try configuration()
    let begin = Host.monotonicSeconds()
    let limit = Duration.milliseconds(Int64(max(0.001, min(seconds, 86_400)) * 1000))
    let outcome = await withTaskGroup(of: Outcome.self) { group -> Outcome in
      group.addTask { await Command.execute(configuration, output, errors) }
      group.addTask {
        do { try await Task.sleep(for: limit) } catch { return .stopped }
        return .timeout
      }
      let first = await group.next() ?? .stopped
      // Ends the timer, or the program: a cancelled run tears its process group down before it returns.
      group.cancelAll()
      await group.waitForAll()
      return first
    }
    switch outcome {
    case .ended(let status): return (status, Host.monotonicSeconds() - begin)
    case .failed(let problem): throw problem
    case .stopped: throw .couldNotRun("command.cancelled", "the program was ended on our side", place: description)
    case .timeout:
      throw .couldNotRun("command.timeout", "no end after \(seconds) seconds", place: description)
    }
  }

  private enum Outcome: Sendable {
    case ended(CommandStatus), failed(Problem), timeout, stopped
  }

  private static func execute(
    _ configuration: Configuration, _ output: any Sink, _ errors: (any Sink)?
  ) async -> Outcome {
    do {
      if let errors {
        let result = try await Subprocess.run(configuration, input: .none, output: .sequence, error: .sequence) {
          execution in
          // Each stream ends the program when it fails; the other would else wait for the end of a program that
          // itself waits for its reader.
          let end: @Sendable () -> Void = { try? execution.send(signal: .kill, toProcessGroup: true) }
          async let first: Void = output.drain(execution.standardOutput, onFailure: end)
          async let second: Void = errors.drain(execution.standardError, onFailure: end)
          _ = try await (first, second)
        }
        return .ended(CommandStatus(result.terminationStatus))
      }
      let result = try await Subprocess.run(
        configuration, input: .none, output: .sequence, error: .combinedWithOutput
      ) { execution in
        try await output.drain(execution.standardOutput, onFailure: {})
      }
      return .ended(CommandStatus(result.terminationStatus))
    } catch let problem as Problem {
      return .failed(problem)
    } catch let error as SubprocessError where error.code == .failedToChangeWorkingDirectory {
      return .failed(
        .malformed(
          "command.folder", "the working folder cannot be entered", place: configuration.workingDirectory?.string))
    } catch {
      return .failed(.couldNotRun("command.start", "\(error)", place: configuration.executable.description))
    }
  }

  private func configuration() throws(Problem) -> Configuration {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [
      .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
    ]
    return Configuration(
      executable: .path(FilePath(try locate())), arguments: Arguments(arguments), environment: subprocessEnvironment,
      workingDirectory: workingFolder.map { FilePath($0) }, platformOptions: options)
  }

  private var subprocessEnvironment: Subprocess.Environment {
    switch environment {
    case .inherited(let changes):
      var updates: [Subprocess.Environment.Key: String?] = [:]
      for (name, value) in changes {
        if let key = Subprocess.Environment.Key(rawValue: name) { updates.updateValue(value, forKey: key) }
      }
      return .inherit.updating(updates)
    case .exactly(let variables):
      // Not the form of raw bytes: swift-subprocess 1.0.2 hands those on without the zero at their end.
      var values: [Subprocess.Environment.Key: String] = [:]
      for (name, value) in variables {
        if let key = Subprocess.Environment.Key(rawValue: name) { values[key] = value }
      }
      return .custom(values)
    }
  }
}

extension CommandStatus {
  fileprivate init(_ status: TerminationStatus) {
    switch status {
    case .exited(let code): self = .exited(code)
    case .signaled(let signal): self = .signaled(signal)
    }
  }
}

/// Takes what a program writes, piece by piece.
protocol Sink: Actor {
  /// Takes a piece; a problem ends the program.
  func take(_ bytes: [UInt8]) throws(Problem)
}

extension Sink {
  /// Takes everything to the end of the stream; calls `onFailure` before a problem leaves here.
  nonisolated func drain(_ stream: SubprocessOutputSequence, onFailure: @Sendable () -> Void) async throws {
    do {
      for try await buffer in stream {
        // Safe: the bytes are copied while the buffer is alive.
        let bytes = unsafe buffer.withUnsafeBytes { unsafe [UInt8]($0) }
        try await take(bytes)
      }
    } catch {
      onFailure()
      throw error
    }
  }
}

/// Keeps everything, up to a limit.
actor Collector: Sink {
  private let limit: Int
  private let name: String
  private(set) var bytes: [UInt8] = []

  init(limit: Int, name: String) {
    self.limit = limit
    self.name = name
  }

  func take(_ piece: [UInt8]) throws(Problem) {
    guard bytes.count + piece.count <= limit else {
      throw .refused("command.output-limit", "more than \(limit) bytes were written", place: name)
    }
    bytes += piece
  }
}

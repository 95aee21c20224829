public import Cryptography
public import Diagnostics
import Glibc
import LinuxKit

/// The evidence of one run: what ran, how it ended, and the digest of the log it left.
public struct CommandRecord: Sendable {
  /// The program and its arguments, as they were given to the kernel.
  public let arguments: [String]
  /// How it ended.
  public let status: CommandStatus
  /// How long it ran, by a clock that never jumps.
  public let seconds: Double
  /// The SHA-256 of the log.
  public let log: Digest
}

extension Command {
  /// Runs the program and writes both of its streams, as they come, to the log `path`, hashing and counting them.
  ///
  /// The digest is computed over what was written, not read back, so that a later change of the file shows. The log
  /// stays also where the run ends in a problem: it is the evidence of that.
  /// - Parameter echo: Whether the output also goes to our standard error.
  public func record(logTo path: String, echo: Bool = false) async throws(Problem) -> CommandRecord {
    let location = try locate()
    let log = try Log(path: path, limit: outputLimit, echo: echo)
    let (status, seconds) = try await start(log, nil)
    return CommandRecord(
      arguments: [location] + arguments, status: status, seconds: seconds, log: try await log.finish())
  }
}

/// A log file that is hashed while it is written.
private actor Log: Sink {
  private let file: FileDescriptor
  private let limit: Int
  private let echo: Bool
  private var hash: HashFunction? = HashFunction(.sha256)
  private var size = 0

  init(path: String, limit: Int, echo: Bool) throws(Problem) {
    file = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
    self.limit = limit
    self.echo = echo
  }

  func take(_ bytes: [UInt8]) throws(Problem) {
    guard size + bytes.count <= limit else {
      throw .refused("command.output-limit", "more than \(limit) bytes were written", place: file.path)
    }
    try file.write(bytes)
    size += bytes.count
    hash?.update(bytes)
    guard echo else { return }
    // A reader of the echo who went away does not spoil the record.
    try? FileDescriptor(adopting: dup(2), path: "standard error").write(bytes.map(Log.shown))
  }

  /// What a terminal may see of a byte: no escape sequence of the program passes; the log has every byte as it was.
  private static func shown(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x0a: byte
    case 0x0d: 0x0a
    case 0..<0x20, 0x7f: UInt8(ascii: " ")
    default: byte
    }
  }

  func finish() throws(Problem) -> Digest {
    try file.synchronize()
    guard let digest = hash.take()?.finish() else {
      throw .couldNotRun("command.log", "the log was finished twice", place: file.path)
    }
    return digest
  }
}

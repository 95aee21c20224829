public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire

/// A measurement, written by the run that made it: who, when, on what, by which command (`documents/specs/record.md`).
///
/// It is the predicate of a signed Statement whose subjects are the files under test.
public struct Record: Sendable {
  /// One command that was run, by its exact argument vector.
  public struct Command: Sendable, Equatable {
    /// The program and its arguments, as run; no shell.
    public let argv: [String]
    /// Its exit code; 128 and more for the number of the signal that ended it.
    public let exitCode: Int64
    /// How long it ran, in milliseconds.
    public let milliseconds: Int64
    /// SHA-256 of everything it printed.
    public let log: Digest

    /// A command that was run.
    public init(argv: [String], exitCode: Int64, milliseconds: Int64, log: Digest) {
      self.argv = argv
      self.exitCode = exitCode
      self.milliseconds = milliseconds
      self.log = log
    }
  }

  /// The machine that measured.
  public struct Machine: Sendable, Equatable {
    /// Its name.
    public let host: String
    /// The release of its kernel.
    public let kernel: String
    /// Its architecture.
    public let architecture: String

    /// A machine.
    public init(host: String, kernel: String, architecture: String) {
      self.host = host
      self.kernel = kernel
      self.architecture = architecture
    }
  }

  /// The source tree that was measured.
  public struct Source: Sendable, Equatable {
    /// The commit, as git names it.
    public let commit: String
    /// Whether the working tree had no change against it.
    public let isClean: Bool

    /// A source tree.
    public init(commit: String, isClean: Bool) {
      self.commit = commit
      self.isClean = isClean
    }
  }

  /// The longest name.
  public static let nameLimit = 256

  /// What was measured: a gate's id, or the name that `record run --name` gave.
  public let name: String
  /// When it began.
  public let started: Timestamp
  /// When it ended: freshness counts from here.
  public let finished: Timestamp
  /// Where.
  public let machine: Machine
  /// On which sources.
  public let source: Source
  /// The digest of the program that measured.
  public let tool: Digest
  /// What was run.
  public let commands: [Command]
  /// What was found, in a form that the judge of this kind of record reads.
  public let facts: JSON

  /// A record.
  public init(
    name: String, started: Timestamp, finished: Timestamp, machine: Machine, source: Source, tool: Digest,
    commands: [Command], facts: JSON
  ) {
    self.name = name
    self.started = started
    self.finished = finished
    self.machine = machine
    self.source = source
    self.tool = tool
    self.commands = commands
    self.facts = facts
  }

  /// The record as the predicate of a Statement.
  public var json: JSON {
    [
      "name": .string(name), "started": .string(started.description), "finished": .string(finished.description),
      "machine": [
        "host": .string(machine.host), "kernel": .string(machine.kernel),
        "architecture": .string(machine.architecture),
      ],
      "source": ["commit": .string(source.commit), "clean": .bool(source.isClean)],
      "tool": ["name": "rustynet-assure", "version": .string(Product.version), "digest": .string(tool.description)],
      "commands": .array(
        commands.map { command in
          [
            "argv": .array(command.argv.map { .string($0) }), "exitCode": .integer(command.exitCode),
            "milliseconds": .integer(command.milliseconds), "log": .string(command.log.description),
          ]
        }), "facts": facts,
    ]
  }

  /// Reads the predicate of a Statement; unknown fields are refused, because the format is our own.
  public init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("name", "started", "finished", "machine", "source", "tool", "commands", "facts")
    name = try reader.member("name").text(atMost: Record.nameLimit)
    started = try reader.member("started").timestamp()
    finished = try reader.member("finished").timestamp()
    guard started <= finished else { throw reader.problem("record.time", "the record ends before it starts") }
    let machine = try reader.member("machine")
    try machine.closed("host", "kernel", "architecture")
    self.machine = Machine(
      host: try machine.member("host").text(atMost: 256), kernel: try machine.member("kernel").text(atMost: 256),
      architecture: try machine.member("architecture").text(atMost: 64))
    let source = try reader.member("source")
    try source.closed("commit", "clean")
    self.source = Source(
      commit: try source.member("commit").token(atMost: 64), isClean: try source.member("clean").bool())
    let tool = try reader.member("tool")
    try tool.closed("name", "version", "digest")
    guard try tool.member("name").text() == "rustynet-assure" else {
      throw tool.problem("record.tool", "the record was made by another program")
    }
    _ = try tool.member("version").token(atMost: 64)
    self.tool = try tool.member("digest").digest()
    commands = try Record.commands(try reader.member("commands"))
    facts = try reader.member("facts").value
  }

  private static func commands(_ reader: JSONReader) throws(Problem) -> [Command] {
    var commands: [Command] = []
    for element in try reader.elements(atMost: 256) {
      try element.closed("argv", "exitCode", "milliseconds", "log")
      commands.append(
        Command(
          argv: try element.member("argv").texts(atMost: 1024),
          exitCode: try element.member("exitCode").integer(in: 0...255),
          milliseconds: try element.member("milliseconds").integer(), log: try element.member("log").digest()))
    }
    return commands
  }

  /// Reads the record out of a verified Statement.
  public init(_ statement: Statement) throws(Problem) {
    guard statement.predicateType.isExactly(PredicateType.record) else {
      throw .malformed("record.predicate-type", "this is no record but \(statement.predicateType)")
    }
    try self.init(JSONReader(statement.predicate, pointer: "/predicate"))
  }
}

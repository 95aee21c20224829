import ArgumentParser
import Attestation
import Commands
import Cryptography
import Diagnostics
import Evidence
import Gates
import KeyCustody
import LinuxKit
import StrictJSON

/// `rustynet-assure record …`.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Write evidence by measuring.", subcommands: [RecordRun.self])
}

struct RecordRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a command and sign what it did.",
    discussion: """
      The record says who ran what, when, on which commit and about which files, with the exit code and the digest of
      the log. What the command prints is shown on standard error and kept in the log.

      Example: rustynet-assure record run --name smoke --subject tool --output smoke.json -- ./tool --self-test

      Ends with 78 when the command does not end with 0; the record is written all the same.
      """)

  @Option(help: "What is measured, such as tests.") var name: String
  @Option(help: "A file under test; may be repeated.") var subject: [String]
  @Option(help: "The signed record to write.") var output: String
  @Option(help: "Keep the log of the command here.") var log: String?
  @Option(help: "The event stream that Swift Testing writes; its results become facts of the record.")
  var swiftTestingEvents: String?
  @Option(help: "The results that rustynet-bench conformance writes; they become facts of the record.")
  var conformance: String?
  @Option(help: "The root of the source tree.") var root = "."
  @Option(help: "The most seconds that the command may run.") var seconds: Double = 3600
  @OptionGroup var signer: SignerOptions
  @Argument(parsing: .postTerminator, help: "The command, after --.") var command: [String]

  func run() async throws {
    guard let program = command.first, !subject.isEmpty else {
      throw Problem.usage("usage.record", "name a command after -- and at least one --subject")
    }
    guard seconds > 0, seconds <= 31_536_000 else {
      throw Problem.usage("usage.seconds", "the seconds must be above zero, and no more than a year")
    }
    guard swiftTestingEvents == nil || conformance == nil else {
      throw Problem.usage("usage.record", "name results of one kind")
    }
    guard !name.isEmpty, name.utf8.count <= Record.nameLimit, Printable.oneLine(name) == name else {
      throw Problem.usage("usage.record", "a record has a name of 1 to \(Record.nameLimit) bytes in one line")
    }
    let path = log ?? "\(output).log"
    let results = swiftTestingEvents ?? conformance
    try Output.require([output, path] + (results.map { [$0] } ?? []), apartFrom: subject)
    let key = try signer.load()
    for old in [output, path] + (results.map { [$0] } ?? []) { try Output.remove(old) }
    let folder = Path.folder(of: output)
    try FileSystem.makeFolder(folder)
    let workspace = try await Workspace(root: root, output: folder)
    let before = try subjects(areThere: false)
    let started = Host.now()
    let result = try await Command(program, Array(command.dropFirst()), seconds: seconds, outputLimit: 256 << 20)
      .record(logTo: path, echo: true)
    if log == nil { try FileSystem.remove(path) }
    let subjects = try subjects(areThere: true)
    try await workspace.requireUnmoved()
    // What was measured is what was there when it began; a command may make a subject, and not change one.
    for (index, old) in before.enumerated() where old != nil && old != subjects[index] {
      throw Problem.refused(
        "record.subject-moved", "the file changed while it was measured", place: subject[index], source: "A16, V10",
        hint: "measure again, when nothing else writes it")
    }
    let record = Record(
      name: name, started: started, finished: Host.now(), machine: workspace.machine, source: workspace.source,
      tool: workspace.tool,
      commands: [
        Record.Command(
          argv: command, exitCode: Int64(result.status.code), milliseconds: Int64(result.seconds * 1000),
          log: result.log)
      ], facts: try facts())
    let statement = Statement(
      subjects: subjects.compactMap(\.self), predicateType: PredicateType.record, predicate: record.json)
    try Output.write(try statement.signed(by: [key]).encoded, to: output)
    Console.note("recorded “\(name)” (\(result.status)) in \(output)")
    if !result.status.isSuccess { throw Report.end(.refused) }
  }

  /// The files under test, by their content; nil for one that is not there, where it need not be.
  private func subjects(areThere: Bool) throws(Problem) -> [Subject?] {
    var subjects: [Subject?] = []
    for text in subject {
      do throws(Problem) {
        let (name, digests) = try Input.subject(text)
        subjects.append(Subject(name: name, digests: digests))
      } catch {
        guard !areThere, error.code == "file.missing" else { throw error }
        subjects.append(nil)
      }
    }
    return subjects
  }

  private func facts() throws(Problem) -> JSON {
    if let path = conformance {
      let json = try JSON(parsing: try FileSystem.read(path, limit: 1 << 20))
      do { _ = try ConformanceResults(JSONReader(json)) } catch { throw error.at(path) }
      return json
    }
    guard let path = swiftTestingEvents else { return .null }
    let bytes = try FileSystem.read(path, limit: 256 << 20)
    do { return try TestResults(swiftTestingEvents: bytes).json } catch { throw error.at(path) }
  }
}

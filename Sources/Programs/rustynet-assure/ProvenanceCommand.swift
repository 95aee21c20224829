import ArgumentParser
import Diagnostics
import LinuxKit
import Provenance
import Wire

/// `rustynet-assure provenance …`.
struct ProvenanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provenance", abstract: "Say where and how a release was built.",
    subcommands: [ProvenanceGenerate.self])
}

/// `rustynet-assure provenance generate`.
struct ProvenanceGenerate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Write an unsigned in-toto statement with SLSA provenance v1.",
    discussion: """
      Example: rustynet-assure provenance generate --subject tool --output p.json -- swift build -c release

      The build command stands after `--`; it is recorded, not run. What is not told is left out, never made up.
      """)

  @Option(help: "A file that the build made; may be repeated.") var subject: [String] = []
  @Option(help: "Another file that came out, such as a log; may be repeated.") var byproduct: [String] = []
  @Option(help: "The file to write.") var output: String
  @Option(help: "The package folder.") var package = "."
  @Option(help: "The URI of the builder.") var builderId = "urn:rustynet:builder:local:v1"
  @Option(help: "Where the sources are, such as git+https://github.com/owner/name.") var sourceUri: String?
  @Option(help: "The branch or tag, such as refs/tags/v1.0.0.") var sourceRef: String?
  @Option(help: "release or debug.") var configuration: String?
  @Option(help: "The name of this run of the builder.") var invocationId: String?
  @Option(help: "When the build began, such as 2026-11-22T16:05:00Z.") var startedOn: String?
  @Option(help: "When the build ended.") var finishedOn: String?
  @Argument(parsing: .postTerminator, help: "The build command.") var command: [String] = []

  func run() async throws {
    try Output.require([output], apartFrom: subject + byproduct)
    let run = ProvenanceFacts.Run(
      builder: builderId, toolVersion: Product.version, invocation: invocationId,
      started: try startedOn.map { try Timestamp($0) }, finished: try finishedOn.map { try Timestamp($0) })
    var request = ProvenanceFacts.Request(folder: package, subjects: subject, run: run)
    request.byproducts = byproduct
    request.sourceAddress = sourceUri
    request.sourceReference = sourceRef
    request.command = command
    request.configuration = configuration
    let facts = try await ProvenanceFacts.collect(request, report: Console.note)
    if !facts.source.isClean { Console.note("the working tree differs from the commit: the provenance says so") }
    try Output.write(try ProvenanceWriter.bytes(facts), to: output)
    Console.note("wrote \(output), unsigned")
  }
}

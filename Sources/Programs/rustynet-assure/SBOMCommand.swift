import ArgumentParser
import Diagnostics
import Inventory
import LinuxKit
import SBOM
import Wire

/// `rustynet-assure sbom …`.
struct SBOMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sbom", abstract: "Say what a release consists of.", subcommands: [SBOMGenerate.self])
}

/// `rustynet-assure sbom generate PATH`.
struct SBOMGenerate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Write the CycloneDX 1.6 SBOM of a package and its binaries.",
    discussion: """
      Example: rustynet-assure sbom generate . --binary .build/release/tool --output sbom.cdx.json

      The same sources and binaries give the same bytes. The time is that of SOURCE_DATE_EPOCH, or of the commit.
      """)

  @Argument(help: "The package folder.") var path: String
  @Option(help: "An ELF file that is delivered; may be repeated.") var binary: [String] = []
  @Option(help: "The file to write.") var output: String
  @Option(name: .customLong("version"), help: "The version of the release.") var release: String?
  @Option(help: "Who answers for the SBOM: an https URL or an e-mail address.") var creator: String?

  func run() async throws {
    try Output.require([output], apartFrom: binary)
    let facts = try await SBOMFacts.collect(
      folder: path, binaries: binary, version: release, time: try await time(), creator: creator,
      report: Console.note)
    if creator == nil { Console.note("no --creator: the SBOM names nobody who answers for it") }
    try Output.write(try SBOMWriter.bytes(facts), to: output)
    Console.note("wrote \(output)")
  }

  private func time() async throws(Problem) -> Timestamp {
    guard let text = Host.environment("SOURCE_DATE_EPOCH") else {
      return try await GitRepository(containing: path).commitTime()
    }
    guard let seconds = Int64(text), let time = Timestamp(seconds: seconds) else {
      throw .usage("sbom.epoch", "SOURCE_DATE_EPOCH is not a number of seconds", hint: "see reproducible-builds.org")
    }
    return time
  }
}

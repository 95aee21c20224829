import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import InTotoLayout
import LinuxKit
import StrictJSON
import Wire

/// `rustynet-assure verify layout`.
struct VerifyLayout: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layout", abstract: "Verify an in-toto layout with its links.",
    discussion: """
      Every layout key named here must have signed the layout. With --artifact-dir the products of the last step are \
      compared with the files there; without it only metadata is judged. Inspections are commands that the layout \
      wants to be run: they are not run, and a layout with one does not pass, unless --allow-inspections says so.

      Example: rustynet-assure verify layout --layout root.layout --layout-key owner.pub --links . --artifact-dir .
      """)

  @Option(help: "The signed layout: an old-style metablock or a DSSE envelope.") var layout: String
  @Option(
    name: .customLong("layout-key"), parsing: .upToNextOption, help: "Public keys (PEM) that must all have signed it.")
  var layoutKeys: [String] = []
  @Option(help: "The folder with the links, and with a folder for each sublayout.") var links: String
  @Option(help: "The folder with the final products.") var artifactDir: String?
  @Option(help: "A value for a parameter of the layout: NAME=VALUE; may be repeated.") var parameter: [String] = []
  @Flag(help: "Run the commands of the layout's inspections in the artifact folder, without a shell.")
  var allowInspections = false
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions

  func run() async throws {
    guard !layoutKeys.isEmpty else {
      throw Problem.usage("usage.layout-key", "name at least one --layout-key")
    }
    guard !allowInspections || artifactDir != nil else {
      throw Problem.usage("usage.inspections", "--allow-inspections needs the --artifact-dir to run them in")
    }
    let answer: Answer
    do throws(Problem) { answer = try await judge() } catch {
      return try format.answer(about: layout) { () throws(Problem) -> Answer in throw error }
    }
    try format.finish(answer)
  }

  private func judge() async throws(Problem) -> Answer {
    let time = try time.time()
    let judge = LayoutJudge(time: time, policy: try AlgorithmPolicy(), parameters: try parameters())
    let keys = try layoutKeys.map { path throws(Problem) in
      do throws(Problem) { return try LayoutKey(parsing: try FileSystem.read(path, limit: 16_384)) } catch {
        throw error.at(path)
      }
    }
    let metadata: SignedMetadata
    var verdict: LayoutJudge.Verdict
    let folder = try LinkFiles.read(links)
    do throws(Problem) {
      metadata = try SignedMetadata(parsing: try FileSystem.read(layout, limit: SignedMetadata.limits.size))
      verdict = try judge.judge(metadata, keys: keys, links: folder)
    } catch { throw error.place?.hasPrefix(layout) == true ? error : error.at(layout) }
    let products = try productChecks(verdict)
    // A command of somebody else is run only when nothing but inspections stands between the layout and a pass.
    if allowInspections, let artifactDir, (verdict.checks + products).allSatisfy(isPassedOrPending) {
      verdict = try await inspect(verdict, in: artifactDir) { inspected throws(Problem) in
        try LayoutJudge(time: time, policy: judge.policy, parameters: judge.parameters, inspected: inspected)
          .judge(metadata, keys: keys, links: folder)
      }
    }
    return Answer(
      "\(layout) as of \(time)", place: layout, verdict.checks + products,
      facts: [
        ("asOf", .string(time.description)), ("artifacts", artifactDir == nil ? "not-compared" : "compared"),
        ("products", LinkFiles.json(verdict.products ?? Artifacts())),
      ])
  }

  private func isPassedOrPending(_ check: Check) -> Bool {
    check.outcome == .passed || check.code == "inspection.not-allowed"
  }

  private func parameters() throws(Problem) -> Parameters {
    var values: [String: String] = [:]
    for text in parameter {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, Parameters.isName(parts[0]), values[parts[0]] == nil else {
        throw .usage("usage.parameter", "“\(text)” is no parameter, or stands twice", hint: "write NAME=VALUE")
      }
      values[parts[0]] = parts[1]
    }
    return try Parameters(values)
  }

  /// Compares the products of the last step with the files, before any inspection can change them.
  private func productChecks(_ verdict: LayoutJudge.Verdict) throws(Problem) -> [Check] {
    guard let artifactDir else {
      Console.note("note: no --artifact-dir was given: no file was compared with what the layout says of it")
      return []
    }
    guard let products = verdict.products else {
      return [.notRun("products", "product.unknown", "no link says what the last step made")]
    }
    guard !products.hashes.isEmpty else {
      return [.failed("products", "product.none", "the last step made nothing that could be compared", source: "V12")]
    }
    var checks: [Check] = []
    for path in products.paths {
      guard let hashes = products.hashes[path] else { continue }
      checks.append(try ArtifactFiles.check(path.text, hashes, in: artifactDir))
    }
    return checks
  }

  /// Runs every pending inspection once, in the order of the layout, and judges again with what was found.
  private func inspect(
    _ verdict: LayoutJudge.Verdict, in folder: String,
    again judge: ([String: Result<Link, Problem>]) throws(Problem) -> LayoutJudge.Verdict
  ) async throws(Problem) -> LayoutJudge.Verdict {
    var found: [String: Result<Link, Problem>] = [:]
    for inspection in verdict.pending {
      do throws(Problem) {
        found[inspection.id] = .success(try await ArtifactFiles.run(inspection, in: folder))
      } catch {
        found[inspection.id] = .failure(error)
      }
    }
    return try judge(found)
  }
}

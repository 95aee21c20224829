public import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import Evidence
public import Gates
import LinuxKit
import StrictJSON
import Wire

/// `rustynet-assure gate …`.
struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "Run the gates of a source tree.", subcommands: [GateList.self, GateRun.self])
}

extension GateSet: ExpressibleByArgument {}

struct GateList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the gates.")

  @Option(name: .customLong("set"), help: "Only those of this set.") var only: GateSet?
  @Option(help: "The root of the source tree.") var root = "."
  @OptionGroup var format: JSONOptions

  func run() throws {
    var list: [JSON] = []
    for id in try only?.gates(root: root) ?? GateDefinition.all(root: root) {
      let (gate, _) = try GateDefinition.load(id, root: root)
      list.append([
        "id": .string(gate.id), "title": .string(gate.title), "severity": .string(gate.severity.rawValue),
        "requirements": .array(gate.requirements.map { .string($0) }), "digest": .string(gate.digest.description),
      ])
      if !format.json {
        Console.print(
          gate.id.padding(to: 24) + gate.severity.rawValue.padding(to: 10) + gate.title
            + " (\(gate.requirements.joined(separator: ", ")))")
      }
    }
    if format.json { Console.print(JSON.array(list).printable) }
  }
}

extension String {
  func padding(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}

struct GateRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Look and judge, gate by gate.",
    discussion: """
      Example: rustynet-assure gate run --set commit

      Nothing is signed: use it while you work. Gates that judge signed evidence read what the last
      `rustynet-assure release` left in the evidence folder, and are not run where there is none.
      """)

  @Argument(help: "Ids of gates.") var ids: [String] = []
  @Option(name: .customLong("set"), help: "A set of gates: commit, preview or release.") var only: GateSet?
  @Option(help: "The root of the source tree.") var root = "."
  @Option(help: "The folder with the evidence of a release.") var evidence: String?
  @Option(help: "A release policy (default: the preview policy of the tree).") var policy: String?
  @Option(help: "Write the results to this file.") var json: String?
  @OptionGroup var time: TimeOptions

  func run() async throws {
    guard ids.isEmpty != (only == nil) else {
      throw Problem.usage("usage.gates", "name gates or one --set, not both", hint: "rustynet-assure gate list")
    }
    // An old result must never stand for this run, whatever happens from here on.
    if let json { try Output.remove(json) }
    let folder = evidence ?? "\(root)/artifacts/release/evidence"
    try FileSystem.makeFolder(folder)
    let lock = try FileLock("\(Path.folder(of: folder))/.lock")
    defer { withExtendedLifetime(lock) {} }
    let workspace = try await Workspace(root: root, output: folder)
    let judged = try evidence(workspace, at: try time.time())
    var results: [GateResult] = []
    for id in try only?.gates(root: root) ?? ids {
      let (gate, _) = try GateDefinition.load(id, root: root)
      let result = try await gate.result(in: workspace, by: judged, mayDefer: only != .release)
      show(result)
      results.append(result)
    }
    try finish(results, at: judged.time)
  }

  private func evidence(_ workspace: Workspace, at time: Timestamp) throws -> GateEvidence {
    let path = policy ?? "\(workspace.root)/attestations/policies/preview.json"
    let documents = try EvidenceFolder.read(workspace.output)
    let trust = try documents[MemberName.trust].map { bytes in
      let envelope = try Envelope(parsing: bytes)
      let own = try TrustFile(parsing: envelope.payload).profile
      return try TrustFile.verified(envelope, fingerprint: nil, at: time, for: own)
    }
    let policy = try PolicyCommand.read(path).policy
    let subjects = try policy.subjects.compactMap { name -> Subject? in
      let path = "\(workspace.products)/\(name)"
      guard FileSystem.status(path) != nil else { return nil }
      return Subject(name: name, digests: try Input.subject(path).digests)
    }
    return GateEvidence(
      policy: policy, trust: trust, time: time, commit: workspace.source.commit, subjects: subjects,
      documents: documents)
  }

  private func show(_ result: GateResult) {
    let word = result.isDeferred ? "deferred" : result.outcome.rawValue
    Console.note("\(word.padding(to: 10))\(result.id.padding(to: 24))\(result.title)")
    for line in Report.lines(result.checks.filter { $0.outcome != .passed }) { Console.note(line) }
  }

  private func finish(_ results: [GateResult], at time: Timestamp) throws {
    let isPassed = !results.isEmpty && results.allSatisfy(\.isAcceptable)
    if let json {
      let document: JSON = [
        "type": "rustynet-gate-results/v1", "time": .string(time.description),
        "outcome": .string(isPassed ? "passed" : "refused"), "gates": .array(results.map(\.json)),
      ]
      try Output.write(document.canonical + [0x0a], to: json)
    }
    let passed = results.count { $0.outcome == .passed }
    let failed = results.count { $0.outcome == .failed }
    Console.print(
      "\(isPassed ? "PASSED" : "REFUSED"): \(passed) passed, \(failed) failed, \(results.count - passed - failed) not run"
    )
    if !isPassed { throw Report.end(.refused) }
  }
}

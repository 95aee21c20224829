import ArgumentParser
import Diagnostics
import LinuxKit
import StrictJSON
import TunnelBackend

/// `rustynet-bench conformance BACKEND`.
struct ConformanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance", abstract: "Run the conformance suite of tunnels over one backend, with real packets.",
    discussion: """
      Needs root. Each case has two new network namespaces with a wire between them; they are gone when this ends, however
      it ends. The last line counts. Ends with 78 when a case failed, with 70 when the backend cannot run here.

      Example: rustynet-bench conformance uapi --json uapi.json
      """)

  @Argument(help: "userspace, kernel or uapi.") var backend: ConformanceBackend
  @Option(help: "Write the results to this file.") var json: String?
  @Option(help: "The daemon that uapi drives; the interface's name is added.") var daemon = "wireguard-go -f"
  @Option(name: .customLong("case"), help: "Only cases whose id begins with this; may be repeated.") var cases:
    [String] = []

  func run() throws {
    // Results of an earlier run must not stand for this one.
    if let json, FileSystem.status(json) != nil { try FileSystem.remove(json) }
    var report = ConformanceReport(backend: backend.rawValue)
    do throws(Problem) {
      let command = daemon.split(separator: " ").map(String.init)
      try backend.requireHost(command: command)
      try OwnProcesses.enter()
      let lab = try NamespaceLab(backend.maker(command: command))
      try lab.observeKind()
      report.name = try lab.pair().0.backend.name
      report.results = ConformanceSuite.run(in: lab, selection: cases) { result in
        let detail = result.detail.isEmpty ? "" : ": \(result.detail)"
        Console.print(Printable.oneLine("\(result.outcome.rawValue) \(result.id)\(detail)"))
      }
      try lab.observe()
      report.packets = lab.packetsOnWires
      report.kinds = lab.deviceKinds.sorted()
    } catch {
      guard error.code.hasPrefix("lab.no-") else { throw error }
      report.reason = error
    }
    if let json { try FileSystem.write(report.json.canonical + [0x0a], to: json) }
    Console.print(report.summary)
    if report.reason != nil { Console.exit(.couldNotRun) }
    if report.count(.failed) > 0 || report.count(.passed) == 0 { Console.exit(.refused) }
  }
}

/// What a run found; the form is that of documents/specs/conformance.md.
struct ConformanceReport {
  let backend: String
  /// What the backend calls itself.
  var name = ""
  var results: [ConformanceResult] = []
  var packets = 0
  var kinds: [String] = []
  /// Why nothing was run.
  var reason: Problem?

  init(backend: String) { self.backend = backend }

  func count(_ outcome: ConformanceOutcome) -> Int { results.count { $0.outcome == outcome } }

  var summary: String {
    if let reason { return "not-run: \(backend): \(reason.message)" }
    return "\(count(.passed)) passed, \(count(.failed)) failed, \(count(.notRun)) not-run"
  }

  var json: JSON {
    var object = JSONObject()
    object["type"] = "rustynet-conformance/v1"
    object["backend"] = .string(backend)
    object["name"] = .string(name)
    object["devices"] = .array(kinds.map { .string($0) })
    object["packets"] = .integer(Int64(packets))
    object["notRun"] = reason.map { .string("\($0.code): \($0.message)") }
    object["cases"] = .array(
      results.map { ["id": .string($0.id), "outcome": .string($0.outcome.rawValue), "detail": .string($0.detail)] })
    return .object(object)
  }
}

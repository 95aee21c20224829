import ArgumentParser
import Authorization
import Diagnostics
import LinuxKit
import StrictJSON

/// `rustynet-bench authz`: how many decisions a second the shipped roles allow.
struct AuthzBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authz", abstract: "Measure decisions by the shipped roles; one line with processor time.")

  @Option(help: "How many decisions.") var decisions = 1_000_000
  @Option(help: "How many users are known.") var users = 1000
  @Option(help: "How many different requests are taken in turn.") var requests = 120
  @Option(help: "Write policies, schema, entities and requests into this folder, for other engines.")
  var write: String?

  func run() throws {
    guard decisions > 0, users > 0, requests > 0 else {
      throw Problem.usage("usage.count", "counts are greater than zero")
    }
    if let write { try export(to: write) }
    let bench = try AuthzBench(users: users, requests: requests)
    let begin = Host.processorSeconds()
    let allowed = bench.decide(decisions)
    let seconds = max(Host.processorSeconds() - begin, 1e-9)
    Console.print(
      "authz decisions=\(decisions) allowed=\(allowed) cpu_s=\(seconds) per_second=\(Int(Double(decisions) / seconds))")
  }

  private func export(to folder: String) throws(Problem) {
    try FileSystem.makeFolder(folder)
    let policies = Roles.shippedPolicies.flatMap(\.bytes)
    let list = JSON.array((0..<requests).map { AuthzBench.request($0, users: users) })
    for (name, bytes) in [
      ("policies.cedar", policies), ("schema.cedarschema", Roles.shippedSchema.bytes),
      ("entities.json", AuthzBench.entities(users: users).canonical), ("requests.json", list.canonical),
    ] {
      try FileSystem.write(bytes, to: "\(folder)/\(name)")
    }
  }
}

import ArgumentParser
import Diagnostics
import LinuxKit
import NetworkPolicy
import StrictJSON

/// `rustynet policy diff`.
struct PolicyDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Say who gains and who loses what from one policy to another.",
    discussion:
      "Compares what packets may do, not how it is written. Ends with 0 when nobody gains or loses, else with 78.")

  @OptionGroup var topology: TopologyOptions
  @OptionGroup var output: PolicyOutput
  @Argument(help: "The policy file before.") var before: String
  @Argument(help: "The policy file after.") var after: String

  func run() throws {
    try output.answer { () throws(Problem) in
      let topology = try topology.read()
      let old = CompiledPolicy(try PolicyFile(reading: before).policy, topology)
      let new = CompiledPolicy(try PolicyFile(reading: after).policy, topology)
      let changes = PolicyDifference(from: old, to: new).changes
      var answer = PolicyAnswer()
      for change in changes {
        answer.lines.append(
          (
            "\(change.isGained ? "gains" : "loses") \(Self.short(change.sources)) -> \(change.destination): \(change.services)",
            change.isGained ? .open : .bad
          ))
      }
      if changes.isEmpty { answer.lines.append(("nobody gains or loses access", .good)) }
      answer.exitCode = changes.isEmpty ? .passed : .refused
      answer.json = [
        "outcome": changes.isEmpty ? "same" : "different",
        "changes": .array(
          changes.map { change in
            [
              "change": change.isGained ? "gains" : "loses", "src": .array(change.sources.map { .string($0) }),
              "dst": .string(change.destination), "context": .string(change.context.rawValue),
              "services": .string(change.services),
            ]
          }),
      ]
      return answer
    }
  }

  /// At most a dozen names, and how many more.
  private static func short(_ names: [String]) -> String {
    let shown = names.prefix(12).joined(separator: ", ")
    return names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
  }
}

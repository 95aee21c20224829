import ArgumentParser
import Diagnostics
import LinuxKit
import Vectors

/// `rustynet-bench policy`.
struct PolicyBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Compare the policy compiler with a second reading, and measure it.",
    subcommands: [PolicyAgreeCommand.self, PolicySpeedCommand.self])
}

/// `rustynet-bench policy agree`.
struct PolicyAgreeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agree", abstract: "Judge random packets twice; ends with 78 when the two readings disagree.")

  @Option(help: "How many packets at least.") var packets = 100_000
  @Option(help: "The seed of the random meshes and policies.") var seed: UInt64 = 1

  func run() throws {
    let report = try PolicyAgreement.run(packets: packets, seed: seed)
    for text in report.disagreements { Console.print(text) }
    let contexts = report.contexts.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    Console.print(
      "policies=\(report.policies) packets=\(report.packets) allowed=\(report.allowed)\(contexts) disagree=\(report.disagreements.count)"
    )
    // A run in which nothing passes, or nothing is denied, has compared nothing.
    guard report.allowed > 0, report.allowed < report.packets, report.contexts.count == 3 else {
      throw Problem.malformed(
        "policy.agree-empty", "the packets do not reach every context", hint: "ask for more packets")
    }
    guard report.disagreements.isEmpty else {
      throw Problem.refused("policy.agree", "the two readings of a policy disagree")
    }
  }
}

/// `rustynet-bench policy speed`.
struct PolicySpeedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "speed", abstract: "Measure compiling a generated policy, in CPU milliseconds.")

  @Option(help: "How many nodes.") var nodes = 10_000
  @Option(help: "How many rules.") var rules = 1_000
  @Option(help: "How many turns; the median counts.") var turns = 5

  func run() throws {
    let figures = try PolicySpeed.measure(nodes: nodes, rules: rules, turns: turns)
    Console.print(figures.map { "\($0.name)=\($0.text)" }.joined(separator: " "))
  }
}

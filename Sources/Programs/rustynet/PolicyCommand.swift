import ArgumentParser
import Diagnostics
import LinuxKit
import NetworkPolicy
import NetworkTypes
import StrictJSON

/// `rustynet policy`: network policies, without a daemon.
struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Check, test, explain, compare and compile network policies.",
    subcommands: [
      PolicyCheckCommand.self, PolicyTestCommand.self, PolicyExplainCommand.self, PolicyDiffCommand.self,
      PolicyCompileCommand.self,
    ])
}

/// `rustynet policy check`.
struct PolicyCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read a policy and say what is wrong with it.")

  @OptionGroup var output: PolicyOutput
  @Argument(help: "The policy file.") var file: String

  func run() throws {
    try output.answer { () throws(Problem) in
      let policy = try PolicyFile(reading: file).policy
      let notes = policy.notes
      let summary =
        "\(policy.rules.count) rules, \(policy.groups.count) groups, \(policy.hosts.count) hosts, "
        + "\(policy.tagOwners.count) tags, \(policy.tests.count + policy.sshTests.count) tests"
      return PolicyAnswer(
        lines: [("PASSED \(file): \(summary)", .good)] + notes.map { ("note: \($0)", .open) },
        json: [
          "outcome": "passed", "policy": .string(file), "rules": .integer(Int64(policy.rules.count)),
          "groups": .integer(Int64(policy.groups.count)), "hosts": .integer(Int64(policy.hosts.count)),
          "tags": .integer(Int64(policy.tagOwners.count)),
          "tests": .integer(Int64(policy.tests.count + policy.sshTests.count)),
          "notes": .array(notes.map { .string($0) }),
        ])
    }
  }
}

/// `rustynet policy test`.
struct PolicyTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Judge the assertions that a policy makes about itself.")

  @OptionGroup var topology: TopologyOptions
  @OptionGroup var output: PolicyOutput
  @Argument(help: "The policy file.") var file: String

  func run() throws {
    try output.answer { () throws(Problem) in
      let file = try PolicyFile(reading: file)
      let outcomes = CompiledPolicy(file.policy, try topology.read()).runTests()
      guard !outcomes.isEmpty else {
        throw .refused(
          "policy.no-tests", "the policy asserts nothing", place: self.file,
          hint: "add tests to it: an empty set proves nothing")
      }
      let failed = outcomes.filter { $0.failure != nil }
      var answer = PolicyAnswer()
      for outcome in failed {
        answer.lines.append(
          (
            "failed \(file.path):\(file.place(of: outcome.pointer)): \(outcome.source) -> \(outcome.destination): "
              + (outcome.failure ?? ""), .bad
          ))
      }
      let word = failed.isEmpty ? "PASSED" : "REFUSED"
      answer.lines.append(
        (
          "\(word) \(file.path): \(outcomes.count - failed.count) of \(outcomes.count) assertions hold",
          failed.isEmpty ? .good : .bad
        ))
      answer.exitCode = failed.isEmpty ? .passed : .refused
      answer.json = [
        "outcome": failed.isEmpty ? "passed" : "refused", "policy": .string(file.path),
        "assertions": .array(
          outcomes.map { outcome in
            [
              "place": .string(file.place(of: outcome.pointer)), "src": .string(outcome.source),
              "dst": .string(outcome.destination), "expected": .string(outcome.expectation),
              "failure": outcome.failure.map { .string($0) } ?? .null,
            ]
          }),
      ]
      return answer
    }
  }
}

/// `rustynet policy compile`.
struct PolicyCompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Print each node's packet filter.",
    discussion: "With --json in the shape in which control planes send it: an object of the nodes' lists of rules.")

  @OptionGroup var topology: TopologyOptions
  @Option(help: "Only this node.") var node: String?
  @OptionGroup var output: PolicyOutput
  @Argument(help: "The policy file.") var file: String

  func run() throws {
    try output.answer { () throws(Problem) in
      let policy = try PolicyFile(reading: file).policy
      let compiled = CompiledPolicy(policy, try topology.read())
      if let node, compiled.topology.slot(of: node) == nil {
        throw .usage("usage.node", "there is no node \"\(node)\" in the topology", hint: "name one of its nodes")
      }
      var answer = PolicyAnswer()
      var object = JSONObject()
      for node in compiled.topology.nodes where self.node.map({ $0.isExactly(node.name) }) ?? true {
        guard let slot = compiled.topology.slot(of: node.name) else { continue }
        let filter = compiled.filter(slot: slot)
        let json = filter.json
        object[node.name] = json
        answer.lines += lines(node.name, json)
      }
      answer.json = .object(object)
      return answer
    }
  }

  /// A table for people: who, to what, by which protocols.
  private func lines(_ node: String, _ filter: JSON) -> [(String, Console.Tone?)] {
    guard case .array(let rules) = filter else { return [("\(node): lets nothing in", nil)] }
    var lines: [(String, Console.Tone?)] = [("\(node):", nil)]
    for rule in rules {
      let reader = JSONReader(rule)
      let sources = ((try? reader.strings(at: "SrcIPs")) ?? []).joined(separator: " ")
      if let ports = try? reader.member("DstPorts").elements(atMost: 1_000_000) {
        let destinations = ports.compactMap { Self.destination($0) }.joined(separator: " ")
        let protocols = (try? reader.member("IPProto").elements())?.compactMap { try? $0.integer() } ?? []
        let names = protocols.compactMap { UInt8($0) }.compactMap { IPProtocol(number: $0) }
        let kinds = (names.isEmpty ? IPProtocol.unnamed : names).map(\.description).joined(separator: ",")
        lines.append(("  \(sources) -> \(destinations) \(kinds)", nil))
      } else {
        lines.append(("  \(sources) has capabilities, which are not enforced here", nil))
      }
    }
    return lines
  }

  private static func destination(_ reader: JSONReader) -> String? {
    guard let host = try? reader.member("IP").text(), let ports = try? reader.member("Ports"),
      let first = try? ports.member("First").integer(), let last = try? ports.member("Last").integer()
    else { return nil }
    let text = (first, last) == (0, 65535) ? "*" : first == last ? "\(first)" : "\(first)-\(last)"
    return host.contains(":") ? "[\(host)]:\(text)" : "\(host):\(text)"
  }
}

extension JSONReader {
  fileprivate func strings(at key: String) throws(Problem) -> [String] { try member(key).texts(atMost: 1_000_000) }
}

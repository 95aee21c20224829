import Diagnostics
import LinuxKit
import NetworkPolicy
import Testing

@testable import Vectors

@Suite struct PolicyVectorsTests {
  /// The one case that is not equal: a policy that names an address by its number, which the reduced capture's
  /// renumbered topology gives to another node.
  @Test(.enabled(if: Corpora.exists("acl-captures"), "not-run: the third-party corpora are not here"))
  func agreesWithTheCorpusOfCaptures() throws {
    let report = try ACLVectors.judge(path: Corpora.path("acl-captures") + "/captures.jsonl.gz")
    #expect(report.reachesThreshold)
    #expect(report.accepted.total >= 290 && report.accepted.equal >= report.accepted.total - 1)
    #expect(report.refused.total >= 51 && report.refused.equal == report.refused.total)
    #expect(report.nodes.compared >= 3352 && report.rules >= 1276)
    #expect(report.cases.skipped == 0)
  }

  /// A case with a wrong filter, a policy that should be refused, one that needs roles, and two that cannot be read
  /// count as they should; the last ended the run once.
  @Test func countsWhatDisagrees() throws {
    func line(_ id: String, _ policy: String, _ code: Int, _ filters: String) -> String {
      "{\"id\": \"\(id)\", \"policy\": \(policy), \"code\": \(code), \"error\": \"e\", \"filters\": \(filters), "
        + "\"topology\": {\"users\": [], \"nodes\": {\"a\": {\"ipv4\": \"100.64.0.1\", \"routable_ips\": null}}}}"
    }
    let everything = "{\"acls\": [{\"action\": \"accept\", \"src\": [\"autogroup:danger-all\"], \"dst\": [\"*:*\"]}]}"
    let filter =
      "{\"a\": [{\"SrcIPs\": [\"*\"], \"DstPorts\": [{\"IP\": \"*\", \"Ports\": {\"First\": 0, \"Last\": 65535}}]}]}"
    let role = "{\"acls\": [{\"action\": \"accept\", \"src\": [\"autogroup:admin\"], \"dst\": [\"*:*\"]}]}"
    let lines = [
      line("equal", everything, 200, filter), line("other", everything, 200, "{\"a\": null}"),
      line("none", everything, 200, "{}"), line("wide", "{\"acls\": []}", 200, filter),
      line("bad", "\"{,}\"", 200, filter),
      line("role", role, 200, filter), line("refused", "\"{,}\"", 400, "null"), line("let in", everything, 400, "null"),
      line("no filter", everything, 200, "{\"a\": 1}"),
      line("no mesh", everything, 400, "null").replacing("\"users\": []", with: "\"users\": 1"),
    ]
    let path = "/tmp/rustynet-acl-\(UInt64.random(in: 0...UInt64.max)).jsonl"
    try FileSystem.write(Array(lines.joined(separator: "\n").utf8), to: path)
    defer { try? FileSystem.remove(path) }
    let report = try ACLVectors.judge(path: path)
    #expect(report.cases.agree == 2 && report.cases.disagree == 7 && report.cases.skipped == 1)
    #expect(report.accepted == (7, 1) && report.refused == (3, 1) && !report.reachesThreshold)
    #expect(report.nodes.missing == 1)
  }

  @Test(arguments: [UInt64(7), 42]) func readingsAgree(_ seed: UInt64) throws {
    let report = try PolicyAgreement.run(packets: 20_000, seed: seed)
    #expect(report.disagreements.isEmpty)
    #expect(report.packets >= 20_000 && report.allowed > 200 && report.contexts.count == 3)
  }

  /// The comparison finds a difference where there is one: a second reading of another policy.
  @Test func readingsOfDifferentPoliciesDisagree() throws {
    var generator = PolicyGenerator(seed: 3)
    var differences = 0
    for _ in 0..<20 {
      let topology = try generator.topology()
      let compiled = CompiledPolicy(try NetworkPolicy(parsing: Array(generator.policy().utf8)), topology)
      let oracle = try PolicyOracle(generator.policy(), topology)
      for _ in 0..<200 {
        let packet = generator.packet(topology)
        differences += compiled.decide(packet).isAllowed != oracle.allows(packet) ? 1 : 0
      }
    }
    #expect(differences > 20)
  }
}

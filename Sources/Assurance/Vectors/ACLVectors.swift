public import Diagnostics
import HuJSON
import LinuxKit
import NetworkPolicy
import NetworkTypes
import StrictJSON

/// The packet filters that a commercial service answered (headscale's captures): accepted policies must compile to
/// equal filters on every captured node, the others must be refused.
public enum ACLVectors {
  /// What was found, besides the counts of every corpus.
  public struct Report: Sendable {
    /// Case by case.
    public internal(set) var cases = VectorReport()
    /// Accepted cases, and those of them that are equal.
    public internal(set) var accepted = (total: 0, equal: 0)
    /// Refused cases, and those of them that we refuse.
    public internal(set) var refused = (total: 0, equal: 0)
    /// Refused cases in which the words are equal too.
    public internal(set) var texts = 0
    /// Nodes that were compared, and nodes of the topologies that the captures leave out.
    public internal(set) var nodes = (compared: 0, missing: 0)
    /// Packet filter rules and capability grants on the captures' side.
    public internal(set) var rules = 0
    /// Why cases were skipped.
    public internal(set) var skipped: [String: Int] = [:]

    /// 99 % of the accepted cases, and every refused one.
    public var reachesThreshold: Bool {
      accepted.equal * 100 >= accepted.total * 99 && refused.equal == refused.total
    }

    /// The lines before the last one.
    public var lines: [String] {
      var lines = [
        "accepted: \(accepted.equal) of \(accepted.total) equal",
        "refused: \(refused.equal) of \(refused.total) refused, \(texts) with the same words",
        "nodes: \(nodes.compared) compared with \(rules) rules, \(nodes.missing) not in the captures",
      ]
      for (reason, count) in skipped.sorted(by: { $0.key < $1.key }) { lines.append("skipped: \(count) \(reason)") }
      return lines
    }
  }

  /// Judges a file of captures, a case in each line; a file that ends in `.gz` is unpacked by gzip.
  public static func judge(path: String) throws(Problem) -> Report {
    var report = Report()
    let text = try bytes(of: path)
    for (number, line) in text.split(separator: 0x0a).enumerated() {
      do throws(Problem) {
        let document = JSONReader(
          try JSON(parsing: Array(line), limits: JSON.Limits(size: 64 << 20, depth: 64, values: 4_000_000)))
        try judge(document, into: &report)
      } catch { throw error.at("\(path):\(number + 1)") }
    }
    for line in report.lines { report.cases.note(line) }
    return report
  }

  private static func bytes(of path: String) throws(Problem) -> [UInt8] {
    let bytes = try FileSystem.read(path, limit: 1 << 30)
    guard path.hasSuffix(".gz") else { return bytes }
    let result = try ChildProcess.run(
      ["/usr/bin/gzip", "-dc"], environment: [], input: bytes, outputLimit: 1 << 30, seconds: 120)
    guard result.status == 0 else { throw .malformed("vectors.gzip", "gzip does not unpack the file", place: path) }
    return result.output
  }

  private static func judge(_ document: JSONReader, into report: inout Report) throws(Problem) {
    let id = try document.member("id").text()
    let isAccepted = try document.member("code").integer() == 200
    let outcome: Outcome
    do throws(Problem) { outcome = try self.outcome(document) } catch { outcome = .unreadable(error) }
    guard isAccepted else {
      report.refused.total += 1
      if case .refused(let problem) = outcome {
        report.refused.equal += 1
        let words = document.value.member("error")
        if case .string(let text)? = words, text == problem.message { report.texts += 1 }
      }
      report.cases.judge(id, expected: Answer.refused, found: outcome.word)
      return
    }
    report.accepted.total += 1
    guard case .compiled(let compiled) = outcome else {
      report.cases.judge(id, expected: Answer.accepted, found: outcome.word)
      return
    }
    if let reason = unsupported(compiled) {
      report.skipped[reason, default: 0] += 1
      report.cases.skip(id, expected: Answer.accepted, because: reason)
      return
    }
    let different: String?
    do throws(Problem) { different = try compare(document, compiled, &report) } catch { different = "\(error)" }
    report.accepted.equal += different == nil ? 1 : 0
    report.cases.judge(id, expected: Answer.accepted, found: different ?? Answer.accepted)
  }

  /// What we make of a policy.
  private enum Outcome {
    case compiled(CompiledPolicy)
    case refused(Problem)
    /// The case itself cannot be read: nothing was judged, which is no agreement.
    case unreadable(Problem)

    var word: String {
      switch self {
      case .compiled: Answer.accepted
      case .unreadable(let problem): "\(problem)"
      case .refused(let problem): problem.kind == .couldNotRun ? "not run" : Answer.refused
      }
    }
  }

  private static func outcome(_ document: JSONReader) throws(Problem) -> Outcome {
    let topology = try Topology(JSONReader(withoutNulls(try document.member("topology").value), pointer: "/topology"))
    do throws(Problem) {
      let policy = try document.member("policy")
      let parsed =
        if case .string(let text) = policy.value {
          try NetworkPolicy(parsing: Array(text.utf8))
        } else {
          try NetworkPolicy(JSONReader(policy.value))
        }
      let compiled = CompiledPolicy(parsed, topology)
      try compiled.requireTests()
      return .compiled(compiled)
    } catch { return .refused(error) }
  }

  /// The captures write null for an empty list; our format does not.
  private static func withoutNulls(_ value: JSON) -> JSON {
    guard case .object(var object) = value else { return value }
    for (key, member) in object.members { object[key] = member == .null ? nil : withoutNulls(member) }
    return .object(object)
  }

  /// A construct that the captures do not say enough about: their topologies have no roles.
  private static func unsupported(_ compiled: CompiledPolicy) -> String? {
    let selectors = compiled.policy.rules.flatMap { $0.sources + $0.targets.map(\.selector) + $0.destinations }
    let needsRoles = selectors.contains {
      if case .autogroup(let group) = $0 { group.role != nil } else { false }
    }
    let hasRoles = compiled.topology.users.contains { $0.role != nil }
    return needsRoles && !hasRoles ? "autogroup of a role, without roles in the topology" : nil
  }

  /// The first node whose filter is another one; nil when all are equal. A case without a captured node is no
  /// agreement.
  private static func compare(
    _ document: JSONReader, _ compiled: CompiledPolicy, _ report: inout Report
  ) throws(Problem) -> String? {
    let filters = try document.member("filters")
    var different: String?
    var compared = 0
    for node in compiled.topology.nodes {
      guard let theirs = try filters.optional(node.name) else {
        report.nodes.missing += 1
        continue
      }
      compared += 1
      guard let slot = compiled.topology.slot(of: node.name) else { continue }
      let wanted = try FilterForm(theirs)
      report.rules += wanted.rules.count + wanted.capabilities.count
      let ours = try FilterForm(JSONReader(compiled.filter(slot: slot).json))
      if ours != wanted { different = different ?? "\(node.name): \(ours.difference(from: wanted))" }
    }
    report.nodes.compared += compared
    return compared == 0 ? "no node is captured" : different
  }
}

extension JSON {
  /// The member of an object; nil for other values.
  fileprivate func member(_ key: String) -> JSON? {
    if case .object(let object) = self { object[key] } else { nil }
  }
}

public import Diagnostics
import NetworkPolicy
import NetworkTypes
import StrictJSON

/// The compiler of policies against a second, naive reading, on random meshes, policies and packets.
public enum PolicyAgreement {
  /// What was compared, and the first disagreements as texts.
  public struct Report: Sendable {
    /// Policies that were compiled.
    public internal(set) var policies = 0
    /// Packets that were judged twice.
    public internal(set) var packets = 0
    /// Those that passed: a comparison in which nothing passes shows nothing.
    public internal(set) var allowed = 0
    /// Those that passed, by the context of their destination.
    public internal(set) var contexts: [String: Int] = [:]
    /// At most ten.
    public internal(set) var disagreements: [String] = []
  }

  /// Judges at least `packets` packets, a thousand for each policy.
  ///
  /// Throws when a generated policy does not parse: then the generator and the reader disagree.
  public static func run(packets: Int, seed: UInt64) throws(Problem) -> Report {
    var report = Report()
    var generator = PolicyGenerator(seed: seed)
    while report.packets < packets, report.disagreements.count < 10 {
      let topology = try generator.topology()
      let (text, other) = (generator.policy(), generator.policy())
      let compiled = CompiledPolicy(try NetworkPolicy(parsing: Array(text.utf8)), topology)
      let second = CompiledPolicy(try NetworkPolicy(parsing: Array(other.utf8)), topology)
      let changed = Set(PolicyDifference(from: compiled, to: second).changes.map(\.destination))
      let oracle = try PolicyOracle(text, topology)
      report.policies += 1
      for _ in 0..<1000 {
        let packet = generator.packet(topology)
        let decision = compiled.decide(packet)
        report.packets += 1
        report.allowed += decision.isAllowed ? 1 : 0
        if let context = decision.context, decision.isAllowed { report.contexts[context.rawValue, default: 0] += 1 }
        if let wrong = try fault(packet, decision, oracle, compiled) ?? fault(packet, decision, second, changed) {
          report.disagreements.append("\(wrong): \(packet) \(decision)\n\(text)")
        }
      }
    }
    return report
  }

  private static func fault(
    _ packet: NodeFilter.Packet, _ decision: Decision, _ oracle: PolicyOracle, _ compiled: CompiledPolicy
  ) throws(Problem) -> String? {
    guard oracle.allows(packet) == decision.isAllowed else { return "the second reading disagrees" }
    guard decision.isAllowed, let carrier = decision.carrier, let slot = compiled.topology.slot(of: carrier) else {
      return nil
    }
    // What a node is sent must let in what the mesh allows.
    let sent = try FilterForm(JSONReader(compiled.filter(slot: slot).json))
    return sent.accepts(packet) ? nil : "the printed filter denies it"
  }

  /// A packet that two policies judge differently must show in their difference.
  private static func fault(
    _ packet: NodeFilter.Packet, _ decision: Decision, _ second: CompiledPolicy, _ changed: Set<String>
  ) -> String? {
    let other = second.decide(packet)
    guard other.isAllowed != decision.isAllowed, let carrier = (decision.isAllowed ? decision : other).carrier else {
      return nil
    }
    let isShown = changed.contains { $0 == carrier || $0.hasSuffix(" via \(carrier)") }
    return isShown ? nil : "the difference of two policies does not show it"
  }
}

extension FilterForm {
  /// Whether a rule lets the packet in; ports count where the protocol has them.
  func accepts(_ packet: NodeFilter.Packet) -> Bool {
    rules.contains { rule in
      rule.sources.contains(packet.source) && rule.protocols.contains(Int64(packet.ipProtocol.number))
        && rule.destinations.contains { opening in
          opening.addresses.contains(packet.destination)
            && (!packet.ipProtocol.hasPorts || (opening.first...opening.last).contains(Int64(packet.port)))
        }
    }
  }
}

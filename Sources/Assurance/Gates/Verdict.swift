public import Attestation
import Cryptography
public import Diagnostics
public import StrictJSON
import Wire

/// The verdict over a set of gates: a pure function of the evidence, so that whoever has the evidence gets the same
/// bytes (`documents/specs/verdict.md`).
public struct Verdict: Sendable {
  /// What the evidence was judged for.
  public let profile: Profile
  /// The index of this verdict in its ledger; it only ever grows, so an old verdict cannot pass for a new one.
  public let sequence: Int64
  /// What was judged, and by what.
  public let evidence: GateEvidence
  /// Every required gate, in the order of the policy.
  public let gates: [GateResult]

  /// Whether every gate passed or is deferred by the policy.
  public var isPassed: Bool { !gates.isEmpty && gates.allSatisfy(\.isAcceptable) }
  /// The requirements that are put off.
  public var deferred: [ReleasePolicy.Deferral] { gates.flatMap(\.deferrals) }

  /// One line: `PREVIEW PASSED, 5 requirements deferred` or `RELEASE REFUSED, 3 of 17 gates failed, 4 not run`.
  public var title: String {
    let count = deferred.count
    var line = "\(profile.rawValue.uppercased()) \(isPassed ? "PASSED" : "REFUSED")"
    if !isPassed {
      let failed = gates.count { $0.outcome == .failed }
      let notRun = gates.count { $0.outcome == .notRun && !$0.isDeferred }
      line += ", \(failed) of \(gates.count) gates failed, \(notRun) not run"
    }
    if count > 0 { line += ", \(count) requirement\(count == 1 ? "" : "s") deferred" }
    return line
  }

  /// Judges every gate that the policy requires.
  ///
  /// - Parameters:
  ///   - definitions: the gate files by id; a changed one fails, because the policy pins its digest.
  ///   - sequence: the index that the verdict gets in its ledger.
  public init(sequence: Int64, evidence: GateEvidence, definitions: [String: [UInt8]]) {
    profile = evidence.policy.profile
    self.sequence = sequence
    self.evidence = evidence
    gates = evidence.policy.gates.map { Verdict.judge($0, evidence: evidence, definitions: definitions) }
  }

  /// A verdict over gates that were looked at here and now, without signatures: it is never passed.
  ///
  /// For a release whose keys, trust file or policy are not there: it lists what would be judged and what is missing.
  public init(unsigned evidence: GateEvidence, gates: [GateResult], missing: Problem) {
    profile = evidence.policy.profile
    sequence = 0
    self.evidence = evidence
    let identity = GateResult(
      id: "identity", title: "The keys, the trust file and the policy of a release", severity: .critical,
      requirements: ["P8-1", "P1-14"],
      checks: [.notRun("identity", missing.code, missing.message, source: missing.source, hint: missing.hint)])
    self.gates = [identity] + gates
  }

  private static func judge(
    _ required: ReleasePolicy.RequiredGate, evidence: GateEvidence, definitions: [String: [UInt8]]
  ) -> GateResult {
    let gate: GateDefinition
    do throws(Problem) {
      guard let bytes = definitions[required.id] else {
        throw .refused("gate.missing", "the definition of the gate \(required.id) is missing")
      }
      // Nothing of a file that the policy does not pin is parsed.
      let found = Digest(of: bytes)
      guard found == required.definition else {
        throw .refused(
          "gate.definition", "the definition of the gate is \(found), not \(required.definition)",
          source: "R2", hint: "a gate is changed by a new release policy, not beside it")
      }
      gate = try GateDefinition(yaml: bytes, name: required.id)
    } catch {
      return GateResult(
        id: required.id, title: required.id, severity: .critical, requirements: [],
        checks: [Check("definition", error)])
    }
    var checks = [
      Check.passed(
        "definition", "the definition of the gate is as expected", expected: required.definition.description,
        found: gate.digest.description, source: "R2")
    ]
    checks += record(of: gate, evidence: evidence)
    // A deferral of a requirement that the gate does not prove puts nothing off.
    return GateResult(
      gate, checks: checks, deferrals: evidence.policy.deferrals(of: gate.id, gate.requirements, at: evidence.time))
  }

  private static func record(of gate: GateDefinition, evidence: GateEvidence) -> [Check] {
    do throws(Problem) {
      let (statement, signatures) = try evidence.statement(MemberName.record(ofGate: gate.id), signedBy: .builder)
      // Nothing of a statement counts before its signatures do.
      guard signatures.outcome == .passed else { return signatures }
      let record = try Record(statement)
      var checks = signatures
      checks.append(
        .equal("record.name", "record.name", "the gate that was measured", expected: gate.id, found: record.name))
      checks += try RecordChecks.judge(record, about: statement.subjects, evidence: evidence)
      checks += RecordChecks.commands(record, of: gate)
      return checks + gate.judge(record.facts, by: evidence)
    } catch {
      return [Check("record", error)]
    }
  }

  /// The verdict as JSON; its canonical form is what is signed and derived again.
  public var json: JSON {
    [
      "type": "rustynet-verdict/v1", "profile": .string(profile.rawValue), "title": .string(title),
      "outcome": .string(isPassed ? "passed" : "refused"),
      "deferred": .array(
        deferred.map { deferral in
          [
            "requirement": .string(deferral.requirement), "gate": .string(deferral.gate),
            "reason": .string(deferral.reason), "owner": .string(deferral.owner),
            "expires": .string(deferral.expires.description),
          ]
        }), "sequence": .integer(sequence), "time": .string(evidence.time.description),
      "commit": .string(evidence.commit), "subjects": .array(evidence.subjects.map(\.json)),
      "policy": [
        "version": .integer(evidence.policy.version), "digest": .string(evidence.policy.digest.description),
      ], "trust": .string(evidence.trust.map { Digest(of: $0.json.canonical).description } ?? "none"),
      "gates": .array(gates.map(\.json)),
    ]
  }

  /// What is written to `verdict.json`: the canonical form with a final newline.
  public var encoded: [UInt8] { json.canonical + [0x0a] }
}

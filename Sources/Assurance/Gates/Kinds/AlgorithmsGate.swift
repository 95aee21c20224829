import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import Wire

/// No denied name stands in a list of algorithms, and every key is of the kind, use and length of validity that the policy
/// allows. That no source names a denied primitive is the gate `primitives`.
enum AlgorithmsGate: GateKind {
  static let name = "algorithms"

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    var lists = JSONObject()
    for use in AlgorithmPolicy.Use.allCases {
      lists[use.rawValue] = .array((AlgorithmPolicy.allowed[use] ?? []).sorted().map { .string($0) })
    }
    let count = AlgorithmPolicy.allowed.values.reduce(0) { $0 + $1.count }
    return Observation(sample: count, [("lists", .object(lists))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    var checks: [Check] = []
    let lists = try facts.member("lists")
    // A list that is not there would have nothing denied in it.
    for use in AlgorithmPolicy.Use.allCases where try lists.optional(use.rawValue)?.elements().isEmpty ?? true {
      checks.append(.failed("lists.\(use.rawValue)", "algorithm.no-list", "the list is missing or empty"))
    }
    for (use, list) in try lists.members() where use != AlgorithmPolicy.Use.identifierOnly.rawValue {
      for element in try list.elements() {
        let algorithm = try element.text()
        guard AlgorithmPolicy.denied.contains(algorithm) else { continue }
        checks.append(
          .failed(
            "lists.\(use)", "algorithm.denied", "a denied algorithm is allowed", found: algorithm, source: "P1-10"))
      }
    }
    if checks.isEmpty { checks.append(.passed("lists", "no list holds a denied algorithm", source: "P1-9, P1-10")) }
    guard let trust = evidence.trust else {
      return checks + [.notRun("keys", "evidence.no-trust", "no trust file is given, so no key was judged")]
    }
    return checks + judge(trust, maximum: try evidence.policy.limit("keys.maximum-validity-days"), evidence)
  }

  private static func isOver(_ key: TrustedKey, at time: Timestamp) -> Bool {
    if let revoked = key.revokedSince, revoked <= time { return true }
    return key.supersededBy != nil && key.validUntil < time
  }

  private static func judge(_ trust: TrustFile, maximum: Int64, _ evidence: GateEvidence) -> [Check] {
    var checks: [Check] = []
    for principal in trust.principals {
      // A key that counts no longer does no harm; one that is merely superseded still counts.
      for key in principal.keys where !isOver(key, at: evidence.time) {
        let id = "key.\(principal.name).\(key.key.id)"
        do throws(Problem) {
          try key.requireUsable(at: evidence.time, for: evidence.policy.profile)
          let days = (key.validUntil.seconds - key.validFrom.seconds) / 86_400
          guard days <= maximum else {
            throw .refused("key.validity", "the key is valid for \(days) days, more than the \(maximum) allowed")
          }
          checks.append(.passed(id, "the key is usable", expected: "at most \(maximum) days", found: "\(days) days"))
        } catch {
          checks.append(Check(id, error))
        }
      }
    }
    return checks
  }
}

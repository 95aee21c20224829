public import Attestation
public import Diagnostics
public import StrictJSON

/// What became of one gate, check by check.
public struct GateResult: Sendable {
  /// The gate's id.
  public let id: String
  /// Its title.
  public let title: String
  /// How much it matters.
  public let severity: Severity
  /// The requirements that it proves.
  public let requirements: [String]
  /// Every check, in order.
  public let checks: [Check]
  /// The deferrals that cover it, one for each of its requirements; empty where it was run, or one is not put off.
  public let deferrals: [ReleasePolicy.Deferral]

  /// A result; deferrals count only for a gate that was not run.
  public init(_ gate: GateDefinition, checks: [Check], deferrals: [ReleasePolicy.Deferral] = []) {
    self.init(
      id: gate.id, title: gate.title, severity: gate.severity, requirements: gate.requirements, checks: checks,
      deferrals: deferrals)
  }

  init(
    id: String, title: String, severity: Severity, requirements: [String], checks: [Check],
    deferrals: [ReleasePolicy.Deferral] = []
  ) {
    self.id = id
    self.title = title
    self.severity = severity
    self.requirements = requirements
    self.checks = checks
    // A gate that proves two requirements is put off only when both are: none may slip through unlisted.
    let isCovered = requirements.allSatisfy { id in deferrals.contains { $0.requirement.isExactly(id) } }
    self.deferrals = checks.outcome == .notRun && isCovered ? deferrals : []
  }

  /// What became of the gate as a whole.
  public var outcome: Outcome { checks.outcome }
  /// Whether the set may pass with this result.
  public var isAcceptable: Bool { outcome == .passed || isDeferred }
  /// Whether the policy puts it off.
  public var isDeferred: Bool { !deferrals.isEmpty }

  /// The result as JSON.
  public var json: JSON {
    var object = JSONObject()
    object["id"] = .string(id)
    object["title"] = .string(title)
    object["severity"] = .string(severity.rawValue)
    object["requirements"] = .array(requirements.map { .string($0) })
    object["outcome"] = .string(outcome.rawValue)
    object["deferred"] = .bool(isDeferred)
    object["checks"] = .array(checks.map(\.json))
    return .object(object)
  }
}

extension GateDefinition {
  /// Looks and judges at once, without a record: while somebody works, and where nothing can be signed.
  ///
  /// - Parameter mayDefer: whether the policy can put the gate off; for a release nothing is put off.
  public func result(
    in workspace: Workspace, by evidence: GateEvidence, mayDefer: Bool
  ) async throws(Problem) -> GateResult {
    let checks = judge(try await observe(in: workspace).facts, by: evidence)
    let deferrals = mayDefer ? evidence.policy.deferrals(of: id, requirements, at: evidence.time) : []
    return GateResult(self, checks: checks, deferrals: deferrals)
  }
}

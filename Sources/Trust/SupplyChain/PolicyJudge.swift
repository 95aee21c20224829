public import Attestation
public import Cryptography
import StrictJSON
public import Wire

/// What a policy says of an artifact and its attestations.
public struct PolicyVerdict: Sendable {
  /// The outcomes. Waivers have one of their own, so that they can never be taken for a plain pass.
  public enum Outcome: String, Sendable {
    case passed
    case passedWithWaivers = "passed with waivers"
    case refused
  }

  /// Every check; what is waived is `not-run` with the code `policy.waived`.
  public internal(set) var checks: [Check] = []
  /// The waivers that were needed.
  public internal(set) var waivers: [SupplyPolicy.Waiver] = []

  /// Passed when something was judged, nothing of it failed, and nothing was left unjudged but for what is waived.
  ///
  /// Where everything is waived nothing was judged, and that is refused.
  public var outcome: Outcome {
    let judged = checks.filter { $0.code != PolicyVerdict.waived && !$0.id.hasPrefix("waiver.") }
    guard judged.outcome == .passed else { return .refused }
    return waivers.isEmpty ? .passed : .passedWithWaivers
  }

  static let waived = "policy.waived"
}

extension SupplyPolicy {
  /// Judges the attestations of an artifact: a pure function of policy, attestations, digests and time.
  ///
  /// - Parameter artifact: the digests of the artifact's bytes, computed by the caller from the bytes themselves.
  public func judge(
    _ attestations: [VerifiedAttestation], artifact: [Digest], builders: BuilderTable = .builtIn, at time: Timestamp
  ) -> PolicyVerdict {
    var verdict = PolicyVerdict()
    var found: [String: [Candidate]] = [:]
    for requirement in requirements {
      let candidates = attestations.filter { $0.statement.predicateType.isExactly(requirement.predicateType) }.map {
        Candidate(
          attestation: $0, facts: AttestationFacts($0),
          checks: requirement.judge($0, artifact: artifact, builders: builders, at: time))
      }
      let good = candidates.filter { $0.checks.outcome == .passed }
      found[requirement.id] = good
      add(requirement.report(candidates), about: requirement.id, to: &verdict, at: time)
    }
    for check in JoinSearch(policy: self, candidates: found).checks {
      add([check.check], about: check.join, to: &verdict, at: time)
    }
    for waiver in waivers where !verdict.waivers.contains(where: { $0.subject == waiver.subject }) {
      let isExpired = time > waiver.expires
      verdict.checks.append(
        .passed(
          "waiver.\(waiver.subject)",
          isExpired ? "the waiver of \(waiver.owner) has expired and was not applied" : "the waiver was not needed",
          found: "\(waiver.expires)"))
    }
    return verdict
  }

  /// Adds checks; where they do not pass and are waived at `time`, they are kept as waived instead.
  private func add(_ checks: [Check], about id: String, to verdict: inout PolicyVerdict, at time: Timestamp) {
    guard checks.outcome != .passed, let waiver = waivers.first(where: { $0.subject == id }), time <= waiver.expires
    else {
      verdict.checks += checks
      return
    }
    verdict.waivers.append(waiver)
    verdict.checks.append(
      .notRun(
        "waiver.\(id)", PolicyVerdict.waived, "waived by \(waiver.owner) until \(waiver.expires): \(waiver.reason)"))
    verdict.checks += checks.filter { $0.outcome != .passed }.map {
      .notRun($0.id, PolicyVerdict.waived, "\($0.message) [\($0.code)]", source: $0.source, hint: $0.hint)
    }
  }
}

/// An attestation of the type that a requirement asks for, and how it was judged.
struct Candidate {
  let attestation: VerifiedAttestation
  let facts: AttestationFacts
  let checks: [Check]
}

extension SupplyPolicy.Requirement {
  /// Judges one attestation of the right type.
  func judge(
    _ attestation: VerifiedAttestation, artifact: [Digest], builders: BuilderTable, at time: Timestamp
  ) -> [Check] {
    var checks: [Check] = []
    if isAboutArtifact { checks.append(SubjectRules.check("subject", artifact, in: attestation.statement)) }
    checks += signer(attestation)
    if let maximumAge { checks.append(age(attestation, maximum: maximumAge, at: time)) }
    if let provenance {
      let signer: ProvenanceSigner =
        switch attestation.signer {
        case .certificate(let identity): .certificate(identity)
        case .principals(let roles): .key(Set(roles.values.joined()).sorted().joined(separator: ", "))
        }
      do {
        checks += provenance.judge(try SLSAProvenance(attestation.statement), signer: signer, builders: builders)
      } catch { checks.append(Check("provenance", error)) }
    }
    if let summary {
      do { checks += try summary.judge(VerificationSummary(attestation.statement), at: time) } catch {
        checks.append(Check("summary", error))
      }
    }
    return checks
  }

  /// A certificate must name one of the identities, keys must reach the threshold of every role. A kind of signer that
  /// the policy does not name is nobody, except that a certificate may be judged by the rules about builders alone.
  private func signer(_ attestation: VerifiedAttestation) -> [Check] {
    switch attestation.signer {
    case .certificate(let identity):
      if identities.isEmpty, roles.isEmpty, provenance != nil { return [] }
      let expected = identities.map { "\($0.name) of \($0.issuer)" }.joined(separator: " or ")
      let found = "\(identity.name) of \(identity.issuer)"
      let isNamed = identities.contains { $0.name.matches(identity.name) && $0.issuer.isExactly(identity.issuer) }
      return [
        isNamed
          ? .passed("identity", "the policy names the signer", expected: expected, found: found)
          : .failed(
            "identity", "policy.identity", "the policy does not name the signer",
            expected: expected.isEmpty ? "no certificate" : expected, found: found)
      ]
    case .principals(let signers):
      guard !roles.isEmpty else {
        return [.failed("role", "policy.role", "the policy names no role whose keys could sign this")]
      }
      return roles.map { rule in
        let names = Set(signers[rule.role] ?? []).sorted()
        let id = "role.\(rule.role.rawValue)"
        let expected = "\(rule.threshold) of the role \(rule.role.rawValue)"
        let found = names.isEmpty ? "none" : names.joined(separator: ", ")
        return names.count >= rule.threshold
          ? .passed(id, "enough principals have signed", expected: expected, found: found, source: "V5")
          : .failed(
            id, "policy.threshold", "not enough principals have signed", expected: expected, found: found, source: "V5")
      }
    }
  }

  private func age(_ attestation: VerifiedAttestation, maximum: Int64, at time: Timestamp) -> Check {
    guard let measured = AttestationFacts(attestation).time else {
      return .failed("age", "policy.no-time", "nothing says when this was, so it may be of any age", source: "V27, A4")
    }
    return Freshness.check("age", measured: measured, at: time, maximum: maximum)
  }

  /// What the candidates come to: one that holds is enough, and the others are listed.
  func report(_ candidates: [Candidate]) -> [Check] {
    let name = "attestation.\(id)"
    guard !candidates.isEmpty else {
      return [
        .failed(
          name, "policy.no-attestation", "there is no verified attestation of this type", expected: predicateType,
          found: "none", source: "CVE-2022-35929")
      ]
    }
    let good = candidates.filter { $0.checks.outcome == .passed }
    let listed = candidates.flatMap { candidate -> [Check] in
      let inner = candidate.checks.prefixed("\(name).\(candidate.attestation.label).")
      // Beside one that holds, one that does not is no failure; it is listed all the same.
      guard !good.isEmpty, candidate.checks.outcome != .passed else { return inner }
      return inner.filter { $0.outcome != .passed }.map {
        .passed($0.id, "not counted: \($0.message)", found: $0.found)
      }
    }
    let found = good.map(\.attestation.label).sorted().joined(separator: ", ")
    let summary: Check =
      good.isEmpty
      ? .failed(
        name, "policy.attestation", "no attestation of this type meets the policy", expected: predicateType,
        found: "\(candidates.count) that do not")
      : .passed(name, "the attestation is there", expected: predicateType, found: found)
    return listed + [summary]
  }
}

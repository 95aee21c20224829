public import Attestation
public import Cryptography
import Diagnostics
public import Gates
import StrictJSON
public import TransparencyLog
public import Wire

/// What an auditor demands of a pack, and by whose word.
public struct PackDemand: Sendable {
  /// What the pack must be for; a preview pack never passes as a release.
  public var profile: Profile
  /// The auditor's own trust file.
  public var trust: Envelope
  /// The fingerprint of its root, from elsewhere.
  public var fingerprint: Digest?
  /// The time of the audit.
  public var time: Timestamp
  /// The checkpoint of an earlier audit, of which this ledger must be an extension.
  public var since: SignedCheckpoint?
  /// Files that must be among the binaries of the release.
  public var subjects: [(name: String, digests: [Digest])]
  /// The gates that the policy must require, whoever signed it.
  public var requiredGates: [String]

  /// A demand; the defaults ask for a release.
  public init(
    profile: Profile = .release, trust: Envelope, fingerprint: Digest? = nil, time: Timestamp,
    since: SignedCheckpoint? = nil, subjects: [(name: String, digests: [Digest])] = [],
    requiredGates: [String] = PinnedPolicy.releaseGates
  ) {
    self.profile = profile
    self.trust = trust
    self.fingerprint = fingerprint
    self.time = time
    self.since = since
    self.subjects = subjects
    self.requiredGates = requiredGates
  }
}

/// What an audit of a pack found.
public struct PackAudit: Sendable {
  /// Every check, in the order of the audit.
  public private(set) var checks: [Check]
  /// The verdict as it was derived again; nil where it could not be.
  public let verdict: Verdict?
  /// Whether the pack is accepted.
  public var outcome: Outcome { checks.outcome }

  /// Adds what was found outside of the pack, such as in the memory of earlier audits.
  public mutating func add(_ check: Check) { checks.append(check) }

  /// One line for people: the verdict, unless the audit refused a pack whose own verdict reads well.
  public var title: String {
    guard let verdict else { return "REFUSED, no verdict could be derived" }
    guard outcome != .passed, verdict.isPassed else { return verdict.title }
    return "\(verdict.profile.rawValue.uppercased()) REFUSED by its audit"
  }
}

extension Pack {
  /// Audits the pack without a network and without believing anything that it says of itself: all problems are found,
  /// not the first one only.
  public func audit(_ demand: PackDemand) -> PackAudit {
    var checks: [Check] = [
      .equal(
        "profile", "pack.profile", "what the pack is for", expected: demand.profile.rawValue,
        found: manifest.profile.rawValue, source: "documents/threat-model.md",
        hint: "a preview pack is verified with --profile preview, and is no release")
    ]
    var verdict: Verdict?
    do throws(Problem) {
      let trust = try TrustFile.verified(
        demand.trust, fingerprint: demand.fingerprint, at: demand.time, for: manifest.profile)
      checks.append(
        .passed("trust", "the auditor's trust file is valid", found: "root \(trust.rootFingerprint)", source: "P1-14"))
      let sealed = trust.judge(envelope, role: .builder, at: demand.time, for: manifest.profile)
        .prefixed("manifest: ")
      checks += sealed
      // Nothing inside a stranger's pack is looked at: what nobody trusted has signed can be made to waste time or worse.
      guard sealed.outcome == .passed else {
        let notRun = Check.notRun(
          "verdict", "signature.first", "the manifest is not signed by a trusted builder", source: "V1")
        return PackAudit(checks: checks + [notRun], verdict: nil)
      }
      checks += signatures(trust: trust, at: demand.time)
      checks += manifest.compare(with: members)
      checks += sameRoot(as: trust, at: demand.time)
      checks += ledger(trust: trust, demand)
    } catch {
      checks.append(Check("trust", error))
    }
    do throws(Problem) {
      let derived = try deriveVerdict()
      verdict = derived
      checks += compare(with: derived, at: demand.time)
      if manifest.profile == .release { checks.append(required(demand.requiredGates, by: derived)) }
    } catch {
      checks.append(Check("verdict", error))
    }
    for subject in demand.subjects { checks.append(self.subject(subject)) }
    return PackAudit(checks: checks, verdict: verdict)
  }

  /// The signatures of the manifest and of every signed document inside, by the auditor's trust at the audit's time.
  ///
  /// That the pack's own trust file accepts a policy or an exception is not enough: since then the auditor may have
  /// learned that a key is revoked.
  private func signatures(trust: TrustFile, at time: Timestamp) -> [Check] {
    var checks: [Check] = []
    let statement = Envelope.statementType
    var signed: [(name: String, role: Role, type: String)] =
      documents.keys.filter(MemberName.isRecord).sorted().map { ($0, .builder, statement) } + [
        (MemberName.signedSBOM, .builder, statement), (MemberName.provenance, .builder, statement),
        (MemberName.summary, .verifier, statement), (MemberName.result, .verifier, statement),
        (MemberName.trust, .root, TrustFile.payloadType),
      ]
    if manifest.profile == .release { signed.append((MemberName.policy, .root, ReleasePolicy.payloadType)) }
    // A list without exceptions is plain; the exceptions gate refuses one that has some and is not signed.
    if let bytes = documents[MemberName.exceptions], let envelope = try? Envelope(parsing: bytes) {
      signed.append((MemberName.exceptions, .security, envelope.payloadType))
      signed.append((MemberName.exceptions, .engineering, envelope.payloadType))
    }
    for (name, role, type) in signed {
      do throws(Problem) {
        let envelope = try Envelope(parsing: try document(name))
        guard envelope.payloadType.isExactly(type) else {
          throw .refused(
            "dsse.payload-type", "the envelope holds \(envelope.payloadType), not \(type)", source: "DSSE protocol.md")
        }
        checks += trust.judge(envelope, role: role, at: time, for: manifest.profile).prefixed("\(name): ")
      } catch {
        checks.append(Check(name, error))
      }
    }
    return checks
  }

  private func sameRoot(as trust: TrustFile, at time: Timestamp) -> [Check] {
    do throws(Problem) {
      let own = try self.trust(at: try claim().time)
      guard own.version <= trust.version else {
        throw .refused(
          "trust.rollback",
          "the pack was made with version \(own.version) of the trust file, yours is \(trust.version)",
          hint: "get the newer trust file from its owner")
      }
      return [
        .equal(
          "trust.root", "trust.root", "the root of the pack's own trust file",
          expected: trust.rootFingerprint.description, found: own.rootFingerprint.description)
      ]
    } catch {
      return [Check("trust.root", error)]
    }
  }

  /// The derived verdict against the packed one, what follows from it, and its age.
  private func compare(with derived: Verdict, at time: Timestamp) -> [Check] {
    var checks: [Check] = []
    let packed = documents[MemberName.verdict] ?? []
    checks.append(
      .equal(
        "verdict.derived", "verdict.derived", "the verdict, derived again from the evidence",
        expected: Digest(of: derived.encoded).description, found: Digest(of: packed).description,
        source: "documents/threat-model.md"))
    checks.append(
      derived.isPassed
        ? .passed("verdict.outcome", derived.title)
        : .failed(
          "verdict.outcome", "verdict.refused", derived.title, expected: "passed", found: "refused",
          hint: "see the gates: rustynet-assure evidence report"))
    checks.append(
      .equal(
        "subjects", "release.subjects", "the list of released binaries",
        expected: derived.evidence.policy.subjects.sorted().joined(separator: ", "),
        found: derived.evidence.subjects.map(\.name).sorted().joined(separator: ", ")))
    checks += decision(derived)
    checks.append(sbom())
    do throws(Problem) {
      checks.append(
        Freshness.check(
          "verdict.fresh", measured: derived.evidence.time, at: time,
          maximum: try derived.evidence.policy.limit("evidence.maximum-age-seconds")))
      try derived.evidence.policy.requireValid(at: time)
    } catch {
      checks.append(Check("policy", error))
    }
    return checks
  }

  /// The summary and the result must be what follows from the verdict; the program's digest is the signer's word.
  private func decision(_ verdict: Verdict) -> [Check] {
    func compare(_ name: String, _ make: (JSONReader) throws(Problem) -> Statement) -> Check {
      do throws(Problem) {
        let payload = try Envelope(parsing: try document(name)).payload
        let statement = try make(JSONReader(try JSON(parsing: payload)))
        return .equal(
          name, "decision.derived", "the statement, derived again from the verdict",
          expected: Digest(of: statement.json.canonical).description, found: Digest(of: payload).description)
      } catch {
        return Check(name, error)
      }
    }
    return [
      compare(MemberName.summary) { reader throws(Problem) in
        let version = try reader.member("predicate").member("verifier").member("version")
        let program = try version.member("rustynet-assure.digest").digest()
        return Decision.summary(verdict, documents: documents, program: program)
      },
      compare(MemberName.result) { _ throws(Problem) in Decision.result(verdict) },
    ]
  }

  /// The signed bill of materials is the plain one, and both are about the same binaries.
  private func sbom() -> Check {
    do throws(Problem) {
      let statement = try Statement(parsing: try Envelope(parsing: try document(MemberName.signedSBOM)).payload)
      let plain = try JSON(parsing: try document(MemberName.sbom))
      guard statement.predicateType.isExactly(PredicateType.cycloneDX) else {
        throw .refused("sbom.type", "the signed bill of materials has the type \(statement.predicateType)")
      }
      let subjects = try claim().subjects
      guard statement.subjects == subjects else {
        throw .refused("sbom.subjects", "the signed bill of materials is about other binaries than the verdict")
      }
      return .equal(
        "sbom.signed", "sbom.swapped", "the signed bill of materials",
        expected: Digest(of: statement.predicate.canonical).description, found: Digest(of: plain.canonical).description)
    } catch {
      return Check("sbom.signed", error)
    }
  }

  /// A root that signs a policy with fewer gates than a release needs has not made a release.
  private func required(_ gates: [String], by verdict: Verdict) -> Check {
    let missing = verdict.evidence.policy.missing(of: gates)
    return missing.isEmpty
      ? .passed("policy.gates", "the policy requires every gate of a release", found: "\(verdict.gates.count) gates")
      : .failed(
        "policy.gates", "policy.gates", "the policy leaves out gates of a release",
        expected: gates.joined(separator: ", "), found: "without \(missing.joined(separator: ", "))", source: "R1")
  }

  private func subject(_ file: (name: String, digests: [Digest])) -> Check {
    let subjects = (try? claim().subjects) ?? []
    let id = "subject.\(file.name)"
    let found = file.digests.first?.description ?? "nothing"
    if let subject = subjects.first(where: { $0.matches(file.digests) }) {
      return .passed(id, "this file is the released \(subject.name)", expected: found, found: found)
    }
    return .failed(
      id, "subject.digest", "this file is none of the released binaries",
      expected: subjects.map { "\($0.name) \($0.digests[0])" }.joined(separator: ", "), found: found,
      source: "in-toto Statement v1, V12", hint: "it was changed, or comes from another build")
  }
}

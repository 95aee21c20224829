public import Cryptography
public import Diagnostics
public import Wire

extension TrustFile {
  /// Judges the signatures of `envelope` by `role`: enough different principals must have signed with usable keys.
  ///
  /// Every signature is tried with every key of the role, so neither a wrong key id nor the order of the signatures
  /// changes the result; two keys of one principal count once; a signature that does not verify is listed and does
  /// not spoil a threshold that is met (V3 to V5).
  ///
  /// - Parameters:
  ///   - time: when the signatures are taken to have been made.
  ///   - profile: what the keys must be for.
  /// - Returns: a check for each signature and one for the threshold, in an order that does not depend on theirs.
  public func judge(_ envelope: Envelope, role: Role, at time: Timestamp, for profile: Profile) -> [Check] {
    judge(envelope, role: role, at: SigningTimes(time), for: profile)
  }

  /// Judges the signatures of `envelope` by `role`, each at its own time.
  public func judge(_ envelope: Envelope, role: Role, at times: SigningTimes, for profile: Profile) -> [Check] {
    guard let rule = roles[role] else {
      return [
        .failed("signature.threshold", "trust.no-role", "the trust file has no role \(role.rawValue)")
      ]
    }
    let signed = envelope.signedBytes
    var signers: Set<String> = []
    var counted: [Check] = []
    var surplus: [(id: String, problem: Problem)] = []
    for signature in envelope.signatures {
      guard let (principal, key) = signer(of: signature, over: signed) else {
        surplus.append(
          ("signature.other", .refused("signature.unknown", "a signature verifies with no trusted key")))
        continue
      }
      let id = "signature.\(principal).\(key.key.id)"
      let (time, isTrusted) = times.time(of: signature.bytes)
      do throws(Problem) {
        try key.requireUsable(at: time, for: profile)
        guard rule.principals.contains(principal) else {
          throw .refused("signature.role", "\(principal) does not act as \(role.rawValue)")
        }
        signers.insert(principal)
        let seen = isTrusted ? ", seen by a timestamp authority at \(time)" : ""
        counted.append(
          .passed(id, "a valid signature of \(principal) with \(key.key.id)\(seen)", source: "DSSE protocol.md"))
      } catch {
        surplus.append((id, error))
      }
    }
    return summary(role, rule, signers: signers, counted: counted, surplus: surplus)
  }

  /// The whole judgement: passed as soon as the threshold is met; what was not counted is listed all the same.
  private func summary(
    _ role: Role, _ rule: RoleRule, signers: Set<String>, counted: [Check], surplus: [(id: String, problem: Problem)]
  ) -> [Check] {
    let isMet = signers.count >= rule.threshold
    let others = surplus.map { id, problem in
      isMet ? Check.passed(id, "not counted: \(problem.message)") : Check(id, problem)
    }
    let listed = (counted + others).sorted { ($0.id, $0.message) < ($1.id, $1.message) }
    let expected = "\(rule.threshold) of \(rule.principals.joined(separator: ", "))"
    let found = signers.isEmpty ? "none" : signers.sorted().joined(separator: ", ")
    let source = "V5"
    let threshold: Check =
      isMet
      ? .passed(
        "signature.threshold", "the role \(role.rawValue) has signed", expected: expected, found: found, source: source)
      : .failed(
        "signature.threshold", "signature.threshold", "the role \(role.rawValue) has not signed", expected: expected,
        found: found, source: source,
        hint: "check that the trust file names the signer, and that the payload is what was signed")
    return listed + [threshold]
  }

  /// The principals of `role` who signed `envelope` with usable keys, sorted.
  public func signers(of envelope: Envelope, role: Role, at time: Timestamp, for profile: Profile) -> [String] {
    let signed = envelope.signedBytes
    let names = envelope.signatures.compactMap { signature -> String? in
      guard let (principal, key) = signer(of: signature, over: signed),
        (try? key.requireUsable(at: time, for: profile)) != nil, roles[role]?.principals.contains(principal) ?? false
      else { return nil }
      return principal
    }
    return Set(names).sorted()
  }

  /// Who made `signature`, nil where no key that we know verifies it.
  private func signer(of signature: Envelope.Signature, over bytes: [UInt8]) -> (String, TrustedKey)? {
    for principal in principals {
      for key in principal.keys where key.key.isValid(signature.bytes, over: bytes) { return (principal.name, key) }
    }
    return nil
  }

  /// Like `judge`, as one problem: the first check that failed.
  public func require(_ envelope: Envelope, role: Role, at time: Timestamp, for profile: Profile) throws(Problem) {
    for check in judge(envelope, role: role, at: time, for: profile) where check.outcome != .passed {
      throw .refused(check.code, check.message, source: check.source, hint: check.hint)
    }
  }

  /// Reads a signed trust file and judges it by its own root role, and by `fingerprint` where the reader has one.
  ///
  /// - Parameter time: now, or the time of the audit; an expired file is refused.
  public static func verified(
    _ envelope: Envelope, fingerprint: Digest?, at time: Timestamp, for profile: Profile
  ) throws(Problem) -> TrustFile {
    guard envelope.payloadType == payloadType else {
      throw .malformed("trust.payload-type", "this envelope holds no trust file but \(envelope.payloadType)")
    }
    let file = try TrustFile(parsing: envelope.payload)
    guard file.profile == profile else {
      throw .refused("trust.profile", "the trust file is for \(file.profile.rawValue), not for \(profile.rawValue)")
    }
    try file.require(envelope, role: .root, at: time, for: profile)
    guard file.issued <= time.adding(seconds: Freshness.futureTolerance) else {
      throw .refused("trust.future", "the trust file was issued at \(file.issued), after \(time)")
    }
    guard time < file.expires else {
      throw .refused("trust.expired", "the trust file expired at \(file.expires)", hint: "ask its root for a new one")
    }
    if let fingerprint, fingerprint != file.rootFingerprint {
      throw .refused(
        "trust.fingerprint", "the root of the trust file is \(file.rootFingerprint), not \(fingerprint)",
        hint: "compare the fingerprint with the one that its owner published")
    }
    return file
  }
}

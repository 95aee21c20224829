import Cryptography
public import Diagnostics
public import Wire

/// What came of judging a token: every rule with its result, and the time where all of them hold.
public struct TimestampJudgement: Sendable {
  /// One rule of RFC 3161 and what became of it.
  public struct Finding: Sendable {
    /// A stable name, such as `timestamp.imprint`.
    public let id: String
    /// What holds, or what would.
    public let message: String
    /// What was there, where it can be shown.
    public var found: String?
    /// Where the rule stands.
    public let source: String
    /// Why it does not hold; nil where it does, or where it was not judged.
    public var problem: Problem?
    /// False where an earlier rule left nothing to judge; never a pass.
    public var wasJudged = true
  }

  /// The rules in their order.
  public let findings: [Finding]
  /// The trusted time; nil unless every rule holds.
  public let time: Timestamp?
  /// The place of the authority in the caller's list that the findings are about; nil where the list was empty.
  public let authority: Int?

  /// Whether every rule holds.
  public var holds: Bool { time != nil }
}

extension TimestampToken {
  /// Judges the token over `bytes` with each of `authorities`, and answers for the one that fits best (RFC 3161 §2.3,
  /// §2.4.2; RFC 5816).
  ///
  /// What came inside the token helps as a candidate alone: for the signer's certificate where the authority does not
  /// pin one, and for certificates between it and the authority's issuing one.
  public func judge(over bytes: [UInt8], authorities: [TimestampAuthority]) -> TimestampJudgement {
    let imprint = judgeImprint(of: bytes)
    var best: (findings: [TimestampJudgement.Finding], place: Int)?
    for (place, authority) in authorities.enumerated() {
      let findings = [imprint] + judge(by: authority)
      let bad = findings.count { !$0.holds }
      if bad == 0 { return TimestampJudgement(findings: findings, time: info.time, authority: place) }
      if bad < best?.findings.count(where: { !$0.holds }) ?? .max { best = (findings, place) }
    }
    let none = TimestampJudgement.Finding(
      id: "timestamp.signer", message: "", source: "RFC 3161 §2.3",
      problem: .refused("timestamp.authority", "no timestamp authority is trusted here"))
    return TimestampJudgement(findings: best?.findings ?? [imprint, none], time: nil, authority: best?.place)
  }

  /// The trusted time of a token over `bytes`; refuses with the first rule that does not hold.
  public func requireTime(over bytes: [UInt8], authorities: [TimestampAuthority]) throws(Problem) -> Timestamp {
    let judgement = judge(over: bytes, authorities: authorities)
    if let problem = judgement.findings.lazy.compactMap(\.problem).first { throw problem }
    guard let time = judgement.time else { throw .refused("timestamp.authority", "the token could not be judged") }
    return time
  }

  private func judgeImprint(of bytes: [UInt8]) -> TimestampJudgement.Finding {
    let digest = Digest(of: bytes, info.imprint.algorithm)
    return finding(
      "timestamp.imprint", "the token is about these bytes", info.imprint.description,
      digest == info.imprint ? nil : "timestamp.imprint", "the token is about other bytes: not \(digest)",
      "RFC 3161 §2.4.2", hint: "name the very bytes that were stamped")
  }

  /// The rules that depend on the authority.
  private func judge(by authority: TimestampAuthority) -> [TimestampJudgement.Finding] {
    let embedded = certificates.compactMap { try? Certificate(der: $0) }
    // The bytes were read once without a problem.
    guard let message = try? SignedMessage(der: der) else { return [] }
    let candidates = authority.signer.map { [$0] } ?? authority.issuers.chain + embedded
    guard let signer = candidates.first(where: { message.names($0) }) else {
      let other = embedded.contains { message.names($0) }
      return [
        finding(
          "timestamp.signer", "", nil, "timestamp.signer",
          other ? "another certificate than the authority's signed" : "the certificate of the signer is not known",
          "RFC 3161 §2.3", hint: "name the authority that was asked")
      ] + TimestampToken.later
    }
    let issuers = authority.issuers.chain
    let path = [signer] + issuers.filter { $0 != signer }
    return [
      finding(
        "timestamp.signer", "the signer's certificate is known", Digest(of: signer.der).description, nil, "",
        "RFC 3161 §2.3"),
      judgeSignature(message, signer),
      finding(
        "timestamp.signing-certificate", "the signature is bound to the signer's certificate", nil,
        message.namesSigner(among: path + embedded) ? nil : "timestamp.signing-certificate",
        "the signed attribute signing-certificate is absent or names another certificate",
        "RFC 3161 §2.4.1; RFC 5816 §2.2.1"),
      judgePurpose(signer), judgeName(signer), judgeChain(signer, authority, embedded),
      judgeValidity(path), judgeAuthorityTime(authority),
    ]
  }

  /// What is not judged where the signer is not known.
  private static let later = [
    "timestamp.signature", "timestamp.signing-certificate", "timestamp.purpose", "timestamp.name", "timestamp.chain",
    "timestamp.certificate-time", "timestamp.authority-time",
  ].map { id in
    TimestampJudgement.Finding(
      id: id, message: "nothing to judge without the signer's certificate", source: "RFC 3161 §2.3", wasJudged: false)
  }

  func finding(
    _ id: String, _ message: String, _ found: String?, _ code: String?, _ why: String, _ source: String,
    hint: String? = nil
  ) -> TimestampJudgement.Finding {
    TimestampJudgement.Finding(
      id: id, message: message, found: found, source: source,
      problem: code.map { .refused($0, why, source: source, hint: hint) })
  }
}

extension TimestampJudgement.Finding {
  /// Whether the rule was judged and holds.
  public var holds: Bool { wasJudged && problem == nil }
}

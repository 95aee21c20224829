public import Wire
public import X509

/// When each signature of a document is taken to have been made: at a timestamp's time, or at the time of judgement.
///
/// A key that has expired or was revoked since does not spoil what it signed before, if somebody whom the reader trusts
/// saw the signature then (`documents/specs/timestamps.md`).
public struct SigningTimes: Sendable {
  /// The time of every signature that has no timestamp.
  public let otherwise: Timestamp
  /// The trusted times, by signature.
  public internal(set) var trusted: [[UInt8]: Timestamp] = [:]

  /// One time for all signatures.
  public init(_ time: Timestamp) { otherwise = time }

  /// The time of a signature, and whether a timestamp says so.
  func time(of signature: [UInt8]) -> (time: Timestamp, isTrusted: Bool) {
    trusted[signature].map { ($0, true) } ?? (otherwise, false)
  }

  /// Judges each of `tokens` over the one of `signatures` that it is about, and keeps the earliest time of each
  /// signature.
  ///
  /// Every token must hold: a reader who names one wants to rely on it. A time after `otherwise` is refused, as what
  /// did not exist then cannot have been known.
  public mutating func judge(
    _ tokens: [TimestampToken], over signatures: [[UInt8]], authorities: [TimestampAuthority]
  ) -> [Check] {
    var checks: [Check] = []
    for (place, token) in tokens.enumerated() {
      // Where it is about none of them, the first one shows in the report what it should have been about.
      let signature = signatures.first { token.isAbout($0) } ?? signatures.first ?? []
      let judgement = token.judge(over: signature, authorities: authorities)
      var own = judgement.checks
      if let time = judgement.time {
        own.append(future(time))
        if own.outcome == .passed { trusted[signature] = min(time, trusted[signature] ?? time) }
      }
      checks += tokens.count == 1 ? own : own.prefixed("token \(place + 1): ")
    }
    return checks
  }

  private func future(_ time: Timestamp) -> Check {
    let last = otherwise.adding(seconds: Freshness.futureTolerance)
    return time <= last
      ? .passed("timestamp.future", "the token is not from the future", found: "\(time)")
      : .failed(
        "timestamp.future", "timestamp.future", "the token was made after the time of judgement",
        expected: "at most \(last)", found: "\(time)", hint: "judge at a later time with --as-of")
  }
}

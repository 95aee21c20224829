import Diagnostics
public import X509

extension TimestampJudgement {
  /// The findings as checks, one for each rule.
  public var checks: [Check] {
    findings.map { finding in
      if !finding.wasJudged {
        return .notRun(finding.id, "timestamp.signer", finding.message, source: finding.source)
      }
      guard let problem = finding.problem else {
        return .passed(finding.id, finding.message, found: finding.found, source: finding.source)
      }
      return .failed(
        finding.id, problem.code, problem.message, found: finding.found, source: problem.source ?? finding.source,
        hint: problem.hint)
    }
  }
}

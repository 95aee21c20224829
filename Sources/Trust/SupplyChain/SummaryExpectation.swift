public import Attestation
public import Cryptography
public import Diagnostics
import StrictJSON
public import Wire

/// What a verification summary must say to be accepted (SLSA v1.1, VSA, “How to verify”).
///
/// The signature is judged before, with the keys that this verifier is known to have: signer and verifier id belong
/// together, or anyone trusted for anything could write summaries in a verifier's name.
public struct SummaryExpectation: Sendable {
  /// The verifier whose word counts.
  public var verifier: String
  /// What must have been verified: a summary of a development build says nothing of the production one.
  public var resource: String
  /// The levels and properties that must hold; at least one.
  public var levels: [String]
  /// The largest age in seconds, where one is demanded.
  public var maximumAge: Int64?
  /// The digest of the policy that must have been applied, where one is demanded.
  public var policy: Digest?

  /// An expectation.
  public init(verifier: String, resource: String, levels: [String], maximumAge: Int64? = nil, policy: Digest? = nil) {
    self.verifier = verifier
    self.resource = resource
    self.levels = levels
    self.maximumAge = maximumAge
    self.policy = policy
  }

  private static let rule = "SLSA v1.1, VSA, “How to verify”"

  /// Judges a summary from a statement whose signatures hold, as of `time`.
  public func judge(_ summary: VerificationSummary, at time: Timestamp) throws(Problem) -> [Check] {
    let found = try VerifiedLevels(summary.levels)
    var checks: [Check] = [
      .equal(
        "verifier", "vsa.verifier", "the verifier", expected: verifier, found: summary.verifier, source: Self.rule),
      .equal(
        "resource", "vsa.resource", "the resource", expected: resource, found: summary.resource, source: Self.rule,
        hint: "a summary of another resource says nothing about this one, even of the same bytes"),
      .equal(
        "result", "vsa.result", "the result", expected: "PASSED", found: summary.isPassed ? "PASSED" : "FAILED",
        source: Self.rule),
    ]
    if levels.isEmpty {
      checks.append(.notRun("levels", "vsa.no-level", "no level was demanded, so none can be judged"))
    }
    for level in levels {
      let listed = summary.levels.isEmpty ? "none" : summary.levels.joined(separator: ", ")
      checks.append(
        found.satisfies(level)
          ? .passed("level.\(level)", "the level is verified", expected: level, found: listed, source: Self.rule)
          : .failed(
            "level.\(level)", "vsa.level", "the level is not verified", expected: level, found: listed,
            source: Self.rule))
    }
    checks.append(age(summary.time, at: time))
    if let policy { checks.append(policyCheck(policy, summary.policy)) }
    return checks
  }

  /// Without a demanded age, a summary from the future is refused all the same.
  private func age(_ verified: Timestamp, at time: Timestamp) -> Check {
    let check = Freshness.check("age", measured: verified, at: time, maximum: maximumAge ?? time.seconds)
    return maximumAge == nil && check.outcome == .passed
      ? .passed("age", "no age was demanded", found: "\(verified)") : check
  }

  private func policyCheck(_ expected: Digest, _ found: VerificationSummary.Input) -> Check {
    let digests = found.digests.map(\.description).joined(separator: ", ")
    return found.digests.contains(expected)
      ? .passed("policy", "the policy is the expected one", expected: "\(expected)", found: digests, source: Self.rule)
      : .failed(
        "policy", "vsa.policy", "the policy is not the expected one", expected: "\(expected)",
        found: digests.isEmpty ? "no digest" : digests, source: Self.rule)
  }
}

/// The levels of a summary: at most one of each track of SLSA, and properties of other names.
struct VerifiedLevels {
  private var tracks: [String: Int] = [:]
  private var others: Set<String> = []

  /// Reads levels; malformed when a track or a property stands twice.
  init(_ levels: [String]) throws(Problem) {
    for level in levels {
      if let (track, number) = VerifiedLevels.split(level) {
        guard tracks.updateValue(number, forKey: track) == nil else {
          throw .malformed("vsa.duplicate-track", "the track \(track) stands twice", source: "SLSA v1.1, VSA")
        }
      } else {
        guard others.insert(level).inserted else {
          throw .malformed("vsa.duplicate-level", "the level \(level) stands twice", source: "SLSA v1.1, VSA")
        }
      }
    }
  }

  /// Whether `level` is here, or a higher one of the same track. `…_UNEVALUATED` satisfies itself only.
  func satisfies(_ level: String) -> Bool {
    guard let (track, number) = VerifiedLevels.split(level) else { return others.contains { $0.isExactly(level) } }
    return tracks[track].map { $0 >= number && (number >= 0 || $0 == number) } ?? false
  }

  /// `SLSA_BUILD_LEVEL_3` into track and number; `UNEVALUATED` is below 0. Nil for names of others.
  static func split(_ level: String) -> (track: String, number: Int)? {
    let parts = level.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0] == "SLSA", parts[parts.count - 2] == "LEVEL" else { return nil }
    let track = parts[1..<(parts.count - 2)].joined(separator: "_")
    guard track.utf8.allSatisfy({ (0x41...0x5a).contains($0) || $0 == 0x5f }), let last = parts.last else { return nil }
    if last == "UNEVALUATED" { return (track, -1) }
    guard last.utf8.count == 1, let digit = last.utf8.first, (0x30...0x39).contains(digit) else { return nil }
    return (track, Int(digit) - 0x30)
  }
}

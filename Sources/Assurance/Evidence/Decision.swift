public import Attestation
public import Cryptography
public import Gates
import StrictJSON

/// A verdict in the words of others: a SLSA verification summary and an in-toto simple verification result.
///
/// Both are functions of the verdict, the documents and the digest of the verifier's program, so a reader of the pack
/// derives them again and compares.
public enum Decision {
  /// Who decides; the digest of the program stands beside it in the summary.
  public static let verifier = "urn:rustynet:verifier:rustynet-assure:v1"
  /// What is decided about.
  public static let resource = "pkg:generic/rustynet"

  /// The verification summary over `verdict`.
  public static func summary(_ verdict: Verdict, documents: [String: [UInt8]], program: Digest) -> Statement {
    let inputs = documents.keys.filter {
      MemberName.isLogged($0) && $0 != MemberName.summary && $0 != MemberName.result
    }
    .sorted().compactMap { name in
      documents[name].map { VerificationSummary.Input(uri: name, digest: Digest(of: $0)) }
    }
    let predicate = VerificationSummary(
      verifier: verifier, program: program, time: verdict.evidence.time, resource: resource, policy: policy(verdict),
      inputs: inputs, isPassed: verdict.isPassed, levels: ["RUSTYNET_\(verdict.profile.rawValue.uppercased())"])
    return Statement(
      subjects: verdict.evidence.subjects, predicateType: PredicateType.verificationSummary, predicate: predicate.json)
  }

  /// The properties that hold: one for each gate that passed.
  public static func result(_ verdict: Verdict) -> Statement {
    let properties = verdict.gates.filter { $0.outcome == .passed }.map {
      "RUSTYNET_GATE_" + $0.id.uppercased().replacing("-", with: "_")
    }
    let predicate = SimpleVerificationResult(
      verifier: verifier, time: verdict.evidence.time, policy: policy(verdict), properties: properties)
    return Statement(
      subjects: verdict.evidence.subjects, predicateType: PredicateType.simpleVerificationResult,
      predicate: predicate.json)
  }

  private static func policy(_ verdict: Verdict) -> VerificationSummary.Input {
    VerificationSummary.Input(uri: MemberName.policy, digest: verdict.evidence.policy.digest)
  }
}

public import Attestation
public import Provenance
import StrictJSON

/// What a release policy says of a provenance, wherever it came from.
public enum ProvenanceRules {
  /// What the signer may assert at all (V25).
  public static func judge(_ document: ProvenanceDocument, policy: ReleasePolicy) -> [Check] {
    func listed(_ id: String, _ what: String, _ found: String?, _ allowed: [String]) -> Check {
      let expected = allowed.joined(separator: " or ")
      guard let found, allowed.contains(where: { $0.isExactly(found) }) else {
        return .failed(
          id, "provenance.\(id)", "the policy does not accept \(what)", expected: expected, found: found ?? "nothing",
          source: "SLSA v1.0, “Verifying artifacts”")
      }
      return .passed(id, "the policy accepts \(what)", expected: expected, found: found)
    }
    var checks = [
      listed("builder", "the builder", document.builder, policy.builders),
      listed("build-type", "the build type", document.buildType, policy.buildTypes),
      listed("source", "the source", document.sourceAddress, policy.sources),
    ]
    for name in document.unknownExternalParameters {
      checks.append(
        .failed(
          "parameters", "provenance.unknown-parameter", "an external parameter is not known", found: name,
          source: "SLSA v1.0, “Verifying artifacts”, step 3"))
    }
    checks.append(
      document.command.isEmpty
        ? .failed("command", "provenance.command", "the build command is missing")
        : .passed("command", "the build command is stated", found: document.command.joined(separator: " ")))
    return checks
  }
}

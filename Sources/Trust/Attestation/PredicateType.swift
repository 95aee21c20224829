/// The predicates that we write and read, by their exact type.
public enum PredicateType {
  /// SLSA provenance v1.
  public static let provenance = "https://slsa.dev/provenance/v1"
  /// SLSA verification summary v1.
  public static let verificationSummary = "https://slsa.dev/verification_summary/v1"
  /// in-toto simple verification result v0.2.
  public static let simpleVerificationResult = "https://in-toto.io/attestation/svr/v0.2"
  /// in-toto test result v0.1.
  public static let testResult = "https://in-toto.io/attestation/test-result/v0.1"
  /// CycloneDX bill of materials.
  public static let cycloneDX = "https://cyclonedx.org/bom"
  /// A record of a measurement, see `documents/specs/record.md`.
  public static let record = "urn:rustynet:record:v1"

  /// Short names for the command line.
  public static let aliases: [(name: String, type: String)] = [
    ("slsaprovenance1", provenance), ("vsa", verificationSummary), ("svr", simpleVerificationResult),
    ("test-result", testResult), ("cyclonedx", cycloneDX), ("record", record),
  ]

  /// The type that `text` names: a short name, or a URI as it stands.
  public static func named(_ text: String) -> String { aliases.first { $0.name == text }?.type ?? text }
}

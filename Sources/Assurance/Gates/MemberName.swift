/// Names of the documents of a release: the same in the evidence folder, in the ledger and in the pack.
public enum MemberName {
  /// The trust file of the release, an envelope.
  public static let trust = "trust.json"
  /// The release policy: an envelope, or the pinned plain document of the preview profile.
  public static let policy = "policy.json"
  /// The bill of materials.
  public static let sbom = "sbom.cdx.json"
  /// The bill of materials as the predicate of a signed Statement.
  public static let signedSBOM = "sbom.dsse.json"
  /// The signed provenance.
  public static let provenance = "provenance.json"
  /// The exceptions for dependencies.
  public static let exceptions = "dependency-exceptions.json"
  /// The verdict.
  public static let verdict = "verdict.json"
  /// The signed verification summary.
  public static let summary = "vsa.json"
  /// The signed simple verification result.
  public static let result = "svr.json"
  /// The signed checkpoint of the ledger.
  public static let checkpoint = "ledger/checkpoint"
  /// The hashes of all leaves of the ledger, 32 bytes each, for consistency proofs from any earlier checkpoint.
  public static let leaves = "ledger/leaves"

  /// The record of the build.
  public static let buildRecord = "records/build.json"
  /// The record of the fast tests, which is made before the release.
  public static let testsRecord = "records/tests.json"
  /// How the names of the records of conformance runs begin, which are made before the release too.
  public static let conformancePrefix = "conformance-"

  /// The members that stand in no folder.
  public static let topLevel = [trust, policy, sbom, signedSBOM, provenance, exceptions, verdict, summary, result]

  /// Where the record of a gate stands.
  public static func record(ofGate id: String) -> String { "records/gates/\(id).json" }
  /// Where the definition of a gate stands.
  public static func gate(_ id: String) -> String { "gates/\(id).yaml" }
  /// Where the inclusion proof of a document stands.
  public static func proof(of name: String) -> String { "ledger/proofs/\(name).tlog-proof" }

  /// Whether a document is a record of a measurement.
  public static func isRecord(_ name: String) -> Bool { name.hasPrefix("records/") }
  /// Whether a document is entered into the ledger: everything signed, and the verdict.
  public static func isLogged(_ name: String) -> Bool {
    isRecord(name)
      || [trust, policy, signedSBOM, provenance, exceptions, verdict, summary, result].contains(name)
  }
}

public import Cryptography
import Diagnostics
import StrictJSON

/// What the ledger keeps of a document: its name in the pack and its digest. The document itself is in the pack.
public struct LedgerEntry: Sendable, Equatable {
  static let type = "rustynet-ledger-entry/v1"

  /// The name of the document.
  public let name: String
  /// Its digest.
  public let digest: Digest

  /// The entry of a document.
  public init(name: String, document: [UInt8]) {
    self.name = name
    digest = Digest(of: document)
  }

  /// The bytes that are appended to the ledger.
  public var encoded: [UInt8] {
    let json: JSON = [
      "type": .string(LedgerEntry.type), "name": .string(name), "digest": .string(digest.description),
    ]
    return json.canonical
  }
}

/// Names of the members of a pack.
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

  /// The members that stand in no folder.
  static let topLevel = [trust, policy, sbom, signedSBOM, provenance, exceptions, verdict, summary, result]

  /// Where the definition of a gate stands.
  public static func gate(_ id: String) -> String { "gates/\(id).yaml" }
  /// Where the inclusion proof of a document stands.
  public static func proof(of name: String) -> String { "ledger/proofs/\(name).tlog-proof" }

  /// Whether a document is entered into the ledger: everything signed, and the verdict.
  public static func isLogged(_ name: String) -> Bool {
    name.hasPrefix("records/")
      || [trust, policy, signedSBOM, provenance, exceptions, verdict, summary, result].contains(name)
  }
}

import Attestation
public import Diagnostics
import StrictJSON
import Wire
import X509

/// An attestation of the Python package index (PEP 740, "Attestation objects"): a Sigstore bundle in other clothes.
public struct PyPIAttestation: Sendable {
  /// The predicates that the index accepts (docs.pypi.org, "Attestations").
  public static let predicateTypes = ["https://docs.pypi.org/attestations/publish/v1", PredicateType.provenance]

  /// What it says, as a bundle.
  public let bundle: SigstoreBundle

  /// Reads one attestation object, or all of a provenance object (PEP 740, "Provenance objects").
  public static func list(parsing bytes: [UInt8]) throws(Problem) -> [PyPIAttestation] {
    try JSON.decode(bytes, limits: SigstoreBundle.limits) { reader throws(Problem) in
      guard let bundles = try reader.optional("attestation_bundles") else { return [try PyPIAttestation(reader)] }
      try requireVersion(reader)
      var attestations: [PyPIAttestation] = []
      for bundle in try bundles.elements(atMost: 32) {
        for one in try bundle.member("attestations").elements(atMost: 32) {
          attestations.append(try PyPIAttestation(one))
        }
      }
      guard !attestations.isEmpty else {
        throw reader.problem("pep740.empty", "there is no attestation", source: "PEP 740")
      }
      return attestations
    }
  }

  private static func requireVersion(_ reader: JSONReader) throws(Problem) {
    guard try reader.member("version").integer() == 1 else {
      throw reader.problem("pep740.version", "only version 1 is known", source: "PEP 740")
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try PyPIAttestation.requireVersion(reader)
    let material = try reader.member("verification_material")
    let der = try material.member("certificate").bytes(atMost: Certificate.sizeLimit)
    let certificate: Certificate
    do { certificate = try Certificate(der: der) } catch { throw material.located(error) }
    var entries: [LogEntry] = []
    for entry in try material.member("transparency_entries").elements(atMost: 32) {
      entries.append(try LogEntry(entry, .v03))
    }
    let envelope = try reader.member("envelope")
    let payload = try envelope.member("statement").bytes(atMost: 16 << 20)
    let signature = try envelope.member("signature").bytes(atMost: 16_384)
    bundle = SigstoreBundle(
      version: .v03, material: .certificate(certificate, others: []), entries: entries,
      content: .envelope(
        Envelope(
          payloadType: Envelope.statementType, payload: payload, signatures: [Envelope.Signature(bytes: signature)])))
  }
}

extension SigstoreVerifier {
  /// Judges an attestation about the distribution `name`: as a bundle, and by the index's own rules.
  ///
  /// - Parameter name: the file name under which the distribution was published; the subject must have it.
  public func judge(
    _ attestation: PyPIAttestation, artifact: SignedArtifact, name: String, signer: Signer
  ) -> Judgement {
    var judgement = judge(attestation.bundle, artifact: artifact, signer: signer)
    guard let statement = judgement.statement else { return judgement }
    let source = "PEP 740, “Attestation objects”"
    judgement.checks.append(
      .equal(
        "pep740.name", "pep740.name", "the name of the only subject", expected: name,
        found: statement.subjects.count == 1 ? statement.subjects[0].name : "\(statement.subjects.count) subjects",
        source: source))
    judgement.checks.append(
      PyPIAttestation.predicateTypes.contains { $0.isExactly(statement.predicateType) }
        ? .passed("pep740.predicate", "the index knows this predicate", found: statement.predicateType, source: source)
        : .failed(
          "pep740.predicate", "pep740.predicate", "the index does not know this predicate",
          expected: PyPIAttestation.predicateTypes.joined(separator: " or "), found: statement.predicateType,
          source: source))
    return judgement
  }
}

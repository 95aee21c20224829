public import Attestation
import Cryptography
public import Diagnostics
import StrictJSON
import X509

/// The certificate that the SLSA generator writes beside the signature of a bare envelope, as `cert`.
///
/// It says who signed, and nothing says when: without a log entry or a timestamp nobody knows whether the certificate,
/// which lives for minutes, was valid then. So nothing of it is proved, and it can only explain.
public struct BareCertificate: Sendable {
  /// Whether the signature verifies with the certificate's key.
  public let signature: Check
  /// Whom the certificate names.
  public let identity: SignerIdentity

  /// The first certificate in the signatures of `document`, which is the one that `envelope` was read from; nil where
  /// there is none.
  public init?(document bytes: [UInt8], of envelope: Envelope) throws(Problem) {
    let document = JSONReader(try JSON(parsing: bytes, limits: Envelope.limits))
    var found: (pem: String, index: Int)?
    for (index, entry) in try document.member("signatures").elements(atMost: Envelope.signatureLimit).enumerated() {
      if found == nil, let pem = try entry.optional("cert")?.text(), !pem.isEmpty { found = (pem, index) }
    }
    guard let found else { return nil }
    let certificate = try Certificate.pem(found.pem)[0]
    identity = try FulcioCertificate.identity(certificate)
    let isValid = certificate.publicKey.isValid(
      envelope.signatures[found.index].bytes, over: envelope.signedBytes, .usual(for: certificate.publicKey.kind))
    signature =
      isValid
      ? .passed("signature", "the signature verifies with the certificate beside it", found: identity.name)
      : .failed(
        "signature", "signature.invalid", "the signature does not verify with the certificate beside it",
        found: identity.name, source: "DSSE protocol.md")
  }
}

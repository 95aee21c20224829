import Attestation
import Cryptography
import Diagnostics
import Sigstore
import Wire
import X509

/// Bundles, trusted roots and the documents of registries: whatever parses is judged too, because the body of a log's
/// entry, its checkpoint and a certificate's extensions are read only then.
func bundle(_ bytes: [UInt8]) {
  _ = try? TrustedRoot(parsing: bytes)
  let artifact = SignedArtifact(name: "a", digests: [Digest(of: [0])]) { () throws(Problem) in [0] }
  guard let root = try? TrustedRoot.Instance.production.root() else { fatalError("the compiled root does not parse") }
  let verifier = SigstoreVerifier(root: root)
  if let bundle = try? SigstoreBundle(parsing: bytes) {
    let judgement = verifier.judge(bundle, artifact: artifact, signer: .judgedByCaller)
    precondition(judgement.checks.outcome != .passed, "a bundle of the fuzzer verifies")
  }
  if let list = try? PyPIAttestation.list(parsing: bytes) {
    for one in list { _ = verifier.judge(one, artifact: artifact, name: "a", signer: .judgedByCaller) }
  }
  if let list = try? NPMAttestations(parsing: bytes), let keys = try? NPMRegistry.keys() {
    _ = list.judge(by: verifier, artifact: artifact, registryKeys: keys, signer: .judgedByCaller)
  }
}

/// Certificates in DER, and what stands in PEM blocks.
func certificate(_ bytes: [UInt8]) {
  certificate(der: bytes)
  let blocks = try? PEM.blocks(bytes, labels: ["CERTIFICATE", "PUBLIC KEY"], atMost: 4) { .malformed("fuzz.pem", $0) }
  guard let blocks else { return }
  precondition((1...4).contains(blocks.count), "there are more or fewer blocks than asked for")
  for block in blocks {
    certificate(der: block.bytes)
    _ = try? ForeignPublicKey(spki: block.bytes)
  }
}

/// A certificate that parses has the encoding that it was read from, and no extension makes it crash.
private func certificate(der bytes: [UInt8]) {
  _ = try? DER.elements(bytes)
  guard let certificate = try? Certificate(der: bytes) else { return }
  precondition(certificate.der == bytes, "a certificate has two spellings")
  _ = try? certificate.alternativeNames()
  _ = try? certificate.extendedKeyUsages()
  _ = try? certificate.allowsDigitalSignature()
  _ = try? certificate.precertificate()
  _ = try? CertificateAuthority(chain: [certificate], validFrom: certificate.notBefore, validUntil: nil)
    .issuer(of: certificate, at: certificate.notBefore)
}

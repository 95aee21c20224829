/// What a file is, among the things that people meet when they are asked to verify something.
///
/// The raw value is the stable name; `name` and `rules` are for people.
public enum ForeignKind: String, Sendable, CaseIterable {
  case sshsig
  case minisign
  case detached
  case sigstoreBundle = "sigstore-bundle"
  case npmAttestations = "npm-attestations"
  case pep740Attestation = "pep740-attestation"
  case pep740Provenance = "pep740-provenance"
  case provenance = "slsa-provenance"
  case verificationSummary = "slsa-vsa"
  case attestation = "dsse-attestation"
  case layout = "in-toto-layout"
  case link = "in-toto-link"
  case timestampResponse = "timestamp-response"
  case timestampToken = "timestamp-token"
  case evidencePack = "evidence-pack"
  case trustFile = "trust-file"
  case cycloneDX = "cyclonedx"
  case spdx
  case openPGP = "openpgp"
  case signify

  /// The kind for people, with its article.
  public var name: String {
    switch self {
    case .sshsig: "an SSH signature"
    case .minisign: "a minisign signature"
    case .detached: "a bare signature, as OpenSSL writes it"
    case .sigstoreBundle: "a Sigstore bundle"
    case .npmAttestations: "a list of npm attestations"
    case .pep740Attestation: "a PyPI attestation"
    case .pep740Provenance: "PyPI provenance"
    case .provenance: "SLSA provenance in a DSSE envelope"
    case .verificationSummary: "a SLSA verification summary in a DSSE envelope"
    case .attestation: "a DSSE envelope"
    case .layout: "an in-toto layout"
    case .link: "an in-toto link"
    case .timestampResponse: "a response of a timestamp authority"
    case .timestampToken: "a CMS structure, such as a timestamp token"
    case .evidencePack: "an evidence pack"
    case .trustFile: "a document of a trust root of ours"
    case .cycloneDX: "a CycloneDX bill of materials"
    case .spdx: "an SPDX document"
    case .openPGP: "an OpenPGP signature"
    case .signify: "a signify signature or key"
    }
  }

  /// Which rules decide about a file of this kind.
  public var rules: String {
    switch self {
    case .sshsig: "OpenSSH PROTOCOL.sshsig; ssh-keygen(1), ALLOWED SIGNERS"
    case .minisign: "minisign(1), signature format"
    case .detached: "openssl-dgst(1), openssl-pkeyutl(1); RFC 8017, FIPS 186-5, RFC 8032"
    case .sigstoreBundle: "Sigstore protobuf-specs, bundle; RFC 5280, RFC 6962, RFC 3161"
    case .npmAttestations: "npm attestations; Sigstore bundle; in-toto Statement"
    case .pep740Attestation, .pep740Provenance: "PEP 740; Sigstore bundle"
    case .provenance: "SLSA provenance v0.2 and v1; in-toto Statement; DSSE 1.0"
    case .verificationSummary: "SLSA verification summary v1; in-toto Statement v1; DSSE 1.0"
    case .attestation: "DSSE 1.0; in-toto Statement; documents/specs/trust.md"
    case .layout, .link: "in-toto specification 1.0, 4.3 and 4.4"
    case .timestampResponse, .timestampToken: "RFC 3161; RFC 5652"
    case .evidencePack: "documents/specs/evidence-pack.md"
    case .trustFile: "documents/specs/trust.md"
    case .cycloneDX, .spdx: "none: a bill of materials without an envelope is not signed"
    case .openPGP: "RFC 9580"
    case .signify: "signify(1)"
    }
  }
}

import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON

/// `rustynet-assure verify npm`.
struct VerifyNPM: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "npm", abstract: "Verify what the npm registry says about a package.",
    discussion: """
      Both attestations must hold: the registry's own, by its key, and the provenance, by the signer that is named here.

      Example: rustynet-assure verify npm --attestations pkg.tgz.json --certificate-identity URI \
      --certificate-oidc-issuer https://token.actions.githubusercontent.com pkg.tgz
      """)

  @Option(help: "The registry's answer: a JSON document with a list of attestations.") var attestations: String
  @Option(help: "The registry's public key as PEM (default: those of the public registry, compiled in).")
  var registryKey: String?
  @OptionGroup var signer: SignerIdentityOptions
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "The package (.tgz), or its digest such as sha512:HEX.") var package: String

  func run() throws {
    try format.answer(about: attestations) { () throws(Problem) -> Answer in
      let expected = try signer.required()
      let keys =
        if let registryKey { [NPMRegistry.Key(try Input.foreignKey(registryKey))] } else { try NPMRegistry.keys() }
      let verifier = SigstoreVerifier(root: try trusted.root())
      let parsed = try Input.parsed(attestations, limit: SigstoreBundle.limits.size) { bytes throws(Problem) in
        try NPMAttestations(parsing: bytes)
      }
      let hashes = parsed.list.reduce(into: Set<HashAlgorithm>()) { $0.formUnion($1.bundle.hashes) }
      let artifact = try Input.artifact(package, hashes: hashes)
      let (checks, provenance) = parsed.judge(
        by: verifier, artifact: artifact, registryKeys: keys, signer: expected)
      let claims = try signer.checks(provenance?.signer).prefixed("provenance.")
      return Answer(
        "\(attestations) for \(package)", place: attestations, checks + claims, facts: provenance?.facts ?? [])
    }
  }
}

/// `rustynet-assure verify pep740`.
struct VerifyPEP740: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pep740", abstract: "Verify an attestation of the Python package index.",
    discussion: """
      The file holds one attestation, or the provenance of a release, of which every attestation must hold. The
      distribution must have the name under which it was published.

      Example: rustynet-assure verify pep740 --attestation pkg-1.0.tar.gz.publish.attestation \
      --certificate-identity URI --certificate-oidc-issuer https://token.actions.githubusercontent.com pkg-1.0.tar.gz
      """)

  @Option(help: "The attestation, or the provenance.") var attestation: String
  @Option(help: "The distribution's file name, where a digest is given instead of the file.") var name: String?
  @OptionGroup var signer: SignerIdentityOptions
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "The distribution, or its digest such as sha256:HEX.") var distribution: String

  func run() throws {
    try format.answer(about: attestation) { () throws(Problem) -> Answer in
      let expected = try signer.required()
      let verifier = SigstoreVerifier(root: try trusted.root())
      let list = try Input.parsed(attestation, limit: SigstoreBundle.limits.size) { bytes throws(Problem) in
        try PyPIAttestation.list(parsing: bytes)
      }
      let hashes = list.reduce(into: Set<HashAlgorithm>()) { $0.formUnion($1.bundle.hashes) }
      let artifact = try Input.artifact(distribution, hashes: hashes)
      var checks: [Check] = []
      var facts: [(String, JSON)] = []
      for (number, one) in list.enumerated() {
        let judgement = verifier.judge(
          one, artifact: artifact, name: name ?? Path.name(of: distribution), signer: expected)
        let all = judgement.checks + (try signer.checks(judgement.signer))
        checks += list.count == 1 ? all : all.prefixed("\(number + 1).")
        facts = judgement.facts
      }
      return Answer("\(attestation) for \(distribution)", place: attestation, checks, facts: facts)
    }
  }
}

import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import Wire

/// The trusted root that a verb judges Sigstore bundles by.
struct TrustedRootOptions: ParsableArguments {
  @Option(help: "A Sigstore trusted root (default: that of the public instance, compiled in).")
  var trustedRoot: String?
  @Flag(help: "Trust the public staging instance, which is for tests.") var staging = false

  func root() throws(Problem) -> TrustedRoot {
    guard let trustedRoot else { return try (staging ? TrustedRoot.Instance.staging : .production).root() }
    guard !staging else { throw .usage("usage.trusted-root", "give --trusted-root or --staging, not both") }
    do {
      return try TrustedRoot(parsing: try FileSystem.read(trustedRoot, limit: TrustedRoot.limits.size))
    } catch { throw error.at(trustedRoot) }
  }
}

/// `rustynet-assure verify bundle`.
struct VerifyBundle: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle", abstract: "Verify a Sigstore bundle about a file.",
    discussion: """
      The answer is computed from the bundle, the file and the trusted root alone: no network, and not today's date.

      Example: rustynet-assure verify bundle --bundle app.sigstore.json --certificate-identity me@example.org \
      --certificate-oidc-issuer https://accounts.google.com app
      """)

  @Option(help: "The bundle.") var bundle: String
  @OptionGroup var signer: SignerIdentityOptions
  @Option(help: "The public key (PEM) that must have signed, where there is no certificate.") var key: String?
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "A file, or a digest such as sha256:HEX.") var artifact: String

  func run() throws {
    try format.answer(about: bundle) { () throws(Problem) -> Answer in
      let expected = try signer.or(key: key)
      _ = try signer.claims()
      let verifier = SigstoreVerifier(root: try trusted.root())
      let parsed = try Input.parsed(bundle, limit: SigstoreBundle.limits.size) { bytes throws(Problem) in
        try SigstoreBundle(parsing: bytes)
      }
      let artifact = try Input.artifact(artifact, hashes: parsed.hashes)
      let judgement = verifier.judge(parsed, artifact: artifact, signer: expected)
      let checks = judgement.checks + (try signer.checks(judgement.signer))
      return Answer("\(bundle) for \(artifact.name)", place: bundle, checks, facts: judgement.facts)
    }
  }
}

/// Whom a certificate must name.
struct SignerIdentityOptions: ParsableArguments {
  @Option(help: "Whom the certificate must name: an e-mail address or a URI, exactly.")
  var certificateIdentity: String?
  @Option(help: "Who must have vouched for the identity, exactly.") var certificateOidcIssuer: String?
  @Option(
    help: ArgumentHelp(
      "What else the certificate must say, as NAME=VALUE; may be repeated.",
      discussion: "Names: \(SignerIdentity.Claims.names.joined(separator: ", "))."))
  var certificateClaim: [String] = []

  static let wrong = Problem.usage(
    "usage.signer", "say who must have signed",
    hint: "--certificate-identity with --certificate-oidc-issuer, or --key where the verb has it")

  var isEmpty: Bool { certificateIdentity == nil && certificateOidcIssuer == nil && certificateClaim.isEmpty }

  /// The demanded claims; a name that no certificate has is wrong usage, and not a demand that nothing meets.
  func claims() throws(Problem) -> [(name: String, value: String)] {
    var claims: [(name: String, value: String)] = []
    for text in certificateClaim {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, SignerIdentity.Claims.names.contains(where: { $0.isExactly(parts[0]) }) else {
        throw .usage(
          "usage.claim", "“\(text)” is no claim of a certificate",
          hint: "NAME=VALUE with \(SignerIdentity.Claims.names.joined(separator: ", "))")
      }
      claims.append((parts[0], parts[1]))
    }
    return claims
  }

  /// One check for each demanded claim.
  func checks(_ signer: SignerIdentity?) throws(Problem) -> [Check] {
    try claims().map { name, value in
      guard let found = signer?.claims.claim(named: name) ?? nil else {
        return .failed(
          "identity.\(name)", "identity.claim", "the certificate does not say this", expected: value,
          source: "sigstore/fulcio, oid-info.md")
      }
      return .equal(
        "identity.\(name)", "identity.claim", "what the certificate says", expected: value, found: found,
        source: "sigstore/fulcio, oid-info.md")
    }
  }

  func required() throws(Problem) -> SigstoreVerifier.Signer {
    guard let certificateIdentity, let certificateOidcIssuer else { throw SignerIdentityOptions.wrong }
    return .identity(name: certificateIdentity, issuer: certificateOidcIssuer)
  }
}

extension Input {
  /// A public key in a PEM file.
  static func foreignKey(_ path: String) throws(Problem) -> ForeignPublicKey {
    try parsed(path, limit: 16_384) { bytes throws(Problem) in
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .malformed("key.pem", "this is not a PEM file", source: "RFC 7468 §13")
      }
      return try ForeignPublicKey(pem: text)
    }
  }

  /// A file with its digests, read once for all of them, or a digest.
  static func artifact(
    _ text: String, hashes: Set<HashAlgorithm> = Set(HashAlgorithm.allCases)
  ) throws(Problem) -> SignedArtifact {
    do {
      if let digest = try digest(text) { return SignedArtifact(name: text, digests: [digest]) }
    } catch { throw error.at(text) }
    var sha256 = HashFunction(.sha256)
    var sha384 = HashFunction(.sha384)
    var sha512 = HashFunction(.sha512)
    try FileSystem.open(text, links: .followed).forEachChunk { chunk throws(Problem) in
      if hashes.contains(.sha256) { sha256.update(chunk) }
      if hashes.contains(.sha384) { sha384.update(chunk) }
      if hashes.contains(.sha512) { sha512.update(chunk) }
    }
    let digests = [sha256.finish(), sha384.finish(), sha512.finish()].filter { hashes.contains($0.algorithm) }
    return SignedArtifact(name: text, digests: digests) { () throws(Problem) in
      try FileSystem.read(text, limit: 1 << 30)
    }
  }
}

extension SigstoreVerifier.Judgement {
  /// What machines want to know besides the checks.
  var facts: [(String, JSON)] {
    var facts: [(String, JSON)] = [("times", .array(Set(times).sorted().map { .string($0.description) }))]
    if let signer {
      facts.append(("signer", ["name": .string(signer.name), "issuer": .string(signer.issuer)]))
    }
    if let statement { facts.append(("predicateType", .string(statement.predicateType))) }
    return facts
  }
}

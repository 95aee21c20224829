import ArgumentParser
import Attestation
import Diagnostics
import ForeignSignatures
import LinuxKit
import StrictJSON

/// `rustynet-assure verify auto`.
struct VerifyAuto: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "auto", abstract: "Recognise what a file is, and verify it by the rules of its kind.",
    discussion: """
      The content decides what the file is, not its name. Without the options that the kind needs it says which they
      are, and ends with 64: who may sign is never guessed.

      A Sigstore bundle with --builder-id and --source-uri is judged as SLSA provenance. For an in-toto layout ARTIFACT
      is the folder of the final products.

      Example: rustynet-assure verify auto notes.minisig --public-key minisign.pub notes
      """)

  @Argument(help: "The signature or attestation.") var signature: String
  @Argument(help: "The file that it is about, or its digest where the kind allows one; for a layout, a folder.")
  var artifact: String
  @OptionGroup var options: AutoOptions
  @OptionGroup var format: AnswerOptions

  func run() async throws {
    let found: Recognised
    do throws(Problem) {
      found = try Input.parsed(signature, limit: Recognised.sizeLimit) { bytes throws(Problem) in
        try Recognised(bytes)
      }
    } catch {
      return try format.answer(about: signature) { () throws(Problem) -> Answer in throw error }
    }
    let routes = AutoRoute.all.filter { $0.kind == found.kind }
    guard !routes.isEmpty else { return try unrouted(found) }
    let route = try AutoRoute.choose(routes, of: found.kind, for: signature, options: options)
    let arguments = route.arguments(signature: signature, artifact: artifact, options: options, format: format)
    let named = found.detail.map { " (\($0))" } ?? ""
    let facts: [(name: String, value: JSON)] = [
      ("kind", .string(found.kind.rawValue)), ("rules", .string(found.kind.rules)),
    ]
    try await AnswerContext.$facts.withValue(facts) {
      try await AnswerContext.$lines.withValue([
        "\(signature) is \(found.kind.name)\(named)", "by the rules of \(found.kind.rules)",
      ]) {
        var command = try route.verb.parseAsRoot(arguments)
        if var asynchronous = command as? any AsyncParsableCommand {
          try await asynchronous.run()
        } else {
          try command.run()
        }
      }
    }
  }

  /// A kind that is known and has no verb: nothing was verified, so nothing passes.
  private func unrouted(_ found: Recognised) throws {
    let check = Check.notRun(
      "kind", "auto.no-verb", "this is \(found.kind.name), for which there is no verb", source: found.kind.rules,
      hint: AutoRoute.hints[found.kind])
    var answer = Answer(
      "\(signature): nothing was verified", place: signature, [check],
      facts: [("kind", .string(found.kind.rawValue)), ("rules", .string(found.kind.rules))])
    answer.exitCode = .refused
    try format.finish(answer)
  }
}

/// What the verbs behind `verify auto` ask for; each has the meaning that it has there.
struct AutoOptions: ParsableArguments {
  @Option(help: "SSH: who may sign.") var allowedSigners: String?
  @Option(help: "SSH: who must have signed.") var identity: String?
  @Option(help: "SSH: what the signature must be for.") var namespace: String?
  @Option(help: "minisign: the public key.") var publicKey: String?
  @Option(help: "OpenSSL, bundles, provenance, summaries: the public key as PEM.") var key: String?
  @Option(help: "OpenSSL: how the signature was made.") var algorithm: String?
  @Option(help: "Envelopes, packs, provenance, summaries: the trust file.") var trust: String?
  @Option(help: "The fingerprint of the trust file's root.") var trustFingerprint: String?
  @Option(help: "Envelopes: the type that the predicate must have.") var predicateType: String?
  @Option(help: "Envelopes: the role that must have signed.") var role: String?
  @Option(help: "Envelopes, packs: the profile.") var profile: String?
  @Option(help: "Bundles, npm, PEP 740: whom the certificate must name.") var certificateIdentity: String?
  @Option(help: "Bundles, npm, PEP 740, provenance: who must have vouched for it.") var certificateOidcIssuer: String?
  @Option(help: "Bundles, npm, PEP 740: NAME=VALUE that the certificate must say; may be repeated.")
  var certificateClaim: [String] = []
  @Option(help: "Bundles, npm, PEP 740, provenance: a Sigstore trusted root.") var trustedRoot: String?
  @Option(help: "Provenance: the builder.") var builderId: String?
  @Option(help: "Provenance: the repository.") var sourceUri: String?
  @Option(help: "Provenance: the tag that must have been built.") var sourceTag: String?
  @Option(help: "Provenance: the branch that must have been built.") var sourceBranch: String?
  @Option(help: "Provenance: the commit that must have been built.") var sourceCommit: String?
  @Option(help: "Provenance: a build type to accept; may be repeated.") var buildType: [String] = []
  @Option(help: "Provenance: a table of signers and builders.") var builders: String?
  @Option(help: "Summaries: the id of the verifier.") var verifierId: String?
  @Option(help: "Summaries: the URI of what must have been verified.") var resourceUri: String?
  @Option(help: "Summaries: a level that must be verified; may be repeated.") var level: [String] = []
  @Option(help: "Summaries: the largest age, such as 30d.") var maxAge: String?
  @Option(help: "Summaries: the digest of the policy.") var policyDigest: String?
  @Option(help: "Layouts: a public key that must have signed; may be repeated.") var layoutKey: [String] = []
  @Option(help: "Layouts: the folder with the links.") var links: String?
  @Option(help: "Layouts: NAME=VALUE for a parameter; may be repeated.") var parameter: [String] = []
  @Option(help: "Timestamps: the chain of a trusted authority; may be repeated.") var authority: [String] = []
  @Option(help: "Timestamps: the request that was sent.") var request: String?
  @Option(help: "Judge as of this time (default: now).") var asOf: String?

  /// The options that were given, by their names.
  var given: [(name: String, value: String)] {
    let single: [(String, String?)] = [
      ("--allowed-signers", allowedSigners), ("--identity", identity), ("--namespace", namespace),
      ("--public-key", publicKey), ("--key", key), ("--algorithm", algorithm), ("--trust", trust),
      ("--trust-fingerprint", trustFingerprint), ("--predicate-type", predicateType), ("--role", role),
      ("--profile", profile), ("--as-of", asOf), ("--certificate-identity", certificateIdentity),
      ("--certificate-oidc-issuer", certificateOidcIssuer), ("--trusted-root", trustedRoot),
      ("--builder-id", builderId), ("--source-uri", sourceUri), ("--source-tag", sourceTag),
      ("--source-branch", sourceBranch), ("--source-commit", sourceCommit), ("--builders", builders),
      ("--verifier-id", verifierId), ("--resource-uri", resourceUri), ("--max-age", maxAge),
      ("--policy-digest", policyDigest), ("--links", links), ("--request", request),
    ]
    let repeated: [(String, [String])] = [
      ("--build-type", buildType), ("--level", level), ("--layout-key", layoutKey), ("--parameter", parameter),
      ("--authority", authority), ("--certificate-claim", certificateClaim),
    ]
    return single.compactMap { name, value in value.map { (name, $0) } }
      + repeated.flatMap { name, values in values.map { (name, $0) } }
  }
}

/// Which verb verifies which kind, and with which options. A new verb is a line here, and its options in `AutoOptions`.
struct AutoRoute {
  var kind: ForeignKind
  var verb: any ParsableCommand.Type
  /// The option that names the signature; nil where the verb takes it as its first argument.
  var file: String?
  /// The option that names the artifact; nil where the verb takes it as its last argument.
  var artifact: String?
  /// The options that the verb needs, in each way in which it can be asked.
  var needs: [[String]]
  var takes: [String] = []

  static let all: [AutoRoute] = [
    AutoRoute(
      kind: .sshsig, verb: VerifySSHSignature.self, file: "--signature",
      needs: [["--allowed-signers", "--identity", "--namespace"]], takes: ["--as-of"]),
    AutoRoute(kind: .minisign, verb: VerifyMinisign.self, file: "--signature", needs: [["--public-key"]]),
    AutoRoute(
      kind: .detached, verb: VerifyOpenSSL.self, file: "--signature", needs: [["--key", "--algorithm"]],
      takes: ["--as-of"]),
    AutoRoute(
      kind: .attestation, verb: VerifyAttestation.self, file: "--envelope", needs: [["--trust"]],
      takes: ["--trust-fingerprint", "--predicate-type", "--role", "--profile", "--as-of"]),
    AutoRoute(
      kind: .provenance, verb: VerifyProvenance.self, file: "--envelope", needs: [build],
      takes: source + ["--key", "--trust", "--trust-fingerprint", "--as-of"]),
    AutoRoute(
      kind: .verificationSummary, verb: VerifySummary.self, file: "--envelope",
      needs: [summary + ["--key"], summary + ["--trust"]],
      takes: ["--trust-fingerprint", "--max-age", "--policy-digest", "--as-of"]),
    AutoRoute(
      kind: .sigstoreBundle, verb: VerifyBundle.self, file: "--bundle", needs: [certificate, ["--key"]],
      takes: ["--trusted-root", "--certificate-claim"]),
    AutoRoute(
      kind: .sigstoreBundle, verb: VerifyProvenance.self, file: "--bundle", needs: [build],
      takes: source + ["--trusted-root"]),
    AutoRoute(
      kind: .npmAttestations, verb: VerifyNPM.self, file: "--attestations", needs: [certificate],
      takes: ["--trusted-root", "--certificate-claim"]),
    AutoRoute(
      kind: .pep740Attestation, verb: VerifyPEP740.self, file: "--attestation", needs: [certificate],
      takes: ["--trusted-root", "--certificate-claim"]),
    AutoRoute(
      kind: .pep740Provenance, verb: VerifyPEP740.self, file: "--attestation", needs: [certificate],
      takes: ["--trusted-root", "--certificate-claim"]),
    AutoRoute(
      kind: .layout, verb: VerifyLayout.self, file: "--layout", artifact: "--artifact-dir",
      needs: [["--layout-key", "--links"]], takes: ["--parameter", "--as-of"]),
    AutoRoute(
      kind: .timestampResponse, verb: TimestampVerify.self, file: "--response", needs: [["--authority"]],
      takes: ["--request", "--as-of"]),
    AutoRoute(
      kind: .timestampToken, verb: TimestampVerify.self, file: "--response", needs: [["--authority"]],
      takes: ["--request", "--as-of"]),
    AutoRoute(
      kind: .evidencePack, verb: EvidenceVerify.self, file: nil, needs: [[]],
      takes: ["--trust", "--trust-fingerprint", "--profile", "--as-of"]),
  ]

  private static let certificate = ["--certificate-identity", "--certificate-oidc-issuer"]
  private static let build = ["--builder-id", "--source-uri"]
  private static let source = [
    "--source-tag", "--source-branch", "--source-commit", "--certificate-oidc-issuer", "--build-type", "--builders",
  ]
  private static let summary = ["--verifier-id", "--resource-uri", "--level"]

  /// What to do about a kind that no verb here verifies.
  static let hints: [ForeignKind: String] = [
    .cycloneDX: "the signature over a bill of materials stands in an envelope or a bundle beside it",
    .spdx: "the signature over a bill of materials stands in an envelope or a bundle beside it",
    .trustFile: "see trust inspect and release-policy inspect",
    .openPGP: "verify it with gpgv; OpenPGP is not supported",
    .signify: "verify it with signify -V; signify is not supported",
    .link: "a link is evidence for a layout: verify the layout with --links and the folder of this link",
  ]

  /// The route whose options were given; a missing option is wrong usage, and so is one that says nothing about this
  /// kind.
  static func choose(
    _ routes: [AutoRoute], of kind: ForeignKind, for signature: String, options: AutoOptions
  ) throws(Problem) -> AutoRoute {
    let given = options.given.map(\.name)
    let complete = routes.filter { route in
      route.needs.contains { way in way.allSatisfy { given.contains($0) } }
    }
    guard let first = complete.first else {
      let ways = routes.flatMap(\.needs).map { $0.joined(separator: ", ") }.joined(separator: "; or with ")
      throw .usage(
        "auto.missing", "\(signature) is \(kind.name), which is verified with \(ways)", hint: "rules: \(kind.rules)")
    }
    if let fitting = complete.first(where: { $0.foreign(among: given) == nil }) { return fitting }
    throw .usage(
      "auto.option", "\(signature) is \(kind.name), about which \(first.foreign(among: given) ?? "") says nothing")
  }

  /// The first option that the verb does not have.
  private func foreign(among given: [String]) -> String? {
    let known = needs.flatMap(\.self) + takes
    return given.first { !known.contains($0) }
  }

  /// The command line of the verb.
  func arguments(
    signature: String, artifact: String, options: AutoOptions, format: AnswerOptions
  ) -> [String] {
    var arguments = options.given.map { "\($0.name)=\($0.value)" }
    if let file { arguments.append("\(file)=\(signature)") }
    if format.json { arguments.append("--json") }
    if format.sarif { arguments.append("--sarif") }
    if let option = self.artifact { return arguments + ["\(option)=\(artifact)"] }
    return arguments + ["--"] + (file == nil ? [signature] : []) + [artifact]
  }
}

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

      Example: rustynet-assure verify auto notes.minisig --public-key minisign.pub notes
      """)

  @Argument(help: "The signature or attestation.") var signature: String
  @Argument(help: "The file that it is about, or its digest where the kind allows one.") var artifact: String
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
    guard let route = AutoRoute.all.first(where: { $0.kind == found.kind }) else { return try unrouted(found) }
    let arguments = try route.arguments(signature: signature, artifact: artifact, options: options, format: format)
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
  @Option(help: "OpenSSL, bundles: the public key as PEM.") var key: String?
  @Option(help: "OpenSSL: how the signature was made.") var algorithm: String?
  @Option(help: "Envelopes, packs: the trust file.") var trust: String?
  @Option(help: "Envelopes, packs: the fingerprint of its root.") var trustFingerprint: String?
  @Option(help: "Envelopes: the type that the predicate must have.") var predicateType: String?
  @Option(help: "Envelopes: the role that must have signed.") var role: String?
  @Option(help: "Envelopes, packs: the profile.") var profile: String?
  @Option(help: "Bundles, npm, PEP 740: whom the certificate must name.") var certificateIdentity: String?
  @Option(help: "Bundles, npm, PEP 740: who must have vouched for it.") var certificateOidcIssuer: String?
  @Option(help: "Bundles, npm, PEP 740: a Sigstore trusted root.") var trustedRoot: String?
  @Option(help: "Judge as of this time (default: now).") var asOf: String?

  /// The options that were given, by their names.
  var given: [(name: String, value: String)] {
    let all: [(String, String?)] = [
      ("--allowed-signers", allowedSigners), ("--identity", identity), ("--namespace", namespace),
      ("--public-key", publicKey), ("--key", key), ("--algorithm", algorithm), ("--trust", trust),
      ("--trust-fingerprint", trustFingerprint), ("--predicate-type", predicateType), ("--role", role),
      ("--profile", profile), ("--as-of", asOf), ("--certificate-identity", certificateIdentity),
      ("--certificate-oidc-issuer", certificateOidcIssuer), ("--trusted-root", trustedRoot),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }
}

/// Which verb verifies which kind, and with which options. A new verb is a line here, and its options in `AutoOptions`.
struct AutoRoute {
  var kind: ForeignKind
  var verb: any ParsableCommand.Type
  /// The option that names the signature; nil where the verb takes it as its first argument.
  var file: String?
  var needs: [String]
  var takes: [String] = []

  static let all: [AutoRoute] = [
    AutoRoute(
      kind: .sshsig, verb: VerifySSHSignature.self, file: "--signature",
      needs: ["--allowed-signers", "--identity", "--namespace"], takes: ["--as-of"]),
    AutoRoute(kind: .minisign, verb: VerifyMinisign.self, file: "--signature", needs: ["--public-key"]),
    AutoRoute(
      kind: .detached, verb: VerifyOpenSSL.self, file: "--signature", needs: ["--key", "--algorithm"],
      takes: ["--as-of"]),
    AutoRoute(
      kind: .attestation, verb: VerifyAttestation.self, file: "--envelope", needs: ["--trust"],
      takes: ["--trust-fingerprint", "--predicate-type", "--role", "--profile", "--as-of"]),
    AutoRoute(
      kind: .provenance, verb: VerifyAttestation.self, file: "--envelope", needs: ["--trust"],
      takes: ["--trust-fingerprint", "--predicate-type", "--role", "--profile", "--as-of"]),
    AutoRoute(
      kind: .verificationSummary, verb: VerifyAttestation.self, file: "--envelope", needs: ["--trust"],
      takes: ["--trust-fingerprint", "--predicate-type", "--role", "--profile", "--as-of"]),
    AutoRoute(
      kind: .sigstoreBundle, verb: VerifyBundle.self, file: "--bundle", needs: [],
      takes: certificate + ["--key", "--trusted-root"]),
    AutoRoute(
      kind: .npmAttestations, verb: VerifyNPM.self, file: "--attestations", needs: certificate,
      takes: ["--trusted-root"]),
    AutoRoute(
      kind: .pep740Attestation, verb: VerifyPEP740.self, file: "--attestation", needs: certificate,
      takes: ["--trusted-root"]),
    AutoRoute(
      kind: .pep740Provenance, verb: VerifyPEP740.self, file: "--attestation", needs: certificate,
      takes: ["--trusted-root"]),
    AutoRoute(
      kind: .evidencePack, verb: EvidenceVerify.self, file: nil, needs: [],
      takes: ["--trust", "--trust-fingerprint", "--profile", "--as-of"]),
  ]

  private static let certificate = ["--certificate-identity", "--certificate-oidc-issuer"]

  /// What to do about a kind that no verb here verifies.
  static let hints: [ForeignKind: String] = [
    .cycloneDX: "the signature over a bill of materials stands in an envelope or a bundle beside it",
    .spdx: "the signature over a bill of materials stands in an envelope or a bundle beside it",
    .trustFile: "see trust inspect and release-policy show",
    .openPGP: "verify it with gpgv; OpenPGP is not supported",
    .signify: "verify it with signify -V; signify is not supported",
    .link: "a link is evidence for a layout, and is verified with it",
  ]

  /// The command line of the verb; a missing option is wrong usage, and so is one that says nothing about this kind.
  func arguments(
    signature: String, artifact: String, options: AutoOptions, format: AnswerOptions
  ) throws(Problem) -> [String] {
    let given = options.given
    let missing = needs.filter { need in !given.contains { $0.name == need } }
    guard missing.isEmpty else {
      throw .usage(
        "auto.missing", "\(signature) is \(kind.name), which is verified with \(missing.joined(separator: ", "))",
        hint: "rules: \(kind.rules)")
    }
    if let foreign = given.first(where: { !(needs + takes).contains($0.name) }) {
      throw .usage("auto.option", "\(signature) is \(kind.name), about which \(foreign.name) says nothing")
    }
    var arguments = given.map { "\($0.name)=\($0.value)" }
    if let file { arguments.append("\(file)=\(signature)") }
    if format.json { arguments.append("--json") }
    if format.sarif { arguments.append("--sarif") }
    return arguments + ["--"] + (file == nil ? [signature] : []) + [artifact]
  }
}

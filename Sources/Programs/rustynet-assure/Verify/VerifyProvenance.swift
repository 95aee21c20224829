import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import SupplyChain
import Wire

/// `rustynet-assure verify provenance`.
struct VerifyProvenance: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provenance", abstract: "Verify the SLSA provenance of artifacts.",
    discussion: """
      Who may sign is said by --key or --trust for an --envelope; a --bundle brings its certificate, and the table of
      signers and builders says what that may build. Builder and source are mandatory. A builder id without a version accepts
      every release of that builder; …@v2.1.0 accepts only this one.

      A bare envelope with a certificate is judged and explained, and never passes: without a log entry or a
      timestamp nothing proves when it was signed (78, provenance.not-provable).

      Example: rustynet-assure verify provenance --envelope tool.intoto.jsonl --key builder.pem \\
        --builder-id https://ci.example/builder@v1.0.0 --source-uri github.com/owner/tool --source-tag v1.2.3 tool
      """)

  @Option(help: "The Sigstore bundle, with a certificate.") var bundle: String?
  @Option(help: "The DSSE envelope, where there is no bundle.") var envelope: String?
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var signer: StatementSignerOptions
  @OptionGroup var demands: ProvenanceOptions
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "Files, or digests such as sha256:HEX.") var artifacts: [String]

  func run() throws {
    guard !artifacts.isEmpty else { throw Problem.usage("usage.subject", "name at least one artifact") }
    try format.answer(about: bundle ?? envelope ?? "") { () throws(Problem) -> Answer in try answer() }
  }

  private func answer() throws(Problem) -> Answer {
    let demands = try demands.read()
    switch (bundle, envelope) {
    case (.some(let path), nil):
      guard !signer.isNamed else {
        throw Problem.usage("usage.signer", "a bundle brings its certificate; --key and --trust belong to --envelope")
      }
      guard time.asOf == nil else {
        throw Problem.usage("usage.as-of", "a bundle is judged at its own trusted times; --as-of belongs to --envelope")
      }
      let (checks, facts) = try judge(bundle: path, demands)
      return Answer("\(path) of \(demands.expectation.builder.text)", place: path, checks, facts: facts)
    case (nil, .some(let path)):
      guard trusted.trustedRoot == nil, !trusted.staging else {
        throw Problem.usage("usage.trusted-root", "--trusted-root and --staging belong to --bundle")
      }
      let time = try time.time()
      let checks = try judge(envelope: path, demands, at: time)
      return Answer("\(path) as of \(time)", place: path, checks, facts: [("asOf", .string("\(time)"))])
    default: throw Problem.usage("usage.provenance", "give --bundle or --envelope")
    }
  }

  /// The bundle is judged without a demand on its identity; that is what the builder's rules are for.
  private func judge(
    bundle path: String, _ demands: ProvenanceDemands
  ) throws(Problem) -> ([Check], [(String, JSON)]) {
    let verifier = SigstoreVerifier(root: try trusted.root())
    let bundle = try Input.parsed(path, limit: SigstoreBundle.limits.size) { bytes throws(Problem) in
      try SigstoreBundle(parsing: bytes)
    }
    let artifact = try Input.artifact(artifacts[0], hashes: bundle.hashes)
    let judgement = verifier.judge(bundle, artifact: artifact, signer: .judgedByCaller)
    guard let statement = judgement.statement, let identity = judgement.signer else {
      let missing = Check.notRun(
        "provenance", "signature.first", "nothing else was looked at: there is no signed statement of a certificate")
      return (judgement.checks + [missing], judgement.facts)
    }
    let others = Array(artifacts.dropFirst())
    let checks = try demands.judge(statement, signer: .certificate(identity), artifacts: others)
    return (judgement.checks + checks, judgement.facts)
  }

  private func judge(
    envelope path: String, _ demands: ProvenanceDemands, at time: Timestamp
  ) throws(Problem) -> [Check] {
    let signed = try Input.envelope(path)
    try signed.requireStatement(in: path)
    guard let signatures = try signer.judge(signed, role: .builder, at: time) else {
      return try unproven(signed, in: path, demands)
    }
    guard signatures.checks.outcome == .passed else {
      return signatures.checks + [
        .notRun("statement", "signature.first", "nothing else was looked at: the signatures do not hold")
      ]
    }
    let statement = try Statement(parsing: signed.payload, allowsIdentifiersOnly: true)
    return signatures.checks
      + (try demands.judge(statement, signer: .key(signatures.name), artifacts: artifacts))
  }

  /// Judges a bare envelope by the certificate beside its signature, as far as that goes: never to a pass.
  private func unproven(
    _ signed: Envelope, in path: String, _ demands: ProvenanceDemands
  ) throws(Problem) -> [Check] {
    let source = "Sigstore bundle; SLSA v1.0, “Verifying artifacts”"
    let hint = "verify the bundle with its log entry, or name the signer's key with --key or --trust"
    guard
      let certificate = try Input.parsed(
        path, limit: Envelope.limits.size,
        { bytes throws(Problem) in
          try BareCertificate(document: bytes, of: signed)
        })
    else {
      return [
        .notRun(
          "time", "provenance.not-provable",
          "not provable offline: the envelope has no certificate, no log entry and no timestamp, and no key was named",
          source: source, hint: hint)
      ]
    }
    var checks = [certificate.signature]
    if certificate.signature.outcome == .passed {
      let statement = try Statement(parsing: signed.payload, allowsIdentifiersOnly: true)
      checks += try demands.judge(statement, signer: .certificate(certificate.identity), artifacts: artifacts)
    }
    return checks + [
      .notRun(
        "time", "provenance.not-provable",
        "not provable offline: without a log entry or a timestamp, nothing says that the certificate was valid then",
        source: source, hint: hint)
    ]
  }
}

/// What a provenance must say, as options of several verbs.
struct ProvenanceOptions: ParsableArguments {
  @Option(help: "The builder, with its version or without.") var builderId: String
  @Option(help: "The repository, such as github.com/owner/name.") var sourceUri: String
  @Option(help: "The tag that must have been built.") var sourceTag: String?
  @Option(help: "The branch that must have been built.") var sourceBranch: String?
  @Option(help: "The commit that must have been built.") var sourceCommit: String?
  @Option(help: "Who must have issued the signer's identity (default: GitHub, for its builders).")
  var certificateOidcIssuer: String?
  @Option(help: "A build type to accept though its parameters are not known; may be repeated.")
  var buildType: [String] = []
  @Option(help: "A table of signers and builders to use instead of the program's.") var builders: String?

  /// The demands, with the table of builders read.
  func read() throws(Problem) -> ProvenanceDemands {
    guard sourceTag == nil || sourceBranch == nil else {
      throw .usage("usage.ref", "a build is of a tag or of a branch; give --source-tag or --source-branch")
    }
    let ref = sourceTag.map(ProvenanceExpectation.Ref.tag) ?? sourceBranch.map(ProvenanceExpectation.Ref.branch)
    var expectation = ProvenanceExpectation(builder: builderId, source: sourceUri, ref: ref, commit: sourceCommit)
    expectation.issuer = certificateOidcIssuer
    expectation.otherBuildTypes = buildType
    return ProvenanceDemands(expectation: expectation, builders: try BuilderTable.read(builders))
  }
}

/// What is demanded of a provenance, and of whom.
///
/// The one function to call for whoever has verified a statement: `judge`.
struct ProvenanceDemands {
  let expectation: ProvenanceExpectation
  let builders: BuilderTable

  /// Judges a statement whose signature is verified, for each artifact; a predicate that is not in its form throws.
  func judge(_ statement: Statement, signer: ProvenanceSigner, artifacts: [String]) throws(Problem) -> [Check] {
    let provenance = try SLSAProvenance(statement)
    var checks: [Check] = []
    for text in artifacts { checks.append(try Artifact(text).check(in: statement)) }
    return checks + expectation.judge(provenance, signer: signer, builders: builders)
  }
}

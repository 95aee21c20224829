import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import SupplyChain
import Wire

/// `rustynet-assure verify vsa`.
struct VerifySummary: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vsa", abstract: "Verify a SLSA verification summary about artifacts.",
    discussion: """
      The signer must be the verifier's: name its key with --key, or with --trust a trust file whose role “verifier”
      signs for --verifier-id. A higher level of the same track satisfies a lower one.

      Example: rustynet-assure verify vsa --envelope tool.vsa.json --key verifier.pem \\
        --verifier-id https://verifier.example/v1 --resource-uri https://example.org/tool \\
        --level SLSA_BUILD_LEVEL_3 --max-age 30d tool
      """)

  @Option(help: "The DSSE envelope.") var envelope: String
  @OptionGroup var signer: StatementSignerOptions
  @Option(help: "The id of the verifier whose word counts.") var verifierId: String
  @Option(help: "The URI of what must have been verified, exactly.") var resourceUri: String
  @Option(help: "A level or property that must be verified; may be repeated.") var level: [String]
  @Option(help: "The largest age, such as 36h or 30d.") var maxAge: Age?
  @Option(help: "The digest of the policy that must have been applied, such as sha256:HEX.") var policyDigest: String?
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "Files, digests such as sha256:HEX, or identifiers such as gce_image_id:1.") var artifacts: [String]

  func run() throws {
    guard !artifacts.isEmpty else { throw Problem.usage("usage.subject", "name at least one artifact") }
    guard !level.isEmpty else { throw Problem.usage("usage.level", "name at least one level that must be verified") }
    try format.answer(about: envelope) { () throws(Problem) -> Answer in try answer() }
  }

  private func answer() throws(Problem) -> Answer {
    let time = try time.time()
    let policy = try policyDigest.map { text throws(Problem) in try Digest(text) }
    let signed = try Input.envelope(envelope)
    try signed.requireStatement(in: envelope)
    guard let signatures = try signer.judge(signed, role: .verifier, at: time) else {
      throw Problem.usage("usage.signer", "say who may sign: --key or --trust")
    }
    var checks = signatures.checks
    var facts: [(String, JSON)] = [("asOf", .string(time.description))]
    if checks.outcome == .passed {
      let statement = try Statement(parsing: signed.payload, allowsIdentifiersOnly: true)
      let summary = try VerificationSummary(statement)
      facts.append(("timeVerified", .string(summary.time.description)))
      for text in artifacts { checks.append(try Artifact(text, allowsIdentifiers: true).check(in: statement)) }
      let expectation = SummaryExpectation(
        verifier: verifierId, resource: resourceUri, levels: level, maximumAge: maxAge?.seconds, policy: policy)
      checks += try expectation.judge(summary, at: time)
    } else {
      checks.append(.notRun("summary", "signature.first", "nothing else was looked at: the signatures do not hold"))
    }
    return Answer("\(envelope) as of \(time)", place: envelope, checks, facts: facts)
  }
}

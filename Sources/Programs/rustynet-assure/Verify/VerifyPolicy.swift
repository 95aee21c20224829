import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import SupplyChain
import Wire

/// `rustynet-assure verify policy`.
struct VerifyPolicy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Verify that an artifact has the attestations that a policy demands.",
    discussion: """
      Attestations are DSSE envelopes signed by keys of the trust file, and Sigstore bundles; a file holds one, or one
      in each line. What is no attestation is listed and ignored; what does not verify counts for nothing.

      The policy is signed by the root of the trust file. A plain one is taken only with --unsigned-policy.
      Waived requirements make the outcome “passed with waivers”: 78, or 0 with --accept-waivers.

      Example: rustynet-assure verify policy --policy release.signed.json --trust trust.json \\
        --attestations attestations/ tool
      """)

  @Option(help: "The policy: signed by the root of --trust, or plain.") var policy: String
  @Option(help: "The trust file: its root signs the policy, its roles sign attestations.") var trust: String?
  @Option(help: "The fingerprint of the trust file's root, from elsewhere.") var trustFingerprint: String?
  @Flag(help: "Take a plain policy, for which nobody answers but the one who runs this.") var unsignedPolicy = false
  @Flag(help: "End with 0 where the outcome is “passed with waivers”.") var acceptWaivers = false
  @Option(help: "A file or folder of attestations; may be repeated.") var attestations: [String]
  @Option(help: "A table of signers and builders to use instead of the program's.") var builders: String?
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "A file, or a digest such as sha256:HEX.") var artifact: String

  func run() throws {
    try format.answer(about: artifact, isBrief: true) { () throws(Problem) -> Answer in try answer() }
  }

  private func answer() throws(Problem) -> Answer {
    let time = try time.time()
    let trust = try trust.map { path throws(Problem) in
      try loadTrust(path, fingerprint: trustFingerprint, profile: nil, at: time)
    }
    let policy = try readPolicy(trust, at: time)
    let table = try BuilderTable.read(builders)
    let artifact = try Input.artifact(artifact)
    var files = AttestationFiles(readers: [
      EnvelopeReader(trust: trust, time: time),
      BundleReader(verifier: SigstoreVerifier(root: try trusted.root()), artifact: artifact),
    ])
    for path in attestations { try files.read(path) }
    let verdict = policy.judge(files.verified, artifact: artifact.digests, builders: table, at: time)
    return answer(verdict, files.checks + verdict.checks, policy, at: time)
  }

  private func answer(_ verdict: PolicyVerdict, _ checks: [Check], _ policy: SupplyPolicy, at time: Timestamp) -> Answer
  {
    let waivers: [JSON] = verdict.waivers.map {
      [
        "of": .string($0.subject), "owner": .string($0.owner), "reason": .string($0.reason),
        "expires": .string($0.expires.description),
      ]
    }
    var answer = Answer(
      "\(artifact) by \(self.policy) as of \(time)", place: artifact, checks,
      facts: [
        ("asOf", .string(time.description)), ("policy", .string(policy.digest.description)),
        ("waivers", .array(waivers)),
      ])
    switch verdict.outcome {
    case .passed: break
    case .passedWithWaivers:
      answer.outcomeName = verdict.outcome.rawValue
      answer.exitCode = acceptWaivers ? .passed : .refused
    case .refused:
      if answer.exitCode == .passed { answer.exitCode = .refused }
    }
    return answer
  }

  private func readPolicy(_ trust: TrustFile?, at time: Timestamp) throws(Problem) -> SupplyPolicy {
    let bytes = try FileSystem.read(policy, limit: 1 << 20)
    do throws(Problem) {
      let document = try SupplyPolicy.document(parsing: bytes)
      if let envelope = document.envelope {
        guard let trust else {
          throw .usage("usage.trust", "a signed policy needs the trust file that says who may sign it")
        }
        return try SupplyPolicy.verified(envelope, trust: trust, at: time)
      }
      let plain = try SupplyPolicy(parsing: document.bytes)
      guard unsignedPolicy else {
        throw .refused(
          "policy.unsigned", "the policy is not signed", hint: "have the root sign it, or say --unsigned-policy")
      }
      try plain.requireValid(at: time)
      return plain
    } catch { throw error.kind == .usage ? error : error.at(policy) }
  }
}

extension BuilderTable {
  /// The table in a file; the program's own where there is none.
  static func read(_ path: String?) throws(Problem) -> BuilderTable {
    guard let path else { return .builtIn }
    let bytes = try FileSystem.read(path, limit: 1 << 20)
    do { return try BuilderTable(parsing: bytes) } catch { throw error.at(path) }
  }
}

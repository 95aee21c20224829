import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import Evidence
import Gates
import LinuxKit
import StrictJSON
import TransparencyLog
import Wire

/// `rustynet-assure evidence …`.
struct EvidenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence", abstract: "Pack evidence, verify a pack offline, show it as a page.",
    subcommands: [EvidencePack.self, EvidenceVerify.self, EvidenceReport.self])
}

struct EvidencePack: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack", abstract: "Pack the documents of an evidence folder, and sign the manifest.",
    discussion: """
      The folder is the one that `rustynet-assure release` writes.

      Example: rustynet-assure evidence pack artifacts/release/evidence --output again.pack
      """)

  @Argument(help: "The evidence folder.") var folder = "artifacts/release/evidence"
  @Option(help: "The pack to write.") var output: String
  @OptionGroup var signer: SignerOptions

  func run() throws {
    let documents = try EvidenceFolder.read(folder)
    guard let verdict = documents[MemberName.verdict], let policy = documents[MemberName.policy] else {
      throw Problem.malformed(
        "evidence.folder", "this is no evidence folder: it has no verdict", place: folder,
        hint: "rustynet-assure release writes one")
    }
    let bytes = try Manifest.pack(
      documents.map { Container.Member(name: $0.key, bytes: $0.value) },
      profile: try ReleasePolicy(parsing: try ReleasePolicy.document(parsing: policy).bytes).profile,
      created: try VerdictClaim(parsing: verdict).time,
      key: try signer.load())
    try Output.write(bytes, to: output)
    Console.print("\(output) \(Digest(of: bytes))")
  }
}

/// Which gates a policy must require, whoever signed it.
struct RequiredGateOptions: ParsableArguments {
  @Option(
    help: "A gate that the policy of a release must require; may be repeated (default: those of Rustynet itself).")
  var requireGate: [String] = []

  var ids: [String] { requireGate.isEmpty ? PinnedPolicy.releaseGates : requireGate }
}

/// What both readers of a pack ask for.
struct PackOptions: ParsableArguments {
  @Argument(help: "The evidence pack.") var pack = "artifacts/release/evidence.pack"
  @Option(help: "What the pack must be for.") var profile: Profile = .release
  @Option(help: "Your own trust file. For a preview pack the one beside the pack will do, and proves nothing.")
  var trust: String?
  @Option(help: "The fingerprint of the trust file's root, from elsewhere.") var trustFingerprint: String?
  @Option(help: "The checkpoint of an earlier audit; the ledger must extend it.") var since: String?
  @OptionGroup var gates: RequiredGateOptions
  @OptionGroup var time: TimeOptions

  func read() throws(Problem) -> Pack {
    do { return try Pack(parsing: try FileSystem.read(pack, limit: Container.sizeLimit)) } catch {
      throw error.place?.hasPrefix(pack) == true ? error : error.at(pack)
    }
  }

  func demand(subjects: [String] = []) throws(Problem) -> PackDemand {
    var files: [(name: String, digests: [Digest])] = []
    for subject in subjects { files.append(try Input.subject(subject)) }
    var demand = PackDemand(
      profile: profile, trust: try Input.envelope(try trustPath()), time: try time.time(), subjects: files)
    demand.requiredGates = gates.ids
    if let trustFingerprint { demand.fingerprint = try Digest(trustFingerprint) }
    if let since { demand.since = try SignedCheckpoint(parsing: try FileSystem.read(since, limit: 1 << 17)) }
    return demand
  }

  private func trustPath() throws(Problem) -> String {
    if let trust { return trust }
    guard profile == .preview else {
      throw .usage("usage.trust", "a release is judged by your own trust file", hint: "use --trust FILE")
    }
    return "\(Path.folder(of: pack))/\(MemberName.trust)"
  }
}

struct EvidenceVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Verify an evidence pack, without a network and without believing it.",
    discussion: """
      The verdict is derived again from the evidence and compared byte by byte; every signature inside is verified by
      your own trust file. A preview pack is refused unless --profile preview is said: it is no release.

      Example: rustynet-assure evidence verify evidence.pack --trust ours.json --trust-fingerprint sha256:… rustynetd
      """)

  @OptionGroup var options: PackOptions
  @Option(help: "Remember here what was seen, and refuse anything older.") var state: String?
  @Argument(help: "Files, or digests, that must be among the released binaries.") var subjects: [String] = []
  @OptionGroup var format: AnswerOptions

  func run() throws {
    try format.answer(about: options.pack, isBrief: true) { () throws(Problem) -> Answer in try answer() }
  }

  private func answer() throws(Problem) -> Answer {
    let pack = try options.read()
    var demand = try options.demand(subjects: subjects)
    let seen = try state.map { folder throws(Problem) in try SeenState(folder: folder, trust: demand.trust) }
    // The ledger must extend the one that was seen last, unless another checkpoint is named.
    if demand.since == nil { demand.since = seen?.checkpoint }
    var audit = pack.audit(demand)
    if let seen, audit.outcome == .passed {
      audit.add(try seen.update(pack, trust: try TrustFile(parsing: demand.trust.payload)))
    }
    var answer = Answer(
      "\(options.pack) as of \(demand.time): \(audit.title)", place: options.pack, audit.checks,
      facts: [
        ("asOf", .string(demand.time.description)), ("profile", .string(demand.profile.rawValue)),
        ("verdict", audit.verdict?.json ?? .null),
        ("checkpoint", .string(String(decoding: pack.documents[MemberName.checkpoint] ?? [], as: UTF8.self))),
      ])
    // A pack that could be read is judged: a document in it that is malformed is a reason to refuse the pack.
    answer.exitCode = answer.outcome == .passed ? .passed : .refused
    return answer
  }
}

struct EvidenceReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Show a pack as one self-contained HTML page, with the audit that it got.",
    discussion: "Example: rustynet-assure evidence report evidence.pack --profile preview --output report.html")

  @OptionGroup var options: PackOptions
  @Option(help: "The page to write.") var output: String
  @Argument(help: "Files, or digests, that must be among the released binaries.") var subjects: [String] = []

  func run() throws {
    guard
      (try? FileSystem.resolve(output)) != (try? FileSystem.resolve(options.pack)) || FileSystem.status(output) == nil
    else {
      throw Problem.usage("usage.output", "the page would replace the pack itself")
    }
    // An old page must not stand for this pack, whatever happens from here on.
    try Output.remove(output)
    let pack = try options.read()
    let audit = pack.audit(try options.demand(subjects: subjects))
    try Output.write(PackPage.html(pack, audit: audit), to: output)
    Console.note("wrote \(output): \(audit.outcome.rawValue)")
    if audit.outcome != .passed { throw Report.end(.refused) }
  }
}

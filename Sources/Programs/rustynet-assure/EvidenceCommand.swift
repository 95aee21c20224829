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
    discussion: "The folder is the one that `rustynet-assure release` writes: artifacts/release/evidence.")

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
    let plain = (try? Envelope(parsing: policy))?.payload ?? policy
    let bytes = try Manifest.pack(
      documents.map { Container.Member(name: $0.key, bytes: $0.value) },
      profile: try ReleasePolicy(parsing: plain).profile, created: try VerdictClaim(parsing: verdict).time,
      key: try signer.load())
    try FileSystem.write(bytes, to: output)
    Console.print("\(output) \(Digest(of: bytes))")
  }
}

/// What both readers of a pack ask for.
struct PackOptions: ParsableArguments {
  @Argument(help: "The evidence pack.") var pack = "artifacts/release/evidence.pack"
  @Option(help: "What the pack must be for.") var profile: Profile = .release
  @Option(help: "Your own trust file. For a preview pack the one beside the pack will do, and proves nothing.")
  var trust: String?
  @Option(help: "The fingerprint of the trust file's root, from elsewhere.") var trustFingerprint: String?
  @Option(help: "The checkpoint of an earlier audit; the ledger must extend it.") var since: String?
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
    if let trustFingerprint { demand.fingerprint = try Digest(trustFingerprint) }
    if let since { demand.since = try SignedCheckpoint(parsing: try FileSystem.read(since, limit: 1 << 17)) }
    return demand
  }

  private func trustPath() throws(Problem) -> String {
    if let trust { return trust }
    guard profile == .preview else {
      throw .usage("usage.trust", "a release is judged by your own trust file", hint: "use --trust FILE")
    }
    return "\(Path.folder(of: pack))/trust.json"
  }
}

struct EvidenceVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Verify an evidence pack, without a network and without believing it.",
    discussion: """
      The verdict is derived again from the evidence and compared byte by byte; every signature inside is verified by
      your own trust file. A preview pack is refused unless --profile preview is said: it is no release.
      """)

  @OptionGroup var options: PackOptions
  @Option(help: "Remember here what was seen, and refuse anything older.") var state: String?
  @Argument(help: "Files, or digests, that must be among the released binaries.") var subjects: [String] = []
  @OptionGroup var format: JSONOptions

  func run() throws {
    let pack = try options.read()
    let demand = try options.demand(subjects: subjects)
    let audit = pack.audit(demand)
    var checks = audit.checks
    if let state, audit.outcome == .passed { checks.append(try SeenState(folder: state).update(pack, demand)) }
    let title = audit.verdict?.title ?? "no verdict could be derived"
    try Report.finish(
      "\(options.pack) as of \(demand.time): \(title)", checks, json: format.json,
      facts: [
        ("asOf", .string(demand.time.description)), ("profile", .string(demand.profile.rawValue)),
        ("verdict", audit.verdict?.json ?? .null),
        ("checkpoint", .string(String(decoding: pack.documents[MemberName.checkpoint] ?? [], as: UTF8.self))),
      ])
  }
}

struct EvidenceReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Show a pack as one self-contained HTML page, with the audit that it got.")

  @OptionGroup var options: PackOptions
  @Option(help: "The page to write.") var output: String

  func run() throws {
    let pack = try options.read()
    let audit = pack.audit(try options.demand())
    try FileSystem.write(try PackPage.html(pack, audit: audit), to: output)
    Console.note("wrote \(output): \(audit.outcome.rawValue)")
    if audit.outcome != .passed { throw Report.end(.refused) }
  }
}

/// What an auditor has seen before: versions and the ledger only ever grow.
struct SeenState {
  let folder: String

  /// Compares the pack with what was seen, then remembers it; nothing is remembered of a refused pack.
  func update(_ pack: Pack, _ demand: PackDemand) throws(Problem) -> Check {
    let trust = try TrustFile(parsing: demand.trust.payload)
    let claim = try pack.claim()
    let policy = try pack.policy(trust: try pack.trust(at: claim.time), at: claim.time)
    let checkpoint = try pack.checkpoint().checkpoint
    let seen: [(String, Int64)] = [
      ("trustVersion", trust.version), ("policyVersion", policy.version), ("sequence", claim.sequence),
      ("ledgerSize", Int64(checkpoint.size)),
    ]
    try FileSystem.makeFolder(folder, mode: 0o700)
    let path = "\(folder)/seen-\(trust.rootFingerprint.hex.prefix(16)).json"
    if FileSystem.status(path) != nil {
      let earlier = JSONReader(try JSON(parsing: try FileSystem.read(path, limit: 65_536, links: .refused)))
      for (name, value) in seen {
        let last = try earlier.member(name).integer()
        guard value >= last else {
          return .failed(
            "state", "state.rollback", "an older \(name) than seen before", expected: "at least \(last)",
            found: "\(value)", source: "documents/threat-model.md")
        }
      }
    }
    var object = JSONObject()
    for (name, value) in seen { object[name] = .integer(value) }
    try FileSystem.write(JSON.object(object).canonical + [0x0a], to: path)
    return .passed("state", "nothing here is older than what was seen before")
  }
}

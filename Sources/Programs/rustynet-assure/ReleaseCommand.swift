import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import Evidence
import Gates
import KeyCustody
import LinuxKit
import StrictJSON
import TransparencyLog
import Wire

/// `rustynet-assure release`.
struct ReleaseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Measure, sign, log, judge and pack a release: the main job.",
    discussion: """
      The preview profile signs with a key of this user, made on first use, and needs no option. The release profile
      wants keys, a signed trust file and a signed policy; it judges only what there is and never starts a soak.
      Example: rustynet-assure release --profile preview

      The first line on standard output is the verdict. Ends with 0 when it passed, with 78 when it did not.
      """)

  @Option(help: "preview or release.") var profile: Profile = .preview
  @Option(help: "The folder for the files (default: artifacts/release, for a release artifacts/release/final).")
  var output: String?
  @Option(help: "Write the verdict to this file too.") var json: String?
  @Option(help: "The root of the source tree.") var root = "."
  @OptionGroup var keys: ReleaseKeyOptions
  @OptionGroup var gates: RequiredGateOptions

  func run() async throws {
    if let json { try Output.remove(json) }
    let folder = output ?? "\(root)/artifacts/release\(profile == .release ? "/final" : "")"
    try FileSystem.makeFolder(folder)
    // Two releases at once in one folder would judge each other's evidence.
    let lock = try FileLock("\(folder)/.lock")
    defer { withExtendedLifetime(lock) {} }
    let workspace = try await Workspace(root: root, output: "\(folder)/evidence")
    let begin = Host.monotonicSeconds()
    if profile == .release, let missing = keys.missing {
      return try await judgeUnsigned(workspace, folder: folder, missing: missing)
    }
    let (identity, policy, bytes) = try profile == .preview ? preview(workspace) : release()
    let run = ReleaseRun(
      workspace: workspace, folder: folder, policy: policy, policyBytes: bytes, identity: identity
    ) { line in
      let seconds = Int(Host.monotonicSeconds() - begin)
      Console.note("[\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)] \(line)")
    }
    let verdict = try await run.run()
    // Nothing says that it passed before the pack has passed the audit that everybody else will make.
    try audit(folder, identity: identity)
    if let json { try Output.write(verdict.encoded, to: json) }
    VerdictText.print(verdict)
    Console.print("files: \(folder)/{evidence.pack,report.html,verdict.json,trust.json,sbom.cdx.json,provenance.json}")
    if !verdict.isPassed { throw Report.end(.refused) }
  }

  private func preview(_ workspace: Workspace) throws(Problem) -> (ReleaseIdentity, ReleasePolicy, [UInt8]) {
    let path = "\(workspace.root)/attestations/policies/preview.json"
    let bytes = try FileSystem.read(path, limit: 1 << 20, links: .refused)
    let policy: ReleasePolicy
    do { policy = try PinnedPolicy.read(bytes) } catch { throw error.at(path) }
    guard keys.signer.key != nil else { return (try PreviewIdentity.load(), policy, bytes) }
    return (try PreviewIdentity.load(signingWith: try keys.signer.load()), policy, bytes)
  }

  private func release() throws(Problem) -> (ReleaseIdentity, ReleasePolicy, [UInt8]) {
    let now = Host.now()
    let options = try keys.required()
    let envelope = try Input.envelope(options.trust)
    let trust = try TrustFile.verified(
      envelope, fingerprint: try Digest(options.fingerprint), at: now, for: .release)
    let bytes = try FileSystem.read(options.policy, limit: 1 << 20, links: .refused)
    let policy = try ReleasePolicy.verified(try Envelope(parsing: bytes), trust: trust, at: now)
    let missing = policy.missing(of: gates.ids)
    guard missing.isEmpty else {
      throw .refused(
        "policy.gates", "the policy leaves out gates of a release: \(missing.joined(separator: ", "))",
        place: options.policy, source: "R1", hint: "for another project, say which gates it needs: --require-gate")
    }
    let key = try keys.signer.load()
    let identity = ReleaseIdentity(
      key: key, trustEnvelope: envelope, trust: trust,
      log: try NoteSigner(name: options.origin, signingKey: try keys.logKey(or: key)),
      ledger: options.ledger)
    return (identity, policy, bytes)
  }

  /// Looks at what there is without keys, so that the release manager sees what is missing; never passed.
  private func judgeUnsigned(_ workspace: Workspace, folder: String, missing: Problem) async throws {
    try ReleaseRun.removeEarlierResults(workspace, folder: folder)
    let path = "\(workspace.root)/attestations/policies/release.json"
    let policy = try PolicyCommand.read(path).policy
    let evidence = GateEvidence(
      policy: policy, trust: nil, time: Host.now(), commit: workspace.source.commit, subjects: [],
      documents: try EvidenceFolder.read(workspace.output))
    var results: [GateResult] = []
    for required in policy.gates {
      let (gate, _) = try GateDefinition.load(required.id, root: workspace.root)
      let result = try await gate.result(in: workspace, by: evidence, mayDefer: false)
      Console.note("gate \(gate.id): \(result.outcome.rawValue)")
      results.append(result)
    }
    let verdict = Verdict(unsigned: evidence, gates: results, missing: missing)
    try Output.write(verdict.encoded, to: "\(folder)/\(MemberName.verdict)")
    try Output.write(PackPage.html(unsigned: verdict), to: "\(folder)/\(ReleaseRun.pageName)")
    if let json { try Output.write(verdict.encoded, to: json) }
    VerdictText.print(verdict)
    Console.print("files: \(folder)/{report.html,verdict.json}; nothing is signed, so there is no pack")
    throw Report.end(.refused)
  }

  /// The pack, read back from the disk and audited like an auditor would; its report is written from it.
  private func audit(_ folder: String, identity: ReleaseIdentity) throws(Problem) {
    let pack = try Pack(parsing: try FileSystem.read("\(folder)/\(ReleaseRun.packName)", limit: Container.sizeLimit))
    let audit = pack.audit(
      PackDemand(
        profile: profile, trust: identity.trustEnvelope, time: Host.now(), requiredGates: gates.ids))
    try Output.write(PackPage.html(pack, audit: audit), to: "\(folder)/\(ReleaseRun.pageName)")
    // A refused verdict is no fault of the pack; anything else is.
    let faults = audit.checks.filter { $0.outcome != .passed && $0.code != "verdict.refused" }
    guard faults.isEmpty else {
      Console.print("\(profile.rawValue.uppercased()) REFUSED, the pack does not pass its own audit")
      for line in Report.lines(faults) { Console.print(line) }
      throw .refused("release.audit", "the pack that was written does not pass its own audit", place: folder)
    }
  }
}

/// What only the release profile needs.
struct ReleaseKeyOptions: ParsableArguments {
  @OptionGroup var signer: SignerOptions
  @Option(help: "The signed trust file (release profile).") var trust: String?
  @Option(help: "The fingerprint of its root (release profile).") var trustFingerprint: String?
  @Option(help: "The signed release policy (release profile).") var policy: String?
  @Option(help: "The folder of the ledger (release profile).") var ledger: String?
  @Option(help: "The origin of the ledger, such as example.org/rustynet (release profile).") var origin: String?
  @Option(help: "The sealed key of the ledger (default: --key, where that is a sealed key file).") var logKey: String?
  @Option(help: "Read the passphrase of the ledger's key from this file.") var logPassphraseFile: String?

  struct Required {
    let trust: String
    let fingerprint: String
    let policy: String
    let ledger: String
    let origin: String
  }

  /// What is wrong where not everything that a release needs is given.
  var missing: Problem? {
    let given = [signer.key, trust, trustFingerprint, policy, ledger, origin]
    guard given.contains(nil) else { return nil }
    return .refused(
      "release.no-identity",
      "a release needs --key, --trust, --trust-fingerprint, --policy, --ledger and --origin",
      source: "documents/threat-model.md", hint: "see documents/operations/release.md")
  }

  /// The key that signs checkpoints: those are signed notes, which know Ed25519 keys of our own alone.
  func logKey(or key: any Signer) throws(Problem) -> Ed25519.SigningKey {
    if let logKey {
      guard let logPassphraseFile else {
        throw .usage("passphrase.source", "--log-key needs --log-passphrase-file")
      }
      return try KeyFile.load(path: logKey, passphrase: try PassphraseSource.file(logPassphraseFile).read())
    }
    guard let key = key as? Ed25519.SigningKey else {
      throw .usage(
        "release.log-key", "the ledger is signed by a sealed key, and --key is none",
        hint: "add --log-key FILE --log-passphrase-file FILE, a key of the role log")
    }
    return key
  }

  func required() throws(Problem) -> Required {
    guard let trust, let trustFingerprint, let policy, let ledger, let origin else {
      throw missing ?? .usage("usage.release", "an option of the release profile is missing")
    }
    return Required(trust: trust, fingerprint: trustFingerprint, policy: policy, ledger: ledger, origin: origin)
  }
}

/// A verdict for people: the first line says it all, deferred requirements come first, then each gate.
enum VerdictText {
  static func print(_ verdict: Verdict) {
    Console.print(verdict.title)
    for deferral in verdict.deferred {
      Console.print(
        "  deferred  \(deferral.requirement.padding(to: 10))\(deferral.gate): \(deferral.reason) "
          + "(\(deferral.owner), until \(deferral.expires))")
    }
    var said: [Check] = []
    for gate in verdict.gates where !gate.isDeferred {
      Console.print("  \(gate.outcome.rawValue.padding(to: 10))\(gate.id.padding(to: 20))\(gate.title)")
      let faults = gate.checks.filter { $0.outcome != .passed }
      // One cause, such as a change that is in no commit, shows in many gates; it is explained once.
      for line in Report.lines(faults.filter { !said.contains($0) }) { Console.print("  \(line)") }
      for check in faults where said.contains(check) { Console.print("    \(check.id): as above") }
      said += faults
    }
    let entry = verdict.evidence.trust == nil ? "in no ledger" : "ledger entry \(verdict.sequence)"
    Console.print("commit \(verdict.evidence.commit), \(entry), judged at \(verdict.evidence.time)")
    for subject in verdict.evidence.subjects { Console.print("released \(subject.name) \(subject.digests[0])") }
  }
}

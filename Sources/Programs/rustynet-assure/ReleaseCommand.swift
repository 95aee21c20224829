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
      The first line on standard output is the verdict. Ends with 0 when it passed, with 78 when it did not.
      """)

  @Option(help: "preview or release.") var profile: Profile = .preview
  @Option(help: "The folder for the files (default: artifacts/release, for a release artifacts/release/final).")
  var output: String?
  @Option(help: "Write the verdict to this file too.") var json: String?
  @Option(help: "The root of the source tree.") var root = "."
  @OptionGroup var keys: ReleaseKeyOptions

  func run() async throws {
    if let json { try FileSystem.remove(json) }
    let folder = output ?? "\(root)/artifacts/release\(profile == .release ? "/final" : "")"
    try FileSystem.makeFolder(folder)
    let workspace = try await Workspace(root: root, output: "\(folder)/evidence")
    let begin = Host.monotonicSeconds()
    let (identity, policy, bytes) = try profile == .preview ? preview(workspace) : release()
    let run = ReleaseRun(
      workspace: workspace, folder: folder, policy: policy, policyBytes: bytes, identity: identity
    ) { line in
      let seconds = Int(Host.monotonicSeconds() - begin)
      Console.note("[\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)] \(line)")
    }
    let verdict = try await run.run()
    if let json { try FileSystem.write(verdict.encoded, to: json) }
    try VerdictText.print(verdict)
    try audit(folder, identity: identity)
    Console.print("files: \(folder)/{evidence.pack,report.html,verdict.json,trust.json,sbom.cdx.json,provenance.json}")
    if !verdict.isPassed { throw Report.end(.refused) }
  }

  private func preview(_ workspace: Workspace) throws(Problem) -> (ReleaseIdentity, ReleasePolicy, [UInt8]) {
    let path = "\(workspace.root)/attestations/policies/preview.json"
    let bytes = try FileSystem.read(path, limit: 1 << 20, links: .refused)
    do throws(Problem) { return (try PreviewIdentity.load(), try PinnedPolicy.read(bytes), bytes) } catch {
      throw error.at(path)
    }
  }

  private func release() throws(Problem) -> (ReleaseIdentity, ReleasePolicy, [UInt8]) {
    let now = Host.now()
    let options = try keys.required()
    let envelope = try Input.envelope(options.trust)
    let trust = try TrustFile.verified(
      envelope, fingerprint: try Digest(options.fingerprint), at: now, for: .release)
    let bytes = try FileSystem.read(options.policy, limit: 1 << 20, links: .refused)
    let policy = try ReleasePolicy.verified(try Envelope(parsing: bytes), trust: trust, at: now)
    let key = try keys.signer.load()
    let identity = ReleaseIdentity(
      key: key, trustEnvelope: envelope, trust: trust, log: try NoteSigner(name: options.origin, signingKey: key),
      ledger: options.ledger)
    return (identity, policy, bytes)
  }

  /// The pack, read back from the disk and audited like an auditor would; its report is written from it.
  private func audit(_ folder: String, identity: ReleaseIdentity) throws(Problem) {
    let pack = try Pack(parsing: try FileSystem.read("\(folder)/evidence.pack", limit: Container.sizeLimit))
    let audit = pack.audit(PackDemand(profile: profile, trust: identity.trustEnvelope, time: Host.now()))
    try FileSystem.write(try PackPage.html(pack, audit: audit), to: "\(folder)/report.html")
    // A refused verdict is no fault of the pack; anything else is.
    let faults = audit.checks.filter { $0.outcome != .passed && $0.code != "verdict.refused" }
    guard faults.isEmpty else {
      for line in Report.lines(faults) { Console.note(line) }
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

  struct Required {
    let trust: String
    let fingerprint: String
    let policy: String
    let ledger: String
    let origin: String
  }

  func required() throws(Problem) -> Required {
    guard signer.key != nil, let trust, let trustFingerprint, let policy, let ledger, let origin else {
      // Not an error of spelling: what a release needs is not there, so nothing can be judged as one.
      throw .refused(
        "release.not-run",
        "no release was judged: it needs --key, --trust, --trust-fingerprint, --policy, --ledger and --origin",
        source: "design, “Who trusts what”",
        hint: "not run: \(ReleaseKeyOptions.pending); see documents/operations/release.md")
    }
    return Required(trust: trust, fingerprint: trustFingerprint, policy: policy, ledger: ledger, origin: origin)
  }

  private static var pending: String {
    (try? GateSet.release.gates(root: ".").joined(separator: ", ")) ?? "every gate of the release set"
  }
}

/// A verdict for people: the first line says it all, deferred requirements come first, then each gate.
enum VerdictText {
  static func print(_ verdict: Verdict) throws(Problem) {
    Console.print(verdict.title)
    for deferral in verdict.deferred {
      Console.print(
        "  deferred  \(deferral.requirement.padding(to: 10))\(deferral.gate): \(deferral.reason) "
          + "(\(deferral.owner), until \(deferral.expires))")
    }
    for gate in verdict.gates where gate.deferral == nil {
      Console.print("  \(gate.outcome.rawValue.padding(to: 10))\(gate.id.padding(to: 20))\(gate.title)")
      for line in Report.lines(gate.checks.filter { $0.outcome != .passed }) { Console.print("  \(line)") }
    }
    Console.print(
      "commit \(verdict.evidence.commit), ledger entry \(verdict.sequence), judged at \(verdict.evidence.time)")
    for subject in verdict.evidence.subjects { Console.print("released \(subject.name) \(subject.digests[0])") }
  }
}

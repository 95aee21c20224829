public import Attestation
import Commands
import Cryptography
public import Diagnostics
public import Gates
import Inventory
import LinuxKit
import Provenance
import SBOM
import StrictJSON
import Wire

/// The main job: measure, collect, sign, log, judge and pack a release, in this order, into one folder.
///
/// Whatever an earlier run left of it is removed first, so that nothing old can be taken for new.
public struct ReleaseRun: Sendable {
  /// The tree, and the folder where the evidence is collected.
  public let workspace: Workspace
  /// The folder for the files that people take away: pack, verdict, trust file, bill of materials, provenance.
  public let folder: String
  /// What the release must show.
  public let policy: ReleasePolicy
  /// The bytes that the policy was read from.
  public let policyBytes: [UInt8]
  /// With what it is signed.
  public let identity: ReleaseIdentity
  /// Gets a line for each step.
  public let report: @Sendable (String) -> Void

  /// A run.
  public init(
    workspace: Workspace, folder: String, policy: ReleasePolicy, policyBytes: [UInt8], identity: ReleaseIdentity,
    report: @escaping @Sendable (String) -> Void
  ) {
    self.workspace = workspace
    self.folder = folder
    self.policy = policy
    self.policyBytes = policyBytes
    self.identity = identity
    self.report = report
  }

  /// The file of the pack, in the folder that people take away.
  public static let packName = "evidence.pack"
  /// The file of the page beside it.
  public static let pageName = "report.html"
  /// The documents that people take away besides pack and report.
  private static let takenAway = [MemberName.verdict, MemberName.trust, MemberName.sbom, MemberName.provenance]

  /// Runs everything and returns the verdict.
  public func run() async throws(Problem) -> Verdict {
    try ReleaseRun.removeEarlierResults(workspace, folder: folder)
    let subjects = try measureSubjects()
    try await buildRecord(subjects)
    try await writeSBOM(subjects)
    try await writeProvenance(subjects)
    try write(identity.trustEnvelope.encoded, MemberName.trust)
    try write(policyBytes, MemberName.policy)
    let definitions = try await observe(subjects)
    try await workspace.requireUnmoved()
    var documents = try EvidenceFolder.read(workspace.output)
    let verdict = try log(&documents) { sequence, documents in
      let evidence = GateEvidence(
        policy: policy, trust: identity.trust, time: Host.now(), commit: workspace.source.commit, subjects: subjects,
        documents: documents)
      return Verdict(sequence: sequence, evidence: evidence, definitions: definitions)
    }
    for (name, bytes) in documents { try write(bytes, name) }
    report("packing \(documents.count) documents")
    let pack = try Manifest.pack(
      documents.map { Container.Member(name: $0.key, bytes: $0.value) }, profile: policy.profile,
      created: verdict.evidence.time, key: identity.key)
    for name in ReleaseRun.takenAway { try FileSystem.write(documents[name] ?? [], to: "\(folder)/\(name)") }
    try FileSystem.write(pack, to: "\(folder)/\(ReleaseRun.packName)")
    return verdict
  }

  // MARK: steps

  /// Removes what an earlier run left, but for the records of the tests and of the conformance runs, and begins the evidence anew.
  ///
  /// A folder that holds something else is refused: it was named by mistake, and what is in it is somebody's.
  public static func removeEarlierResults(_ workspace: Workspace, folder: String) throws(Problem) {
    let known = ["gates", "ledger", "records", "control"] + MemberName.topLevel
    if FileSystem.status(workspace.output) != nil {
      for name in try FileSystem.list(workspace.output) where !known.contains(name) && !name.hasSuffix(".tmp") {
        throw .malformed(
          "release.folder", "the folder holds something that no release wrote", place: "\(workspace.output)/\(name)",
          hint: "name another --output, or remove it yourself")
      }
    } else if let name = (takenAway + [packName, pageName]).first(where: {
      FileSystem.status("\(folder)/\($0)") != nil
    }) {
      throw .malformed(
        "release.folder", "a file stands here that no release wrote", place: "\(folder)/\(name)",
        hint: "name another --output, or remove it yourself")
    }
    for name in takenAway + [packName, pageName] { try FileSystem.remove("\(folder)/\(name)") }
    let records = try recordsMadeBefore(workspace)
    try FileSystem.removeTree(workspace.output)
    try FileSystem.makeFolder("\(workspace.output)/\(Path.folder(of: MemberName.testsRecord))")
    for (path, bytes) in records { try FileSystem.write(bytes, to: path) }
    let exceptions = "\(workspace.root)/attestations/policies/\(MemberName.exceptions)"
    let bytes = try FileSystem.read(exceptions, limit: 1 << 20, links: .refused)
    try FileSystem.write(bytes, to: "\(workspace.output)/\(MemberName.exceptions)")
  }

  /// The records that `record run` wrote before a release: of the tests and of the conformance runs, with their paths.
  private static func recordsMadeBefore(_ workspace: Workspace) throws(Problem) -> [(String, [UInt8])] {
    let folder = "\(workspace.output)/\(Path.folder(of: MemberName.testsRecord))"
    guard FileSystem.status(folder) != nil else { return [] }
    var records: [(String, [UInt8])] = []
    for name in try FileSystem.list(folder).sorted() {
      let path = "\(folder)/\(name)"
      let isMadeBefore =
        name == Path.name(of: MemberName.testsRecord)
        || (name.hasPrefix(MemberName.conformancePrefix) && name.hasSuffix(".json"))
      if isMadeBefore { records.append((path, try FileSystem.read(path, limit: 16 << 20, links: .refused))) }
    }
    return records
  }

  private func measureSubjects() throws(Problem) -> [Subject] {
    report("hashing the released binaries")
    var subjects: [Subject] = []
    for name in policy.subjects {
      let path = "\(workspace.products)/\(name)"
      guard FileSystem.status(path) != nil else {
        throw .refused(
          "release.no-binary", "the released binary is missing", place: path, hint: "scripts/build-release")
      }
      let facts = try FileFacts(reading: path)
      subjects.append(Subject(name: name, digests: [facts.sha256, facts.sha512]))
    }
    return subjects
  }

  /// Runs the build once more and records it: it must end with 0 and leave the very same binaries.
  private func buildRecord(_ subjects: [Subject]) async throws(Problem) {
    let command = try await buildCommand()
    report("recording the build: \(command.joined(separator: " "))")
    let started = Host.now()
    let result = try await Command(command[0], Array(command.dropFirst()), in: workspace.root, seconds: 1800).run()
    guard result.status.isSuccess, try measureSubjects() == subjects else {
      throw .refused(
        "release.rebuilt", "the build command does not leave the binaries that were there (\(result.status))",
        hint: "scripts/build-release")
    }
    let record = record("build", started: started, commands: [Record.Command(command, result)], facts: .null)
    try sign(record, about: subjects, MemberName.buildRecord)
  }

  /// The build command, argument by argument, as the script that people run prints it.
  private func buildCommand() async throws(Problem) -> [String] {
    let printed = try await Command("\(workspace.root)/scripts/build-release", ["--print"], in: workspace.root)
      .runChecked()
    let command = printed.text.split(separator: "\n").map(String.init)
    guard !command.isEmpty else { throw .malformed("release.command", "scripts/build-release --print printed nothing") }
    return command
  }

  private func writeSBOM(_ subjects: [Subject]) async throws(Problem) {
    report("making the bill of materials")
    let repository = try await GitRepository(containing: workspace.root)
    let facts = try await SBOMFacts.collect(
      folder: workspace.root, binaries: subjects.map { "\(workspace.products)/\($0.name)" }, version: nil,
      time: try await repository.commitTime(), creator: nil, report: report)
    let bytes = try SBOMWriter.bytes(facts)
    try write(bytes, MemberName.sbom)
    let statement = Statement(
      subjects: subjects, predicateType: PredicateType.cycloneDX, predicate: try JSON(parsing: bytes))
    try write(try statement.signed(by: [identity.key]).encoded, MemberName.signedSBOM)
  }

  private func writeProvenance(_ subjects: [Subject]) async throws(Problem) {
    report("making the provenance")
    var request = ProvenanceFacts.Request(
      folder: workspace.root, subjects: subjects.map { "\(workspace.products)/\($0.name)" },
      run: ProvenanceFacts.Run(
        builder: policy.builders.first ?? "", toolVersion: Product.version, invocation: nil, started: nil, finished: nil
      )
    )
    request.sourceAddress = policy.sources.first
    request.command = try await buildCommand()
    request.configuration = "release"
    let facts = try await ProvenanceFacts.collect(request, report: report)
    let statement = Statement(
      subjects: subjects, predicateType: PredicateType.provenance, predicate: ProvenanceWriter.predicate(facts))
    try write(try statement.signed(by: [identity.key]).encoded, MemberName.provenance)
  }

  /// Lets every gate of the policy look, and signs what it saw.
  private func observe(_ subjects: [Subject]) async throws(Problem) -> [String: [UInt8]] {
    var definitions: [String: [UInt8]] = [:]
    for required in policy.gates {
      let started = Host.now()
      let clock = Host.monotonicSeconds()
      let (gate, bytes) = try GateDefinition.load(required.id, root: workspace.root, pinned: required.definition)
      definitions[gate.id] = bytes
      try write(bytes, MemberName.gate(gate.id))
      let observation = try await gate.observe(in: workspace)
      let record = record(gate.id, started: started, commands: observation.commands, facts: observation.facts)
      try sign(record, about: subjects, MemberName.record(ofGate: gate.id))
      report("gate \(gate.id): looked for \(Int((Host.monotonicSeconds() - clock) * 1000)) ms")
    }
    return definitions
  }

  private func record(_ name: String, started: Timestamp, commands: [Record.Command], facts: JSON) -> Record {
    Record(
      name: name, started: started, finished: Host.now(), machine: workspace.machine, source: workspace.source,
      tool: workspace.tool, commands: commands, facts: facts)
  }

  private func sign(_ record: Record, about subjects: [Subject], _ name: String) throws(Problem) {
    let statement = Statement(subjects: subjects, predicateType: PredicateType.record, predicate: record.json)
    try write(try statement.signed(by: [identity.key]).encoded, name)
  }

  private func write(_ bytes: [UInt8], _ name: String) throws(Problem) {
    let path = "\(workspace.output)/\(name)"
    try FileSystem.makeFolder(Path.folder(of: path))
    try FileSystem.write(bytes, to: path)
  }
}

import Attestation
import Cryptography
import Diagnostics
import Gates
import LinuxKit
import StrictJSON
import TestSupport
import Testing
import TransparencyLog
import Wire

@testable import Evidence

let commit = String(repeating: "c", count: 40)
let toolBytes: [UInt8] = Array("tool".utf8)
/// Whether the long versions run: every byte, thousands of flips.
let isFull = Host.environment("RUSTYNET_FULL") != nil

/// The codes of the checks that did not pass.
func faults(_ audit: PackAudit) -> [String] { audit.checks.filter { $0.outcome != .passed }.map(\.code) }

/// A log in memory.
struct MemoryLog {
  var leaves: [LogHash] = []
  let signer: NoteSigner

  mutating func append(_ entries: [[UInt8]]) { leaves += entries.map(MerkleTree.leafHash) }

  private func hash(_ subtree: Subtree) -> LogHash {
    if subtree.height == 0 { return leaves[subtree.index] }
    let below = subtree.height - 1
    return MerkleHasher().node(
      hash(Subtree(height: below, index: 2 * subtree.index)), hash(Subtree(height: below, index: 2 * subtree.index + 1))
    )
  }

  func checkpoint(size: Int? = nil) throws -> SignedCheckpoint {
    let size = size ?? leaves.count
    let root = try MerkleTree.root(size: size) { (subtree) throws(Problem) in hash(subtree) }
    return try SignedCheckpoint(Checkpoint(origin: signer.key.name, size: size, root: root), signers: [signer])
  }

  func proof(_ index: Int) throws -> InclusionProof {
    let hashes = try MerkleTree.inclusionProof(index: index, size: leaves.count) { (subtree) throws(Problem) in
      hash(subtree)
    }
    return InclusionProof(index: index, hashes: hashes, checkpoint: try checkpoint())
  }
}

/// A whole release in memory, which an auditor accepts. Keys: 1 the builder, 2 the verifier, 3 security, 4 engineering,
/// 5 and 7 the root, 6 the log.
struct SampleRelease {
  typealias Documents = [String: [UInt8]]

  var time = now
  var profile = Profile.release
  var origin = "log.example/release"
  var title = "The checks"
  /// What the command gate saw.
  var exitCode: Int64 = 0
  var said: [JSON] = []
  var subjects = [Subject(name: "tool", digests: [Digest(of: toolBytes), Digest(of: toolBytes, .sha512)])]
  var trust: TrustFile
  var exceptions: JSON = ["type": "rustynet-dependency-exceptions/v1", "exceptions": []]
  var exceptionSigners: [UInt8] = []
  var policySigner: UInt8 = 5
  var limits: JSON = [
    "tests.minimum": 2, "sbom.minimum-components": 2, "evidence.maximum-age-seconds": 1000,
    "exceptions.maximum-days": 90,
    "keys.maximum-validity-days": 31,
  ]

  init(version: Int64 = 4, revoked: UInt8? = nil, until: Int64 = 30 * day, profile: Profile = .release) throws {
    self.profile = profile
    if profile == .preview { origin = "preview/log" }
    let names: [(String, [UInt8])] = [
      ("builder", [1]), ("eng", [4]), ("log", [6]), ("root", [5, 7]), ("sec", [3]), ("verifier", [2]),
    ]
    let principals = try names.map { name, numbers in
      Principal(
        name: name,
        keys: try numbers.map { number in
          var trusted = TrustedKey(
            key: try key(number).publicKey, validFrom: now.adding(seconds: -day),
            validUntil: now.adding(seconds: until),
            use: profile)
          if number == revoked { trusted.revokedSince = now.adding(seconds: -60) }
          return trusted
        })
    }
    func rule(_ name: String) -> RoleRule { RoleRule(threshold: 1, principals: [name]) }
    trust = try TrustFile(
      version: version, issued: now.adding(seconds: -day), expires: now.adding(seconds: 60 * day), profile: profile,
      principals: principals,
      roles: [
        .root: rule("root"), .builder: rule("builder"), .verifier: rule("verifier"), .log: rule("log"),
        .security: rule("sec"), .engineering: rule("eng"),
      ])
  }

  // MARK: documents

  func trustEnvelope(signer: UInt8 = 5) throws -> Envelope {
    Envelope(payloadType: TrustFile.payloadType, payload: trust.json.canonical, signedBy: [try key(signer)])
  }

  static let ids = ["checks", "tests", "sbom", "provenance", "dependencies", "exceptions"]

  func gate(_ id: String) -> [UInt8] {
    let rest =
      ["checks": "run: [make, check]", "tests": "parameters: {record: records/tests.json, command: [swift, test]}"][id]
      ?? ""
    return Array(
      """
      id: \(id)
      title: '\(id == "checks" ? title : id)'
      requirements: [P1-1]
      severity: high
      kind: \(id == "checks" ? "command" : id)
      minimum: {count: 1, of: things}
      \(rest)
      """.utf8)
  }

  var policy: JSON {
    [
      "type": "rustynet-release-policy/v1", "version": 2, "issued": .string("\(now.adding(seconds: -day))"),
      "expires": .string("\(now.adding(seconds: 60 * day))"), "profile": .string(profile.rawValue),
      "subjects": ["tool"],
      "gates": .array(
        SampleRelease.ids.map { ["id": .string($0), "definition": .string("\(Digest(of: gate($0)))")] }),
      "deferred": [], "limits": limits,
      "provenance": ["builders": ["urn:b"], "sources": ["git+https://h/o/n"], "buildTypes": ["urn:t"]],
      "dependencies": [["purl": "pkg:swift/h/o/lib", "licence": "MIT"]],
    ]
  }

  static func component(_ name: String, _ type: String, _ purl: String, _ bytes: [UInt8]) -> JSON {
    [
      "type": .string(type), "bom-ref": .string(name), "name": .string(name), "purl": .string(purl),
      "hashes": [["alg": "SHA-256", "content": .string(Digest(of: bytes).hex)]],
    ]
  }

  static let sbom: JSON = [
    "bomFormat": "CycloneDX", "specVersion": "1.6",
    "components": [
      component("tool", "application", "pkg:generic/tool@1.0", toolBytes),
      component("lib", "library", "pkg:swift/h/o/lib@2.0", [2]),
    ], "dependencies": [["ref": "tool", "dependsOn": ["lib"]]],
  ]

  static let provenance: JSON = [
    "buildDefinition": [
      "buildType": "urn:t", "externalParameters": ["source": ["uri": "git+https://h/o/n"], "command": ["make"]],
      "internalParameters": ["sourceTree": ["clean": true]],
      "resolvedDependencies": [
        ["name": "source", "uri": "git+https://h/o/n", "digest": ["gitCommit": .string(EvidenceTests.commit)]],
        ["name": "lib", "uri": "pkg:swift/h/o/lib@2.0"],
      ],
    ], "runDetails": ["builder": ["id": "urn:b"]],
  ]

  func statement(_ predicate: JSON, _ type: String, by signer: UInt8 = 1) throws -> [UInt8] {
    Statement(subjects: subjects, predicateType: type, predicate: predicate).signed(by: [try key(signer)]).encoded
  }

  private func record(_ name: String, _ facts: JSON, _ argv: [String] = [], exitCode: Int64 = 0) throws -> [UInt8] {
    let command = Record.Command(argv: argv, exitCode: exitCode, milliseconds: 1, log: Digest(of: []))
    let record = Record(
      name: name, started: now.adding(seconds: -9), finished: now.adding(seconds: -8),
      machine: .init(host: "h", kernel: "k", architecture: "a"),
      source: .init(commit: EvidenceTests.commit, isClean: true),
      tool: Digest(of: [7]), commands: argv.isEmpty ? [] : [command], facts: facts)
    return try statement(record.json, PredicateType.record)
  }

  /// Everything that is there before the judgement.
  func evidence() throws -> Documents {
    let binaries: JSON = [
      "sample": 1, "binaries": [["name": "tool", "sha256": .string(Digest(of: toolBytes).hex)]],
    ]
    let list =
      exceptionSigners.isEmpty
      ? exceptions.canonical
      : Envelope(
        payloadType: "application/vnd.rustynet.dependency-exceptions.v1+json", payload: exceptions.canonical,
        signedBy: try exceptionSigners.map { try key($0) }
      ).encoded
    let tests = try record("tests", ["passed": ["a", "b"], "failed": [], "notRun": []], ["swift", "test"])
    let facts: [String: JSON] = [
      "checks": ["sample": 1, "exitCode": .integer(exitCode), "said": .array(said)],
      "tests": ["sample": 1, "record": .string("\(Digest(of: tests))")],
      "sbom": binaries, "provenance": binaries,
      "dependencies": ["sample": 2, "licences": [["purl": "pkg:swift/h/o/lib@2.0", "licence": "MIT"]]],
      "exceptions": ["sample": 1, "document": .string("\(Digest(of: list))")],
    ]
    let plain = policy.canonical
    let signed = Envelope(
      payloadType: ReleasePolicy.payloadType, payload: plain, signedBy: [try key(policySigner)])
    var documents: Documents = [
      MemberName.trust: try trustEnvelope().encoded, MemberName.policy: profile == .release ? signed.encoded : plain,
      MemberName.sbom: SampleRelease.sbom.canonical, MemberName.exceptions: list,
      MemberName.signedSBOM: try statement(SampleRelease.sbom, PredicateType.cycloneDX),
      MemberName.provenance: try statement(SampleRelease.provenance, PredicateType.provenance),
      "records/tests.json": tests,
    ]
    for id in SampleRelease.ids {
      documents[MemberName.gate(id)] = gate(id)
      let isCommand = id == "checks"
      documents[MemberName.record(ofGate: id)] = try record(
        id, facts[id] ?? .null, isCommand ? ["make", "check"] : [], exitCode: isCommand ? exitCode : 0)
    }
    return documents
  }

  func verdict(sequence: Int, _ documents: Documents) throws -> Verdict {
    var definitions: Documents = [:]
    for id in SampleRelease.ids { definitions[id] = documents[MemberName.gate(id)] }
    return Verdict(
      sequence: Int64(sequence),
      evidence: GateEvidence(
        policy: try ReleasePolicy(parsing: policy.canonical), trust: trust, time: time, commit: EvidenceTests.commit,
        subjects: subjects, documents: documents), definitions: definitions)
  }

  func log(_ key: Ed25519.SigningKey? = nil) throws -> MemoryLog {
    var log = MemoryLog(signer: try NoteSigner(name: origin, signingKey: key ?? TestSupport.key(6)))
    log.append([[1], [2], [3]])
    return log
  }

  /// Judges and logs the evidence, like `ReleaseRun`. `forge` may change the decision before it is logged: an attacker
  /// who has the keys of the builder, of the verifier and of the log.
  func complete(
    _ evidence: Documents, log: MemoryLog? = nil, forge: (inout Documents) throws -> Void = { _ in }
  ) throws -> Documents {
    var documents = evidence
    var log = try log ?? self.log()
    let first = documents.keys.filter(MemberName.isLogged).sorted()
    let start = log.leaves.count
    log.append(first.map { LedgerEntry(name: $0, document: documents[$0] ?? []).encoded })
    let verdict = try verdict(sequence: log.leaves.count, documents)
    documents[MemberName.verdict] = verdict.encoded
    let verifier = try key(2)
    documents[MemberName.summary] =
      Decision.summary(verdict, documents: documents, program: Digest(of: [7])).signed(by: [verifier]).encoded
    documents[MemberName.result] = Decision.result(verdict).signed(by: [verifier]).encoded
    try forge(&documents)
    let second = [MemberName.verdict, MemberName.summary, MemberName.result]
    log.append(second.map { LedgerEntry(name: $0, document: documents[$0] ?? []).encoded })
    for (offset, name) in (first + second).enumerated() {
      documents[MemberName.proof(of: name)] = try log.proof(start + offset).bytes
    }
    documents[MemberName.checkpoint] = try log.checkpoint().note.bytes
    documents[MemberName.leaves] = log.leaves.flatMap(\.bytes)
    return documents
  }

  /// The pack of these documents, its manifest signed by `signer`.
  func pack(_ documents: Documents, signer: UInt8 = 1) throws -> [UInt8] {
    try Manifest.pack(
      documents.map { Container.Member(name: $0.key, bytes: $0.value) }, profile: profile, created: time,
      key: try key(signer))
  }

  func pack() throws -> [UInt8] { try pack(complete(evidence())) }

  /// What the auditor asks by default.
  func demand() throws -> PackDemand {
    PackDemand(
      profile: profile, trust: try trustEnvelope(), fingerprint: trust.rootFingerprint, time: time,
      subjects: [(name: "tool", digests: [Digest(of: toolBytes)])], requiredGates: SampleRelease.ids)
  }

  /// What the auditor finds wrong in the pack of these documents; a pack that cannot be read has one fault.
  func audit(_ documents: Documents, signer: UInt8 = 1) throws -> [String] {
    do {
      let audit = try Pack(parsing: pack(documents, signer: signer)).audit(demand())
      return audit.outcome == .passed ? [] : faults(audit)
    } catch let problem as Problem { return [problem.code] }
  }
}

/// The sample, made once.
enum Sample {
  static let release = Result { try SampleRelease() }
  static let documents = Result { try release.get().complete(try release.get().evidence()) }
  static let pack = Result { try release.get().pack(documents.get()) }
}

/// Numbers that are the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

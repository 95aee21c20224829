import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import SupplyChain

/// A provenance by the workflow, tests by two builders, and both of one commit.
private let policy: JSON = [
  "type": "rustynet-supply-policy/v1", "version": 1, "issued": .string("\(now.adding(seconds: -day))"),
  "expires": .string("\(now.adding(seconds: day))"),
  "attestations": [
    [
      "id": "provenance", "predicateType": .string(PredicateType.provenance),
      "identities": [
        [
          "pattern": "https://github.com/o/r/.github/workflows/*.yml@refs/tags/v*", "issuer": .string(github),
        ]
      ], "maximumAgeSeconds": 86_400,
      "provenance": ["builder": .string(BuilderID(workflow).name), "source": "github.com/o/r", "tag": "v1.2.3"],
    ],
    [
      "id": "tests", "predicateType": .string(PredicateType.record), "roles": [["role": "builder", "threshold": 2]],
      "maximumAgeSeconds": 3600,
    ],
  ], "joins": [["id": "one-commit", "on": "commit", "attestations": ["provenance", "tests"]]],
]

private func record(_ commit: String = commit, finished: Int64 = -60) -> JSON {
  Record(
    name: "tests", started: now.adding(seconds: finished - 60), finished: now.adding(seconds: finished),
    machine: .init(host: "h", kernel: "k", architecture: "a"), source: .init(commit: commit, isClean: true),
    tool: Digest(of: [1]), commands: [], facts: [:]
  ).json
}

private func provenance(
  _ predicate: JSON = predicateV1, signer: SignerIdentity = identity(), label: String = "p", digest: Digest = artifact
) -> VerifiedAttestation {
  VerifiedAttestation(
    label: label, statement: statement(predicate, PredicateType.provenance, digest), signer: .certificate(signer),
    time: nil)
}

private func tests(
  _ predicate: JSON = record(), signers: [Role: [String]] = [.builder: ["ada", "bob"]], label: String = "t",
  digest: Digest = artifact
) -> VerifiedAttestation {
  VerifiedAttestation(
    label: label, statement: statement(predicate, PredicateType.record, digest), signer: .principals(signers), time: nil
  )
}

private func judge(_ attestations: [VerifiedAttestation], _ json: JSON = policy) throws -> PolicyVerdict {
  try SupplyPolicy(parsing: json.canonical).judge(attestations, artifact: [artifact], at: now)
}

@Suite struct SupplyPolicyTests {
  @Test func everythingInOrderPasses() throws {
    let verdict = try judge([provenance(), tests()])
    #expect(verdict.outcome == .passed)
    #expect(codes(verdict.checks) == [])
    #expect(try judge([tests(), provenance()]).outcome == .passed)
  }

  static let sets: [(name: String, attestations: [VerifiedAttestation], codes: [String])] = [
    ("nothing", [], ["policy.join", "policy.no-attestation"]),
    ("no tests", [provenance()], ["policy.join", "policy.no-attestation"]),
    (
      "another artifact", [provenance(digest: Digest(of: [1])), tests()],
      ["policy.attestation", "policy.join", "subject.digest"]
    ),
    (
      "one signer", [provenance(), tests(signers: [.builder: ["ada"]])],
      ["policy.attestation", "policy.join", "policy.threshold"]
    ),
    (
      "one signer twice", [provenance(), tests(signers: [.builder: ["ada", "ada"]])],
      ["policy.attestation", "policy.join", "policy.threshold"]
    ),
    (
      "another role", [provenance(), tests(signers: [.verifier: ["ada", "bob"]])],
      ["policy.attestation", "policy.join", "policy.threshold"]
    ),
    (
      "old tests", [provenance(), tests(record(finished: -3601))],
      ["evidence.stale", "policy.attestation", "policy.join"]
    ),
    (
      "future tests", [provenance(), tests(record(finished: 301))],
      ["evidence.future", "policy.attestation", "policy.join"]
    ),
    ("another commit", [provenance(), tests(record("0000000000000000000000000000000000000000"))], ["policy.join"]),
    (
      "another commit beside the right one",
      [provenance(), tests(record("0000000000000000000000000000000000000000"), label: "t0"), tests()], []
    ),
    ("a bad one beside a good one", [provenance(), tests(), tests(signers: [:], label: "t0")], []),
    (
      "an identity of another repository",
      [
        provenance(
          signer: SignerIdentity(
            name: "https://github.com/x/r/.github/workflows/release.yml@refs/tags/v1.2.3", issuer: github)), tests(),
      ], ["policy.attestation", "policy.identity", "policy.join", "provenance.signer"]
    ),
    (
      "another issuer", [provenance(signer: SignerIdentity(name: workflow, issuer: "https://i.example")), tests()],
      ["policy.attestation", "policy.identity", "policy.join", "provenance.issuer"]
    ),
    (
      "another tag",
      [
        provenance(
          predicateV1.with("buildDefinition/resolvedDependencies/0/uri", "git+https://github.com/o/r@refs/tags/v1.2.4")),
        tests(),
      ],
      ["policy.attestation", "policy.join", "provenance.tag", "provenance.trigger"]
    ),
    (
      "tests by a certificate",
      [
        provenance(),
        VerifiedAttestation(
          label: "t", statement: statement(record(), PredicateType.record), signer: .certificate(identity()), time: nil),
      ], ["policy.attestation", "policy.identity", "policy.join"]
    ),
  ]

  /// A policy that demanded roles alone for a provenance was met by anybody's certificate for the builder.
  @Test func rolesOfAProvenanceAreDemandedOfCertificatesToo() throws {
    let roles = policy.with("attestations/0/identities", nil)
    #expect(try judge([provenance(), tests()], roles).outcome == .passed)
    let both = roles.with("attestations/0/roles", [["role": "builder", "threshold": 2]])
    #expect(
      codes(try judge([provenance(), tests()], both).checks) == [
        "policy.attestation", "policy.identity", "policy.join",
      ])
  }

  /// Two spellings of one text are two runs.
  @Test func joinsCompareBytes() throws {
    let runs = ["https://ci.example/caf\u{e9}", "https://ci.example/cafe\u{301}"]
    let facts = runs.map { run in
      AttestationFacts(
        provenance(predicateV1.with("runDetails/metadata/invocationId", .string(run)))
      ).values(.run)
    }
    #expect(facts[0].count == 1)
    #expect(facts[0].isDisjoint(with: facts[1]))
  }

  @Test(arguments: sets) func eachRuleDecides(
    _ row: (name: String, attestations: [VerifiedAttestation], codes: [String])
  ) throws {
    let verdict = try judge(row.attestations)
    #expect(codes(verdict.checks) == row.codes, "\(row.name)")
    #expect((verdict.outcome == .passed) == row.codes.isEmpty, "\(row.name)")
    // The order of the attestations changes nothing.
    #expect(codes(try judge(row.attestations.reversed()).checks) == row.codes, "\(row.name)")
  }

  /// Two joins that are each met, but by no one choice.
  @Test func allJoinsAreMetTogether() throws {
    let other = "0000000000000000000000000000000000000000"
    let json = policy.with(
      "joins",
      [
        ["id": "one-commit", "on": "commit", "attestations": ["provenance", "tests"]],
        ["id": "one-subject", "on": "subject", "attestations": ["provenance", "tests"]],
      ]
    ).with("attestations/1/subject", "any")
    let strange = tests(record(), label: "t0", digest: Digest(of: [9]))
    let wrongCommit = tests(record(other), label: "t1")
    #expect(codes(try judge([provenance(), strange, wrongCommit], json).checks) == ["policy.join"])
    #expect(try judge([provenance(), strange, wrongCommit], json).outcome == .refused)
    #expect(try judge([provenance(), strange, wrongCommit, tests()], json).outcome == .passed)
  }

  @Test func runsAreJoined() throws {
    let second = PredicateType.testResult
    let json = policy.with(
      "attestations/1",
      [
        "id": "tests", "predicateType": .string(second),
        "identities": [["name": .string(workflow), "issuer": .string(github)]],
      ]
    ).with("joins/0/on", "run")
    func result(_ run: String) -> VerifiedAttestation {
      VerifiedAttestation(
        label: "t", statement: statement([:], second), signer: .certificate(identity { $0.runInvocationURI = run }),
        time: now)
    }
    #expect(
      try judge([provenance(), result("https://github.com/o/r/actions/runs/7/attempts/1")], json).outcome == .passed)
    #expect(
      codes(try judge([provenance(), result("https://github.com/o/r/actions/runs/7/attempts/2")], json).checks)
        == ["policy.join"])
  }

  @Test func anAgeNeedsATime() throws {
    let bare = predicateV1.with("runDetails/metadata/startedOn", nil).with("runDetails/metadata/finishedOn", nil)
    #expect(codes(try judge([provenance(bare), tests()]).checks).contains("policy.no-time"))
  }

  /// The second join fails whatever is chosen, which shows only after everything else was chosen.
  @Test func tooManyCombinationsAreNotRun() throws {
    let names = (0..<20).map { JSON.string("a\($0)") }
    let requirements = names.map { name -> JSON in
      ["id": name, "predicateType": .string(PredicateType.record), "roles": [["role": "builder", "threshold": 1]]]
    }
    let first: JSON = ["id": "c", "on": "commit", "attestations": .array(names)]
    let second: JSON = ["id": "s", "on": "run", "attestations": .array(names.suffix(2))]
    let many = (0..<20).map { tests(label: "t\($0)") }
    let one = policy.with("attestations", .array(requirements)).with("joins", [first])
    #expect(try judge(many, one).outcome == .passed)
    let verdict = try judge(many, one.with("joins", [first, second]))
    #expect(verdict.outcome == .refused)
    #expect(codes(verdict.checks) == ["policy.join-budget"])
  }
}

@Suite struct WaiverTests {
  private static func policy(_ of: String, expires: Int64 = 60) -> JSON {
    SupplyChainTests.policy.with("joins", []).with(
      "waivers",
      [
        [
          "of": .string(of), "owner": "security", "reason": "the runner is down",
          "expires": .string("\(now.adding(seconds: expires))"),
        ]
      ])
  }

  @Test func aWaiverIsNoPlainPass() throws {
    let verdict = try judge([provenance()], Self.policy("tests"))
    #expect(verdict.outcome == .passedWithWaivers)
    #expect(verdict.checks.outcome == .notRun)
    #expect(codes(verdict.checks) == ["policy.waived"])
    #expect(verdict.waivers.map(\.owner) == ["security"])
    #expect(verdict.outcome.rawValue == "passed with waivers")
  }

  @Test func anExpiredWaiverCountsForNothing() throws {
    #expect(try judge([provenance()], Self.policy("tests", expires: 0)).outcome == .passedWithWaivers)
    let verdict = try judge([provenance()], Self.policy("tests", expires: -1))
    #expect(verdict.outcome == .refused)
    #expect(codes(verdict.checks) == ["policy.no-attestation"])
    #expect(verdict.checks.contains { $0.id == "waiver.tests" && $0.message.contains("expired") })
  }

  @Test func aWaiverOfOneThingExcusesNoOther() throws {
    #expect(try judge([tests()], Self.policy("tests")).outcome == .refused)
    let unused = try judge([provenance(), tests()], Self.policy("tests"))
    #expect(unused.outcome == .passed)
    #expect(unused.waivers.isEmpty)
  }

  @Test func everythingWaivedIsRefused() throws {
    let alone = Self.policy("tests").with("attestations/0", nil)
    #expect(try judge([], alone).outcome == .refused)
    #expect(codes(try judge([], alone).checks) == ["policy.waived"])
  }
}

@Suite struct SupplyPolicyFormTests {
  static let changes: [(path: String, value: JSON?, code: String)] = [
    ("type", "rustynet-supply-policy/v2", "policy.type"), ("extra", 1, "json.unknown-field"),
    ("version", 0, "json.integer-range"), ("expires", "2020-01-01T00:00:00Z", "policy.validity"),
    ("attestations", [], "policy.empty"), ("attestations/0/extra", 1, "json.unknown-field"),
    ("attestations/1/id", "provenance", "policy.duplicate"), ("attestations/0/id", "A b", "json.token"),
    ("attestations/0/id", "A", "policy.id"), ("attestations/1/roles", nil, "policy.anybody"),
    ("attestations/1/roles", [], "policy.anybody"), ("attestations/1/roles/0/threshold", 0, "json.integer-range"),
    ("attestations/1/roles/0/role", "janitor", "json.choice"),
    ("attestations/0/identities/0/pattern", "*", "policy.pattern"),
    ("attestations/0/identities/0/pattern", "a**b", "policy.pattern"),
    ("attestations/0/identities/0/name", "a", "policy.identity"),
    ("attestations/0/identities/0/pattern", nil, "policy.identity"),
    ("attestations/0/identities/0/issuer", nil, "json.missing-field"),
    ("attestations/0/predicateType", "https://cyclonedx.org/bom", "policy.predicate-type"),
    ("attestations/0/provenance/branch", "main", "policy.ref"),
    ("attestations/0/provenance/source", nil, "json.missing-field"),
    ("attestations/0/maximumAgeSeconds", -1, "json.integer-range"), ("attestations/0/subject", "none", "json.choice"),
    (
      "attestations/1/summary", ["verifier": "v", "resource": "r", "levels": ["L"]], "policy.predicate-type"
    ),
    ("joins/0/attestations", ["provenance"], "policy.join"),
    ("joins/0/attestations", ["provenance", "provenance"], "policy.join"),
    ("joins/0/attestations", ["provenance", "sbom"], "policy.join"), ("joins/0/on", "colour", "json.choice"),
    ("joins/0/id", "tests", "policy.duplicate"), ("attestations/1/subject", "any", "accepted"),
    ("waivers", [["of": "sbom", "owner": "o", "reason": "r", "expires": "2027-01-01T00:00:00Z"]], "policy.waiver"),
    ("waivers", [["of": "tests", "owner": "o", "reason": "", "expires": "2027-01-01T00:00:00Z"]], "policy.waiver"),
    ("waivers", [["of": "tests", "owner": "o", "reason": "r"]], "json.missing-field"),
    ("waivers", [["of": "tests", "owner": "o", "reason": "r", "expires": "2027-01-01T00:00:00Z"]], "accepted"),
  ]

  @Test(arguments: changes) func isClosed(_ row: (path: String, value: JSON?, code: String)) {
    #expect(outcome { try SupplyPolicy(parsing: policy.canonical) } == "accepted")
    #expect(
      outcome { try SupplyPolicy(parsing: policy.with(row.path, row.value).canonical) } == row.code, "\(row.path)")
  }

  @Test func nothingMayBeUnbound() {
    let loose = policy.with("attestations/1/subject", "any").with("joins", [])
    #expect(outcome { try SupplyPolicy(parsing: loose.canonical) } == "policy.unbound")
    let both = policy.with("attestations/1/subject", "any").with("attestations/0/subject", "any")
    #expect(outcome { try SupplyPolicy(parsing: both.canonical) } == "policy.unbound")
  }

  static let patterns: [(pattern: String, name: String, holds: Bool)] = [
    ("https://github.com/o/*", "https://github.com/o/r", true),
    ("https://github.com/o/*", "https://github.com/o/", false),
    ("https://github.com/o/*", "https://github.com/o/r/x", false),
    ("https://github.com/o/*", "https://github.com/o/r@x", false),
    ("https://github.com/o/*", "xhttps://github.com/o/r", false), ("a*b", "ab", false), ("a*b", "axb", true),
    ("a*b", "axbc", false), ("a*b", "abb", true), ("a*b*c", "a1b2b3c", true), ("a*/b@*", "ax/b@y", true),
    ("a*/b@*", "ax/y/b@y", false), ("a*", "a", false), ("a*a*a*b", "aaaaaaaaaaaaaaaa", false), ("a*bb", "abbb", true),
    ("name", "name", true), ("name", "names", false),
  ]

  @Test(arguments: patterns) func patternsFitTheWholeName(_ row: (pattern: String, name: String, holds: Bool)) throws {
    #expect(try NamePattern(pattern: row.pattern).matches(row.name) == row.holds, "\(row.pattern) \(row.name)")
    #expect(NamePattern(exactly: row.pattern).matches(row.name) == (row.pattern == row.name))
  }

  /// Against a slow model that tries every place: the quick one takes the first and never goes back.
  @Test func patternsAgreeWithAModel() throws {
    func model(_ pattern: ArraySlice<Character>, _ name: ArraySlice<Character>) -> Bool {
      guard let first = pattern.first else { return name.isEmpty }
      guard first == "*" else { return name.first == first && model(pattern.dropFirst(), name.dropFirst()) }
      guard let character = name.first, character != "/", character != "@" else { return false }
      return model(pattern.dropFirst(), name.dropFirst()) || model(pattern, name.dropFirst())
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let pattern = "a" + String((0..<Int.random(in: 0...6, using: &random)).compactMap { _ in "ab/*".randomElement() })
      let name = "a" + String((0..<Int.random(in: 0...9, using: &random)).compactMap { _ in "aab/@".randomElement() })
      guard let quick = try? NamePattern(pattern: pattern) else { continue }
      #expect(quick.matches(name) == model(Array(pattern)[...], Array(name)[...]), "\(pattern) \(name)")
    }
  }

  @Test func onlyTheRootSigns() throws {
    let root = try key(5)
    let trust = try TrustFile(
      version: 1, issued: now.adding(seconds: -day), expires: now.adding(seconds: day), profile: .release,
      principals: [
        Principal(
          name: "dave",
          keys: [
            TrustedKey(
              key: root.publicKey, validFrom: now.adding(seconds: -day), validUntil: now.adding(seconds: day),
              use: .release)
          ])
      ], roles: [.root: RoleRule(threshold: 1, principals: ["dave"])])
    func read(_ signer: UInt8, _ type: String = SupplyPolicy.payloadType, at time: Timestamp = now) -> String {
      outcome {
        let envelope = Envelope(payloadType: type, payload: policy.canonical, signedBy: [try key(signer)])
        return try SupplyPolicy.verified(envelope, trust: trust, at: time)
      }
    }
    #expect(read(5) == "accepted")
    #expect(read(6) == "signature.unknown")
    #expect(read(5, ReleasePolicy.payloadType) == "policy.payload-type")
    #expect(read(5, at: now.adding(seconds: day)) == "policy.expired")
    #expect(read(5, at: now.adding(seconds: -day)) == "accepted")
  }
}

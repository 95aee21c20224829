import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

@Suite struct VerdictTests {
  private static let gateYAML = yaml("command", rest: "run: [make, check]")
  private static let good: JSON = ["sample": 1, "exitCode": 0, "said": []]
  private static let run = [command(["make", "check"])]

  /// The sample with a record of the gate; `gates` maps ids to their files.
  private func verdict(
    facts: JSON = good, name: String = "g", age: Int64 = 10, commit: String = GatesTests.commit, clean: Bool = true,
    commands: [Record.Command] = run, signer: UInt8 = 1, subjects: [Subject]? = nil, definition: [UInt8]? = gateYAML,
    pinned: [UInt8] = gateYAML, deferral: Int64? = nil, requirement: String = "P1-1",
    change: (inout Sample) throws -> Void = { _ in }
  ) throws -> Verdict {
    var sample = try Sample()
    sample.policy = sample.policy.with(
      "gates", value: [["id": "g", "definition": .string("\(Digest(of: pinned))")]])
    let record = sample.record(facts, name: name, age: age, commit: commit, clean: clean, commands: commands)
    let statement = Statement(
      subjects: subjects ?? sample.subjects, predicateType: PredicateType.record, predicate: record.json)
    sample.documents[MemberName.record(ofGate: "g")] = statement.signed(by: [try key(signer)]).encoded
    if let deferral {
      // Only a preview puts anything off; its keys must then be for that.
      sample.policy = sample.policy.with("profile", value: "preview").with(
        "deferred",
        value: [
          [
            "requirement": .string(requirement), "gate": "g", "reason": "r", "owner": "o",
            "expires": .string("\(now.adding(seconds: deferral))"),
          ]
        ])
      let trusted = TrustedKey(
        key: try key(1).publicKey, validFrom: now.adding(seconds: -day), validUntil: now.adding(seconds: day),
        use: .preview)
      let rule = RoleRule(threshold: 1, principals: ["builder"])
      sample.trust = try TrustFile(
        version: 1, issued: now.adding(seconds: -day), expires: now.adding(seconds: day), profile: .preview,
        principals: [Principal(name: "builder", keys: [trusted])], roles: [.root: rule, .builder: rule])
    }
    try change(&sample)
    return Verdict(sequence: 3, evidence: try sample.evidence, definitions: definition.map { ["g": $0] } ?? [:])
  }

  private func codes(_ verdict: Verdict) -> [String] { verdict.gates.flatMap { faults($0.checks) } }

  @Test func passesWhenAllIsRight() throws {
    let verdict = try verdict()
    #expect(codes(verdict) == [])
    #expect(verdict.isPassed)
    #expect(verdict.title == "RELEASE PASSED")
    #expect(member(verdict.json, "outcome") == "passed")
    #expect(try self.verdict().encoded == verdict.encoded)
  }

  @Test func theRecordMustFit() throws {
    let other = Subject(name: "tool", digests: [Digest(of: [7])])
    let rows: [(verdict: Verdict, codes: [String])] = [
      (try verdict(name: "h"), ["record.name"]), (try verdict(age: 1000), []),
      (try verdict(age: 1001), ["evidence.stale"]),
      (try verdict(age: -301), ["evidence.future"]), (try verdict(commit: "d"), ["record.commit"]),
      (try verdict(clean: false), ["record.dirty"]), (try verdict(subjects: [other]), ["record.subjects"]),
      (try verdict(signer: 2), ["signature.role", "signature.threshold"]),
      (try verdict(signer: 9), ["signature.unknown", "signature.threshold"]),
      (try verdict(facts: ["sample": 0, "exitCode": 0]), ["gate.sample"]),
      (
        try verdict(
          facts: ["sample": 1, "exitCode": 1, "said": []], commands: [command(["make", "check"], exitCode: 1)]),
        ["command.exit"]
      ),
      // The facts say 0, the command ended with 1, or it was another command, or none was run.
      (try verdict(commands: [command(["make", "check"], exitCode: 1)]), ["record.command"]),
      (try verdict(commands: [command(["true"])]), ["record.command"]), (try verdict(commands: []), ["record.command"]),
      (try verdict(commands: [command(["make check"])]), ["record.command"]),
      (try verdict { $0.documents[MemberName.record(ofGate: "g")] = nil }, ["evidence.missing"]),
      (try verdict { $0.documents[MemberName.record(ofGate: "g")] = [] }, ["json.syntax"]),
      (try verdict { $0.trust = nil }, ["evidence.no-trust"]),
      (
        try verdict { $0.policy = $0.policy.with("limits", "evidence.maximum-age-seconds", value: nil) },
        ["policy.no-limit"]
      ),
    ]
    for (index, row) in rows.enumerated() {
      let found = codes(row.verdict)
      #expect(found == row.codes || (row.codes == ["json.syntax"] && found.count == 1), "row \(index): \(found)")
      #expect(row.verdict.isPassed == row.codes.isEmpty, "row \(index)")
    }
  }

  @Test func theDefinitionMustBeThePinnedOne() throws {
    #expect(codes(try verdict(definition: nil)) == ["gate.missing"])
    let eased = yaml("command", rest: "run: [make, check]\n# eased")
    #expect(codes(try verdict(definition: eased)) == ["gate.definition"])
    #expect(codes(try verdict(definition: eased, pinned: eased)) == [])
    // What is not pinned is not even parsed.
    let deep = Array(String(repeating: "[", count: 100_000).utf8)
    #expect(codes(try verdict(definition: deep)) == ["gate.definition"])
    let misnamed = yaml("command", id: "h")
    #expect(codes(try verdict(definition: misnamed, pinned: misnamed)) == ["gate.id"])
    for definition in [nil, eased, deep] as [[UInt8]?] { #expect(try !verdict(definition: definition).isPassed) }
  }

  @Test func theRecordOfAnotherGateIsRefused() throws {
    // A good record of one gate, put in the place of another.
    #expect(codes(try verdict(name: "sbom")) == ["record.name"])
  }

  private static let notRun: JSON = ["notRun": ["code": "tool.missing", "message": "m"]]

  @Test func onlyWhatWasNotRunCanBeDeferred() throws {
    let deferred = try verdict(facts: VerdictTests.notRun, commands: [], deferral: 0)
    #expect(deferred.isPassed)
    #expect(deferred.deferred.count == 1)
    #expect(deferred.gates[0].outcome == .notRun)
    #expect(deferred.title == "PREVIEW PASSED, 1 requirement deferred")
    let foreign = try verdict(facts: VerdictTests.notRun, commands: [], deferral: 0, requirement: "P1-10")
    #expect(!foreign.isPassed)
    #expect(foreign.deferred.isEmpty)
    let expired = try verdict(facts: VerdictTests.notRun, commands: [], deferral: -1)
    #expect(!expired.isPassed)
    #expect(expired.deferred.isEmpty)
    #expect(expired.title == "PREVIEW REFUSED, 0 of 1 gates failed, 1 not run")
    let without = try verdict(facts: VerdictTests.notRun, commands: [])
    #expect(!without.isPassed)
    #expect(codes(without) == ["tool.missing"])
  }

  @Test func whatFailedIsNeverDeferred() throws {
    let rows = [
      try verdict(
        facts: ["sample": 1, "exitCode": 1, "said": []], commands: [command(["make", "check"], exitCode: 1)],
        deferral: 99),
      try verdict(facts: ["sample": 0, "exitCode": 0], deferral: 99), try verdict(signer: 9, deferral: 99),
      try verdict(facts: VerdictTests.notRun, clean: false, commands: [], deferral: 99),
      try verdict(facts: VerdictTests.notRun, age: 5000, commands: [], deferral: 99),
      try verdict(definition: nil, deferral: 99),
    ]
    for (index, row) in rows.enumerated() {
      #expect(!row.isPassed, "row \(index)")
      #expect(row.deferred.isEmpty, "row \(index)")
    }
    // What passed needs no deferral, and none is listed.
    let passed = try verdict(deferral: 99)
    #expect(passed.isPassed)
    #expect(passed.deferred.isEmpty)
    #expect(passed.title == "PREVIEW PASSED")
  }

  @Test func aResultWithoutChecksIsNotPassed() {
    let empty = GateResult(id: "g", title: "g", severity: .high, requirements: [], checks: [])
    #expect(empty.outcome == .notRun)
    #expect(!empty.isAcceptable)
  }

  @Test func aVerdictWithoutKeysIsNeverPassed() throws {
    let gates = try verdict().gates
    let unsigned = Verdict(unsigned: try Sample().evidence, gates: gates, missing: .refused("identity.missing", "m"))
    #expect(!unsigned.isPassed)
    #expect(!Verdict(unsigned: try Sample().evidence, gates: [], missing: .refused("x", "m")).isPassed)
  }

  @Test func everyRequiredGateIsListedInOrder() throws {
    var sample = try Sample()
    sample.policy = sample.policy.with(
      "gates",
      value: .array(["z", "a", "m"].map { ["id": .string($0), "definition": .string("\(Digest(of: []))")] }))
    let verdict = Verdict(sequence: 0, evidence: try sample.evidence, definitions: [:])
    #expect(verdict.gates.map(\.id) == ["z", "a", "m"])
    #expect(codes(verdict) == ["gate.missing", "gate.missing", "gate.missing"])
    #expect(verdict.title == "RELEASE REFUSED, 3 of 3 gates failed, 0 not run")
  }
}

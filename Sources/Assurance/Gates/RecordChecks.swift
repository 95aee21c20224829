import Attestation
import Cryptography
import Diagnostics
import StrictJSON

/// What holds for every record that a gate rests on.
enum RecordChecks {
  /// Fresh, and made on the commit that is released, with no change beside it, about the binaries that are released.
  static func judge(
    _ record: Record, about subjects: [Subject], evidence: GateEvidence
  ) throws(Problem) -> [Check] {
    [
      Freshness.check(
        "record.fresh", measured: record.finished, at: evidence.time,
        maximum: try evidence.policy.limit("evidence.maximum-age-seconds")),
      .equal(
        "record.commit", "record.commit", "the commit that was measured", expected: evidence.commit,
        found: record.source.commit, source: "A16", hint: "measure again on the commit that is released"),
      record.source.isClean
        ? .passed("record.clean", "the tree had no change beside the commit")
        : .failed(
          "record.clean", "record.dirty", "the tree had changes that are in no commit", expected: "clean",
          found: "changed", source: "A16", hint: "commit or remove them, then measure again"),
      self.subjects(subjects, evidence),
    ]
  }

  /// The same names, and for each name digests that agree wherever they can be compared.
  private static func subjects(_ found: [Subject], _ evidence: GateEvidence) -> Check {
    func list(_ subjects: [Subject]) -> String {
      subjects.map { "\($0.name) \($0.digests.first.map { "\($0)" } ?? "nothing")" }.sorted().joined(separator: ", ")
    }
    let isSame =
      found.count == evidence.subjects.count
      && evidence.subjects.allSatisfy { subject in
        found.contains { $0.name.isExactly(subject.name) && $0.matches(subject.digests) }
      }
    let source = "V10, V12"
    return isSame
      ? .passed("record.subjects", "the record is about the released binaries", found: list(found), source: source)
      : .failed(
        "record.subjects", "record.subjects", "the record is about other binaries", expected: list(evidence.subjects),
        found: list(found), source: source, hint: "measure again with the binaries that are released")
  }

  /// What is written down of a document that a gate rests on, when it looks.
  static func observe(_ name: String, in workspace: Workspace) throws(Problem) -> Observation {
    let digest = try Workspace.digest(of: "\(workspace.output)/\(name)")
    return Observation(sample: 1, [("record", .string(digest.description))])
  }

  /// The document in the evidence is the one that the gate looked at.
  static func same(
    _ name: String, as seen: JSONReader, code: String, what: String, evidence: GateEvidence
  ) throws(Problem) -> Check {
    .equal(
      "document", code, what, expected: try seen.text(),
      found: Digest(of: try evidence.document(name)).description)
  }

  /// A gate that runs a command has run that one, and its facts speak of the same end.
  static func commands(_ record: Record, of gate: GateDefinition) -> [Check] {
    guard !gate.run.isEmpty, case .object(let facts) = record.facts, facts["notRun"] == nil else { return [] }
    let expected = gate.run.joined(separator: " ")
    let found = record.commands.map { $0.argv.joined(separator: " ") }.joined(separator: "; ")
    guard let command = record.commands.first, command.argv.elementsEqual(gate.run, by: { $0.isExactly($1) }),
      facts["exitCode"].map({ $0 == .integer(command.exitCode) }) ?? (command.exitCode == 0)
    else {
      return [
        .failed(
          "record.command", "record.command", "the record is not of the gate's command and its end",
          expected: expected, found: found, source: "R2")
      ]
    }
    return [.passed("record.command", "the gate's command was run", expected: expected, found: found)]
  }
}

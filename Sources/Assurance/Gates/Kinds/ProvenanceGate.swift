import Attestation
import Cryptography
import Diagnostics
import Provenance
import SBOM
import StrictJSON

/// The provenance is signed by the builder, speaks of the released binaries, and says what the policy allows: builder,
/// build type, source, commit, clean tree, known parameters, and the dependencies of the bill of materials.
enum ProvenanceGate: GateKind {
  static let name = "provenance"

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    try ReleasedBinaries.observe(gate, in: workspace)
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    var checks = try ReleasedBinaries.judge(facts, by: evidence)
    let (statement, signatures) = try evidence.statement(MemberName.provenance, signedBy: .builder)
    checks += signatures
    guard signatures.outcome == .passed else { return checks }
    checks.append(
      .equal(
        "type", "provenance.type", "the type of the predicate", expected: PredicateType.provenance,
        found: statement.predicateType))
    let document = try ProvenanceDocument(JSONReader(statement.json))
    checks += subjects(statement, evidence)
    checks += ProvenanceRules.judge(document, policy: evidence.policy)
    checks += source(document, evidence)
    checks += try dependencies(document, evidence)
    return checks
  }

  private static func subjects(_ statement: Statement, _ evidence: GateEvidence) -> [Check] {
    evidence.subjects.map { subject in
      let stated = statement.subjects.first { $0.name.isExactly(subject.name) }
      let agrees = stated?.matches(subject.digests) ?? false
      let found = stated.map { "\($0.digests[0])" } ?? "nothing"
      return agrees
        ? .passed("subject.\(subject.name)", "the binary is a subject", expected: "\(subject.digests[0])", found: found)
        : .failed(
          "subject.\(subject.name)", "provenance.subject", "the binary is no subject of the provenance",
          expected: "\(subject.digests[0])", found: found, source: "P8-4")
    }
  }

  private static func source(_ document: ProvenanceDocument, _ evidence: GateEvidence) -> [Check] {
    // Only the dependency called “source” says what was built; a commit of some package says nothing of it.
    let source = try? document.dependency(named: "source")
    let commit = source?.digest["gitCommit"] ?? "none"
    let address = document.sourceAddress ?? ""
    let isOfSource = source?.uri.map { $0.isExactly(address) || $0.hasPrefix("\(address)@") } ?? false
    return [
      commit.isExactly(evidence.commit) && isOfSource
        ? .passed("commit", "the commit is the released one", expected: evidence.commit, found: commit)
        : .failed(
          "commit", "provenance.commit", "the provenance speaks of another commit or repository",
          expected: "\(evidence.commit) of \(address)", found: "\(commit) of \(source?.uri ?? "nothing")", source: "A16"
        ),
      document.isSourceClean == true
        ? .passed("clean", "the tree had no change beside the commit")
        : .failed(
          "clean", "provenance.dirty", "the tree had changes that are in no commit", expected: "clean",
          found: document.isSourceClean == false ? "changed" : "not stated", source: "A16"),
    ]
  }

  /// Every Swift package of the bill of materials must be a resolved dependency.
  private static func dependencies(_ document: ProvenanceDocument, _ evidence: GateEvidence) throws(Problem) -> [Check]
  {
    let sbom = try SBOMDocument(parsing: try evidence.document(MemberName.sbom))
    let resolved = Set(document.dependencies.compactMap(\.uri))
    let missing = sbom.swiftPackages.filter { !resolved.contains($0.purl) }
    if missing.isEmpty, !sbom.swiftPackages.isEmpty {
      return [
        .passed(
          "dependencies", "every package of the bill of materials was resolved", found: "\(sbom.swiftPackages.count)")
      ]
    }
    return [
      .failed(
        "dependencies", "provenance.dependencies", "a package of the bill of materials is no resolved dependency",
        found: missing.isEmpty ? "no package at all" : missing.map(\.purl).joined(separator: ", "))
    ]
  }
}

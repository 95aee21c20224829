import Attestation
import Cryptography
public import Diagnostics
public import Gates
import Mustache
import SBOM
import StrictJSON
import TransparencyLog
import Wire

/// A pack and its audit as one HTML page without scripts and without anything from elsewhere.
public enum PackPage {
  /// The page of a pack; every text in it is escaped by the template engine.
  public static func html(_ pack: Pack, audit: PackAudit) throws(Problem) -> [UInt8] {
    try render(
      audit.verdict, checks: audit.checks, isPreview: pack.manifest.profile == .preview, documents: pack.documents,
      summary: audit.outcome == .passed
        ? "The audit of this pack passed: \(audit.checks.count) checks." : "The audit refused this pack.")
  }

  /// The page of a verdict that was given without a pack, because nothing could be signed.
  public static func html(unsigned verdict: Verdict) throws(Problem) -> [UInt8] {
    try render(
      verdict, checks: [], isPreview: false, documents: [:],
      summary: "Judged without keys: nothing here is signed, and there is no pack.")
  }

  private static func render(
    _ verdict: Verdict?, checks: [Check], isPreview: Bool, documents: [String: [UInt8]], summary: String
  ) throws(Problem) -> [UInt8] {
    let template: MustacheTemplate
    do { template = try MustacheTemplate(string: PackTemplate.text) } catch {
      throw .couldNotRun("page.template", "\(error)")
    }
    var values = values(verdict, checks, documents)
    values["isPreview"] = isPreview
    values["audit"] = summary
    return Array(template.render(visible(values)).utf8)
  }

  /// The values with each character that could hide or reorder what stands beside it spelled out, such as \u{202e}.
  private static func visible(_ value: Any) -> Any {
    switch value {
    case let text as String: Printable.lines(text)
    case let members as [String: Any]: members.mapValues(visible)
    case let elements as [Any]: elements.map(visible)
    default: value
    }
  }

  private static func values(
    _ verdict: Verdict?, _ checks: [Check], _ documents: [String: [UInt8]]
  ) -> [String: Any] {
    let checkpoint = documents[MemberName.checkpoint].flatMap { try? SignedCheckpoint(parsing: $0).checkpoint }
    let faults = faults(verdict, checks)
    return [
      "title": verdict?.title ?? "No verdict could be derived",
      "class": faults.isEmpty && verdict != nil ? "passed" : "failed",
      "faults": faults.map(check), "hasFaults": !faults.isEmpty, "audited": checks.map(check),
      "deferred": (verdict?.deferred ?? []).map { deferral in
        [
          "requirement": deferral.requirement, "gate": deferral.gate, "reason": deferral.reason,
          "owner": deferral.owner, "expires": deferral.expires.description,
        ]
      }, "hasDeferred": !(verdict?.deferred ?? []).isEmpty, "gates": (verdict?.gates ?? []).map(gate),
      "time": verdict?.evidence.time.description ?? "unknown", "commit": verdict?.evidence.commit ?? "unknown",
      "policy": verdict.map { "version \($0.evidence.policy.version), \($0.evidence.policy.digest)" } ?? "unknown",
      "root": verdict?.evidence.trust.map { "\($0.rootFingerprint)" } ?? "unknown",
      "subjects": (verdict?.evidence.subjects ?? []).map { ["name": $0.name, "digest": $0.digests[0].description] },
      "origin": checkpoint?.origin ?? "unknown", "size": "\(checkpoint?.size ?? 0)",
      "rootHash": checkpoint?.root.base64 ?? "unknown", "sequence": verdict.map { "\($0.sequence)" } ?? "unknown",
      "components": components(documents),
    ]
  }

  /// What is wrong with the pack, and then what is wrong in each gate that was not passed or put off.
  private static func faults(_ verdict: Verdict?, _ checks: [Check]) -> [Check] {
    let gates = (verdict?.gates ?? []).filter { !$0.isAcceptable }
    let inGates = gates.flatMap { gate in
      gate.checks.filter { $0.outcome != .passed }.prefixed("\(gate.id): ")
    }
    return checks.filter { $0.outcome != .passed } + inGates
  }

  private static func gate(_ gate: GateResult) -> [String: Any] {
    [
      "id": gate.id, "name": gate.title, "severity": gate.severity.rawValue,
      "requirements": gate.requirements.joined(separator: ", "),
      "outcome": gate.isDeferred ? "deferred" : gate.outcome.rawValue,
      "class": gate.isDeferred ? "deferred" : gate.outcome.rawValue,
      "open": gate.outcome == .failed, "count": "\(gate.checks.count)",
      "checks": (gate.checks.filter { $0.outcome != .passed } + gate.checks.filter { $0.outcome == .passed }).map(
        check),
    ]
  }

  private static func check(_ check: Check) -> [String: Any] {
    [
      "id": check.id, "outcome": check.outcome.rawValue, "message": check.message, "code": check.code,
      "expected": check.expected ?? "", "found": check.found ?? "", "source": check.source ?? "",
      "hint": check.hint ?? "", "hasHint": check.hint != nil,
    ]
  }

  private static func components(_ documents: [String: [UInt8]]) -> [[String: Any]] {
    guard let bytes = documents[MemberName.sbom], let document = try? SBOMDocument(parsing: bytes) else {
      return []
    }
    return document.components.map { component in
      [
        "name": component.name, "version": component.version ?? "", "type": component.type,
        "purl": component.purl ?? "", "hash": component.hashes["SHA-256"] ?? "",
      ]
    }
  }
}

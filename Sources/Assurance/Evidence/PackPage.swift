import Attestation
import Cryptography
public import Diagnostics
import Gates
import Mustache
import SBOM
import StrictJSON
import TransparencyLog
import Wire

/// A pack and its audit as one HTML page without scripts and without anything from elsewhere.
public enum PackPage {
  /// The page; every text in it is escaped by the template engine.
  public static func html(_ pack: Pack, audit: PackAudit) throws(Problem) -> [UInt8] {
    let template: MustacheTemplate
    do { template = try MustacheTemplate(string: PackTemplate.text) } catch {
      throw .couldNotRun("page.template", "\(error)")
    }
    return Array(template.render(values(pack, audit)).utf8)
  }

  private static func values(_ pack: Pack, _ audit: PackAudit) -> [String: Any] {
    let verdict = audit.verdict
    let checkpoint = try? pack.checkpoint().checkpoint
    let faults = audit.checks.filter { $0.outcome != .passed }
    return [
      "title": verdict?.title ?? "No verdict could be derived",
      "class": audit.outcome == .passed ? "passed" : "failed",
      "isPreview": pack.manifest.profile == .preview,
      "audit": audit.outcome == .passed
        ? "The audit of this pack passed: \(audit.checks.count) checks." : "The audit refused this pack.",
      "faults": faults.map(check), "hasFaults": !faults.isEmpty, "audited": audit.checks.map(check),
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
      "components": components(pack),
    ]
  }

  private static func gate(_ gate: GateResult) -> [String: Any] {
    [
      "id": gate.id, "name": gate.title, "severity": gate.severity.rawValue,
      "requirements": gate.requirements.joined(separator: ", "),
      "outcome": gate.deferral == nil ? gate.outcome.rawValue : "deferred",
      "class": gate.deferral == nil ? gate.outcome.rawValue : "deferred",
      "open": gate.outcome == .failed, "count": "\(gate.checks.count)", "checks": gate.checks.map(check),
    ]
  }

  private static func check(_ check: Check) -> [String: Any] {
    [
      "id": check.id, "outcome": check.outcome.rawValue, "message": check.message, "code": check.code,
      "expected": check.expected ?? "", "found": check.found ?? "", "source": check.source ?? "",
      "hint": check.hint ?? "", "hasHint": check.hint != nil,
    ]
  }

  private static func components(_ pack: Pack) -> [[String: Any]] {
    guard let bytes = pack.documents[MemberName.sbom], let document = try? SBOMDocument(parsing: bytes) else {
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

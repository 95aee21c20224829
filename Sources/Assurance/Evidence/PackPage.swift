import Attestation
import Cryptography
import Diagnostics
public import Gates
import SBOM
import StrictJSON
import TransparencyLog
import Wire

/// A pack and its audit as one HTML page without scripts and without anything from elsewhere.
public enum PackPage {
  /// The page of a pack; every text in it is escaped by `HTML`.
  public static func html(_ pack: Pack, audit: PackAudit) -> [UInt8] {
    let isPassed = audit.outcome == .passed
    // What the pack says of itself may be quoted, and never stands where the verdict is read.
    let claim = audit.verdict.map { $0.isPassed ? " Its own verdict, “\($0.title)”, does not count." : "" } ?? ""
    return render(
      audit.verdict, title: audit.title, checks: audit.checks, isPreview: pack.manifest.profile == .preview,
      documents: pack.documents,
      summary: isPassed
        ? "The audit of this pack passed: \(audit.checks.count) checks." : "The audit refused this pack.\(claim)")
  }

  /// The page of a verdict that was given without a pack, because nothing could be signed.
  public static func html(unsigned verdict: Verdict) -> [UInt8] {
    render(
      verdict, title: verdict.title, checks: [], isPreview: false, documents: [:],
      summary: "Judged without keys: nothing here is signed, and there is no pack.")
  }

  private static func render(
    _ verdict: Verdict?, title: String, checks: [Check], isPreview: Bool, documents: [String: [UInt8]],
    summary: String
  ) -> [UInt8] {
    let faults = faults(verdict, checks)
    let outcome = faults.isEmpty && verdict != nil ? "passed" : "failed"
    let preview: HTML =
      "<p>A preview: signed with a key that lies unprotected in its user&#39;s state folder. It is not a release.</p>"
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title)</title>
      <style>
      \(PackStyle.sheet)
      </style>
      </head>
      <body>
      <header class="verdict \(outcome)">
      <h1>\(title)</h1>
      <p>\(summary)</p>
      \(preview, if: isPreview)
      </header>
      \(refusal(faults))\
      \(deferred(verdict))\
      \(released(verdict))\
      <h2>Gates</h2>
      \((verdict?.gates ?? []).map(gate))\
      \(ledger(verdict, documents))\
      \(components(documents))\
      \(audited(checks))\
      <p class="quiet">Verify this page's pack yourself: \
      <code>rustynet-assure evidence verify evidence.pack --trust YOUR-TRUST.json</code></p>
      </body>
      </html>

      """
    return Array(page.source.utf8)
  }

  /// What is wrong with the pack, and then what is wrong in each gate that was not passed or put off.
  private static func faults(_ verdict: Verdict?, _ checks: [Check]) -> [Check] {
    let gates = (verdict?.gates ?? []).filter { !$0.isAcceptable }
    let inGates = gates.flatMap { gate in
      gate.checks.filter { $0.outcome != .passed }.prefixed("\(gate.id): ")
    }
    return checks.filter { $0.outcome != .passed } + inGates
  }

  private static func refusal(_ faults: [Check]) -> HTML {
    guard !faults.isEmpty else { return "" }
    return """
      <h2>Why it is refused</h2>
      <div class="scroll"><table>
      <tr><th>Check</th><th>What is wrong</th><th>Expected and found</th></tr>
      \(faults.map(fault))\
      </table></div>

      """
  }

  private static func fault(_ check: Check) -> HTML {
    """
    <tr><td>\(tag(check.outcome.rawValue))<br><code>\(check.id)</code></td>
    <td>\(check.message)<br><span class="quiet">\(check.code) \(check.source)</span>\
    \("<br>\(check.hint)", if: check.hint != nil)</td>
    <td class="mono">\(check.expected)<br>\(check.found)</td></tr>

    """
  }

  private static func deferred(_ verdict: Verdict?) -> HTML {
    let deferred = verdict?.deferred ?? []
    guard !deferred.isEmpty else { return "" }
    let rows = deferred.map { deferral -> HTML in
      """
      <tr><td>\(deferral.requirement)</td><td>\(deferral.gate)</td><td>\(deferral.reason)</td>\
      <td>\(deferral.owner)</td><td>\(deferral.expires.description)</td></tr>

      """
    }
    return """
      <h2>Put off by the policy, not run</h2>
      <div class="scroll"><table>
      <tr><th>Requirement</th><th>Gate</th><th>Reason</th><th>Owner</th><th>Until</th></tr>
      \(rows)\
      </table></div>

      """
  }

  private static func released(_ verdict: Verdict?) -> HTML {
    let evidence = verdict?.evidence
    let subjects = (evidence?.subjects ?? []).map { subject -> HTML in
      "<dt>\(subject.name)</dt><dd class=\"mono\">\(subject.digests[0].description)</dd>"
    }
    let policy = evidence.map { "version \($0.policy.version), \($0.policy.digest)" } ?? "unknown"
    let root = verdict?.evidence.trust.map { "\($0.rootFingerprint)" } ?? "unknown"
    return """
      <h2>What was released</h2>
      <dl>
      \(subjects)
      <dt>Commit</dt><dd class="mono">\(evidence?.commit ?? "unknown")</dd>
      <dt>Judged at</dt><dd>\(evidence?.time.description ?? "unknown")</dd>
      <dt>Policy</dt><dd class="mono">\(policy)</dd>
      <dt>Root of trust</dt><dd class="mono">\(root)</dd>
      </dl>

      """
  }

  /// A gate with its trace: what is wrong comes first, and the trace of a failed gate is open.
  private static func gate(_ gate: GateResult) -> HTML {
    let outcome = gate.isDeferred ? "deferred" : gate.outcome.rawValue
    let checks = gate.checks.filter { $0.outcome != .passed } + gate.checks.filter { $0.outcome == .passed }
    let rows = checks.map { check -> HTML in
      """
      <tr><td>\(tag(check.outcome.rawValue))</td>
      <td><code>\(check.id)</code><br>\(check.message)\
      \("<br><span class=\"quiet\">\(check.hint)</span>", if: check.hint != nil)</td>
      <td class="mono">\(check.expected)</td><td class="mono">\(check.found)</td>\
      <td class="quiet">\(check.source)</td></tr>

      """
    }
    return """
      <details\(" open", if: gate.outcome == .failed)>
      <summary>\(tag(outcome)) <strong>\(gate.id)</strong> \(gate.title)
      <span class="meta">\(gate.severity.rawValue), \(gate.requirements.joined(separator: ", ")), \
      \("\(gate.checks.count)" as String) checks</span></summary>
      <div class="scroll"><table>
      <tr><th>Outcome</th><th>Check</th><th>Expected</th><th>Found</th><th>Rule</th></tr>
      \(rows)\
      </table></div>
      </details>

      """
  }

  private static func ledger(_ verdict: Verdict?, _ documents: [String: [UInt8]]) -> HTML {
    let checkpoint = documents[MemberName.checkpoint].flatMap { try? SignedCheckpoint(parsing: $0).checkpoint }
    let size = "\(checkpoint?.size ?? 0)"
    let sequence = verdict.map { "\($0.sequence)" } ?? "unknown"
    return """
      <h2>Ledger</h2>
      <dl>
      <dt>Origin</dt><dd class="mono">\(checkpoint?.origin ?? "unknown")</dd>
      <dt>Entries</dt><dd>\(size); this verdict is entry \(sequence)</dd>
      <dt>Root hash</dt><dd class="mono">\(checkpoint?.root.base64 ?? "unknown")</dd>
      </dl>

      """
  }

  private static func components(_ documents: [String: [UInt8]]) -> HTML {
    let document = documents[MemberName.sbom].flatMap { try? SBOMDocument(parsing: $0) }
    let rows = (document?.components ?? []).map { component -> HTML in
      """
      <tr><td>\(component.name)</td><td>\(component.version)</td><td>\(component.type)</td>\
      <td class="mono">\(component.purl)</td>
      <td class="mono">\(component.hashes["SHA-256"])</td></tr>

      """
    }
    return """
      <h2>Components</h2>
      <div class="scroll"><table>
      <tr><th>Name</th><th>Version</th><th>Type</th><th>Package URL</th><th>SHA-256</th></tr>
      \(rows)\
      </table></div>

      """
  }

  private static func audited(_ checks: [Check]) -> HTML {
    let rows = checks.map { check -> HTML in
      """
      <tr><td>\(tag(check.outcome.rawValue))</td><td><code>\(check.id)</code><br>\(check.message)</td>
      <td class="mono">\(check.expected)</td><td class="mono">\(check.found)</td></tr>

      """
    }
    return """
      <h2>The audit, check by check</h2>
      <details><summary>All checks of the audit</summary><div class="scroll"><table>
      <tr><th>Outcome</th><th>Check</th><th>Expected</th><th>Found</th></tr>
      \(rows)\
      </table></div></details>

      """
  }

  private static func tag(_ outcome: String) -> HTML { "<span class=\"tag \(outcome)\">\(outcome)</span>" }
}

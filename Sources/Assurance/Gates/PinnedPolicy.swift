public import Attestation
import Cryptography
public import Diagnostics

/// The preview policy that this program accepts, by its digest: nobody who holds a preview pack can lower a threshold
/// without another program. `scripts/pin-policy` sets the constant anew after a change of a gate or of the policy.
public enum PinnedPolicy {
  /// SHA-256 of the canonical form of `attestations/policies/preview.json`.
  public static let preview = "sha256:118d4ae4bb6fd15197688b96ccb1ee9136ffdcb2f4c8d1f7d5d2794535a72726"

  /// The gates without which no policy makes a release; an auditor's program demands them whatever the policy says.
  public static let releaseGates = [
    "tests", "sbom", "provenance", "build", "dependencies", "exceptions", "algorithms", "primitives", "layers",
    "secrets", "format",
    "markers",
    "documents", "lean-binaries", "soak", "sign-offs", "hardware-keys", "backend-agility",
  ]

  /// Reads the preview policy; any other than the pinned one is refused.
  public static func read(_ bytes: [UInt8]) throws(Problem) -> ReleasePolicy {
    let policy = try ReleasePolicy(parsing: bytes)
    guard policy.profile == .preview, policy.digest.description == preview else {
      throw .refused(
        "policy.pinned", "this is not the preview policy that this program was built with: \(policy.digest)",
        source: "documents/threat-model.md", hint: "after a deliberate change: scripts/pin-policy, then build again")
    }
    return policy
  }
}

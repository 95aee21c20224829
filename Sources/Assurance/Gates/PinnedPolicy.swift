public import Attestation
import Cryptography
public import Diagnostics

/// The preview policy that this program accepts, by its digest: nobody who holds a preview pack can lower a threshold
/// without another program. `scripts/pin-policy` writes this file anew after a change of a gate or of the policy.
public enum PinnedPolicy {
  /// SHA-256 of the canonical form of `attestations/policies/preview.json`.
  public static let preview = "sha256:49100070cedc4ee4bd566cbbdc1c61b739b66b571e1f5815a0530e6d8b369186"

  /// Reads the preview policy; any other than the pinned one is refused.
  public static func read(_ bytes: [UInt8]) throws(Problem) -> ReleasePolicy {
    let policy = try ReleasePolicy(parsing: bytes)
    guard policy.profile == .preview, policy.digest.description == preview else {
      throw .refused(
        "policy.pinned", "this is not the preview policy that this program was built with: \(policy.digest)",
        source: "design, “Who trusts what”", hint: "after a deliberate change: scripts/pin-policy, then build again")
    }
    return policy
  }
}

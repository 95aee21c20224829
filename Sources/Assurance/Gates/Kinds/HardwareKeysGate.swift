import Attestation
import Cryptography
import Diagnostics
import StrictJSON

/// Every key that may sign a release in one of the named roles is kept in hardware (P8-1, P8-2).
///
/// The word is that of the trust file, whose root took it from the attestation that the key itself has signed. All keys
/// of a role are judged and not those alone that signed: the next signature may be made with any of them. A preview is
/// not held to it, and does not pass as if it were: the gate is then not run, which the preview policy may put off.
enum HardwareKeysGate: GateKind {
  static let name = "hardware-keys"
  static let parameters = ["roles"]

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    try RecordChecks.observe(MemberName.trust, in: workspace)
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    guard let trust = evidence.trust else {
      throw .couldNotRun("evidence.no-trust", "no trust file is given, so no key was judged")
    }
    var checks = [
      try RecordChecks.same(
        MemberName.trust, as: try facts.member("record"), code: "hardware-keys.trust", what: "the trust file",
        evidence: evidence)
    ]
    var seen: Set<String> = []
    let roles = try JSONReader(gate.parameters, pointer: "/parameters").member("roles").elements(atMost: 32)
    for element in roles {
      let role = try element.choice(Role.self)
      let names = trust.roles[role]?.principals ?? []
      var count = 0
      for principal in trust.principals where names.contains(principal.name) {
        for key in principal.keys
        where (try? key.requireUsable(at: evidence.time, for: evidence.policy.profile)) != nil {
          count += 1
          if seen.insert(key.key.id).inserted { checks.append(judge(key, of: principal.name, evidence.policy.profile)) }
        }
      }
      if count == 0 {
        checks.append(
          .failed(
            "role.\(role.rawValue)", "hardware-keys.no-key", "no usable key acts as \(role.rawValue)", source: "V26"))
      }
    }
    guard !roles.isEmpty else { throw .malformed("hardware-keys.no-role", "the gate names no role", source: "V26") }
    return checks
  }

  private static func judge(_ key: TrustedKey, of principal: String, _ profile: Profile) -> Check {
    let id = "custody.\(principal).\(key.key.id)"
    let found = key.custody?.rawValue ?? "not attested"
    let expected = KeyProtection.hardware.rawValue
    guard key.custody != .hardware else {
      return .passed(id, "the key is kept in hardware", expected: expected, found: found, source: "P8-1")
    }
    guard profile == .release else {
      return .notRun(id, "hardware-keys.preview", "a preview may be signed with a key that is \(found)", source: "P8-1")
    }
    return .failed(
      id, "hardware-keys.custody", "the key is not kept in hardware", expected: expected, found: found,
      source: "P8-1, P8-2", hint: "rustynet-assure key attest --output F, then trust add --key-attestation F")
  }
}

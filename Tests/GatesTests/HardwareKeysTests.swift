import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

@Suite struct HardwareKeysTests {
  /// The codes that did not pass, with this custody of root (5) and builder (1).
  private func judge(
    root: KeyProtection? = .hardware, builder: KeyProtection? = .hardware, roles: String = "[root, builder]",
    profile: Profile = .release, expired: KeyProtection? = nil, swapped: Bool = false
  ) throws -> [String] {
    var sample = try Sample()
    func trusted(_ number: UInt8, _ custody: KeyProtection?, until: Int64 = 30) throws -> TrustedKey {
      TrustedKey(
        key: try key(number).publicKey, validFrom: now.adding(seconds: -9 * day),
        validUntil: now.adding(seconds: until * day), use: profile, custody: custody)
    }
    var builders = [try trusted(1, builder)]
    if let expired { builders.append(try trusted(7, expired, until: -1)) }
    let trust = try TrustFile(
      version: 1, issued: now.adding(seconds: -day), expires: now.adding(seconds: 60 * day), profile: profile,
      principals: [
        Principal(name: "builder", keys: builders), Principal(name: "root", keys: [try trusted(5, root)]),
        Principal(name: "sec", keys: [try trusted(2, nil)]),
      ],
      roles: [
        .root: RoleRule(threshold: 1, principals: ["root"]), .builder: RoleRule(threshold: 1, principals: ["builder"]),
        .security: RoleRule(threshold: 1, principals: ["sec"]),
      ])
    sample.trust = trust
    sample.policy = sample.policy.with("profile", value: .string(profile.rawValue))
    let bytes = trust.json.canonical
    sample.documents["trust.json"] = swapped ? bytes + [0x0a] : bytes
    let facts: JSON = ["sample": 1, "record": .string(Digest(of: bytes).description)]
    let gate = try definition("hardware-keys", rest: "parameters:\n  roles: \(roles)")
    return faults(gate.judge(facts, by: try sample.evidence))
  }

  @Test func aReleaseNeedsHardwareForEveryKeyOfTheRoles() throws {
    #expect(try judge() == [])
    for custody in [KeyProtection.software, .asserted, .file, nil] {
      #expect(try judge(builder: custody) == ["hardware-keys.custody"])
      #expect(try judge(root: custody) == ["hardware-keys.custody"])
      #expect(try judge(root: custody, builder: custody).count == 2)
    }
    #expect(try judge(roles: "[root, builder, security]") == ["hardware-keys.custody"])
  }

  @Test func aKeyThatCountsNoLongerDoesNoHarm() throws { #expect(try judge(expired: .file) == []) }

  @Test func aRoleWithoutAKeyProvesNothing() throws {
    #expect(try judge(roles: "[root, verifier]") == ["hardware-keys.no-key"])
    #expect(try judge(roles: "[]") == ["hardware-keys.no-role"])
    #expect(try judge(roles: "[king]").count == 1)
  }

  @Test func aPreviewIsNotRunUnlessItIsHardware() throws {
    #expect(try judge(profile: .preview) == [])
    #expect(try judge(builder: .file, profile: .preview) == ["hardware-keys.preview"])
  }

  @Test func theTrustFileIsTheOneThatWasSeen() throws { #expect(try judge(swapped: true) == ["hardware-keys.trust"]) }

  @Test func withoutATrustFileItIsNotRun() throws {
    var sample = try Sample()
    sample.trust = nil
    let gate = try definition("hardware-keys", rest: "parameters:\n  roles: [root]")
    let checks = gate.judge(["sample": 1, "record": "x"], by: try sample.evidence)
    #expect(faults(checks) == ["evidence.no-trust"])
    #expect(checks.outcome == .notRun)
  }
}

import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Attestation

@Suite struct TrustFileTests {
  private func signed(_ file: TrustFile, by numbers: [UInt8] = [5]) throws -> Envelope {
    Envelope(
      payloadType: TrustFile.payloadType, payload: file.json.canonical, signedBy: try numbers.map { try key($0) })
  }

  @Test func readsBackWhatItWrote() throws {
    var file = try sampleTrust()
    try file.revoke(try key(1).publicKey.id, since: now, supersededBy: try key(2).publicKey.id)
    #expect(try TrustFile(parsing: file.json.canonical) == file)
  }

  /// Changes to the JSON of a file that is right, and the code that each is refused with.
  static let changes: [(name: String, change: @Sendable (inout JSON) -> Void, outcome: String)] = [
    ("nothing", { _ in }, "accepted"), ("type", { $0["type"] = "rustynet-trust/v2" }, "trust.type"),
    ("unknown field", { $0["comment"] = "x" }, "json.unknown-field"),
    ("unknown field of a role", { $0["roles", "root", "x"] = 1 }, "json.unknown-field"),
    ("version 0", { $0["version"] = 0 }, "json.integer-range"),
    ("version as text", { $0["version"] = "7" }, "json.kind"),
    ("no version", { $0["version"] = nil }, "json.missing-field"),
    ("no root", { $0["roles", "root"] = nil }, "trust.no-root"),
    ("no roles", { $0["roles"] = .object(JSONObject()) }, "trust.no-root"),
    ("unknown role", { $0["roles", "admin"] = ["threshold": 1, "principals": ["alice"]] }, "trust.role"),
    ("Kelvin sign in a role", { $0["roles", "\u{212A}"] = ["threshold": 1, "principals": ["alice"]] }, "trust.role"),
    ("threshold 0", { $0["roles", "builder", "threshold"] = 0 }, "trust.threshold"),
    ("threshold too high", { $0["roles", "builder", "threshold"] = 4 }, "trust.threshold"),
    ("threshold all", { $0["roles", "builder", "threshold"] = 3 }, "accepted"),
    ("negative threshold", { $0["roles", "builder", "threshold"] = -1 }, "json.integer-range"),
    ("nobody in a role", { $0["roles", "builder", "principals"] = [] }, "trust.threshold"),
    ("a name twice in a role", { $0["roles", "builder", "principals"] = ["bob", "bob"] }, "trust.role"),
    ("a stranger in a role", { $0["roles", "builder", "principals"] = ["bob", "eve"] }, "trust.role"),
    ("profile", { $0["profile"] = "production" }, "json.choice"),
    ("expired at issue", { $0["expires"] = $0["issued"] }, "trust.validity"),
    ("time without zone", { $0["issued"] = "2026-11-22T12:00:00" }, "time.format"),
    ("no principals", { $0["principals"] = [] }, "trust.role"),
    ("null principals", { $0["principals"] = .null }, "json.kind"),
  ]

  @Test(arguments: changes) func keepsItsRules(
    _ row: (name: String, change: @Sendable (inout JSON) -> Void, outcome: String)
  ) throws {
    var json = try sampleTrust().json
    row.change(&json)
    #expect(outcome { try TrustFile(parsing: json.canonical) } == row.outcome, "\(row.name)")
  }

  /// Changes to Alice, who has two keys.
  static let principals: [(name: String, change: @Sendable (inout JSON, inout JSON) -> Void, outcome: String)] = [
    ("nothing", { _, _ in }, "accepted"),
    ("the name of another", { alice, _ in alice["name"] = "bob" }, "trust.duplicate-principal"),
    ("upper case", { alice, _ in alice["name"] = "Alice" }, "trust.name"),
    ("no key", { alice, _ in alice["keys"] = [] }, "trust.no-key"),
    ("unknown field", { alice, _ in alice["mail"] = "x" }, "json.unknown-field"),
    ("unknown field of a key", { _, key in key["x"] = 1 }, "json.unknown-field"),
    ("algorithm", { _, key in key["algorithm"] = "ecdsa-p256" }, "trust.algorithm"),
    ("use", { _, key in key["use"] = "any" }, "json.choice"),
    ("no use", { _, key in key["use"] = nil }, "json.missing-field"),
    ("valid never", { _, key in key["validUntil"] = key["validFrom"] }, "trust.validity"),
    ("zero key", { _, key in key["public"] = .string(Base64.encode([UInt8](repeating: 0, count: 32))) }, "key.point"),
    ("short key", { _, key in key["public"] = "AAAA" }, "key.length"),
    ("superseded by nobody", { _, key in key["supersededBy"] = "ed25519:0000000000000000" }, "trust.superseded"),
    ("null revocation", { _, key in key["revokedSince"] = .null }, "json.kind"),
  ]

  @Test(arguments: principals) func keepsItsRulesForPrincipals(
    _ row: (name: String, change: @Sendable (inout JSON, inout JSON) -> Void, outcome: String)
  ) throws {
    var json = try sampleTrust().json
    guard case .array(var list)? = json["principals"], case .array(var keys)? = list[0]["keys"] else {
      Issue.record("the sample has no principals")
      return
    }
    let before = list[0]
    row.change(&list[0], &keys[0])
    if list[0] == before { list[0]["keys"] = .array(keys) }
    json["principals"] = .array(list)
    #expect(outcome { try TrustFile(parsing: json.canonical) } == row.outcome, "\(row.name)")
  }

  @Test func aKeyBelongsToOnePrincipal() throws {
    #expect(outcome { try sampleTrust(bob: [trusted(3), trusted(9)]) } == "accepted")
    #expect(outcome { try sampleTrust(bob: [trusted(3), trusted(1)]) } == "trust.duplicate-key")
    #expect(outcome { try sampleTrust(bob: [trusted(3), trusted(3)]) } == "trust.duplicate-key")
    // The same key with another validity is the same key.
    #expect(outcome { try sampleTrust(bob: [trusted(3), trusted(3, until: 9)]) } == "trust.duplicate-key")
  }

  @Test func aRefusedChangeLeavesTheFileAsItWas() throws {
    let before = try sampleTrust()
    var file = before
    #expect(outcome { try file.add(trusted(1), of: "carol") } == "trust.duplicate-key")
    #expect(file == before)
    #expect(outcome { try file.allow("eve", in: .builder, threshold: 1) } == "trust.role")
    #expect(file == before)
    #expect(outcome { try file.allow("dave", in: .builder, threshold: 9) } == "trust.threshold")
    #expect(file == before)
    #expect(outcome { try file.revoke("ed25519:0", since: now, supersededBy: nil) } == "trust.no-such-key")
    #expect(
      outcome { try file.revoke(key(1).publicKey.id, since: now, supersededBy: "ed25519:0") } == "trust.superseded")
    #expect(file == before)
    #expect(outcome { try file.allow("dave", in: .builder, threshold: 4) } == "accepted")
    #expect(file != before)
  }

  @Test func theFingerprintIsThatOfTheRoot() throws {
    let print = try sampleTrust().rootFingerprint
    #expect(try sampleTrust(threshold: 1, version: 8).rootFingerprint == print)
    #expect(try sampleTrust(bob: [trusted(9)]).rootFingerprint == print)
    var file = try sampleTrust()
    file.expires = file.expires.adding(seconds: 1)
    try file.allow("dave", in: .log, threshold: nil)
    try file.add(trusted(10), of: "eve")
    #expect(file.rootFingerprint == print)
    try file.add(trusted(11), of: "dave")
    #expect(file.rootFingerprint != print)
    #expect(try sampleTrust(root: ["dave", "carol"]).rootFingerprint != print)
    #expect(try sampleTrust(root: ["carol"]).rootFingerprint != print)
    let two = try sampleTrust(root: ["dave", "carol"], rootThreshold: 2).rootFingerprint
    #expect(try two != sampleTrust(root: ["dave", "carol"], rootThreshold: 1).rootFingerprint)
    #expect(try two == sampleTrust(root: ["carol", "dave"], rootThreshold: 2).rootFingerprint)
  }

  @Test func isAcceptedWhenItsRootSigned() throws {
    let file = try sampleTrust()
    func verify(
      _ envelope: Envelope, fingerprint: Digest? = nil, at time: Timestamp = now, for profile: Profile = .release
    ) -> String {
      outcome { try TrustFile.verified(envelope, fingerprint: fingerprint, at: time, for: profile) }
    }
    #expect(verify(try signed(file)) == "accepted")
    #expect(verify(try signed(file), fingerprint: file.rootFingerprint) == "accepted")
    #expect(verify(try signed(file, by: [5, 1, 9])) == "accepted")
    #expect(verify(try signed(file), fingerprint: Digest(of: [])) == "trust.fingerprint")
    #expect(verify(try signed(file), for: .preview) == "trust.profile")
    // Dave is root; builders are not, and strangers are nothing.
    #expect(verify(try signed(file, by: [1])) == "signature.role")
    #expect(verify(try signed(file, by: [9])) == "signature.unknown")
    #expect(verify(try signed(file), at: file.expires) == "key.expired")
    let later = try sampleTrust(root: ["dave"])
    #expect(verify(try signed(later), at: now.adding(seconds: day)) == "accepted")
    let statement = Envelope(payloadType: Envelope.statementType, payload: file.json.canonical, signedBy: [try key(5)])
    #expect(verify(statement) == "trust.payload-type")
    let two = try sampleTrust(root: ["dave", "carol"], rootThreshold: 2)
    #expect(verify(try signed(two)) == "signature.threshold")
    #expect(verify(try signed(two, by: [4, 5])) == "accepted")
    #expect(verify(try signed(two, by: [5, 4])) == "accepted")
  }

  @Test func isRefusedBeforeItsTimeAndAfterIt() throws {
    func file(issued: Int64, expires: Int64) throws -> Envelope {
      var file = try sampleTrust()
      file.issued = now.adding(seconds: issued)
      file.expires = now.adding(seconds: expires)
      return try signed(file)
    }
    let rows: [(issued: Int64, expires: Int64, outcome: String)] = [
      (-10, 10, "accepted"), (300, 400, "accepted"), (301, 400, "trust.future"), (-10, 1, "accepted"),
      (-10, 0, "trust.expired"), (-10, -1, "trust.expired"),
    ]
    for row in rows {
      let envelope = try file(issued: row.issued, expires: row.expires)
      let found = outcome { try TrustFile.verified(envelope, fingerprint: nil, at: now, for: .release) }
      #expect(found == row.outcome, "\(row)")
    }
  }

  @Test func everyLeafOfASignedFileCounts() throws {
    let file = try sampleTrust()
    let envelope = try signed(file)
    func verify(_ json: JSON) -> String {
      outcome {
        try TrustFile.verified(try Envelope(parsing: json.canonical), fingerprint: nil, at: now, for: .release)
      }
    }
    #expect(verify(envelope.json) == "accepted")
    var refused = 0
    for (place, json) in mutations(of: envelope.json) where !place.contains("keyid") {
      #expect(verify(json) != "accepted", "\(place)")
      refused += 1
    }
    #expect(refused >= 7)
    let inner = mutations(of: file.json)
    #expect(inner.count > 60)
    for (place, json) in inner {
      var changed = envelope.json
      changed["payload"] = .string(Base64.encode(json.canonical))
      #expect(verify(changed) != "accepted", "payload \(place)")
    }
    // The key id is a hint that nothing decides by.
    for (place, json) in mutations(of: envelope.json) where place.contains("keyid") {
      #expect(verify(json) == "accepted", "\(place)")
    }
  }
}

import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Attestation

private typealias Flags = KeyAttestation.Attributes

private func attestation(
  manufacturer: String = "Example Devices", model: String = "Key 1", hardware: Bool = true, always: Bool = true,
  never: Bool = true
) throws -> KeyAttestation {
  KeyAttestation(
    key: try key(1).verificationKey, created: now,
    place: .token(
      .init(manufacturer: manufacturer, model: model, serial: "1", label: "l", isHardwareSlot: hardware),
      .init(
        isSensitive: true, isAlwaysSensitive: always, isExtractable: false, isNeverExtractable: never, isLocal: true)))
}

@Suite struct KeyAttestationTests {
  @Test func hardwareNeedsEveryCondition() throws {
    #expect(try attestation().custody == .hardware)
    #expect(try attestation(hardware: false).custody == .software)
    #expect(try attestation(always: false).custody == .software)
    #expect(try attestation(never: false).custody == .software)
    for place in [KeyAttestation.Place.file, .command] {
      let found = KeyAttestation(key: try key(1).verificationKey, created: now, place: place).custody
      #expect(found == (place == .file ? .file : .asserted))
    }
  }

  /// Who is known to sell no hardware; a maker whose name merely resembles one of them is not.
  @Test(arguments: [
    ("SoftHSM project", "SoftHSM v2", true), ("Mozilla Foundation", "NSS 3", true), ("IBM", "Soft", true),
    ("Kryoptic", "v1", true), ("Someone", "HSM Simulator", true), ("x", "NSS", true), ("Microsoft", "Vault", false),
    ("Yubico (www.yubico.com)", "YubiKey YK5", false), ("Nitrokey", "Nitrokey HSM", false),
  ]) func knowsSoftwareTokens(_ row: (maker: String, model: String, isSoftware: Bool)) throws {
    let found = try attestation(manufacturer: row.maker, model: row.model).custody
    #expect(found == (row.isSoftware ? .software : .hardware))
  }

  @Test func survivesBeingWritten() throws {
    for place in [try attestation().place, .file, .command] {
      let made = KeyAttestation(key: try key(1).verificationKey, created: now, place: place)
      #expect(try KeyAttestation(parsing: made.json.canonical) == made)
    }
  }

  static let changes: [(name: String, change: @Sendable (inout JSONObject) -> Void, code: String)] = [
    ("nothing", { _ in }, "accepted"), ("type", { $0["type"] = "other" }, "key-attestation.type"),
    ("a custody that the facts deny", { $0["custody"] = "file" }, "key-attestation.custody"),
    ("key id", { $0["keyId"] = "ed25519:0000000000000000" }, "key-attestation.key-id"),
    ("an unknown field", { $0["note"] = "x" }, "json.unknown-field"),
    ("no facts", { $0["token"] = nil }, "json.missing-field"),
    ("facts of nothing", { $0["place"] = "file" }, "key-attestation.place"),
    ("place", { $0["place"] = "cloud" }, "key-attestation.place"),
    ("algorithm", { $0["algorithm"] = "ecdsa-p256-sha256" }, "key.spki"),
  ]

  @Test(arguments: changes) func isStrict(
    _ row: (name: String, change: @Sendable (inout JSONObject) -> Void, code: String)
  ) throws {
    guard case .object(var object) = try attestation().json else { return }
    row.change(&object)
    #expect(outcome { try KeyAttestation(parsing: JSON.object(object).canonical) } == row.code, "\(row.name)")
  }

  @Test func mustBeSignedByItsOwnKey() throws {
    let payload = try attestation().json.canonical
    func verified(_ number: UInt8, type: String = KeyAttestation.payloadType) throws -> String {
      let envelope = Envelope(payloadType: type, payload: payload, signedBy: [try key(number)])
      return outcome { try KeyAttestation.verified(envelope) }
    }
    #expect(try verified(1) == "accepted")
    #expect(try verified(2) == "key-attestation.signature")
    #expect(try verified(1, type: "other") == "key-attestation.payload-type")
  }
}

/// Keys and signatures that OpenSSL 3.0 made over the pre-authentication encoding of type “t” and the bytes 1, 2, 3.
private let ecdsa: [(algorithm: VerificationKey.Algorithm, key: String, signature: String)] = [
  (
    .ecdsaP256SHA256,
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzgh8NiIdgUYXZ7WcDioz6sWbRe15hlwzb78W6WXxIiO7mpHISogh0T16hDIudUyZfu4I0GZhPO4h4b/WJuqqbg==",
    "MEYCIQCZPv8yIwTtJwg7bnAoj0PONg4PHHLeTYJFMSPZFvbgRwIhAPYVbeZ3w6NZ//l6IRDhvJ91LS80mX4Hajo9piH+W/Vz"
  ),
  (
    .ecdsaP384SHA384,
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEXVJ8YNvHF7S/O9xF+b3kWenKrhRXa84cAMLd4wRPRxRs5Klsh+bH6t7/chH2Oq0yvqzsWP8eP6OogBapH9ucmNCmXehezVWwz+BL6UihWIIyTHil1Xx/7zQUSex8zIxw",
    "MGUCMQDa22OOeFdydumYOtc5gj1amJaOHyeixfbu82gDBvYFFLomtsnZBw0oy+qioHh3aQ8CMAM1Yof9VCNnKBLPQr79EGY2d/P+trTrflm80TpVreR9o8szBdmi3O+zfrVsJESMDg=="
  ),
]

/// A signer that answers what it is told.
private struct Puppet: Signer {
  let verificationKey: VerificationKey
  let answer: [UInt8]
  func signature(over message: [UInt8]) throws(Problem) -> [UInt8] { answer }
}

@Suite struct ECDSATrustTests {
  private func puppet(_ index: Int, answer: Int? = nil) throws -> Puppet {
    let row = ecdsa[index]
    return Puppet(
      verificationKey: try VerificationKey(row.algorithm, try Base64.decode(row.key)),
      answer: try Base64.decode(ecdsa[answer ?? index].signature))
  }

  private func trust() throws -> TrustFile {
    let keys = try [0, 1].map {
      TrustedKey(
        key: try puppet($0).verificationKey, validFrom: now, validUntil: now.adding(seconds: 60), use: .release,
        custody: .hardware)
    }
    return try TrustFile(
      version: 1, issued: now, expires: now.adding(seconds: 60), profile: .release,
      principals: [Principal(name: "a", keys: [keys[0]]), Principal(name: "b", keys: [keys[1]])],
      roles: [
        .root: RoleRule(threshold: 1, principals: ["a"]), .builder: RoleRule(threshold: 2, principals: ["a", "b"]),
      ])
  }

  @Test func bothCurvesMeetAThreshold() throws {
    let signers: [any Signer] = [try puppet(0), try puppet(1)]
    let envelope = try Envelope(payloadType: "t", payload: [1, 2, 3], signedBy: signers)
    #expect(try trust().judge(envelope, role: .builder, at: now, for: .release).outcome == .passed)
    let one = try Envelope(payloadType: "t", payload: [1, 2, 3], signedBy: [signers[0]])
    let checks = try trust().judge(one, role: .builder, at: now, for: .release)
    #expect(checks.filter { $0.outcome != .passed }.map(\.code) == ["signature.threshold"])
    var again = envelope
    try again.sign(with: signers[0])
    #expect(again == envelope)
  }

  @Test func whatASignerReturnsIsVerifiedFirst() throws {
    #expect(outcome { try Envelope(payloadType: "t", payload: [1, 2, 3], signedBy: [try puppet(0)]) } == "accepted")
    #expect(
      outcome { try Envelope(payloadType: "t", payload: [1, 2, 4], signedBy: [try puppet(0)]) } == "signer.signature")
    #expect(
      outcome { try Envelope(payloadType: "t", payload: [1, 2, 3], signedBy: [try puppet(0, answer: 1)]) }
        == "signer.signature")
  }

  @Test func theTrustFileKeepsThem() throws {
    let file = try trust()
    #expect(try TrustFile(parsing: file.json.canonical) == file)
    let p256 = try puppet(0).verificationKey
    #expect(p256.id.hasPrefix("ecdsa-p256-sha256:"))
    for (name, algorithm, code) in [
      ("its own", "ecdsa-p256-sha256", "accepted"), ("another curve", "ecdsa-p384-sha384", "key.algorithm"),
      ("another hash", "ecdsa-p256-sha384", "trust.algorithm"), ("another kind", "ed25519", "key.length"),
    ] {
      let key: JSON = [
        "algorithm": .string(algorithm), "public": .string(ecdsa[0].key), "validFrom": .string(now.description),
        "validUntil": .string(now.adding(seconds: 5).description), "use": "release", "custody": "hardware",
      ]
      #expect(outcome { try TrustedKey(JSONReader(key)) } == code, "\(name)")
    }
    let other: JSON = [
      "algorithm": "ecdsa-p256-sha256", "public": .string(ecdsa[0].key), "validFrom": .string(now.description),
      "validUntil": .string(now.adding(seconds: 5).description), "use": "release", "custody": "safe",
    ]
    #expect(outcome { try TrustedKey(JSONReader(other)) } != "accepted")
  }
}

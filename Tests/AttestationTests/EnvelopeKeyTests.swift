import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

/// The example of DSSE's protocol.md: ECDSA P-256 with SHA-256, and the signature as r and s.
@Suite struct EnvelopeKeyTests {
  static let spki =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMrCrzAH3CVTAOQ0jgMeCvVTiaRJaRPRDOv8UMs6U4SvKc6pnrIDOoSYI3fdA=="
  static let envelope: JSON = [
    "payload": "aGVsbG8gd29ybGQ=", "payloadType": "http://example.com/HelloWorld",
    "signatures": [
      ["sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="]
    ],
  ]

  private static func judge(_ json: JSON, _ key: ForeignPublicKey) throws -> [Check] {
    try Envelope(parsing: json.canonical).judge(key: key, named: "test", policy: AlgorithmPolicy(), at: now)
  }

  @Test func theExampleOfTheSpecificationHolds() throws {
    let key = try ForeignPublicKey(spki: Base64.decode(Self.spki))
    #expect(try Self.judge(Self.envelope, key).outcome == .passed)
    for (place, changed) in mutations(of: Self.envelope) where !place.hasSuffix("left out") {
      guard let envelope = try? Envelope(parsing: changed.canonical) else { continue }
      let checks = envelope.judge(key: key, named: "test", policy: try AlgorithmPolicy(), at: now)
      #expect(checks.map(\.code) == ["signature.invalid"], "\(place)")
    }
  }

  @Test func oneValidSignatureOfSeveralIsEnough() throws {
    let key = try ForeignPublicKey(spki: Base64.decode(Self.spki))
    guard case .object(var object) = Self.envelope, case .array(let list)? = object["signatures"] else { return }
    object["signatures"] = .array([["sig": "AAAA"]] + list)
    #expect(try Self.judge(.object(object), key).outcome == .passed)
    object["signatures"] = [["sig": "AAAA"]]
    #expect(try Self.judge(.object(object), key).map(\.code) == ["signature.invalid"])
  }

  @Test func anEd25519KeyIsTakenToo() throws {
    let signing = try key(1)
    let head: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
    let foreign = try ForeignPublicKey(spki: head + signing.publicKey.bytes)
    let envelope = Envelope(payloadType: "t", payload: [1], signedBy: [signing])
    #expect(envelope.judge(key: foreign, named: "k", policy: try AlgorithmPolicy(), at: now).outcome == .passed)
    let other = Envelope(payloadType: "t", payload: [1], signedBy: [try key(2)])
    #expect(other.judge(key: foreign, named: "k", policy: try AlgorithmPolicy(), at: now).outcome == .failed)
  }
}

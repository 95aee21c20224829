@testable import Cryptography
import Diagnostics
import Testing
import Wire

@Suite struct ForeignPublicKeyTests {
  typealias Kind = ForeignPublicKey.Kind
  static let message = Array("message".utf8)

  struct Vector: Sendable {
    let fixture: ForeignKeyFixture
    let kind: Kind
    let algorithm: SignatureAlgorithm
  }

  static let vectors = [
    Vector(fixture: .p256, kind: .ecdsaP256, algorithm: .ecdsaP256SHA256),
    Vector(fixture: .p384, kind: .ecdsaP384, algorithm: .ecdsaP384SHA384),
    Vector(fixture: .p384SHA256, kind: .ecdsaP384, algorithm: .ecdsaP384SHA256),
    Vector(fixture: .rsaPKCS1, kind: .rsa(bits: 2048), algorithm: .rsaPKCS1SHA256),
    Vector(fixture: .rsaPSS, kind: .rsa(bits: 2048), algorithm: .rsaPSSSHA384),
  ]

  @Test(arguments: vectors) func verifies(vector: Vector) throws {
    let key = try ForeignPublicKey(spki: try Base64.decode(vector.fixture.key))
    let signature = try Base64.decode(vector.fixture.signature)
    let time = try Timestamp("2026-11-22T16:05:00Z")
    #expect(key.kind == vector.kind)
    try key.verify(
      signature, over: ForeignPublicKeyTests.message, vector.algorithm, policy: try AlgorithmPolicy(), at: time)
    let digest = Digest(of: ForeignPublicKeyTests.message, try #require(vector.algorithm.hash))
    #expect(key.isValid(signature, overDigest: digest, vector.algorithm))
    #expect(throws: Problem.refused("signature.invalid", "")) {
      try key.verify(signature, over: [], vector.algorithm, policy: try AlgorithmPolicy(), at: time)
    }
    for algorithm in SignatureAlgorithm.allCases where algorithm != vector.algorithm {
      #expect(!key.isValid(signature, over: ForeignPublicKeyTests.message, algorithm))
    }
  }

  @Test(arguments: vectors) func refusesEveryChangedSignature(vector: Vector) throws {
    let key = try ForeignPublicKey(spki: try Base64.decode(vector.fixture.key))
    let signature = try Base64.decode(vector.fixture.signature)
    for index in signature.indices {
      var changed = signature
      changed[index] ^= 1
      #expect(!key.isValid(changed, over: ForeignPublicKeyTests.message, vector.algorithm))
    }
    for changed in [[], signature + [0], Array(signature.dropLast()), [0] + signature] {
      #expect(!key.isValid(changed, over: ForeignPublicKeyTests.message, vector.algorithm))
    }
  }

  /// A signature has one spelling: BER, which d2i takes, is refused.
  @Test func refusesBER() throws {
    let signature = try Base64.decode(ForeignKeyFixture.p256.signature)
    #expect(ECDSASignature.isCanonical(signature))
    let longLength = [0x30, 0x81, signature[1]] + signature.dropFirst(2)
    let indefinite = [0x30, 0x80] + signature.dropFirst(2) + [0, 0]
    #expect(!ECDSASignature.isCanonical(longLength))
    #expect(!ECDSASignature.isCanonical(indefinite))
  }

  /// A salt of another length than the digest's is another form of the same signature.
  @Test func refusesAShortSalt() throws {
    let key = try ForeignPublicKey(spki: try Base64.decode(ForeignKeyFixture.rsaPSSShortSalt.key))
    let signature = try Base64.decode(ForeignKeyFixture.rsaPSSShortSalt.signature)
    #expect(!key.isValid(signature, over: ForeignPublicKeyTests.message, .rsaPSSSHA384))
  }

  static let refusedKeys: [(ForeignKeyFixture, String)] = [
    (.rsa1024, "key.rsa-strength"), (.rsaExponent3, "key.rsa-strength"), (.k256, "key.algorithm"),
    (.explicitCurve, "key.algorithm"), (.compressedPoint, "key.algorithm"),
  ]

  @Test(arguments: refusedKeys) func refusesWeakAndUnusualKeys(fixture: ForeignKeyFixture, code: String) throws {
    let error = #expect(throws: Problem.self) { try ForeignPublicKey(spki: try Base64.decode(fixture.key)) }
    #expect(error?.code == code)
  }

  /// What the judge of Wycheproof may do, and nobody else: a key with the exponent 3.
  @Test func theExponentRuleIsOurs() throws {
    let der = try Base64.decode(ForeignKeyFixture.rsaExponent3.key)
    let signature = try Base64.decode(ForeignKeyFixture.rsaExponent3.signature)
    let key = try ForeignPublicKey(spki: der, exponents: .any)
    #expect(key.isValid(signature, over: ForeignPublicKeyTests.message, .rsaPKCS1SHA256))
  }

  @Test func refusesDamagedKeys() throws {
    for fixture in [ForeignKeyFixture.p256, .p384, .rsaPKCS1] {
      let der = try Base64.decode(fixture.key)
      _ = try ForeignPublicKey(spki: der)
      for length in der.indices {
        #expect(throws: Problem.self) { try ForeignPublicKey(spki: Array(der.prefix(length))) }
      }
      #expect(throws: Problem.self) { try ForeignPublicKey(spki: der + [0]) }
    }
    var offCurve = try Base64.decode(ForeignKeyFixture.p256.key)
    offCurve[90] ^= 1
    #expect(throws: Problem.malformed("key.spki", "")) { try ForeignPublicKey(spki: offCurve) }
    #expect(throws: Problem.malformed("key.size", "")) {
      try ForeignPublicKey(spki: Array(repeating: 0x30, count: 4097))
    }
  }

  // MARK: Ed25519 and PEM

  @Test func readsEd25519() throws {
    let own = Ed25519.SigningKey()
    let head: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
    let key = try ForeignPublicKey(spki: head + own.publicKey.bytes)
    let signature = own.sign(ForeignPublicKeyTests.message)
    #expect(key.kind == .ed25519)
    #expect(key.isValid(signature, over: ForeignPublicKeyTests.message, .ed25519))
    #expect(!key.isValid(signature, over: [], .ed25519))
    #expect(!key.isValid(signature, over: ForeignPublicKeyTests.message, .ecdsaP256SHA256))
    #expect(throws: Problem.malformed("key.point", "")) {
      try ForeignPublicKey(spki: head + Array(repeating: 0, count: 32))
    }
  }

  @Test func readsOnePEMBlock() throws {
    let text = "-----BEGIN PUBLIC KEY-----\n\(ForeignKeyFixture.p256.key)\n-----END PUBLIC KEY-----\n"
    let key = try ForeignPublicKey(spki: try Base64.decode(ForeignKeyFixture.p256.key))
    #expect(try ForeignPublicKey(pem: text) == key)
    #expect(try ForeignPublicKey(pem: text.split(separator: "\n").joined(separator: "\r\n")) == key)
    for changed in [
      "", "x" + text, text + "x", text + text, text.replacing("PUBLIC KEY", with: "PRIVATE KEY"),
      text.replacing("=", with: ""), String(text.dropLast(5)),
    ] {
      #expect(throws: Problem.self) { try ForeignPublicKey(pem: changed) }
    }
  }
}

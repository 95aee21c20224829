import Attestation
import Cryptography
import Diagnostics
import ForeignSignatures
import Testing
import Wire

@Suite struct DetachedSignatureTests {
  static func judge(
    _ signature: [UInt8], key: String, _ algorithm: SignatureAlgorithm, message: [UInt8]? = nil
  ) throws -> [Check] {
    let message = try message ?? Fixture.bytes("message")
    return try DetachedSignature(signature).judge(
      algorithm.hash.map { .digest(Digest(of: message, $0)) } ?? .message(message),
      key: try ForeignPublicKey(pem: try Fixture.text("\(key).pem")), algorithm, policy: try AlgorithmPolicy(),
      at: try Timestamp("2026-11-22T16:05:00Z"))
  }

  static let vectors: [(name: String, key: String, algorithm: SignatureAlgorithm)] = [
    ("rsa-pkcs1-sha256", "rsa", .rsaPKCS1SHA256), ("rsa-pkcs1-sha512", "rsa", .rsaPKCS1SHA512),
    ("rsa-pss-sha256", "rsa", .rsaPSSSHA256), ("ecdsa-p256-sha256", "p256", .ecdsaP256SHA256),
    ("ecdsa-p384-sha384", "p384", .ecdsaP384SHA384), ("ed25519", "ed25519", .ed25519),
  ]

  @Test(arguments: vectors) func verifies(name: String, key: String, algorithm: SignatureAlgorithm) throws {
    let signature = try Fixture.bytes("\(name).sig")
    #expect(try DetachedSignatureTests.judge(signature, key: key, algorithm).refusals == [])
    #expect(
      try DetachedSignatureTests.judge(signature, key: key, algorithm, message: [1]).refusals == ["signature.invalid"])
    for index in stride(from: 0, to: signature.count, by: 5) {
      var changed = signature
      changed[index] ^= 1
      #expect(try DetachedSignatureTests.judge(changed, key: key, algorithm).refusals == ["signature.invalid"])
    }
    for changed in [signature + [0], Array(signature.dropLast())] {
      #expect(try DetachedSignatureTests.judge(changed, key: key, algorithm).refusals == ["signature.invalid"])
    }
  }

  /// Nothing is guessed: only the algorithm that was said is tried.
  @Test(arguments: vectors) func triesNoOtherAlgorithm(name: String, key: String, algorithm: SignatureAlgorithm) throws
  {
    let signature = try Fixture.bytes("\(name).sig")
    for other in SignatureAlgorithm.allCases where other != algorithm {
      #expect(try DetachedSignatureTests.judge(signature, key: key, other).outcome == .failed)
    }
    let kinds = ["rsa", "p256", "p384", "ed25519"].filter { $0 != key }
    for other in kinds {
      #expect(
        try DetachedSignatureTests.judge(signature, key: other, algorithm).refusals
          == ["openssl.key-kind", "signature.invalid"])
    }
  }

  /// OpenSSL's own default is the longest salt that fits; one form is read, and the hint says how to sign.
  @Test func refusesTheLongestSalt() throws {
    let checks = try DetachedSignatureTests.judge(try Fixture.bytes("rsa-pss-maximum.sig"), key: "rsa", .rsaPSSSHA256)
    #expect(checks.refusals == ["signature.invalid"])
    #expect(checks.last?.hint?.contains("saltlen") == true)
  }

  @Test func anotherDigestIsNotRun() throws {
    let checks = try DetachedSignature(try Fixture.bytes("rsa-pkcs1-sha256.sig")).judge(
      .digest(Digest(of: try Fixture.bytes("message"), .sha512)),
      key: try ForeignPublicKey(pem: try Fixture.text("rsa.pem")), .rsaPKCS1SHA256, policy: try AlgorithmPolicy(),
      at: try Timestamp("2026-11-22T16:05:00Z"))
    #expect(checks.refusals == ["openssl.digest"])
    #expect(checks.outcome == .notRun)
  }

  @Test func refusesSizes() throws {
    for size in [0, 1025] {
      #expect(throws: Problem.malformed("openssl.size", "")) {
        try DetachedSignature(Array(repeating: 1, count: size))
      }
    }
  }
}

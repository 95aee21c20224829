import Diagnostics
import Testing
import Wire

@testable import Cryptography

private func code<Value>(_ body: () throws -> Value) -> String {
  do {
    _ = try body()
    return "accepted"
  } catch let problem as Problem { return problem.code } catch { return "\(error)" }
}

@Suite struct VerificationKeyTests {
  private static let spki =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzgh8NiIdgUYXZ7WcDioz6sWbRe15hlwzb78W6WXxIiO7mpHISogh0T16hDIudUyZfu4I0GZhPO4h4b/WJuqqbg=="

  @Test func aPointOfATokenIsTheKeyOfItsEncoding() throws {
    let bytes = try Base64.decode(Self.spki)
    let point = Array(bytes.suffix(65))
    let key = try VerificationKey(.ecdsaP256SHA256, bytes)
    #expect(try VerificationKey(.ecdsaP256SHA256, point: point) == key)
    #expect(code { try VerificationKey(.ecdsaP384SHA384, point: point) } == "key.point")
    #expect(code { try VerificationKey(.ecdsaP256SHA256, point: Array(point.dropLast())) } == "key.point")
    #expect(code { try VerificationKey(.ecdsaP256SHA256, point: [0x02] + point.dropFirst()) } == "key.point")
    #expect(code { try VerificationKey(.ecdsaP256SHA256, point: point.dropLast() + [0]) } == "key.spki")
    #expect(code { try VerificationKey(.ecdsaP384SHA384, bytes) } == "key.algorithm")
    let own = Ed25519.SigningKey()
    #expect(try VerificationKey(.ed25519, point: own.publicKey.bytes) == own.verificationKey)
    #expect(own.verificationKey.id == own.publicKey.id)
  }

  @Test func rawSignaturesBecomeDER() throws {
    let one = [UInt8](repeating: 0, count: 31) + [1]
    #expect(try ECDSASignature.der(raw: one + one) == [0x30, 6, 2, 1, 1, 2, 1, 1])
    let high = [0x80] + [UInt8](repeating: 0, count: 31)
    #expect(try ECDSASignature.der(raw: high + one) == [0x30, 38, 2, 33, 0] + high + [2, 1, 1])
    for count in [0, 63, 65, 95, 97, 128] {
      #expect(code { try ECDSASignature.der(raw: [UInt8](repeating: 1, count: count)) } == "signature.length")
    }
  }

  /// P1-9 stays as it is; only keys that never leave their token may be ECDSA.
  @Test func ecdsaIsForTokensAlone() throws {
    let policy = try AlgorithmPolicy()
    for algorithm in VerificationKey.Algorithm.allCases {
      #expect(code { try policy.require(algorithm.rawValue, for: .tokenSigning, at: .latest) } == "accepted")
      let isOwn = algorithm == .ed25519
      #expect(
        code { try policy.require(algorithm.rawValue, for: .ownSigning, at: .latest) }
          == (isOwn ? "accepted" : "algorithm.denied"))
    }
    #expect(code { try policy.require("ecdsa-p256-sha384", for: .tokenSigning, at: .latest) } == "algorithm.denied")
  }
}

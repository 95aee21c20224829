import Cryptography
import Diagnostics
import Testing
import Wire

@Suite struct CipherTests {
  struct Vector: Sendable {
    let cipher: AuthenticatedCipher
    let nonce: String
    let ciphertext: String
  }

  static let message = Array(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
      .utf8)
  static let associatedData = "50515253c0c1c2c3c4c5c6c7"

  static let vectors = [
    // RFC 8439 section 2.8.2.
    Vector(
      cipher: .chacha20Poly1305, nonce: "070000004041424344454647",
      ciphertext: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
        + "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
        + "3ff4def08e4b7a9de576d26586cec64b6116" + "1ae10b594f09e26a7e902ecbd0600691"),
    // draft-irtf-cfrg-xchacha-03 appendix A.3.1.
    Vector(
      cipher: .xchacha20Poly1305, nonce: "404142434445464748494a4b4c4d4e4f5051525354555657",
      ciphertext: "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
        + "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        + "21f9664c97637da9768812f615c68b13b52e" + "c0875924c1c7987947deafd8780acf49"),
  ]

  @Test(arguments: vectors) func sealsAndOpens(vector: Vector) throws {
    let key = secret(Array(0x80...0x9f))
    let nonce = try Hex.decode(vector.nonce)
    let data = try Hex.decode(CipherTests.associatedData)
    let sealed = try vector.cipher.seal(secret(CipherTests.message), key: key, nonce: nonce, associatedData: data)
    #expect(Hex.encode(sealed) == vector.ciphertext)
    let opened = try vector.cipher.open(sealed, key: key, nonce: nonce, associatedData: data)
    #expect(plain(opened) == CipherTests.message)
  }

  @Test(arguments: vectors) func refusesEveryChange(vector: Vector) throws {
    let key = secret(Array(0x80...0x9f))
    let nonce = try Hex.decode(vector.nonce)
    let data = try Hex.decode(CipherTests.associatedData)
    let sealed = try Hex.decode(vector.ciphertext)
    func expectRefusal(_ sealed: [UInt8], _ key: SecretBytes, _ nonce: [UInt8], _ data: [UInt8]) {
      #expect(throws: Problem.refused("cipher.authentication", "")) {
        try vector.cipher.open(sealed, key: key, nonce: nonce, associatedData: data)
      }
    }
    for index in sealed.indices {
      var changed = sealed
      changed[index] ^= 0x80
      expectRefusal(changed, key, nonce, data)
      expectRefusal(Array(sealed.prefix(index)), key, nonce, data)
    }
    expectRefusal(sealed, secret(Array(0x81...0xa0)), nonce, data)
    expectRefusal(sealed, key, [0xff] + nonce.dropFirst(), data)
    expectRefusal(sealed, key, nonce, data + [0])
  }

  @Test(arguments: AuthenticatedCipher.allCases) func refusesOtherLengths(cipher: AuthenticatedCipher) {
    let nonce = [UInt8](repeating: 0, count: cipher.nonceLength)
    #expect(throws: Problem.malformed("cipher.key", "")) {
      try cipher.seal(secret([1]), key: secret(Array(0...30)), nonce: nonce, associatedData: [])
    }
    #expect(throws: Problem.malformed("cipher.nonce", "")) {
      try cipher.seal(secret([1]), key: secret(Array(0...31)), nonce: nonce + [0], associatedData: [])
    }
  }
}

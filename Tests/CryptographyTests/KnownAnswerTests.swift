import Cryptography
import Diagnostics
import Testing
import Wire

@Suite struct KnownAnswerTests {
  // MARK: hashes

  /// FIPS 180-4, the example "abc".
  static let digests: [(HashAlgorithm, String)] = [
    (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      .sha384,
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    ),
    (
      .sha512,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        + "454d4423643ce80e2a9ac94fa54ca49f"
    ),
  ]

  @Test(arguments: digests) func hashes(algorithm: HashAlgorithm, hex: String) throws {
    let digest = Digest(of: Array("abc".utf8), algorithm)
    #expect(digest.hex == hex)
    #expect(try Digest("\(digest)") == digest)
    var pieces = HashFunction(algorithm)
    for byte in "abc".utf8 { pieces.update([byte]) }
    #expect(pieces.finish() == digest)
  }

  @Test(arguments: ["", "sha256", "sha256:", "sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "SHA256:00"])
  func refusesOtherDigests(text: String) {
    #expect(throws: Problem.self) { try Digest(text) }
  }

  // MARK: Ed25519

  /// RFC 8032 section 7.1, tests 1 to 3.
  static let signatures: [(seed: String, key: String, message: String, signature: String)] = [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd"
        + "25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c3"
        + "87b2eaeb4302aeeb00d291612bb0c00"
    ),
    (
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594"
        + "a7c15e9716ed28dc027beceea1ec40a"
    ),
  ]

  /// RFC 8032 section 7.3: Ed25519ph is neither the signature over the message nor the one over its digest.
  @Test func verifiesThePrehashedForm() throws {
    let key = try Hex.decode("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
    let signature = try Hex.decode(
      "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa"
        + "a10b8c61e636062aaad11c2a26083406")
    let message = Array("abc".utf8)
    #expect(Ed25519.isValidPrehashed(signature, over: message, publicKey: key))
    #expect(!Ed25519.isValidPrehashed(signature, over: message + [0], publicKey: key))
    #expect(!Ed25519.isValidPrehashed(Array(signature.dropLast()), over: message, publicKey: key))
    #expect(!Ed25519.isValid(signature, over: message, publicKey: key))
    #expect(!Ed25519.isValid(signature, over: Digest(of: message, .sha512).bytes, publicKey: key))
    for index in signature.indices {
      var changed = signature
      changed[index] ^= 1
      #expect(!Ed25519.isValidPrehashed(changed, over: message, publicKey: key))
    }
  }

  @Test(arguments: signatures)
  func signs(vector: (seed: String, key: String, message: String, signature: String)) throws {
    let key = try Ed25519.SigningKey(seed: secret(try Hex.decode(vector.seed)))
    let message = try Hex.decode(vector.message)
    let signature = key.sign(message)
    #expect(Hex.encode(key.publicKey.bytes) == vector.key)
    #expect(Hex.encode(signature) == vector.signature)
    #expect(Hex.encode(plain(key.seed)) == vector.seed)
    #expect(key.publicKey.isValid(signature, over: message))
    #expect(!key.publicKey.isValid(signature, over: message + [0]))
    for index in signature.indices {
      var changed = signature
      changed[index] ^= 1
      #expect(!key.publicKey.isValid(changed, over: message))
    }
    #expect(!key.publicKey.isValid(signature + [0], over: message))
    #expect(!key.publicKey.isValid(Array(signature.dropLast()), over: message))
  }

  /// P1-12: zero, short, low-order and non-canonical keys.
  @Test func refusesUnusableKeys() throws {
    _ = try Ed25519.PublicKey(try Hex.decode(KnownAnswerTests.signatures[0].key))
    let one: [UInt8] = [1] + Array(repeating: 0, count: 31)
    let beyondPrime: [UInt8] = [0xf0] + Array(repeating: 0xff, count: 30) + [0x7f]
    for bytes in [[], Array(repeating: 0, count: 32), Array(repeating: 9, count: 31), one, beyondPrime] {
      #expect(throws: Problem.self) { try Ed25519.PublicKey(bytes) }
    }
    #expect(throws: Problem.malformed("key.seed", "")) {
      try Ed25519.SigningKey(seed: secret(Array(repeating: 0, count: 32)))
    }
    #expect(throws: Problem.malformed("key.seed", "")) {
      try Ed25519.SigningKey(seed: secret(Array(repeating: 1, count: 31)))
    }
  }

  // MARK: X25519

  /// RFC 7748 section 6.1.
  @Test func agrees() throws {
    let alice = secret(try Hex.decode("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
    let bob = secret(try Hex.decode("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    let alicePublic = try X25519.publicKey(of: alice)
    let bobPublic = try X25519.publicKey(of: bob)
    #expect(Hex.encode(alicePublic) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    #expect(Hex.encode(bobPublic) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    let shared = plain(try X25519.sharedSecret(alice, with: bobPublic))
    #expect(Hex.encode(shared) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    #expect(plain(try X25519.sharedSecret(bob, with: alicePublic)) == shared)
    #expect(throws: Problem.refused("x25519.low-order", "")) {
      try X25519.sharedSecret(alice, with: Array(repeating: 0, count: 32))
    }
    #expect(throws: Problem.malformed("x25519.length", "")) { try X25519.sharedSecret(alice, with: [9]) }
    #expect(throws: Problem.malformed("x25519.key", "")) {
      try X25519.sharedSecret(secret(Array(repeating: 0, count: 32)), with: bobPublic)
    }
  }

  // MARK: HKDF

  /// RFC 5869 appendix A, test cases 1 and 3.
  @Test func derives() throws {
    let key = secret(Array(repeating: 0x0b, count: 22))
    let first = try HKDF.derive(42, from: key, salt: Array(0...0x0c), info: Array(0xf0...0xf9))
    #expect(
      Hex.encode(plain(first)) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    let third = try HKDF.derive(42, from: key)
    #expect(
      Hex.encode(plain(third)) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    #expect(try HKDF.derive(HKDF.lengthLimit, from: key).count == 8160)
    for length in [0, -1, HKDF.lengthLimit + 1] {
      #expect(throws: Problem.malformed("hkdf.length", "")) { try HKDF.derive(length, from: key) }
    }
  }

  // MARK: Argon2id

  /// Computed with argon2-cffi 25 (the reference implementation): 1 pass, 19 MiB, 1 lane, salt 00 to 0f.
  @Test func derivesFromPassphrases() throws {
    let cost = try Argon2id.Cost(passes: 1, memory: 19 << 20)
    let key = try Argon2id.derive(32, from: secret(Array("correct horse".utf8)), salt: Array(0...15), cost: cost)
    #expect(Hex.encode(plain(key)) == "8dcc4967b5c8e0ead7886f15b451bd69cb22208a1831694e3970509f448f8893")
    #expect(throws: Problem.malformed("argon2id.salt", "")) {
      try Argon2id.derive(32, from: secret([1]), salt: Array(0...14), cost: cost)
    }
  }

  @Test(arguments: [(0, 32 << 20), (11, 32 << 20), (1, (19 << 20) - 1), (1, (256 << 20) + 1)])
  func boundsTheCost(passes: Int, memory: Int) throws {
    _ = try Argon2id.Cost(passes: 1, memory: 19 << 20)
    _ = try Argon2id.Cost(passes: 10, memory: 256 << 20)
    #expect(throws: Problem.refused("argon2id.cost", "")) { try Argon2id.Cost(passes: passes, memory: memory) }
  }
}

import Cryptography
import Diagnostics
import Testing
import Wire

/// The primitives of the tunnel, for keys that come and go by thousands a second.
@Suite struct TunnelPrimitiveTests {
  private let machine = BLAKE2s()

  private func hash(_ bytes: [UInt8]) -> String { Hex.encode(machine.digest(bytes)) }

  private func bytes(_ key: Key32) -> [UInt8] {
    unsafe key.withBytes { unsafe Array(UnsafeBufferPointer(start: $0, count: Key32.length)) }
  }

  // MARK: BLAKE2s

  /// RFC 7693, appendix B, and answers of another implementation (Python's hashlib) around the length of a block.
  static let digests: [(count: Int?, digest: String)] = [
    (nil, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"),
    (0, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9"),
    (1, "e34d74dbaf4ff4c6abd871cc220451d2ea2648846c7757fbaac82fe51ad64bea"),
    (31, "aba4ad9b480b9df3d08ca5e87b0c2440d4e4ea21224c2eb42cbae469d089b931"),
    (32, "05825607d7fdf2d82ef4c3c8c2aea961ad98d60edff7d018983e21204c0d93d1"),
    (55, "f4495470f226c8c214be08fdfad4bc4a2a9dbea9136a210df0d4b64929e6fc14"),
    (63, "e57cb79487dd57902432b250733813bd96a84efce59f650fac26e6696aefafc3"),
    (64, "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e"),
    (65, "1b53ee94aaf34e4b159d48de352c7f0661d0a40edff95a0b1639b4090e974472"),
    (127, "f18417b39d617ab1c18fdf91ebd0fc6d5516bb34cf39364037bce81fa04cecb1"),
    (128, "1fa877de67259d19863a2a34bcc6962a2b25fcbf5cbecd7ede8f1fa36688a796"),
    (129, "5bd169e67c82c2c2e98ef7008bdf261f2ddf30b1c00f9e7f275bb3e8a28dc9a2"),
    (1000, "b5f9d7799111edafc9326fbf667be98140b5e20ce5e151793c59125bf654ac18"),
  ]

  @Test(arguments: digests.indices) func hashes(index: Int) {
    let (count, digest) = Self.digests[index]
    let message = count.map { (0..<$0).map { UInt8(truncatingIfNeeded: $0) } } ?? Array("abc".utf8)
    #expect(hash(message) == digest)
    for cut in [0, 1, count ?? 3].filter({ $0 <= message.count }) {
      #expect(Hex.encode(machine.digest(Array(message[..<cut]), Array(message[cut...]))) == digest)
    }
  }

  /// Answers of Python's hashlib: key length, message length, 16 bytes.
  static let macs: [(key: Int, message: Int, mac: String)] = [
    (1, 0, "01d7f4cea32638032b156c74aec7e87a"),
    (16, 1, "881e42e7bb358082637c0a0fd7ec6c2f"),
    (32, 0, "9536f9b267655743dee97b8a670f9f53"),
    (32, 63, "ece382a8bd5018f1de5da44b72cea75b"),
    (32, 64, "f1efa90d2547036841ecd3627fafbc36"),
    (32, 65, "811ff8686d23a435ecbd0bdafcd27b1b"),
    (32, 116, "072e94ffbfc684bd8ab2a1b9dade2fd5"),
    (32, 148, "33bd6c20ca2a7ab916d6e98003c6c5f8"),
    (16, 132, "b03d1196bdcfaad40f911db86b79ac7e"),
  ]

  @Test(arguments: macs.indices) func authenticates(index: Int) {
    let row = Self.macs[index]
    let message = (0..<row.message).map { UInt8(truncatingIfNeeded: $0) }
    let key = Array(UInt8(0)..<UInt8(row.key))
    // Twice, with another key between: nothing of a key stays.
    for _ in 0..<2 {
      #expect(Hex.encode(unsafe machine.mac(message.span.bytes, key: key)) == row.mac)
      #expect(Hex.encode(unsafe machine.mac(message.span.bytes, key: [9])) != row.mac)
    }
  }

  /// Noise's HKDF: the answers that WireGuard's implementations share.
  @Test func derives() {
    let keys = machine.derive(3, chainingKey: Array("test-key".utf8), input: Array("test-input".utf8))
    #expect(
      keys.map { Hex.encode($0) } == [
        "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
        "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
        "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24",
      ])
    for count in 1...2 {
      let fewer = machine.derive(count, chainingKey: Array("test-key".utf8), input: Array("test-input".utf8))
      #expect(fewer == Array(keys.prefix(count)))
    }
  }

  // MARK: X25519

  /// RFC 7748, 5.2: a key that is multiplied with itself, once and a thousand times.
  @Test func iterates() throws {
    var scalar = [UInt8](repeating: 0, count: 32)
    scalar[0] = 9
    var point = scalar
    for turn in 1...1_000 {
      let key = try #require(Key32(scalar))
      let shared = try #require(X25519.sharedKey(key, with: point))
      (scalar, point) = (bytes(shared), scalar)
      if turn == 1 {
        #expect(Hex.encode(scalar) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
      }
    }
    #expect(Hex.encode(scalar) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
  }

  @Test func bothFormsAgree() throws {
    let key = try Hex.decode("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    let remote = try Hex.decode("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    let quick = try #require(Key32(key))
    #expect(X25519.publicKey(of: quick) == (try X25519.publicKey(of: secret(key))))
    let shared = try #require(X25519.sharedKey(quick, with: remote))
    #expect(bytes(shared) == plain(try X25519.sharedSecret(secret(key), with: remote)))
    let clamped = try #require(X25519.sharedKey(X25519.clamped(quick), with: remote))
    #expect(clamped.isEqual(to: shared))
    #expect(X25519.sharedKey(quick, with: Array(remote.dropLast())) == nil)
    #expect(X25519.sharedKey(quick, with: [UInt8](repeating: 0, count: 32)) == nil)
  }

  @Test func keysAreTakenOverAndWiped() throws {
    var bytes = [UInt8](repeating: 7, count: 32)
    #expect(Key32(consuming: &bytes) != nil && bytes.isEmpty)
    var short = [UInt8](repeating: 7, count: 31)
    #expect(Key32(consuming: &short) == nil && short.count == 31)
    let key = try #require(Key32([UInt8](repeating: 7, count: 32)))
    #expect("\(key)" == "REDACTED")
  }

  // MARK: Ciphers

  @Test(arguments: CipherTests.vectors) func sealsAndOpens(vector: CipherTests.Vector) throws {
    let key = try #require(Key32(Array(0x80...0x9f)))
    let nonce = try Hex.decode(vector.nonce)
    let data = try Hex.decode(CipherTests.associatedData)
    let message = CipherTests.message
    let sealed = unsafe vector.cipher.seal(
      message.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes)
    #expect(Hex.encode(sealed) == vector.ciphertext)
    func open(_ sealed: [UInt8], _ nonce: [UInt8], _ data: [UInt8]) -> [UInt8]? {
      unsafe vector.cipher.open(sealed.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes)
    }
    #expect(open(sealed, nonce, data) == message)
    for index in sealed.indices {
      var changed = sealed
      changed[index] ^= 0x80
      #expect(open(changed, nonce, data) == nil)
      #expect(open(Array(sealed.prefix(index)), nonce, data) == nil)
    }
    #expect(open(sealed, [0xff] + nonce.dropFirst(), data) == nil && open(sealed, nonce, []) == nil)
    let empty: [UInt8] = []
    let tag = unsafe vector.cipher.seal(empty.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes)
    #expect(tag.count == 16 && open(tag, nonce, data) == [])
  }

  @Test func comparesInConstantTime() {
    func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
      unsafe ConstantTime.isEqual(left.span.bytes, right.span.bytes)
    }
    #expect(isEqual([], []) && isEqual([1, 2], [1, 2]))
    #expect(!isEqual([1, 2], [1, 3]) && !isEqual([1, 2], [1]) && !isEqual([], [0]))
  }

  // MARK: Noise

  /// Each key seals once; a copy goes its own way.
  @Test func statesAreCopied() throws {
    let state = NoiseState(protocolName: "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", prologue: [], machine: machine)
    state.mixKey(try #require(Key32([UInt8](repeating: 1, count: 32))))
    let copy = NoiseState(copying: state)
    #expect(copy.transcript == state.transcript)
    let message = Array("hello".utf8)
    let sealed = unsafe state.seal(message.span.bytes)
    #expect(copy.transcript != state.transcript)
    #expect(unsafe copy.open(sealed.span.bytes) == message)
    #expect(copy.transcript == state.transcript)
    let (first, second) = state.split()
    let (third, fourth) = copy.split()
    #expect(first.isEqual(to: third) && second.isEqual(to: fourth) && !first.isEqual(to: second))
  }
}

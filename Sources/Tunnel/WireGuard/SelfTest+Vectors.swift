import Cryptography

/// The vectors of the primitives and of the handshake. `Tests/Fixtures/noise_transcript.py` computes those again that
/// are of no standard, without our code.
extension SelfTest {
  static var hashes: [Check] {
    let machine = BLAKE2s()
    let first = "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633"
    let second = "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a"
    let third = "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24"
    let derive = { (count: Int) in
      machine.derive(count, chainingKey: Array("test-key".utf8), input: Array("test-input".utf8)).flatMap(\.self)
    }
    return [
      Check(
        name: "BLAKE2s (RFC 7693, appendix B)",
        expected: "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
        compute: { machine.digest(Array("abc".utf8)) }),
      Check(
        name: "keyed BLAKE2s of 16 bytes (RFC 7693, 2.9)", expected: "072e94ffbfc684bd8ab2a1b9dade2fd5",
        compute: {
          let message = Array(UInt8(0)..<116)
          return unsafe machine.mac(message.span.bytes, key: Array(0..<32))
        }),
      Check(
        name: "HMAC of BLAKE2s (RFC 2104)",
        expected: "65a8b7c5cc9136d424e82c37e2707e74e913c0655b99c75f40edf387453a3260",
        compute: { machine.hmac(Array("Hi There".utf8), key: Array(repeating: 0x0b, count: 20)) }),
      Check(name: "KDF1 (Noise, 4.3)", expected: first, compute: { derive(1) }),
      Check(name: "KDF2 (Noise, 4.3)", expected: first + second, compute: { derive(2) }),
      Check(name: "KDF3 (Noise, 4.3)", expected: first + second + third, compute: { derive(3) }),
      Check(
        name: "KDF3 of nothing",
        expected: "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0"
          + "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e"
          + "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e",
        compute: { machine.derive(3, chainingKey: [], input: []).flatMap(\.self) }),
    ]
  }

  /// The seven points whose product with any private key is zero, as they are written; the last two lie beyond the
  /// field's order and stand for 0 and 1.
  static let lowOrderPoints = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ]

  static var exchanges: [Check] {
    let alice = key(bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
    let bob = key(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    return [
      Check(
        name: "X25519, public key (RFC 7748, 6.1)",
        expected: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        compute: { X25519.publicKey(of: alice) }),
      Check(
        name: "X25519, shared secret (RFC 7748, 6.1)", expected: shared + shared,
        compute: {
          let one = X25519.sharedKey(alice, with: X25519.publicKey(of: bob))
          let other = X25519.sharedKey(bob, with: X25519.publicKey(of: alice))
          return [one, other].flatMap { $0.map { bytes($0) } ?? [] }
        }),
      Check(
        name: "X25519 refuses points of low order (RFC 7748, 6.1)",
        expected: String(repeating: "01", count: lowOrderPoints.count),
        compute: {
          lowOrderPoints.map { point in
            let point = bytes(point)
            return point.count == X25519.length && X25519.sharedKey(alice, with: point) == nil ? 1 : 0
          }
        }),
    ]
  }

  static var ciphers: [Check] {
    let text = Array(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
        .utf8)
    let data = bytes("50515253c0c1c2c3c4c5c6c7")
    func check(_ name: String, _ cipher: AuthenticatedCipher, nonce: String, expected: String) -> [Check] {
      let key = key(0x80...0x9f)
      let nonce = bytes(nonce)
      return [
        Check(
          name: name, expected: expected,
          compute: { unsafe cipher.seal(text.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes) }),
        Check(
          name: "\(name), opened, and refused with any byte changed",
          expected: "01" + String(repeating: "00", count: text.count + 16),
          compute: {
            let sealed = bytes(expected)
            let open = { (sealed: [UInt8]) in
              unsafe cipher.open(sealed.span.bytes, key: key, nonce: nonce, associatedData: data.span.bytes)
            }
            return [open(sealed) == text ? 1 : 0]
              + sealed.indices.map { index in
                var changed = sealed
                changed[index] ^= 1
                return open(changed) == nil ? 0 : 1
              }
          }),
      ]
    }
    return check(
      "ChaCha20-Poly1305 (RFC 8439, 2.8.2)", .chacha20Poly1305, nonce: "070000004041424344454647",
      expected: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
        + "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
        + "3ff4def08e4b7a9de576d26586cec64b6116" + "1ae10b594f09e26a7e902ecbd0600691")
      + check(
        "XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, A.3.1)", .xchacha20Poly1305,
        nonce: "404142434445464748494a4b4c4d4e4f5051525354555657",
        expected: "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
          + "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
          + "21f9664c97637da9768812f615c68b13b52e" + "c0875924c1c7987947deafd8780acf49")
  }

  /// A whole handshake with fixed keys.
  struct Transcript {
    var prologue: String
    var presharedKey: [UInt8]
    var first: [UInt8]
    var second: [UInt8]
    /// Sealed identity, sealed first payload, sealed second payload, both session keys, the transcript's hash.
    var expected: [String]
  }

  static let transcripts = [
    Transcript(
      prologue: "notsecret", presharedKey: Array("!verysecretverysecretverysecret!".utf8),
      first: Array("test_msg_0".utf8), second: Array("test_msg_1".utf8),
      expected: [
        "d06f15f78ad0914d9715147bb5a5004b27345a838bab4aa8bc5f144afc2cf4ccb88f9ea1ebd99e94b76e50af7eee0e59",
        "6a3d77b86f9aa87dcfe61d972bc6f34d0e93751d1260fa6bf0fe", "168e6913e78d7a2b04b2b154c5149032d1c2584051bdcf04db1d",
        "2535fbb0e94a73a0509095ddf24bdb6d57f85690409d9e35030deedec876c9db",
        "2b346862dbcfc5f269f6135a260235983250dde6122471b782c6c51bae4432cf",
        "bcc844e3bffb0f37f6d5eb433b8448627cbb2da440f863c9690f09012743d397",
      ]),
    Transcript(
      prologue: Specification.identifier, presharedKey: Array(repeating: 0, count: 32),
      first: [0x40, 0, 0, 0, 0x65, 0x53, 0xf1, 0x0a, 1, 0, 0, 0], second: [],
      expected: [
        "d06f15f78ad0914d9715147bb5a5004b27345a838bab4aa8bc5f144afc2cf4cca86d6bf50218d61f75ef8c63c227d68c",
        "5e5804cc55a42a1091d67af56f2846ce680d7d76c72a8534eb5b9075", "b945974ddd5b97753ac009303208445e",
        "037140ef63a03b49bfae38db2ee21caa9c4f8df73262aa3f55dcb14a7b054f8a",
        "7a70d209996fc7493d1395d66b58dce9d4d49fbcf1f3fab107662503698cbbe9",
        "b8a2ccb939d017a94eee8af08219b44d0637f65d48a7bc59cec0ec1636100e7f",
      ]),
  ]

  static var handshakes: [Check] {
    transcripts.map { transcript in
      Check(
        name: "Noise IKpsk2, prologue “\(transcript.prologue)”", expected: transcript.expected.joined(),
        compute: { run(transcript) ?? [] })
    }
  }

  /// Plays a handshake on both sides and returns what went over the wire with the initiator's keys; nil when the sides
  /// do not agree.
  static func run(_ transcript: Transcript) -> [UInt8]? {
    var noise = Noise(machine: BLAKE2s())
    noise.prologue = Array(transcript.prologue.utf8)
    let (own, remote) = (Noise.KeyPair(key(0..<32)), Noise.KeyPair(key(1..<33)))
    let (ownEphemeral, remoteEphemeral) = (Noise.KeyPair(key(0x20..<0x40)), Noise.KeyPair(key(0x41..<0x61)))
    let presharedKey = key(transcript.presharedKey)
    guard let shared = X25519.sharedKey(own.privateKey, with: remote.publicKey),
      let initiation = noise.initiate(
        own, to: remote.publicKey, shared: shared, ephemeral: ownEphemeral, payload: transcript.first),
      let (state, identity) = noise.readIdentity(
        remote, ephemeral: ownEphemeral.publicKey, sealed: initiation.sealedIdentity),
      identity == own.publicKey,
      noise.readPayload(state, shared: shared, sealed: initiation.sealedPayload) == transcript.first,
      let answer = noise.respond(
        state, ephemeral: remoteEphemeral, remoteEphemeral: ownEphemeral.publicKey, remote: own.publicKey,
        presharedKey: presharedKey, payload: transcript.second),
      let end = noise.readResponse(
        initiation, own: own, remoteEphemeral: remoteEphemeral.publicKey, presharedKey: presharedKey, sealed: answer),
      end.payload == transcript.second, end.state.transcript == state.transcript
    else { return nil }
    let (sending, receiving) = end.state.split()
    let (theirReceiving, theirSending) = state.split()
    guard sending.isEqual(to: theirReceiving), receiving.isEqual(to: theirSending) else { return nil }
    return initiation.sealedIdentity + initiation.sealedPayload + answer + bytes(sending) + bytes(receiving)
      + end.state.transcript
  }
}

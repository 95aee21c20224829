import Attestation
import Cryptography
import Diagnostics
@testable import ForeignSignatures
import Testing
import Wire

@Suite struct SSHSignatureTests {
  static let message = "message"
  static let time = "2026-11-22T16:05:00Z"

  /// The checks of a fixture.
  static func judge(
    _ name: String, identity: String? = nil, namespace: String = "file", time: String = time, message: [UInt8]? = nil,
    signers: String? = nil
  ) throws -> [Check] {
    let signature = try SSHSignature(armoured: try Fixture.bytes(name))
    let own = name.split(whereSeparator: { $0 == "." })[0].replacing("-sha256", with: "").replacing("-sha512", with: "")
      .replacing("-untouched", with: "")
    let text = try signers ?? Fixture.text("allowed_signers")
    return signature.judge(
      Digest(of: try message ?? Fixture.bytes(self.message), signature.hash),
      by: SSHSignature.Demand(
        identity: identity ?? "\(own)@example.org", namespace: namespace,
        signers: try AllowedSigners(parsing: Array(text.utf8)), time: try Timestamp(time)),
      policy: try AlgorithmPolicy())
  }

  static let good = [
    "ed25519-sha256", "ed25519-sha512", "ecdsa256-sha256", "ecdsa256-sha512", "ecdsa384-sha256", "ecdsa384-sha512",
    "rsa-sha256", "rsa-sha512", "sk-ed25519", "sk-ecdsa",
  ].map { "\($0).sshsig" }

  @Test(arguments: good) func verifiesEverySortOfKey(name: String) throws {
    let checks = try SSHSignatureTests.judge(name)
    #expect(checks.refusals == [])
    #expect(checks.count >= 5)
  }

  @Test(arguments: good) func refusesAnotherFile(name: String) throws {
    #expect(try SSHSignatureTests.judge(name, message: [1]).refusals == ["signature.invalid"])
  }

  @Test(arguments: good) func refusesAnotherNamespace(name: String) throws {
    // Both the demand and the list of the signer's namespaces refuse it; keys of tokens have no such list.
    let refusals = try SSHSignatureTests.judge(name, namespace: "email").refusals
    #expect(
      refusals == (name.hasPrefix("sk-") ? ["sshsig.namespace"] : ["sshsig.namespace", "sshsig.signer-namespace"]))
  }

  @Test func aTouchIsDemanded() throws {
    for name in ["sk-ed25519-untouched.sshsig", "sk-ecdsa-untouched.sshsig"] {
      #expect(try SSHSignatureTests.judge(name).refusals == ["sshsig.user-presence"])
    }
  }

  struct Case: Sendable {
    var identity: String
    var time = SSHSignatureTests.time
    var refusals: [String]
  }

  /// What the allowed signers of the fixture say about the key `ed25519`.
  static let cases = [
    Case(identity: "ed25519@example.org", refusals: []),
    Case(identity: "ED25519@example.org", refusals: ["sshsig.identity"]),
    Case(identity: "nobody@example.org", refusals: ["sshsig.identity"]),
    Case(identity: "rsa@example.org", refusals: ["sshsig.key"]),
    Case(identity: "bob@wild.example", refusals: []),
    Case(identity: "eve@wild.example", refusals: ["sshsig.identity"]),
    Case(identity: "late@example.org", refusals: ["sshsig.not-yet-valid"]),
    Case(identity: "late@example.org", time: "2026-12-31T23:59:59Z", refusals: ["sshsig.not-yet-valid"]),
    Case(identity: "late@example.org", time: "2027-01-01T00:00:00Z", refusals: []),
    Case(identity: "early@example.org", refusals: ["sshsig.expired"]),
    Case(identity: "early@example.org", time: "2026-01-01T12:00:01Z", refusals: ["sshsig.expired"]),
    Case(identity: "early@example.org", time: "2026-01-01T12:00:00Z", refusals: []),
    Case(identity: "authority@example.org", refusals: ["sshsig.cert-authority"]),
  ]

  @Test(arguments: cases) func asksTheAllowedSigners(one: Case) throws {
    let checks = try SSHSignatureTests.judge("ed25519-sha512.sshsig", identity: one.identity, time: one.time)
    #expect(checks.refusals == one.refusals)
  }

  /// A line that allows it is enough, whatever another line of the same key refuses.
  @Test func anyLineSuffices() throws {
    let line = try #require(try Fixture.text("allowed_signers").split(separator: "\n").first { $0.hasPrefix("late") })
    let open = line.replacing(" valid-after=\"20270101Z\"", with: "")
    #expect(
      try SSHSignatureTests.judge(
        "ed25519-sha512.sshsig", identity: "late@example.org", signers: "\(line)\n\(open)\n"
      ).refusals == [])
  }

  // MARK: the blob

  /// An SSH signature, field by field, signed by a key of ours.
  struct Parts {
    static let own = Ed25519.SigningKey()
    var magic = "SSHSIG"
    var version = 1
    var key = SSHWriter.string("ssh-ed25519") + SSHWriter.string(Parts.own.publicKey.bytes)
    var namespace = "file"
    var reserved: [UInt8] = []
    var hash = "sha512"
    var algorithm = "ssh-ed25519"
    var tail: [UInt8] = []
    var innerTail: [UInt8] = []

    var blob: [UInt8] {
      let digest = SSHWriter.string(Digest(of: Array("message".utf8), .sha512).bytes)
      let signed =
        Array("SSHSIG".utf8) + SSHWriter.string(namespace) + SSHWriter.string(reserved) + SSHWriter.string(hash)
        + digest
      let inner = SSHWriter.string(algorithm) + SSHWriter.string(Parts.own.sign(signed)) + innerTail
      return Array(magic.utf8) + SSHWriter.uint32(version) + SSHWriter.string(key) + SSHWriter.string(namespace)
        + SSHWriter.string(reserved) + SSHWriter.string(hash) + SSHWriter.string(inner) + tail
    }

    func refusals() throws -> [String] {
      let signature = try SSHSignature(blob: blob)
      let line = "a@b ssh-ed25519 \(Base64.encode(key))"
      return signature.judge(
        Digest(of: Array("message".utf8), signature.hash),
        by: SSHSignature.Demand(
          identity: "a@b", namespace: "file", signers: try AllowedSigners(parsing: Array(line.utf8)),
          time: try Timestamp(SSHSignatureTests.time)), policy: try AlgorithmPolicy()
      ).refusals
    }
  }

  @Test func readsEveryField() throws { #expect(try Parts().refusals() == []) }

  static let malformed: [(String, @Sendable (inout Parts) -> Void)] = [
    ("sshsig.magic", { $0.magic = "SSHSIH" }), ("sshsig.version", { $0.version = 2 }),
    ("sshsig.version", { $0.version = 0 }), ("sshsig.namespace-empty", { $0.namespace = "" }),
    ("sshsig.namespace-text", { $0.namespace = "a\u{1b}b" }), ("sshsig.hash", { $0.hash = "sha1" }),
    ("sshsig.hash", { $0.hash = "sha384" }), ("sshsig.algorithm", { $0.algorithm = "ssh-rsa" }),
    ("sshsig.algorithm", { $0.algorithm = "ecdsa-sha2-nistp256" }), ("ssh.trailing", { $0.tail = [0] }),
    ("ssh.trailing", { $0.innerTail = [0] }), ("ssh.trailing", { $0.key.append(0) }),
    ("key.algorithm", { $0.key = SSHWriter.string("ssh-dss") }),
    ("key.algorithm", { $0.key = SSHWriter.string("ecdsa-sha2-nistp521") }),
    ("sshsig.certificate", { $0.key = SSHWriter.string("ssh-ed25519-cert-v01@openssh.com") }),
    ("key.spki", { $0.key = SSHWriter.string("ssh-ed25519") + SSHWriter.string([1, 2, 3]) }),
  ]

  @Test(arguments: malformed.indices) func refusesEachWrongField(index: Int) throws {
    let (code, change) = SSHSignatureTests.malformed[index]
    var parts = Parts()
    change(&parts)
    let error = #expect(throws: Problem.self) { try SSHSignature(blob: parts.blob) }
    #expect(error?.code == code, "case \(index)")
  }

  @Test func aReservedFieldIsRefused() throws {
    #expect(try Parts(reserved: [1]).refusals() == ["sshsig.reserved"])
  }

  @Test func everyPrefixIsMalformed() throws {
    let blob = Parts().blob
    for length in blob.indices {
      #expect(throws: Problem.self) { try SSHSignature(blob: Array(blob.prefix(length))) }
    }
  }

  /// A changed byte is malformed, or refused: no byte of the blob is without meaning.
  @Test func everyByteCounts() throws {
    let blob = Parts().blob
    let line = "a@b ssh-ed25519 \(Base64.encode(Parts().key))"
    let demand = SSHSignature.Demand(
      identity: "a@b", namespace: "file", signers: try AllowedSigners(parsing: Array(line.utf8)),
      time: try Timestamp(SSHSignatureTests.time))
    for index in blob.indices {
      var changed = blob
      changed[index] ^= 1
      guard let signature = try? SSHSignature(blob: changed) else { continue }
      let checks = signature.judge(
        Digest(of: Array("message".utf8), signature.hash), by: demand, policy: try AlgorithmPolicy())
      #expect(checks.outcome == .failed, "byte \(index)")
    }
  }

  @Test func readsOneBlock() throws {
    let text = try Fixture.text("ed25519-sha512.sshsig")
    _ = try SSHSignature(armoured: Array(text.utf8))
    _ = try SSHSignature(armoured: Array(text.replacing("\n", with: "\r\n").utf8))
    let changes = [
      ("sshsig.armour", ""), ("sshsig.armour", "x" + text), ("base64.character", text + text),
      ("sshsig.armour", text.replacing("END SSH", with: "END PGP")),
      ("sshsig.armour", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"),
      ("text.character", text.replacing("U1NI", with: "U1\u{0}")),
      ("sshsig.size", text + String(repeating: "\n", count: 20_000)),
    ]
    for (code, changed) in changes {
      let error = #expect(throws: Problem.self) { try SSHSignature(armoured: Array(changed.utf8)) }
      #expect(error?.code == code)
    }
  }
}

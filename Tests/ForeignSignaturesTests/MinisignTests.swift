import Attestation
import Cryptography
import Diagnostics
import ForeignSignatures
import Testing
import Wire

@Suite struct MinisignTests {
  static func judge(_ signature: String, message: [UInt8]? = nil, key: MinisignKey? = nil) throws -> [Check] {
    let parsed = try MinisignSignature(parsing: Array(signature.utf8))
    let message = try message ?? Fixture.bytes("message")
    return parsed.judge(
      parsed.form == .prehashed ? BLAKE2b.digest(of: message) : message,
      key: try key ?? MinisignKey(parsing: try Fixture.bytes("minisign.pub")))
  }

  static let names = ["prehashed.minisig", "legacy.minisig"]

  @Test(arguments: names) func verifiesBothForms(name: String) throws {
    let checks = try MinisignTests.judge(try Fixture.text(name))
    #expect(checks.outcome == .passed)
    #expect(checks.map(\.id) == ["format", "key-id", "signature", "trusted-comment"])
  }

  @Test(arguments: names) func refusesAnotherFile(name: String) throws {
    #expect(try MinisignTests.judge(try Fixture.text(name), message: [1]).refusals == ["signature.invalid"])
  }

  @Test(arguments: names) func refusesAnotherComment(name: String) throws {
    let changed = try Fixture.text(name).replacing("a trusted", with: "a distrusted")
    #expect(try MinisignTests.judge(changed).refusals == ["minisign.trusted-comment"])
  }

  /// The untrusted comment is untrusted.
  @Test(arguments: names) func ignoresTheFirstComment(name: String) throws {
    let lines = try Fixture.text(name).split(separator: "\n")
    let changed = (["untrusted comment: anything at all"] + lines.dropFirst()).joined(separator: "\r\n")
    #expect(try MinisignTests.judge(changed).refusals == [])
  }

  @Test func refusesAnotherKey() throws {
    var blob = try Base64.decode(String(try Fixture.text("minisign.pub").split(separator: "\n")[1]))
    blob[2] ^= 1
    let sameKey = try MinisignKey(parsing: Array(Base64.encode(blob).utf8))
    #expect(
      try MinisignTests.judge(try Fixture.text(MinisignTests.names[0]), key: sameKey).refusals == ["minisign.key-id"])
    blob = Array(blob[..<10]) + Ed25519.SigningKey().publicKey.bytes
    let other = try MinisignKey(parsing: Array(Base64.encode(blob).utf8))
    #expect(
      try MinisignTests.judge(try Fixture.text(MinisignTests.names[0]), key: other).refusals
        == ["minisign.key-id", "signature.invalid", "minisign.trusted-comment"])
  }

  /// The two forms sign different bytes: one must not pass for the other.
  @Test func theFormIsPartOfTheMeaning() throws {
    for name in MinisignTests.names {
      var lines = try Fixture.text(name).split(separator: "\n").map(String.init)
      var blob = try Base64.decode(lines[1])
      blob[1] ^= 0x20  // “Ed” and “ED”
      lines[1] = Base64.encode(blob)
      #expect(try MinisignTests.judge(lines.joined(separator: "\n")).refusals == ["signature.invalid"])
    }
  }

  static let malformed: [(code: String, change: @Sendable (inout [String]) -> Void)] = [
    ("minisign.lines", { $0.removeLast() }), ("minisign.lines", { $0.append("more") }),
    ("minisign.lines", { $0[0] = "comment" }), ("minisign.lines", { $0[2] = "comment" }),
    ("base64.character", { $0[1] = "****" }), ("minisign.algorithm", { $0[1] = "AAAA" }),
    ("minisign.algorithm", { $0[1] = "XX" + $0[1].dropFirst(2) }), ("minisign.global", { $0[3] = "AAAA" }),
    ("text.character", { $0[2] += "\u{7f}" }), ("minisign.size", { $0[2] += String(repeating: "a", count: 20_000) }),
  ]

  @Test(arguments: malformed.indices) func refusesEachDamage(index: Int) throws {
    var lines = try Fixture.text("prehashed.minisig").split(separator: "\n").map(String.init)
    MinisignTests.malformed[index].change(&lines)
    let error = #expect(throws: Problem.self) {
      try MinisignSignature(parsing: Array((lines.joined(separator: "\n") + "\n").utf8))
    }
    #expect(error?.code == MinisignTests.malformed[index].code, "case \(index)")
  }

  @Test func readsKeys() throws {
    let text = try Fixture.text("minisign.pub")
    let key = try MinisignKey(parsing: Array(text.utf8))
    #expect(text.contains(key.name))
    let line = String(text.split(separator: "\n")[1])
    #expect(try MinisignKey(parsing: Array(line.utf8)) == key)
    let changes = [
      ("minisign.key", ""), ("minisign.key", text + "more\n"), ("minisign.key", line + "\n" + line),
      ("minisign.key", "AAAA"), ("minisign.key", "A" + line.dropFirst()), ("base64.length", String(line.dropLast())),
      ("minisign.size", String(repeating: "A", count: 5000)),
    ]
    for (code, changed) in changes {
      let error = #expect(throws: Problem.self) { try MinisignKey(parsing: Array(changed.utf8)) }
      #expect(error?.code == code)
    }
  }

  /// RFC 7693 appendix A, and the same in pieces.
  @Test func hashesLikeTheSpecification() throws {
    let expected =
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    #expect(Hex.encode(BLAKE2b.digest(of: Array("abc".utf8))) == expected)
    var hash = BLAKE2b()
    for byte in "abc".utf8 { hash.update([byte]) }
    hash.update([])
    #expect(Hex.encode(hash.finish()) == expected)
  }
}

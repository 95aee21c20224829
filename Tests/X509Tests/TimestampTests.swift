import Commands
import Cryptography
import Diagnostics
import LinuxKit
import Testing
import Wire

@testable import X509

/// Tokens that `Tests/Fixtures/timestamps.sh` makes with openssl: good ones, and one for each fault.
enum TimestampFixtures {
  private static let made = Task { () -> String in
    let folder = "/tmp/rustynet-timestamps-\(UInt64.random(in: 0 ... .max))"
    let tests = Path.folder(of: Path.folder(of: #filePath))
    let result = try await Command("/bin/sh", ["\(tests)/Fixtures/timestamps.sh", folder]).run()
    try #require(result.status.isSuccess, "\(String(decoding: result.errors, as: UTF8.self))")
    return folder
  }

  static func bytes(_ name: String) async throws -> [UInt8] {
    try FileSystem.read("\(try await made.value)/\(name)", limit: 1 << 20)
  }

  static func authority(
    _ name: String, from: String = "2020-01-01T00:00:00Z", until: String? = nil
  ) async throws -> TimestampAuthority {
    let text = String(decoding: try await bytes("\(name).pem"), as: UTF8.self)
    return try TimestampAuthority(
      chain: try Certificate.pem(text), validFrom: try Timestamp(from), validUntil: try until.map { try Timestamp($0) },
      uri: name)
  }
}

/// The ids of the findings that do not hold, with their codes.
private func faults(_ judgement: TimestampJudgement) -> [String] {
  judgement.findings.filter { !$0.holds }.map { $0.problem?.code ?? "\($0.id) not-run" }
}

@Suite struct TimestampTests {
  private let message = Array("message".utf8)

  @Test(arguments: [
    ("good.tst", "tsa"), ("good.tst", "root"), ("fraction.tst", "tsa"), ("sha384.tst", "tsa"), ("named.tst", "tsa"),
    ("uncritical.tst", "tsa"), ("renewed.tst", "renewed"), ("renewed.tst", "root"), ("foreign.tst", "foreign"),
    ("foreign.tst", "other"), ("deep.tst", "deep"), ("deep.tst", "middle"),
    // The link between signer and root came with the token; and no certificate came, so that the authority's is taken.
    ("bundled.tst", "root"), ("bare.tst", "tsa"), ("smuggled.tst", "other"),
    ("server-sha256.tsr", "root"), ("server-sha512.tsr", "tsa"),
  ])
  func holds(token: String, authority: String) async throws {
    let token = try TimestampToken(parsing: try await TimestampFixtures.bytes(token))
    let judgement = token.judge(over: message, authorities: [try await TimestampFixtures.authority(authority)])
    #expect(faults(judgement).isEmpty)
    #expect(judgement.time == token.info.time)
    #expect(judgement.findings.count == 9)
  }

  @Test(arguments: [
    ("other-bytes.tst", "tsa", ["timestamp.imprint"]),
    // Who signed: a certificate that is not known, not the pinned one, or of another authority.
    ("bare.tst", "root", ["timestamp.signer"]), ("deep.tst", "tsa", ["timestamp.signer"]),
    ("foreign.tst", "root", ["timestamp.chain"]), ("deep.tst", "root", ["timestamp.chain"]),
    ("smuggled.tst", "root", ["timestamp.chain"]), ("good.tst", "other", ["timestamp.chain"]),
    ("unknown.tst", "root", ["timestamp.chain"]), ("weak.tst", "root", ["timestamp.chain"]),
    ("good.tst", "renewed", ["timestamp.signing-certificate"]),
    ("unbound.tst", "tsa", ["timestamp.signing-certificate"]),
    ("plain.tst", "tsa", ["timestamp.content", "timestamp.signing-certificate"]),
    ("weak-digest.tst", "tsa", ["timestamp.digest"]), ("misnamed.tst", "tsa", ["timestamp.name"]),
    ("lax.tst", "root", ["timestamp.purpose"]), ("lax.tst", "lax", ["timestamp.purpose"]),
    ("two.tst", "root", ["timestamp.purpose"]), ("private.tst", "root", ["timestamp.purpose"]),
    ("none.tst", "root", ["timestamp.purpose"]), ("encrypt.tst", "root", ["timestamp.purpose"]),
    ("old.tst", "old", ["timestamp.certificate-time"]), ("old.tst", "root", ["timestamp.certificate-time"]),
    ("early.tst", "tsa", ["timestamp.certificate-time", "timestamp.authority-time"]),
  ])
  func failsAlone(token: String, authority: String, codes: [String]) async throws {
    let token = try TimestampToken(parsing: try await TimestampFixtures.bytes(token))
    let judgement = token.judge(over: message, authorities: [try await TimestampFixtures.authority(authority)])
    #expect(faults(judgement).filter { !$0.hasSuffix("not-run") } == codes)
    #expect(judgement.time == nil)
  }

  @Test(arguments: [
    ("data.tst", "timestamp.content"), ("two-signers.tst", "timestamp.signers"), ("version.tst", "timestamp.version"),
    ("sha1.tst", "timestamp.imprint-algorithm"), ("short.tst", "digest.length"),
    ("critical.tst", "timestamp.extension"), ("server-sha1.tsr", "timestamp.status"),
    ("sha256.tsq", "timestamp.format"),
    ("message", "der.format"), ("tsa.crt", "der.format"), ("good.info", "timestamp.format"),
  ])
  func isNoToken(file: String, code: String) async throws {
    let bytes = try await TimestampFixtures.bytes(file)
    #expect(throws: Problem.malformed(code, "")) { try TimestampToken(parsing: bytes) }
  }

  @Test func readsTheFacts() async throws {
    let good = try TimestampToken(parsing: try await TimestampFixtures.bytes("good.tst"))
    #expect(good.info.time == (try Timestamp("2026-06-01T12:00:00Z")))
    #expect(good.info.imprint == Digest(of: message))
    #expect(good.info.serial == "00c0ffee")
    #expect(good.info.policy == "1.3.6.1.4.1.55555.3")
    #expect(good.info.nonce == [7])
    #expect(good.certificates.count == 1)
    let fraction = try TimestampToken(parsing: try await TimestampFixtures.bytes("fraction.tst"))
    #expect(fraction.info.fraction == "125")
    // A response and the token inside of it are the same token.
    let response = try TimestampToken(parsing: try await TimestampFixtures.bytes("server-sha256.tsr"))
    #expect(try TimestampToken(parsing: response.der) == response)
  }

  /// Both ends of the interval belong to it; a fraction after its last second does not.
  @Test(arguments: [
    ("good.tst", "2026-06-01T12:00:00Z", "2026-06-01T12:00:00Z", true),
    ("good.tst", "2026-06-01T12:00:01Z", nil, false),
    ("good.tst", "2020-01-01T00:00:00Z", "2026-06-01T11:59:59Z", false),
    ("fraction.tst", "2026-06-01T12:00:00Z", "2026-06-01T12:00:01Z", true),
    ("fraction.tst", "2026-06-01T12:00:00Z", "2026-06-01T12:00:00Z", false),
  ])
  func closedInterval(token: String, from: String, until: String?, isInside: Bool) async throws {
    let token = try TimestampToken(parsing: try await TimestampFixtures.bytes(token))
    let authority = try await TimestampFixtures.authority("tsa", from: from, until: until)
    #expect(
      faults(token.judge(over: message, authorities: [authority])) == (isInside ? [] : ["timestamp.authority-time"]))
  }

  /// One authority is enough; the findings are about the one that fits best, and an empty list never passes.
  @Test func severalAuthorities() async throws {
    let token = try TimestampToken(parsing: try await TimestampFixtures.bytes("good.tst"))
    let other = try await TimestampFixtures.authority("other")
    let own = try await TimestampFixtures.authority("tsa")
    #expect(token.judge(over: message, authorities: [other, own]).authority == 1)
    #expect(try token.requireTime(over: message, authorities: [other, own]) == token.info.time)
    #expect(token.judge(over: [], authorities: [other, own]).authority == 1)
    #expect(faults(token.judge(over: message, authorities: [])) == ["timestamp.authority"])
    #expect(throws: Problem.refused("timestamp.chain", "")) {
      try token.requireTime(over: message, authorities: [other])
    }
  }

  /// An authority whose own chain does not hold together is refused when it is made.
  @Test(arguments: [("unknown", "authority.chain"), ("weak", "authority.chain")])
  func badAuthority(name: String, code: String) async throws {
    await #expect(throws: Problem.malformed(code, "")) { try await TimestampFixtures.authority(name) }
  }

  /// Whichever byte of a token is changed: it is not read, or a rule does not hold. The two version numbers of CMS are
  /// the exception: nobody signs them, and nothing is decided by them.
  @Test func everyChangedByteShows() async throws {
    let bytes = try await TimestampFixtures.bytes("bare.tst")
    let authority = try await TimestampFixtures.authority("tsa")
    var survivors: [Int] = []
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 0x01
      guard let token = try? TimestampToken(parsing: changed) else { continue }
      if token.judge(over: message, authorities: [authority]).holds { survivors.append(place) }
    }
    #expect(survivors.count == 2)
    #expect(
      survivors.allSatisfy { bytes[($0 - 2)..<$0] == [0x02, 0x01] && [1, 3].contains(bytes[$0]) }, "\(survivors)")
  }

  @Test func refusesWhatIsTooLarge() {
    #expect(throws: Problem.malformed("timestamp.size", "")) {
      try TimestampToken(parsing: [UInt8](repeating: 0x30, count: TimestampToken.sizeLimit + 1))
    }
  }

  /// What `openssl ts -query` writes for the same digest and number, byte for byte.
  @Test(arguments: [HashAlgorithm.sha256, .sha512])
  func asksAsOpenSSLDoes(algorithm: HashAlgorithm) async throws {
    let theirs = try await TimestampFixtures.bytes("\(algorithm.rawValue).tsq")
    let parts = try DER.elements(try DER.single(theirs, tag: DER.Tag.sequence))
    let ours = TimestampRequest(imprint: Digest(of: message, algorithm), nonce: parts[2].content)
    #expect(ours.der == theirs)
    #expect(TimestampRequest(imprint: Digest(of: message), nonce: [0, 0x80]).nonce == [0, 0x80])
    #expect(TimestampRequest(imprint: Digest(of: message), nonce: [0]).nonce == [0])
  }
}

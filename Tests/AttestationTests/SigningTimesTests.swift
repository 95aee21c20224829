import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import TestSupport
import Testing
import Wire
import X509

@testable import Attestation

/// The seeds of the fuzzer are tokens over “message”, of 2026-06-01T12:00:00Z; one brings its issuing certificate along.
private enum Seeds {
  static let message = Array("message".utf8)
  static let stampedAt = Timestamp(seconds: 1_780_315_200) ?? .latest

  static func token(_ name: String = "bundled.tst") throws -> TimestampToken {
    let tests = Path.folder(of: Path.folder(of: #filePath))
    return try TimestampToken(parsing: try FileSystem.read("\(tests)/Fuzz/Corpus/timestamp/\(name)", limit: 65_536))
  }

  static func authority(until: Timestamp? = nil) throws -> TimestampAuthority {
    let chain = try token().certificates.map { try Certificate(der: $0) }.filter(\.isAuthority)
    return try TimestampAuthority(chain: chain, validFrom: chain[0].notBefore, validUntil: until)
  }
}

@Suite struct SigningTimesTests {
  @Test func aTokenThatHoldsGivesTheTime() throws {
    var times = SigningTimes(now)
    let checks = times.judge([try Seeds.token()], over: [[1], Seeds.message], authorities: [try Seeds.authority()])
    #expect(checks.outcome == .passed)
    #expect(checks.map(\.id).contains("timestamp.future"))
    #expect(times.trusted == [Seeds.message: Seeds.stampedAt])
    #expect(times.time(of: Seeds.message) == (Seeds.stampedAt, true))
    #expect(times.time(of: [1]) == (now, false))
  }

  @Test func aTokenThatDoesNotHoldGivesNone() throws {
    let token = try Seeds.token()
    let authority = try Seeds.authority()
    let ended = try Seeds.authority(until: Seeds.stampedAt.adding(seconds: -1))
    for (signatures, authorities, time, code) in [
      ([[1]], [authority], now, "timestamp.imprint"), ([], [authority], now, "timestamp.imprint"),
      ([Seeds.message], [ended], now, "timestamp.authority-time"), ([Seeds.message], [], now, "timestamp.authority"),
      ([Seeds.message], [authority], Seeds.stampedAt.adding(seconds: -301), "timestamp.future"),
    ] as [([[UInt8]], [TimestampAuthority], Timestamp, String)] {
      var times = SigningTimes(time)
      let checks = times.judge([token], over: signatures, authorities: authorities)
      #expect(checks.filter { $0.outcome != .passed }.map(\.code) == [code])
      #expect(times.trusted.isEmpty)
    }
    // The control for the future: a second less is tolerated.
    var times = SigningTimes(Seeds.stampedAt.adding(seconds: -300))
    #expect(times.judge([token], over: [Seeds.message], authorities: [authority]).outcome == .passed)
  }

  /// What cannot be judged is not-run, and one bad token spoils the list but not the time of the good one.
  @Test func severalTokens() throws {
    var times = SigningTimes(now)
    let checks = times.judge(
      [try Seeds.token(), try Seeds.token("bare.tst")], over: [Seeds.message], authorities: [try Seeds.authority()])
    #expect(checks.outcome == .failed)
    #expect(checks.filter { $0.outcome == .failed }.map(\.id) == ["token 2: timestamp.signer"])
    #expect(checks.filter { $0.outcome == .notRun }.count == 7)
    #expect(times.trusted.count == 1)
  }

  /// The trusted time decides between valid and not: expired, revoked since, revoked before, not valid yet.
  @Test(
    arguments: [
      (-2 * day, 10 * day, nil, -day, "passed"), (-5 * day, -3 * day, nil, -4 * day, "passed"),
      (-5 * day, -3 * day, nil, -3 * day, "passed"), (-5 * day, -3 * day, nil, -3 * day + 1, "key.expired"),
      (-5 * day, -3 * day, nil, nil, "key.expired"), (-5 * day, day, -2 * day, -3 * day, "passed"),
      (-5 * day, day, -2 * day, nil, "key.revoked"), (-5 * day, day, -2 * day, -2 * day, "key.revoked"),
      (-5 * day, day, nil, -6 * day, "key.not-yet-valid"),
    ] as [(Int64, Int64, Int64?, Int64?, String)])
  func keysOverTime(from: Int64, until: Int64, revoked: Int64?, stamped: Int64?, code: String) throws {
    let trust = try sampleTrust(threshold: 1, alice: [try trusted(1, from: from, until: until, revoked: revoked)])
    let signed = Envelope(payloadType: "t", payload: [1, 2, 3], signedBy: [try key(1)])
    var times = SigningTimes(now)
    times.trusted[signed.signatures[0].bytes] = stamped.map { now.adding(seconds: $0) }
    let checks = trust.judge(signed, role: .builder, at: times, for: .release)
    #expect(checks.first?.code == code)
    #expect(checks.outcome == (code == "passed" ? .passed : .failed))
  }

  /// A timestamp speaks for its own signature alone: two of two are not met by one that is stamped.
  @Test func eachSignatureAtItsOwnTime() throws {
    let old = try trusted(1, from: -5 * day, until: -3 * day)
    let trust = try sampleTrust(alice: [old], bob: [try trusted(3, from: -5 * day, until: -3 * day)])
    let signed = Envelope(payloadType: "t", payload: [1], signedBy: [try key(1), try key(3)])
    var times = SigningTimes(now)
    times.trusted[signed.signatures[0].bytes] = now.adding(seconds: -4 * day)
    #expect(trust.judge(signed, role: .builder, at: times, for: .release).outcome == .failed)
    times.trusted[signed.signatures[1].bytes] = now.adding(seconds: -4 * day)
    #expect(trust.judge(signed, role: .builder, at: times, for: .release).outcome == .passed)
  }
}

@Suite struct StampedDocumentTests {
  private var envelope: JSON {
    [
      "payload": "AQ==", "payloadType": "t", "other": [1],
      "signatures": [["sig": "AQ=="], ["sig": .string(Base64.encode(Seeds.message))]],
    ]
  }

  private var bundle: JSON {
    [
      "mediaType": "b", "verificationMaterial": ["publicKey": ["hint": "h"]],
      "messageSignature": ["signature": .string(Base64.encode(Seeds.message))],
    ]
  }

  @Test func attachesOnce() throws {
    for plain in [envelope, bundle] {
      var document = try StampedDocument(parsing: plain.canonical)
      try document.attach(try Seeds.token())
      let once = document.encoded
      try document.attach(try Seeds.token())
      #expect(document.encoded == once)
      let read = try StampedDocument(parsing: once)
      #expect(read.tokens == [try Seeds.token()])
      #expect(read.signatures.last == Seeds.message)
    }
    var document = try StampedDocument(parsing: envelope.canonical)
    try document.attach(try Seeds.token())
    // What else is there stays, and the envelope is still one.
    #expect(document.json["other"] == [1])
    #expect(try Envelope(parsing: document.encoded) == Envelope(parsing: envelope.canonical))
    var other = try StampedDocument(parsing: bundle.canonical)
    try other.attach(try Seeds.token())
    #expect(other.json["verificationMaterial", "publicKey", "hint"] == "h")
    #expect(other.json["verificationMaterial", "timestampVerificationData"] != nil)
  }

  @Test func refuses() throws {
    var document = try StampedDocument(parsing: envelope.canonical)
    var changed = envelope
    changed["signatures"] = [["sig": "AQ=="]]
    var without = try StampedDocument(parsing: changed.canonical)
    #expect(outcome { try without.attach(try Seeds.token()) } == "timestamp.imprint")
    #expect(outcome { try document.attach(try Seeds.token()) } == "accepted")
    let entry: JSON = ["signedTimestamp": .string(Base64.encode(try Seeds.token().response))]
    for (count, code) in [(StampedDocument.limit, "accepted"), (StampedDocument.limit + 1, "json.too-many")] {
      changed = envelope
      changed["timestampVerificationData"] = ["rfc3161Timestamps": .array(Array(repeating: entry, count: count))]
      #expect(outcome { try StampedDocument(parsing: changed.canonical) } == code)
    }
    changed["timestampVerificationData"] = ["rfc3161Timestamps": [["signedTimestamp": "MAA="]]]
    #expect(outcome { try StampedDocument(parsing: changed.canonical) } == "timestamp.format")
    #expect(outcome { try StampedDocument(parsing: Array(#"{"mediaType":"b"}"#.utf8)) } == "json.missing-field")
  }
}

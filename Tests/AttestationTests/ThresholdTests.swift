import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Attestation

private func permutations<Element>(_ elements: [Element]) -> [[Element]] {
  if elements.count < 2 { return [elements] }
  return elements.indices.flatMap { index in
    var rest = elements
    let first = rest.remove(at: index)
    return permutations(rest).map { [first] + $0 }
  }
}

private func envelope(_ signers: [UInt8]) throws -> Envelope {
  Envelope(payloadType: "t", payload: [1, 2, 3], signedBy: try signers.map { try key($0) })
}

/// The check that counts the principals.
private func threshold(_ checks: [Check]) -> Outcome? { checks.first { $0.id == "signature.threshold" }?.outcome }

@Suite struct ThresholdTests {
  /// Keys 1 and 2 are Alice's, 3 Bob's, 4 Carol's; Dave, 5, is no builder; 9 is a stranger's.
  static let rows: [(threshold: Int, signers: [UInt8], passes: Bool)] = [
    (1, [1], true), (1, [2], true), (1, [5], false), (1, [9], false), (1, [9, 3], true), (2, [1], false),
    (2, [1, 2], false), (2, [1, 3], true), (2, [2, 3], true), (2, [1, 2, 3], true), (2, [1, 5], false),
    (2, [1, 5, 9], false), (2, [5, 9, 3, 4], true), (3, [1, 2, 3], false), (3, [1, 3, 4], true), (3, [2, 3, 4], true),
    (3, [1, 2, 3, 5], false), (3, [9, 1, 3, 4, 5], true),
  ]

  @Test(arguments: rows) func countsPrincipalsInAnyOrder(
    _ row: (threshold: Int, signers: [UInt8], passes: Bool)
  ) throws {
    let trust = try sampleTrust(threshold: row.threshold)
    var judgements: [[Check]] = []
    for signers in permutations(row.signers) {
      let checks = trust.judge(try envelope(signers), role: .builder, at: now, for: .release)
      judgements.append(checks)
      #expect((checks.outcome == .passed) == row.passes, "\(signers)")
      #expect((threshold(checks) == .passed) == row.passes, "\(signers)")
    }
    // Not only the outcome: the whole list is the same in every order.
    #expect(judgements.allSatisfy { $0 == judgements[0] })
  }

  /// What Alice's only signature is worth with each of her keys.
  static let keys: [(name: String, make: @Sendable () throws -> TrustedKey, code: String)] = [
    ("valid", { try trusted(1) }, "passed"), ("last second", { try trusted(1, until: 0) }, "passed"),
    ("expired", { try trusted(1, until: -1) }, "key.expired"), ("first second", { try trusted(1, from: 0) }, "passed"),
    ("not yet valid", { try trusted(1, from: 1) }, "key.not-yet-valid"),
    ("revoked now", { try trusted(1, revoked: 0) }, "key.revoked"),
    ("revoked before", { try trusted(1, revoked: -5) }, "key.revoked"),
    ("revoked in a second", { try trusted(1, revoked: 1) }, "passed"),
    ("a preview key", { try trusted(1, use: .preview) }, "key.use"),
  ]

  @Test(arguments: keys) func judgesTheKey(
    _ row: (name: String, make: @Sendable () throws -> TrustedKey, code: String)
  ) throws {
    let trust = try sampleTrust(threshold: 1, alice: [try row.make()])
    let checks = trust.judge(try envelope([1]), role: .builder, at: now, for: .release)
    #expect((checks.outcome == .passed) == (row.code == "passed"))
    #expect(checks.map(\.code).contains(row.code))
    #expect(
      outcome { try trust.require(envelope([1]), role: .builder, at: now, for: .release) }
        == (row.code == "passed" ? "accepted" : row.code))
    // Beside a met threshold it is listed and spoils nothing.
    let both = trust.judge(try envelope([1, 3]), role: .builder, at: now, for: .release)
    #expect(both.outcome == .passed)
    #expect(both.count == 3)
  }

  @Test func aReleaseKeyIsNoPreviewKey() throws {
    let trust = try sampleTrust(threshold: 1)
    #expect(trust.judge(try envelope([1]), role: .builder, at: now, for: .release).outcome == .passed)
    #expect(trust.judge(try envelope([1]), role: .builder, at: now, for: .preview).outcome == .failed)
  }

  @Test func aRoleThatIsNotThereIsRefused() throws {
    let checks = try sampleTrust().judge(try envelope([1, 3]), role: .verifier, at: now, for: .release)
    #expect(checks.outcome == .failed)
    #expect(checks.map(\.code) == ["trust.no-role"])
    #expect(try sampleTrust().signers(of: envelope([1, 3]), role: .verifier, at: now, for: .release).isEmpty)
  }

  @Test func listsTheSigners() throws {
    let trust = try sampleTrust(bob: [trusted(3, until: -1)])
    #expect(
      trust.signers(of: try envelope([4, 2, 1, 3, 5, 9]), role: .builder, at: now, for: .release) == ["alice", "carol"])
  }

  /// Key ids, copies and surplus signatures must not change what the threshold says.
  @Test(arguments: [([1, 3] as [UInt8], true), ([1], false)])
  func hintsAndSurplusChangeNothing(_ row: (signers: [UInt8], passes: Bool)) throws {
    let trust = try sampleTrust()
    let plain = try envelope(row.signers)
    let expected = trust.judge(plain, role: .builder, at: now, for: .release)
    #expect((expected.outcome == .passed) == row.passes)
    func judge(_ change: (inout [JSON]) throws -> Void) throws -> [Check] {
      guard case .array(var list)? = plain.json["signatures"] else { return [] }
      try change(&list)
      var json = plain.json
      json["signatures"] = .array(list)
      return trust.judge(try Envelope(parsing: json.canonical), role: .builder, at: now, for: .release)
    }
    for hint in [nil, "", "ed25519:0000000000000000", try key(4).publicKey.id, "\u{212A}"] as [String?] {
      #expect(
        try judge { list in for index in list.indices { list[index]["keyid"] = hint.map { .string($0) } } } == expected)
    }
    let other = try Envelope(payloadType: "other", payload: [1, 2, 3], signedBy: [key(3), key(4)]).json
    guard case .array(let foreign)? = other["signatures"] else { return }
    // Signatures over another type, garbage, an empty one, and every signature twice.
    let garbage: JSON = ["sig": .string(Base64.encode([UInt8](repeating: 7, count: 64)))]
    for surplus in [foreign, [garbage], [["sig": ""]], [["sig": "AAAA"]]] {
      for atStart in [true, false] {
        let checks = try judge { $0 = atStart ? surplus + $0 : $0 + surplus }
        #expect((checks.outcome == .passed) == row.passes)
        #expect(checks.last == expected.last)
      }
    }
    let twice = try judge { $0 += $0 }
    #expect((twice.outcome == .passed) == row.passes)
    #expect(twice.last == expected.last)
  }

  @Test func anotherPayloadOrTypeIsNotSigned() throws {
    let trust = try sampleTrust()
    let good = try envelope([1, 3])
    #expect(trust.judge(good, role: .builder, at: now, for: .release).outcome == .passed)
    for type in ["T", "t ", "\u{0442}", "t/", "tt"] {
      var json = good.json
      json["payloadType"] = .string(type)
      guard let changed = try? Envelope(parsing: json.canonical) else { continue }
      #expect(trust.judge(changed, role: .builder, at: now, for: .release).outcome == .failed, "\(type)")
    }
    var json = good.json
    json["payload"] = .string(Base64.encode([1, 2, 4]))
    let changed = try Envelope(parsing: json.canonical)
    #expect(trust.judge(changed, role: .builder, at: now, for: .release).outcome == .failed)
  }
}

@Suite struct ExactnessTests {
  /// Texts that Swift's `==`, or a careless eye, takes for the same.
  static let pairs: [(String, String)] = [
    ("K", "\u{212A}"), ("\u{E9}", "e\u{301}"), (";", "\u{37E}"), ("`", "\u{1FEF}"), ("a", "\u{430}"), ("a", "A"),
    ("a", "a\u{200D}"),
    ("a", "a\0"),
  ]

  @Test(arguments: pairs) func lookAlikesAreDifferent(_ pair: (String, String)) {
    #expect(!pair.0.isExactly(pair.1))
    #expect(pair.0.isExactly(pair.0))
    #expect(JSON.string(pair.0) != JSON.string(pair.1))
    #expect(Check.equal("id", "code", "it", expected: pair.0, found: pair.1).outcome == .failed)
    #expect(Check.equal("id", "code", "it", expected: pair.0, found: pair.0).outcome == .passed)
  }

  @Test func aLookAlikeOfATypeIsRefused() throws {
    let lookAlike = PredicateType.record.replacing("e", with: "\u{435}")
    let statement = Statement(subjects: [], predicateType: lookAlike, predicate: [:])
    #expect(outcome { try Record(statement) } == "record.predicate-type")
    #expect(PredicateType.named("vsa") == PredicateType.verificationSummary)
    #expect(PredicateType.named("VSA") == "VSA")
  }
}

@Suite struct CheckTests {
  private static func check(_ outcome: Outcome) -> Check {
    switch outcome {
    case .passed: .passed("id", "m")
    case .failed: .failed("id", "c", "m")
    case .notRun: .notRun("id", "c", "m")
    }
  }

  static let lists: [(list: [Outcome], outcome: Outcome)] = [
    ([], .notRun), ([.passed], .passed), ([.passed, .passed], .passed), ([.passed, .notRun], .notRun),
    ([.notRun], .notRun), ([.notRun, .failed], .failed), ([.passed, .failed, .passed], .failed),
  ]

  @Test(arguments: lists) func onlyPassedCounts(_ row: (list: [Outcome], outcome: Outcome)) {
    #expect(row.list.map(CheckTests.check).outcome == row.outcome)
  }

  @Test func readsBackWhatItWrote() throws {
    let checks: [Check] = [
      .passed("a", "m", expected: "e", found: "f", source: "s"), .failed("b", "c", "m", hint: "h"),
      .notRun("c", "d", "m"),
      Check("d", .couldNotRun("x", "m", place: "p")), Check("e", .refused("x", "m")),
    ]
    for check in checks { #expect(try Check(JSONReader(check.json)) == check) }
    #expect(checks[3].outcome == .notRun)
    #expect(checks[4].outcome == .failed)
    var json = checks[0].json
    json["x"] = 1
    #expect(outcome { try Check(JSONReader(json)) } == "json.unknown-field")
    json = checks[0].json
    json["outcome"] = "green"
    #expect(outcome { try Check(JSONReader(json)) } == "json.choice")
  }
}

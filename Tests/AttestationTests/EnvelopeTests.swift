import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Attestation

@Suite struct EnvelopeTests {
  static let encodings: [(type: String, payload: String, expected: String)] = [
    // The example of the DSSE specification (protocol.md).
    (
      "http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    ),
    ("", "", "DSSEv1 0  0 "),
    // Lengths are those of bytes, not of characters.
    ("ü", "日本", "DSSEv1 2 ü 6 日本"),
    ("a b", "1 x", "DSSEv1 3 a b 3 1 x"),
    ("t", "0123456789", "DSSEv1 1 t 10 0123456789"),
  ]

  @Test(arguments: encodings) func encodesBeforeSigning(_ vector: (type: String, payload: String, expected: String)) {
    #expect(
      Envelope.preAuthenticationEncoding(vector.type, Array(vector.payload.utf8)) == Array(vector.expected.utf8))
  }

  @Test func shiftedBordersGiveOtherBytes() {
    // Type and payload cannot be cut in another place.
    #expect(Envelope.preAuthenticationEncoding("a", [0x62]) != Envelope.preAuthenticationEncoding("ab", []))
    #expect(Envelope.preAuthenticationEncoding("a 1", []) != Envelope.preAuthenticationEncoding("a", Array("1 ".utf8)))
  }

  @Test func signatureOfTheSpecificationsBytes() throws {
    let envelope = Envelope(
      payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8), signedBy: [try key(1)])
    let signed = Array("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8)
    #expect(try key(1).publicKey.isValid(envelope.signatures[0].bytes, over: signed))
  }

  @Test func readsBackWhatItWrote() throws {
    for hints in [true, false] {
      let envelope = Envelope(
        payloadType: "t/x", payload: [0, 255, 10], signedBy: [try key(1), try key(2)], hints: hints)
      #expect(try Envelope(parsing: envelope.encoded) == envelope)
      #expect(envelope.signatures.allSatisfy { ($0.keyID != nil) == hints })
    }
  }

  @Test func signingTwiceWithOneKeyAddsOneSignature() throws {
    var envelope = Envelope(payloadType: "t", payload: [1], signedBy: [try key(1)])
    envelope.sign(with: try key(1))
    #expect(envelope.signatures.count == 1)
    envelope.sign(with: try key(2))
    #expect(envelope.signatures.count == 2)
  }

  private static let sig = String(repeating: "A", count: 86) + "=="

  static let documents: [(name: String, text: String, outcome: String)] = [
    ("plain", #"{"payload":"+/8=","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "accepted"),
    ("URL-safe", #"{"payload":"-_8=","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "accepted"),
    ("empty payload", #"{"payload":"","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "accepted"),
    ("unknown members", #"{"payload":"","payloadType":"t","x":1,"signatures":[{"sig":"SIG","y":{}}]}"#, "accepted"),
    ("any key id", #"{"payload":"","payloadType":"t","signatures":[{"sig":"SIG","keyid":""}]}"#, "accepted"),
    ("both alphabets", #"{"payload":"-/8=","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "base64.alphabet"),
    ("white space", #"{"payload":"+/8 =\n==","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "base64.character"),
    ("no padding", #"{"payload":"+/8","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "base64.length"),
    ("spare bits", #"{"payload":"+/9=","payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "base64.spare-bits"),
    ("garbage", #"{"payload":"+/8=","payloadType":"t","signatures":[{"sig":"!!!!"}]}"#, "base64.character"),
    ("no signature", #"{"payload":"","payloadType":"t","signatures":[]}"#, "dsse.no-signature"),
    ("no signatures", #"{"payload":"","payloadType":"t"}"#, "json.missing-field"),
    ("null signatures", #"{"payload":"","payloadType":"t","signatures":null}"#, "json.kind"),
    ("no type", #"{"payload":"","signatures":[{"sig":"SIG"}]}"#, "json.missing-field"),
    ("empty type", #"{"payload":"","payloadType":"","signatures":[{"sig":"SIG"}]}"#, "json.token"),
    ("space in type", #"{"payload":"","payloadType":"t ","signatures":[{"sig":"SIG"}]}"#, "json.token"),
    ("numeric payload", #"{"payload":1,"payloadType":"t","signatures":[{"sig":"SIG"}]}"#, "json.kind"),
    (
      "payload within a signature", #"{"payloadType":"t","signatures":[{"payload":"","sig":"SIG"}]}"#,
      "json.missing-field"
    ),
    ("control character", "{\"payload\":\"+/8=\n\",\"payloadType\":\"t\",\"signatures\":[]}", "json.control-character"),
    ("unfinished payload", #"{"payload":"+/8="#, "json.end"),
    ("numeric key id", #"{"payload":"","payloadType":"t","signatures":[{"sig":"SIG","keyid":1}]}"#, "json.kind"),
    (
      "duplicate payload", #"{"payload":"","payload":"","payloadType":"t","signatures":[{"sig":"SIG"}]}"#,
      "json.duplicate-key"
    ),
    (
      "duplicate sig", #"{"payload":"","payloadType":"t","signatures":[{"sig":"SIG","sig":"SIG"}]}"#,
      "json.duplicate-key"
    ),
    (
      "escaped duplicate", #"{"payload":"","p\u0061yload":"","payloadType":"t","signatures":[{"sig":"SIG"}]}"#,
      "json.duplicate-key"
    ),
  ]

  @Test(arguments: documents) func reads(_ document: (name: String, text: String, outcome: String)) {
    let text = document.text.replacing("SIG", with: EnvelopeTests.sig)
    #expect(outcome { try Envelope(parsing: Array(text.utf8)) } == document.outcome, "\(document.name)")
  }

  @Test func bothAlphabetsGiveOneMeaning() throws {
    func payload(_ text: String) throws -> [UInt8] {
      let text = #"{"payload":"\#(text)","payloadType":"t","signatures":[{"sig":""}]}"#
      return try Envelope(parsing: Array(text.utf8)).payload
    }
    #expect(try payload("+/8=") == [0xfb, 0xff])
    #expect(try payload("-_8=") == payload("+/8="))
    #expect(try payload(#"\u002b\/8\u003d"#) == payload("+/8="))
  }

  @Test func trailingBytesAndTooManySignatures() throws {
    let good = Envelope(payloadType: "t", payload: [], signedBy: [try key(1)]).encoded
    #expect(outcome { try Envelope(parsing: good) } == "accepted")
    #expect(outcome { try Envelope(parsing: good + [0x7b]) } != "accepted")
    #expect(outcome { try Envelope(parsing: [0xef, 0xbb, 0xbf] + good) } == "json.byte-order-mark")
    func envelope(_ count: Int) -> [UInt8] {
      let list = [String](repeating: #"{"sig":""}"#, count: count).joined(separator: ",")
      return Array(#"{"payload":"","payloadType":"t","signatures":[\#(list)]}"#.utf8)
    }
    #expect(outcome { try Envelope(parsing: envelope(32)) } == "accepted")
    #expect(outcome { try Envelope(parsing: envelope(33)) } == "json.too-many")
  }
}

@Suite struct StatementTests {
  private static let sha256 = String(repeating: "a", count: 64)
  private static let sha512 = String(repeating: "b", count: 128)

  private func statement(
    type: String = Statement.type, subject: String = #"[{"name":"f","digest":{"sha256":"SHA256"}}]"#,
    rest: String = #","predicateType":"urn:p","predicate":{}"#
  ) -> [UInt8] {
    let text = #"{"_type":"\#(type)","subject":\#(subject)\#(rest)}"#
    return Array(
      text.replacing("SHA256", with: StatementTests.sha256).replacing("SHA512", with: StatementTests.sha512).utf8)
  }

  static let types: [(type: String, outcome: String)] = [
    ("https://in-toto.io/Statement/v1", "accepted"), ("https://in-toto.io/Statement/v0.1", "accepted"),
    ("https://in-toto.io/Statement/v1 ", "statement.type"), ("https://in-toto.io/Statement/v2", "statement.type"),
    ("https://in-toto.io/statement/v1", "statement.type"), ("https://in-toto.io/Statement/v1\\u0000", "statement.type"),
    ("https://in-toto.io/Statement/v0.1.1", "statement.type"), ("", "statement.type"),
    // Swift's `==` takes the next two for the real thing: a combining mark that composes to nothing visible.
    ("https://in-toto.io/Statement/v1\\u200b", "statement.type"),
    ("https\\u003a//in-toto.io/Statement/v1", "accepted"),
  ]

  @Test(arguments: types) func comparesTheTypeExactly(_ entry: (type: String, outcome: String)) {
    #expect(outcome { try Statement(parsing: statement(type: entry.type)) } == entry.outcome)
  }

  static let subjects: [(subject: String, outcome: String)] = [
    (#"[{"name":"f","digest":{"sha256":"SHA256"}}]"#, "accepted"),
    (#"[{"name":"f","digest":{"sha512":"SHA512"}}]"#, "accepted"),
    (#"[{"digest":{"sha256":"SHA256"}}]"#, "accepted"),
    (#"[{"name":"f","digest":{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709","sha256":"SHA256"}}]"#, "accepted"),
    (#"[{"name":"f","digest":{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}}]"#, "subject.no-digest"),
    (#"[{"name":"f","digest":{"gitCommit":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}}]"#, "subject.no-digest"),
    (#"[{"name":"f","digest":{"SHA256":"SHA256"}}]"#, "subject.no-digest"),
    (#"[{"name":"f","digest":{}}]"#, "subject.no-digest"),
    (#"[{"name":"f"}]"#, "json.missing-field"), ("[]", "statement.no-subject"), ("null", "json.kind"),
    (#"[{"name":"f","digest":{"sha256":"aa"}}]"#, "hex.length"),
    (#"[{"name":"f","digest":{"sha256":"SHA256","sha512":"SHA256"}}]"#, "hex.length"),
    (#"[{"name":"f","digest":{"sha256":"SHA256"}},{"name":"g","digest":{}}]"#, "subject.no-digest"),
    (#"[{"name":"f","digest":{"sha256":"SHA256","sha256":"SHA256"}}]"#, "json.duplicate-key"),
  ]

  @Test(arguments: subjects) func readsSubjects(_ entry: (subject: String, outcome: String)) {
    // The key SHA256 stands for itself, in the row about upper case.
    let text = entry.subject.replacing(#""SHA256":"#, with: #""Sha256":"#)
    #expect(outcome { try Statement(parsing: statement(subject: text)) } == entry.outcome, "\(entry.subject)")
  }

  @Test func refusesUpperCaseDigests() {
    let subject = #"[{"digest":{"sha256":"\#(String(repeating: "A", count: 64))"}}]"#
    #expect(outcome { try Statement(parsing: statement(subject: subject)) } != "accepted")
  }

  @Test func limitsSubjectsAndDigests() {
    func subjects(_ count: Int) -> String {
      "[\([String](repeating: #"{"digest":{"sha256":"SHA256"}}"#, count: count).joined(separator: ","))]"
    }
    #expect(outcome { try Statement(parsing: statement(subject: subjects(1024))) } == "accepted")
    #expect(outcome { try Statement(parsing: statement(subject: subjects(1025))) } == "json.too-many")
    func digests(_ count: Int) -> String {
      let others = (0..<count - 1).map { #""x\#($0)":"","# }.joined()
      return #"[{"digest":{\#(others)"sha256":"SHA256"}}]"#
    }
    #expect(outcome { try Statement(parsing: statement(subject: digests(32))) } == "accepted")
    #expect(outcome { try Statement(parsing: statement(subject: digests(33))) } == "json.too-many")
  }

  static let predicates: [(rest: String, outcome: String)] = [
    (#","predicateType":"urn:p","predicate":{}"#, "accepted"),
    (#","predicateType":"urn:p","predicate":{},"unknown":1"#, "accepted"),
    (#","predicate":{}"#, "json.missing-field"), (#","predicateType":"urn:p""#, "json.missing-field"),
    (#","predicateType":"urn:p","predicate":[]"#, "json.kind"),
    (#","predicateType":"urn:p","predicate":null"#, "json.kind"),
    (#","predicateType":"","predicate":{}"#, "json.token"),
    (#","predicateType":"urn:p q","predicate":{}"#, "json.token"),
    (#","predicateType":"urn:\u212a","predicate":{}"#, "json.token"),
    (#","predicateType":"urn:p","predicate":{"n":9007199254740992}"#, "json.number-range"),
    (#","predicateType":"urn:p","predicate":{"n":NaN}"#, "json.syntax"),
    (#","predicateType":"urn:p","predicate":{"s":"\ud800"}"#, "json.lone-surrogate"),
    (#","predicateType":"urn:p","predicate":{"a":1,"a":2}"#, "json.duplicate-key"),
  ]

  @Test(arguments: predicates) func readsPredicates(_ entry: (rest: String, outcome: String)) {
    let found = outcome { try Statement(parsing: statement(rest: entry.rest)) }
    #expect((found == "accepted") == (entry.outcome == "accepted"), "\(entry.rest): \(found)")
    if !entry.outcome.hasPrefix("json.s"), !entry.outcome.hasPrefix("json.l"), !entry.outcome.hasPrefix("json.n") {
      #expect(found == entry.outcome)
    }
  }

  static let matches: [(stated: [String], found: [String], matches: Bool)] = [
    (["sha256"], ["sha256"], true), (["sha512"], ["sha512"], true),
    (["sha256", "sha512"], ["sha256", "sha512"], true),
    (["sha256", "sha512"], ["sha256"], true), (["sha512"], ["sha256"], false), ([], ["sha256"], false),
    (["sha256"], [], false), (["sha256", "wrong sha512"], ["sha256", "sha512"], false),
    (["wrong sha256", "sha512"], ["sha256", "sha512"], false), (["wrong sha256"], ["sha256"], false),
    (["sha384", "sha256"], ["sha384", "sha256"], true),
  ]

  @Test(arguments: matches) func comparesEveryDigest(_ row: (stated: [String], found: [String], matches: Bool)) throws {
    func digest(_ text: String) -> Digest {
      let content: [UInt8] = text.hasPrefix("wrong ") ? [2] : [1]
      return Digest(of: content, HashAlgorithm(rawValue: String(text.suffix(6))) ?? .sha256)
    }
    let subject = Subject(name: "f", digests: row.stated.map(digest))
    #expect(subject.matches(row.found.map(digest)) == row.matches)
  }

  @Test func readsBackWhatItWrote() throws {
    let statement = Statement(
      subjects: [Subject(name: "f", digests: [Digest(of: [1]), Digest(of: [1], .sha512)])], predicateType: "urn:p",
      predicate: ["a": [1, "b", .null]])
    let envelope = statement.signed(by: [try key(1)])
    #expect(envelope.payloadType == Envelope.statementType)
    let read = try Statement(parsing: envelope.payload)
    #expect(read.json == statement.json)
    #expect(read.subjects == statement.subjects)
  }
}

import Diagnostics
import Glibc
import LinuxKit
import Testing
import Vectors

/// Where the corpora of third parties lie: beside the package, or where `RUSTYNET_CORPORA` says.
enum Corpora {
  static let folder: String = {
    if let named = Host.environment("RUSTYNET_CORPORA") { return named }
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return "\(Path.folder(of: folder))/shared/corpora"
  }()

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func exists(_ name: String) -> Bool { FileSystem.status(path(name)) != nil }
}

@Suite struct CorpusTests {
  @Test(.enabled(if: Corpora.exists("json-parsing"), "not-run: the third-party corpora are not here"))
  func agreesOnJSON() throws {
    let report = try JSONVectors.judge(path: Corpora.path("json-parsing"))
    #expect(report.summary(of: "json") == "json agree=283 disagree=0 skipped=0 total=283")
  }

  @Test(.enabled(if: Corpora.exists("wycheproof"), "not-run: the third-party corpora are not here"))
  func agreesOnWycheproof() throws {
    let report = try WycheproofVectors.judge(path: Corpora.path("wycheproof"))
    #expect(report.failures.map(\.id).isEmpty)
    #expect(report.summary(of: "wycheproof") == "wycheproof agree=2176 disagree=0 skipped=0 total=2176")
  }

  @Test(.enabled(if: Corpora.exists("ed25519-edge-cases"), "not-run: the third-party corpora are not here"))
  func agreesOnEd25519() throws {
    let report = try Ed25519Vectors.judge(path: Corpora.path("ed25519-edge-cases"))
    #expect(report.summary(of: "ed25519") == "ed25519 agree=914 disagree=0 skipped=0 total=914")
    #expect(report.accepted == 43)
  }

  @Test(.enabled(if: Corpora.exists("in-toto-demo"), "not-run: the third-party corpora are not here"))
  func agreesOnLayouts() throws {
    let report = try LayoutVectors.judge(path: Corpora.path("in-toto-demo"))
    #expect(report.failures.map { "\($0.id): \($0.expected), found \($0.found)" } == [])
    #expect(report.summary(of: "layout") == "layout agree=28 disagree=0 skipped=0 total=28")
    #expect(report.accepted == 4)
  }
}

@Suite struct CedarCorpusTests {
  @Test(.enabled(if: Corpora.exists("cedar"), "not-run: the third-party corpora are not here"))
  func agreesOnCedar() throws {
    let report = try CedarVectors.judge(path: Corpora.path("cedar"))
    #expect(report.failures.map { "\($0.id): \($0.expected), found \($0.found)" } == [])
    #expect(report.summary(of: "cedar") == "cedar agree=1628 disagree=0 skipped=0 total=1628")
    #expect(report.notes == ["validation agree=1628 disagree=0"])
  }
}

/// The judges on files made here, where a wrong answer of theirs would show.
@Suite struct JudgeTests {
  private func judge(
    _ files: [String: String], _ body: (String) throws -> VectorReport
  ) throws -> VectorReport {
    let folder = "/tmp/rustynet-vectors-\(UInt64.random(in: 0 ... .max))"
    try FileSystem.makeFolder("\(folder)/deep/er")
    defer { try? FileSystem.removeTree(folder) }
    for (name, text) in files { try FileSystem.write(Array(text.utf8), to: "\(folder)/\(name)") }
    return try body(folder)
  }

  @Test func countsWrongJSONAndIgnoresTheRest() throws {
    let report = try judge([
      "y_good.json": "{}", "deep/er/y_bad.json": "{", "n_good.json": "[]", "n_bad.json": "]", "i_any.json": "[",
      "readme.json": "[", "y_object_duplicated_key.json": #"{"a":1,"a":1}"#,
      "deep/y_object_duplicated_key_and_value.json": #"{"a":1}"#,
    ]) { try JSONVectors.judge(path: $0) }
    #expect(report.summary(of: "json") == "json agree=3 disagree=3 skipped=0 total=6")
    #expect(
      report.failures.map(\.id).sorted() == ["n_good.json", "y_bad.json", "y_object_duplicated_key_and_value.json"])
    #expect(!report.reaches(percent: 100) && report.reaches(percent: 50) && !report.reaches(percent: 51))
  }

  @Test(arguments: [
    // What the case says, and how many of it agree: the answer is allow by policy1, policy0 errs, and it does not validate.
    ("allow", "[\"policy1\"]", "[\"policy0\"]", "false", 1, "validation agree=1 disagree=0"),
    ("deny", "[\"policy1\"]", "[\"policy0\"]", "false", 0, "validation agree=1 disagree=0"),
    ("allow", "[]", "[\"policy0\"]", "false", 0, "validation agree=1 disagree=0"),
    ("allow", "[\"policy1\"]", "[]", "false", 0, "validation agree=1 disagree=0"),
    ("allow", "[\"policy1\"]", "[\"policy0\"]", "true", 1, "validation agree=0 disagree=1"),
  ])
  func comparesCedarAnswers(
    decision: String, reason: String, errors: String, valid: String, agree: Int, validation: String
  ) throws {
    let request =
      #"{"principal": {"type": "U", "id": ""}, "action": {"type": "Action", "id": "a"}, "#
      + #""resource": {"type": "U", "id": ""}, "context": {}, "decision": "\#(decision)", "reason": \#(reason), "errors": \#(errors)}"#
    let report = try judge([
      "case.json":
        #"{"policies": "p.cedar", "entities": "e.json", "schema": "s", "shouldValidate": \#(valid), "requests": [\#(request)]}"#,
      "p.cedar": "permit(principal, action, resource) when { principal.x }; permit(principal, action, resource);",
      "e.json": "[]", "s": "entity U; action a appliesTo { principal: U, resource: U };",
    ]) { try CedarVectors.judge(path: $0) }
    #expect(report.agree == agree && report.total == 1)
    #expect(report.notes.first == validation)
  }

  @Test func knowsWycheproofByItsContent() throws {
    let test = #"{"tcId":1,"flags":[],"ikm":"0b","salt":"","info":"","size":1,"okm":"00","result":"RESULT"}"#
    let file = #"{"algorithm":"ALGORITHM","schema":"hkdf_test_schema_v1.json","testGroups":[{"tests":[TEST]}]}"#
    func text(_ algorithm: String, _ result: String) -> String {
      file.replacing("ALGORITHM", with: algorithm).replacing("TEST", with: test.replacing("RESULT", with: result))
    }
    let report = try judge([
      "a.json": text("HKDF-SHA-256", "invalid"), "deep/x25519.json": text("HKDF-SHA-256", "valid"),
      "deep/er/c.json": text("ECDSA", "valid"), "other.json": #"{"algorithm":"HKDF-SHA-256"}"#, "list.json": "[]",
    ]) { try WycheproofVectors.judge(path: $0) }
    #expect(report.summary(of: "wycheproof") == "wycheproof agree=1 disagree=1 skipped=1 total=3")
    #expect(report.failures.contains { $0.found == "skipped: ECDSA by hkdf_test_schema_v1.json is not judged here" })
    #expect(report.notes.isEmpty)
    // Upstream has files of many more algorithms: they are no cases of this kind, and are not passed over in silence.
    let upstream = try judge([
      "a.json": text("HKDF-SHA-256", "invalid"), "gcm.json": text("AES-GCM", "valid"), "b.json": text("MD5", "valid"),
    ]) { try WycheproofVectors.judge(path: $0) }
    #expect(upstream.summary(of: "wycheproof") == "wycheproof agree=1 disagree=0 skipped=0 total=1")
    #expect(upstream.notes == ["2 files of other algorithms: AES-GCM, MD5"])
  }

  @Test func leavesOutWhatIsNoCase() throws {
    let merkle = #"{"leafIdx":0,"treeSize":0,"root":"","leafHash":"","proof":null,"desc":"","wantErr":true}"#
    let others = ["package.json": #"{"name":"x"}"#, "list.json": "[]", "numbers.json": "[1]", "text.json": "\"a\""]
    let trees = try judge(others.merging(["deep/er/case.json": merkle]) { first, _ in first }) {
      try MerkleVectors.judge(path: $0)
    }
    #expect(trees.summary(of: "merkle") == "merkle agree=1 disagree=0 skipped=0 total=1")
    let vector = #"{"number":1,"key":"","sig":"","msg":"","flags":["low_order_A"]}"#
    let points = try judge(others.merging(["deep/vectors.json": "[\(vector)]"]) { first, _ in first }) {
      try Ed25519Vectors.judge(path: $0)
    }
    #expect(points.summary(of: "ed25519") == "ed25519 agree=1 disagree=0 skipped=0 total=1")
    // A case that lost a member is damaged, and is not left out.
    #expect(throws: Problem.self) {
      try judge(["a.json": #"{"leafIdx":0,"wantErr":true}"#]) { try MerkleVectors.judge(path: $0) }
    }
    #expect(throws: Problem.self) {
      try judge(["a.json": "[\(vector),{}]"]) { try Ed25519Vectors.judge(path: $0) }
    }
  }

  @Test func readsCasesBehindLinks() throws {
    let report = try judge(["stored.data": "{}", "deep/n_file.json": "]"]) { folder in
      try #require(unsafe symlink("../stored.data", "\(folder)/deep/y_link.json") == 0)
      try #require(unsafe symlink("..", "\(folder)/deep/circle.json") == 0)
      return try JSONVectors.judge(path: folder)
    }
    #expect(report.summary(of: "json") == "json agree=2 disagree=0 skipped=0 total=2")
  }

  /// Kinds of files that the corpora here have none of: answers of RFC 8032, libsodium and OpenSSL.
  static let otherKinds: [(head: String, good: String, bad: String)] = [
    (
      """
      "algorithm":"EDDSA","schema":"eddsa_verify_schema_v1.json","testGroups":[{"publicKey":{"curve":"edwards25519",\
      "pk":"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"}
      """,
      """
      "msg":"72","sig":"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1\
      1d8c387b2eaeb4302aeeb00d291612bb0c00"
      """,
      #""msg":"72","sig":"92""#
    ),
    (
      #""algorithm":"XCHACHA20-POLY1305","schema":"aead_test_schema.json","testGroups":[{"ivSize":192"#,
      """
      "key":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","aad":"","msg":"616263","ct":"ffa06c",\
      "iv":"000102030405060708090a0b0c0d0e0f1011121314151617","tag":"bc7b24fed5c0b031c02c3b05e6a9b550"
      """,
      """
      "key":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","aad":"","msg":"616263","ct":"ffa06c",\
      "iv":"000102030405060708090a0b","tag":"bc7b24fed5c0b031c02c3b05e6a9b550"
      """
    ),
    (
      """
      "algorithm":"ECDSA","schema":"ecdsa_p1363_verify_schema_v1.json","testGroups":[{"sha":"SHA-256",\
      "publicKey":{"curve":"secp256r1"},"publicKeyDer":"3059301306072a8648ce3d020106082a8648ce3d030107034200040eafd22a38f4697e\
      10db6ec92350a5e1ca16775f0f3f229cb5359ee791b6c1229c63604a24decaac53a326ad5324f7fe59ae3ef119d1fe08101b273ae8d836d4"
      """,
      """
      "msg":"6d657373616765","sig":"8add5ae272b0c3d9547abc604945da98cba23b63f7735732ab44002a77dcf4e9\
      9c617875f5b971a40e6e7cffa48d51377e82a2416a8ece4b4c294e327d023f2a"
      """,
      #""msg":"6d657373616765","sig":"00""#
    ),
  ]

  @Test(arguments: otherKinds) func judgesOtherKinds(kind: (head: String, good: String, bad: String)) throws {
    let text = """
      {\(kind.head),"tests":[{"tcId":1,"flags":[],\(kind.good),"result":"valid"},
      {"tcId":2,"flags":[],\(kind.bad),"result":"invalid"},{"tcId":3,"flags":[],\(kind.bad),"result":"valid"}]}]}
      """
    let report = try judge(["a.json": text]) { try WycheproofVectors.judge(path: $0) }
    #expect(report.summary(of: "x") == "x agree=2 disagree=1 skipped=0 total=3")
    #expect(report.accepted == 1)
  }

  @Test func refusesADamagedFile() throws {
    #expect(throws: Problem.self) {
      try judge(["a.json": "{"]) { try WycheproofVectors.judge(path: $0) }
    }
    #expect(throws: Problem.self) { try Ed25519Vectors.judge(path: "/nonexistent") }
    let empty = try judge([:]) { try JSONVectors.judge(path: $0) }
    #expect(empty.total == 0)
  }
}

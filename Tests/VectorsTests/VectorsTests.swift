import Diagnostics
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

  @Test func knowsWycheproofByItsContent() throws {
    let test = #"{"tcId":1,"flags":[],"ikm":"0b","salt":"","info":"","size":1,"okm":"00","result":"RESULT"}"#
    let file = #"{"algorithm":"ALGORITHM","schema":"hkdf_test_schema_v1.json","testGroups":[{"tests":[TEST]}]}"#
    func text(_ algorithm: String, _ result: String) -> String {
      file.replacing("ALGORITHM", with: algorithm).replacing("TEST", with: test.replacing("RESULT", with: result))
    }
    let report = try judge([
      "a.json": text("HKDF-SHA-256", "invalid"), "deep/x25519.json": text("HKDF-SHA-256", "valid"),
      "deep/er/c.json": text("SOMETHING", "valid"), "other.json": #"{"algorithm":"HKDF-SHA-256"}"#, "list.json": "[]",
    ]) { try WycheproofVectors.judge(path: $0) }
    #expect(report.summary(of: "wycheproof") == "wycheproof agree=1 disagree=1 skipped=1 total=3")
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

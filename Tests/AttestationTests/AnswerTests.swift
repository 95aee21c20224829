import Attestation
import Diagnostics
import StrictJSON
import Testing

@Suite struct AnswerTests {
  static let passed = Check.passed("a", "it holds", expected: "1", found: "1", source: "RFC 1 §1")
  static let failed = Check.failed(
    "b", "area.reason", "it does not hold", expected: "1", found: "2\u{1b}[31m", source: "RFC 1 §2", hint: "do better")
  static let open = Check.notRun("c", "area.open", "nobody looked", hint: "look")
  static let malformed = Check("d", Problem.malformed("area.form", "it is damaged", place: "1:1"))
  static let stuck = Check("e", Problem.couldNotRun("area.io", "it broke"))

  static let codes: [(checks: [Check], outcome: Outcome, code: ExitCode, word: String)] = [
    ([passed], .passed, .passed, "PASSED"), ([], .notRun, .refused, "REFUSED"),
    ([passed, failed], .failed, .refused, "REFUSED"),
    ([passed, open], .notRun, .refused, "REFUSED"), ([passed, malformed], .failed, .malformed, "MALFORMED"),
    ([failed, malformed, stuck], .failed, .malformed, "MALFORMED"), ([failed, stuck], .failed, .refused, "REFUSED"),
    ([passed, stuck], .notRun, .couldNotRun, "NOT RUN"), ([passed, open, stuck], .notRun, .couldNotRun, "NOT RUN"),
  ]

  @Test(arguments: codes.indices) func theWorstCheckDecides(index: Int) {
    let (checks, outcome, code, word) = AnswerTests.codes[index]
    let answer = Answer("title", place: "file", checks)
    #expect(answer.outcome == outcome)
    #expect(answer.exitCode == code)
    #expect(answer.lines().first?.text == "\(word) title")
    #expect(answer.lines().first?.outcome != .passed || code == .passed)
  }

  @Test func aProblemIsAnAnswer() {
    for problem in [Problem.malformed("a.b", ""), .refused("a.b", ""), .couldNotRun("a.b", "")] {
      let answer = Answer(problem, place: "file")
      #expect(answer.exitCode == problem.kind.exitCode)
      #expect(answer.checks.map(\.code) == ["a.b"])
    }
  }

  @Test func showsWhatWasCompared() {
    let lines = Answer("t", place: "f", [AnswerTests.passed, AnswerTests.failed, AnswerTests.open]).lines().map(\.text)
    #expect(
      lines == [
        "REFUSED t", "  passed  a: it holds", "          compared 1", "          rule     RFC 1 §1",
        "  FAILED  b: it does not hold", "          expected 1", "          found    2\\u{1b}[31m",
        "          rule     area.reason, RFC 1 §2", "          hint     do better", "  not-run c: nobody looked",
        "          rule     area.open", "          hint     look",
      ])
    let brief = Answer("t", place: "f", [AnswerTests.passed]).lines(isBrief: true).map(\.text)
    #expect(brief == ["PASSED t", "  passed  a: it holds"])
  }

  @Test func factsNeverReplaceAMember() throws {
    let answer = Answer(
      "t", place: "f", [AnswerTests.failed], facts: [("outcome", "passed"), ("exitCode", 0), ("asOf", "now")])
    let reader = JSONReader(answer.json)
    #expect(try reader.member("type").text() == "rustynet-answer/v1")
    #expect(try reader.member("outcome").text() == "failed")
    #expect(try reader.member("exitCode").integer() == 78)
    #expect(try reader.member("asOf").text() == "now")
    #expect(try reader.member("checks").elements().map { try Check($0) } == [AnswerTests.failed])
  }

  /// The shape of SARIF 2.1.0: what its schema requires of the objects that are written here.
  @Test func writesSARIF() throws {
    let again = Check.failed("b2", "area.reason", "the same rule elsewhere")
    let answer = Answer("t", place: "a b/ü:c", [AnswerTests.passed, AnswerTests.failed, AnswerTests.open, again])
    let log = JSONReader(try JSON(parsing: Array(answer.sarif.printable.utf8)))
    try log.closed("$schema", "version", "runs")
    #expect(try log.member("version").text() == "2.1.0")
    let run = try #require(try log.member("runs").elements().first)
    let driver = try run.member("tool").member("driver")
    let rules = try driver.member("rules").elements()
    #expect(try rules.map { try $0.member("id").text() } == ["area.reason", "area.open"])
    for rule in rules { #expect(!(try rule.member("help").member("text").text().isEmpty)) }
    let results = try run.member("results").elements()
    #expect(try results.map { try $0.member("kind").text() } == ["fail", "open", "fail"])
    #expect(try results.map { try $0.member("level").text() } == ["error", "none", "error"])
    for result in results {
      let index = Int(try result.member("ruleIndex").integer())
      #expect(try rules[index].member("id").text() == result.member("ruleId").text())
      #expect(!(try result.member("message").member("text").text().isEmpty))
      let location = try #require(try result.member("locations").elements().first)
      let artifact = try location.member("physicalLocation").member("artifactLocation")
      #expect(try artifact.member("uri").text() == "a%20b/%C3%BC%3Ac")
    }
    #expect(try run.member("properties").member("passed").integer() == 1)
  }

  @Test func aPassIsNoResult() throws {
    let run = try #require(
      try JSONReader(Answer("t", place: "/f", [AnswerTests.passed]).sarif).member("runs").elements().first)
    #expect(try run.member("results").elements().isEmpty)
    let invocation = try #require(try run.member("invocations").elements().first)
    #expect(try invocation.member("executionSuccessful").bool())
    let broken = try #require(
      try JSONReader(Answer("t", place: "/f", [AnswerTests.malformed]).sarif).member("runs").elements().first)
    #expect(try broken.member("invocations").elements().first?.member("executionSuccessful").bool() == false)
  }
}

public import Diagnostics
public import StrictJSON

/// The results of a test run, test by test.
public struct TestResults: Sendable {
  /// The tests that passed.
  public var passed: [String] = []
  /// The tests that failed, or that started and never ended.
  public var failed: [String] = []
  /// The tests that were not run, with the reason.
  public var notRun: [String] = []

  /// Reads the event stream that Swift Testing writes (`--event-stream-output-path`, version 0).
  ///
  /// Only what the runner says counts: a test that has no `testEnded` event has failed, and a stream without
  /// `runEnded` is malformed, because the run was cut short.
  public init(swiftTestingEvents bytes: [UInt8]) throws(Problem) {
    var names: [String: String] = [:]
    var ended: Set<String> = []
    var broken: Set<String> = []
    var skipped: [String: String] = [:]
    var isComplete = false
    for (number, line) in bytes.split(separator: 0x0a).enumerated() {
      let reader: JSONReader
      do { reader = JSONReader(try JSON(parsing: Array(line))) } catch { throw error.at("line \(number + 1)") }
      let payload = try reader.member("payload")
      switch (try reader.member("kind").text(), try payload.member("kind").text()) {
      case ("test", "function"):
        let id = try payload.member("id").text()
        names[id] = id.split(separator: "/").dropLast().joined(separator: "/")
      case ("event", "testEnded"): ended.insert(try payload.member("testID").text())
      case ("event", "testCancelled"), ("event", "_testCancelled"), ("event", "testCaseCancelled"),
        ("event", "_testCaseCancelled"):
        skipped[try payload.member("testID").text()] = "cancelled"
      case ("event", "testSkipped"):
        let comments = try payload.optional("_comments")?.elements().first?.text()
        skipped[try payload.member("testID").text()] = comments ?? "no reason given"
      case ("event", "issueRecorded"):
        let issue = try payload.member("issue")
        guard try issue.member("isKnown").bool() == false else { break }
        if try issue.optional("severity")?.text() == "warning" { break }
        broken.insert(try payload.optional("testID")?.text() ?? "an issue outside every test")
      case ("event", "runEnded"): isComplete = true
      default: break
      }
    }
    guard isComplete else {
      throw .malformed("tests.incomplete", "the event stream has no runEnded: the run was cut short")
    }
    for (id, name) in names.sorted(by: { $0.value < $1.value }) {
      if let reason = skipped[id] {
        notRun.append("\(name): \(reason)")
      } else if ended.contains(id), !broken.contains(id) {
        passed.append(name)
      } else {
        failed.append(name)
      }
    }
    failed += broken.subtracting(names.keys).sorted()
  }

  /// Reads the facts of a record.
  public init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("passed", "failed", "notRun")
    passed = try reader.member("passed").texts(atMost: 100_000)
    failed = try reader.member("failed").texts(atMost: 100_000)
    notRun = try reader.member("notRun").texts(atMost: 100_000)
  }

  /// The results as facts of a record.
  public var json: JSON {
    [
      "passed": .array(passed.map { .string($0) }), "failed": .array(failed.map { .string($0) }),
      "notRun": .array(notRun.map { .string($0) }),
    ]
  }
}

import Diagnostics
import Testing

@testable import WireGuard

@Suite struct SelfTestTests {
  @Test func everythingAnswersAsItMust() {
    #expect(SelfTest.run().map(\.description) == [])
    #expect(SelfTest.names.count == Set(SelfTest.names).count)
  }

  /// The positive control of each check: when its vector is altered, it is the one that fails.
  @Test(arguments: SelfTest.names) func anAlteredVectorIsSeen(name: String) throws {
    var checks = SelfTest.checks
    let index = try #require(checks.firstIndex { $0.name == name })
    let last = checks[index].expected.removeLast()
    checks[index].expected.append(last == "0" ? "1" : "0")
    let problems = SelfTest.run(checks)
    #expect(problems.map(\.place) == [name])
    #expect(problems.map(\.code) == ["self-test.answer"])
  }
}

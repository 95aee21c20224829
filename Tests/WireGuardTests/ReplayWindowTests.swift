import Testing

@testable import WireGuard

/// RFC 6479. The cases are those of the kernel's own test, said anew.
@Suite struct ReplayWindowTests {
  @Test func eachRowInTurn() {
    for (row, (got, expected)) in zip(SelfTest.answers(SelfTest.replay.map(\.counter)), SelfTest.replay).enumerated() {
      #expect(got == expected.isNew, "row \(row): \(expected.counter)")
    }
  }

  /// Runs of counters on a new window, all new, and what comes after them.
  static let runs: [(name: String, run: [UInt64], then: [(UInt64, Bool)])] = {
    let size = ReplayWindow.size
    return [
      ("up from 1, then the oldest", Array(1...size), [(0, true), (0, false)]),
      ("up from 2, one too far for 0", Array(2...(size + 1)), [(1, true), (0, false)]),
      ("down from the whole window", (1...(size + 1)).reversed(), []),
      ("down, and 0 is outside", (2...(size + 2)).reversed(), [(0, false)]),
      ("down, then one up", (1...size).reversed(), [(size + 1, true), (0, false)]),
      ("down to 0, then one up", (1...size).reversed(), [(0, true), (size + 1, true)]),
      (
        "over the whole ring at once", [1, 1 << 20, 1 << 40], [(1 << 40, false), ((1 << 40) - size, true), (2, false)]
      ),
    ]
  }()

  @Test(arguments: runs.indices) func runsOfCounters(index: Int) {
    let (name, run, then) = Self.runs[index]
    let answers = SelfTest.answers(run + then.map(\.0))
    #expect(answers.prefix(run.count).allSatisfy { $0 }, "\(name)")
    #expect(Array(answers.suffix(then.count)) == then.map(\.1), "\(name)")
  }

  /// Random steps against a set that remembers everything.
  @Test func agreesWithASet() {
    let numbers = Sequence64(7)
    var counters: [UInt64] = []
    var top: UInt64 = 0
    for _ in 0..<200_000 {
      let draw = numbers.next()
      switch draw % 10 {
      case 0: top &+= numbers.next() % 20_000
      case 1...5: top &+= 1
      default: break
      }
      let behind = draw % 3 == 0 ? numbers.next() % 9_000 : numbers.next() % 70
      counters.append(top - min(behind, top))
    }
    var seen: Set<UInt64> = []
    var highest: UInt64?
    let expected = counters.map { counter in
      let isInside = highest.map { counter + ReplayWindow.size >= $0 } ?? true
      guard isInside, seen.insert(counter).inserted else { return false }
      highest = max(highest ?? 0, counter)
      return true
    }
    #expect(SelfTest.answers(counters) == expected)
    #expect(expected.contains(true) && expected.contains(false))
  }
}

import Diagnostics

/// One rule of the contract, and how to see whether a backend keeps it.
public struct ConformanceCase: Sendable {
  /// A stable id such as `lifecycle.double-start`.
  public let id: String
  /// What must hold, in one line.
  public let title: String
  /// The requirement that it proves.
  public let requirement: String
  let body: @Sendable (ConformanceRun) throws(Problem) -> Void

  init(
    _ id: String, _ title: String, _ requirement: String,
    _ body: @escaping @Sendable (ConformanceRun) throws(Problem) -> Void
  ) {
    self.id = id
    self.title = title
    self.requirement = requirement
    self.body = body
  }
}

/// The suite that every backend must pass unchanged (P3-7). A case that depends on a capability asks a backend without it
/// for the same, and wants to be refused: so every case is for every backend, and all of them are mandatory.
public enum ConformanceSuite {
  /// Every case, in the order in which they run.
  public static let cases =
    lifecycleCases + invalidInputCases + peerCases + routeCases + capabilityCases + observationCases

  /// Runs the cases whose id begins with one of `selection`, or all; `report` hears of each as it ends.
  public static func run(
    in lab: any ConformanceLab, selection: [String] = [], report: (ConformanceResult) -> Void = { _ in }
  ) -> [ConformanceResult] {
    var results: [ConformanceResult] = []
    for one in cases where selection.isEmpty || selection.contains(where: { one.id.hasPrefix($0) }) {
      let result = run(one, in: lab)
      report(result)
      results.append(result)
    }
    return results
  }

  private static func run(_ one: ConformanceCase, in lab: any ConformanceLab) -> ConformanceResult {
    do throws(Problem) {
      let run = try ConformanceRun(lab)
      do throws(Problem) { try one.body(run) } catch {
        run.end()
        throw error
      }
      run.end()
      return ConformanceResult(id: one.id, outcome: .passed, detail: run.notes.joined(separator: "; "))
    } catch {
      let isLab = error.code.hasPrefix("lab.")
      let detail = error.place.map { "\($0): \(error.message)" } ?? error.message
      return ConformanceResult(id: one.id, outcome: isLab ? .notRun : .failed, detail: "\(error.code): \(detail)")
    }
  }
}

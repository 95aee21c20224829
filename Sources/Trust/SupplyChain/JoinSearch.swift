import Attestation

/// Looks for one attestation for each requirement such that all joins hold together.
///
/// Each join alone could be met by attestations that no other join is met by; so one choice must serve them all.
struct JoinSearch {
  /// The largest number of choices that are tried; beyond it the joins are not-run, never passed.
  static let budget = 100_000

  let policy: SupplyPolicy
  let candidates: [String: [Candidate]]

  /// A check for each join.
  var checks: [(join: String, check: Check)] {
    guard !policy.joins.isEmpty else { return [] }
    var steps = 0
    let all = isPossible(policy.joins, &steps)
    if steps > Self.budget {
      return policy.joins.map { join in
        (join.id, .notRun("join.\(join.id)", "policy.join-budget", "there are too many combinations to try"))
      }
    }
    return policy.joins.map { join in
      let id = "join.\(join.id)"
      let names = join.requirements.joined(separator: ", ")
      let expected = "one \(join.on.rawValue) for \(names)"
      if all { return (join.id, .passed(id, "they belong together", expected: expected, found: found(join))) }
      var single = 0
      let isPossibleAlone = isPossible([join], &single)
      return (
        join.id,
        .failed(
          id, "policy.join",
          isPossibleAlone
            ? "they belong together only by attestations that break another join" : "they do not belong together",
          expected: expected, found: found(join))
      )
    }
  }

  /// What each requirement of `join` has, for people.
  private func found(_ join: SupplyPolicy.Join) -> String {
    join.requirements.map { name in
      let values = Set((candidates[name] ?? []).flatMap { $0.facts.values(join.on) })
        .map { String(decoding: $0, as: UTF8.self) }
      return "\(name): \(values.isEmpty ? "nothing" : values.sorted().prefix(4).joined(separator: ", "))"
    }.joined(separator: "; ")
  }

  private func isPossible(_ joins: [SupplyPolicy.Join], _ steps: inout Int) -> Bool {
    var names: [String] = []
    for join in joins { for name in join.requirements where !names.contains(name) { names.append(name) } }
    return search(names[...], joins, Array(repeating: nil, count: joins.count), &steps)
  }

  /// Chooses for the first of `names`, with what each join is narrowed to by the choices before (nil: nothing yet).
  private func search(
    _ names: ArraySlice<String>, _ joins: [SupplyPolicy.Join], _ narrowed: [Set<[UInt8]>?], _ steps: inout Int
  ) -> Bool {
    guard let name = names.first else { return true }
    for candidate in candidates[name] ?? [] {
      steps += 1
      if steps > Self.budget { return false }
      var next = narrowed
      var holds = true
      for (index, join) in joins.enumerated() where join.requirements.contains(name) {
        let values = candidate.facts.values(join.on)
        let rest = narrowed[index].map { $0.intersection(values) } ?? values
        if rest.isEmpty { holds = false }
        next[index] = rest
      }
      if holds, search(names.dropFirst(), joins, next, &steps) { return true }
    }
    return false
  }
}

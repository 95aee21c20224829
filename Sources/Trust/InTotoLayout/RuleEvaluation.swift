import Attestation
import Diagnostics

/// Applies the rules of one list, in their order, to the artifacts of one side (in-toto 1.0 §4.3.3.1).
///
/// What a rule consumes is gone for those after it; what is left at the end is allowed, as if `ALLOW *` stood there.
struct RuleEvaluation {
  /// The step or inspection that the rules are of.
  let link: Link
  /// Which of its artifacts.
  let side: ArtifactRule.Side
  /// The links of all steps (and, for inspections, of those before) that could be verified, by name.
  let links: [ExactText: Link]
  /// The names that the layout has; a step of these without a link cannot be compared with.
  let known: Set<ExactText>

  private static let source = "in-toto 1.0 §4.3.3"
  /// The most that the bytes of all paths times those of all patterns may be: a few seconds of work.
  ///
  /// A functionary writes the links, and the rules of a sublayout: both lists within their limits would take hours.
  static let work = 1 << 32

  /// One check for each rule, and one for what is left; `id` stands before their ids.
  func judge(_ rules: [ArtifactRule], id: String) -> [Check] {
    var queue = link.artifacts(side).paths
    let bytes = queue.reduce(0) { $0 + $1.text.utf8.count }
    let (work, isHuge) = bytes.multipliedReportingOverflow(by: rules.reduce(0) { $0 + $1.pattern.text.utf8.count })
    guard !isHuge, work <= RuleEvaluation.work else {
      return [
        .failed(
          "\(id).\(side.rawValue)", "rule.limit", "\(rules.count) rules for \(queue.count) artifacts are too much work",
          hint: "use fewer patterns, or shorter ones")
      ]
    }
    var checks: [Check] = []
    var missing: String?
    for (index, rule) in rules.enumerated() {
      let id = "\(id).\(side.rawValue).\(index)"
      if missing == nil, case .match(let target) = rule.action, known.contains(ExactText(target.step)),
        links[ExactText(target.step)] == nil
      {
        missing = target.step
      }
      // Whatever follows would blame artifacts that the missing link may account for.
      if let missing {
        checks.append(
          .notRun(
            id, "rule.no-link", "\(rule.text): there is no verified link of “\(missing)” to compare with",
            source: RuleEvaluation.source))
      } else {
        checks.append(apply(rule, to: &queue, id: id))
      }
    }
    guard missing == nil, !queue.isEmpty else { return checks }
    return checks + [
      .passed(
        "\(id).\(side.rawValue).rest", "no rule is about \(list(queue)): allowed by the implied ALLOW *",
        source: "in-toto 1.0 §4.3.3.1")
    ]
  }

  private func apply(_ rule: ArtifactRule, to queue: inout [ExactText], id: String) -> Check {
    switch rule.action {
    case .require:
      // The reference takes the pattern as one name, and so do we: a wildcard would be ambiguous here.
      let isThere = queue.contains(ExactText(rule.pattern.text))
      return isThere
        ? .passed(id, "\(rule.text): it is there", source: RuleEvaluation.source)
        : .failed(
          id, "rule.require", "\(rule.text): it is not among what no earlier rule consumed",
          expected: rule.pattern.text, found: list(queue), source: RuleEvaluation.source)
    case .disallow:
      let found = queue.filter { rule.pattern.matches($0.text) }
      return found.isEmpty
        ? .passed(id, "\(rule.text): nothing is left that it forbids", source: RuleEvaluation.source)
        : .failed(
          id, "rule.disallow", "\(rule.text): artifacts are left that no earlier rule consumed",
          expected: "no artifact", found: list(found), source: "in-toto 1.0 §4.3.3.3",
          hint: "they were added or changed since, or a rule for them is missing")
    default:
      let consumed = queue.filter { consumes(rule, $0) }
      if !consumed.isEmpty {
        let gone = Set(consumed)
        queue.removeAll { gone.contains($0) }
      }
      return .passed(id, "\(rule.text): consumed \(list(consumed))", source: RuleEvaluation.source)
    }
  }

  private func consumes(_ rule: ArtifactRule, _ path: ExactText) -> Bool {
    let material = link.materials.hashes[path]
    let product = link.products.hashes[path]
    switch rule.action {
    case .match(let target): return matches(rule, target, path)
    case .create: return rule.pattern.matches(path.text) && material == nil && product != nil
    case .delete: return rule.pattern.matches(path.text) && material != nil && product == nil
    case .modify:
      return rule.pattern.matches(path.text) && material != nil && product != nil && material != product
    case .allow: return rule.pattern.matches(path.text)
    case .disallow, .require: return false
    }
  }

  /// in-toto 1.0 §4.3.3.2: the same path below both prefixes, with the same hashes.
  private func matches(_ rule: ArtifactRule, _ target: ArtifactRule.Target, _ path: ExactText) -> Bool {
    var name = path.text
    if !target.sourcePrefix.isEmpty {
      let head = Array((target.sourcePrefix + "/").utf8)
      guard name.utf8.starts(with: head) else { return false }
      name = String(decoding: name.utf8.dropFirst(head.count), as: UTF8.self)
    }
    guard rule.pattern.matches(name), let other = links[ExactText(target.step)] else { return false }
    let there = target.targetPrefix.isEmpty ? name : "\(target.targetPrefix)/\(name)"
    guard let hashes = other.artifacts(target.side).hashes[ExactText(there)] else { return false }
    return hashes == link.artifacts(side).hashes[path]
  }

  /// The first few paths, so that a message stays a line.
  private func list(_ paths: [ExactText]) -> String {
    guard !paths.isEmpty else { return "nothing" }
    let shown = paths.prefix(8).map(\.text).joined(separator: ", ")
    return paths.count > 8 ? "\(shown) and \(paths.count - 8) more" : shown
  }
}

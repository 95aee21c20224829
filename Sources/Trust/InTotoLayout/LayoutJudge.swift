public import Attestation
public import Cryptography
public import Diagnostics
public import Wire

/// Judges a layout with its links (in-toto 1.0 §5.2): a pure function of bytes, keys and a time.
public struct LayoutJudge: Sendable {
  /// An inspection that has to be run before the layout can pass.
  public struct Inspection: Sendable {
    /// The id of its check; unique over all sublayouts.
    public let id: String
    /// Its name.
    public let name: String
    /// What it runs: a program and its arguments.
    public let command: [String]
  }

  /// What was found.
  public struct Verdict: Sendable {
    /// Everything that was looked at.
    public internal(set) var checks: [Check] = []
    /// What the last step made: the final products. Nil where that step has no link that counts.
    public internal(set) var products: Artifacts?
    /// The inspections that were not run, in their order.
    public internal(set) var pending: [Inspection] = []
    /// What the first step took.
    var materials: Artifacts?
  }

  /// The time of the judgement.
  public let time: Timestamp
  /// Which algorithms may have signed.
  public let policy: AlgorithmPolicy
  /// Values for the layout's parameters; sublayouts get none, as with the reference.
  public let parameters: Parameters
  /// What inspections found, by the ids of their checks; those that are not here are not judged.
  public let inspected: [String: Result<Link, Problem>]

  /// A judge.
  public init(
    time: Timestamp, policy: AlgorithmPolicy, parameters: Parameters = Parameters(),
    inspected: [String: Result<Link, Problem>] = [:]
  ) {
    self.time = time
    self.policy = policy
    self.parameters = parameters
    self.inspected = inspected
  }

  /// Judges a layout that each of `keys` must have signed, with the links in `folder`.
  ///
  /// - Throws: what is malformed in the layout itself; whatever is wrong with links becomes checks.
  public func judge(_ metadata: SignedMetadata, keys: [LayoutKey], links folder: LinkFolder) throws(Problem) -> Verdict
  {
    var verdict = Verdict()
    guard !keys.isEmpty else { throw .usage("usage.layout-key", "name at least one key that signs the layout") }
    for key in keys { verdict.checks.append(signature(of: key, on: metadata)) }
    let layout = try Layout(metadata, parameters: parameters)
    verdict.checks.append(expiry(layout))
    // Nothing that a stranger wrote is judged further: keys and rules are the layout's own.
    guard !verdict.checks.contains(where: { $0.code == "layout.signature" }) else {
      verdict.checks.append(
        .notRun("steps", "signature.first", "the steps were not looked at: the layout is not signed as it must be"))
      return verdict
    }
    try judge(layout, links: folder, id: "", depth: 0, into: &verdict)
    return verdict
  }

  /// Keys, steps, rules and inspections of a layout whose signature holds; `id` stands before the ids of its checks.
  func judge(
    _ layout: Layout, links folder: LinkFolder, id: String, depth: Int, into verdict: inout Verdict
  ) throws(Problem) {
    verdict.checks += layout.keyChecks.prefixed(id)
    var links: [ExactText: Link] = [:]
    for step in layout.steps {
      let judge = StepJudge(judge: self, layout: layout, step: step, id: "\(id)step.\(step.item.name)", depth: depth)
      links[ExactText(step.item.name)] = judge.link(in: folder, into: &verdict)
    }
    let known = Set(layout.steps.map { ExactText($0.item.name) })
    for step in layout.steps {
      rules(of: step.item, id: "\(id)step.\(step.item.name)", links, known, into: &verdict)
    }
    verdict.materials = links[ExactText(layout.steps[0].item.name)]?.materials
    verdict.products = links[ExactText(layout.steps[layout.steps.count - 1].item.name)]?.products
    for inspection in layout.inspections {
      judge(inspection, id: "\(id)inspection.\(inspection.name)", &links, known, into: &verdict)
    }
  }

  private func rules(
    of item: Layout.Item, id: String, _ links: [ExactText: Link], _ known: Set<ExactText>, into verdict: inout Verdict
  ) {
    for (side, rules) in [(ArtifactRule.Side.materials, item.materialRules), (.products, item.productRules)] {
      if let link = links[ExactText(item.name)] {
        verdict.checks += RuleEvaluation(link: link, side: side, links: links, known: known).judge(rules, id: id)
      } else if !rules.isEmpty {
        verdict.checks.append(
          .notRun("\(id).\(side.rawValue)", "rule.no-link", "the rules were not applied: no link of this step counts"))
      }
    }
  }

  private func judge(
    _ inspection: Layout.Item, id: String, _ links: inout [ExactText: Link], _ known: Set<ExactText>,
    into verdict: inout Verdict
  ) {
    let source = "in-toto 1.0 §4.3.2"
    switch inspected[id] {
    case nil:
      verdict.pending.append(Inspection(id: id, name: inspection.name, command: inspection.command))
      verdict.checks.append(
        .notRun(
          id, "inspection.not-allowed", "the layout wants a command to be run here: \(inspection.shownCommand)",
          source: source, hint: "read the command; --allow-inspections with --artifact-dir runs it"))
    case .failure(let problem): verdict.checks.append(Check(id, problem))
    case .success(let link):
      verdict.checks.append(.passed(id, "the command ended with 0", found: inspection.shownCommand, source: source))
      links[ExactText(inspection.name)] = link
      rules(of: inspection, id: id, links, known, into: &verdict)
    }
  }

  private func signature(of key: LayoutKey, on metadata: SignedMetadata) -> Check {
    let id = "layout.signature.\(key.id.prefix(16))"
    let source = "in-toto 1.0 §5.2"
    let found = metadata.signatures.isEmpty ? "no signature" : "\(metadata.signatures.count) of other keys"
    return metadata.isSigned(by: key, policy: policy, at: time)
      ? .passed(id, "this key signed the layout, by \(key.algorithm.rawValue)", found: key.id, source: source)
      : .failed(
        id, "layout.signature", "this key did not sign this layout", expected: key.id, found: found, source: source,
        hint: "the layout was changed since, or was signed by somebody else")
  }

  /// The layout is refused from the second on that it names: times have no fractions here, and any fraction of that
  /// second is after it. The reference refuses it then too.
  func expiry(_ layout: Layout) -> Check {
    let source = "in-toto 1.0 §4.3"
    return time < layout.expires
      ? .passed(
        "layout.expires", "the layout has not expired", expected: "before \(layout.expires)", found: "\(time)",
        source: source)
      : .failed(
        "layout.expires", "layout.expired", "the layout has expired", expected: "before \(layout.expires)",
        found: "\(time)", source: source, hint: "ask its owner for a new one; judge an old release with --as-of")
  }
}

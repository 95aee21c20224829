import Attestation
import Cryptography
import Diagnostics
import StrictJSON

/// Finds the link that counts for one step: signed by enough functionaries who agree.
struct StepJudge {
  let judge: LayoutJudge
  let layout: Layout
  let step: Layout.Step
  /// What stands before the ids of the checks.
  let id: String
  /// How many layouts stand above this one.
  let depth: Int

  /// A file that counts, or what is wrong with it.
  private struct Candidate {
    let file: LinkFolder.File
    var signers: [LayoutKey] = []
    var link: Link?
    var problem: Problem?
  }

  private static let source = "in-toto 1.0 §4.3.1"

  /// The link of the step; nil, with the reasons among the checks, where there is none that counts.
  func link(in folder: LinkFolder, into verdict: inout LayoutJudge.Verdict) -> Link? {
    let files = folder.files(of: step.item.name)
    guard !files.isEmpty else {
      verdict.checks.append(
        .failed(
          "\(id).threshold", "link.missing", "there is no link of this step", expected: "\(step.threshold)",
          found: "0", source: "in-toto 1.0 §5.2", hint: "the file is named \(step.item.name).KEYID.link"))
      return nil
    }
    guard files.count <= LinkFolder.linksPerStep else {
      verdict.checks.append(
        .failed(
          "\(id).threshold", "link.too-many", "the step has \(files.count) files",
          expected: "at most \(LinkFolder.linksPerStep)", found: "\(files.count)"))
      return nil
    }
    var candidates: [Candidate] = []
    for file in files { candidates.append(read(file, in: folder, into: &verdict)) }
    let accepted = candidates.filter { $0.link != nil }
    let count = StepJudge.distinct(accepted.map(\.signers))
    let isMet = count >= step.threshold
    for candidate in candidates { verdict.checks.append(check(candidate, isMet: isMet)) }
    verdict.checks.append(threshold(count, isMet: isMet))
    guard isMet, let first = accepted.first?.link, agree(accepted, into: &verdict) else { return nil }
    for candidate in accepted { command(candidate, into: &verdict) }
    return first
  }

  /// The keys that may sign for the step, each once, whatever ids it stands under.
  private var functionaries: [LayoutKey] {
    var keys: [LayoutKey] = []
    for id in step.keyIDs {
      if let key = layout.keys[ExactText(id)], !keys.contains(key) { keys.append(key) }
    }
    return keys
  }

  private func read(
    _ file: LinkFolder.File, in folder: LinkFolder, into verdict: inout LayoutJudge.Verdict
  ) -> Candidate {
    var candidate = Candidate(file: file)
    do throws(Problem) {
      let metadata = try SignedMetadata(parsing: file.bytes)
      candidate.signers = functionaries.filter { metadata.isSigned(by: $0, policy: judge.policy, at: judge.time) }
      guard !candidate.signers.isEmpty else {
        throw .refused(
          "link.signature", "no functionary of this step signed it as it is", source: StepJudge.source,
          hint: "it was changed since, or somebody did the step who may not")
      }
      if metadata.content == .layout {
        candidate.link = try sublayout(metadata, file, folder, into: &verdict)
      } else {
        let link = try Link(metadata)
        guard link.name.isExactly(step.item.name) else {
          throw .refused("link.name", "it is a link of the step “\(link.name)”", source: "in-toto 1.0 §4.4")
        }
        candidate.link = link
      }
    } catch { candidate.problem = error }
    return candidate
  }

  /// A layout in the place of a link stands for what its first step took and its last step made (§4.5.1).
  private func sublayout(
    _ metadata: SignedMetadata, _ file: LinkFolder.File, _ folder: LinkFolder,
    into verdict: inout LayoutJudge.Verdict
  ) throws(Problem) -> Link {
    guard depth + 1 < LinkFolder.depth else {
      throw .refused("layout.depth", "sublayouts nest deeper than \(LinkFolder.depth)", source: "in-toto 1.0 §4.5")
    }
    let name = String(decoding: file.name.utf8.dropLast(".link".utf8.count), as: UTF8.self)
    let inner = try Layout(metadata)
    let id = "\(id).sublayout.\(name)."
    var below = LayoutJudge.Verdict()
    below.checks = [judge.expiry(inner)].prefixed(id)
    try judge.judge(inner, links: folder.folders[name] ?? LinkFolder(), id: id, depth: depth + 1, into: &below)
    verdict.checks += below.checks
    verdict.pending += below.pending
    guard let materials = below.materials, let products = below.products else {
      throw .refused("link.sublayout", "the sublayout has no first or no last link", source: "in-toto 1.0 §4.5.1")
    }
    return Link(name: step.item.name, materials: materials, products: products)
  }

  /// A file that does not count is no failure where there are enough others: anyone could have put it there.
  private func check(_ candidate: Candidate, isMet: Bool) -> Check {
    let id = "\(id).link.\(candidate.file.name)"
    guard let problem = candidate.problem else {
      return .passed(
        id, "signed by a functionary of the step",
        found: candidate.signers.map { String($0.id.prefix(16)) }.joined(separator: ", "), source: StepJudge.source)
    }
    return isMet ? .passed(id, "ignored, the threshold is met without it: \(problem.message)") : Check(id, problem)
  }

  private func threshold(_ count: Int, isMet: Bool) -> Check {
    let expected = "\(step.threshold) of \(functionaries.count) functionaries"
    if isMet {
      return .passed(
        "\(id).threshold", "enough functionaries did the step", expected: expected, found: "\(count)",
        source: StepJudge.source)
    }
    let unusable = step.keyIDs.compactMap { id in layout.unusableKeys[ExactText(id)] }
    let unknown = step.keyIDs.filter { layout.keys[ExactText($0)] == nil && layout.unusableKeys[ExactText($0)] == nil }
    var hint = "a functionary counts once, by the key itself"
    if !unknown.isEmpty { hint += "; \(unknown.count) of the step's keys are not in the layout" }
    if let first = unusable.first { hint += "; \(unusable.count) cannot be used: \(first.message)" }
    return .failed(
      "\(id).threshold", "layout.threshold", "too few functionaries did the step", expected: expected,
      found: "\(count)", source: StepJudge.source, hint: hint)
  }

  /// All links that count must say the same, whatever the threshold: else the verdict would hang on their order.
  private func agree(_ accepted: [Candidate], into verdict: inout LayoutJudge.Verdict) -> Bool {
    guard accepted.count > 1, let first = accepted.first else { return true }
    let other = accepted.first {
      $0.link?.materials != first.link?.materials || $0.link?.products != first.link?.products
    }
    guard let other else {
      verdict.checks.append(
        .passed("\(id).agreement", "all links name the same artifacts", found: "\(accepted.count) links"))
      return true
    }
    verdict.checks.append(
      .failed(
        "\(id).agreement", "link.disagreement", "two links of the step name different materials or products",
        expected: first.file.name, found: other.file.name, source: StepJudge.source))
    return false
  }

  /// in-toto 1.0 §4.3.1: another command is worth a word and never a refusal.
  private func command(_ candidate: Candidate, into verdict: inout LayoutJudge.Verdict) {
    guard let link = candidate.link, !step.item.command.isEmpty, !link.command.isEmpty else { return }
    let isSame =
      link.command.count == step.item.command.count
      && zip(link.command, step.item.command).allSatisfy { $0.isExactly($1) }
    verdict.checks.append(
      .passed(
        "\(id).command.\(candidate.file.name)",
        isSame
          ? "the command is the expected one" : "the command is not the expected one, which by itself proves nothing",
        expected: step.item.shownCommand, found: Layout.shown(link.command), source: StepJudge.source))
  }

  /// How many different keys can be told apart, where each file stands for one of its signers: the largest matching.
  ///
  /// A file with two signatures is one piece of evidence, and two files of one functionary are the work of one; the
  /// result does not depend on the order of files or signatures.
  static func distinct(_ signers: [[LayoutKey]]) -> Int {
    // One key under two schemes is one functionary.
    let signers = signers.map { $0.map(\.key) }
    var owner: [ForeignPublicKey: Int] = [:]
    func place(_ file: Int, _ visited: inout Set<ForeignPublicKey>) -> Bool {
      for key in signers[file] where visited.insert(key).inserted {
        if let current = owner[key], !place(current, &visited) { continue }
        owner[key] = file
        return true
      }
      return false
    }
    return signers.indices.count { file in
      var visited: Set<ForeignPublicKey> = []
      return place(file, &visited)
    }
  }
}

extension NetworkPolicy {
  /// What an author may not expect of a policy that is valid: what it carries without acting on it, and rules that
  /// allow nothing.
  public var notes: [String] {
    var notes: [String] = []
    if rules.isEmpty { notes.append("there is no rule: everything is denied") }
    for rule in rules {
      if rule.sources.isEmpty || (rule.targets.isEmpty && rule.application == nil) {
        notes.append("\(rule.pointer): src or dst is empty, so it allows nothing")
      }
      if rule.application != nil {
        notes.append(
          rule.via.isEmpty
            ? "\(rule.pointer): app is carried and shown, not enforced"
            : "\(rule.pointer): app has no effect beside via")
      }
      guard !rule.via.isEmpty else { continue }
      for target in rule.targets where !target.selector.isRouted {
        notes.append("\(rule.pointer): \(target.selector) lies behind no router, so via allows nothing there")
      }
    }
    for tag in tagOwners.keys.sorted() where !isGivable(tag) {
      notes.append("/tagOwners/\(tag): owned by nobody but tags that own each other")
    }
    if !ssh.isEmpty { notes.append("/ssh: carried and judged by sshTests, not enforced") }
    if !nodeAttributes.isEmpty { notes.append("/nodeAttrs: carried, not acted on") }
    if randomizeClientPort { notes.append("/randomizeClientPort: carried, not acted on") }
    return notes
  }
}

extension NetworkPolicy {
  /// Whether somebody besides tags may give the tag, over any number of tags; a tag without owners is the
  /// administrators' on purpose.
  private func isGivable(_ tag: String) -> Bool {
    var reached: Set<String> = [tag]
    var next = [tag]
    while let current = next.popLast() {
      let owners = tagOwners[current] ?? []
      if owners.isEmpty { return true }
      for owner in owners {
        guard case .tag(let name) = owner else { return true }
        if reached.insert(name).inserted { next.append(name) }
      }
    }
    return false
  }
}

extension Selector {
  /// Whether it can lie behind a router: addresses and the internet.
  var isRouted: Bool {
    switch self {
    case .range, .host, .autogroup(.internet): true
    default: false
    }
  }
}

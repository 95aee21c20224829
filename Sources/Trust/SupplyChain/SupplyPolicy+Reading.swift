import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import Wire

extension SupplyPolicy {
  /// The requirements of a policy; at least one, each id once.
  static func requirements(_ reader: JSONReader) throws(Problem) -> [Requirement] {
    var requirements: [Requirement] = []
    for element in try reader.elements(atMost: limit) {
      let requirement = try requirement(element)
      guard !requirements.contains(where: { $0.id == requirement.id }) else {
        throw element.problem("policy.duplicate", "“\(requirement.id)” stands twice")
      }
      requirements.append(requirement)
    }
    // An empty set would pass on nothing (V26).
    guard !requirements.isEmpty else { throw reader.problem("policy.empty", "the policy requires no attestation") }
    return requirements
  }

  private static func requirement(_ reader: JSONReader) throws(Problem) -> Requirement {
    try reader.closed(
      "id", "predicateType", "identities", "roles", "maximumAgeSeconds", "subject", "provenance", "summary")
    var identities: [Identity] = []
    for element in try reader.optional("identities")?.elements(atMost: limit) ?? [] {
      identities.append(try identity(element))
    }
    var roles: [RoleThreshold] = []
    for element in try reader.optional("roles")?.elements(atMost: 16) ?? [] { roles.append(try role(element)) }
    let provenance = try reader.optional("provenance").map { part throws(Problem) in try expectation(part) }
    let summary = try reader.optional("summary").map { part throws(Problem) in try SupplyPolicy.summary(part) }
    guard !identities.isEmpty || !roles.isEmpty || provenance != nil else {
      throw reader.problem(
        "policy.anybody", "anybody could have signed this attestation", hint: "name identities, roles or a builder")
    }
    let type = try reader.member("predicateType").token()
    let types = SLSAProvenance.Version.allCases.map(\.rawValue)
    guard provenance == nil || types.contains(where: { $0.isExactly(type) }),
      summary == nil || type.isExactly(PredicateType.verificationSummary)
    else {
      throw reader.problem("policy.predicate-type", "the rules of this attestation are for another predicate type")
    }
    return Requirement(
      id: try id(try reader.member("id")), predicateType: type, identities: identities, roles: roles,
      maximumAge: try reader.optional("maximumAgeSeconds")?.integer(in: 0...10_000_000_000),
      isAboutArtifact: try reader.optional("subject")?.choice(Subject.self) != .any, provenance: provenance,
      summary: summary)
  }

  private enum Subject: String, CaseIterable { case artifact, any }

  private static func id(_ reader: JSONReader) throws(Problem) -> String {
    let id = try reader.token(atMost: 64)
    guard Principal.isName(id) else {
      throw reader.problem("policy.id", "“\(id)” is no id: a to z, 0 to 9, dot and hyphen are allowed")
    }
    return id
  }

  private static func identity(_ reader: JSONReader) throws(Problem) -> Identity {
    try reader.closed("name", "pattern", "issuer")
    let issuer = try reader.member("issuer").token()
    let name = try reader.optional("name")?.text(atMost: 2048)
    let pattern = try reader.optional("pattern")
    switch (name, pattern) {
    case (.some(let name), nil): return Identity(name: NamePattern(exactly: name), issuer: issuer)
    case (nil, .some(let pattern)):
      do { return Identity(name: try NamePattern(pattern: try pattern.token()), issuer: issuer) } catch {
        throw pattern.located(error)
      }
    default: throw reader.problem("policy.identity", "an identity has either a name or a pattern")
    }
  }

  private static func role(_ reader: JSONReader) throws(Problem) -> RoleThreshold {
    try reader.closed("role", "threshold")
    return RoleThreshold(
      role: try reader.member("role").choice(Role.self),
      threshold: Int(try reader.member("threshold").integer(in: 1...256)))
  }

  private static func expectation(_ reader: JSONReader) throws(Problem) -> ProvenanceExpectation {
    try reader.closed("builder", "source", "tag", "branch", "commit", "issuer", "buildTypes")
    let tag = try reader.optional("tag")?.text(atMost: 1024)
    let branch = try reader.optional("branch")?.text(atMost: 1024)
    guard tag == nil || branch == nil else {
      throw reader.problem("policy.ref", "a build is of a tag or of a branch, not of both")
    }
    var expectation = ProvenanceExpectation(
      builder: try reader.member("builder").token(), source: try reader.member("source").token(),
      ref: tag.map { .tag($0) } ?? branch.map { .branch($0) }, commit: try reader.optional("commit")?.token())
    expectation.issuer = try reader.optional("issuer")?.token()
    expectation.otherBuildTypes = try reader.optional("buildTypes")?.tokens(atMost: limit) ?? []
    return expectation
  }

  private static func summary(_ reader: JSONReader) throws(Problem) -> SummaryExpectation {
    try reader.closed("verifier", "resource", "levels", "maximumAgeSeconds", "policy")
    let levels = try reader.member("levels").tokens(atMost: limit)
    guard !levels.isEmpty else { throw reader.problem("policy.no-level", "the summary must show no level") }
    return SummaryExpectation(
      verifier: try reader.member("verifier").token(), resource: try reader.member("resource").token(), levels: levels,
      maximumAge: try reader.optional("maximumAgeSeconds")?.integer(in: 0...10_000_000_000),
      policy: try reader.optional("policy")?.digest())
  }

  static func joins(_ reader: JSONReader?, _ requirements: [Requirement]) throws(Problem) -> [Join] {
    guard let reader else { return [] }
    var joins: [Join] = []
    for element in try reader.elements(atMost: limit) {
      try element.closed("id", "on", "attestations")
      let join = Join(
        id: try id(try element.member("id")), on: try element.member("on").choice(Join.Subject.self),
        requirements: try element.member("attestations").tokens(atMost: limit))
      guard Set(join.requirements).count == join.requirements.count, join.requirements.count >= 2,
        join.requirements.allSatisfy({ name in requirements.contains { $0.id == name } })
      else {
        throw element.problem("policy.join", "a join names at least two attestations of the policy, each once")
      }
      guard !requirements.contains(where: { $0.id == join.id }), !joins.contains(where: { $0.id == join.id }) else {
        throw element.problem("policy.duplicate", "“\(join.id)” stands twice")
      }
      joins.append(join)
    }
    return joins
  }

  static func waivers(_ reader: JSONReader?, _ ids: [String]) throws(Problem) -> [Waiver] {
    guard let reader else { return [] }
    var waivers: [Waiver] = []
    for element in try reader.elements(atMost: limit) {
      try element.closed("of", "owner", "reason", "expires")
      let waiver = Waiver(
        subject: try element.member("of").token(), owner: try element.member("owner").token(atMost: 128),
        reason: try element.member("reason").text(atMost: 4096), expires: try element.member("expires").timestamp())
      guard ids.contains(waiver.subject), !waivers.contains(where: { $0.subject == waiver.subject }) else {
        throw element.problem("policy.waiver", "“\(waiver.subject)” is nothing of the policy, or is waived twice")
      }
      guard !waiver.reason.isEmpty else { throw element.problem("policy.waiver", "the waiver gives no reason") }
      waivers.append(waiver)
    }
    return waivers
  }
}

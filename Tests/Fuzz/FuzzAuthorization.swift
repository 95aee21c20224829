import Authorization
import Diagnostics
import StrictJSON

/// A text of policies: what parses is evaluated and validated without a crash, and twice the same.
func policies(_ bytes: [UInt8]) {
  guard let policies = try? PolicySet(parsing: bytes, naming: .places) else { return }
  precondition(policies.policies.count <= bytes.count, "more policies than bytes")
  decide(policies, Mesh.entities)
  if let schema = Mesh.schema { _ = PolicyValidator(schema).judge(policies) }
}

/// A schema in either form: what is read judges policies and reads entities.
func schema(_ bytes: [UInt8]) {
  guard let schema = try? Schema(parsing: bytes) else { return }
  let reader = EntityReader(schema: schema)
  precondition((try? reader.entities([])) != nil, "the actions of a schema are no entities")
  _ = try? reader.entities(parsing: Array(Mesh.document.utf8))
  if let policies = Mesh.policies { _ = PolicyValidator(schema).judge(policies) }
}

/// Entities, with and without a schema: what a schema accepts is accepted without one where values are written out.
func entities(_ bytes: [UInt8]) {
  if let entities = try? EntityReader().entities(parsing: bytes), let policies = Mesh.policies {
    decide(policies, entities)
  }
  if let schema = Mesh.schema, let entities = try? EntityReader(schema: schema).entities(parsing: bytes),
    let policies = Mesh.policies
  {
    decide(policies, entities)
  }
}

/// A policy, a line with `---`, and the context of a request: a valid policy never fails for a reason that the validator
/// excludes.
func evaluate(_ bytes: [UInt8]) {
  let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n---\n", maxSplits: 1)
  guard parts.count == 2, let schema = Mesh.schema, let entities = Mesh.entities,
    let policies = try? PolicySet(parsing: Array(parts[0].utf8), naming: .places)
  else { return }
  let reader = EntityReader(schema: schema)
  let action = EntityUID(type: "Action", id: "look")
  guard let context = try? reader.context(parsing: Array(parts[1].utf8), action: action) else { return }
  let isValid = PolicyValidator(schema).judge(policies).problems.isEmpty
  let authorizer = Authorizer(policies, entities)
  for name in ["ann", "nobody"] {
    let request = Request(
      principal: EntityUID(type: "User", id: Text(name)), action: action, resource: EntityUID(type: "Doc", id: "one"),
      context: context)
    let decision = authorizer.decide(request)
    precondition(decision == authorizer.decide(request), "two answers to one question")
    precondition(!decision.isAllowed || !decision.reasons.isEmpty, "allowed by nobody")
    for error in authorizer.errors(decision.errors, in: request) where isValid {
      precondition(
        ["evaluation.overflow", "evaluation.no-entity"].contains(error.code), "a valid policy failed: \(error.code)")
    }
  }
}

/// Decides a few requests.
private func decide(_ policies: PolicySet, _ entities: Entities?) {
  guard let entities else { return }
  let authorizer = Authorizer(policies, entities)
  for action in ["look", "edit"] {
    let request = Request(
      principal: EntityUID(type: "User", id: "ann"), action: EntityUID(type: "Action", id: Text(action)),
      resource: EntityUID(type: "Doc", id: "one"), context: Record([Record.Field("mfa", .bool(true))]))
    let decision = authorizer.decide(request)
    precondition(decision == authorizer.decide(request), "two answers to one question")
    precondition(
      authorizer.errors(decision.errors, in: request).count == authorizer.policies(in: decision.errors).count,
      "an error without a reason")
  }
}

/// What every target decides about.
private enum Mesh {
  static let schema = try? Schema(
    parsing: Array(
      """
      entity Group;
      entity User in [Group] = { age: Long, nick?: String, best?: User } tags String;
      entity Doc = { owner: User, sizes: Set<Long>, price: decimal, from: ipaddr, made: datetime };
      action look, edit in [all] appliesTo { principal: User, resource: Doc, context: { from?: ipaddr, mfa?: Bool } };
      action all;
      """.utf8))

  static let document = """
    [{"uid": {"type": "User", "id": "ann"}, "attrs": {"age": 7, "best": {"type": "User", "id": "bob"}},
      "tags": {"color": "red"}, "parents": [{"type": "Group", "id": "inner"}]},
     {"uid": {"type": "Group", "id": "inner"}, "attrs": {}, "parents": []},
     {"uid": {"type": "Doc", "id": "one"}, "attrs": {"owner": {"type": "User", "id": "ann"}, "sizes": [1, 2],
      "price": "1.5", "from": "10.0.0.0/8", "made": "2026-11-22"}, "parents": []}]
    """

  static let entities = schema.flatMap { try? EntityReader(schema: $0).entities(parsing: Array(document.utf8)) }

  static let policies = try? PolicySet(
    parsing: Array(
      """
      permit (principal in Group::"inner", action in Action::"all", resource is Doc)
      when { resource.owner == principal && resource.sizes.contains(principal.age - 6) };
      forbid (principal, action, resource) unless { context has mfa && context.mfa };
      permit (principal is User, action == Action::"look", resource)
      when { principal has best.nick && principal.best.nick like "a*" };
      """.utf8))
}

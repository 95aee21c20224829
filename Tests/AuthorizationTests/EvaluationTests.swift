import Diagnostics
import Testing

@testable import Authorization

@Suite struct EvaluationTests {
  private static let entities = """
    [{"uid": {"type": "User", "id": "ann"}, "attrs": {"age": 7, "best": {"__entity": {"type": "User", "id": "bob"}}},
      "tags": {"color": "red"}, "parents": [{"type": "Group", "id": "inner"}]},
     {"uid": {"type": "Group", "id": "inner"}, "attrs": {}, "parents": [{"type": "Group", "id": "outer"}]},
     {"uid": {"type": "User", "id": "bob"}, "attrs": {"age": 9}, "parents": []}]
    """

  /// What the condition is for User::"ann": a boolean, or the code of why it could not be said.
  private func evaluate(_ expression: String) throws -> String {
    let policies = try PolicySet(parsing: Array(policy(expression).utf8))
    let authorizer = Authorizer(policies, try EntityReader().entities(parsing: Array(Self.entities.utf8)))
    let request = Request(
      principal: EntityUID(type: "User", id: "ann"), action: EntityUID(type: "Action", id: "view"),
      resource: EntityUID(type: "Doc", id: "unknown"),
      context: try EntityReader().context(
        parsing: Array(#"{"n": 9223372036854775807, "r": {"a": {"b": 1}}, "s": [1, 2, 2]}"#.utf8),
        action: EntityUID(type: "Action", id: "view")))
    let decision = authorizer.decide(request)
    if let error = authorizer.errors(decision.errors, in: request).first { return error.code }
    return decision.isAllowed ? "true" : "false"
  }

  @Test(arguments: [
    ("1 + 2 * 3 == 7", "true"), ("-context.n - 1 == -9223372036854775808", "true"),
    ("context.n + 1 == 0", "evaluation.overflow"),
    ("-(-9223372036854775808) == 0", "evaluation.overflow"), ("context.n * 2 == 0", "evaluation.overflow"),
    ("-9223372036854775808 - 1 == 0", "evaluation.overflow"), ("1 < \"a\"", "evaluation.type"), ("1 == \"a\"", "false"),
    ("1", "evaluation.type"), ("true && 1", "evaluation.type"), ("false && 1", "false"), ("true || 1", "true"),
    ("false || 1", "evaluation.type"), ("1 && true", "evaluation.type"), ("!1", "evaluation.type"),
    ("if false then 1 else true", "true"), ("if 1 then true else true", "evaluation.type"),
    ("principal.age == 7", "true"), ("principal.name == 7", "evaluation.no-attribute"),
    ("resource.age == 7", "evaluation.no-entity"),
    ("resource has age", "false"), ("principal has best.age", "true"), ("principal has best.name", "false"),
    ("context has r.a.b", "true"), ("context has r.x.b", "false"), ("1 has a", "evaluation.type"),
    ("context[\"n\"] > 1", "true"),
    ("principal in Group::\"outer\"", "true"), ("principal in [Group::\"x\", Group::\"inner\"]", "true"),
    ("principal in Group::\"x\"", "false"), ("principal in []", "false"),
    ("principal in [principal, 1]", "evaluation.type"),
    ("resource in resource", "true"), ("1 in principal", "evaluation.type"), ("principal is User", "true"),
    ("principal is Group", "false"),
    ("principal is User in Group::\"inner\"", "true"), ("1 is User", "evaluation.type"),
    ("principal.hasTag(\"color\") && principal.getTag(\"color\") == \"red\"", "true"),
    ("principal.hasTag(\"x\")", "false"),
    ("principal.getTag(\"x\") == 1", "evaluation.no-tag"), ("resource.getTag(\"x\") == 1", "evaluation.no-entity"),
    ("resource.hasTag(\"x\")", "false"),
    ("principal.getTag(1) == 1", "evaluation.type"), ("resource.hasTag(1)", "evaluation.type"),
    ("resource.hasTag(context.missing)", "evaluation.no-attribute"), ("context.s == [2, 1]", "true"),
    ("[1, [2]] == [[2], 1, 1]", "true"),
    ("[].isEmpty()", "true"), ("context.s.containsAll([1, 2])", "true"), ("context.s.containsAll([3])", "false"),
    ("context.s.containsAny([3, 2])", "true"), ("context.s.contains([1])", "false"),
    ("1.contains(1)", "evaluation.type"),
    ("{a: 1, b: {c: 2}} == {b: {c: 2}, a: 1}", "true"), ("{a: 1} == {a: 1, b: 2}", "false"),
    ("{a: 1}.b == 1", "evaluation.no-attribute"),
    ("\"abc\" like \"a*c\"", "true"), ("\"a*c\" like \"a\\*c\"", "true"), ("\"abc\" like \"a\\*c\"", "false"),
    ("1 like \"*\"", "evaluation.type"),
    ("\"\u{212a}\" == \"K\"", "false"), ("\"\u{e9}\" == \"e\u{301}\"", "false"), ("\"日本\" like \"日*\"", "true"),
  ])
  func evaluates(expression: String, expected: String) throws { #expect(try evaluate(expression) == expected) }

  @Test(arguments: [
    ("ip(\"10.0.0.1\").isInRange(ip(\"10.0.0.0/8\"))", "true"),
    ("ip(\"10.0.0.0/7\").isInRange(ip(\"10.0.0.0/8\"))", "false"),
    ("ip(\"::1\").isInRange(ip(\"0.0.0.0/0\"))", "false"), ("ip(\"10.0.0.1/8\") == ip(\"10.0.0.0/8\")", "false"),
    ("ip(\"127.0.0.1/8\").isLoopback()", "true"), ("ip(\"127.0.0.1/7\").isLoopback()", "false"),
    ("ip(\"::1\").isLoopback()", "true"),
    ("ip(\"ff00::/8\").isMulticast() && ip(\"224.0.0.0/4\").isMulticast()", "true"),
    ("ip(\"224.0.0.0/3\").isMulticast()", "false"),
    ("ip(\"::1\").isIpv6() && ip(\"1.2.3.4\").isIpv4()", "true"),
    ("ip(\"::ffff:1.2.3.4\").isIpv6()", "evaluation.extension-argument"),
    ("ip(\"1.2.3.4/33\").isIpv4()", "evaluation.extension-argument"), ("ip(1).isIpv4()", "evaluation.type"),
    ("ip() == 1", "evaluation.argument-count"), ("ip(\"::\").isIpv4(1)", "evaluation.argument-count"),
    ("decimal(\"1.0\").lessThan(decimal(\"1.0001\"))", "true"), ("decimal(\"-0.5\") == decimal(\"-0.5000\")", "true"),
    ("decimal(\"922337203685477.5808\") == 1", "evaluation.extension-argument"),
    ("decimal(\"-922337203685477.5808\") == 1", "false"),
    ("decimal(\"1\") == 1", "evaluation.extension-argument"),
    ("decimal(\"1.0\") < decimal(\"2.0\")", "evaluation.type"),
    ("datetime(\"2024-02-29\") < datetime(\"2024-02-29T00:00:00.001Z\")", "true"),
    ("datetime(\"2026-02-29\") == 1", "evaluation.extension-argument"),
    ("datetime(\"1970-01-01T01:00:00+0100\") == datetime(\"1970-01-01\")", "true"),
    ("datetime(\"1969-12-31T23:00:00Z\").toDate() == datetime(\"1969-12-31\")", "true"),
    ("datetime(\"1969-12-31T23:00:00Z\").toTime() == duration(\"23h\")", "true"),
    ("datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\")).toDate() == 1", "evaluation.overflow"),
    ("datetime(\"9999-12-31\").offset(duration(\"9223372036854775807ms\")) == 1", "evaluation.overflow"),
    ("datetime(\"1970-01-02\").durationSince(datetime(\"1970-01-01\")).toHours() == 24", "true"),
    ("duration(\"1d2h3m4s5ms\").toMilliseconds() == 93784005", "true"),
    ("duration(\"-90s\").toMinutes() == -1", "true"),
    ("duration(\"1h1d\") == 1", "evaluation.extension-argument"),
    ("duration(\"-9223372036854775808ms\") < duration(\"0ms\")", "true"),
    ("duration(\"9223372036854775808ms\") == 1", "evaluation.extension-argument"),
  ])
  func evaluatesExtensions(expression: String, expected: String) throws {
    #expect(try evaluate(expression) == expected)
  }

  @Test func forbidWinsAndErrorsAreSkipped() throws {
    let text = """
      @id("yes") permit(principal, action, resource);
      @id("broken") forbid(principal, action, resource) when { principal.nothing };
      @id("never") forbid(principal, action, resource) when { false };
      """
    func decide(_ text: String) throws -> ([String], Bool, [String]) {
      let authorizer = Authorizer(try PolicySet(parsing: Array(text.utf8)), Entities())
      let decision = authorizer.decide(
        Request(
          principal: EntityUID(type: "U", id: ""), action: EntityUID(type: "Action", id: ""),
          resource: EntityUID(type: "U", id: "")))
      return (
        authorizer.policies(in: decision.reasons).map(\.id), decision.isAllowed,
        authorizer.policies(in: decision.errors).map(\.id)
      )
    }
    #expect(try decide(text) == (["yes"], true, ["broken"]))
    #expect(try decide(text + "@id(\"no\") forbid(principal, action, resource);") == (["no"], false, ["broken"]))
    #expect(try decide("") == ([], false, []))
    #expect(try decide("permit(principal, action == Action::\"x\", resource);") == ([], false, []))
  }

  @Test func holdsManyPolicies() throws {
    let text = (0..<300).map { "permit(principal, action, resource) when { \($0 % 2 == 0) };" }.joined(separator: "\n")
    let authorizer = Authorizer(try PolicySet(parsing: Array(text.utf8)), Entities())
    let uid = EntityUID(type: "U", id: "")
    let decision = authorizer.decide(Request(principal: uid, action: uid, resource: uid))
    #expect(decision.reasons.places == Array(stride(from: 0, to: 300, by: 2)))
  }

  @Test(arguments: [
    (
      "[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {}, \"parents\": [{\"type\": \"A\", \"id\": \"x\"}]}]",
      "entities.cycle"
    ),
    ("[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {\"a\": null}, \"parents\": []}]", "entities.null"),
    ("[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {\"a\": 1.5}, \"parents\": []}]", "entities.number"),
    (
      "[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {\"a\": 1, \"a\": 1}, \"parents\": []}]",
      "json.duplicate-key"
    ),
    ("[{\"uid\": {\"type\": \"A b\", \"id\": \"x\"}, \"attrs\": {}, \"parents\": []}]", "entities.type"),
    ("[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {}}]", "json.missing-field"),
    (
      "[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {\"a\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"x\"}}}, \"parents\": []}]",
      "entities.extension"
    ),
    (
      "[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {}, \"parents\": []}, {\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {}, \"parents\": []}]",
      "entities.duplicate"
    ),
  ])
  func refusesEntities(text: String, code: String) throws {
    let problem = try #require(throws: Problem.self) { try EntityReader().entities(parsing: Array(text.utf8)) }
    #expect(problem.code == code)
  }

  @Test func findsGroupsOfADeepHierarchy() throws {
    let facts = (0..<20_000).map { number in
      EntityFacts(
        EntityUID(type: "G", id: Text("\(number)")),
        parents: number % 50 == 49 ? [] : [EntityUID(type: "G", id: Text("\(number + 1)"))])
    }
    let entities = try Entities(facts)
    #expect(entities[EntityUID(type: "G", id: "0")]?.ancestors.count == 49)
    #expect(throws: Problem.self) {
      try Entities(
        (0..<4000).map {
          EntityFacts(EntityUID(type: "G", id: Text("\($0)")), parents: [EntityUID(type: "G", id: Text("\($0 + 1)"))])
        })
    }
  }
}

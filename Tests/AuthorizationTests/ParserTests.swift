import Diagnostics
import Testing

@testable import Authorization

/// A policy whose one condition is `expression`.
func policy(_ expression: String) -> String { "permit (principal, action, resource) when { \(expression) };" }

@Suite struct ParserTests {
  @Test(arguments: [
    // Each with the rule that is broken: a text beside it that differs in this alone is among those that parse.
    ("permit(principal, action, resource)", "cedar.syntax", "1:36"),
    ("allow(principal, action, resource);", "cedar.syntax", "1:1"),
    ("permit(principal, resource, action);", "cedar.syntax", "1:19"),
    ("permit(principal: User, action, resource);", "cedar.syntax", "1:17"),
    ("permit(principal is A == A::\"x\", action, resource);", "cedar.syntax", "1:23"),
    ("permit(principal, action == Foo::\"a\", resource);", "cedar.action-type", "1:29"),
    ("permit(principal == ?principal, action, resource);", "cedar.template", "1:21"),
    ("permit(principal == (User::\"a\", action, resource);", "cedar.syntax", "1:31"),
    ("permit((principal), action, resource);", "cedar.syntax", "1:8"),
    ("permit(principal is (A), action, resource);", "cedar.syntax", "1:21"),
    ("@a @a permit(principal, action, resource);", "cedar.duplicate-annotation", "1:4"),
    ("permit(principal, action, resource) when {};", "cedar.syntax", "1:43"),
    ("permit(principal == __cedar::\"a\", action, resource);", "cedar.reserved", "1:21"),
    ("permit(principal, action, resource) when { \"a };", "cedar.string", "1:44"),
    ("permit(principal,\n action, #);", "cedar.character", "2:10"),
    (
      "@id(\"a\") permit(principal, action, resource);\n@id(\"a\") permit(principal, action, resource);",
      "cedar.duplicate-id", "2:1"
    ),
  ])
  func refusesPolicies(text: String, code: String, place: String) throws {
    let problem = try #require(throws: Problem.self) { try PolicySet(parsing: Array(text.utf8)) }
    #expect(problem.code == code)
    #expect(problem.place == place)
  }

  @Test(arguments: [
    "permit(principal, action, resource);", "permit(principal, action, resource,);", "", "// only a comment",
    "permit(principal is A in A::\"x\", action, resource);", "permit(principal, action == X::Action::\"a\", resource);",
    "permit(principal, action in [], resource);", "permit(principal, action in [Action::\"a\",], resource);",
    "@a @b(\"x\") permit(principal, action, resource);", "permit(principal == User :: \"a\", action, resource);",
    "permit(principal == principal::when::\"a\", action, resource);",
    "permit(principal is A in (A::\"x\"), action in ([(Action::\"a\"), Action::\"b\"]), resource == ((User::\"a\")));",
    "@id(\"a\") permit(principal, action, resource); @id(\"b\") forbid(principal, action, resource);",
  ])
  func acceptsPolicies(text: String) throws {
    _ = try PolicySet(parsing: Array(text.utf8))
  }

  @Test(arguments: [
    ("!!!!!true", "cedar.operator"), ("-----1 == 1", "cedar.operator"), ("9223372036854775808 == 1", "cedar.number"),
    ("-(9223372036854775808) == 1", "cedar.number"), ("1 == 1 == 1", "cedar.relation"),
    ("principal in principal is X", "cedar.relation"), ("1 = 1", "cedar.assignment"), ("1 / 2 == 1", "cedar.operator"),
    ("principal has \"a\".b", "cedar.syntax"), ("context.if == 1", "cedar.reserved"),
    ("{a: 1, \"a\": 2} == {}", "cedar.duplicate-key"),
    ("[1].contains()", "cedar.arguments"), ("[1].isEmpty(1)", "cedar.arguments"), ("true.foo()", "cedar.method"),
    ("isIpv4(ip(\"::\"))", "cedar.function"), ("Foo::ip(\"::\")", "cedar.function"), ("a", "cedar.name"),
    ("true(1)", "cedar.call"), ("context[a] == 1", "cedar.syntax"), ("\"a\" like principal", "cedar.syntax"),
    ("\"\\a\" == \"\"", "cedar.escape"), ("\"\\x80\" == \"\"", "cedar.escape"),
    ("\"\\u{d800}\" == \"\"", "cedar.escape"),
    ("\"\\*\" == \"\"", "cedar.escape"), ("\"a\rb\" == \"\"", "cedar.escape"),
    ("true && if true then true else true", "cedar.name"),
    ("principal is \"User\"", "cedar.syntax"), ("?principal == 1", "cedar.template"),
    (String(repeating: "(", count: 5000) + "1", "cedar.depth"),
    ("1" + String(repeating: "+1", count: 5000), "cedar.depth"),
    ("context" + String(repeating: ".a", count: 5000), "cedar.depth"),
  ])
  func refusesExpressions(text: String, code: String) throws {
    let problem = try #require(throws: Problem.self) { try PolicySet(parsing: Array(policy(text).utf8)) }
    #expect(problem.code == code || (code == "cedar.name" && problem.code == "cedar.reserved"))
    #expect(problem.place?.hasPrefix("1:") == true && problem.kind == .malformed)
  }

  @Test(arguments: [
    "!!!!true", "----1 == 1", "-9223372036854775808 == 1", "--9223372036854775808 == 1", "principal has a.b.c",
    "principal has \"a b\"", "{a: 1,} == {}", "[1,] == []", "ip() == 1", "ip(1, 2)", "ip(\"::\").isIpv4(1)",
    "context.permit == 1", "\"a\" like \"\\*\"", "if true then 1 else 2 == 1", "principal is User in Group::\"a\"",
    "\"\\u{0_0}\\x7f\\'\" == \"\"", "\"a\nb\" == \"\"", "-5.x == 1", "{}", "00001 == 1", "1 == 1\u{a0}",
    (0..<3000).map { "\($0) == 1" }.joined(separator: " && "),
  ])
  func acceptsExpressions(text: String) throws { _ = try PolicySet(parsing: Array(policy(text).utf8)) }

  @Test func namesPoliciesByAnnotationOrByPlace() throws {
    let text = Array("@id(\"x\") permit(principal, action, resource); forbid(principal, action, resource);".utf8)
    #expect(try PolicySet(parsing: text).policies.map(\.id) == ["x", "policy1"])
    #expect(try PolicySet(parsing: text, naming: .places).policies.map(\.id) == ["policy0", "policy1"])
  }

  @Test(arguments: [
    ("alice", "T", "T::\"alice\""), ("A::B::c", nil, "A::B::\"c\""), ("A::\"x y\\\"\"", nil, "A::\"x y\\\"\""),
    ("a@b.c-d", "T", "T::\"a@b.c-d\""),
  ])
  func readsEntities(text: String, type: String?, expected: String) throws {
    #expect(try EntityUID(parsing: text, type: type).description == expected)
  }

  @Test(arguments: ["alice", "A::", "::a", "A::b c", "1::a", "A::\"b\", x", "A::\"b\" // x\n;", "", "A\"b\""])
  func refusesEntities(text: String) throws {
    let problem = try #require(throws: Problem.self) { try EntityUID(parsing: text) }
    #expect(problem.code == "request.entity")
  }
}

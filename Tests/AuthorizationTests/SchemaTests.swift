import Diagnostics
import Testing

@testable import Authorization

private func entity(_ attributes: String) -> String {
  #"{"uid": {"type": "Event", "id": "a"}, "attrs": {\#(attributes)}, "parents": []}"#
}

private let schema = """
  entity Event = { at?: datetime, span?: duration };
  entity Group;
  entity Color enum ["red", "green"];
  entity User in [Group] = { age: Long, nick?: String, best?: User, color?: Color } tags String;
  entity Doc = { owner: User, sizes: Set<Long>, meta: { a?: Long } };
  entity Bare;
  action look, edit in [all] appliesTo { principal: User, resource: [Doc, Bare], context: { from?: ipaddr, mfa: Bool } };
  action all;
  """

@Suite struct SchemaTests {
  @Test(arguments: [
    // A policy, and the code that refuses it; nil where it is valid. Each refused one differs from a valid one in a word.
    ("permit(principal is User, action == Action::\"look\", resource);", nil),
    ("permit(principal is Nobody, action, resource);", "validation.entity-type"),
    ("permit(principal, action == Action::\"fly\", resource);", "validation.action"),
    ("permit(principal == Color::\"blue\", action, resource);", "validation.entity-id"),
    ("permit(principal is Doc, action, resource);", "validation.application"),
    ("permit(principal, action, resource) when { principal.age > 1 };", nil),
    ("permit(principal, action, resource) when { principal.size > 1 };", "validation.attribute"),
    ("permit(principal, action, resource) when { principal.nick == \"a\" };", "validation.optional"),
    ("permit(principal, action, resource) when { principal has nick && principal.nick == \"a\" };", nil),
    (
      "permit(principal, action, resource) when { principal has nick || principal.nick == \"a\" };",
      "validation.optional"
    ),
    (
      "permit(principal, action, resource) when { !(principal has nick) || principal.nick == \"a\" };",
      "validation.optional"
    ),
    (
      "permit(principal, action, resource) when { if principal has nick then principal.nick == \"a\" else false };", nil
    ),
    ("permit(principal, action, resource) when { principal has best.age && principal.best.age > 1 };", nil),
    ("permit(principal, action, resource is Doc) when { resource.owner == principal };", nil),
    ("permit(principal, action, resource) when { resource.owner == principal };", "validation.attribute"),
    ("permit(principal, action, resource) when { resource is Doc && resource.owner == principal };", nil),
    ("permit(principal, action, resource) when { principal.age == \"a\" };", "validation.operands"),
    ("permit(principal, action, resource) when { principal.age };", "validation.type"),
    ("permit(principal, action, resource) when { context.mfa };", nil),
    (
      "permit(principal, action, resource) when { context has from && context.from.isInRange(ip(\"10.0.0.0/8\")) };",
      nil
    ),
    (
      "permit(principal, action, resource) when { context has from && context.from.isInRange(ip(\"10.0.0.0/33\")) };",
      "validation.constructor"
    ),
    ("permit(principal, action, resource) when { ip(principal.nick).isIpv4() };", "validation.constructor"),
    ("permit(principal, action, resource) when { ip(\"::\").isIpv4(1) };", "validation.arguments"),
    ("permit(principal, action, resource) when { [].isEmpty() };", "validation.empty-set"),
    ("permit(principal, action, resource) when { [1, \"a\"].isEmpty() };", "validation.set"),
    ("permit(principal, action, resource) when { (if context.mfa then 1 else \"a\") == 1 };", "validation.branches"),
    ("permit(principal, action, resource) when { principal.hasTag(\"a\") && principal.getTag(\"a\") == \"b\" };", nil),
    (
      "permit(principal, action, resource) when { principal.hasTag(\"b\") && principal.getTag(\"a\") == \"b\" };",
      "validation.optional"
    ),
    ("permit(principal, action, resource) when { resource.getTag(\"a\") == \"b\" };", "validation.tags"),
    ("permit(principal in Group::\"a\", action in Action::\"all\", resource);", nil),
    ("permit(principal in User::\"a\", action in Action::\"all\", resource);", nil),
    ("permit(principal in Bare::\"a\", action in Action::\"all\", resource);", "validation.application"),
    ("permit(principal, action, resource) when { false && principal.nonsense };", nil),
  ])
  func judges(text: String, code: String?) throws {
    let report = PolicyValidator(try Schema(parsing: Array(schema.utf8))).judge(
      try PolicySet(parsing: Array(text.utf8)))
    #expect(report.problems.first?.code == code, "\(report.problems)")
    #expect(report.problems.allSatisfy { $0.place?.hasPrefix("1:") == true && $0.kind == .refused })
  }

  @Test func saysWhatCanNeverApply() throws {
    let policies = try PolicySet(parsing: Array("permit(principal, action, resource) when { principal is Doc };".utf8))
    let report = PolicyValidator(try Schema(parsing: Array(schema.utf8))).judge(policies)
    #expect(report.problems.isEmpty && report.idle.map(\.code) == ["validation.idle"])
  }

  @Test(arguments: [
    ("entity A; entity A;", "schema.duplicate"), ("entity A in [B];", "schema.unknown"),
    ("entity A = { a: B };", "schema.unknown"),
    ("type A = { a: A };", "schema.cycle"), ("type A = B; type B = A;", "schema.cycle"),
    ("action a in [b];", "schema.unknown"),
    ("action a in [b]; action b in [a];", "schema.cycle"), ("entity A = Long;", "schema.syntax"),
    ("entity A", "schema.syntax"),
    ("entity A enum [];", "schema.syntax"), ("entity A = { a: Long, a: Long };", "schema.duplicate"),
    ("type Long = String;", "schema.reserved"),
    ("action a appliesTo { principal: A, principal: A };", "schema.unknown"),
    ("entity A = { a: \(String(repeating: "Set<", count: 100)) };", "schema.depth"),
    ("{\"\": {\"entityTypes\": {\"A\": {\"shape\": {\"type\": \"Nope\"}}}, \"actions\": {}}}", "schema.unknown"),
    ("{\"\": {\"entityTypes\": {\"A\": {\"more\": 1}}, \"actions\": {}}}", "json.unknown-field"),
    ((0..<40).map { "type T\($0 + 1) = { a: T\($0), b: T\($0) };" }.joined() + "type T0 = Long;", "schema.size"),
    // A chain of groups, and an action for too many pairs of types.
    ((0..<1000).map { "entity E\($0) in [E\($0 + 1)];" }.joined() + "entity E1000;", "schema.size"),
    (
      (0..<200).map { "entity E\($0);" }.joined()
        + "action a appliesTo { principal: [\((0..<200).map { "E\($0)" }.joined(separator: ","))], "
        + "resource: [\((0..<101).map { "E\($0)" }.joined(separator: ","))] };", "schema.size"
    ),
  ])
  func refusesSchemas(text: String, code: String) throws {
    let problem = try #require(throws: Problem.self) { try Schema(parsing: Array(text.utf8)) }
    #expect(problem.code == code || (text.contains("principal: A, principal") && problem.code == "schema.duplicate"))
  }

  /// What the official engine refuses, each beside what it reads; all of these were read once.
  @Test(arguments: [
    ("namespace N { entity A; } namespace N::M { entity A; }", nil),
    ("entity A; namespace N { entity A; }", "schema.shadow"),
    ("type A = Long; namespace N { entity A; }", "schema.shadow"),
    ("entity A; namespace N { type A = Long; }", "schema.shadow"),
    ("action a; namespace N { action a; }", "schema.shadow"), ("action a; namespace N { action b; }", nil),
    // A group of actions and the type of the actions are looked for in the namespace first.
    ("action a; namespace N { action b in [a]; action c in a; }", nil),
    ("namespace M { action a; } namespace N { action b in [a]; }", "schema.unknown"),
    ("action a; namespace N { type T = { who: Action }; }", nil), ("type T = { who: Action };", "schema.unknown"),
    ("action a; entity A in [Action];", "schema.unknown"),
    ("entity A = { a: Bool };", nil), ("entity A = { a: Boolean };", "schema.unknown"),
    ("type Action = Long;", nil), ("entity Action;", "schema.reserved"),
    ("namespace N { entity Action; }", "schema.reserved"),
    ("namespace __cedar {}", "schema.reserved"), ("namespace A::in {}", "schema.reserved"),
    ("entity A = { a: __cedar::Long };", nil), ("entity A = { __cedar: Long };", nil),
    ("entity A = { \"if\": Long };", nil), ("entity A = { if: Long };", "schema.reserved"),
    ("action \"in\";", nil), ("action in;", "schema.reserved"), ("entity A in [];", nil),
    ("action a in [];", "schema.syntax"),
    ("entity A; entity B in [A];", nil), ("entity A; entity B in [A,];", "schema.syntax"),
    ("entity A enum [\"a\"];", nil), ("entity A enum [\"a\",];", "schema.syntax"),
    ("@a @b entity A;", nil), ("@a @a entity A;", "schema.duplicate-annotation"),
    ("entity A; action a appliesTo { principal: A, resource: A, };", nil),
    ("entity A; action a appliesTo { principal: A };", "schema.syntax"), ("action a appliesTo {};", "schema.syntax"),
    ("entity A; action a appliesTo { principal: [], resource: A };", "schema.syntax"),
    ("entity A; action a appliesTo { principal: [A,], resource: A };", "schema.syntax"),
  ])
  func readsWhatTheOfficialEngineReads(text: String, code: String?) {
    #expect(refusal(text) == code)
  }

  /// The same in JSON: the members of a namespace without a name, around `entityTypes` and `actions`.
  @Test(arguments: [
    (#""annotations": {"a": "b"}"#, "schema.annotations"), (#""commonTypes": {"ipaddr": {"type": "Long"}}"#, nil),
    (#""commonTypes": {"Long": {"type": "String"}}"#, "schema.reserved"),
    (#""commonTypes": {"if": {"type": "Long"}}"#, "schema.name"),
    (#""commonTypes": {"N::X": {"type": "Long"}}"#, "schema.name"),
    (#""commonTypes": {"X": {"type": "Record", "attributes": {}}}"#, nil),
    (#""commonTypes": {"X": {"type": "Record"}}"#, "json.missing-field"),
    (#""commonTypes": {"X": {"type": "Long", "annotations": {"a": "b"}}}"#, nil),
    (#""commonTypes": {"X": {"type": "Long", "annotations": {"a": 1}}}"#, "json.kind"),
    (#""commonTypes": {"X": {"type": "Long", "element": {"type": "Long"}}}"#, "schema.member"),
    (#""commonTypes": {"X": {"type": "Long", "required": true}}"#, "schema.member"),
    (#""commonTypes": {"X": {"type": "Record", "attributes": {"a": {"type": "Long", "required": true}}}}"#, nil),
    (
      #""commonTypes": {"X": {"type": "Record", "attributes": {"a": {"type": "Long", "more": true}}}}"#, "schema.member"
    ),
    (#""entityTypes": {"A": {}, "B": {"tags": {"type": "Entity", "name": "A"}}}"#, nil),
    (#""entityTypes": {"A": {}, "B": {"tags": {"type": "EntityOrCommon", "name": "A"}}}"#, nil),
    (#""entityTypes": {"A": {}, "B": {"tags": {"type": "A"}}}"#, "schema.unknown"),
    (#""entityTypes": {"ipaddr": {}, "B": {"tags": {"type": "ipaddr"}}}"#, "schema.unknown"),
    (#""actions": {"a": {"annotations": {"b": "c"}}}"#, nil),
    (#""actions": {"a": {"annotations": {"b c": "d"}}}"#, "schema.name"),
    (#""actions": {"a": {"memberOf": [{"id": "b", "type": null}]}, "b": {}}"#, nil),
    (#""commonTypes": {"X": {"type": "Extension", "name": "decimal"}}"#, nil),
    (#""commonTypes": {"X": {"type": "Extension", "name": "Long"}}"#, "schema.unknown"),
    (#""entityTypes": {"A": {"enum": ["a"], "annotations": {}}}"#, nil),
    (#""entityTypes": {"A": {"enum": ["a"], "memberOfTypes": []}}"#, "schema.enum"),
    (#""entityTypes": {"A::B": {}}"#, "schema.name"), (#""entityTypes": {"Action": {}}"#, "schema.reserved"),
    (#""actions": {"a": {"attributes": null, "memberOf": null, "appliesTo": null}}"#, nil),
    (#""actions": {"a": {"attributes": {}}}"#, "schema.attributes"),
  ])
  func readsJSONAsTheOfficialEngine(members: String, code: String?) {
    let others = ["entityTypes", "actions"].filter { !members.hasPrefix("\"\($0)\"") }
    let text = ([members] + others.map { "\"\($0)\": {}" }).joined(separator: ", ")
    #expect(refusal("{\"\": {\(text)}}") == code)
    #expect(refusal("{\"__cedar\": {\(text)}}") == "schema.name", "the name of a namespace is looked at first")
  }

  private func refusal(_ text: String) -> String? {
    do throws(Problem) {
      _ = try Schema(parsing: Array(text.utf8))
      return nil
    } catch { return error.code }
  }

  @Test func readsBothForms() throws {
    let json = """
      {"N": {"commonTypes": {"S": {"type": "Record", "attributes": {"a": {"type": "Long"}, "b": {"type": "Set",
      "element": {"type": "Entity", "name": "U"}, "required": false}}}}, "entityTypes": {"U": {"memberOfTypes": ["G"],
      "shape": {"type": "S"}, "tags": {"type": "Extension", "name": "decimal"}}, "G": {}, "E": {"enum": ["x"]}},
      "actions": {"v": {"memberOf": [{"id": "all"}], "appliesTo": {"principalTypes": ["U"], "resourceTypes": ["G", "E"],
      "context": {"type": "Record", "attributes": {"x": {"type": "Boolean"}}}}}, "all": {}}}}
      """
    let text = """
      namespace N { type S = { a: Long, b?: Set<U> }; entity U in [G] = S tags decimal; entity G; entity E enum ["x"];
      action v in [all] appliesTo { principal: U, resource: [G, E], context: { x: Bool } }; action all; }
      """
    let one = try Schema(parsing: Array(json.utf8))
    let two = try Schema(parsing: Array(text.replacing("= S tags", with: "{ a: Long, b?: Set<U> } tags").utf8))
    #expect(one.entityTypes.keys == two.entityTypes.keys)
    for (name, type) in one.entityTypes {
      let other = try #require(two.entityTypes[name])
      #expect(type.attributes == other.attributes && type.tags == other.tags && type.ids == other.ids)
      #expect(type.ancestors == other.ancestors)
    }
    #expect(
      one.actions.values.map(\.context).sorted { "\($0)" < "\($1)" }
        == two.actions.values.map(\.context).sorted { "\($0)" < "\($1)" })
    #expect(one.shape.map(\.resources) == two.shape.map(\.resources))
  }

  @Test(arguments: [
    (#"{"mfa": true, "from": "10.0.0.1"}"#, nil),
    (#"{"mfa": true, "from": {"__extn": {"fn": "ip", "arg": "::1"}}}"#, nil),
    (#"{"from": "10.0.0.1"}"#, "entities.missing"), (#"{"mfa": 1}"#, "entities.value"),
    (#"{"mfa": true, "x": 1}"#, "entities.attribute"),
    (#"{"mfa": true, "from": "10.0.0"}"#, "entities.value"),
    (#"{"mfa": true, "from": {"fn": "decimal", "arg": "1.0"}}"#, "entities.value"),
  ])
  func readsContexts(text: String, code: String?) throws {
    let reader = EntityReader(schema: try Schema(parsing: Array(schema.utf8)))
    let action = EntityUID(type: "Action", id: "look")
    do throws(Problem) {
      _ = try reader.context(parsing: Array(text.utf8), action: action)
      #expect(code == nil)
    } catch { #expect(error.code == code) }
  }

  @Test(arguments: [
    (
      #"{"uid": {"type": "User", "id": "a"}, "attrs": {"age": 1}, "parents": [{"type": "Group", "id": "g"}], "tags": {"t": "x"}}"#,
      nil
    ),
    (
      #"{"uid": {"type": "User", "id": "a"}, "attrs": {"age": 1}, "parents": [{"type": "User", "id": "g"}]}"#,
      "entities.parent"
    ),
    (
      #"{"uid": {"type": "User", "id": "a"}, "attrs": {"age": 1, "color": {"type": "Color", "id": "blue"}}, "parents": []}"#,
      "entities.enum"
    ),
    (#"{"uid": {"type": "User", "id": "a"}, "attrs": {}, "parents": []}"#, "entities.missing"),
    (#"{"uid": {"type": "User", "id": "a"}, "attrs": {"age": 1}, "parents": [], "tags": {"t": 1}}"#, "entities.value"),
    (#"{"uid": {"type": "Bare", "id": "a"}, "attrs": {}, "parents": [], "tags": {"t": "x"}}"#, "entities.tags"),
    (#"{"uid": {"type": "Nobody", "id": "a"}, "attrs": {}, "parents": []}"#, "entities.type"),
    (#"{"uid": {"type": "if", "id": "a"}, "attrs": {}, "parents": []}"#, "entities.type"),
    // An action may stand there, as the schema has it and not otherwise.
    (#"{"uid": {"type": "Action", "id": "look"}, "attrs": {}, "parents": [{"type": "Action", "id": "all"}]}"#, nil),
    (#"{"uid": {"type": "Action", "id": "look"}, "attrs": {}, "parents": []}"#, "entities.action"),
    (#"{"uid": {"type": "Action", "id": "all"}, "attrs": {"a": 1}, "parents": []}"#, "entities.action"),
    (#"{"uid": {"type": "Action", "id": "fly"}, "attrs": {}, "parents": []}"#, "entities.type"),
    // Values of extension types by their methods, and with arguments written the short way.
    (entity(#""at": {"fn": "offset", "args": ["2026-01-01", "1h"]}"#), nil),
    (entity(#""at": {"__extn": {"fn": "toDate", "arg": "2026-01-01T01:00:00Z"}}"#), nil),
    (entity(#""span": {"__extn": {"fn": "durationSince", "args": ["2026-01-01", "2025-01-01"]}}"#), nil),
    (entity(#""span": {"__extn": {"fn": "toTime", "args": ["2026-01-01"]}}"#), nil),
    (entity(#""at": {"__extn": {"fn": "toTime", "args": ["2026-01-01"]}}"#), "entities.value"),
    (entity(#""at": {"__extn": {"fn": "offset", "args": ["1h", "2026-01-01"]}}"#), "entities.value"),
    (
      entity(#""at": {"__extn": {"fn": "offset", "args": ["9999-12-31", "9223372036854775807ms"]}}"#),
      "entities.extension"
    ),
    (entity(#""at": {"__extn": {"fn": "datetime", "args": ["2026-01-01", "1h"]}}"#), "entities.extension"),
  ])
  func readsEntities(text: String, code: String?) throws {
    let reader = EntityReader(schema: try Schema(parsing: Array(schema.utf8)))
    do throws(Problem) {
      _ = try reader.entities(parsing: Array("[\(text)]".utf8))
      #expect(code == nil)
    } catch { #expect(error.code == code) }
  }
}

"""Random schemas and entities in Cedar, of which about one in three loads: what one engine refuses, the other must refuse.

What the official engine reads and we refuse on purpose is not made here: members that it ignores, an attribute or an entity
that stands twice.
"""
import json

from cedar_wild import mutated_tokens

WORDS = ["A", "B", "Net", "X", "Long", "ipaddr", "Bool", "in", "type", "entity", "__cedar", "String", "decimal", "Set", "Record", "Extension", "Action"]
TYPES = ["A", "B", "X", "Long", "String", "Bool", "Set<Long>", "Set<A>", "{}", "{a: Long}"]
OTHER_TYPES = ["N::A", "N::B", "N::M::A", "N::X", "Boolean", "ipaddr", "decimal", "datetime", "duration", "__cedar::Long", "__cedar::ipaddr", "Nobody",
               "N::Nobody", "{a?: X, \"b c\": Set<{d: String}>}", "Action", "N::Action", "Set<Set<B>>"]
MARKS = ["", "", "@doc(\"x\") ", "@a "]
IDS = ["[\"a\"]", "[\"a\", \"b\"]", "[\"a\", \"a\"]", "[\"a\",]", "[]"]
ACTIONS = ["a", "b", "\"c d\"", "\"\"", "principal"]
WITHIN = ["", "", "", " in g", " in [\"g\", h]", " in [Action::\"g\"]", " in [Action::\"g\"]"]


def rare(r, chance, odd, usual):
    """`odd` now and then, else `usual`."""
    return r.choice(odd if r.random() < chance else usual)


class People:
    """A schema in the form for people."""

    def __init__(self, r):
        self.random = r
        # What stands outside of every namespace may not stand in one, so the usual names stand in one of both.
        self.isOuter = r.random() < 0.5
        self.names = r.sample(["N", "N::M", "M"] + ["N", "__cedar", "in"] * (r.random() < 0.1), r.choice([0, 1, 2, 2]))

    def reference(self):
        return rare(self.random, 0.1, OTHER_TYPES, TYPES + ["N::A", "N::X"] * ("N" in self.names and not self.isOuter))

    def entity(self):
        r = self.random
        names = r.sample(["C", "D", "Net"], r.choice([1, 1, 1, 2])) if r.random() < 0.8 else [r.choice(WORDS)]
        if r.random() < 0.1:
            return f"entity {', '.join(names)} enum {r.choice(IDS)};"
        groups = r.sample(["A", "B", rare(r, 0.1, ["N::A"], ["A"])], r.randint(r.random() > 0.1, 2))
        within = r.choice(["", "", " in A", f" in [{', '.join(groups)}]"])
        shape = r.choice(["", " = {}", f" = {{x: {self.reference()}}}", f" {{x?: {self.reference()}, \"y z\": {self.reference()},}}", " = { @a x: Long }"])
        tags = f" tags {self.reference()}" if r.random() < 0.2 else ""
        return f"entity {', '.join(names)}{within}{shape}{tags};"

    def action(self):
        r = self.random
        names = r.sample(ACTIONS + ["in"] * (r.random() < 0.05), r.choice([1, 1, 2]))
        parts = [f"principal: {rare(r, 0.1, ['[]', 'X', 'N::A', '[A,]'], ['A', '[A, B]', 'B'])}",
                 f"resource: {rare(r, 0.1, ['Nobody', '[A, A]'], ['A', '[A]', 'B'])}", f"context: {rare(r, 0.1, ['A'], ['{}', '{a: Long}', 'X', '{a?: X}'])}"]
        given = ", ".join(r.sample(parts, rare(r, 0.15, [0, 1, 2], [3])))
        applies = f" appliesTo {{{given}{r.choice(['', ','])}}}" if r.random() < 0.7 else ""
        within = rare(r, 0.1, [" in [N::Action::\"g\"]", " in []", " in [g,]"], WITHIN)
        return f"action {', '.join(names)}{within}{applies}{rare(r, 0.1, [' attributes {}'], [''])};"

    def body(self, space):
        r = self.random
        usual = ["entity A;", "entity B in A;", "type X = {a: Long};", "action g, h;"] if (space == "") == self.isOuter or r.random() < 0.05 else []
        lines = [line for line in usual if r.random() < 0.95]
        for _ in range(r.choice([0, 1, 1, 2, 3])):
            pick = r.random()
            line = self.entity() if pick < 0.35 else self.action() if pick < 0.8 else f"type {rare(r, 0.2, WORDS, ['Y', 'Z'])} = {self.reference()};"
            lines.append(r.choice(MARKS) + line)
        return "\n".join(lines)

    def text(self):
        r = self.random
        spaces = [self.body("")]
        for name in self.names:
            spaces.append(r.choice(["", "@doc(\"n\") "]) + f"namespace {name} {{\n{self.body(name)}\n}}")
        r.shuffle(spaces)
        text = "\n".join(spaces)
        return mutated_tokens(text, r) if r.random() < 0.15 else text


class Machines:
    """A schema in JSON."""

    def __init__(self, r):
        self.random = r

    def type(self, depth):
        r = self.random
        names = rare(r, 0.05, [["N::A", "Nobody", "X", "N::X"]], [["A", "B"]])
        kinds = [{"type": "Long"}, {"type": "String"}, {"type": "Boolean"}, {"type": "Bool"}, {"type": "Entity", "name": r.choice(names)},
                 {"type": "EntityOrCommon", "name": r.choice(names + ["Long", "ipaddr"])}, {"type": rare(r, 0.1, ["A"], ["ipaddr", "__cedar::Long"])},
                 {"type": "Extension", "name": rare(r, 0.1, ["nothing", "Long"], ["ipaddr", "decimal"])}]
        if depth > 0:
            kinds += [{"type": "Set", "element": self.type(depth - 1)}, self.record(depth - 1), self.record(depth - 1)]
        found = r.choice(kinds)
        if r.random() < 0.02:
            odd = [{"type": "Set"}, {"type": "Entity"}, {"typo": "Long"}, dict(found, extra=1), [], "Long", None, {"type": 1}, {"type": "Record"},
                   dict(found, annotations={"a": "b"}), {"type": "Record", "attributes": {}, "additionalAttributes": r.random() < 0.5}]
            return r.choice(odd)
        return found

    def record(self, depth):
        r = self.random
        attributes = {}
        for name in r.sample(["a", "b c", "", "if"], r.randint(0, 3)):
            found = self.type(depth)
            more = r.choice([{}, {}, {"required": False}, {"required": True}, {"annotations": {"a": ""}}])
            attributes[name] = dict(found, **more) if isinstance(found, dict) else found
        return {"type": "Record", "attributes": attributes}

    def entity(self):
        r = self.random
        body = {}
        if r.random() < 0.4:
            body["memberOfTypes"] = r.sample(["A", "B", rare(r, 0.1, ["N::A"], ["A"])], r.randint(0, 2))
        if r.random() < 0.6:
            body["shape"] = rare(r, 0.1, [{"type": "Long"}, {"type": "X"}], [self.record(1)])
        if r.random() < 0.2:
            body["tags"] = self.type(1)
        odd = [{"enum": ["a", "b"]}, {"enum": []}, {"enum": ["a"], "memberOfTypes": []}, {"enum": ["a"], "shape": self.record(0)}, dict(body, extra=1)]
        return rare(r, 0.06, odd, [body])

    def action(self):
        r = self.random
        body = {}
        if r.random() < 0.3:
            group = dict({"id": r.choice(["g", "h"])}, **rare(r, 0.2, [{"type": "N::Action"}, {"type": "Action"}], [{}]))
            body["memberOf"] = rare(r, 0.1, [None, []], [[group]])
        if r.random() < 0.7:
            applies = {"principalTypes": r.sample(["A", "B"], r.randint(r.random() > 0.1, 2)), "resourceTypes": ["A"],
                       "context": rare(r, 0.2, [{"type": "X"}], [self.record(1)])}
            if r.random() < 0.1:
                del applies[r.choice(list(applies))]
            body["appliesTo"] = rare(r, 0.04, [None, {}, []], [applies])
        return dict(body, **rare(r, 0.04, [{"attributes": {}}, {"attributes": None}, {"extra": 1}, {"annotations": {"a": "b"}}], [{}]))

    def space(self):
        r = self.random
        entities = {name: {} for name in ("A", "B") if r.random() < 0.97}
        entities.update({name: self.entity() for name in r.sample(["A", "B", "C"], r.randint(0, 2))})
        actions = {name: {} for name in ("g", "h") if r.random() < 0.97}
        actions.update({name: self.action() for name in r.sample(["a", "b c", ""], r.randint(0, 3))})
        found = {"entityTypes": entities, "actions": actions}
        if r.random() < 0.95:
            found["commonTypes"] = {"X": self.record(1) if r.random() < 0.9 else self.type(2)}
            if r.random() < 0.3:
                found["commonTypes"][rare(r, 0.2, ["Long", "Set", "1", "if"], ["Y", "ipaddr", "A"])] = self.type(2)
        if r.random() < 0.03:
            found.pop(r.choice(list(found)))
        return dict(found, **rare(r, 0.03, [{"extra": 1}, {"annotations": {"a": "b"}}, {"entityTypes": []}], [{}]))

    def text(self):
        r = self.random
        names = rare(r, 0.1, [["1"], ["in"], ["__cedar"], ["", "N"], ["N", "N::M"]], [[""], ["N"], ["N::M"]])
        return json.dumps({name: self.space() for name in names})


# Entities

REFERENCE = {"type": "User", "id": "a"}
OFFSET = {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "2024-01-01"}}, {"__extn": {"fn": "duration", "arg": "1h"}}]}
VALUES = [1, -1, 1.5, 9223372036854775808, "x", "10.0.0.1", True, None, [], {}, [1, "x"], {"__entity": REFERENCE}, REFERENCE, "1.0", "2024-01-01", "1h",
          {"__extn": {"fn": "ip", "arg": "10.0.0.1"}}, {"__extn": {"fn": "ip", "args": ["10.0.0.1"]}}, {"fn": "decimal", "arg": "1.0"},
          {"fn": "nothing", "arg": ""}, {"__extn": {"fn": "decimal", "arg": 1}}, {"__expr": "User::\"a\""}, {"__extn": OFFSET}, OFFSET,
          {"fn": "offset", "args": ["2024-01-01", "1h"]}, {"__extn": {"fn": "toTime", "args": ["2024-01-01"]}}]
UIDS = [{"type": "1", "id": "a"}, {"type": "Nobody", "id": ""}, {"type": "User"}, {"type": "Net::Node", "id": "x"}, "User::\"a\"", {"type": "if", "id": "a"},
        {"type": "Color", "id": "blue"}, {"type": "Color", "id": "red"}, {"type": "Net :: Node", "id": "x"}]
PARENTS = [[{"type": "Nobody", "id": "a"}], [{"__entity": {"type": "Group", "id": "a"}}], None, {}, [{"type": "Color", "id": "red"}]]


def entity_text(case, r):
    """The entities of a case, half of the time with one change."""
    document = case.entities_json()
    entity = r.choice(document)
    pick = r.random()
    if pick < 0.2:
        member = r.choice([name for name in ("attrs", "tags") if name in entity])
        entity[member] = changed(entity[member], r)
    elif pick < 0.26:
        entity.pop(r.choice(list(entity)))
    elif pick < 0.34:
        entity["uid"] = r.choice(UIDS + [{"__entity": entity["uid"]}])
    elif pick < 0.42:
        entity["parents"] = r.choice(PARENTS + [[entity["uid"]]])
    elif pick < 0.47:
        document.append({"uid": {"type": "Action", "id": r.choice(["view", "edit", "nothing"])}, "attrs": r.choice([{}, {"a": 1}]), "parents": []})
    elif pick < 0.5:
        entity["attrs"] = r.choice([None, [], 1, {"__expr": "1"}])
    return json.dumps(document)


def changed(value, r):
    """A JSON value with one change somewhere in it."""
    if isinstance(value, dict) and value and r.random() < 0.85:
        key = r.choice(list(value))
        pick = r.random()
        if pick < 0.15:
            return {name: inner for name, inner in value.items() if name != key}
        # Members of a name or of a call that nobody reads are ignored there and refused here.
        if pick < 0.25 and not {"id", "fn", "__entity", "__extn"} & set(value):
            return dict(value, **{r.choice(["extra", "a"]): r.choice(VALUES)})
        return dict(value, **{key: changed(value[key], r)})
    if isinstance(value, list) and value and r.random() < 0.7:
        return value[:-1] + [changed(value[-1], r)]
    return r.choice(VALUES)

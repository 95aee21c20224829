"""Random policies, entities and requests in Cedar, by a seed: every operator, every type, and errors in each of them.

A schema of its own for each case; expressions are mostly of the right type, and now and then of a wrong one, so that the
validator and the evaluator both have something to say.
"""
import random

STRINGS = ["", "a", "ab", "abc", "*", "a*c", "ä", "日本", "e\u0301", "\u00e9", "\U0001f600", "\"", "\\", "\n", "\t", "\0", "'", "x y",
           "alice", "bob", "admins", "\u200b", "-1", "\u212a", "K"]
LONGS = [0, 1, 2, 3, -1, 7, 10, 100, 4611686018427387904, 9223372036854775807, -9223372036854775808, -9223372036854775807]
DECIMALS = ["0.0", "1.0", "-1.0", "0.5", "-0.5", "1.2345", "922337203685477.5807", "-922337203685477.5808", "12.30"]
IPS = ["127.0.0.1", "127.0.0.1/8", "127.0.0.0/7", "10.0.0.1", "10.0.0.0/8", "10.0.0.1/8", "0.0.0.0/0", "224.0.0.1", "224.0.0.0/4",
       "224.0.0.0/3", "255.255.255.255/32", "::1", "::1/127", "::", "::/0", "ff00::/8", "ff02::1", "fe80::/10", "2001:db8::1/64",
       "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:1", "100.64.0.0/10", "100.100.1.2"]
DATETIMES = ["1970-01-01", "2024-02-29", "0000-01-01", "9999-12-31", "2026-11-22T16:05:00Z", "2026-11-22T16:05:00.123Z",
             "1969-12-31T23:59:59.999Z", "2026-11-22T16:05:00+0530", "2026-11-22T23:59:59.999-2359", "0000-01-01T00:00:00+2359"]
DURATIONS = ["0ms", "1ms", "-1ms", "1d", "-1d", "1d2h3m4s5ms", "90m", "-12h30m", "9223372036854775807ms", "-9223372036854775808ms",
             "106751991167d", "1s1ms"]
WRONG = {
    "decimal": ["1", "1.", ".1", "1.23456", "922337203685477.5808", "+1.0", " 1.0", "1.0 ", "1e1", "--1.0", "-.1"],
    "ip": ["", "256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/", "::1/129", "::ffff:1.2.3.4", ":::", "1::2::3",
           "fe80::1%eth0", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", "1.2.3.4/+8", "::g"],
    "datetime": ["", "2026", "2026-13-01", "2026-02-29", "2026-01-00", "2026-1-1", "2026-01-01T", "2026-01-01T24:00:00Z",
                 "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.1Z",
                 "2026-01-01T00:00:00+2400", "2026-01-01T00:00:00+0060", "2026-01-01t00:00:00z", "-2026-01-01", "2026-01-01Z"],
    "duration": ["", "-", "1", "1x", "1h1d", "1ms1s", "1d1d", " 1d", "+1d", "1.5h", "9223372036854775808ms", "106751991168d", "1d-1h",
                 "-9223372036854775809ms"],
}
SIMPLE = ["Bool", "Long", "String", "decimal", "ipaddr", "datetime", "duration"]
CONSTRUCTOR = {"decimal": ("decimal", DECIMALS), "ipaddr": ("ip", IPS), "datetime": ("datetime", DATETIMES),
               "duration": ("duration", DURATIONS)}
KINDS = ["User", "Group", "Doc", "Net::Node"]
NAMES = ["a", "b", "c d", "owner", "if", "ü", "level", "in"]
WORDS = {"a", "b", "owner", "level"}


def quote(text):
    plain = {"\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\0": "\\0"}
    return "\"" + "".join(plain.get(c, c if c.isprintable() else "\\u{%x}" % ord(c)) for c in text) + "\""


def uid(name):
    return f"{name[0]}::{quote(name[1])}"


class Case:
    """One schema, one set of entities, some policies, some requests."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        r = self.random
        # Careful cases are mostly valid; the others err wherever one can.
        self.careful = r.random() < 0.6
        self.parents = {"User": ["Group"], "Group": ["Group"], "Doc": r.choice([[], ["Doc"], ["Doc", "Group"]]), "Net::Node": ["Group"],
                        "Color": []}
        self.colors = ["red", "", "grün"]
        self.shapes = {kind: self.record(2) for kind in KINDS}
        self.tags = {kind: self.type(1) if r.random() < 0.5 else None for kind in KINDS}
        self.actions = {"view": [], "edit": ["write"], "write": [], "read all": ["view"]}
        self.applies = {action: (r.sample(KINDS, r.randint(1, 2)), r.sample(KINDS + ["Color"], r.randint(1, 2)), self.record(2))
                        for action in ("view", "edit", "read all")}
        ids = ["alice", "bob", "", "x\ty", "é", "e\u0301", "K", "\u212a"]
        self.entities = [(kind, i) for kind in KINDS for i in r.sample(ids, 3)]
        self.strangers = [(kind, "nobody") for kind in KINDS]

    # Schema

    def type(self, depth):
        r = self.random
        pick = r.random()
        if depth > 0 and pick < 0.2:
            return ("Set", self.type(depth - 1))
        if depth > 0 and pick < 0.35:
            return self.record(depth - 1)
        if pick < 0.55:
            return ("Entity", r.choice(KINDS + ["Color"]))
        return r.choice(SIMPLE)

    def record(self, depth):
        r = self.random
        return ("Record", {name: (self.type(depth), r.random() < 0.65) for name in r.sample(NAMES, r.randint(0, 5))})

    def schema_type(self, t):
        if isinstance(t, str):
            return t
        if t[0] == "Set":
            return f"Set<{self.schema_type(t[1])}>"
        if t[0] == "Entity":
            return t[1]
        return "{" + ", ".join(f"{quote(n)}{'' if req else '?'}: {self.schema_type(a)}" for n, (a, req) in t[1].items()) + "}"

    def schema_json_type(self, t):
        if isinstance(t, str) and t in ("Long", "String"):
            return {"type": t}
        if t == "Bool":
            return {"type": "Boolean"}
        if isinstance(t, str):
            return {"type": "Extension", "name": t}
        if t[0] == "Set":
            return {"type": "Set", "element": self.schema_json_type(t[1])}
        if t[0] == "Entity":
            return {"type": "Entity", "name": t[1]}
        return {"type": "Record", "attributes": {n: dict(self.schema_json_type(a), required=req) for n, (a, req) in t[1].items()}}

    def schema_text(self):
        lines = []
        for kind in KINDS:
            parents = f" in [{', '.join(self.parents[kind])}]" if self.parents[kind] else ""
            tags = f" tags {self.schema_type(self.tags[kind])}" if self.tags[kind] else ""
            text = f"entity {kind.split('::')[-1]}{parents} = {self.schema_type(self.shapes[kind])}{tags};"
            lines.append(f"namespace Net {{ {text} }}" if kind.startswith("Net::") else text)
        lines.append(f"entity Color enum [{', '.join(map(quote, self.colors))}];")
        for action, groups in self.actions.items():
            within = f" in [{', '.join(map(quote, groups))}]" if groups else ""
            applies = ""
            if action in self.applies:
                p, res, context = self.applies[action]
                applies = f" appliesTo {{ principal: [{', '.join(p)}], resource: [{', '.join(res)}], context: {self.schema_type(context)} }}"
            lines.append(f"action {quote(action)}{within}{applies};")
        return "\n".join(lines)

    def schema_json(self):
        spaces = {"": {"entityTypes": {}, "actions": {}}, "Net": {"entityTypes": {}, "actions": {}}}
        for kind in KINDS:
            space, _, name = kind.rpartition("::")
            body = {"memberOfTypes": self.parents[kind], "shape": self.schema_json_type(self.shapes[kind])}
            if self.tags[kind]:
                body["tags"] = self.schema_json_type(self.tags[kind])
            spaces[space]["entityTypes"][name] = body
        spaces[""]["entityTypes"]["Color"] = {"enum": self.colors}
        for action, groups in self.actions.items():
            body = {"memberOf": [{"id": group} for group in groups]}
            if action in self.applies:
                p, res, context = self.applies[action]
                body["appliesTo"] = {"principalTypes": p, "resourceTypes": res, "context": self.schema_json_type(context)}
            spaces[""]["actions"][action] = body
        return spaces

    # Entities and requests

    def name_of(self, kind):
        r = self.random
        if kind == "Color":
            return ("Color", r.choice(self.colors))
        known = [e for e in self.entities if e[0] == kind]
        return r.choice(known) if r.random() < 0.85 else (kind, "nobody")

    def value(self, t):
        r = self.random
        if t == "Bool":
            return r.random() < 0.5
        if t == "Long":
            return r.choice(LONGS) if r.random() < 0.6 else r.randint(-20, 20)
        if t == "String":
            return r.choice(STRINGS)
        if isinstance(t, str) and t in CONSTRUCTOR:
            function, pool = CONSTRUCTOR[t]
            text = r.choice(pool)
            if r.random() < 0.5:
                return {"__extn": {"fn": function, "arg": text}}
            return text if r.random() < 0.5 else {"fn": function, "arg": text}
        if t[0] == "Set":
            return [self.value(t[1]) for _ in range(r.randint(0, 10 if r.random() < 0.1 else 3))]
        if t[0] == "Entity":
            kind, i = self.name_of(t[1])
            plain = {"type": kind, "id": i}
            return plain if r.random() < 0.5 else {"__entity": plain}
        return {n: self.value(a) for n, (a, req) in t[1].items() if req or r.random() < 0.6}

    def entities_json(self):
        r = self.random
        result = []
        for place, (kind, i) in enumerate(self.entities):
            # Only those behind it: no cycles. Groups that are no entities are allowed too.
            above = [e for e in self.entities[place + 1:] + [("Group", "nobody")] if e[0] in self.parents[kind] and e != (kind, i)]
            above = r.sample(above, min(len(above), r.randint(0, 2)))
            entity = {"uid": {"type": kind, "id": i}, "attrs": self.value(self.shapes[kind]),
                      "parents": [{"type": k, "id": n} for k, n in above]}
            if self.tags[kind]:
                entity["tags"] = {n: self.value(self.tags[kind]) for n in r.sample(STRINGS[:6], r.randint(0, 3))}
            result.append(entity)
        return result

    def request(self):
        r = self.random
        action = r.choice(list(self.applies))
        p, res, context = self.applies[action]
        principal, resource = self.name_of(r.choice(p)), self.name_of(r.choice(res))
        return {"principal": {"type": principal[0], "id": principal[1]}, "action": {"type": "Action", "id": action},
                "resource": {"type": resource[0], "id": resource[1]}, "context": self.value(context)}

    # Policies

    def policy(self):
        r = self.random
        action = r.choice(list(self.applies))
        p, res, context = self.applies[action]
        types = (r.choice(p), r.choice(res))
        self.here = {"principal": ("Entity", types[0]), "resource": ("Entity", types[1]), "context": context, "action": ("Entity", "Action")}
        head_action = r.choice(["action", "action", f"action == Action::{quote(action)}", f"action in Action::{quote(r.choice(list(self.actions)))}",
                                f"action in [Action::{quote(action)}, Action::{quote(r.choice(list(self.actions)))}]", "action in []"])
        if self.careful:
            head_action = f"action == Action::{quote(action)}"
        text = r.choice(["permit", "permit", "permit", "forbid"]) + f"({self.head('principal', types[0])}, {head_action}, {self.head('resource', types[1])})"
        for _ in range(r.choice([0, 1, 1, 1, 2])):
            text += f" {r.choice(['when', 'when', 'unless'])} {{ {self.expression('Bool', r.randint(1, 5))} }}"
        return text + ";"

    def head(self, variable, kind):
        r = self.random
        if self.careful:
            return f"{variable} is {kind}"
        group = r.choice(self.parents[kind] or [kind])
        choices = [variable] * 3 + [f"{variable} is {kind}"] * 3 + [
            f"{variable} == {uid(self.name_of(kind))}", f"{variable} in {uid(self.name_of(group))}",
            f"{variable} is {kind} in {uid(self.name_of(group))}", f"{variable} is {r.choice(KINDS)}"]
        return r.choice(choices)

    def paths(self, wanted):
        """Expressions of the wanted type that lead from a variable, with what must be asked for first."""
        found = []

        def walk(text, t, guards, depth):
            if t == wanted:
                found.append((text, guards))
            if depth == 0:
                return
            shape = t if isinstance(t, tuple) and t[0] == "Record" else self.shapes.get(t[1]) if isinstance(t, tuple) and t[0] == "Entity" else None
            if shape:
                for n, (a, req) in shape[1].items():
                    more = guards if req else guards + [f"{text} has {n if n in WORDS else quote(n)}"]
                    walk(f"{text}.{n}" if n in WORDS else f"{text}[{quote(n)}]", a, more, depth - 1)

        for variable, t in self.here.items():
            walk(variable, t, [], 3)
        return found

    def expression(self, t, depth):
        r = self.random
        if r.random() < (0.001 if self.careful else 0.015):
            t = self.type(1)  # a wrong type, or by chance the right one
        if depth > 0 and r.random() < 0.08:
            return f"(if {self.expression('Bool', depth - 1)} then {self.expression(t, depth - 1)} else {self.expression(t, depth - 1)})"
        if r.random() < 0.35:
            paths = self.paths(t)
            if paths:
                text, guards = r.choice(paths)
                if t == "Bool" and (self.careful or r.random() < 0.9):
                    return "(" + " && ".join(guards + [text]) + ")"
                if guards and self.careful:
                    return f"(if {' && '.join(guards)} then {text} else {self.expression(t, 0)})"
                return text
        if isinstance(t, tuple):
            return self.compound(t, depth)
        return getattr(self, "make_" + t)(depth)

    def compound(self, t, depth):
        r = self.random
        if t[0] == "Entity":
            return "action" if t[1] == "Action" else uid(self.name_of(t[1]))
        if t[0] == "Set":
            return "[" + ", ".join(self.expression(t[1], depth - 1) for _ in range(r.randint(0 if not self.careful and r.random() < 0.05 else 1, 3))) + "]"
        return "{" + ", ".join(f"{n if n in WORDS else quote(n)}: {self.expression(a, depth - 1)}" for n, (a, req) in t[1].items()
                               if req or self.careful or r.random() < 0.5) + "}"

    def make_Bool(self, depth):
        r = self.random
        if depth <= 0:
            return r.choice(["true", "false"])
        pick = r.random()
        sub = lambda t: self.expression(t, depth - 1)
        if pick < 0.14:
            return "(" + r.choice([" && ", " || "]).join(sub("Bool") for _ in range(r.randint(2, 3))) + ")"
        if pick < 0.18:
            return "!" * r.randint(1, 2) + "(" + sub("Bool") + ")"
        if pick < 0.30:
            t = self.type(1)
            return f"({sub(t)} {r.choice(['==', '!='])} {sub(t)})"
        if pick < 0.40:
            t = r.choice(["Long", "Long", "datetime", "duration"])
            return f"({sub(t)} {r.choice(['<', '<=', '>', '>='])} {sub(t)})"
        if pick < 0.52:
            return self.membership(sub)
        if pick < 0.60:
            return self.has()
        if pick < 0.65:
            parts = r.choice(STRINGS) + r.choice(["*", "**", ""]) + r.choice(STRINGS)
            pattern = quote(parts).replace("*", r.choice(["*", "\\*"]))
            return f"({sub('String')} like {pattern})"
        if pick < 0.75:
            t = self.type(0)
            method = r.choice(["contains", "containsAll", "containsAny", "isEmpty"])
            argument = {"contains": sub(t), "isEmpty": ""}.get(method) if method in ("contains", "isEmpty") else sub(("Set", t))
            return f"{sub(('Set', t))}.{method}({argument})"
        if pick < 0.80:
            return f"{sub('decimal')}.{r.choice(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}({sub('decimal')})"
        if pick < 0.85:
            return f"{sub('ipaddr')}.{r.choice(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()"
        if pick < 0.90:
            return f"{sub('ipaddr')}.isInRange({sub('ipaddr')})"
        return self.tagged("Bool", sub) or sub("Bool")

    def membership(self, sub):
        r = self.random
        name = r.choice(["principal", "resource", "action"])
        if name == "action":
            groups = [f"Action::{quote(r.choice(list(self.actions)))}" for _ in range(r.randint(1, 2))]
            return f"(action in {groups[0]})" if r.random() < 0.5 else f"(action in [{', '.join(groups)}])"
        kind = self.here[name][1]
        group = r.choice((self.parents.get(kind) or [kind]) + [kind])
        pick = r.random()
        if pick < 0.35:
            return f"({name} in {sub(('Entity', group))})"
        if pick < 0.6:
            return f"({name} in {sub(('Set', ('Entity', group)))})"
        if pick < 0.8:
            return f"({name} is {r.choice([kind, r.choice(KINDS)])})"
        return f"({name} is {kind} in {sub(('Entity', group))})"

    def has(self):
        r = self.random
        name = r.choice(["principal", "resource", "context"])
        attributes = r.sample(NAMES, 2)
        if r.random() < 0.4 and all(a in WORDS for a in attributes):
            return f"({name} has {attributes[0]}.{attributes[1]})"
        return f"({name} has {attributes[0] if attributes[0] in WORDS else quote(attributes[0])})"

    def tagged(self, t, sub):
        r = self.random
        for name in r.sample(["principal", "resource"], 2):
            tags = self.tags.get(self.here[name][1])
            if tags is None and (self.careful or r.random() < 0.9):
                continue
            key = quote(r.choice(STRINGS[:6])) if r.random() < 0.8 else sub("String")
            if t == "Bool" and (tags != "Bool" or r.random() < 0.5):
                if tags in SIMPLE and tags != "Bool" and r.random() < 0.7:
                    return f"({name}.hasTag({key}) && {name}.getTag({key}) == {sub(tags)})"
                return f"{name}.hasTag({key})"
            if tags == t:
                if self.careful and t != "Bool":
                    return f"(if {name}.hasTag({key}) then {name}.getTag({key}) else {quote('a') if t == 'String' else sub(t)})"
                return f"({name}.hasTag({key}) && {name}.getTag({key}))" if t == "Bool" else f"{name}.getTag({key})"
        return None

    def make_Long(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.4:
            return str(r.choice(LONGS) if r.random() < 0.3 else r.randint(0, 20))
        if r.random() < 0.15:
            return f"{self.expression('duration', depth - 1)}.{r.choice(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])}()"
        if r.random() < 0.15:
            return f"-({self.expression('Long', depth - 1)})"
        return f"({self.expression('Long', depth - 1)} {r.choice('+-*')} {self.expression('Long', depth - 1)})"

    def make_String(self, depth):
        tag = self.tagged("String", lambda t: quote("a")) if self.random.random() < 0.1 else None
        return tag or quote(self.random.choice(STRINGS))

    def constructed(self, function, pool):
        r = self.random
        if not self.careful and r.random() < 0.03:
            return r.choice([f"{function}()", f"{function}({quote(r.choice(pool))}, 1)", f"{function}(1)", f"{function}({self.expression('String', 0)})"])
        return f"{function}({quote(r.choice(WRONG[function] if not self.careful and r.random() < 0.05 else pool))})"

    def make_decimal(self, depth):
        return self.constructed("decimal", DECIMALS)

    def make_ipaddr(self, depth):
        return self.constructed("ip", IPS)

    def make_datetime(self, depth):
        r = self.random
        if depth > 0 and r.random() < 0.3:
            inner = self.expression("datetime", depth - 1)
            return f"{inner}.offset({self.expression('duration', depth - 1)})" if r.random() < 0.6 else f"{inner}.toDate()"
        return self.constructed("datetime", DATETIMES)

    def make_duration(self, depth):
        r = self.random
        if depth > 0 and r.random() < 0.3:
            inner = self.expression("datetime", depth - 1)
            return f"{inner}.durationSince({self.expression('datetime', depth - 1)})" if r.random() < 0.6 else f"{inner}.toTime()"
        return self.constructed("duration", DURATIONS)


def mutate(text, r):
    """The text of policies with one small change, which mostly breaks it."""
    pieces = ["(", ")", "{", "}", "[", "]", ",", ";", ":", "::", ".", "==", "=", "!", "-", "+", "*", "/", "&&", "||", "<", ">", "in", "has", "is",
              "like", "if", "then", "else", "\"", "\\", "'", "1", "9223372036854775808", "true", "principal", "__cedar", "@id", "?principal", "//",
              "\n", " ", "\u00a0", "ü", "x", "permit", "when", "{}", "[]", "\"a\"", "\\u{d800}", "\\x80", "\\*"]
    place = r.randrange(len(text) + 1)
    pick = r.random()
    if pick < 0.4:
        return text[:place] + r.choice(pieces) + text[place:]
    if pick < 0.7:
        return text[:place] + text[place + r.randint(1, 4):]
    return text[:place] + r.choice(pieces) + text[place + r.randint(1, 3):]

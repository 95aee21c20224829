"""Random policies in Cedar that keep to no type: what errs must err for both, and what does not parse must parse for neither.

`Wild` is a case of `cedar_cases` whose expressions are of the wrong type as often as its seed says, and whose text is written in
every way that the grammar has.
"""
from cedar_cases import CONSTRUCTOR, KINDS, LONGS, STRINGS, WRONG, Case, uid

METHODS = ["contains", "containsAll", "containsAny", "isEmpty", "getTag", "hasTag", "isIpv4", "isIpv6", "isLoopback", "isMulticast",
           "isInRange", "lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual", "offset", "durationSince", "toDate", "toTime",
           "toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"]
PLAIN = {"contains", "containsAll", "containsAny", "isEmpty", "getTag", "hasTag"}
PATHS = ["a", "b", "owner", "level", "a.b", "owner.a.level"]
ACCESSES = [".a", ".b", ".owner", "[\"c d\"]", "[\"a\"]", ".a.b", "[\"if\"].level"]
FIELDS = ["a", "b", "\"c d\"", "owner", "\"if\"", "\"\""]
DECIDED = ["(false && %)", "(true || %)", "(if true then % else %)", "(if false then % else %)", "(% && false)"]
SPACES = ["", "", "", " ", "\n", "\t", "// a comment \" ' */ \n", " \u00a0", "\r\n"]


class Wild(Case):
    """A case whose expressions are often of a wrong type."""

    def __init__(self, seed):
        super().__init__(seed)
        self.careful = False
        self.wrong = self.random.choice([0.02, 0.05, 0.15, 0.5])

    def expression(self, t, depth):
        r = self.random
        if r.random() < self.wrong:
            return self.odd(depth)
        return super().expression(t, depth)

    def odd(self, depth):
        """Any form of the grammar with any operands."""
        r = self.random
        if depth <= 0:
            return r.choice(["principal", "action", "resource", "context", "[]", "{}", "true", "false", "0", "\"\"", "-1", str(r.choice(LONGS)),
                             self.text(r.choice(STRINGS)), uid(self.name_of(r.choice(KINDS))), "context.nothing", "resource.a", "principal[\"b\"]"])
        sub = lambda: self.expression(self.type(1), depth - r.randint(1, 2))
        pick = r.randrange(17)
        if pick == 0:
            return f"({sub()} {r.choice(['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '&&', '||', 'in'])} {sub()})"
        if pick == 1:
            return f"({r.choice(['!', '-', '!!', '--', '!!!!', '----'])}{r.choice(['', ' '])}{sub()})"
        if pick == 2:
            return f"(if {sub()} then {sub()} else {sub()})"
        if pick == 3:
            return f"({sub()} has {r.choice(PATHS + [self.text(r.choice(STRINGS))])})"
        if pick == 4:
            return f"({sub()} like {self.pattern()})"
        if pick == 5:
            return f"({sub()} is {r.choice(KINDS + ['Color', 'Nobody', 'Action'])})"
        if pick == 6:
            return f"({sub()} is {r.choice(KINDS)} in {sub()})"
        if pick == 7:
            return "[" + ", ".join(sub() for _ in range(r.randint(0, 4))) + r.choice(["", "", ","]) + "]"
        if pick == 8:
            fields = r.sample(FIELDS, r.randint(0, 4))
            return "{" + ", ".join(f"{name}: {sub()}" for name in fields) + r.choice(["", "", ","]) + "}"
        if pick in (9, 10):
            method = r.choice(METHODS)
            count = {"isEmpty": 0}.get(method, 1) if method in PLAIN else r.choice([0, 1, 1, 1, 2])
            return f"{sub()}.{method}({', '.join(sub() for _ in range(count))})"
        if pick == 11:
            function, pool = r.choice(list(CONSTRUCTOR.values()))
            return f"{function}({r.choice([self.text(r.choice(pool)), self.text(r.choice(WRONG[function])), sub(), sub() + ', ' + sub(), ''])})"
        if pick == 12:
            return sub() + r.choice(ACCESSES)
        if pick == 13:
            return f"({sub()} in [{', '.join(r.choice([sub(), uid(self.name_of(r.choice(KINDS)))]) for _ in range(r.randint(0, 3)))}])"
        if pick == 14:
            return "(" + f" {r.choice(['+', '-', '*', '&&', '||'])} ".join(sub() for _ in range(r.randint(2, 5))) + ")"
        if pick == 15:
            # What stands behind a decided part is not looked at, whatever it is.
            return r.choice(DECIDED).replace("%", sub(), 1).replace("%", sub(), 1)
        return f"{r.choice(['principal', 'resource'])}.{r.choice(['getTag', 'hasTag'])}({sub()})"

    def text(self, text):
        """A string, each character in one of the ways to write it."""
        r = self.random
        plain = {"\"": ["\\\"", "\\u{22}", "\\x22"], "\\": ["\\\\", "\\u{5c}", "\\x5C"], "\n": ["\\n", "\n", "\\u{a}"], "\t": ["\\t", "\t"],
                 "\0": ["\\0", "\\u{0}", "\\x00"], "'": ["'", "\\'"]}
        parts = []
        for c in text:
            ways = plain.get(c, [c, c, c])
            if r.random() < 0.15:
                ways = ["\\u{%x}" % ord(c), "\\u{%06X}" % ord(c)] + (["\\x%02x" % ord(c)] if ord(c) < 0x80 else [])
            parts.append(r.choice(ways))
        return "\"" + "".join(parts) + "\""

    def pattern(self):
        r = self.random
        parts = [r.choice(["*", "**", "\\*", self.text(r.choice(STRINGS))[1:-1], "a", "\\\\", "\\u{2a}"]) for _ in range(r.randint(0, 4))]
        return "\"" + "".join(parts) + "\""

    def policy(self):
        r = self.random
        names = r.sample(["id", "if", "advice", "_x1", "__cedar", "permit"], r.choice([0, 0, 1, 2]))
        marks = [r.choice([f"@{name} ", f"@{name}({self.text(r.choice(STRINGS))})\n"]) for name in names]
        return "".join(marks) + super().policy()

    def spaced(self, text):
        """The same text with comments and white space between some of its tokens."""
        r = self.random
        return "".join(c + (r.choice(SPACES) if c in ",;(" else "") for c in text) if r.random() < 0.5 else text


def mutated_tokens(text, r):
    """The text with one token taken away, doubled, or put in the place of another."""
    tokens, start = [], 0
    while start < len(text):
        end = start + 1
        if text[start].isalnum():
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
        elif text[start] == "\"":
            while end < len(text) and text[end] != "\"":
                end += 2 if text[end] == "\\" else 1
            end += 1
        tokens.append(text[start:end])
        start = end
    words = [place for place, token in enumerate(tokens) if not token.isspace()]
    if not words:
        return text
    place, other = r.choice(words), r.choice(words)
    pick = r.randrange(4)
    if pick == 0:
        tokens[place] = ""
    elif pick == 1:
        tokens[place] += " " + tokens[place]
    elif pick == 2:
        tokens[place], tokens[other] = tokens[other], tokens[place]
    else:
        tokens[place] = tokens[other]
    return "".join(tokens)

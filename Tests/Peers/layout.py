#!/usr/bin/env python3
"""in-toto-verify and we judge the same supply chains: as they should be, each changed once, and where we are known to differ.

Run:  Tests/Peers/setup && .build/peers/bin/python Tests/Peers/layout.py ASSURE

Every chain is made in both forms (metablock and DSSE), by the peer's own library, with keys of three sorts. A case says
what each of the two must answer and, for ours, by which codes. Ends with 0, 78 when an answer is another, 64 for usage,
70 when the peer is not installed.
"""
import base64
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    from in_toto.models.layout import Layout
    from in_toto.models.link import Link
    from in_toto.models.metadata import Envelope, Metablock
    from securesystemslib.signer import CryptoSigner
except ImportError as error:
    print(f"not-run: the peer is not installed ({error}); see Tests/Peers/setup", file=sys.stderr)
    sys.exit(70)

PEER = os.path.join(os.path.dirname(sys.executable), "in-toto-verify")
FUTURE = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=300)).strftime("%Y-%m-%dT%H:%M:%SZ")
FAILURES, COUNT = [], 0


def artifact(text, algorithm="sha256"):
    return {algorithm: hashlib.new(algorithm, text.encode()).hexdigest()}


def public(signer):
    return dict(signer.public_key.to_dict(), keyid=signer.public_key.keyid)


class Chain:
    """ada writes foo.py, bob packs it into foo.tar; a case changes whatever it likes before it is written."""

    def __init__(self, form):
        self.form = form
        self.owner = CryptoSigner.generate_ecdsa()
        self.ada = CryptoSigner.generate_ed25519()
        self.bob = CryptoSigner.generate_rsa()
        self.eve = CryptoSigner.generate_ed25519()
        self.keys = {signer.public_key.keyid: public(signer) for signer in (self.ada, self.bob)}
        self.expires, self.inspect, self.sublayouts = FUTURE, [], {}
        self.steps = [
            self.step("write", [self.ada], [], [["CREATE", "foo.py"], ["DISALLOW", "*"]]),
            self.step("pack", [self.bob], [["MATCH", "foo.py", "WITH", "PRODUCTS", "FROM", "write"], ["DISALLOW", "*"]],
                      [["CREATE", "foo.tar"], ["ALLOW", "foo.py"], ["DISALLOW", "*"]]),
        ]
        self.links = {}
        self.add("write", self.ada, {}, {"foo.py": artifact("code")})
        self.add("pack", self.bob, {"foo.py": artifact("code")}, {"foo.tar": artifact("archive")})
        self.layout_signers, self.after = [self.owner], lambda folder: None

    @staticmethod
    def step(name, signers, materials, products, threshold=1):
        return {"_type": "step", "name": name, "threshold": threshold, "expected_materials": materials,
                "expected_products": products, "pubkeys": [one.public_key.keyid for one in signers],
                "expected_command": []}

    def add(self, name, signer, materials, products, file=None, own=None):
        link = Link(name=own or name, materials=materials, products=products, command=["x"])
        self.links[file or f"{name}.{signer.public_key.keyid[:8]}.link"] = (link, [signer])

    def wrap(self, content, signers):
        metadata = Envelope.from_signable(content) if self.form == "dsse" else Metablock(signed=content)
        for signer in signers:
            metadata.create_signature(signer)
        return metadata

    def layout(self, **changes):
        return Layout.read(json.loads(json.dumps(dict(
            {"_type": "layout", "expires": self.expires, "readme": "", "keys": self.keys, "steps": self.steps,
             "inspect": self.inspect}, **changes))))

    def write(self, folder):
        os.makedirs(folder)
        self.wrap(self.layout(), self.layout_signers).dump(os.path.join(folder, "root.layout"))
        for file, (content, signers) in self.links.items():
            os.makedirs(os.path.dirname(os.path.join(folder, file)), exist_ok=True)
            self.wrap(content, signers).dump(os.path.join(folder, file))
        with open(os.path.join(folder, "owner.pub"), "wb") as file:
            # CryptoSigner keeps its private key to itself; the public half is in its key object.
            file.write(self.owner.public_key.keyval["public"].encode())
        with open(os.path.join(folder, "foo.tar"), "w", encoding="utf-8") as file:
            file.write("archive")
        self.after(folder)


def edit(folder, file, change):
    """Changes the content of a signed file and leaves its signatures."""
    path = os.path.join(folder, file)
    document = json.load(open(path, encoding="utf-8"))
    if "payload" in document:
        content = json.loads(base64.b64decode(document["payload"]))
        change(content)
        document["payload"] = base64.b64encode(json.dumps(content).encode()).decode()
    else:
        change(document["signed"])
    json.dump(document, open(path, "w", encoding="utf-8"))


def link_of(chain, name):
    return next(file for file in chain.links if file.startswith(name + "."))


# Each case: name, whether the peer accepts, our codes (empty: we accept), the change. Where both answers differ, the
# reason stands in documents/specs/layout.md.
def cases():
    def nothing(chain): pass

    def removed(chain): del chain.links[link_of(chain, "pack")]

    def wrong(chain):
        file = link_of(chain, "pack")
        chain.links[file] = (chain.links[file][0], [chain.eve])

    def changed_link(chain):
        file = link_of(chain, "pack")
        chain.after = lambda folder: edit(folder, file, lambda content: content["products"].update(more=artifact("x")))

    def changed_layout(chain):
        chain.after = lambda folder: edit(folder, "root.layout", lambda content: content.update(readme="changed"))

    def unsigned(chain): chain.layout_signers = [chain.eve]

    def expired(chain): chain.expires = "2020-01-01T00:00:00Z"

    def threshold(chain): chain.steps[1]["threshold"] = 2

    def two(chain, same=True, count=2):
        chain.keys[chain.eve.public_key.keyid] = public(chain.eve)
        chain.steps[1]["pubkeys"].append(chain.eve.public_key.keyid)
        chain.steps[1]["threshold"] = count
        chain.add("pack", chain.eve, {"foo.py": artifact("code")}, {"foo.tar": artifact("archive" if same else "other")})

    def twice(chain):
        """One key under two ids: one functionary."""
        copy = dict(public(chain.bob), keyid_hash_algorithms=["sha256", "sha512"])
        copy.pop("keyid")
        second = hashlib.sha256(json.dumps({key: copy[key] for key in sorted(copy)}, sort_keys=True,
                                           separators=(",", ":")).replace("\\n", "\n").encode()).hexdigest()
        chain.keys[second] = dict(copy, keyid=second)
        chain.steps[1]["pubkeys"].append(second)
        chain.steps[1]["threshold"] = 2

        def copy_link(folder):
            document = json.load(open(os.path.join(folder, link_of(chain, "pack")), encoding="utf-8"))
            document["signatures"][0]["keyid"] = second
            json.dump(document, open(os.path.join(folder, f"pack.{second[:8]}.link"), "w", encoding="utf-8"))
        chain.after = copy_link

    def extra_material(chain): chain.add("pack", chain.bob, {"foo.py": artifact("code"), "x": artifact("x")}, {"foo.tar": artifact("archive")})

    def other_material(chain): chain.add("pack", chain.bob, {"foo.py": artifact("evil")}, {"foo.tar": artifact("archive")})

    def extra_product(chain): chain.add("write", chain.ada, {}, {"foo.py": artifact("code"), "foo.pyc": artifact("x")})

    def required(chain): chain.steps[1]["expected_products"].insert(0, ["REQUIRE", "README"])

    def prefixed(chain):
        chain.steps[1]["expected_materials"][0] = ["MATCH", "*", "IN", "src", "WITH", "PRODUCTS", "IN", "out/", "FROM", "write"]
        chain.steps[0]["expected_products"][0] = ["CREATE", "out/[!a-e]oo.p?"]
        chain.add("write", chain.ada, {}, {"out/foo.py": artifact("code")})
        chain.add("pack", chain.bob, {"src/foo.py": artifact("code")}, {"foo.tar": artifact("archive")})

    def modified(chain):
        chain.steps[1]["expected_products"] = [["MODIFY", "foo.*"], ["DISALLOW", "*"]]
        chain.steps[1]["expected_materials"] = [["DELETE", "old"], ["ALLOW", "foo.tar"], ["DISALLOW", "*"]]
        chain.add("pack", chain.bob, {"foo.tar": artifact("x"), "old": artifact("x")}, {"foo.tar": artifact("archive")})

    def implied(chain):
        for step in chain.steps:
            step["expected_products"] = [["ALLOW", "nothing"]]

    def sublayout(chain, signer=None, expires=FUTURE, inner=None):
        """bob delegates packing to eve, in a layout of his own."""
        steps = [chain.step("tar", [chain.eve], [["ALLOW", "foo.py"], ["DISALLOW", "*"]], [["CREATE", "foo.tar"], ["DISALLOW", "*"]])]
        content = chain.layout(steps=steps, keys={chain.eve.public_key.keyid: public(chain.eve)}, expires=expires)
        folder = f"pack.{chain.bob.public_key.keyid[:8]}"
        chain.links[folder + ".link"] = (content, [signer or chain.bob])
        chain.add("tar", inner or chain.eve, {"foo.py": artifact("code")}, {"foo.tar": artifact("archive")},
                  file=f"{folder}/tar.{chain.eve.public_key.keyid[:8]}.link")

    def no_inner(chain):
        sublayout(chain)
        del chain.links[next(file for file in chain.links if "/tar." in file)]

    def inspection(chain, run=("true",), rules=(["MATCH", "foo.tar", "WITH", "PRODUCTS", "FROM", "pack"],)):
        chain.inspect = [{"_type": "inspection", "name": "look", "run": list(run),
                          "expected_materials": [list(rule) for rule in rules], "expected_products": []}]

    # From here on: where the two differ.
    def renamed(chain):
        chain.keys[chain.bob.public_key.keyid] = public(chain.bob)
        chain.add("pack", chain.bob, {"foo.py": artifact("code")}, {"foo.tar": artifact("archive")}, own="test")

    def unknown_member(chain):
        chain.after = lambda folder: edit(folder, link_of(chain, "pack"), lambda content: content.update(unknown="x"))

    def foreign_id(chain):
        key = chain.keys.pop(chain.ada.public_key.keyid)
        odd = "ab" * 32
        chain.keys[odd] = dict(key, keyid=odd)
        chain.steps[0]["pubkeys"] = [odd]
        chain.ada.public_key.keyid = odd
        chain.links = {file: value for file, value in chain.links.items() if not file.startswith("write.")}
        chain.add("write", chain.ada, {}, {"foo.py": artifact("code")})

    def weak(chain):
        chain.add("write", chain.ada, {}, {"foo.py": artifact("code", "md5")})
        chain.add("pack", chain.bob, {"foo.py": artifact("code", "md5")}, {"foo.tar": artifact("archive")})

    def changed_product(chain):
        chain.after = lambda folder: open(os.path.join(folder, "foo.tar"), "a").write("x")

    def other_hint(chain):
        chain.links["pack.anything.link"] = chain.links.pop(link_of(chain, "pack"))

    rule, lost, none = ["rule.no-link"], ["layout.threshold", "link.signature", "rule.no-link"], []
    return [
        ("as it should be", True, none, nothing), ("removed link", False, ["link.missing"] + rule, removed),
        ("wrong functionary", False, lost, wrong), ("changed link", False, lost, changed_link),
        ("changed layout", False, ["layout.signature", "signature.first"], changed_layout),
        ("layout of a stranger", False, ["layout.signature", "signature.first"], unsigned),
        ("expired", False, ["layout.expired"], expired),
        ("threshold not met", False, ["layout.threshold"] + rule, threshold), ("threshold met", True, none, two),
        ("two who disagree", False, ["link.disagreement"] + rule, lambda chain: two(chain, same=False)),
        ("extra material", False, ["rule.disallow"], extra_material),
        ("other material", False, ["rule.disallow"], other_material),
        ("extra product", False, ["rule.disallow"], extra_product), ("required product", False, ["rule.require"], required),
        ("prefixes and patterns", True, none, prefixed), ("modified and deleted", True, none, modified),
        ("implied ALLOW", True, none, implied), ("sublayout", True, none, sublayout),
        ("sublayout of a stranger", False, lost, lambda chain: sublayout(chain, signer=chain.eve)),
        ("expired sublayout", False, ["layout.expired"], lambda chain: sublayout(chain, expires="2020-01-01T00:00:00Z")),
        ("wrong functionary in a sublayout", False, None, lambda chain: sublayout(chain, inner=chain.ada)),
        ("missing link in a sublayout", False, None, no_inner), ("inspection", True, none, inspection),
        ("inspection that fails", False, ["inspection.exit"], lambda chain: inspection(chain, run=["false"])),
        ("inspection that finds too much", False, ["rule.disallow"],
         lambda chain: inspection(chain, rules=(["DISALLOW", "foo.tar"],))),
        ("one key under two ids", True, ["layout.threshold"] + rule, twice),
        ("link of another step", True, ["layout.threshold", "link.name"] + rule, renamed),
        ("unknown member", "metablock", lost, unknown_member),
        ("key under a foreign id", True, ["layout.key-id"], foreign_id),
        ("weak hashes", True, ["layout.threshold", "link.digest"] + rule, weak),
        ("two who disagree, one needed", True, ["link.disagreement"] + rule, lambda chain: two(chain, same=False, count=1)),
        ("changed final product", True, ["product.digest"], changed_product),
        ("another hint", False, none, other_hint),
    ]


def ours(assure, folder):
    allowed = subprocess.run([assure, "verify", "layout", "--layout", "root.layout", "--layout-key", "owner.pub", "--links", ".",
                              "--artifact-dir", ".", "--allow-inspections", "--json"], cwd=folder, capture_output=True, text=True)
    if allowed.returncode not in (0, 65, 78):
        return allowed.returncode, [allowed.stderr.strip()]
    checks = json.loads(allowed.stdout)["checks"]
    codes = {check["code"] for check in checks if check["outcome"] != "passed"}
    # Not a reason of its own: without a last link nobody knows what the products are.
    return allowed.returncode, sorted(codes - {"product.unknown"})


def theirs(folder):
    result = subprocess.run([PEER, "--layout", "root.layout", "--verification-keys", "owner.pub"], cwd=folder,
                            capture_output=True, text=True)
    return result.returncode == 0, (result.stderr + result.stdout).strip().split("\n")[-1]


def judge(assure, work, form, name, peer, codes, change):
    global COUNT
    chain = Chain(form)
    change(chain)
    folder = os.path.join(work, f"{form} {name}".replace(" ", "-").replace(",", ""))
    chain.write(folder)
    status, found = ours(assure, folder)
    accepted, said = theirs(folder)
    expected = form == peer if isinstance(peer, str) else peer  # a form: accepted in this one alone
    COUNT += 1
    # Where one cause brings others with it (a sublayout without a link), only the verdict is compared.
    same = status == 78 if codes is None else (found == sorted(set(codes)) and status in ((65, 78) if codes else (0,)))
    if not same:
        FAILURES.append(f"{form}, {name}: ours {status} {found}, expected {codes}")
    if accepted != expected:
        FAILURES.append(f"{form}, {name}: in-toto-verify {'accepted' if accepted else 'refused'}: {said}")
    return accepted == (status == 0)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    assure = os.path.abspath(sys.argv[1])
    differ = []
    work = tempfile.mkdtemp(prefix="rustynet-layout.")
    try:
        for form in ("metablock", "dsse"):
            for name, peer, codes, change in cases():
                if not judge(assure, work, form, name, peer, codes, change):
                    differ.append(f"{form}: {name}")
    finally:
        shutil.rmtree(work)
    for failure in FAILURES:
        print("FAILED", failure, file=sys.stderr)
    print(f"{COUNT} chains, {COUNT - len(differ)} with the same verdict, {len(differ)} as documented: {', '.join(differ)}")
    print(f"{len(FAILURES)} unexpected")
    return 78 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())

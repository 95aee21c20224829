#!/usr/bin/env python3
"""securesystemslib and we verify each other's DSSE envelopes, with thresholds, and both refuse the same mutations.

Run:  Tests/Peers/setup && .build/peers/bin/python Tests/Peers/dsse.py ASSURE

Ends with 0, 78 when the two disagree, 64 for usage, 70 when the peer is not installed.
"""
import base64
import copy
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
    from securesystemslib.signer import CryptoSigner, SSlibKey
except ImportError as error:
    print(f"not-run: the peer is not installed ({error}); see Tests/Peers/setup", file=sys.stderr)
    sys.exit(70)

IN_TOTO = "application/vnd.in-toto+json"
TIMES = ("--valid-from", "2026-01-01T00:00:00Z", "--days", "3650")
FAILURES, COUNT = [], 0


def expect(name, holds):
    global COUNT
    COUNT += 1
    if not holds:
        FAILURES.append(name)


class Lab:
    """A folder with three keys of ours, three of the peer's, and a trust file over all of them."""

    def __init__(self, assure, folder):
        self.assure, self.folder = os.path.abspath(assure), folder
        self.write("pass", "a passphrase\n")
        os.chmod(self.path("pass"), 0o600)
        self.write("file", "what is spoken of\n")
        self.write("predicate", '{"answer": 42}\n')
        self.ours = {}
        for name in ("ada", "bob", "eve"):
            self.run("key", "generate", "--output", f"keys/{name}.json", "--passphrase-file", "pass")
            public = base64.b64decode(self.run("key", "public", "--key", f"keys/{name}.json", "--format", "raw").stdout)
            self.ours[name] = public
        self.peers = {name: CryptoSigner.generate_ed25519() for name in ("pat", "quinn", "ray")}

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def run(self, *arguments, accept=(0,)):
        result = subprocess.run((self.assure, *arguments), cwd=self.folder, capture_output=True, text=True,
                                env=dict(os.environ, HOME=self.folder))
        if result.returncode not in accept:
            sys.exit(f"rustynet-assure {' '.join(arguments)} ended with {result.returncode}\n{result.stderr}")
        return result

    def trust(self, principals, threshold):
        """Writes trust.json: `principals` (name to list of raw public keys) are builders, ada is the root."""
        self.run("trust", "init", "--principal", "root", "--public-key", "keys/ada.json", *TIMES, "--output", "t.json")
        draft = json.load(open(self.path("t.json"), encoding="utf-8"))
        os.remove(self.path("t.json"))
        form = draft["principals"][0]["keys"][0]
        root = form["public"]
        for name, keys in principals.items():
            encoded = [base64.b64encode(key).decode() for key in keys]
            if root in encoded:  # a key belongs to one principal: here the root is one of the builders
                draft["principals"] = [one for one in draft["principals"] if one["name"] != "root"]
                for rule in draft["roles"].values():
                    rule["principals"] = [name]
            draft["principals"].append({"name": name, "keys": [dict(form, public=key) for key in encoded]})
        draft["roles"]["builder"] = {"threshold": threshold, "principals": sorted(principals)}
        self.write("draft.json", draft)
        self.run("trust", "sign", "draft.json", "--key", "keys/ada.json", "--passphrase-file", "pass", "--output", "trust.json")

    def verdict(self, envelope):
        """What our program says of an envelope about `file`."""
        self.write("candidate.json", envelope)
        return self.run("verify", "attestation", "--envelope", "candidate.json", "--trust", "trust.json", "file",
                        accept=(0, 65, 78)).returncode


def peer_accepts(document, keys, threshold):
    """What the peer says of an envelope; it wants key ids, so every key is asked under the id that stands there."""
    try:
        document = copy.deepcopy(document)
        if document["payloadType"] != IN_TOTO:
            return False
        Envelope.from_dict(document).verify(keys, threshold)
        return True
    except (VerificationError, UnverifiedSignatureError, ValueError, KeyError, TypeError):
        return False


def mutations(document, seed):
    """Copies of a valid envelope with one change each, all of which must be refused."""
    chance = random.Random(seed)

    def changed(path, value):
        broken = copy.deepcopy(document)
        place = broken
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return broken

    payload = base64.b64decode(document["payload"])
    signature = base64.b64decode(document["signatures"][0]["sig"])
    for _ in range(10):
        at, bit = chance.randrange(len(payload)), 1 << chance.randrange(8)
        yield f"payload bit {at}", changed(["payload"], base64.b64encode(
            payload[:at] + bytes([payload[at] ^ bit]) + payload[at + 1:]).decode())
    for _ in range(10):
        at, bit = chance.randrange(64), 1 << chance.randrange(8)
        yield f"signature bit {at}", changed(["signatures", 0, "sig"], base64.b64encode(
            signature[:at] + bytes([signature[at] ^ bit]) + signature[at + 1:]).decode())
    yield "another payload type", changed(["payloadType"], "application/json")
    yield "payload with a space behind it", changed(["payload"], base64.b64encode(payload + b" ").decode())
    yield "an empty payload", changed(["payload"], "")
    yield "a short signature", changed(["signatures", 0, "sig"], base64.b64encode(signature[:-1]).decode())
    yield "an empty signature", changed(["signatures", 0, "sig"], "")
    yield "a signature of zeros", changed(["signatures", 0, "sig"], base64.b64encode(bytes(64)).decode())
    yield "no signature", changed(["signatures"], [])


def ours_read_by_the_peer(lab):
    lab.run("sign", "--key", "keys/ada.json", "--passphrase-file", "pass", "--predicate-type", "https://example.org/answer/v1", "--predicate",
            "predicate", "--output", "ours.json", "file")
    document = json.load(open(lab.path("ours.json"), encoding="utf-8"))
    identity = document["signatures"][0]["keyid"]
    lab.trust({"ada": [lab.ours["ada"]]}, 1)
    key = SSlibKey(identity, "ed25519", "ed25519", {"public": lab.ours["ada"].hex()})
    stranger = SSlibKey(identity, "ed25519", "ed25519", {"public": lab.ours["bob"].hex()})
    expect("the peer accepts our envelope", peer_accepts(document, [key], 1))
    expect("the peer refuses our envelope for another key", not peer_accepts(document, [stranger], 1))
    expect("we accept our own envelope", lab.verdict(document) == 0)
    for name, broken in mutations(document, 1):
        expect(f"ours, {name}: the peer refuses", not peer_accepts(broken, [key], 1))
        expect(f"ours, {name}: we refuse", lab.verdict(broken) in (65, 78))


def several_of_ours(lab):
    """A trust file with two signatures of ours is an envelope with a threshold."""
    lab.trust({"ada": [lab.ours["ada"]]}, 1)
    lab.run("trust", "sign", "trust.json", "--key", "keys/bob.json", "--passphrase-file", "pass")
    document = json.load(open(lab.path("trust.json"), encoding="utf-8"))
    keys = [SSlibKey(one["keyid"], "ed25519", "ed25519", {"public": public.hex()})
            for one, public in zip(document["signatures"], (lab.ours["ada"], lab.ours["bob"]))]
    envelope = Envelope.from_dict(copy.deepcopy(document))
    expect("two of two signatures of ours", len(envelope.verify(keys, 2)) == 2)
    del document["signatures"][0]
    try:
        Envelope.from_dict(document).verify(keys, 2)
        expect("one of two signatures of ours is not enough", False)
    except VerificationError:
        expect("one of two signatures of ours is not enough", True)


def the_peers_read_by_us(lab):
    digest = hashlib.sha256(open(lab.path("file"), "rb").read()).hexdigest()
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "file", "digest": {"sha256": digest}}],
                 "predicateType": "https://example.org/answer/v1", "predicate": {"answer": 42, "text": "grün \u20ac"}}
    # Not canonical on purpose: a payload is verified as it stands and never written anew.
    payload = json.dumps(statement, indent=3, ensure_ascii=True).encode() + b"\n"
    signers = list(lab.peers.values())
    public = {name: bytes.fromhex(signer.public_key.keyval["public"]) for name, signer in lab.peers.items()}

    def envelope(*chosen):
        made = Envelope(payload, IN_TOTO, {})
        for signer in chosen:
            made.sign(signer)
        return made.to_dict()

    keys = [signer.public_key for signer in signers]
    lab.trust({name: [key] for name, key in public.items()}, 2)
    for count in range(1, 4):
        document = envelope(*signers[:count])
        expect(f"{count} of the peer's signatures, threshold 2: the peer", peer_accepts(document, keys, 2) == (count >= 2))
        expect(f"{count} of the peer's signatures, threshold 2: we", (lab.verdict(document) == 0) == (count >= 2))
        document["signatures"].reverse()
        expect(f"{count} of the peer's signatures, reversed: we", (lab.verdict(document) == 0) == (count >= 2))
    twice = envelope(signers[0])
    twice["signatures"] += [dict(twice["signatures"][0], keyid="another name")]
    expect("one signature under two key ids counts once", lab.verdict(twice) == 78)
    nameless = envelope(*signers[:2])
    for one in nameless["signatures"]:
        one["keyid"] = "wrong"
    expect("a wrong key id changes nothing", lab.verdict(nameless) == 0)
    for one in nameless["signatures"]:
        del one["keyid"]
    expect("a missing key id changes nothing", lab.verdict(nameless) == 0)
    surplus = envelope(*signers[:2])
    surplus["signatures"].append({"keyid": "x", "sig": base64.b64encode(bytes(64)).decode()})
    expect("a wrong extra signature does not spoil a threshold that is met", lab.verdict(surplus) == 0)
    safe = envelope(*signers[:2])
    safe["payload"] = base64.urlsafe_b64encode(base64.b64decode(safe["payload"])).decode()
    expect("URL-safe base 64 is read", lab.verdict(safe) == 0)
    # Two keys of one person count once.
    lab.trust({"pat": [public["pat"], public["quinn"]], "ray": [public["ray"]]}, 2)
    expect("two keys of one person count once", lab.verdict(envelope(*signers[:2])) == 78)
    expect("keys of two persons count twice", lab.verdict(envelope(*signers[1:])) == 0)
    lab.trust({"pat": [public["pat"]]}, 1)
    document = envelope(signers[0])
    expect("we accept the peer's envelope", lab.verdict(document) == 0)
    for name, broken in mutations(document, 2):
        expect(f"the peer's, {name}: the peer refuses", not peer_accepts(broken, keys[:1], 1))
        expect(f"the peer's, {name}: we refuse", lab.verdict(broken) in (65, 78))


def main(assure):
    with tempfile.TemporaryDirectory(prefix="rustynet-dsse-") as folder:
        lab = Lab(assure, folder)
        ours_read_by_the_peer(lab)
        several_of_ours(lab)
        the_peers_read_by_us(lab)
    for failure in FAILURES:
        print(f"FAILED {failure}")
    print(f"dsse: {COUNT - len(FAILURES)} passed, {len(FAILURES)} failed")
    return 78 if FAILURES else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: dsse.py ASSURE", file=sys.stderr)
        sys.exit(64)
    sys.exit(main(sys.argv[1]))

#!/usr/bin/env python3
"""Asks jsonschema whether the schemas in gates/schema describe what the programs really write.

Run, after Tests/Peers/setup:  .build/peers/bin/python Tests/Peers/schemas.py ASSURE

A miniature release is made with the program. Each schema must accept the documents that the program wrote, and refuse
each copy of them in which one member is added, left out or of another kind. Exit codes are those of the project: 0, 65 a schema and a document differ, 70 not-run.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

from shared import set_at, without

try:
    import jsonschema
except ImportError as error:
    print(f"not-run: the peer is not installed ({error})", file=sys.stderr)
    sys.exit(70)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "gates", "schema")
sys.path.append(os.path.join(ROOT, "Tests", "EndToEnd"))
from mini_release import MiniRelease  # noqa: E402

# Members that a document may do without; objects whose members are names; members that may be anything.
OPTIONAL = {"expected", "found", "source", "hint", "revokedSince", "sha256", "sha384", "sha512",
            "security", "engineering", "operations", "builder", "verifier", "log",
            "ref", "repositories", "environment", "joins", "waivers", "roles", "identities", "maximumAgeSeconds", "tag",
            "seconds", "answer", "encoding"}
NAMES = {"limits"}
FREE = {"facts"}
# Formats that hold members of their own beside the fixed ones.
OPEN = {"answer"}
EXCEPTION = {
    "id": "EX-1", "package": "pkg:swift/github.com/owner/name", "reason": "until 2.0", "owner": "ada",
    "issued": "2026-11-01T00:00:00Z", "expires": "2026-12-31T00:00:00Z"}


def payload(bytes_):
    return json.loads(base64.b64decode(json.loads(bytes_)["payload"]))


def answer(result):
    """An answer without its facts, which are the verb's own, and with two of its checks."""
    document = json.loads(result.stdout)
    document = {key: document[key] for key in ("type", "outcome", "exitCode", "title", "checks", "waivers") if key in document}
    assert document["exitCode"] == result.returncode, document
    return document | {"checks": document["checks"][:2]}


def documents(mini):
    """(schema, where it comes from, document), each written by the program or accepted by it."""
    final = f"{mini.tree}/artifacts/release/final"
    pack = {member.name: tar.extractfile(member).read()
            for tar in [tarfile.open(f"{final}/evidence.pack")] for member in tar.getmembers()}
    yield "evidence-pack", "the manifest of the pack", payload(pack["manifest.json"])
    yield "trust", "trust.json of the pack", payload(pack["trust.json"])
    yield "release-policy", "policy.json of the pack", payload(pack["policy.json"])
    yield "verdict", "verdict.json of the pack", json.loads(pack["verdict.json"])
    for name in sorted(pack):
        if name.startswith("records/"):
            yield "record", name, payload(pack[name])["predicate"]
    yield "dependency-exceptions", "the list of the pack", json.loads(pack["dependency-exceptions.json"])
    result = mini.tool("evidence", "verify", f"{final}/evidence.pack", "--trust", f"{mini.folder}/trust.json", "--json",
                       "--state", f"{mini.folder}/seen", "/bin/false", accept=(78,))
    yield "answer", "evidence verify, refused", answer(result)
    for check in json.loads(result.stdout)["checks"]:
        yield "check", f"the check {check['id']} of evidence verify", check
    passed = mini.tool("evidence", "verify", f"{final}/evidence.pack", "--trust", f"{mini.folder}/trust.json",
                       "--state", f"{mini.folder}/seen", "--json")
    yield "answer", "evidence verify, passed", answer(passed)
    malformed = mini.tool("verify", "auto", "/bin/false", "/bin/false", "--json", accept=(65,))
    yield "answer", "verify auto, malformed", answer(malformed)
    states = [name for name in os.listdir(f"{mini.folder}/seen") if name.endswith(".json")]
    assert len(states) == 1, states
    yield "seen-state", states[0], json.load(open(f"{mini.folder}/seen/{states[0]}", encoding="utf-8"))
    for name in ("root", "builder"):
        yield "public-key", f"key public of {name}", json.loads(
            mini.tool("key", "public", "--key", f"{mini.folder}/keys/{name}.json").stdout)
    for gates, code in ((("markers", "soak"), 0), (("tests", "sbom"), 78)):
        mini.tool("gate", "run", *gates, "--root", ROOT, "--evidence", f"{mini.folder}/none/evidence", "--json",
                  f"{mini.folder}/results.json", accept=(code,))
        yield "gate-results", " ".join(gates), json.load(open(f"{mini.folder}/results.json", encoding="utf-8"))


def supply(mini):
    """The table of builders, and a policy of the kind that the program reads."""
    with open(f"{ROOT}/attestations/policies/slsa-builders.json", encoding="utf-8") as file:
        yield "slsa-builders", "attestations/policies", json.load(file)
    policy = {
        "type": "rustynet-supply-policy/v1", "version": 1, "issued": "2026-11-01T00:00:00Z",
        "expires": "2027-11-01T00:00:00Z", "attestations": [
            {"id": "tests", "predicateType": "urn:tests", "roles": [{"role": "verifier", "threshold": 2}],
             "identities": [{"pattern": "https://host/*", "issuer": "urn:issuer"}], "maximumAgeSeconds": 60},
            {"id": "other", "predicateType": "urn:other", "roles": [{"role": "verifier", "threshold": 1}]}],
        "joins": [{"id": "one", "on": "commit", "attestations": ["tests", "other"]}],
        "waivers": [{"of": "tests", "owner": "ada", "reason": "later", "expires": "2026-12-01T00:00:00Z"}]}
    yield "supply-policy", "a policy as Tests/Transcripts has them", policy


def signers(mini):
    """A key behind a command, which the program uses, and what it says of it and of a sealed key."""
    def openssl(*arguments):
        return subprocess.run(("openssl", *arguments), check=True, capture_output=True).stdout

    key = f"{mini.folder}/kms.pem"
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key)
    signer = {
        "type": "rustynet-external-signer/v1", "algorithm": "ecdsa-p256-sha256", "seconds": 30, "answer": "binary",
        "public": base64.b64encode(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).decode(),
        "argv": [shutil.which("openssl"), "pkeyutl", "-sign", "-inkey", key], "environment": ["HOME"], "encoding": "der"}
    with open(f"{mini.folder}/kms.json", "w", encoding="utf-8") as file:
        json.dump(signer, file)
    yield "external-signer", "a signer that the program used", signer
    for name, more in ((f"command:{mini.folder}/kms.json", ()),
                       (f"{mini.folder}/keys/builder.json", ("--passphrase-file", f"{mini.folder}/passphrase"))):
        mini.tool("key", "attest", "--key", name, *more, "--output", f"{mini.folder}/attested.json")
        with open(f"{mini.folder}/attested.json", "rb") as file:
            yield "key-attestation", f"key attest of {os.path.basename(name)}", payload(file.read())


def waived(mini):
    """Answers of verify policy: one with a waiver, refused and accepted, and one without."""
    folder = f"{mini.folder}/supply"
    os.makedirs(folder)
    subprocess.run([sys.executable, f"{ROOT}/Tests/Transcripts/setup/supply.py", "make"], cwd=folder, check=True)
    mini.tool("sign", "--key", f"{mini.folder}/keys/builder.json", "--passphrase-file", f"{mini.folder}/passphrase",
              "--predicate-type", "slsaprovenance1", "--predicate", f"{folder}/provenance.json", "--output",
              f"{folder}/provenance.dsse.json", "/bin/false")
    for policy, code, more in (("waived", 78, ()), ("waived", 0, ("--accept-waivers",)), ("policy", 78, ())):
        result = mini.tool(
            "verify", "policy", "--policy", f"{folder}/{policy}.json", "--unsigned-policy", "--trust",
            f"{mini.folder}/trust.json", "--attestations", f"{folder}/provenance.dsse.json", "--json", *more, "/bin/false",
            accept=(code,))
        document = answer(result)
        assert (document["outcome"] == "passed with waivers") == (policy == "waived"), document
        yield "answer", f"verify policy by {policy}.json, {code}", document


def exceptions(mini):
    """A list with an exception, which the program reads as such: it finds it unsigned, and nothing malformed."""
    document = {"type": "rustynet-dependency-exceptions/v1", "exceptions": [EXCEPTION]}

    def codes(value):
        json.dump(value, open(f"{mini.folder}/e/dependency-exceptions.json", "w", encoding="utf-8"))
        mini.tool("gate", "run", "exceptions", "--root", ROOT, "--evidence", f"{mini.folder}/e", "--json",
                  f"{mini.folder}/results.json", accept=(78,))
        gates = json.load(open(f"{mini.folder}/results.json", encoding="utf-8"))["gates"]
        return {check["code"] for check in gates[0]["checks"]}

    os.makedirs(f"{mini.folder}/e")
    with open(f"{mini.tree}/artifacts/release/final/sbom.cdx.json", "rb") as file:
        sbom = file.read()
    open(f"{mini.folder}/e/sbom.cdx.json", "wb").write(sbom)
    if "exceptions.unsigned" not in codes(document):
        raise ValueError(f"the program does not read the list as one with an exception: {codes(document)}")
    if "json.unknown-field" not in codes(set_at(document, ["exceptions", 0, "more"], 1)):
        raise ValueError("the program accepts an unknown member of an exception")
    return "dependency-exceptions", "a list with one exception", document


def changes(value, path=(), is_open=False):
    """Paths and copies with one member added, left out, or of another kind."""
    def at(path_):
        return "/" + "/".join(map(str, path_))
    if isinstance(value, dict):
        is_map = bool(path) and path[-1] in NAMES
        if not is_map and not is_open:
            yield at(path) + " with one more", lambda d: set_at(d, [*path, "more"], 1)
        for key, member in value.items():
            if key not in OPTIONAL and not is_map:
                yield at((*path, key)) + " left out", lambda d, key=key: without(d, [*path, key])
            if key not in FREE:
                yield at((*path, key)) + " of another kind", lambda d, key=key: set_at(d, [*path, key], {"x": [None]})
                yield from changes(member, (*path, key))
    elif isinstance(value, list):
        for index, element in enumerate(value[:2]):
            yield at((*path, index)) + " of another kind", lambda d, index=index: set_at(d, [*path, index], 1.5)
            yield from changes(element, (*path, index))


def main(assure, folder):
    mini = MiniRelease(assure, folder)
    os.makedirs(mini.folder, exist_ok=True)
    result = mini.make()
    if result.returncode != 0:
        print(f"not-run: the miniature release did not pass: {result.stdout}", file=sys.stderr)
        return 70
    schemas = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(schema)
        schemas[name.removesuffix(".schema.json")] = jsonschema.Draft202012Validator(schema)
    failures, seen, controls = [], {}, 0
    for name, place, document in [*documents(mini), *supply(mini), *signers(mini), *waived(mini), exceptions(mini)]:
        seen[name] = seen.get(name, 0) + 1
        for error in schemas[name].iter_errors(document):
            failures.append(f"{name}: {place}: {error.json_path}: {error.message[:200]}")
        # The changes of more of a kind say nothing new, but for the answers of verify policy.
        if seen[name] > 3 and "waivers" not in document:
            continue
        for change, make in changes(document, is_open=name in OPEN):
            controls += 1
            if schemas[name].is_valid(make(document)):
                failures.append(f"{name}: {place}: accepted with {change}")
    failures += [f"{name}: no document was compared with this schema" for name in schemas if name not in seen]
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(schemas)} schemas, {sum(seen.values())} documents, {controls} controls, {len(failures)} failures")
    return 65 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: schemas.py ASSURE", file=sys.stderr)
        sys.exit(64)
    with tempfile.TemporaryDirectory(prefix="rustynet-schemas-") as temporary:
        try:
            code = main(sys.argv[1], f"{temporary}/mini")
        except RuntimeError as error:
            print(error, file=sys.stderr)
            code = 65
    sys.exit(code)

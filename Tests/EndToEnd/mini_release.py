#!/usr/bin/env python3
"""Makes a finished release of a miniature project with the real program, in seconds: for tests that need a pack.

Run:  Tests/EndToEnd/mini_release.py ASSURE FOLDER [--again]

FOLDER must not exist; with --again it is one that was made, and gets another release. Afterwards it holds
  tree/                        a Swift package in git, with gates, one binary and a build script
  keys/, passphrase            sealed keys of root and builder
  trust.json, policy.json      signed by root; the policy is of the profile release
  ledger/, fingerprint         the ledger, and the fingerprint of the root
  tree/artifacts/release/final the finished release: evidence.pack, trust.json, evidence/ and the rest
Nothing of it is mocked: keys, record, gates, ledger, verdict and pack are made as for any other release.
"""
import json
import os
import shutil
import subprocess
import sys

GATES = {
    "tests": """id: tests
title: The tests ran on this commit, and all of them passed
requirements: [T-1]
severity: critical
kind: tests
minimum:
  count: 1
  of: records
parameters:
  record: records/tests.json
  command: [cp, ../events, .build/events]
""",
    "sbom": """id: sbom
title: The bill of materials speaks of exactly the released binary
requirements: [T-2]
severity: critical
kind: sbom
read: [.build/release/tiny]
minimum:
  count: 1
  of: binaries
""",
}
# The gates that a program demands of every release; here they only look for a word, so that seconds are enough.
WORD = """id: NAME
title: No tracked file holds the forbidden word
requirements: [T-3]
severity: medium
kind: search
read: [Sources, scripts, Package.swift]
minimum:
  count: 3
  of: files
parameters:
  patterns:
    - id: word
      expression: xyz[z]y
      control: here stands xyzzy
"""
for name in ("provenance", "build", "dependencies", "exceptions", "algorithms", "primitives", "layers", "secrets", "format", "markers",
             "documents", "lean-binaries", "soak", "sign-offs", "hardware-keys", "backend-agility"):
    GATES[name] = WORD.replace("NAME", name)
# With MINI_TOKEN, an address with “{}” for the name of the key, root and builder sign on a token, whose PIN is in the
# file MINI_PIN, and the gate that judges how they are kept is the real one.
TOKEN = os.environ.get("MINI_TOKEN")
if TOKEN:
    with open(os.path.join(os.path.dirname(__file__), "../../gates/hardware-keys.yaml"), encoding="utf-8") as file:
        GATES["hardware-keys"] = file.read()
POLICY = {
    "type": "rustynet-release-policy/v1", "version": 1, "issued": "2026-01-01T00:00:00Z",
    "expires": "2046-01-01T00:00:00Z", "profile": "release", "subjects": ["tiny"], "gates": [], "deferred": [],
    "limits": {"evidence.maximum-age-seconds": 2678400, "tests.minimum": 2, "sbom.minimum-components": 1},
    "provenance": {
        "builders": ["urn:rustynet:builder:local:v1"], "sources": ["git+https://example.org/tiny"],
        "buildTypes": ["urn:rustynet:build:swiftpm:v1"]},
    "dependencies": [],
}
MANIFEST = """// swift-tools-version: 6.0
import PackageDescription
let package = Package(name: "rustynet", targets: [.executableTarget(name: "tiny", path: "Sources")])
"""


def events():
    """What Swift Testing writes about two tests that passed."""
    lines = []
    for name in ("one()", "two()"):
        identity = f"Tiny.{name}/Tests.swift:1:1"
        lines.append({"version": 0, "kind": "test", "payload": {"kind": "function", "id": identity, "name": name}})
        lines.append({"version": 0, "kind": "event", "payload": {"kind": "testEnded", "testID": identity}})
    lines.append({"version": 0, "kind": "event", "payload": {"kind": "runEnded"}})
    return "".join(json.dumps(line) + "\n" for line in lines)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


class MiniRelease:
    def __init__(self, assure, folder):
        self.assure, self.folder = os.path.abspath(assure), os.path.abspath(folder)
        self.home, self.tree = f"{self.folder}/home", f"{self.folder}/tree"

    def run(self, *argv, cwd=None, accept=(0,)):
        environment = dict(os.environ, HOME=self.home, XDG_STATE_HOME=f"{self.home}/state")
        result = subprocess.run(argv, cwd=cwd or self.folder, env=environment, capture_output=True, text=True)
        if result.returncode not in accept:
            raise RuntimeError(f"{' '.join(argv)} ended with {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def tool(self, *arguments, **options):
        return self.run(self.assure, *arguments, **options)

    def make(self):
        os.makedirs(self.home, 0o700)
        write(f"{self.folder}/passphrase", "correct horse battery staple\n", 0o600)
        for name in ("root", "builder"):
            self.tool("key", "generate", "--output", f"keys/{name}.json", *self.passphrase())
        self.make_tree()
        self.make_trust()
        return self.release()

    def passphrase(self):
        return ("--passphrase-file", f"{self.folder}/passphrase")

    def signer(self, name):
        """The options for the key of root or builder."""
        if TOKEN:
            return ("--key", TOKEN.format(name), "--passphrase-file", os.environ["MINI_PIN"])
        return ("--key", f"{self.folder}/keys/{name}.json", *self.passphrase())

    def public(self, name):
        """The options for its public half, with what the token says of it."""
        if not TOKEN:
            return ("--public-key", f"{self.folder}/keys/{name}.json")
        self.tool("key", "attest", *self.signer(name), "--output", f"{name}-attestation.json")
        return ("--key-attestation", f"{name}-attestation.json")

    def make_tree(self):
        write(f"{self.tree}/Package.swift", MANIFEST)
        write(f"{self.tree}/Sources/main.swift", "print(1)\n")
        write(f"{self.tree}/.gitignore", ".build/\nartifacts/\n")
        write(f"{self.tree}/scripts/build-release", "#!/bin/sh\n[ \"$1\" = --print ] && echo true\nexit 0\n", 0o755)
        write(f"{self.tree}/attestations/policies/dependency-exceptions.json",
              '{"type": "rustynet-dependency-exceptions/v1", "exceptions": []}\n')
        for name, text in GATES.items():
            write(f"{self.tree}/gates/{name}.yaml", text)
        os.makedirs(f"{self.tree}/.build/release")
        shutil.copy("/bin/true", f"{self.tree}/.build/release/tiny")
        git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
        self.run("git", "init", "-q", cwd=self.tree)
        self.run("git", "add", "-A", cwd=self.tree)
        self.run(*git, "commit", "-q", "-m", "tiny", cwd=self.tree)

    def make_trust(self):
        self.tool("trust", "init", "--principal", "root", *self.public("root"), "--output", "draft.json")
        trust = json.load(open(f"{self.folder}/draft.json", encoding="utf-8"))
        self.tool("trust", "add", "draft.json", "--principal", "builder", *self.public("builder"),
                  "--role", "builder", "--role", "verifier", "--role", "log")
        if TOKEN:  # the ledger's key is a sealed one
            self.tool("trust", "add", "draft.json", "--principal", "builder-log", "--public-key", "keys/builder.json")
        trust = json.load(open(f"{self.folder}/draft.json", encoding="utf-8"))
        for role in ("builder", "verifier", "log"):  # the root measures nothing
            trust["roles"][role]["principals"] = ["builder-log" if TOKEN and role == "log" else "builder"]
        write(f"{self.folder}/draft.json", json.dumps(trust))
        self.tool("trust", "sign", "draft.json", *self.signer("root"),
                  "--output", "trust.json")
        facts = json.loads(self.tool("trust", "inspect", "trust.json", "--json").stdout)
        write(f"{self.folder}/fingerprint", facts["rootFingerprint"] + "\n")
        policy = dict(POLICY, gates=[{"id": name, "definition": "sha256:" + "0" * 64} for name in GATES])
        write(f"{self.folder}/plain-policy.json", json.dumps(policy))
        self.tool("release-policy", "pin", "plain-policy.json", "--root", self.tree)
        self.tool("release-policy", "sign", "plain-policy.json", *self.signer("root"),
                  "--output", "policy.json")

    def release(self):
        final = f"{self.tree}/artifacts/release/final"
        write(f"{self.folder}/events", events())
        # record run removes an old event stream and expects the command to write a new one.
        self.tool("record", "run", "--name", "tests", "--output", f"{final}/evidence/records/tests.json",
                  "--subject", ".build/release/tiny", "--swift-testing-events", ".build/events",
                  *self.signer("builder"),
                  "--", "cp", "../events", ".build/events", cwd=self.tree)
        fingerprint = open(f"{self.folder}/fingerprint", encoding="utf-8").read().strip()
        return self.tool(
            "release", "--profile", "release", *self.signer("builder"),
            "--trust", f"{self.folder}/trust.json", "--trust-fingerprint", fingerprint,
            "--policy", f"{self.folder}/policy.json", "--ledger", f"{self.folder}/ledger",
            "--origin", "example.org/tiny",
            *(("--log-key", f"{self.folder}/keys/builder.json", "--log-passphrase-file", f"{self.folder}/passphrase")
              if TOKEN else ()), cwd=self.tree, accept=(0, 78))


if __name__ == "__main__":
    again = sys.argv[3:] == ["--again"]
    if len(sys.argv) not in (3, 4) or os.path.exists(sys.argv[2]) != again:
        print("usage: mini_release.py ASSURE NEW-FOLDER, or ASSURE FOLDER --again", file=sys.stderr)
        sys.exit(64)
    mini = MiniRelease(sys.argv[1], sys.argv[2])
    try:
        if not again:
            os.makedirs(mini.folder)
        result = mini.release() if again else mini.make()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        sys.exit(70)
    print(result.stdout, end="")
    print(result.stderr, end="", file=sys.stderr)
    sys.exit(result.returncode)

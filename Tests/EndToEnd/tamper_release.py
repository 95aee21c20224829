#!/usr/bin/env python3
"""Tampers with a finished release in every way that matters; each must be refused, and the HTML page must say why.

Run:  Tests/EndToEnd/tamper_release.py ASSURE [RELEASE [--products FOLDER] [--trust FILE] [--key FILE --passphrase-file FILE]]

RELEASE is a folder such as artifacts/release; it is only read. FOLDER holds the released binaries (.build/release beside
it by default). Without RELEASE a miniature release is made first. Two kinds of attack are made: by an outsider, who
changes the pack, and by an insider, who changes the evidence and packs it again with the builder's own key (the
caller's preview key, or --key). Where .build/peers is there (Tests/Peers/setup), the independent checker must refuse too.
Ends with 0, 78 when something was accepted or not explained, 70 when there is nothing to test, 64 for usage.
"""
import argparse
import base64
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from mini_release import MiniRelease

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def members(path):
    with tarfile.open(path, mode="r:") as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}


def container(content):
    """A pack in the canonical form, so that only what is meant to be wrong is wrong."""
    out = b""
    for name, data in sorted(content.items()):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        header = bytearray(entry.tobuf(tarfile.USTAR_FORMAT))
        header[329:345] = b"0000000\0" * 2
        header[148:154] = b"%06o" % tarfile.calc_chksums(header)[0]
        out += header + data + bytes(-len(data) % 512)
    return out + bytes(1024)


def later(time, days):
    moment = datetime.datetime.fromisoformat(time.replace("Z", "+00:00")) + datetime.timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def payload_of(document):
    value = json.loads(document)
    return json.loads(base64.b64decode(value["payload"])) if "payload" in value else value


class Attack:
    def __init__(self, options, folder):
        self.assure, self.folder = os.path.abspath(options.assure), folder
        self.environment = dict(os.environ)
        self.signer, self.trust, release, products = [], options.trust, options.release, options.products
        if release is None:
            mini = MiniRelease(options.assure, os.path.join(folder, "mini"))
            os.makedirs(mini.folder)
            mini.make()
            release, self.trust = f"{mini.tree}/artifacts/release/final", f"{mini.folder}/trust.json"
            self.signer = ["--key", f"{mini.folder}/keys/builder.json", *mini.passphrase()]
            products = f"{mini.tree}/.build/release"
        elif options.key:
            self.signer = ["--key", os.path.abspath(options.key), "--passphrase-file", os.path.abspath(options.passphrase_file)]
        self.trust = os.path.abspath(self.trust or f"{release}/trust.json")
        self.pack = os.path.join(folder, "evidence.pack")
        shutil.copy(f"{release}/evidence.pack", self.pack)
        self.members = members(self.pack)
        self.verdict = json.loads(self.members["verdict.json"])
        self.profile = self.verdict["profile"]
        self.policy = payload_of(self.members["policy.json"])
        products = products or f"{release}/../../.build/release"
        self.binaries = [os.path.join(products, name) for name in self.policy["subjects"]]
        self.failures, self.count = [], 0

    def run(self, *arguments):
        return subprocess.run((self.assure, *arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def expect(self, name, holds, detail=""):
        self.count += 1
        print(f"{'passed' if holds else 'FAILED'} {name}" + ("" if holds else f": {detail}"))
        if not holds:
            self.failures.append(name)

    def judge(self, name, pack, code, reasons, *more, subjects=(), is_checked=True):
        """The audit of `pack` ends with `code`, names one of `reasons`, and so does the page."""
        asked = ("--trust", self.trust, *(more if "--profile" in more else ("--profile", self.profile, *more)))
        result = self.run("evidence", "verify", pack, *asked, *subjects)
        said = result.stdout + result.stderr
        self.expect(f"{name}: the exit code", result.returncode == code, f"{result.returncode}, not {code}: {said[-400:]}")
        if reasons:
            self.expect(f"{name}: the reason", any(one in said for one in reasons), f"none of {reasons} in: {said[-600:]}")
        page = os.path.join(self.folder, "page.html")
        write(page, b"an older page that says PASSED")
        result = self.run("evidence", "report", pack, *asked, "--output", page, *subjects)
        self.expect(f"{name}: the exit code of the report", result.returncode == code, f"{result.returncode}: {result.stderr[-300:]}")
        text = read(page).decode() if os.path.exists(page) else ""
        self.expect(f"{name}: no older page stays", "an older page" not in text, "the page of an earlier run is still there")
        if code == 78 and "an older page" not in text:
            reasons_shown = text.partition("Why it is refused")[2].partition("<h2>")[0]
            self.expect(f"{name}: the page says why", "The audit refused this pack" in text
                        and any(one in reasons_shown for one in reasons), f"{reasons} not in: {reasons_shown[:400]}")
        if is_checked:
            self.independent(name, pack, code, *asked[2:])

    def independent(self, name, pack, code, *asked):
        python = f"{ROOT}/.build/peers/bin/python"
        if not os.access(python, os.X_OK):
            return
        result = subprocess.run([python, f"{ROOT}/Tests/Independent/check_pack.py", pack, self.trust, *asked],
                                capture_output=True, text=True)
        if result.returncode == 70:
            return
        self.expect(f"{name}: the independent checker", (result.returncode == 0) == (code == 0),
                    f"it ended with {result.returncode}: {result.stdout[-300:]}{result.stderr[-200:]}")

    # MARK: attacks

    def outsider(self, name, change, code, reasons):
        """Changes members of the pack without a key."""
        content = dict(self.members)
        change(content)
        path = os.path.join(self.folder, "outsider.pack")
        write(path, container(content))
        self.judge(f"{name}, by an outsider", path, code, reasons)

    def insider(self, name, change, reasons):
        """Changes the evidence and packs it again with the builder's key."""
        content = {key: data for key, data in self.members.items() if key != "manifest.json"}
        change(content)
        evidence = os.path.join(self.folder, "evidence")
        shutil.rmtree(evidence, ignore_errors=True)
        for key, data in content.items():
            write(os.path.join(evidence, key), data)
        path = os.path.join(self.folder, "insider.pack")
        result = self.run("evidence", "pack", evidence, "--output", path, *self.signer)
        if result.returncode != 0:
            self.expect(f"{name}, by an insider: packing", False, result.stderr)
            return
        self.judge(f"{name}, by an insider", path, 78, reasons)

    def both(self, name, change, outside, inside):
        self.outsider(name, change, 78, outside)
        self.insider(name, change, inside)

    def binary(self):
        missing = [path for path in self.binaries if not os.path.exists(path)]
        if missing:
            self.expect("a changed binary", False, f"{missing[0]} is not there; say --products")
            return
        for path in self.binaries:
            copy = os.path.join(self.folder, "copy", os.path.basename(path))
            data = bytearray(read(path))
            data[len(data) // 2] ^= 1
            write(copy, bytes(data))
            self.judge(f"one changed byte in {os.path.basename(path)}", self.pack, 78, ["subject.digest"], subjects=(copy,),
                       is_checked=False)

    def swap_sbom(self, content):
        document = json.loads(content["sbom.cdx.json"])
        document["components"] = document["components"][1:] + document["components"][:1]
        document["components"][0]["name"] = "something-else"
        content["sbom.cdx.json"] = json.dumps(document).encode()

    def delete_gate(self, content):
        del content[f"records/gates/{self.policy['gates'][-1]['id'] if len(self.policy['gates']) < 4 else self.policy['gates'][5]['id']}.json"]

    def lower(self, content):
        document = json.loads(content["policy.json"])
        policy = payload_of(content["policy.json"])
        policy["limits"]["tests.minimum"] = 0
        if "payload" in document:
            document["payload"] = base64.b64encode(json.dumps(policy, sort_keys=True, separators=(",", ":")).encode()).decode()
            content["policy.json"] = json.dumps(document).encode()
        else:
            content["policy.json"] = json.dumps(policy).encode()

    def improve(self, content):
        content["verdict.json"] = content["verdict.json"].replace(b'"found":"', b'"found":"9', 1)

    def weaken_gate(self, content):
        name = f"gates/{self.policy['gates'][0]['id']}.yaml"
        content[name] = content[name].replace(b"severity: critical", b"severity: medium")

    def fail_test(self, content):
        """A record whose facts were changed after it was signed."""
        document = json.loads(content["records/tests.json"])
        payload = base64.b64decode(document["payload"])
        document["payload"] = base64.b64encode(re.sub(rb'"clean":(true|false)', b'"clean":true ', payload)).decode()
        content["records/tests.json"] = json.dumps(document).encode()

    def cut_ledger(self, content):
        content["ledger/leaves"] = content["ledger/leaves"][:-32]

    def all(self):
        time = self.verdict["time"]
        result = self.run("evidence", "verify", self.pack, "--profile", self.profile, "--trust", self.trust, *self.binaries)
        self.expect("control: the release as it is", result.returncode == 0, (result.stdout + result.stderr)[-900:])
        self.judge("control: its page", self.pack, 0, ["PASSED"])
        if self.failures:
            print("the release that was given is not accepted itself: nothing can be learnt from tampering with it")
            return
        self.binary()
        self.both("a swapped bill of materials", self.swap_sbom, ["pack.digest"], ["sbom.swapped"])
        self.both("a deleted gate result", self.delete_gate, ["pack.missing"], ["verdict.derived"])
        self.both("a lowered threshold", self.lower, ["pack.digest"], ["policy.pinned", "signature.threshold", "signature.unknown"])
        self.both("an improved verdict", self.improve, ["pack.digest"], ["verdict.derived"])
        self.both("a weakened gate", self.weaken_gate, ["pack.digest"], ["verdict.derived"])
        self.both("a changed record", self.fail_test, ["pack.digest"], ["signature.unknown"])
        self.both("a shortened ledger", self.cut_ledger, ["pack.digest"], ["ledger.leaves"])
        self.outsider("a member without a manifest entry", lambda content: content.update({"zzz": b"hidden"}), 78, ["pack.surplus"])
        self.judge("an expired key", self.pack, 78, ["key.expired", "trust.expired"], "--as-of", later(time, 3660))
        days = self.policy["limits"]["evidence.maximum-age-seconds"] / 86400
        self.judge("a stale report", self.pack, 78, ["evidence.stale"], "--as-of", later(time, days + 1))
        self.judge("a report from the future", self.pack, 78, ["evidence.future", "key.not-yet-valid", "trust.future"], "--as-of", later(time, -1))
        other = "release" if self.profile == "preview" else "preview"
        self.judge(f"a {self.profile} pack where a {other} is asked for", self.pack, 78, ["pack.profile"], "--profile", other)
        data = bytearray(read(self.pack))
        data[-1] = 1
        write(os.path.join(self.folder, "slack.pack"), bytes(data))
        self.judge("a byte behind the end", os.path.join(self.folder, "slack.pack"), 65, ["pack.canonical"])
        write(os.path.join(self.folder, "short.pack"), bytes(data[:len(data) // 2 // 512 * 512]))
        self.judge("half a pack", os.path.join(self.folder, "short.pack"), 65, ["pack."])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: sys.exit(print(f"usage: {message}", file=sys.stderr) or 64)
    parser.add_argument("assure")
    parser.add_argument("release", nargs="?")
    for name in ("--products", "--trust", "--key", "--passphrase-file"):
        parser.add_argument(name)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rustynet-tamper-") as folder:
        try:
            attack = Attack(options, folder)
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            print(f"not-run: {error}", file=sys.stderr)
            return 70
        attack.all()
    print(f"tamper: {attack.count - len(attack.failures)} passed, {len(attack.failures)} failed")
    return 78 if attack.failures else 0


if __name__ == "__main__":
    sys.exit(main())

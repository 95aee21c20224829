#!/usr/bin/env python3
"""We beside ssh-keygen, minisign and openssl on the same signatures: both must accept, and both must refuse.

Run, after Tests/Peers/setup:  .build/peers/bin/python Tests/Peers/foreign.py ASSURE [--table]

New keys each time: Tests/Fixtures/foreign-signatures.py makes the signatures with the peers and, for security keys, from
the specification. Each is judged as it is, and with one thing changed. Where our rule is stricter on purpose, the case
says so, and both verdicts must be as said. `--table` prints the verdicts as Markdown, for documents/verification.md.
Exit codes: 0, 65 a verdict is not the expected one, 70 not-run.
"""
import base64
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
for tool in ("ssh-keygen", "minisign", "openssl"):
    if shutil.which(tool) is None:
        print(f"not-run: {tool} is missing", file=sys.stderr)
        sys.exit(70)
try:
    spec = importlib.util.spec_from_file_location("fixtures", ROOT / "Tests/Fixtures/foreign-signatures.py")
    fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixtures)
except ImportError as error:
    print(f"not-run: the peer is not installed ({error})", file=sys.stderr)
    sys.exit(70)

SAME = ""
TIME = "20261122160500Z"


def call(*command, stdin=None):
    return subprocess.run([str(part) for part in command], input=stdin, capture_output=True)


class Bench:
    """Runs cases: what it is, our exit code and check, the peer's verdict, and why they may differ."""

    def __init__(self, assure, folder):
        self.assure, self.folder, self.rows, self.failures = assure, folder, [], []

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def case(self, peer, title, ours, theirs, expected, code=None, why=SAME):
        """`expected` is what we must say; the peer must say the same unless `why` explains that it does not."""
        result = call(self.assure, "verify", *ours, "--json")
        verdict = {0: "accepts", 78: "refuses", 65: "refuses"}.get(result.returncode, f"exit {result.returncode}")
        peers = "accepts" if theirs.returncode == 0 else "refuses"
        said = result.stdout.decode()
        right = verdict == expected and (code is None or f'"code":"{code}"' in said)
        if not right or (peers == expected) != (why == SAME):
            self.failures.append(f"{peer}: {title}: we {verdict} ({code}), the peer {peers}: {said[:300]}{theirs.stderr.decode()[:200]}")
        self.rows.append((peer, title, verdict + (f" `{code}`" if code else ""), peers, why))


def ssh(bench):
    folder, message = bench.folder, bench.folder / "message"

    def judge(title, expected, code=None, why=SAME, signature="ed25519-sha512", identity="ed25519@example.org",
              namespace="file", signers=None, content=None):
        signers = folder / "allowed_signers" if signers is None else bench.write("signers", signers)
        path = signature if isinstance(signature, pathlib.Path) else folder / f"{signature}.sshsig"
        file = message if content is None else bench.write("content", content)
        theirs = call("ssh-keygen", "-Y", "verify", "-f", signers, "-I", identity, "-n", namespace, "-s", path,
                      f"-Overify-time={TIME}", stdin=file.read_bytes())
        bench.case("ssh-keygen", title, ["sshsig", "--signature", path, "--allowed-signers", signers, "--identity",
                                         identity, "--namespace", namespace, "--as-of", "2026-11-22T16:05:00Z", file],
                   theirs, expected, code, why)

    for path in sorted(folder.glob("*.sshsig")):
        if "untouched" not in path.name:
            identity = path.stem.split("-sha")[0] + "@example.org"
            judge(f"{path.stem}, as signed", "accepts", signature=path, identity=identity)
            judge(f"{path.stem}, another file", "refuses", "signature.invalid", signature=path, identity=identity, content=b"x")
    judge("another namespace", "refuses", "sshsig.namespace", namespace="git")
    judge("nobody of this name", "refuses", "sshsig.identity", identity="nobody@example.org")
    judge("another key of this name", "refuses", "sshsig.key", identity="rsa@example.org")
    judge("a pattern of principals", "accepts", identity="bob@wild.example")
    judge("a negated pattern", "refuses", "sshsig.identity", identity="eve@wild.example")
    judge("not valid yet", "refuses", "sshsig.not-yet-valid", identity="late@example.org")
    judge("not valid any more", "refuses", "sshsig.expired", identity="early@example.org")
    judge("a line for an authority, a key without certificate", "refuses", "sshsig.cert-authority",
          identity="authority@example.org")
    judge("a security key that nobody touched", "refuses", "sshsig.user-presence", signature="sk-ed25519-untouched",
          identity="sk-ed25519@example.org",
          why="PROTOCOL.u2f has the flag so that a verifier can demand a touch; `ssh-keygen -Y` does not look at it, `sshd` does")
    key = " ".join((folder / "allowed_signers").read_text().split("ed25519@example.org", 1)[1].split()[1:3])
    judge("allowed signers with a local time", "refuses", "signers.time", signers=f'ed25519@example.org valid-after="20250101" {key}\n',
          why="without `Z` the time is that of the machine's zone: one file would mean two things")
    judge("a malformed line after the right one", "refuses", "signers.option",
          signers=f"ed25519@example.org {key}\nx y z\n",
          why="ssh-keygen stops at the first line that fits; we read the whole file or none of it")
    armoured = (folder / "ed25519-sha512.sshsig").read_text()
    blob = base64.b64decode("".join(armoured.split("\n")[1:-2]))
    reserved = blob.index(fixtures.string("file")) + len(fixtures.string("file"))
    changed = blob[:reserved] + fixtures.string(b"x") + blob[reserved + 4:]
    judge("a reserved field that was filled afterwards", "refuses", "sshsig.reserved",
          signature=bench.write("reserved.sshsig", fixtures.armour(changed)),
          why="PROTOCOL.sshsig signs the field; ssh-keygen verifies as if it were empty, so anybody can fill it")
    judge("a byte after the blob", "refuses", "ssh.trailing",
          signature=bench.write("longer.sshsig", fixtures.armour(blob + b"\0")))
    judge("text after the armour", "refuses", "sshsig.armour", signature=bench.write("after.sshsig", armoured + "more\n"),
          why="we read one block and nothing else; ssh-keygen ignores what follows")
    for index in range(0, len(blob), 7):
        changed = bytearray(blob)
        changed[index] ^= 0x41
        judge(f"byte {index} changed", "refuses", signature=bench.write("changed.sshsig", fixtures.armour(bytes(changed))))


def minisign(bench):
    folder, message = bench.folder, bench.folder / "message"

    def judge(title, expected, signature, code=None, why=SAME, key=None, content=None):
        path = bench.write("judged.minisig", signature)
        key = folder / "minisign.pub" if key is None else bench.write("judged.pub", key)
        file = message if content is None else bench.write("content", content)
        theirs = call("minisign", "-V", "-q", "-p", key, "-x", path, "-m", file)
        bench.case("minisign", title, ["minisign", "--signature", path, "--public-key", key, file], theirs, expected,
                   code, why)

    for name in ("prehashed", "legacy"):
        text = (folder / f"{name}.minisig").read_text()
        lines = text.split("\n")
        judge(f"{name}, as signed", "accepts", text)
        judge(f"{name}, another file", "refuses", text, "signature.invalid", content=b"x")
        judge(f"{name}, another trusted comment", "refuses", text.replace("a trusted", "a foul"), "minisign.trusted-comment")
        judge(f"{name}, another untrusted comment", "accepts", "\n".join(["untrusted comment: x", *lines[1:]]))
        judge(f"{name}, without its last line", "refuses", "\n".join(lines[:3]) + "\n", None)
        judge(f"{name}, a line after it", "refuses", text + "more\n", None,
              why="minisign reads four lines and ignores the rest; we refuse what nobody signed and nobody reads")
        for line, size in ((1, 74), (3, 64)):
            blob = base64.b64decode(lines[line])
            assert len(blob) == size
            for index in range(0, size, 5):
                changed = bytearray(blob)
                changed[index] ^= 0x41
                new = [*lines[:line], base64.b64encode(changed).decode(), *lines[line + 1:]]
                judge(f"{name}, byte {index} of line {line + 1} changed", "refuses", "\n".join(new))
    other = bytearray(base64.b64decode((folder / "minisign.pub").read_text().split("\n")[1]))
    other[2] ^= 1
    judge("a key with another id", "refuses", (folder / "legacy.minisig").read_text(), "minisign.key-id",
          key=f"untrusted comment: x\n{base64.b64encode(other).decode()}\n")


def openssl(bench):
    folder, message = bench.folder, bench.folder / "message"
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:sha256"]
    cases = {"rsa-pkcs1-sha256": ("rsa", "sha256", []), "rsa-pkcs1-sha512": ("rsa", "sha512", []),
             "rsa-pss-sha256": ("rsa", "sha256", [*pss, "-sigopt", "rsa_pss_saltlen:digest"]),
             "ecdsa-p256-sha256": ("p256", "sha256", []), "ecdsa-p384-sha384": ("p384", "sha384", []),
             "ed25519": ("ed25519", None, [])}

    def judge(title, expected, algorithm, signature, code=None, why=SAME, content=None, options=None):
        key, hash, standard = cases[algorithm]
        path = bench.write("judged.sig", signature)
        file = message if content is None else bench.write("content", content)
        if hash is None:
            theirs = call("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", folder / f"{key}.pem", "-in", file,
                          "-sigfile", path)
        else:
            theirs = call("openssl", "dgst", f"-{hash}", "-verify", folder / f"{key}.pem",
                          *(standard if options is None else options), "-signature", path, file)
        bench.case("openssl", title, ["openssl", "--signature", path, "--key", folder / f"{key}.pem", "--algorithm",
                                      algorithm, file], theirs, expected, code, why)

    for name in cases:
        signature = (folder / f"{name}.sig").read_bytes()
        judge(f"{name}, as signed", "accepts", name, signature)
        judge(f"{name}, another file", "refuses", name, signature, "signature.invalid", content=b"x")
        is_full = len(signature) == {"rsa": 256, "p256": 72, "p384": 104}.get(cases[name][0])
        judge(f"{name}, a byte more", "refuses", name, signature + b"\0", "signature.invalid",
              why="`openssl dgst` reads no more of the file than the key's longest signature has; we read all of it"
              if is_full else SAME)
        for index in range(0, len(signature), 11):
            changed = bytearray(signature)
            changed[index] ^= 0x41
            judge(f"{name}, byte {index} changed", "refuses", name, bytes(changed), "signature.invalid")
    judge("rsa-pss-sha256, PKCS #1 v1.5 said to be PSS", "refuses", "rsa-pss-sha256",
          (folder / "rsa-pkcs1-sha256.sig").read_bytes(), "signature.invalid")
    judge("rsa-pss-sha256, the longest salt", "refuses", "rsa-pss-sha256", (folder / "rsa-pss-maximum.sig").read_bytes(),
          "signature.invalid", options=[*pss, "-sigopt", "rsa_pss_saltlen:auto"],
          why="openssl takes a salt of any length with `auto`; we take one form, the salt as long as the digest (RFC 8446 §4.2.3)")
    der = (folder / "ecdsa-p256-sha256.sig").read_bytes()
    judge("ecdsa-p256-sha256, a length in the long form (BER)", "refuses", "ecdsa-p256-sha256",
          bytes([0x30, 0x81]) + der[1:], "signature.invalid")


def table(rows):
    """Cases that differ in one changed byte alone are one row."""
    print("| Peer | Case | rustynet-assure | Peer's verdict |\n|---|---|---|---|")
    changed = {}
    for peer, title, ours, theirs, why in rows:
        if title.endswith(" changed"):
            changed.setdefault((peer, ours, theirs), []).append(title)
        else:
            print(f"| {peer} | {title} | {ours} | {theirs}{': ' + why if why else ''} |")
    for (peer, ours, theirs), titles in changed.items():
        print(f"| {peer} | {len(titles)} signatures with one byte changed | {ours} | {theirs} |")


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: foreign.py ASSURE [--table]", file=sys.stderr)
        return 64
    with tempfile.TemporaryDirectory(prefix="rustynet-foreign-") as temporary:
        folder = pathlib.Path(temporary)
        (folder / "message").write_bytes(fixtures.MESSAGE)
        (folder / "keys").mkdir()
        for make in (fixtures.ssh, fixtures.minisign, fixtures.openssl):
            make(folder, folder / "keys")
        bench = Bench(sys.argv[1], folder)
        for judge in (ssh, minisign, openssl):
            judge(bench)
    if "--table" in sys.argv:
        table(bench.rows)
    for failure in bench.failures:
        print(failure, file=sys.stderr)
    differ = sum(1 for row in bench.rows if row[4])
    print(f"{len(bench.rows)} cases, {differ} stricter on purpose, {len(bench.failures)} failures",
          file=sys.stderr if "--table" in sys.argv else sys.stdout)
    return 65 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())

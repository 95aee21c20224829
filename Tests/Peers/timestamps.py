#!/usr/bin/env python3
"""`openssl ts` and we judge the same timestamp tokens: good ones, and one for each fault.

Run:  Tests/Peers/timestamps.py ASSURE [--table]

The tokens are those that Tests/Fixtures/timestamps.sh writes with OpenSSL. Both are given the token, the file and the
same root. They must agree but for DIFFERENCES; one of these that is not met is an error too. `--table` prints a row a
token, for documents/verification.md. Ends with 0, 78 when an answer is another, 64 for usage, 70 without openssl.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What each token is, by its name; those that are not here say it themselves.
MEANINGS = {
    "good": "as signed", "fraction": "a time with a fraction of a second", "early": "a time before its certificate's",
    "renewed": "a certificate with the same name, number and key",
    "foreign": "an authority that is not trusted", "deep": "an intermediate certificate that did not come with it",
    "bundled": "an intermediate certificate that came with it", "smuggled": "a root of its own came with it",
    "old": "a certificate that had expired then", "lax": "a purpose that is not critical",
    "two": "two purposes", "private": "a private purpose besides", "none": "no purpose", "encrypt": "a key that may encrypt",
    "unknown": "an unknown critical extension of the certificate", "weak": "a certificate signed with SHA-1",
    "other-bytes": "another file", "sha384": "SHA-384", "sha1": "a digest of SHA-1", "short": "a digest cut short",
    "version": "another version of TSTInfo", "named": "a token that names its signer",
    "misnamed": "a token that names somebody else", "critical": "an unknown critical extension of the token",
    "uncritical": "an unknown extension of the token", "bare": "no certificate came with it, and it is named beside",
    "unbound": "no attribute names the certificate", "plain": "no signed attributes",
    "weak-digest": "signed over SHA-1", "two-signers": "two signers", "data": "content that is no TSTInfo",
    "server-sha256": "a response of `openssl ts -reply`", "server-sha512": "the same with SHA-512",
    "server-sha1": "a response that refuses SHA-1",
}
# What openssl accepts and we refuse, and why. There is nothing that we accept and it refuses.
DIFFERENCES = {
    "critical": "RFC 5280 §4.2, to which RFC 3161 §2.4.2 leads: who does not know a critical extension must refuse; "
                "openssl does not look at it",
    "early": "RFC 5280 §6.1.3 at the token's time; openssl judges the chain at the present time and never compares both",
    "private": "RFC 3161 §2.3: the purpose is time stamping alone; openssl looks only for other purposes that it knows",
    "sha1": "RFC 3161 §2.4.1 wants a hash function that resists collisions; openssl takes any",
    "weak": "our rule of 112 bits: SHA-1 is none; openssl's default security level lets it pass",
    "weak-digest": "our rule of 112 bits, for what was signed; openssl takes any digest",
}


def ours(assure, token, authority):
    result = subprocess.run([assure, "timestamp", "verify", "--response", token, "--authority", authority, "--json",
                             "message"], capture_output=True, text=True)
    if result.returncode not in (0, 65, 78):
        return None, [result.stderr.strip()]
    checks = json.loads(result.stdout)["checks"]
    return result.returncode == 0, sorted({check["code"] for check in checks if check["outcome"] == "failed"}) or \
        sorted({check["code"] for check in checks if check["outcome"] != "passed"})


def theirs(token, untrusted):
    kind = ["-token_in"] if token.endswith(".tst") else []
    result = subprocess.run(["openssl", "ts", "-verify", "-data", "message", "-in", token, *kind, "-CAfile", "root.crt",
                             *untrusted], capture_output=True, text=True)
    lines = [line.rsplit(":", 3)[0].rsplit(":", 1)[-1] for line in result.stderr.splitlines() if "error:" in line]
    return result.returncode == 0, " / ".join(lines)[:200]


def verdict(accepts):
    return "could not judge" if accepts is None else "accepts" if accepts else "refuses"


def main():
    arguments = [value for value in sys.argv[1:] if value != "--table"]
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    if not shutil.which("openssl"):
        print("not-run: openssl is missing", file=sys.stderr)
        return 70
    assure, failures, agreed, met = os.path.abspath(arguments[0]), [], 0, set()
    with tempfile.TemporaryDirectory(prefix="rustynet-timestamps-") as folder:
        subprocess.run([f"{ROOT}/Tests/Fixtures/timestamps.sh", folder], check=True, capture_output=True)
        os.chdir(folder)
        tokens = sorted(glob.glob("*.tst") + glob.glob("*.tsr"))
        for token in tokens:
            name = token.rsplit(".", 1)[0]
            mine, codes = ours(assure, token, "tsa.pem" if name == "bare" else "root.pem")
            peer, said = theirs(token, ["-untrusted", "tsa.crt"] if name == "bare" else [])
            reason = DIFFERENCES.get(name)
            if mine == peer and reason is None:
                agreed += 1
            elif mine is not None and mine != peer and reason:
                met.add(name)
            else:
                failures.append(f"{name}: we {verdict(mine)} {codes}, openssl {verdict(peer)}: {said}")
            if "--table" in sys.argv:
                mark = "".join(f" `{code}`" for code in codes)
                print(f"| {MEANINGS.get(name, name)} | {verdict(mine)}{mark} | {verdict(peer)}"
                      f"{': ' + reason if reason else ''} |")
        os.chdir("/")
    failures += [f"{name}: no token shows this difference" for name in DIFFERENCES if name not in met]
    for failure in failures:
        print("FAILED", failure, file=sys.stderr)
    print(f"{len(tokens)} tokens, {agreed} with the same verdict, {len(met)} differ as documented, {len(failures)} unexpected",
          file=sys.stderr if "--table" in sys.argv else sys.stdout)
    return 78 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

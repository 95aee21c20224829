#!/usr/bin/env python3
"""sigstore (PyPI) and we judge the same bundles: those of the conformance suite, of SLSA builders and of PyPI.

Run:  Tests/Peers/setup && .build/peers/bin/python Tests/Peers/sigstore.py ASSURE [--table]

Both are given the same bundle, identity, trusted root, and file or digest; the peer is its command line, offline. They
must agree but for DIFFERENCES; one of these that is not met is an error too. Of the SLSA bundles one of
each builder and version is asked about, with RUSTYNET_FULL all. `--table` prints a row a bundle, for documents/verification.md. Ends with 0, 78 when an
answer is another, 64 for usage, 70 when the peer is not installed or RUSTYNET_CORPORA (else ../shared/corpora) does not
hold the bundles.
"""
import base64
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

# This file is called like the package that it asks.
sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]
try:
    import cryptography.x509
    import sigstore._store
except ImportError as error:
    print(f"not-run: the peer is not installed ({error}); see Tests/Peers/setup", file=sys.stderr)
    sys.exit(70)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORPORA = os.environ.get("RUSTYNET_CORPORA") or os.path.join(os.path.dirname(ROOT), "shared", "corpora")
IDENTITY = ("https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
            "extremely-dangerous-oidc-beacon.yml@refs/heads/main")
ISSUER = "https://token.actions.githubusercontent.com"


class Case:
    def __init__(self, name, bundle, artifact, identity=IDENTITY, issuer=ISSUER, root=None, key=None):
        self.name, self.bundle, self.artifact, self.key = name, bundle, artifact, key
        self.identity, self.issuer = identity, issuer
        self.root = root or f"{CORPORA}/sigstore-bundles/trusted-roots/production.trusted_root.json"


def text(path, default):
    if not os.path.exists(path):
        return default
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def cases():
    for folder in sorted(glob.glob(f"{CORPORA}/sigstore-bundles/*/")):
        if not os.path.exists(f"{folder}bundle.sigstore.json"):
            continue
        own = {name: f"{folder}{name}" for name in ("artifact", "key.pub", "trusted_root.json")
               if os.path.exists(f"{folder}{name}")}
        yield Case("conformance/" + os.path.basename(folder[:-1]), f"{folder}bundle.sigstore.json",
                   own.get("artifact", f"{CORPORA}/sigstore-bundles/a.txt"), text(f"{folder}identity", IDENTITY),
                   text(f"{folder}issuer", ISSUER), own.get("trusted_root.json"), own.get("key.pub"))
    with open(f"{CORPORA}/slsa-provenance/expected.json", encoding="utf-8") as file:
        expected = json.load(file)
    takes_all, builders = os.environ.get("RUSTYNET_FULL") or "--table" in sys.argv, set()
    for name, facts in sorted(expected.items()):
        builder = name.split("__")[:2]
        if name.startswith("bundle/") and "identity" in facts and (takes_all or tuple(builder) not in builders):
            builders.add(tuple(builder))
            algorithm, value = next(iter(facts["subject"][0]["digest"].items()))
            yield Case("slsa/" + name.removeprefix("bundle/"), f"{CORPORA}/slsa-provenance/{name}",
                       f"{algorithm}:{value}", facts["identity"], facts["issuer"])
    for bundle in sorted(glob.glob(f"{CORPORA}/pep740-attestations/*.sigstore")):
        identity, issuer = named(bundle)
        kind = "staging" if os.path.basename(bundle).startswith("rfc8785-") else "production"
        yield Case("pep740/" + os.path.basename(bundle), bundle, bundle.removesuffix(".sigstore"), identity, issuer,
                   f"{CORPORA}/sigstore-bundles/trusted-roots/{kind}.trusted_root.json")


def named(path):
    """Whom the certificate of a bundle names: its file says nothing about that."""
    with open(path, encoding="utf-8") as file:
        material = json.load(file)["verificationMaterial"]
    raw = material["certificate"] if "certificate" in material else material["x509CertificateChain"]["certificates"][0]
    certificate = cryptography.x509.load_der_x509_certificate(base64.b64decode(raw["rawBytes"]))
    names = certificate.extensions.get_extension_for_class(cryptography.x509.SubjectAlternativeName).value
    issuer = certificate.extensions.get_extension_for_oid(
        cryptography.x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")).value.value
    return list(names)[0].value, issuer.decode()


def ours(assure, case):
    signer = ["--key", case.key] if case.key else [
        "--certificate-identity", case.identity, "--certificate-oidc-issuer", case.issuer]
    result = subprocess.run([assure, "verify", "bundle", "--bundle", case.bundle, *signer, "--trusted-root", case.root,
                             "--json", case.artifact], capture_output=True, text=True)
    if result.returncode not in (0, 65, 78):
        return None, f"exit {result.returncode}: {result.stderr.strip()}"
    checks = json.loads(result.stdout)["checks"]
    return result.returncode == 0, " ".join(sorted({check["code"] for check in checks if check["outcome"] != "passed"}))


NO_KEY = "its command line takes no key"


def theirs(folder, case):
    """The peer takes a trusted root only as part of a client's configuration."""
    if case.key:
        return None, NO_KEY
    with open(case.root, encoding="utf-8") as file:
        root = json.load(file)
    store = os.path.dirname(sigstore._store.__file__)
    with open(f"{store}/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/signing_config.v0.2.json", encoding="utf-8") as file:
        signing = json.load(file)
    config = os.path.join(folder, re.sub(r"[^A-Za-z0-9]", "-", case.name) + ".json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json", "trustedRoot": root,
                   "signingConfig": signing}, file)
    result = subprocess.run(
        [sys.executable, "-P", "-m", "sigstore", "--trust-config", config, "verify", "identity", "--offline", "--bundle",
         case.bundle, "--cert-identity", case.identity, "--cert-oidc-issuer", case.issuer, case.artifact],
        capture_output=True, text=True, cwd=folder)
    # It is written for a terminal: with columns, and the name of a source file at the end of lines.
    said = re.sub(r"\s+\w+\.py:\d+", "", result.stdout + result.stderr)
    return result.returncode == 0, " ".join(said.split())[:600]


# What we accept and the peer refuses: part of what it says, and why. There is nothing that it accepts and we refuse.
DIFFERENCES = {
    "Integrated time only supported for":
        "the entry is intoto 0.0.2, whose signed time is none for the peer; Sigstore’s documentation (“Timestamps”) "
        "takes the time that the log’s promise signs over, of any entry",
    "failed to load bundle":
        "bundle v0.1 with a promise of the log (SET) and no proof: protobuf-specs demands the proof from v0.2 on only",
    "malformed in-toto statement":
        "Statement v0.1: the peer knows v1 alone; the signature and the entry hold all the same",
    "not enough sources of verified time":
        "the timestamp is of the last second of its authority: protobuf-specs, TimeRange, counts both ends; the peer leaves "
        "out the last",
}


def main():
    arguments = [value for value in sys.argv[1:] if value != "--table"]
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    for name in ("sigstore-bundles", "slsa-provenance", "pep740-attestations"):
        if not os.path.isdir(f"{CORPORA}/{name}"):
            print(f"not-run: the third-party corpora are not here ({name})", file=sys.stderr)
            return 70
    assure = os.path.abspath(arguments[0])
    with tempfile.TemporaryDirectory(prefix="rustynet-sigstore-") as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        listed = list(cases())
        answers = list(pool.map(lambda case: (case, *ours(assure, case), *theirs(folder, case)), listed))
    return report(answers, "--table" in sys.argv)


def verdict(accepts):
    return "not asked" if accepts is None else "accepts" if accepts else "refuses"


def report(answers, is_table):
    failures, met, agreed, asked = [], dict.fromkeys(DIFFERENCES, 0), 0, 0
    for case, mine, codes, peer, said in answers:
        reason = next((key for key in DIFFERENCES if key in said), None)
        note = said if peer is None else ""
        asked += peer is not None
        if mine is None:
            failures.append(f"{case.name}: we could not judge: {codes}")
        elif peer is not None and mine == peer:
            agreed += 1
        elif mine and peer is False and reason:
            met[reason] += 1
            note = DIFFERENCES[reason]
        elif peer is not None:
            failures.append(f"{case.name}: we {verdict(mine)} [{codes}], sigstore {verdict(peer)}: {said}")
        if is_table:
            mark = "".join(f" `{code}`" for code in codes.split())
            print(f"| {case.name} | {verdict(mine)}{mark} | {verdict(peer)}{': ' + note if note else ''} |")
    failures += [f"no bundle shows the difference “{key}”" for key, count in met.items() if count == 0]
    for failure in failures:
        print("FAILED", failure, file=sys.stderr)
    print(f"{asked} bundles, {agreed} with the same verdict, {sum(met.values())} differ as documented, "
          f"{len(answers) - asked} not asked, {len(failures)} unexpected", file=sys.stderr if is_table else sys.stdout)
    return 78 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The assurance toolkit, measured: scripts/bench assure [--full]

Each figure is taken beside a real peer in the same run, on the release build, as CPU time (user and system) or as the
best of several turns; run it on a quiet machine. The last lines list what missed its target. Writes the figures to
artifacts/bench/assure.json. Ends with 0 when all targets are met, with 78 when one was missed, with 70 when a peer is
not here.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSURE = str(ROOT / ".build/release/rustynet-assure")
BENCH = str(ROOT / ".build/release/rustynet-bench")
PYTHON = str(ROOT / ".build/peers/bin/python")
FULL = "--full" in sys.argv
figures = []


def figure(name, value, unit, target, met, note=""):
    figures.append({"name": name, "value": value, "unit": unit, "target": target, "met": met, "note": note})
    print(f"{'met   ' if met else 'MISSED'} {name}: {value} {unit} (target {target}) {note}", flush=True)


def run(command, **options):
    """Runs a command and returns its output, its CPU seconds, its wall seconds and its own peak memory in KiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    begin = time.monotonic()
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(f"{command}: exit {process.returncode}: {errors.decode()[-500:]}", file=sys.stderr)
        sys.exit(70)
    return output.decode(), usage.ru_utime + usage.ru_stime, time.monotonic() - begin, usage.ru_maxrss


def pairs(ours, theirs, turns, what):
    """Both commands in turn; the median of the ratios theirs/ours, of CPU (1) or wall seconds (2)."""
    run(ours), run(theirs)
    ratios = [run(theirs)[what] / max(run(ours)[what], 1e-9) for _ in range(turns)]
    return statistics.median(ratios)


def attestation(work):
    """verify attestation of an Ed25519 envelope with a payload of 1 MiB, against a securesystemslib script."""
    subject = work / "subject"
    subject.write_bytes(b"released\n")
    predicate = work / "predicate.json"
    predicate.write_text(json.dumps({"filler": "x" * (1 << 20)}))
    secret = ["--passphrase-file", str(work / "passphrase")]
    with open(work / "passphrase", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("no secret: this key lives as long as the measurement\n")
    keys = work / "keys"
    run([ASSURE, "key", "generate", "--output", str(keys / "key.json"), *secret])
    (work / "public.json").write_text(run([ASSURE, "key", "public", "--key", str(keys / "key.json")])[0])
    trust = str(work / "trust.json")
    run([ASSURE, "trust", "init", "--profile", "preview", "--principal", "bench", "--public-key",
         str(work / "public.json"), "--output", trust])
    run([ASSURE, "trust", "sign", trust, "--key", str(keys / "key.json"), *secret])
    envelope = str(work / "envelope.json")
    run([ASSURE, "sign", "--key", str(keys / "key.json"), *secret, "--predicate-type", "https://example.org/bench/v1",
         "--predicate", str(predicate), "--output", envelope, str(subject)])
    (work / "public.pem").write_text(run([ASSURE, "key", "public", "--format", "pem", "--key", str(keys / "key.json")])[0])
    peer = work / "peer.py"
    peer.write_text("""
import hashlib, json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
key = SSlibKey.from_crypto(load_pem_public_key(open(sys.argv[2], "rb").read()))
document = json.load(open(sys.argv[1]))
for signature in document["signatures"]: signature["keyid"] = key.keyid
envelope = Envelope.from_dict(document)
envelope.verify([key], 1)
statement = json.loads(envelope.payload)
digest = hashlib.sha256(open(sys.argv[3], "rb").read()).hexdigest()
assert any(subject["digest"]["sha256"] == digest for subject in statement["subject"])
""")
    ours = [ASSURE, "verify", "attestation", "--envelope", envelope, "--trust", trust, str(subject)]
    ratio = pairs(ours, [PYTHON, str(peer), envelope, str(work / "public.pem"), str(subject)], 15, 1)
    figure("verify attestation, 1 MiB", round(ratio, 1), "times less CPU than securesystemslib", ">= 10", ratio >= 10)
    return ours


def layout(work):
    """verify layout of a supply chain of two steps with Ed25519, against in-toto-verify on the same files."""
    chain = work / "chain"
    run([sys.executable, str(ROOT / "Tests/EndToEnd/layout_chain.py"), str(chain)])
    files = {"layout": str(chain / "root.layout"), "key": str(chain / "owner.pub")}
    ours = [ASSURE, "verify", "layout", "--layout", files["layout"], "--layout-key", files["key"], "--links", str(chain),
            "--artifact-dir", str(chain / "product")]
    theirs = [str(pathlib.Path(PYTHON).parent / "in-toto-verify"), "--layout", files["layout"], "--verification-keys",
              files["key"], "--link-dir", str(chain)]
    ratio = pairs(ours, theirs, 15, 1)
    figure("verify layout, 2 steps", round(ratio, 1), "times less CPU than in-toto-verify", ">= 10", ratio >= 10)
    peak = run(ours)[3] / 1024
    figure("peak memory of verify layout", round(peak, 1), "MB", "< 24", peak < 24)


def bundles(work):
    """verify bundle against sigstore (PyPI), one process each, and in one process against the bare signatures."""
    corpora = ROOT.parent / "shared/corpora/sigstore-bundles"
    if not corpora.exists():
        print("not-run: verify bundle (the third-party corpora are not here)")
        return
    folder = corpora / "happy-path-v0.3"
    identity = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/" \
        "extremely-dangerous-oidc-beacon.yml@refs/heads/main"
    issuer = "https://token.actions.githubusercontent.com"
    bundle, artifact = str(folder / "bundle.sigstore.json"), str(corpora / "a.txt")
    ours = [ASSURE, "verify", "bundle", "--bundle", bundle, "--certificate-identity", identity,
            "--certificate-oidc-issuer", issuer, artifact]
    theirs = [PYTHON, "-m", "sigstore", "verify", "identity", "--offline", "--bundle", bundle, "--cert-identity", identity,
              "--cert-oidc-issuer", issuer, artifact]
    ratio = pairs(ours, theirs, 11, 2)
    figure("verify bundle, one process each", round(ratio, 1), "times less wall time than sigstore (PyPI)", ">= 30",
           ratio >= 30)
    output = run([BENCH, "bundle", bundle, artifact])[0]
    ratio = float(re.search(r"median_ratio=([\d.]+)", output)[1])
    figure("verify bundle, in one process", round(ratio, 2), "times the bare signatures", "<= 1.15", ratio <= 1.15,
           output.strip())
    peak = run(ours)[3] / 1024
    figure("peak memory of verify bundle", round(peak, 1), "MB", "< 24", peak < 24)


def hashing(work):
    big = work / "big"
    size = 1 << 30 if FULL else 1 << 28
    with open(big, "wb") as file:
        block = os.urandom(1 << 20)
        for _ in range(size >> 20):
            file.write(block)
    ratio = pairs([BENCH, "hash", str(big)], ["openssl", "dgst", "-sha256", str(big)], 7, 2)
    figure("hashing", round(ratio, 2), f"times openssl dgst -sha256 over {size >> 20} MiB", ">= 0.9", ratio >= 0.9)
    big.unlink()


def ledger(work):
    secret = ["--key", str(work / "keys/key.json"), "--passphrase-file", str(work / "passphrase")]
    run([ASSURE, "ledger", "init", str(work / "log"), "--origin", "bench.example/log", *secret])
    (work / "lines").write_text("".join(f"entry {number}\n" for number in range(1000)))
    traced = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs", "-o", str(work / "trace")]
    run([*traced, ASSURE, "ledger", "append", str(work / "log"), "--lines", str(work / "lines"), *secret])
    # strace -c: % time, seconds, usecs/call, calls, (errors,) name
    rows = [line.split() for line in (work / "trace").read_text().splitlines()]
    waits = sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync", "sync_file_range", "syncfs"))
    figure("ledger append, one batch", waits, "waits for the disk", "<= 4", 0 < waits <= 4)
    for batch, rounds in ((1000, 100), (10_000, 30)):
        ratios = []
        for turn in range(3):
            folder = str(work / f"ledger-{batch}-{turn}")
            output = run([BENCH, "ledger", folder, "--entries", str(batch * rounds), "--batch", str(batch)])[0]
            ratios.append(float(re.search(r"median_ratio=([\d.]+)", output)[1]))
        ratio = statistics.median(ratios)
        figure(f"ledger append, batches of {batch}", round(ratio, 2), "of a loop that only writes the same bytes",
               ">= 0.7", ratio >= 0.7, f"(turns: {', '.join(f'{one:.2f}' for one in ratios)})")
    entries = 1_000_000
    output = run([BENCH, "ledger", str(work / "million"), "--entries", str(entries), "--batch", "10000"])[0]
    worst = float(re.search(r"max_ms=([\d.e-]+)", output)[1])
    median = float(re.search(r"median_ms=([\d.e-]+)", output)[1])
    figure("ledger proof at 1,000,000 entries", round(worst, 2), "ms, the slowest of 1,000", "< 5", worst < 5,
           f"(median {median:.2f} ms)")


def programs(verify):
    times = [run([ASSURE, "--version"])[2] * 1000 for _ in range(30)]
    median = statistics.median(times)
    figure("--version", round(median, 1), "ms, median of 30", "< 15", median < 15)
    pack = ["evidence", "verify", "artifacts/release/evidence.pack", "--profile", "preview"]
    verbs = {"verify attestation": verify, "gate list": [ASSURE, "gate", "list"]}
    # A pack of an earlier commit is refused, and its refusal is not what is measured.
    if subprocess.run([ASSURE, *pack], cwd=ROOT, capture_output=True).returncode != 0:
        print("not-run: evidence verify (run ./scripts/assure on this commit first)")
    else:
        verbs["evidence verify"] = [ASSURE, *pack]
        verbs["evidence report"] = [ASSURE, "evidence", "report", *pack[2:], "--output", "/dev/null"]
    worst = max((run(command, cwd=ROOT)[3], name) for name, command in verbs.items() if name != "evidence report")
    figure("peak memory of a verb", round(worst[0] / 1024, 1), f"MB ({worst[1]})", "< 64", worst[0] < 64 * 1024)


def own_peak(command):
    """The peak memory of the process itself, without the tools that it starts: VmHWM, sampled."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    peak = 0
    while process.poll() is None:
        try:
            text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, int(re.search(r"VmHWM:\s+(\d+)", text)[1]))
        except (OSError, TypeError):
            pass
        time.sleep(0.002)
    return peak


def heavy(work):
    secret = ["--passphrase-file", str(work / "passphrase")]
    verbs = {
        "key generate": [ASSURE, "key", "generate", "--output", str(work / "keys/other.json"), *secret],
        "sbom generate": [ASSURE, "sbom", "generate", ".", "--binary", ASSURE, "--output", str(work / "sbom.json")],
        "gate run commit": [ASSURE, "gate", "run", "--set", "commit", "--evidence", str(work / "evidence")],
        "release": [ASSURE, "release", "--profile", "preview", "--output", str(work / "release")],
    }
    for name, command in verbs.items():
        peak = own_peak(command) / 1024
        figure(f"peak memory of {name}", round(peak, 1), "MB", "< 64", 0 < peak < 64)


def main():
    if any(word not in ("--full",) for word in sys.argv[1:]):
        print(__doc__.strip())
        sys.exit(0 if sys.argv[1:] in (["--help"], ["-h"]) else 64)
    for needed in (ASSURE, BENCH, PYTHON):
        if not os.path.exists(needed):
            print(f"not-run: {needed} is not here (scripts/build-release, Tests/Peers/setup)")
            sys.exit(70)
    if not shutil.which("strace"):
        print("not-run: strace is not here (scripts/setup --tests)")
        sys.exit(70)
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="rustynet-bench.", dir=ROOT / ".build") as folder:
        work = pathlib.Path(folder)
        verify = attestation(work)
        layout(work)
        programs(verify)
        heavy(work)
        bundles(work)
        hashing(work)
        ledger(work)
    missed = [one["name"] for one in figures if not one["met"]]
    target = ROOT / "artifacts/bench/assure.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"load": os.getloadavg()[0], "figures": figures}, indent=2) + "\n")
    print(f"{len(figures) - len(missed)} met, {len(missed)} missed{': ' + ', '.join(missed) if missed else ''}")
    sys.exit(78 if missed else 0)


if __name__ == "__main__":
    main()

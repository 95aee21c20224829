#!/usr/bin/env python3
"""Runs the tests that need the kernel's WireGuard, in the virtual machine of `scripts/lab vm`.

Run:  Tests/EndToEnd/machine.py [--bench FILE] [--daemon FILE] [--megabytes N] [--limit SECONDS]
                               [--results FILE] [FILTER …]

backend-kernel         the kernel backend: what it sets is what the kernel has and wg(8) shows, and nothing is left
backend-wireguard-go   the same for the backend for daemons, with Debian's daemon; backend-rustynetd: with our own
conformance-kernel     the conformance suite of tunnels over the kernel backend; --results gets its results
interop-rustynetd      kernel and our userspace tunnel, both roles, with checksummed data
interop-wireguard-go   the same with Debian's wireguard-go

Prints a line a test, then `N passed, N failed, N not-run`. Ends with 0, with 78 when something failed, with 70 and a last
line `not-run: REASON` when nothing was run.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUEST = ROOT / "Tests/EndToEnd/machine"


def newest(name):
    found = [path for kind in ("release", "debug") if (path := ROOT / f".build/{kind}/{name}").exists()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def tests(options):
    """Name, guest script, its arguments, programs, and what is missing."""
    bench = options.bench or newest("rustynet-bench")
    daemon = options.daemon or newest("rustynetd")
    peer = shutil.which("wireguard-go", path="/usr/local/bin:/usr/bin:/bin")
    if not bench:
        bench_missing = "rustynet-bench is not built"
    else:
        bench_missing = None
    size = str(options.megabytes)
    yield "backend-kernel", "backend.sh", ["kernel"], [bench], bench_missing
    yield ("backend-wireguard-go", "backend.sh", ["wireguard-go -f", "40", "52"], [bench, peer],
           bench_missing or (None if peer else "wireguard-go is not installed"))
    yield ("backend-rustynetd", "backend.sh", ["rustynetd tunnel --foreground", "40", "52"], [bench, daemon],
           bench_missing or (None if daemon else "rustynetd is not built"))
    yield "conformance-kernel", "conformance.sh", ["kernel"], [bench], bench_missing
    yield ("interop-rustynetd", "interop.sh", ["rustynetd tunnel --foreground", size], [bench, daemon],
           bench_missing or (None if daemon else "rustynetd is not built"))
    yield ("interop-wireguard-go", "interop.sh", ["wireguard-go -f", size], [bench, peer],
           bench_missing or (None if peer else "wireguard-go is not installed"))


def play(name, script, arguments, programs, options):
    """Runs one script in a machine of its own; its outcome and the reason."""
    command = [ROOT / "scripts/lab", "vm", "--limit", str(options.limit), "--output", ROOT / f".build/lab/{name}.out",
               "--file", GUEST / "kit.sh"]
    for program in programs:
        command += ["--program", program]
    (ROOT / ".build/lab").mkdir(parents=True, exist_ok=True)
    log = ROOT / f".build/lab/{name}.log"
    with log.open("wb") as output:
        status = subprocess.run([*command, GUEST / script, *arguments], stdout=output, stderr=subprocess.STDOUT).returncode
    lines = log.read_text(errors="replace").splitlines()
    if name == "conformance-kernel" and options.results and (ROOT / f".build/lab/{name}.out").exists():
        shutil.copy(ROOT / f".build/lab/{name}.out", options.results)
    results = [line for line in (ROOT / f".build/lab/{name}.out").read_text(errors="replace").splitlines() if line] \
        if (ROOT / f".build/lab/{name}.out").exists() else []
    checks = sum(line.startswith("passed ") for line in lines)
    if status == 0 and checks:
        return "passed", "; ".join([f"{checks} checks", *(line for line in results if not line.startswith("{"))])
    if status == 70 and lines and lines[-1].startswith("not-run: "):
        return "not-run", lines[-1].removeprefix("not-run: ")
    failed = [line for line in lines if line.startswith(("FAILED", "lab: the"))] or lines[-3:]
    return "failed", f"{failed[0][:300] if failed else f'exit {status}'}; see {log.relative_to(ROOT)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=pathlib.Path)
    parser.add_argument("--daemon", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--limit", type=float, default=400)
    parser.add_argument("filter", nargs="*")
    options = parser.parse_args()
    counts, reason = {"passed": 0, "failed": 0, "not-run": 0}, "no test of this name"
    for name, script, arguments, programs, missing in tests(options):
        if options.filter and not any(word in name for word in options.filter):
            continue
        outcome, why = ("not-run", missing) if missing else play(name, script, arguments, programs, options)
        counts[outcome] += 1
        reason = why if outcome == "not-run" else reason
        print(f"{outcome} {name}: {why}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    if counts["failed"]:
        return 78
    if not counts["passed"]:
        print(f"not-run: {reason}")
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main())

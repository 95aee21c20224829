#!/usr/bin/env python3
"""Decisions a second by the shipped roles, on one core, beside cedarpy on the same requests: scripts/bench authz

Processor time of the release build, in turn with the peer; the median of the turns. Allocations are counted besides. Writes
artifacts/bench/authz.json. Ends with 0 when every target is met, with 78 when one was missed, with 70 without the peer.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = str(ROOT / ".build/release/rustynet-bench")
PYTHON = str(ROOT / ".build/peers/bin/python")
TURNS, DECISIONS, USERS = 5, 300_000, 1000
PEER = """
import json, pathlib, sys, time
import cedarpy
folder = pathlib.Path(sys.argv[1])
policies = cedarpy.PolicySet.from_str((folder / "policies.cedar").read_text())
schema = cedarpy.Schema.from_str((folder / "schema.cedarschema").read_text())
entities = cedarpy.Entities.from_json_str((folder / "entities.json").read_text(), schema)
requests = json.loads((folder / "requests.json").read_text()) * int(sys.argv[2])
begin = time.process_time()
results = cedarpy.is_authorized_batch(requests, policies, entities)
seconds = time.process_time() - begin
inner = [r._authz_resp["metrics"]["authz_duration_micros"] for r in results]
print(json.dumps({"decisions": len(results), "seconds": seconds, "inner_seconds": sum(inner) / 1e6,
                  "allowed": sum(r.decision == cedarpy.Decision.Allow for r in results)}))
"""
figures = []


def figure(name, value, unit, target, met, note=""):
    figures.append({"name": name, "value": value, "unit": unit, "target": target, "met": met, "note": note})
    print(f"{'met   ' if met else 'MISSED'} {name}: {value} {unit} (target {target}) {note}", flush=True)


def ours(*arguments):
    output = subprocess.run([BENCH, "authz", *arguments], capture_output=True, text=True, check=True).stdout
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.e+-]+)", output)}


def theirs(folder):
    result = subprocess.run([PYTHON, "-c", PEER, folder, "20"], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"cedarpy: {result.stderr[-500:]}")
    return json.loads(result.stdout)


def main():
    for needed in (BENCH, PYTHON):
        if not os.path.exists(needed):
            print(f"not-run: {needed} is not here (scripts/build-release, Tests/Peers/setup)")
            return 70
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    rates, peers, inner = [], [], []
    with tempfile.TemporaryDirectory(prefix="rustynet-bench.") as folder:
        ours("--decisions", "1", "--users", str(USERS), "--write", folder)
        for _ in range(TURNS):
            mine = ours("--decisions", str(DECISIONS), "--users", str(USERS))
            peer = theirs(folder)
            # The same requests: the shares that are allowed must be the same, or something else was measured.
            if round(mine["allowed"] / mine["decisions"], 4) != round(peer["allowed"] / peer["decisions"], 4):
                sys.exit(f"bench: {mine['allowed']} of {mine['decisions']} and {peer} are not the same answers")
            rates.append(mine["per_second"])
            peers.append(peer["decisions"] / peer["seconds"])
            inner.append(peer["decisions"] / max(peer["inner_seconds"], 1e-9))
    rate = statistics.median(rates)
    figure("authz decisions a second", int(rate), f"on one core, {USERS} users", ">= 500000", rate >= 500_000,
           f"(turns: {', '.join(f'{one:.0f}' for one in rates)})")
    ratio = statistics.median(a / b for a, b in zip(rates, peers))
    figure("authz beside cedarpy", round(ratio, 1), "times as many a second", ">= 1", ratio >= 1,
           f"(cedarpy {statistics.median(peers):.0f}/s with its conversions, {statistics.median(inner):.0f}/s by the clock of its engine alone)")
    counted = subprocess.run([sys.executable, str(ROOT / "Tests/EndToEnd/allocations.py"), BENCH], capture_output=True, text=True)
    figure("authz allocations of a decision", 0 if counted.returncode == 0 else "some", "", "0", counted.returncode == 0,
           f"({counted.stdout.splitlines()[0] if counted.stdout else counted.stderr[-200:]})")
    missed = [one["name"] for one in figures if not one["met"]]
    target = ROOT / "artifacts/bench/authz.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"load": os.getloadavg()[0], "figures": figures}, indent=2) + "\n")
    print(f"{len(figures) - len(missed)} met, {len(missed)} missed{': ' + ', '.join(missed) if missed else ''}")
    return 78 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

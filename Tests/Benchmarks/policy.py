#!/usr/bin/env python3
"""The network policy engine, measured: scripts/bench policy [--full]

CPU time of the release build over 10,000 nodes and 1,000 rules of all sorts (rustynet-bench policy speed), and the agreement
with the captures of the commercial service and with a second reading. Prints a table with target, figure, met or missed,
writes artifacts/bench/policy.json, and ends with 0 when all targets are met, with 78 when one was missed, with 70 when the
release build is not here. There is no peer that compiles this grammar in a package of the system; the targets are limits.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = str(ROOT / ".build/release/rustynet-bench")
CORPUS = pathlib.Path(os.environ.get("RUSTYNET_CORPORA", ROOT.parent / "shared/corpora")) / "acl-captures/captures.jsonl.gz"
FULL = "--full" in sys.argv
figures = []


def figure(name, value, unit, target, met):
    figures.append({"name": name, "value": value, "unit": unit, "target": target, "met": met})
    print(f"{'met   ' if met else 'MISSED'} {name}: {value} {unit} (target {target})", flush=True)


def run(*arguments):
    done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 78):
        sys.exit(f"{arguments}: exit {done.returncode}: {done.stderr[-500:]}")
    return done


def main():
    if not os.path.exists(BENCH):
        print(f"not-run: {BENCH} is not here (scripts/build-release)")
        sys.exit(70)
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    speed = dict(part.split("=") for part in run("policy", "speed", "--turns", "21" if FULL else "7").stdout.split())
    for name, key, limit in [
            ("compile for one node", "one_ms", 200), ("compile for all nodes", "all_ms", 5000),
            ("compile again after a changed rule", "change_rule_ms", 50),
            ("compile again after a changed node", "change_node_ms", 50)]:
        value = float(speed[key])
        figure(f"{name}, 10,000 nodes and 1,000 rules", value, "ms of CPU", f"< {limit}", value < limit)
    output = run("policy", "agree", "--packets", "1000000" if FULL else "100000").stdout
    wrong, packets = int(re.search(r"disagree=(\d+)", output)[1]), int(re.search(r"packets=(\d+)", output)[1])
    figure("disagreements with the second reading", wrong, f"of {packets} packets", "0", wrong == 0)
    if CORPUS.exists():
        output = run("vectors", "acl", str(CORPUS)).stdout
        for word, percent in (("accepted", 99), ("refused", 100)):
            equal, total = map(int, re.search(rf"^{word}: (\d+) of (\d+)", output, re.M).groups())
            share = round(100 * equal / total, 2)
            figure(f"captures that are {word}", share, f"% ({equal} of {total})", f">= {percent}", share >= percent)
    else:
        print("not-run: the captures (the third-party corpora are not here)")
    missed = [one["name"] for one in figures if not one["met"]]
    target = ROOT / "artifacts/bench/policy.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"load": os.getloadavg()[0], "terms": int(speed["terms"]), "figures": figures}, indent=2) + "\n")
    print(f"{len(figures) - len(missed)} met, {len(missed)} missed{': ' + ', '.join(missed) if missed else ''}")
    sys.exit(78 if missed else 0)


if __name__ == "__main__":
    main()

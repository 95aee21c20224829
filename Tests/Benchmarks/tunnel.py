#!/usr/bin/env python3
"""Performance of the tunnel beside a real peer, in one run: scripts/bench tunnel [--quick | --full] [--engine COMMAND]
[--peer COMMAND] [--only NAME …]

Two network namespaces over a veth pair, a daemon in each, on the same cores; ours and the peer take turns, so that a
drift of the machine hits both. Ratios are medians over the turns. Writes artifacts/bench/tunnel.json and prints a table
with target, figure, met or missed. Ends with 0 when all targets are met, with 78 when one was missed, with 70 when it
could not run. What each figure is: Tests/Benchmarks/README.md.
"""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import statistics
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests"), str(ROOT / "Tests/Benchmarks")]

from Lab import sandbox  # noqa: E402
from Lab.network import LabError, NotRun  # noqa: E402
from Lab.tunnel import Engine  # noqa: E402
import measures  # noqa: E402

NEEDED = ("iperf3", "ping", "wg", "ip", "ethtool", "openssl", "taskset")
MTUS = (1420, 1408)


class Report:
    """The figures, each with its target, in the order in which they were taken."""

    def __init__(self):
        self.figures = []

    def add(self, name, value, unit, target=None, met=None, note=""):
        value = round(value, 3) if isinstance(value, float) else value
        self.figures.append({"name": name, "value": value, "unit": unit, "target": target, "met": met, "note": note})
        word = "       " if met is None else "met    " if met else "MISSED "
        print(f"{word}{name}: {value} {unit}{f' (target {target})' if target else ''}{' — ' + note if note else ''}", flush=True)

    def at_least(self, name, value, unit, least, note=""):
        self.add(name, value, unit, f">= {least}", value is not None and value >= least, note)

    def at_most(self, name, value, unit, most, note=""):
        self.add(name, value, unit, f"<= {most}", value is not None and value <= most, note)

    def table(self):
        width = max(len(one["name"]) for one in self.figures)
        print(f"\n{'figure':{width}}  {'value':>10}  {'target':>9}  result")
        for one in self.figures:
            result = "" if one["met"] is None else "met" if one["met"] else "missed"
            print(f"{one['name']:{width}}  {one['value']!s:>10}  {one['target'] or '':>9}  {result}  {one['unit']}")


def busy_share(seconds=2.0):
    """The share of all cores that others use now."""
    def read():
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(one) for one in file.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]
    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(total_after - total, 1)


def throughput(report, engines, options):
    """TCP, CPU and latency under load, interleaved; with and without UDP segmentation on the wire."""
    for gso, factor in ((True, 7), (False, 4.5)):
        where = "with UDP GSO" if gso else "without UDP GSO"
        for mtu in MTUS:
            turns = {name: [] for name in engines}
            for _ in range(options.turns):
                for name, engine in engines.items():
                    turns[name].append(measures.transfer(engine, mtu, gso, options.seconds))
            ours, peer = turns["ours"], turns["peer"]
            for streams in (1, 4):
                ratio = statistics.median(our[streams]["gbps"] / their[streams]["gbps"] for our, their in zip(ours, peer))
                rates = {name: statistics.median(one[streams]["gbps"] for one in turns[name]) for name in engines}
                report.at_least(f"TCP {where}, MTU {mtu}, {streams} streams", ratio, "times the peer", factor,
                                f"{rates['ours']:.2f} against {rates['peer']:.2f} Gb/s")
            cost = statistics.median(one[1]["cpu"] for one in ours)
            theirs = statistics.median(one[1]["cpu"] for one in peer)
            add = report.at_most if gso else (lambda name, value, unit, _, note: report.add(name, value, unit, note=note))
            add(f"CPU of both daemons {where}, MTU {mtu}", cost, "s per GB", 2.9, f"the peer {theirs:.2f}")
            if gso:
                latency = statistics.median(our["ping"] / their["ping"] for our, their in zip(ours, peer))
                report.at_most(f"ping under load, MTU {mtu}", latency, "times the peer", 0.6,
                               f"{statistics.median(one['ping'] for one in ours):.2f} ms")


def memory(report, engines, options):
    ours = engines["ours"]
    peak = measures.memory_at_speed(ours, options.soak)
    report.at_most(f"RSS after {options.soak} s at full speed", max(peak), "MB each", 16, f"{peak}")
    report.at_most("RSS with 1,000 peers", measures.memory_with_peers(ours, 1000), "MB", 24)
    wakeups, rss = measures.idle(ours)
    report.at_most("wake-ups when idle", wakeups, "a second", 1)
    report.at_most("RSS when idle", rss, "MB", 12)


def handshakes(report, engines, options):
    bench = str(options.bench)
    calm = measures.handshakes(engines["ours"], bench, options.seconds, window=64)
    report.at_least("handshakes accepted, not under load", calm["per_core"], "a second of one core", 4000,
                    f"{calm['rate']} a second, {calm['cookies']} cookies")
    loaded = measures.handshakes(engines["ours"], bench, options.seconds, window=4000)
    report.add("handshakes accepted, under load", loaded["rate"], "a second", note=f"{loaded['cookies']} cookies")


def floods(report, engines, options):
    kept = measures.flood(engines["ours"], str(options.bench), options.seconds, 50_000, options.turns)
    report.at_least("transfer under a flood of initiations", kept["share"], "of a flood of a closed port", 0.8,
                    f"{kept['tunnel']:.2f} against {kept['closed']:.2f} Gb/s, {kept['sent']} initiations a second")


def limits(report, engines, options):
    report.add("ceiling: plain veth", measures.ceiling(options.seconds), "Gb/s")
    report.add("crypto limit: ChaCha20-Poly1305 of 1408 bytes on one core", measures.crypto(1408), "Gb/s")
    for share, name in measures.profile(engines["ours"], options.seconds):
        report.add(f"profile: {name}", share, "% of the daemons' CPU")


MEASURES = {"throughput": throughput, "memory": memory, "handshakes": handshakes, "floods": floods, "limits": limits}


def arguments():
    parser = argparse.ArgumentParser(description="Performance of the tunnel.", epilog=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: sys.exit(print(f"scripts/bench tunnel: {message}", file=sys.stderr) or 64)
    parser.add_argument("--engine", default=f"{ROOT}/.build/release/rustynetd tunnel --foreground")
    parser.add_argument("--peer", default="wireguard-go -f")
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / ".build/release/rustynet-bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted(MEASURES), default=list(MEASURES))
    options = parser.parse_args()
    options.turns, options.seconds, options.soak = (1, 2, 5) if options.quick else (5, 8, 60) if options.full else (3, 4, 60)
    return options


def main():
    options = arguments()
    engines = {}
    for name, command in (("ours", options.engine), ("peer", options.peer)):
        argv = shlex.split(command)
        engines[name] = Engine(os.path.basename(argv[0]), argv)
    reason = sandbox.missing() or next((why for one in engines.values() if (why := one.missing())), None) \
        or next((f"there is no program {name}" for name in NEEDED if not shutil.which(name)), None)
    if reason:
        print(f"not-run: {reason}")
        return 70
    target = ROOT / "artifacts/bench/tunnel.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    share = busy_share()
    is_quiet = share < 0.05
    print(f"{os.cpu_count()} cores, {share:.0%} used by others before, load {os.getloadavg()[0]:.2f}: "
          + ("quiet" if is_quiet else "NOT QUIET, absolute figures count for nothing"))
    sandbox.enter()
    report = Report()
    for name in options.only:
        try:
            MEASURES[name](report, engines, options)
        except NotRun as error:
            report.add(f"{name}: not-run", None, str(error))
        except (LabError, OSError, ValueError, KeyError, ZeroDivisionError) as error:
            report.add(f"{name}: failed", None, f"{type(error).__name__}: {error}"[:300], "a figure", False)
    after = busy_share()
    is_quiet = is_quiet and after < 0.05
    missed = [one["name"] for one in report.figures if one["met"] is False]
    target.write_text(json.dumps({
        "type": "rustynet-tunnel-bench/v1", "engine": options.engine, "peer": options.peer, "quiet": is_quiet,
        "busy": [round(share, 3), round(after, 3)], "turns": options.turns, "seconds": options.seconds,
        "figures": report.figures}, indent=1) + "\n", encoding="utf-8")
    report.table()
    print(f"{sum(one['met'] is True for one in report.figures)} met, {len(missed)} missed{': ' if missed else ''}{'; '.join(missed)}"
          + ("" if is_quiet else " (the machine was not quiet)"))
    return 78 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs the tunnel's scenarios: daemons in network namespaces, with real traffic.

Run:  Tests/EndToEnd/tunnel.py [--engine COMMAND] [--other COMMAND] [--full] [--json FILE] [--list] [FILTER …]

--engine is what is tested, by default `rustynetd tunnel --foreground` of this tree; `wireguard-go -f` runs every
scenario against the peer instead. --other is the second engine of the scenarios about interoperability. A scenario is a
function in Tests/EndToEnd/tunnel_scenarios; FILTER selects those whose name holds it. Needs root and /dev/net/tun.

Prints a line a scenario, then `N passed, N failed, N not-run`. What the peer is known not to do stands in
known_failures.json and counts as not-run, with its reason; if it passes after all, it has failed, since the list is wrong.
Ends with 0, with 78 when something failed, with 70 when nothing was run.
"""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import sys
import tempfile
import threading
import time
import traceback

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests"), str(ROOT / "Tests/EndToEnd")]

from Lab import sandbox  # noqa: E402
from Lab.network import Lab, LabError, NotRun  # noqa: E402
from Lab.tunnel import Engine  # noqa: E402
import tunnel_scenarios  # noqa: E402

KNOWN = pathlib.Path(__file__).parent / "tunnel_scenarios/known_failures.json"
PEER = "wireguard-go -f"


def own_command():
    """The newest build of the daemon of this tree."""
    found = [path for kind in ("release", "debug") if (path := ROOT / f".build/{kind}/rustynetd").exists()]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=ROOT / ".build/release/rustynetd")
    return f"{newest} tunnel --foreground"


def engine(command):
    argv = shlex.split(command)
    return Engine(pathlib.Path(argv[0]).name, argv)


def play(scenario, options, limit=120):
    """Runs one scenario in a lab of its own; its outcome and the reason."""
    folder = tempfile.mkdtemp(prefix="rustynet-lab.", dir="/tmp" if options.keep else None)
    lab = Lab(folder)
    lab.full, lab.root = options.full, ROOT
    lab.engine, lab.other = engine(options.engine), engine(options.other)
    try:
        for one in (lab.engine, lab.other) if scenario.needs_other else (lab.engine,):
            if reason := one.missing():
                raise NotRun(reason)
        scenario.function(lab)
        return "passed", ""
    except NotRun as reason:
        return "not-run", str(reason)
    except (LabError, AssertionError) as error:
        return "failed", f"{error or 'an assertion'} [{place(error)}]"
    except Exception:  # noqa: BLE001: whatever went wrong, the scenario did not pass
        return "failed", traceback.format_exc().strip().replace("\n", " | ")[-600:]
    finally:
        lab.close()
        if options.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def place(error):
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "tunnel_scenarios" in one.filename]
    return ", ".join(f"{os.path.basename(one.filename)}:{one.lineno}" for one in frames[:2]) or "kit"


def run_all(scenarios, options, known):
    results = []
    for one in scenarios:
        begin = time.monotonic()
        watchdog = threading.Timer(240, lambda: os._exit(78))  # a scenario that hangs ends the run, and with it the lab
        watchdog.daemon = True
        watchdog.start()
        outcome, reason = play(one, options)
        watchdog.cancel()
        if one.name in known:
            outcome, reason = {
                "failed": ("not-run", f"known: {known[one.name]} ({reason[:120]})"),
                "passed": ("failed", "listed in known_failures.json, and it passed")}.get(outcome, (outcome, reason))
        seconds = time.monotonic() - begin
        word = {"passed": "passed ", "failed": "FAILED ", "not-run": "not-run"}[outcome]
        print(f"{word} {one.name}: {one.title} ({seconds:.1f} s){' — ' + reason if reason else ''}", flush=True)
        results.append({"name": one.name, "title": one.title, "outcome": outcome, "reason": reason,
                        "seconds": round(seconds, 2)})
    return results


def arguments():
    parser = argparse.ArgumentParser(description="Runs the tunnel's scenarios.", epilog=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default=os.environ.get("RUSTYNET_ENGINE") or own_command())
    parser.add_argument("--other", default=PEER)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep logs and captures of each scenario")
    parser.add_argument("--json")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("filter", nargs="*")
    return parser.parse_args()


def main():
    options = arguments()
    scenarios = [one for one in tunnel_scenarios.load() if not options.filter or any(part in one.name for part in options.filter)]
    if options.list:
        for one in scenarios:
            print(f"{one.name}: {one.title}")
        return 0
    if reason := sandbox.missing() or engine(options.engine).missing():
        print(f"not-run: {len(scenarios)} scenarios: {reason}")
        return 70
    json_file = os.path.abspath(options.json) if options.json else None
    sandbox.enter()
    known = json.loads(KNOWN.read_text(encoding="utf-8")).get(engine(options.engine).name, {})
    results = run_all(scenarios, options, known)
    counts = {kind: sum(one["outcome"] == kind for one in results) for kind in ("passed", "failed", "not-run")}
    if json_file:
        with open(json_file, "w", encoding="utf-8") as file:
            json.dump({"type": "rustynet-tunnel-results/v1", "engine": options.engine, "other": options.other,
                       "full": options.full, "counts": counts, "scenarios": results}, file, indent=1)
            file.write("\n")
    for one in results:
        if one["outcome"] == "not-run":
            print(f"  not-run {one['name']}: {one['reason']}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['not-run']} not-run")
    return 78 if counts["failed"] else 0 if counts["passed"] else 70


if __name__ == "__main__":
    sys.exit(main())

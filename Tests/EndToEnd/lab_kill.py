#!/usr/bin/env python3
"""A laboratory that is killed leaves nothing: no process, no namespace, no interface, no socket, no file.

Run:  Tests/EndToEnd/lab_kill.py [KILLS]

Starts the tunnel's scenarios against `wireguard-go`, or what RUSTYNET_ENGINE names, and kills them with SIGKILL after a
time that differs from turn to turn; and so for networks that `scripts/lab up` built. Ends with 0, 78, or 70 (not-run).
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests"))

from Lab import sandbox  # noqa: E402

ENGINE = os.environ.get("RUSTYNET_ENGINE", "wireguard-go -f")


def network_namespaces():
    """The network namespaces of all processes, and which process is there."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.setdefault(os.stat(f"/proc/{pid}/ns/net").st_ino, []).append(pid)
        except OSError:
            continue
    return set(found)


def traces():
    """What a laboratory could leave."""
    return {
        "namespaces": network_namespaces(), "named": names("/run/netns"), "sockets": names("/run/wireguard"),
        "scratch": names("/run/rustynet-scratch"), "standing": names("/run/rustynet-lab"),
        "links": {line.split(":")[0].strip() for line in open("/proc/net/dev", encoding="ascii")},
        "mounts": {line.split()[4] for line in open("/proc/self/mountinfo", encoding="utf-8")},
    }


def names(folder):
    return set(os.listdir(folder)) if os.path.isdir(folder) else set()


def new(before):
    """What is there and was not before. Namespaces of others may come and go, so it is looked at for two seconds."""
    end = time.monotonic() + 2
    while True:
        left = {kind: found - before[kind] for kind, found in traces().items() if found - before[kind]}
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def main():
    if reason := sandbox.missing() or (None if shutil.which(ENGINE.split()[0]) else f"there is no program {ENGINE}"):
        print(f"not-run: {reason}")
        return 70
    kills, faults, seen = int(sys.argv[1]) if len(sys.argv) > 1 else 8, [], 0
    for turn in range(kills):
        before = traces()
        command = [sys.executable, str(ROOT / "Tests/EndToEnd/tunnel.py"), "--engine", ENGINE, "traffic", "routing"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.4 + 0.15 * turn)
        seen += len(network_namespaces() - before["namespaces"]) > 0  # the control: there was something to leave
        process.send_signal(signal.SIGKILL)
        process.wait()
        if left := new(before):
            faults.append(f"scenarios, turn {turn}: {left}")
    before = traces()
    lab = str(ROOT / "scripts/lab")
    subprocess.run([lab, "up", f"kill-{os.getpid()}", "--engine", ENGINE], check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run([lab, "list"], check=True, capture_output=True, text=True).stdout.splitlines()
    holder = next(int(line.split()[1]) for line in listed if line.startswith(f"kill-{os.getpid()} "))
    os.kill(holder, signal.SIGKILL)
    time.sleep(0.3)
    subprocess.run([lab, "list"], check=True, stdout=subprocess.DEVNULL)
    if left := new(before):
        faults.append(f"scripts/lab up: {left}")
    for fault in faults:
        print(f"FAILED {fault}")
    if not seen:
        print("FAILED no turn was killed while it had namespaces: nothing is shown")
    print(f"{kills + 1} kills, {seen} of them with namespaces, {len(faults)} left something")
    return 78 if faults or not seen else 0


if __name__ == "__main__":
    sys.exit(main())

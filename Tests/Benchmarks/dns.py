#!/usr/bin/env python3
"""The name server beside Knot, measured: scripts/bench dns [--full]

Both answer the same names on loopback, one worker each, in turns within one run; dnsperf asks. CPU is what the server's
processes used for a query (user and system), because wall time belongs to the machine. Writes artifacts/bench/dns.json.
Ends with 0 when all targets are met, with 78 when one was missed, with 70 when a tool is not here.
"""
import json
import os
import pathlib
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Peers"))
import dns_servers  # noqa: E402

PROGRAM = os.environ.get("RUSTYNETD", str(ROOT / ".build/release/rustynetd"))
FULL = "--full" in sys.argv
NAMES = 5000
figures = []


def figure(name, value, unit, target, met, note=""):
    figures.append({"name": name, "value": value, "unit": unit, "target": target, "met": met, "note": note})
    print(f"{'met   ' if met else 'MISSED'} {name}: {value} {unit} (target {target}) {note}", flush=True)


def dnsperf(server, queries, *arguments):
    """Runs dnsperf; what was completed, lost, and its output."""
    command = ["dnsperf", "-s", server.host, "-p", str(server.port), "-d", str(queries), *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    completed = int(re.search(r"Queries completed:\s+(\d+)", output)[1])
    lost = int(re.search(r"Queries lost:\s+(\d+)", output)[1])
    return completed, lost, output


def write_queries(path):
    """60 % A, 30 % AAAA, 10 % names that do not exist."""
    chance = random.Random(7)
    with open(path, "w", encoding="ascii") as file:
        for _ in range(50_000):
            kind = chance.random()
            name = f"node-{chance.randrange(NAMES):05}" if kind < 0.9 else f"none-{chance.randrange(NAMES):05}"
            file.write(f"{name}.{dns_servers.ZONE} {'A' if kind < 0.6 or kind > 0.95 else 'AAAA'}\n")


def cpu(servers, queries, mode, seconds, turns):
    """Microseconds of CPU for a query, of each server, in turns."""
    costs = {server.name: [] for server in servers}
    codes = {}
    for _ in range(turns):
        for server in servers:
            before = server.cpu()
            completed, lost, output = dnsperf(
                server, queries, "-l", str(seconds), "-c", "8", "-q", "200", "-m", mode)
            costs[server.name].append((server.cpu() - before) / max(completed, 1) * 1e6)
            codes[server.name] = re.search(r"Response codes:\s+(.*)", output)[1]
    medians = {name: statistics.median(values) for name, values in costs.items()}
    ratio = statistics.median(a / b for a, b in zip(costs["rustynetd"], costs["knot"]))
    note = ", ".join(f"{name} {value:.2f} µs" for name, value in medians.items())
    figure(f"CPU of a query over {mode.upper()}", round(ratio, 2), "times Knot", "<= 1.5", ratio <= 1.5, f"({note})")
    print(f"       codes: {codes}")


def latency(server, queries):
    completed, lost, output = dnsperf(server, queries, "-l", "5", "-c", "4", "-Q", "20000", "-v")
    times = sorted(float(one) for one in re.findall(r"^> \w+ \S+ \w+ ([0-9.]+)$", output, re.M))
    p99 = times[int(len(times) * 0.99)] * 1000 if times else 1e9
    return p99, lost, completed


class Stub(threading.Thread):
    """A resolver that knows an address for every name."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = 0

    def run(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            self.asked += 1
            end = query.index(b"\0", 12) + 5
            answer = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc6\x33\x64\x01"
            self.socket.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + answer, peer)


def memory(folder, port):
    """RSS with nothing, and with all names and a full cache."""
    empty = folder / "empty"
    empty.mkdir()
    dns_servers.write_zones(empty, [{"name": "one", "addresses": ["100.64.0.1"]}])
    server = dns_servers.ours(PROGRAM, empty, port, "rustynetd-empty")
    base = server.rss()
    server.stop()
    stub = Stub()
    stub.start()
    server = dns_servers.ours(
        PROGRAM, folder, port, "rustynetd-full", routes={".": "stub"},
        upstreams={"stub": {"servers": [f"127.0.0.1:{stub.port}"]}}, limits={"rate": 0, "answers": 10_000})
    try:
        path = folder / "outside"
        path.write_text("".join(f"host-{number:05}.cache.example.com A\n" for number in range(12_000)))
        completed, lost, _ = dnsperf(server, path, "-n", "1", "-c", "1", "-Q", "2000", "-q", "50")
        asked = stub.asked
        dnsperf(server, folder / "queries", "-l", "2", "-c", "4")
        full = server.rss()
    finally:
        server.stop()
    note = f"(empty {base / 1024:.1f} MB; {completed} outside names answered, {asked} asked upstream, {lost} lost)"
    figure("RSS, 5,000 names and 10,000 answers", round(full / 1024, 1), "MB", "< 16", full < 16 * 1024, note)
    above = (full - base) / 1024
    figure("RSS above an empty zone", round(above, 1), "MB", "<= 5", above <= 5)


def flood(folder, port, queries):
    """Somebody sends garbage and questions as fast as possible; another one asks 500 a second."""
    server = dns_servers.ours(PROGRAM, folder, port, "rustynetd-flood", limits={"rate": 2000})
    stop = threading.Event()
    script = (
        "import os,socket,sys,time\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('127.0.0.2',0))\n"
        f"end=time.time()+7; to=('127.0.0.1',{port}); sent=0\n"
        "q=b'\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\nnode-00001\\x08rustynet\\0\\0\\1\\0\\1'\n"
        "while time.time()<end:\n"
        "  for _ in range(100):\n"
        "    try: s.sendto(q if sent%2 else os.urandom(80),to)\n"
        "    except OSError: pass\n"
        "    sent+=1\n"
        "print(sent)\n")
    attacker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        completed, lost, _ = dnsperf(server, queries, "-l", "5", "-c", "1", "-Q", "500", "-a", "127.0.0.3")
        sent = int(attacker.communicate(timeout=20)[0])
    finally:
        stop.set()
        if attacker.poll() is None:
            attacker.kill()
        server.stop()
    share = completed / max(completed + lost, 1) * 100
    figure("answered while another source floods", round(share, 2), "%", ">= 99.9", share >= 99.9,
           f"({completed} of {completed + lost}; the flood sent {sent / 7:.0f} a second)")


def main():
    for tool in ("dnsperf", "knotd"):
        if not shutil.which(tool):
            print(f"not-run: {tool} is not here (scripts/setup --tests)")
            sys.exit(70)
    if not os.path.exists(PROGRAM):
        print(f"not-run: {PROGRAM} is not here (scripts/build-release)")
        sys.exit(70)
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores; {NAMES} names")
    servers = []
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(NAMES))
        queries = folder / "queries"
        write_queries(queries)
        try:
            servers.append(dns_servers.ours(PROGRAM, folder, 5390))
            servers.append(dns_servers.knot(folder, 5391))
            for mode in ("udp", "tcp"):
                cpu(servers, queries, mode, 10 if FULL else 4, 5 if FULL else 3)
            p99, lost, completed = latency(servers[0], queries)
            theirs, lost_theirs, _ = latency(servers[1], queries)
            figure("p99 at 20,000 queries a second", round(p99, 3), "ms", "< 1", p99 < 1 and lost == 0,
                   f"(Knot {theirs:.3f} ms; lost {lost} of {completed}, Knot lost {lost_theirs})")
        finally:
            for server in servers:
                server.stop()
        memory(folder, 5392)
        flood(folder, 5393, queries)
    missed = [one["name"] for one in figures if not one["met"]]
    target = ROOT / "artifacts/bench/dns.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"load": os.getloadavg()[0], "figures": figures}, indent=2) + "\n")
    print(f"{len(figures) - len(missed)} met, {len(missed)} missed{': ' + ', '.join(missed) if missed else ''}")
    sys.exit(78 if missed else 0)


if __name__ == "__main__":
    main()

"""Starts rustynetd, Knot and NSD on loopback with the same zone, for the comparisons in this folder and scripts/bench.

Each server is a process of its own that is ended by its number. Ports are chosen by the caller.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

ZONE = "rustynet"
REVERSE = ["100.64.0.0/16", "fd7a:115c:a1e0::/48"]


def in_own_network(script, inside, tools=()):
    """The main function of a script that needs a network namespace of its own: `script PROGRAM` begins itself again in one,
    where `inside(PROGRAM)` runs. Without root or one of the tools it is not-run, with 70."""
    missing = [one for one in tools if not shutil.which(one)] + ["root"] * (os.geteuid() != 0)
    if missing:
        print(f"not-run: {', '.join(missing)} is not here")
        sys.exit(70)
    if len(sys.argv) == 3:
        return inside(sys.argv[1])
    again = ["unshare", "--net", sys.executable, script, os.path.abspath(sys.argv[1]), "inside"]
    sys.exit(subprocess.run(again).returncode)


def nodes(count):
    """So many nodes, every tenth with an alias, every third without IPv6."""
    result = []
    for number in range(count):
        addresses = [f"100.64.{number // 250}.{number % 250 + 1}"]
        if number % 3 != 1:
            addresses.append(f"fd7a:115c:a1e0::{number // 65535 + 1:x}:{number % 65535 + 1:x}")
        node = {"name": f"node-{number:05}", "addresses": addresses}
        if number % 10 == 0:
            node["aliases"] = [f"alias-{number:05}"]
        result.append(node)
    return result


def zone_text(items):
    """The zone as a master file, as our engine makes it from the same nodes."""
    lines = ["$TTL 60", f"@ IN SOA ns.{ZONE}. hostmaster.{ZONE}. 7 14400 3600 1209600 60", f"@ IN NS ns.{ZONE}."]
    # Our engine gives its own name the address where it listens.
    lines.append("ns IN A 127.0.0.1")
    for node in items:
        for name in [node["name"]] + node.get("aliases", []):
            for address in node["addresses"]:
                lines.append(f"{name} IN {'AAAA' if ':' in address else 'A'} {address}")
    return "\n".join(lines) + "\n"


def reverse_text(items, is_six):
    import ipaddress
    lines = ["$TTL 60", f"@ IN SOA ns.{ZONE}. hostmaster.{ZONE}. 7 14400 3600 1209600 60", f"@ IN NS ns.{ZONE}."]
    for node in items:
        for address in node["addresses"]:
            if (":" in address) == is_six:
                lines.append(f"{ipaddress.ip_address(address).reverse_pointer}. IN PTR {node['name']}.{ZONE}.")
    return "\n".join(lines) + "\n"


REVERSE_ZONES = {"64.100.in-addr.arpa": False, "0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa": True}


class Server:
    """A process that answers; `cpu` and `rss` read what it has used."""

    def __init__(self, name, command, port, folder, host="127.0.0.1"):
        self.name, self.port, self.host = name, port, host
        self.log = open(folder / f"{name}.log", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=folder, start_new_session=True)
        for _ in range(100):
            if self.process.poll() is not None:
                raise RuntimeError(f"{name} ended: {(folder / f'{name}.log').read_text()[-400:]}")
            if self.answers():
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{name} does not answer: {(folder / f'{name}.log').read_text()[-400:]}")

    def answers(self):
        question = b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08rustynet\x00\x00\x06\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(0.2)
            try:
                one.sendto(question, (self.host, self.port))
                return len(one.recv(4096)) > 12
            except OSError:
                return False

    def pids(self):
        """The process and those it has started."""
        found = [self.process.pid]
        for pid in found:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    found += [int(one) for one in open(f"/proc/{pid}/task/{task}/children").read().split()]
            except OSError:
                pass
        return found

    def cpu(self):
        """Seconds of user and system time of all its processes."""
        total = 0
        for pid in self.pids():
            try:
                fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total / os.sysconf("SC_CLK_TCK")

    def rss(self):
        """Resident kilobytes, summed over its processes."""
        total = 0
        for pid in self.pids():
            try:
                for line in open(f"/proc/{pid}/status"):
                    if line.startswith("VmRSS:"):
                        total += int(line.split()[1])
            except OSError:
                pass
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()


def write_zones(folder, items):
    (folder / "mesh.json").write_text(json.dumps(
        {"zone": ZONE, "generation": 7, "ttl": 60, "reverse": REVERSE, "nodes": items}))
    (folder / f"{ZONE}.zone").write_text(zone_text(items))
    for name, is_six in REVERSE_ZONES.items():
        (folder / f"{name}.zone").write_text(reverse_text(items, is_six))


def ours(program, folder, port, name="rustynetd", host="127.0.0.1", **settings):
    """rustynetd over mesh.json; `settings` go into its configuration."""
    configuration = {"listen": [f"{host}:{port}"], "zones": ["mesh.json"], "zone-limits": "large",
                     "limits": {"rate": 0}} | settings
    path = folder / f"{name}.json"
    path.write_text(json.dumps(configuration))
    return Server(name, [os.path.abspath(program), "dns", "--config", str(path), "--foreground"], port, folder, host)


def knot(folder, port):
    if not shutil.which("knotd"):
        return None
    state = folder / "knot"
    state.mkdir(exist_ok=True)
    zones = "".join(f"  - domain: {name}\n    file: {folder / f'{name}.zone'}\n" for name in [ZONE, *REVERSE_ZONES])
    (folder / "knot.conf").write_text(
        f"server:\n    rundir: {state}\n    listen: 127.0.0.1@{port}\n    udp-workers: 1\n    tcp-workers: 1\n"
        f"    background-workers: 1\ndatabase:\n    storage: {state}\nlog:\n  - target: stderr\n    any: error\n"
        f"template:\n  - id: default\n    storage: {state}\n    zonefile-sync: -1\n    journal-content: none\n"
        f"zone:\n{zones}")
    return Server("knot", ["knotd", "-c", str(folder / "knot.conf")], port, folder)


def nsd(folder, port):
    if not shutil.which("nsd"):
        return None
    state = folder / "nsd"
    state.mkdir(exist_ok=True)
    zones = "".join(f"zone:\n  name: {name}\n  zonefile: {folder / f'{name}.zone'}\n" for name in [ZONE, *REVERSE_ZONES])
    # Without rrl-ratelimit 0 it answers 200 a second and drops the rest.
    (folder / "nsd.conf").write_text(
        f"server:\n  ip-address: 127.0.0.1@{port}\n  username: \"\"\n  pidfile: \"{state}/pid\"\n"
        f"  xfrdir: \"{state}\"\n  zonelistfile: \"{state}/zone.list\"\n  database: \"\"\n  rrl-ratelimit: 0\n"
        f"  server-count: 1\n  hide-version: yes\nremote-control:\n  control-enable: no\n{zones}")
    return Server("nsd", ["nsd", "-d", "-c", str(folder / "nsd.conf")], port, folder)


class Streamed:
    """One TCP connection that questions go over one by one."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), 5)
        self.buffer = b""

    def ask(self, message):
        self.socket.sendall(struct.pack("!H", len(message)) + message)
        while len(self.buffer) < 2 or len(self.buffer) < 2 + struct.unpack("!H", self.buffer[:2])[0]:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.buffer += more
        length = struct.unpack("!H", self.buffer[:2])[0]
        reply, self.buffer = self.buffer[2:2 + length], self.buffer[2 + length:]
        return reply

    def close(self):
        self.socket.close()

#!/usr/bin/env python3
"""rustynetd dns as a process: what it says of a wrong configuration, reloading, ending, and what floods leave of it.

Run:  Tests/EndToEnd/dns_daemon.py PROGRAM

Ends with 0, or 78 when a case is wrong.
"""
import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Peers"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import dns_servers  # noqa: E402
from dns_compliance import SOA, Client, query  # noqa: E402
from dns_forwarding import Cases, address, question  # noqa: E402

PORT = 5335
LISTEN = f"127.0.0.1:{PORT}"
TLS = {"servers": ["9.9.9.9"], "transport": "tls", "name": "a.example"}

# What stands in the configuration, how the program ends, and the code of its message. The first is the control.
WRONG = [
    ({"listen": [LISTEN], "zones": ["mesh.json"]}, 0, None),
    ("", 65, "json.end"), ("{", 65, "json.end"), ("[]", 65, "json.kind"), ({}, 65, "json.missing-field"),
    ({"listen": []}, 65, "dns.listen"), ({"listen": ["0.0.0.0:53"]}, 65, "dns.listen-any"),
    ({"listen": ["127.0.0.1"]}, 65, "network.endpoint"), ({"listen": ["127.0.0.1:0"]}, 65, "dns.listen"),
    ({"listen": [LISTEN], "zones": ["none.json"]}, 65, "file.missing"),
    ({"listen": [LISTEN], "zones": ["."]}, 65, "file.kind"),
    ({"listen": [LISTEN], "zones": ["broken.json"]}, 65, "json.end"),
    ({"listen": [LISTEN], "zones": ["mesh.json", "mesh.json"]}, 65, "dns.zone-twice"),
    ({"listen": [LISTEN], "limits": {"rate": -1}}, 65, "json.integer-range"),
    ({"listen": [LISTEN], "limits": {"speed": 1}}, 65, "json.unknown-field"),
    ({"listen": [LISTEN], "upstreams": {"x": {"servers": [LISTEN]}}}, 65, "dns.upstream-self"),
    ({"listen": [LISTEN], "upstreams": {"x": TLS}}, 0, None),
    ({"listen": [LISTEN], "upstreams": {"x": TLS | {"roots": "/none.pem"}}}, 65, "tls.roots"),
    ({"listen": [LISTEN], "upstreams": {"x": TLS | {"name": "a..b"}}}, 65, "dns.name"),
    ({"listen": [LISTEN], "routes": {".": "x"}}, 65, "dns.route"),
]


def configuration(cases, program, folder):
    for content, code, name in WRONG:
        path = folder / "case.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        ran = subprocess.run([program, "dns", "--config", path, "--check"], capture_output=True, text=True, timeout=10)
        cases.check(f"{content}: {code} {name}", ran.returncode == code and (name is None or f"[{name}]" in ran.stderr)
                    and len(ran.stderr.splitlines()) == (name is not None), (ran.returncode, ran.stderr))
    for arguments, code in ([], 64), (["--config"], 64), (["--config", "x", "--config", "x"], 64), (["--config", folder / "case.json", "x"], 64), (
            ["--config", folder / "rustynetd.json"], 64), (["--config", folder / "none"], 65):
        ran = subprocess.run([program, "dns", *arguments], capture_output=True, text=True, timeout=10)
        cases.check(f"{arguments}: {code}", ran.returncode == code and len(ran.stderr.splitlines()) == 1, (ran.returncode, ran.stderr))


def start_again(program, folder, listen):
    (folder / "again.json").write_text(json.dumps({"listen": [listen]}))
    return subprocess.run([program, "dns", "--config", folder / "again.json", "--foreground"], capture_output=True, text=True,
                          timeout=10)


def places(cases, program, folder):
    """Addresses that cannot be listened at; what is running there goes on."""
    for listen, name in (LISTEN, "socket.in-use"), ("192.0.2.77:5335", "socket.address"):
        ran = start_again(program, folder, listen)
        cases.check(f"{listen}: 70 {name}", ran.returncode == 70 and f"[{name}]" in ran.stderr, (ran.returncode, ran.stderr))
    cases.check("the first goes on", Client(PORT).ask(query(0, None, SOA)).code == 0)


def reloading(cases, server, folder):
    """SIGHUP takes the new files, or none of them."""
    log, path, zone = folder / "rustynetd.log", folder / "rustynetd.json", folder / "mesh.json"
    good, client = zone.read_text(), Client(PORT)

    def reload():
        os.kill(server.process.pid, signal.SIGHUP)
        time.sleep(0.3)
        return log.read_text().splitlines()[-1]

    zone.write_text(good.replace("node-00001", "other"))
    reload()
    cases.check("SIGHUP: a new zone", address(client.ask(question("other.rustynet"))) == ["100.64.0.2"]
                and client.ask(question("node-00001.rustynet")).code == 3)
    for broken in (good[:-5], good.replace("100.64.0.2", "100.64.0.1")):
        zone.write_text(broken)
        line = reload()
        cases.check("SIGHUP: a broken zone is refused with a place, the old one stays", "mesh.json" in line and "[" in line
                    and address(client.ask(question("other.rustynet"))) == ["100.64.0.2"], line)
    zone.unlink()
    cases.check("SIGHUP: a zone that is gone", "[file.missing]" in reload()
                and address(client.ask(question("other.rustynet"))) == ["100.64.0.2"])
    zone.write_text(good)
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | {"listen": [f"127.0.0.1:{PORT + 1}"], "identity": "two"}))
    reload()
    cases.check("SIGHUP: what else is new counts, and a new address is spoken of", "listen" in log.read_text()
                and client.ask(query(0, (1232, 0, 0, b"\0\3\0\0"), SOA)).options()[3] == b"two")
    path.write_text(json.dumps(settings))
    reload()


def flood(seconds, chance, make):
    """Sends datagrams as fast as this process can; how many."""
    count, end = 0, time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.9", 0))
        while time.monotonic() < end:
            for _ in range(50):
                one.sendto(make(chance), ("127.0.0.1", PORT))
                count += 1
    return count


def garbage(chance):
    return chance.randbytes(chance.choice([0, 1, 11, 12, 13, 40, 512, 4096, 5000]))


def damaged(chance):
    wire = bytearray(query(0x0100, (1232, 0, 0, b"\0\x0a\0\x08" + bytes(8)), SOA))
    for _ in range(3):
        wire[chance.randrange(len(wire))] = chance.randrange(256)
    return bytes(wire)


def outside(chance):
    return question(f"n{chance.randrange(1 << 30)}.example.com")


def floods(cases, server):
    """Whatever comes, in whatever number: it is answered beside it, and no memory stays."""
    chance = random.Random(3)
    for make in (garbage, damaged, outside):
        flood(1, chance, make)
    before, descriptors = server.rss(), len(os.listdir(f"/proc/{server.process.pid}/fd"))
    for make in (garbage, damaged, outside):
        sent = flood(3, chance, make)
        cases.check(f"it answers after {make.__name__}", sent > 1000 and Client(PORT).ask(query(0, None, SOA)) is not None, sent)
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", PORT), 5) as stream:
            stream.sendall(chance.randbytes(chance.choice([1, 2, 100, 70_000])))
            if chance.random() < 0.5:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.3)
    cases.check("it answers after garbage over TCP", Client(PORT).ask(query(0, None, SOA)) is not None)
    cases.check("no memory stays", server.rss() - before < 4000, (before, server.rss()))
    used = server.cpu()
    time.sleep(1)
    cases.check("nor work", server.cpu() - used < 0.1)
    left = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    cases.check("nor descriptors", left == descriptors, (descriptors, left))


def main():
    program = os.path.abspath(sys.argv[1])
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(20))
        (folder / "broken.json").write_text('{"nodes": [')
        # A resolver that is not there: what is asked there fails, and leaves nothing.
        server = dns_servers.ours(program, folder, PORT, limits={"rate": 2000}, routes={".": "x"},
                                  upstreams={"x": {"servers": ["127.0.0.1:1"]}})
        try:
            configuration(cases, program, folder)
            places(cases, program, folder)
            reloading(cases, server, folder)
            floods(cases, server)
            for number in (signal.SIGTERM, signal.SIGINT):
                again = dns_servers.ours(program, folder, PORT + 2, "again")
                os.kill(again.process.pid, number)
                cases.check(f"{number.name} ends it with 0", again.process.wait(5) == 0)
                again.stop()
        finally:
            server.stop()
        cases.check("it ended with 0", server.process.returncode == 0, server.process.returncode)
    print(f"dns-daemon: {cases.count - len(cases.wrong)} of {cases.count}")
    sys.exit(78 if cases.wrong else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What of names leaves the host, in each state of protection: every frame of its only way out is looked at.

Run:  Tests/EndToEnd/dns_leaks.py PROGRAM       needs root, for a network namespace of its own

The way out is an interface that nobody is behind. Questions of every kind are asked in each state; the frames say to which
resolver, and by which transport, something was sent. The state `open` is the control: what never leaves elsewhere leaves
there. Ends with 0, or 78 when something leaves that must not, or does not that should, or 70 without root.
"""
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests/Peers"), str(ROOT / "Tests/EndToEnd"), str(ROOT / "Tests/Lab")]
import dns_servers  # noqa: E402
from capture import Capture, Packet  # noqa: E402
from dns_compliance import Client  # noqa: E402
from dns_forwarding import Cases, question  # noqa: E402

PORT = 5350
# Who is asked for what: (address, port, transport, whether it counts as protected).
RESOLVERS = {
    "plain.example": ("198.51.100.1", 53, "udp", False), "stream.example": ("198.51.100.2", 53, "tcp", False),
    "six.example": ("2001:db8::3", 53, "udp", False), "secure.example": ("198.51.100.4", 853, "tls", True),
    "bound.example": ("198.51.100.5", 53, "udp", True), "corp.internal": ("198.51.100.6", 53, "udp", False),
}
HOME = ["printer", "printer.local", "x.onion", "x.alt", "x.internal", "x.test", "x.invalid", "x.home.arpa", "localhost",
        "4.3.2.10.in-addr.arpa", "1.0.168.192.in-addr.arpa", "9.9.64.100.in-addr.arpa", "_dns.resolver.arpa",
        "8.e.f.ip6.arpa", "node-00001.rustynet", "none.rustynet", "1.0.64.100.in-addr.arpa"]


class Here:
    """The namespace that this process is in."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def ask_everything(client, state):
    """Questions of every kind; the codes of those about the outside and about the mesh."""
    codes = {}
    client.datagrams.settimeout(0.05)
    for name in RESOLVERS:
        for kind in (1, 28, 2, 6, 15, 16, 33, 43, 48, 64, 65, 255, 65_280):
            client.ask(question(f"{state}-{kind}.{name}", kind))
        # From another port: late replies to the first ones come there.
        reply = Client(PORT).ask(question(f"{state}-edns.{name}", edns=(1232, 0x8000, b"")))
        codes[name] = reply.code if reply else None
        client.ask(question(f"{state}-rd.{name}", flags=0))
    for name in HOME:
        for kind in (1, 12, 16, 255):
            client.ask(question(name, kind))
    stream = dns_servers.Streamed("127.0.0.1", PORT)
    stream.socket.settimeout(0.3)
    for name in [*RESOLVERS, *HOME]:
        try:
            stream.ask(question(f"tcp.{name}"))
        except TimeoutError:
            pass
    stream.close()
    return codes, Client(PORT).ask(question("node-00001.rustynet"))


def sent(frames):
    """To whom something was sent: (address, port)."""
    packets = [Packet(frame) for frame in frames]
    return {(one.destination, one.destination_port or int.from_bytes(one.payload[2:4], "big"))
            for one in packets if one.protocol in (socket.IPPROTO_UDP, socket.IPPROTO_TCP)}


def inside(program):
    neighbour = "lladdr 02:00:00:00:00:02 dev out nud permanent"
    for command in ("link set lo up", "link add out type veth peer name far address 02:00:00:00:00:02", "link set out up",
                    "link set far up", "addr add 192.0.2.1/24 dev out", "-6 addr add 2001:db8:1::1/64 dev out nodad",
                    f"neigh add 192.0.2.2 {neighbour}", f"-6 neigh add 2001:db8:1::2 {neighbour}",
                    "route add default via 192.0.2.2", "-6 route add default via 2001:db8:1::2"):
        subprocess.run(["ip", *command.split()], check=True)
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(5))
        upstreams = {}
        for zone, (address, _, transport, _) in RESOLVERS.items():
            upstreams[zone] = {"servers": [address], "transport": transport}
            if transport == "tls":
                upstreams[zone]["name"] = "dns.example"
        upstreams["bound.example"]["interface"] = "out"
        routes = {zone: zone for zone in RESOLVERS} | {".": "plain.example"}
        for state in ("open", "protected", "blocked"):
            server = dns_servers.ours(program, folder, PORT, state, upstreams=upstreams, routes=routes, state=state)
            try:
                with Capture(Here(), "out") as capture:
                    codes, mesh = ask_everything(Client(PORT), state)
                    time.sleep(4 if state == "open" else 0.5)
                    found = sent(capture.stop())
                for zone, (address, port, transport, is_protected) in RESOLVERS.items():
                    may = state == "open" or state == "protected" and is_protected
                    cases.check(f"{state}: {zone} over {transport} is {'asked' if may else 'not asked'}",
                                ((address, port) in found) == may, found)
                    cases.check(f"{state}: {zone} {'waits' if may else 'fails at once'}", codes[zone] == (None if may else 2), codes)
                known = {(address, port) for address, port, _, _ in RESOLVERS.values()}
                cases.check(f"{state}: nobody else hears anything", found <= known, found - known)
                cases.check(f"{state}: the mesh is answered", mesh and mesh.code == 0 and mesh.sections[0])
                if state == "blocked":
                    cases.check("blocked: nothing leaves at all", not found, found)
            finally:
                server.stop()
    print(f"dns-leaks: {cases.count - len(cases.wrong)} of {cases.count}")
    sys.exit(78 if cases.wrong else 0)


if __name__ == "__main__":
    dns_servers.in_own_network(__file__, inside)

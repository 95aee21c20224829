#!/usr/bin/env python3
"""What resolvers may send to rustynetd, and what none of them can do to it or to its clients.

Run:  Tests/EndToEnd/dns_upstreams.py PROGRAM

The resolvers are stubs in this process, on loopback: silent, dead, hostile, or wrong. Ends with 0, or 78 when a case is
wrong.
"""
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Peers"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import dns_servers  # noqa: E402
from dns_compliance import SOA, Client, query  # noqa: E402
from dns_forwarding import Cases, Resolver, address, answer, denial, name_of, question  # noqa: E402

PORT = 5345
FORGED = "203.0.113.66"


def name(text):
    return b"".join(bytes([len(one)]) + one.encode() for one in text.split(".")) + b"\0"


def record(owner, kind, data, ttl=600):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def reply(wire, answers=(), authorities=(), additional=(), flags=0x8180):
    _, end = name_of(wire)
    counts = struct.pack("!HHHHH", flags, 1, len(answers), len(authorities), len(additional))
    return wire[:2] + counts + wire[12:end] + b"".join([*answers, *authorities, *additional])


def slow_to_write(wire):
    """As many names as there is room for, nearly equal in 126 labels: written naively, each is compared with all before."""
    long = [b"\1a" * 120 + bytes([2, 97, last]) + b"\0" for last in b"bc"]
    first, second = (record(b"\xc0\x0c", 5, one) for one in long)
    place = name_of(wire)[1] + len(first) + 12
    more = [record(struct.pack("!H", 0xc000 | place), 2, struct.pack("!H", 0xc000 | place))] * 4500
    return reply(wire, [first, second, *more])


class Wrong(Resolver):
    """Answers by the first label, mostly wrong."""

    def reply(self, wire, way):
        text, end = name_of(wire)
        self.seen.append((text, way, wire))
        own, soa = b"\xc0\x0c", b"\0" + struct.pack("!HHIH", 6, 1, 9000, 22) + b"\0\0" + struct.pack("!IIIII", 1, 2, 3, 4, 300)
        good = record(own, 1, socket.inet_aton("198.51.100.1"))
        forged = socket.inet_aton(FORGED)
        match text.split(".")[0]:
            case "gone": return [denial(wire)]
            case "type0": return [denial(wire, 0)]
            case "referral": return [reply(wire, authorities=[record(b"\0", 2, name("ns.example.net"))],
                                           additional=[record(name("ns.example.net"), 1, forged)])]
            case "alias": return [reply(wire, [record(own, 5, name("www.example.net")),
                                               record(name("www.example.net"), 1, socket.inet_aton("198.51.100.1"))])]
            case "mesh": return [reply(wire, [record(own, 5, name("node-00001.rustynet")),
                                              record(name("node-00001.rustynet"), 1, forged)])]
            case "meshgone": return [reply(wire, [record(own, 5, name("node-00001.rustynet"))], flags=0x81a3)]
            case "circle": return [reply(wire, [record(own, 5, name("b.example.net")),
                                                record(name("b.example.net"), 5, wire[12:end - 4])])]
            case "stray": return [reply(wire, [good, record(name("bank.example"), 1, forged)],
                                        [record(b"\0", 2, name("bank.example"))], [record(name("bank.example"), 1, forged)])]
            case "years": return [reply(wire, [record(own, 1, socket.inet_aton("198.51.100.1"), 0x7fffffff)])]
            case "denied": return [reply(wire, authorities=[soa], flags=0x8183)]
            case "empty": return [b"", b"", answer(wire)]
            case "short": return [wire[:11], wire[:1], answer(wire)]
            case "question": return [answer(wire, FORGED, flags=0x0100)]
            case "othertype": return [answer(wire[:end - 4] + b"\0\x1c\0\1", FORGED)]
            case "otherclass": return [answer(wire[:end - 4] + b"\0\1\0\3", FORGED)]
            case "cut": return [reply(wire, flags=0x8380)]
            case "notimp": return [reply(wire, flags=0x8184)]
            case "slow" if way != "udp": return [slow_to_write(wire)]
            case "silent": return []
        return [answer(wire)]


class Dead(Wrong):
    """The first connection takes questions and never answers; later ones answer."""

    connections = 0

    def serve_stream(self, connection):
        self.connections += 1
        if self.connections == 1:
            while connection.recv(4096):
                pass
            return
        super().serve_stream(connection)


class Garbage(Wrong):
    """Sends without end what nobody asked for."""

    def serve_stream(self, connection):
        try:
            while True:
                connection.sendall((b"\0\x20" + bytes(32)) * 4096)
        except OSError:
            pass


class Reset(Wrong):
    """Ends each connection with a reset as soon as it is there."""

    def serve_stream(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def answers(cases, ask, plain):
    """What of a resolver's answer reaches a client."""
    cases.check("a good answer", address(ask(question("www.example.com"))) == ["198.51.100.1"])
    alias = ask(question("alias.example.com"))
    cases.check("an alias and its target", [one[0] for one in alias.sections[0]] == [5, 1])
    mesh = ask(question("mesh.example.com"))
    cases.check("an alias to the mesh leads there, and nobody else says where that is",
                [one[0] for one in mesh.sections[0]] == [5, 1] and address(mesh) == ["100.64.0.2"], mesh.sections)
    gone = ask(question("meshgone.example.com"))
    cases.check("nor whether it is there", gone.code == 0 and address(gone) == ["100.64.0.2"], gone.sections)
    cases.check("the mesh itself answers", address(ask(question("node-00001.rustynet"))) == ["100.64.0.2"])
    cases.check("a circle of aliases", [one[0] for one in ask(question("circle.example.com")).sections[0]] == [5, 5])
    stray = ask(question("stray.example.com"))
    cases.check("records of other names are left out", [len(one) for one in stray.sections] == [1, 0, 0]
                and address(stray) == ["198.51.100.1"], stray.sections)
    years = ask(question("years.example.com"))
    cases.check("nobody keeps an answer for years", years.sections[0][0][1] == 86_400, years.sections)
    ask(question("denied.example.com"))
    time.sleep(1.1)
    denied = ask(question("denied.example.com"))
    cases.check("a denial counts down from what its SOA record says", denied.code == 3
                and 290 <= denied.sections[1][0][1] < 300, denied.sections)
    cases.check("a referral is no answer", ask(question("referral.example.com", edns=(1232, 0, b""))).code == 2)
    cases.check("nor is NOTIMP", ask(question("notimp.example.com")).code == 2)
    cases.check("nor a cut answer over TCP", ask(question("cut.example.com")).code == 2)


def cuts(cases, ask, office):
    """What one resolver denies is nothing about another's names, nor about types."""
    cases.check("a name that is gone", ask(question("gone.example.org", 15)).code == 3)
    cases.check("what is below it", ask(question("x.gone.example.org")).code == 3)
    cases.check("but not what another resolver has below it", address(ask(question("wiki.lan.gone.example.org"))) == ["198.51.100.1"]
                and office.asked("wiki.lan.gone.example.org"))
    cases.check("a type without records", ask(question("type0.example.org", 0)).code == 0)
    cases.check("says nothing of the names below", address(ask(question("x.type0.example.org"))) == ["198.51.100.1"])


def datagrams(cases, client, plain):
    """What is not the reply is not believed, and the reply is waited for."""
    client.datagrams.settimeout(1)
    for label in ("empty", "short"):
        cases.check(f"{label} datagrams before the reply", address(client.ask(question(f"{label}.example.com"))) == ["198.51.100.1"]
                    and len(plain.asked(f"{label}.example.com")) == 1)
    client.datagrams.settimeout(8)
    for label in ("question", "othertype", "otherclass"):
        found = client.ask(question(f"{label}.example.com"))
        cases.check(f"the wrong {label} is not the reply", found.code == 2 and not found.sections[0])


def single(cases, ask, plain):
    """Leak case D6: of a single label nothing is asked but what a zone of the internet has."""
    for kind in (1, 15, 16, 28, 33, 65, 255, 65_280):
        found = ask(question("printer", kind))
        cases.check(f"printer, type {kind}, stays at home", found.code == 0 and not found.sections[0] and not plain.asked("printer"))
    ask(question("com", 2))
    cases.check("the servers of a zone are asked for", plain.asked("com"))


def patience(cases, client, dead):
    """Connections that are dead, or say without end what nobody asked for."""
    client.datagrams.settimeout(8)
    begin = time.monotonic()
    cases.check("a dead connection is given up", address(client.ask(question("a.dead.example"))) == ["198.51.100.1"])
    cases.check("after three seconds", 2.5 < time.monotonic() - begin < 5.5, time.monotonic() - begin)
    begin = time.monotonic()
    cases.check("and not used again", address(client.ask(question("b.dead.example"))) == ["198.51.100.1"]
                and time.monotonic() - begin < 2)
    for label in ("garbage", "slow"):
        waits = threading.Thread(target=Client(PORT).ask, args=(question(f"slow.{label}.example"),))
        waits.start()
        longest = 0
        for _ in range(100):
            begin = time.monotonic()
            found = client.ask(query(0, None, SOA))
            longest = max(longest, time.monotonic() - begin)
            if not found:
                break
            time.sleep(0.005)
        waits.join()
        cases.check(f"{label}: the mesh is answered beside it", found and longest < 1, longest)
    client.datagrams.settimeout(15)
    for label in ("reset", "closed"):
        cases.check(f"{label}: SERVFAIL", client.ask(question(f"x.{label}.example")).code == 2)
    begin = time.monotonic()
    cases.check("the second server is asked where the first is closed",
                address(client.ask(question("x.second.example"))) == ["198.51.100.1"] and time.monotonic() - begin < 1)
    plain = client.ask(question("silent.example.com"))
    cases.check("silence ends in SERVFAIL", plain.code == 2)


def crowd(cases):
    """One source that asks a silent resolver leaves room for others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        flood.bind(("127.0.0.7", 0))
        other.bind(("127.0.0.8", 0))
        other.settimeout(3)
        for number in range(200):
            flood.sendto(question(f"silent.n{number}.example.com"), ("127.0.0.1", PORT))
        time.sleep(0.1)
        other.sendto(question("beside.example.com"), ("127.0.0.1", PORT))
        found = other.recv(4096)
        cases.check("another source is served beside one that waits for a silent resolver", found[3] & 15 == 0)


def circle(cases, program, folder):
    """Two servers that ask each other end soon, and say so."""
    one = dns_servers.ours(program, folder, PORT, "one", upstreams={"x": {"servers": [f"127.0.0.1:{PORT + 1}"]}}, routes={".": "x"})
    two = dns_servers.ours(program, folder, PORT + 1, "two", upstreams={"x": {"servers": [f"127.0.0.1:{PORT}"]}}, routes={".": "x"})
    try:
        client = Client(PORT)
        client.datagrams.settimeout(10)
        before = one.cpu() + two.cpu()
        found = client.ask(question("www.example.com"))
        cases.check("a circle ends in SERVFAIL", found.code == 2)
        cases.check("without work", one.cpu() + two.cpu() - before < 0.3)
    finally:
        one.stop()
        two.stop()


def main():
    program = sys.argv[1]
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as folder_name:
        folder = pathlib.Path(folder_name)
        dns_servers.write_zones(folder, dns_servers.nodes(5))
        stubs = {"plain": Wrong(), "office": Wrong(), "dead": Dead(), "garbage": Garbage(), "slow": Wrong(), "reset": Reset()}
        upstreams = {label: {"servers": [f"127.0.0.1:{one.port}"]} for label, one in stubs.items()}
        for label in ("dead", "garbage", "slow", "reset"):
            upstreams[label]["transport"] = "tcp"
        upstreams["closed"] = {"servers": ["127.0.0.1:1"]}
        upstreams["second"] = {"servers": ["127.0.0.1:1", f"127.0.0.1:{stubs['plain'].port}"]}
        routes = {".": "plain", "lan.gone.example.org": "office"}
        routes |= {f"{label}.example": label for label in ("dead", "garbage", "slow", "reset", "closed", "second")}
        server = dns_servers.ours(program, folder, PORT, upstreams=upstreams, routes=routes,
                                  limits={"rate": 0, "waiting": 100, "waiting-per-source": 50})
        try:
            client = Client(PORT)
            client.datagrams.settimeout(8)
            answers(cases, client.ask, stubs["plain"])
            cuts(cases, client.ask, stubs["office"])
            datagrams(cases, client, stubs["plain"])
            single(cases, client.ask, stubs["plain"])
            patience(cases, client, stubs["dead"])
            crowd(cases)
            cases.check("it is still running", server.process.poll() is None)
        finally:
            server.stop()
        circle(cases, program, folder)
    print(f"dns-upstreams: {cases.count - len(cases.wrong)} of {cases.count}")
    sys.exit(78 if cases.wrong else 0)


if __name__ == "__main__":
    main()

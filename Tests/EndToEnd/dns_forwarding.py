#!/usr/bin/env python3
"""How rustynetd asks resolvers: over UDP, TCP and TLS, what it sends, what it believes, and what never leaves.

Run:  Tests/EndToEnd/dns_forwarding.py PROGRAM

The resolvers are stubs in this process, on loopback. Ends with 0, or 78 when a case is wrong, or 70 without openssl.
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Peers"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import dns_servers  # noqa: E402
from dns_compliance import COOKIE, ECS, Client, Reply  # noqa: E402

PORT = 5360


def name_of(wire):
    labels, at = [], 12
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]])
        at += 1 + wire[at]
    return b".".join(labels).decode().lower(), at + 5


def question(name, kind=1, flags=0x0100, edns=None):
    wire = struct.pack("!HHHHHH", 0x4242, flags, 1, 0, 0, 1 if edns else 0)
    wire += b"".join(bytes([len(one)]) + one.encode() for one in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
    if edns:
        wire += struct.pack("!BHHBBHH", 0, 41, edns[0], 0, 0, edns[1], len(edns[2])) + edns[2]
    return wire


def answer(query, address="198.51.100.1", ttl=600, flags=0x8180, count=1):
    _, end = name_of(query)
    record = b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", ttl, 4) + socket.inet_aton(address)
    # The OPT record of the reply must not reach the client.
    opt = b"\0\0\x29\4\xd0\0\0\0\0\0\0"
    return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 1) + query[12:end] + record * count + opt


def denial(query, code=3):
    _, end = name_of(query)
    soa = b"\0\0\6\0\1\0\0\x0e\x10\0\x16\0\0" + struct.pack("!IIIII", 1, 2, 3, 4, 300)
    return query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 0, 1, 0) + query[12:end] + soa


class Resolver:
    """Answers by the first label of the name; keeps what it was asked, and how."""

    def __init__(self, tls=None, address="127.0.0.1"):
        self.seen, self.ports = [], []
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((address, 0))
        self.port = self.datagrams.getsockname()[1]
        self.listener = socket.create_server((address, self.port), backlog=16)
        self.tls = tls
        threading.Thread(target=self.serve_datagrams, daemon=True).start()
        threading.Thread(target=self.serve_streams, daemon=True).start()

    def reply(self, query, way):
        name, end = name_of(query)
        self.seen.append((name, way, query))
        first = name.split(".")[0]
        match first:
            case "silent": return []
            case "cut" if way == "udp": return [query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + query[12:end]]
            case "fails": return [query[:2] + b"\x81\x82\0\1\0\0\0\0\0\0" + query[12:end]]
            case "gone": return [denial(query)]
            case "nodata": return [denial(query, 0)]
            case "authentic": return [answer(query, flags=0x81a0)]
            case "old" if len(query) > end:
                return [query[:2] + b"\x81\x81\0\0\0\0\0\0\0\0"]
            case "lower" if way == "udp":
                return [answer(query[:12] + query[12:end - 4].lower() + query[end - 4:])]
            case "forged":
                # Guesses first, the truth last: other identifiers, another name.
                return [answer(bytes([query[0] ^ 1]) + query[1:], "203.0.113.66"),
                        answer(query[:13] + b"x" + query[14:], "203.0.113.66"), answer(query)]
            case "broken": return [query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + b"\xc0\xff\0\1"]
            case "large" if way == "udp": return [query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + query[12:end]]
            case "large": return [answer(query, count=200)]
            case "short": return [answer(query, ttl=1)]
        return [answer(query)]

    def serve_datagrams(self):
        while True:
            query, peer = self.datagrams.recvfrom(4096)
            self.ports.append(peer[1])
            for reply in self.reply(query, "udp"):
                self.datagrams.sendto(reply, peer)

    def serve_streams(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve_stream, args=(connection,), daemon=True).start()

    def serve_stream(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while True:
                head = connection.recv(2, socket.MSG_WAITALL) if not self.tls else connection.recv(2)
                if len(head) < 2:
                    return
                query = b""
                while len(query) < struct.unpack("!H", head)[0]:
                    query += connection.recv(struct.unpack("!H", head)[0] - len(query))
                for reply in self.reply(query, "tls" if self.tls else "tcp"):
                    connection.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            pass

    def asked(self, name):
        return [one for one in self.seen if one[0] == name]


def certificate(folder, name):
    """A key and a certificate for `name`, and the pin of the key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", folder / f"{name}.key", "-pubout", "-outform", "DER"], check=True,
                            capture_output=True).stdout
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context, base64.b64encode(hashlib.sha256(public).digest()).decode()


class Cases:
    def __init__(self):
        self.wrong, self.count = [], 0

    def check(self, text, holds, found=""):
        self.count += 1
        if not holds:
            self.wrong.append(text)
            print(f"wrong: {text} {found}")


def address(reply):
    return [socket.inet_ntoa(one[2]) for one in reply.sections[0] if one[0] == 1] if reply else None


def plain(cases, client, resolver):
    """Over UDP, and what falls back to TCP."""
    ask = client.ask
    edns = (1232, 0x8000, ECS + COOKIE + struct.pack("!HH", 65001, 2) + b"hi")
    reply = ask(question("WwW.Example.COM", edns=edns))
    cases.check("an address from outside", address(reply) == ["198.51.100.1"])
    cases.check("the client's case comes back", reply.questions[0][:17] == b"\3WwW\7Example\3COM\0")
    cases.check("RA, and AA is not ours", reply.flags & 0x0480 == 0x0080)
    cases.check("the OPT record is ours", reply.opt[0] == 1232 and set(reply.options()) == {10})
    sent = resolver.asked("www.example.com")[0][2]
    cases.check("no subnet, no cookie, no unknown option leaves", len(sent) == name_of(sent)[1] + 11)
    cases.check("DO leaves, RD and AD are set", sent[-4] & 0x80 and sent[2] == 1 and sent[3] & 0x20)
    names = [ask(question(f"host-with-a-long-name-{n}.example.com")) and resolver.seen[-1][2] for n in range(40)]
    cases.check("letters have random case", any(one[12:40] != one[12:40].lower() for one in names))
    cases.check("ports are random", len(set(resolver.ports[-40:])) > 35 and max(resolver.ports) > 32768)
    cases.check("identifiers are random", len({one[:2] for one in names}) > 35)
    again = ask(question("www.example.com", edns=(1232, 0x8000, b"")))
    cases.check("kept", len(resolver.asked("www.example.com")) == 1 and address(again) == ["198.51.100.1"])
    ask(question("www.example.com"))
    cases.check("another DO is another question", len(resolver.asked("www.example.com")) == 2)
    cases.check("cut answers come over TCP", address(ask(question("cut.example.com"))) == ["198.51.100.1"]
                and [one[1] for one in resolver.asked("cut.example.com")] == ["udp", "tcp"])
    cases.check("a server that loses the case is asked over TCP", address(ask(question("lower.example.com"))) == [
        "198.51.100.1"] and [one[1] for one in resolver.asked("lower.example.com")] == ["udp", "tcp"])
    cases.check("forged replies are not believed", address(ask(question("forged.example.com"))) == ["198.51.100.1"])
    cases.check("a server without EDNS", address(ask(question("old.example.com"))) == ["198.51.100.1"])
    large = ask(question("large.example.com"))
    cases.check("too large for a datagram: TC", large.flags & 0x0200 and not large.sections[0])
    cases.check("and whole over TCP", len(ask(question("large.example.com"), True).sections[0]) == 200)
    authentic = ask(question("authentic.example.com", flags=0x0120))
    cases.check("AD over UDP is not believed", authentic.flags & 0x0020 == 0)
    checking = ask(question("cd.example.com", flags=0x0110))
    cases.check("CD comes back and leaves", checking.flags & 0x0010 and resolver.asked("cd.example.com")[0][2][3] & 0x10)
    ask(question("short.example.com"))
    time.sleep(1.2)
    ask(question("short.example.com"))
    cases.check("a second is over after a second", len(resolver.asked("short.example.com")) == 2)


def denials(cases, client, resolver):
    ask = client.ask
    gone = ask(question("gone.example.com"))
    cases.check("a denial has its SOA record", gone.code == 3 and [one[0] for one in gone.sections[1]] == [6])
    below = ask(question("a.b.gone.example.com"))
    cases.check("nothing is below what does not exist (RFC 8020)",
                below.code == 3 and not resolver.asked("a.b.gone.example.com") and below.sections[1])
    nodata = ask(question("nodata.example.com"))
    cases.check("no data", nodata.code == 0 and not nodata.sections[0] and nodata.sections[1])
    client.datagrams.settimeout(12)
    for name, code in (("fails", 22), ("broken", 24)):
        reply = ask(question(f"{name}.example.com", edns=(1232, 0, b"")))
        cases.check(f"{name}: SERVFAIL with the reason", reply and reply.code == 2 and reply.options()[15][:2] == bytes([0, code]),
                    reply and (reply.code, reply.options()))
        count = len(resolver.asked(f"{name}.example.com"))
        ask(question(f"{name}.example.com"))
        cases.check(f"{name}: not asked again at once (RFC 9520)", len(resolver.asked(f"{name}.example.com")) == count)
    silent = ask(question("silent.example.com", edns=(1232, 0, b"")))
    cases.check("a silent resolver ends in SERVFAIL", silent and silent.code == 2 and 15 in silent.options())
    client.datagrams.settimeout(0.5)


HOME = ["printer.local", "x.onion", "x.alt", "x.internal", "x.test", "x.invalid", "x.home.arpa", "1.0.0.10.in-addr.arpa",
        "1.1.168.192.in-addr.arpa", "1.0.16.172.in-addr.arpa", "9.9.64.100.in-addr.arpa", "printer", "_dns.resolver.arpa"]


def home(cases, client, resolver):
    for name in HOME:
        reply = client.ask(question(name))
        cases.check(f"{name} stays at home", reply and not resolver.asked(name) and not reply.sections[0])
    cases.check("localhost", address(client.ask(question("foo.localhost"))) == ["127.0.0.1"])
    cases.check("RD=0 asks nobody", client.ask(question("rd0.example.com", flags=0)).code == 5
                and not resolver.asked("rd0.example.com"))


def split(cases, client, resolver, office):
    cases.check("split: the longest route wins", address(client.ask(question("wiki.corp.example"))) == ["198.51.100.1"]
                and office.asked("wiki.corp.example") and not resolver.asked("wiki.corp.example"))
    cases.check("split: a route for a special name", client.ask(question("nas.corp.internal")).code == 0
                and office.asked("nas.corp.internal"))
    cases.check("the mesh is answered", address(client.ask(question("node-00001.rustynet"))) == ["100.64.0.2"])


def main():
    if not shutil.which("openssl"):
        print("not-run: openssl is not here")
        sys.exit(70)
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(5))
        tls, pin = certificate(folder, "dns.example")
        resolver, office, secure = Resolver(), Resolver(), Resolver(tls)
        upstreams = {
            "plain": {"servers": [f"127.0.0.1:{resolver.port}"]},
            "office": {"servers": [f"127.0.0.1:{office.port}"], "transport": "tcp"},
            "secure": {"servers": [f"127.0.0.1:{secure.port}"], "transport": "tls", "name": "dns.example",
                       "roots": str(folder / "dns.example.pem"), "pins": [pin]},
        }
        routes = {".": "plain", "corp.example": "office", "corp.internal": "office", "secure.example": "secure"}
        names = {"wrong-name": {"name": "other.example"}, "wrong-pin": {"pins": [base64.b64encode(bytes(32)).decode()]},
                 "unknown-root": {"roots": "/etc/ssl/certs/ca-certificates.crt"}}
        for label, change in names.items():
            upstreams[label] = upstreams["secure"] | change
            routes[f"{label}.example"] = label
        settings = {"upstreams": upstreams, "routes": routes}
        server = dns_servers.ours(sys.argv[1], folder, PORT, **settings)
        try:
            client = Client(PORT)
            client.datagrams.settimeout(4)
            plain(cases, client, resolver)
            denials(cases, client, resolver)
            client.datagrams.settimeout(4)
            home(cases, client, resolver)
            split(cases, client, resolver, office)
            reply = client.ask(question("authentic.secure.example", flags=0x0120))
            cases.check("over TLS", address(reply) == ["198.51.100.1"])
            cases.check("AD over TLS is believed", reply and reply.flags & 0x0020)
            sent = secure.seen[-1][2] if secure.seen else b""
            cases.check("padded to 128 octets", sent and len(sent) % 128 == 0, len(sent))
            client.datagrams.settimeout(15)
            for label in names:
                before = len(secure.seen)
                reply = client.ask(question(f"x.{label}.example", edns=(1232, 0, b"")))
                cases.check(f"{label}: nothing is said, SERVFAIL", reply and reply.code == 2 and len(secure.seen) == before)
            client.datagrams.settimeout(4)
            for state in ("protected", "blocked"):
                path = folder / "rustynetd.json"
                path.write_text(json.dumps(json.loads(path.read_text()) | {"state": state}))
                os.kill(server.process.pid, signal.SIGHUP)
                time.sleep(0.5)
                before = len(resolver.seen), len(secure.seen), len(office.seen)
                reply = client.ask(question(f"{state}.example.com", edns=(1232, 0, b"")))
                kept = client.ask(question("www.example.com", edns=(1232, 0, b"")))
                cases.check(f"{state}: a plain resolver is not asked", reply.code == 2 and reply.options()[15][:2] == b"\0\x17"
                            and kept.code == 2 and len(resolver.seen) == before[0])
                secured = client.ask(question(f"{state}.secure.example"))
                cases.check(f"{state}: TLS", (secured.code == 0) == (state == "protected")
                            and (len(secure.seen) > before[1]) == (state == "protected"))
                cases.check(f"{state}: the mesh is answered", address(client.ask(question("node-00001.rustynet"))) == ["100.64.0.2"])
                if state == "blocked":
                    local = client.ask(question("x.local"))
                    cases.check("blocked: everything else fails", local.code == 2)
                    cases.check("blocked: nothing left", (len(resolver.seen), len(secure.seen), len(office.seen)) == before)
            cases.check("it is still running", server.process.poll() is None)
        finally:
            server.stop()
    print(f"dns-forwarding: {cases.count - len(cases.wrong)} of {cases.count}")
    sys.exit(78 if cases.wrong else 0)


if __name__ == "__main__":
    main()

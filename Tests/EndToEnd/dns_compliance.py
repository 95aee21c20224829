#!/usr/bin/env python3
"""How rustynetd behaves to what clients may send: the cases that ISC's EDNS compliance checker knows, and RFC 8906's.

Run:  Tests/EndToEnd/dns_compliance.py PROGRAM

The server answers a zone on loopback. Each case is a message and what the reply must be; the facts are those of
mesh.md 4.2 and RFC 8906, 8. Prints a line for each case that is wrong, and at the end how many of each group are right.
Ends with 0, or with 78 when one is wrong.
"""
import pathlib
import socket
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Peers"))
import dns_servers  # noqa: E402

ZONE = b"\x08rustynet\0"
COOKIE = struct.pack("!HH", 10, 8) + b"\1\2\3\4\5\6\7\x08"
NSID, ECS, EXPIRE = struct.pack("!HH", 3, 0), bytes.fromhex("0008000400010000"), struct.pack("!HH", 9, 0)
UNKNOWN = struct.pack("!HH", 100, 0)
SOA, DNSKEY = 6, 48

# name: (flags of the query, EDNS: None or (size, flags, version, options), type, is TCP)
PLAIN = {
    "dns": (0, None, SOA, False),
    "edns": (0, (4096, 0, 0, b""), SOA, False),
    "edns1": (0, (4096, 0, 1, b""), SOA, False),
    "edns@512": (0, (512, 0, 0, b""), DNSKEY, False),
    "ednsopt": (0, (4096, 0, 0, UNKNOWN), SOA, False),
    "edns1opt": (0, (4096, 0, 1, UNKNOWN), SOA, False),
    "do": (0, (4096, 0x8000, 0, b""), SOA, False),
    "ednsflags": (0, (4096, 0x0080, 0, b""), SOA, False),
    "optlist": (0, (4096, 0, 0, NSID + ECS + EXPIRE + COOKIE), SOA, False),
    "ednstcp": (0, (512, 0x8000, 0, b""), DNSKEY, True),
    "aa": (0x0400, None, SOA, False),
    "ad": (0x0020, None, SOA, False),
    "cd": (0x0010, None, SOA, False),
    "ra": (0x0080, None, SOA, False),
    "rd": (0x0100, None, SOA, False),
    "tc": (0x0200, None, SOA, False),
    "zflag": (0x0040, None, SOA, False),
    "opcode": (15 << 11, None, None, False),
    "opcodeflg": (15 << 11 | 0x07f0, None, None, False),
    "type666": (0, None, 666, False),
    "tcp": (0, None, SOA, True),
    "docd": (0x0010, (4096, 0x8000, 0, b""), SOA, False),
    "edns1do": (0, (4096, 0x8000, 1, b""), SOA, False),
    "ednsnsid": (0, (4096, 0, 0, NSID), SOA, False),
    "ednscookie": (0, (4096, 0, 0, COOKIE), SOA, False),
    "ednsexpire": (0, (4096, 0, 0, EXPIRE), SOA, False),
    "ednssubnet": (0, (4096, 0, 0, ECS), SOA, False),
    "edns1nsid": (0, (4096, 0, 1, NSID), SOA, False),
    "edns1cookie": (0, (4096, 0, 1, COOKIE), SOA, False),
    "edns1expire": (0, (4096, 0, 1, EXPIRE), SOA, False),
    "edns1subnet": (0, (4096, 0, 1, ECS), SOA, False),
    "bind11": (0, (4096, 0x8000, 0, COOKIE), SOA, False),
    "dig11": (0x0120, (4096, 0, 0, COOKIE), SOA, False),
}
TYPES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
         33, 35, 36, 37, 38, 39, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 55, 59, 60, 61, 99, 104, 105, 106, 107,
         108, 109, 256, 257, 258, 259, 32769, 1000]


def query(flags, edns, kind):
    if kind is None:
        return struct.pack("!HHHHHH", 0x4242, flags, 0, 0, 0, 0)
    message = struct.pack("!HHHHHH", 0x4242, flags, 1, 0, 0, 1 if edns else 0) + ZONE + struct.pack("!HH", kind, 1)
    if edns:
        size, bits, version, options = edns
        message += struct.pack("!BHHBBHH", 0, 41, size, 0, version, bits, len(options)) + options
    return message


class Reply:
    """A reply taken apart; anything odd raises."""

    def __init__(self, wire):
        self.wire = wire
        self.id, self.flags, *counts = struct.unpack("!HHHHHH", wire[:12])
        self.code, at = self.flags & 15, 12
        self.questions, self.sections, self.opt = [], [[], [], []], None
        for _ in range(counts[0]):
            end = wire.index(b"\0", at) + 5
            self.questions.append(wire[at:end])
            at = end
        for section in range(3):
            for _ in range(counts[section + 1]):
                while wire[at] and wire[at] < 0xc0:
                    at += 1 + wire[at]
                at += 2 if wire[at] else 1
                kind, rclass, ttl, length = struct.unpack("!HHIH", wire[at:at + 10])
                data = wire[at + 10:at + 10 + length]
                assert len(data) == length
                at += 10 + length
                if kind == 41:
                    assert section == 2 and self.opt is None
                    self.opt = (rclass, ttl, data)
                    self.code |= ttl >> 24 << 4
                else:
                    self.sections[section].append((kind, ttl, data))
        assert at == len(wire), "octets follow"

    def options(self):
        found, at, data = {}, 0, self.opt[2] if self.opt else b""
        while at < len(data):
            code, length = struct.unpack("!HH", data[at:at + 4])
            found[code] = data[at + 4:at + 4 + length]
            at += 4 + length
        assert at == len(data)
        return found


class Client:
    def __init__(self, port):
        self.port = port
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.settimeout(0.5)

    def ask(self, message, is_tcp=False):
        """The reply, or None where there is none."""
        if is_tcp:
            stream = dns_servers.Streamed("127.0.0.1", self.port)
            reply = stream.ask(message)
            stream.close()
            return reply and Reply(reply)
        self.datagrams.sendto(message, ("127.0.0.1", self.port))
        try:
            return Reply(self.datagrams.recv(65536))
        except TimeoutError:
            return None


def faults(name, reply, case):
    """What is wrong with the reply to a case of the checker."""
    flags, edns, kind, is_tcp = case
    version = edns[2] if edns else 0
    if reply is None:
        return ["no reply"]
    wrong = []

    def need(holds, text):
        if not holds:
            wrong.append(text)

    need(reply.id == 0x4242 and reply.flags & 0x8000, "no reply to this")
    need(reply.flags & 0x7800 == flags & 0x7800, "another operation")
    options = reply.options()
    if kind is None:
        need(reply.code == 4, f"code {reply.code}, not NOTIMP")
        need(not reply.questions and not any(reply.sections) and not reply.opt, "not a header alone")
        need(reply.flags & 0x07f0 == 0, f"flags {reply.flags:04x}")
        return wrong
    need(reply.code == (16 if version else 0), f"code {reply.code}")
    need(bool(reply.opt) == bool(edns), "OPT where none was, or none where one was")
    if reply.opt:
        need(reply.opt[1] >> 16 & 0xff == 0, "version of OPT")
        need(reply.opt[1] & 0x7fff == 0, "reserved bits of OPT")
        need(bool(reply.opt[1] & 0x8000) == bool(edns[1] & 0x8000), "DO is not as it was")
    has_soa = any(one[0] == SOA for one in reply.sections[0])
    need(has_soa == (kind == SOA and version == 0), "SOA record")
    if version == 0:
        need(reply.flags & 0x0400, "not authoritative")
        if kind != SOA:
            need([one[0] for one in reply.sections[1]] == [SOA], "a denial without its SOA record")
    need(bool(reply.flags & 0x0100) == bool(flags & 0x0100), "RD is not as it was")
    need(reply.flags & 0x0040 == 0, "Z")
    need(reply.flags & 0x0020 == 0, "AD")
    need(reply.flags & 0x0010 == 0, "CD")
    need(reply.flags & 0x0200 == 0 or kind == DNSKEY, "TC")
    need(100 not in options and 8 not in options and 9 not in options, "an option comes back")
    if edns and COOKIE in edns[3] and version == 0:
        need(len(options.get(10, b"")) == 24 and options[10][:8] == COOKIE[4:], "cookie")
    if name == "edns@512":
        need(len(reply.wire) <= 512, "too long")
    return wrong


def further(client):
    """RFC 8906 and others, beyond the checker: (name, what is wrong)."""
    base = query(0, None, SOA)
    ask = client.ask
    rd = query(0x0100, (1232, 0, 0, b""), SOA)
    cases = {
        "a reply is not answered": ask(b"\x42\x42\x80" + base[3:]) is None,
        "eleven octets are not answered": ask(base[:11]) is None,
        "two questions": ask(base[:5] + b"\2" + base[6:] + base[12:]).code == 1,
        "no question": ask(base[:5] + b"\0" + base[6:12]).code == 1,
        "no question but a cookie": (lambda one: one.code == 0 and len(one.options()[10]) == 24)(
            ask(struct.pack("!HHHHHH", 1, 0, 0, 0, 0, 1) + query(0, (1232, 0, 0, COOKIE), SOA)[26:])),
        "octets behind the message": ask(base + b"\0").code == 1,
        "an answer in the question": ask(base[:7] + b"\1" + base[8:]).code == 1,
        "a cut question": ask(base[:-2]).code == 1,
        "two OPT records": ask(rd[:11] + b"\2" + rd[12:] + rd[26:]).code == 1,
        "an OPT record that is not the root's": ask(rd[:26] + b"\1a" + rd[26:]).code == 1,
        "an option longer than its record": ask(query(0, (1232, 0, 0, b"\0\x0a\0\x20\1"), SOA)).code == 1,
        "a cookie of nine octets": ask(query(0, (1232, 0, 0, b"\0\x0a\0\x09" + bytes(9)), SOA)).code == 1,
        "class CHAOS": ask(base[:-1] + b"\3").code == 5,
        "a transfer": ask(query(0, None, 252), True).code == 5,
        "notify, update": all(ask(struct.pack("!HH", 1, code << 11) + base[4:]).code == 4 for code in (4, 5)),
        "case comes back": ask(base[:12] + b"\x08RusTyNet\0" + base[22:]).questions == [b"\x08RusTyNet\0\0\6\0\1"],
        "keepalive over TCP": ask(query(0, (1232, 0, 0, b"\0\x0b\0\0"), SOA), True).options().get(11) == b"\0\x64",
        "no keepalive over UDP": 11 not in ask(query(0, (1232, 0, 0, b"\0\x0b\0\0"), SOA)).options(),
        "no padding in the clear": 12 not in ask(query(0, (1232, 0, 0, b"\0\x0c\0\4\0\0\0\0"), SOA)).options(),
        "a cookie is taken again": (lambda one: ask(query(0, (1232, 0, 0, b"\0\x0a\0\x18" + one), SOA)).options()[10] == one)(
            ask(query(0, (1232, 0, 0, COOKIE), SOA)).options()[10]),
        "outside is refused, with the reason": (lambda one: one.code == 5 and one.options()[15][:2] == b"\0\x14")(
            ask(rd[:12] + b"\7example\0" + rd[22:])),
    }
    many = ask(b"\x42\x42\0\0\0\1" + bytes(6) + b"\x36many" + 50 * b"m" + ZONE + b"\0\x1c\0\1")
    cases["sixteen addresses do not fit 512 octets"] = many.flags & 0x0200 and not many.sections[0] and len(many.wire) <= 512
    large = ask(b"\x42\x42\0\0\0\1\0\0\0\0\0\1\x36many" + 50 * b"m" + ZONE + b"\0\x1c\0\1" + query(0, (4096, 0, 0, b""), SOA)[26:])
    cases["but fit 1232"] = not large.flags & 0x0200 and len(large.sections[0]) == 16 and large.opt[0] == 1232
    stream = dns_servers.Streamed("127.0.0.1", client.port)
    count = 500
    stream.socket.sendall(b"".join(struct.pack("!HH", len(base), n) + base[2:] for n in range(count)))
    seen = set()
    while len(seen) < count and (reply := stream.ask(base)) is not None:
        seen.add(struct.unpack("!H", reply[:2])[0])
    cases["five hundred questions in one go"] = len(seen - {0x4242}) >= count - 1
    stream.close()
    return cases


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        items = dns_servers.nodes(20) + [
            {"name": "many" + 50 * "m", "addresses": [f"fd7a:115c:a1e0:9::{n}" for n in range(1, 17)]}]
        dns_servers.write_zones(folder, items)
        server = dns_servers.ours(program, folder, 5380)
        try:
            client = Client(5380)
            bad = {case: faults(case, client.ask(query(*PLAIN[case][:3]), PLAIN[case][3]), PLAIN[case]) for case in PLAIN}
            kinds = {f"TYPE{kind}": faults("type", client.ask(query(0, None, kind)), (0, None, kind, False))
                     for kind in TYPES if kind != 2}
            # The zone has NS records, so this one is an answer.
            kinds["TYPE2"] = [] if [one[0] for one in client.ask(query(0, None, 2)).sections[0]] == [2] else ["no NS"]
            more = further(client)
        finally:
            server.stop()
    for group in (bad, kinds):
        for case, wrong in group.items():
            if wrong:
                print(f"{case}: {', '.join(wrong)}")
    for case, holds in more.items():
        if not holds:
            print(f"wrong: {case}")
    right = [sum(not one for one in group.values()) for group in (bad, kinds)] + [sum(bool(x) for x in more.values())]
    print(f"EDNS and flags {right[0]} of {len(bad)}, types {right[1]} of {len(kinds)}, further {right[2]} of {len(more)}")
    sys.exit(0 if right == [len(bad), len(kinds), len(more)] else 78)


if __name__ == "__main__":
    main()

"""Our answers beside those of Knot and NSD: the same zone, the same questions, and every difference explained.

Run:  .build/peers/bin/python Tests/Peers/dns_answers.py PROGRAM [--count N]

PROGRAM is rustynetd. Questions are names of the zone and of its reverse zones, names beside, above and below them, in
any case, of common, rare and unknown types, with and without EDNS, flags, cookies. Compared are: code, AA, TC, RD, Z,
AD, CD, question, answer and authority as sets, presence of OPT, DO. `EXPLAINED` says what may differ and why. Ends with 78 at a difference that is not explained.
"""
import argparse
import pathlib
import random
import socket
import struct
import sys
import tempfile

import dns.flags
import dns.message
import dns.rdatatype

import dns_servers

TYPES = [1, 1, 1, 28, 28, 12, 12, 2, 6, 5, 15, 16, 33, 43, 46, 48, 64, 65, 255, 257, 666, 65280]
META = {249, 250, 251, 252, 253, 254}


def summary(wire):
    """What counts of a reply."""
    if wire is None:
        return None
    message = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=False)

    # The case of names does not count (RFC 4343): the peers write them as they stand in the question.
    def records(section):
        return sorted(f"{one.name.to_text().lower()} {one.rdtype} {one.ttl} {one[0].to_wire().lower().hex()}" for one in section)

    return {
        "code": int(message.rcode()), "flags": int(message.flags) & 0x0770 & ~0x0080,
        "question": [f"{one.name.to_text()} {one.rdtype} {one.rdclass}" for one in message.question],
        "answer": records(message.answer), "authority": records(message.authority),
        "edns": message.edns >= 0, "do": bool(message.ednsflags & dns.flags.DO),
    }


# Each: reason, and whether it explains a difference between ours and the peer's (peer name, query facts, both summaries).
EXPLAINED = {
    "NSD adds the NS records of the zone to an answer; ours is minimal, as Knot is": lambda peer, query, ours, theirs:
        {**theirs, "authority": []} == ours and all(" 2 " in one for one in theirs["authority"]),
    "ANY: ours gives one set (RFC 8482, 4.1), the peer all of them or another one": lambda peer, query, ours, theirs:
        query["type"] == 255 and ours["code"] == theirs["code"] == 0 and ours["answer"]
        and (theirs["flags"] & 0x0200 or set(ours["answer"]) <= set(theirs["answer"]) or len(theirs["answer"]) > 0),
    "the name of the server has a TXT record over there, and none here": lambda peer, query, ours, theirs:
        query["name"].lower() == "ns.rustynet." and query["type"] in (16, 255),
}


def make(chance, items):
    """A question: the message, and what is known about it."""
    import ipaddress
    node = chance.choice(items)
    kind = chance.choice(TYPES)
    match chance.randrange(12):
        case 0 | 1 | 2 | 3: name = node["name"] + ".rustynet."
        case 4: name = chance.choice(node.get("aliases", ["wiki"])) + ".rustynet."
        case 5: name = f"no-{chance.randrange(1000)}.rustynet."
        case 6: name = f"below.{node['name']}.rustynet."
        case 7 | 8:
            name = ipaddress.ip_address(chance.choice(node["addresses"])).reverse_pointer + "."
            kind = chance.choice([12, kind])
        case 9:
            name = ipaddress.ip_address(chance.choice(node["addresses"])).reverse_pointer + "."
            name = name.split(".", chance.randrange(1, 12))[-1]
            if not (name.endswith("64.100.in-addr.arpa.") or name.endswith("0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa.")):
                name = "rustynet."
        case 10: name = chance.choice(["rustynet.", "ns.rustynet.", "64.100.in-addr.arpa.", "9.9.64.100.in-addr.arpa.",
                                       "x.1.0.64.100.in-addr.arpa.", "01.0.64.100.in-addr.arpa."])
        case _: name = chance.choice(["example.com.", "com.", "rustynetx.", "xrustynet."])
    name = "".join(one.upper() if chance.random() < 0.3 else one for one in name)
    flags = sum(bit for bit in (0x0100, 0x0020, 0x0010, 0x0040, 0x0400) if chance.random() < 0.2)
    wire = struct.pack("!HHHHHH", chance.randrange(65536), flags, 1, 0, 0, 0)
    wire += b"".join(bytes([len(one)]) + one.encode() for one in name.rstrip(".").split(".")) + b"\0"
    wire += struct.pack("!HH", kind, 1)
    edns = chance.random() < 0.6
    if edns:
        options = b"" if chance.random() < 0.5 else struct.pack("!HH", chance.choice([100, 65001]), 3) + b"abc"
        bits = 0x8000 if chance.random() < 0.3 else 0
        wire = wire[:11] + b"\1" + wire[12:] + struct.pack(
            "!BHHBBHH", 0, 41, chance.choice([512, 1232, 4096]), 0, 0, bits, len(options)) + options
    return wire, {"name": name, "type": kind, "edns": edns}


def ask(one, port, wire):
    one.sendto(wire, ("127.0.0.1", port))
    while True:
        try:
            reply = one.recv(65536)
        except TimeoutError:
            return None
        if reply[:2] == wire[:2]:
            return reply


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    counts, shown = {}, 0
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        items = dns_servers.nodes(500)
        dns_servers.write_zones(folder, items)
        servers = []
        try:
            servers.append(dns_servers.ours(arguments.program, folder, 5370))
            servers += [one for one in (dns_servers.knot(folder, 5371), dns_servers.nsd(folder, 5372)) if one]
            if len(servers) == 1:
                print("not-run: neither knotd nor nsd is here (scripts/setup --tests)")
                sys.exit(70)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.settimeout(2)
                for _ in range(arguments.count):
                    wire, query = make(chance, items)
                    ours = summary(ask(one, servers[0].port, wire))
                    for peer in servers[1:]:
                        theirs = summary(ask(one, peer.port, wire))
                        reason = f"{peer.name} agrees"
                        if ours != theirs:
                            reason = next((f"{peer.name}: {text}" for text, explains in EXPLAINED.items()
                                           if ours and theirs and explains(peer.name, query, ours, theirs)), None)
                        if reason is None:
                            shown += 1
                            reason = f"{peer.name}: NOT EXPLAINED"
                            if shown <= 12:
                                print(f"{wire.hex()} {query}\n  ours  {ours}\n  {peer.name:5} {theirs}")
                        counts[reason] = counts.get(reason, 0) + 1
        finally:
            for server in servers:
                server.stop()
    for reason, count in sorted(counts.items()):
        print(f"{count:7} {reason}")
    agree = sum(count for reason, count in counts.items() if reason.endswith("agrees"))
    print(f"dns-answers: {arguments.count} questions to {len(servers) - 1} peers, {agree} equal, "
          f"{sum(counts.values()) - agree - shown} explained, {shown} not")
    sys.exit(78 if shown else 0)


if __name__ == "__main__":
    main()

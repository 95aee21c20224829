"""Our answers beside those of Knot and NSD: the same zone, the same questions, and every difference explained.

Run:  .build/peers/bin/python Tests/Peers/dns_answers.py PROGRAM [--count N]

PROGRAM is rustynetd. Questions are names of the zone and of its reverse zones, names beside, above and below them, nearly
the same, as deep and as long as names may be, in any case; of common, rare, unknown and meta types, other classes and
operations; with any flags, over UDP and TCP, with EDNS of any size, version and options, and without. Compared are: code,
AA, TC, RD, Z, AD, CD, question, answer and authority as sets, presence of OPT, DO. `EXPLAINED` says what may differ and
why. Ends with 78 at a difference that is not explained.
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
import dns.name
import dns.rdatatype

import dns_servers

TYPES = [1, 1, 1, 1, 1, 1, 28, 28, 28, 28, 12, 12, 12, 2, 2, 6, 6, 5, 15, 16, 24, 33, 38, 39, 41, 43, 46, 47, 48, 50, 64, 65, 99, 249, 250, 251,
         252, 253, 254, 255, 255, 257, 666, 0, 32769, 65280, 65535]


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


def bare(query, ours, code):
    """Whether ours is this code and nothing else: no record, no flag but RD as it was sent."""
    return ours["code"] == code and not ours["answer"] and not ours["authority"] and ours["flags"] == query["flags"] & 0x0100 \
        and ours["edns"] == (query["version"] is not None)


def is_special(name):
    """Whether a name of the questions is beside our zones and stays at home: RFC 6303 and RFC 7793."""
    name = name.lower()
    return (name.endswith(".100.in-addr.arpa.") or name.endswith("d.f.ip6.arpa.")) \
        and not any(f".{name}".endswith(f".{zone}.") for zone in dns_servers.REVERSE_ZONES)


# Each: reason, and whether it explains a difference between ours and the peer's (peer name, query facts, both summaries).
# Where the peers do something else, ours must be what the reason says, to the bit.
EXPLAINED = {
    "an unknown operation gets a header, with nothing of the question (RFC 8906, 3.1.4)": lambda peer, query, ours, theirs:
        query["opcode"] and ours["code"] == 4 and not ours["flags"] and not ours["question"] and not ours["edns"],
    "a cookie of another length is FORMERR (RFC 7873, 5.2.2), which the peers overlook": lambda peer, query, ours, theirs:
        "bad cookie" in query["options"] and not query["version"] and bare(query, ours, 1),
    "BADVERS with nothing but RD and DO, where NSD returns other flags, or no DO": lambda peer, query, ours, theirs:
        query["version"] and bare(query, ours, 16) and theirs["code"] == 16 and ours["do"] == query["do"],
    "another class is refused, with the question": lambda peer, query, ours, theirs:
        query["class"] != 1 and bare(query, ours, 5) and len(ours["question"]) == 1,
    "transfers are refused, of any name": lambda peer, query, ours, theirs: query["type"] in (251, 252) and bare(query, ours, 5),
    "OPT, TKEY and TSIG are no types to ask for: FORMERR": lambda peer, query, ours, theirs:
        query["type"] in (41, 249, 250) and bare(query, ours, 1),
    "type 0 is a type as any other; Knot says NOTIMP": lambda peer, query, ours, theirs:
        query["type"] == 0 and theirs["code"] == 4 and ours["code"] in (0, 3, 5) and not ours["answer"],
    "reverse names of private addresses are denied here; the peers refuse what is not theirs": lambda peer, query, ours, theirs:
        theirs["code"] == 5 and is_special(query["name"]) and ours["code"] in (0, 3) and " 6 10800 " in ours["authority"][0],
    "NSD adds the NS records of the zone to an answer; ours is minimal, as Knot is": lambda peer, query, ours, theirs:
        peer == "nsd" and {**theirs, "authority": []} == ours and all(" 2 " in one for one in theirs["authority"]),
    "ANY: ours gives one set (RFC 8482, 4.1), the peer all of them or another one": lambda peer, query, ours, theirs:
        query["type"] == 255 and ours["code"] == theirs["code"] == 0 and len({one.split()[1] for one in ours["answer"]}) == 1
        and (theirs["flags"] & 0x0200 or set(ours["answer"]) <= set(theirs["answer"]) or len(theirs["answer"]) > 0),
}


def near(chance, name):
    """The name with one letter more, less, or another."""
    at = chance.randrange(len(name))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz0123456789-_*")
    return name[:at] + chance.choice([letter, "", letter + name[at]]) + name[at + 1:] or "a"


def deep(chance, zone):
    """A name of as many or as long labels as fit above the zone."""
    room = 254 - len(zone)
    size = chance.choice([1, 1, 5, 62, 63])
    labels = []
    while sum(len(one) + 1 for one in labels) + size + 1 <= room and len(labels) < chance.choice([3, 130]):
        labels.append("".join(chance.choice("ab0-") for _ in range(size)))
    return ".".join([*labels, zone])


def name_of(chance, items):
    """A name of the zone or of its reverse zones, or one beside, above or below them."""
    import ipaddress
    node = chance.choice(items)
    pointer = ipaddress.ip_address(chance.choice(node["addresses"])).reverse_pointer + "."
    match chance.randrange(17):
        case 0 | 1 | 2 | 3: return node["name"] + ".rustynet."
        case 4: return chance.choice(node.get("aliases", ["wiki"])) + ".rustynet."
        case 5: return f"no-{chance.randrange(1000)}.rustynet."
        case 6: return f"below.{node['name']}.rustynet."
        case 7 | 8 | 9: return pointer
        case 10:
            name = pointer.split(".", chance.randrange(1, 12))[-1]
            return name if any(name.endswith(f"{zone}.") for zone in dns_servers.REVERSE_ZONES) else "rustynet."
        case 11: return chance.choice(["rustynet.", "ns.rustynet.", "64.100.in-addr.arpa.", "9.9.64.100.in-addr.arpa.",
                                       "x.1.0.64.100.in-addr.arpa.", "01.0.64.100.in-addr.arpa.", "256.0.64.100.in-addr.arpa."])
        case 12: return near(chance, node["name"]) + ".rustynet."
        case 13: return deep(chance, chance.choice(["rustynet.", node["name"] + ".rustynet.", *(f"{one}." for one in dns_servers.REVERSE_ZONES)]))
        case 14: return chance.choice(["*.rustynet.", "*.*.rustynet.", f"*.{node['name']}.rustynet.", "*.64.100.in-addr.arpa.",
                                       "\\000.rustynet.", "a\\.b.rustynet.", "_dns.rustynet.", "ns.ns.rustynet."])
        case _: return chance.choice(["example.com.", "com.", ".", "rustynetx.", "xrustynet.", "rustyne.", "in-addr.arpa.",
                                      "100.in-addr.arpa.", "65.100.in-addr.arpa.", "1.a.c.5.1.1.a.7.d.f.ip6.arpa."])


OPTIONS = {"unknown": (65001, b"abc"), "nsid": (3, b""), "subnet": (8, bytes(4)), "cookie": (10, bytes(range(8))),
           "keepalive": (11, b""), "padding": (12, bytes(11)), "expire": (9, b""), "chain": (13, b"\0")}
BAD_COOKIE = {"bad cookie": (10, bytes(9))}


def make(chance, items):
    """A question: the message, and what is known about it."""
    name = name_of(chance, items)
    kind = chance.choice([12, chance.choice(TYPES)]) if name.endswith("arpa.") else chance.choice(TYPES)
    name = "".join(one.upper() if chance.random() < 0.3 else one for one in name)
    flags = sum(bit for bit in (0x0100, 0x0020, 0x0010, 0x0040, 0x0400, 0x0200, 0x0080) if chance.random() < 0.2)
    rdclass = chance.choice([3, 4, 254, 255, 0, 77]) if chance.random() < 0.03 else 1
    opcode = chance.choice([1, 2, 3, 6, 15]) if chance.random() < 0.02 else 0
    query = {"name": name, "type": kind, "class": rdclass, "opcode": opcode, "flags": flags, "options": [], "version": None,
             "is tcp": chance.random() < 0.15}
    wire = struct.pack("!HHHHHH", chance.randrange(65536), flags | opcode << 11, 1, 0, 0, 0)
    wire += dns.name.from_text(name).to_wire() + struct.pack("!HH", kind, rdclass)
    if chance.random() < 0.6:
        options = OPTIONS | (BAD_COOKIE if chance.random() < 0.02 else {})
        query["options"] = chance.sample(sorted(options), chance.choice([0, 0, 1, 2, 5]))
        query["version"] = chance.choice([1, 255]) if chance.random() < 0.05 else 0
        data = b"".join(struct.pack("!HH", options[one][0], len(options[one][1])) + options[one][1] for one in query["options"])
        bits = chance.choice([0, 0, 0x8000, 0x8000, 0x4000, 0x0001])
        query["do"] = bits == 0x8000
        wire = wire[:11] + b"\1" + wire[12:] + struct.pack(
            "!BHHBBHH", 0, 41, chance.choice([0, 512, 600, 1232, 4096, 65535]), 0, query["version"], bits, len(data)) + data
    return wire, query


def ask(one, port, wire, is_tcp=False):
    if is_tcp:
        stream = dns_servers.Streamed("127.0.0.1", port)
        reply = stream.ask(wire)
        stream.close()
        return reply
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
                    ours = summary(ask(one, servers[0].port, wire, query["is tcp"]))
                    for peer in servers[1:]:
                        theirs = summary(ask(one, peer.port, wire, query["is tcp"]))
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

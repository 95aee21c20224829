"""Our codec for messages beside dnspython: the same messages are read, the same are refused, and the records are equal.

Run:  .build/peers/bin/python Tests/Peers/dns_codec.py PROGRAM [--count N] [--seed N]

PROGRAM is rustynet-bench. Half of the messages are well formed, with compressed names; half of them are then damaged.
Both sides interpret the data of the types in BOTH; every other type is octets to both of them (RFC 3597). What may
differ is in the list `explain`, counted by reason. Ends with 78 at the first difference that is not.
"""
import argparse
import random
import struct
import subprocess
import sys

import dns.edns
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype

# Types whose data both sides take apart.
BOTH = {1, 2, 5, 6, 12, 13, 15, 16, 17, 18, 21, 26, 28, 33, 35, 36, 39, 41, 46, 99}
# Types that ours takes apart alone: they are not made here, and a message that has one by damage is not compared.
OURS = {3, 4, 7, 8, 9, 14}
LATER = {17: "RP", 18: "AFSDB", 21: "RT", 26: "PX", 33: "SRV", 35: "NAPTR"}

generic = dns.rdata.get_rdata_class


def rdata_class(rdclass, rdtype, use_generic=True):
    return generic(rdclass, rdtype, use_generic) if rdtype in BOTH and not (rdtype == 1 and rdclass != 1) \
        else dns.rdata.GenericRdata


dns.rdata.get_rdata_class = rdata_class
dns.edns._type_to_class.clear()


class Builder:
    def __init__(self, chance):
        # Where names begin that a pointer may mean, and how many pointers follow there.
        self.chance, self.wire, self.targets = chance, bytearray(), []

    def name(self, compress=True):
        chance = self.chance
        labels = [bytes(chance.choice(b"abcdefgXYZ-_0189.\0\xff") for _ in range(chance.choice([1, 2, 3, 5, 8, 20, 63])))
                  for _ in range(chance.choice([0, 1, 2, 2, 3, 3, 4, 6]))]
        while sum(len(one) + 1 for one in labels) > 200:
            labels.pop()
        if chance.random() < 0.02:
            # At the limit of 255 octets, below it, and above.
            labels = [b"x" * 63] * 3 + [b"y" * chance.choice([59, 60, 61, 62, 63])]
        if chance.random() < 0.01:
            labels = [b"z"] * chance.choice([126, 127, 128])
        start, depth = len(self.wire), 0
        for label in labels:
            self.wire += bytes([len(label)]) + label
        if compress and self.targets and chance.random() < 0.6:
            # Not a place of this very name; no chain of pointers is longer than ours reads.
            target, depth = chance.choice(self.targets)
            if depth < 15:
                self.targets.append((len(self.wire), depth + 1))
                self.wire += struct.pack("!H", 0xc000 | target)
                depth += 1
            else:
                self.wire += b"\0"
                depth = 0
        else:
            self.wire += b"\0"
        for label in labels:
            self.targets.append((start, depth))
            start += 1 + len(label)
        self.targets = [one for one in self.targets if one[0] < 0x4000]

    def octets(self, count):
        self.wire += bytes(self.chance.randrange(256) for _ in range(count))

    def string(self):
        self.wire += b"\5hello" if self.chance.random() < 0.5 else b"\0"

    def data(self, kind):
        compress = kind in (2, 5, 6, 12, 15)
        match kind:
            case 1: self.octets(4)
            case 28: self.octets(16)
            case 2 | 5 | 12 | 39: self.name(compress)
            case 6: self.name(), self.name(), self.octets(20)
            case 13: self.string(), self.string()
            case 15 | 18 | 21 | 36: self.octets(2), self.name(compress)
            case 16 | 99: [self.string() for _ in range(self.chance.randint(1, 4))]
            case 17: self.name(False), self.name(False)
            case 26: self.octets(2), self.name(False), self.name(False)
            case 33: self.octets(6), self.name(False)
            case 35: self.octets(4), self.string(), self.string(), self.string(), self.name(False)
            case 46: self.octets(18), self.name(False), self.octets(self.chance.randint(1, 64))
            case _: self.octets(self.chance.randint(0, 40))

    def record(self, kind, owner=True):
        if owner:
            self.name()
        else:
            self.wire += b"\0"
        self.wire += struct.pack("!HHIH", kind, 1 if kind != 41 else 1232, self.chance.randrange(1 << 31), 0)
        at = len(self.wire)
        if kind == 41:
            for _ in range(self.chance.randint(0, 3)):
                size = self.chance.choice([0, 1, 8, 24])
                self.wire += struct.pack("!HH", self.chance.choice([3, 8, 9, 10, 11, 12, 15, 100]), size)
                self.octets(size)
        else:
            self.data(kind)
        struct.pack_into("!H", self.wire, at - 2, len(self.wire) - at)

    def message(self):
        chance = self.chance
        counts = [chance.choice([0, 1, 1, 1, 2])] + [chance.choice([0, 0, 1, 2, 5]) for _ in range(3)]
        has_options = chance.random() < 0.5
        flags = chance.randrange(65536) & ~0x7800
        self.wire += struct.pack("!HHHHHH", chance.randrange(65536), flags, *counts[:3], counts[3] + has_options)
        for _ in range(counts[0]):
            self.name()
            self.wire += struct.pack("!HH", chance.choice([1, 28, 255, 65280]), 1)
        kinds = sorted(BOTH - {41}) + [10, 64, 65, 257, 65280]
        for section in range(1, 4):
            place = chance.randint(0, counts[3])
            for index in range(counts[section]):
                if section == 3 and has_options and index == place:
                    self.record(41, owner=False)
                    has_options = False
                self.record(chance.choice(kinds))
        if has_options:
            self.record(41, owner=False)
        return bytes(self.wire)


def damage(message, chance):
    message = bytearray(message)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        match chance.randrange(6):
            case 0 if message: message[chance.randrange(len(message))] = chance.randrange(256)
            case 1 if message: message[chance.randrange(len(message))] ^= 1 << chance.randrange(8)
            case 2 if message: del message[chance.randrange(len(message)):]
            case 3: message[chance.randrange(len(message) + 1):0] = bytes([chance.randrange(256)])
            case 4 if message: del message[chance.randrange(len(message))]
            case 5 if len(message) > 14:
                at = chance.randrange(12, len(message) - 1)
                struct.pack_into("!H", message, at, 0xc000 | chance.randrange(min(0x4000, len(message))))
    return bytes(message)


def theirs(wire):
    """What dnspython reads, written with whole names; None where it refuses; a text where it is not comparable."""
    if len(wire) >= 3 and (wire[2] >> 3) & 15 == 5:
        return "an update, which has rules of its own (RFC 2136)"
    try:
        message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    except dns.message.UnknownTSIGKey:
        return "a TSIG record, which dnspython wants to verify"
    except dns.name.DecompressionForbidden:
        return "forbidden"
    except (dns.exception.DNSException, ValueError, struct.error):
        return None
    out = bytearray(struct.pack("!HH", message.id, int(message.flags)))
    counts = [len(section) for section in message.sections]
    counts[3] += message.opt is not None
    out += struct.pack("!HHHH", *counts)
    for question in message.question:
        out += question.name.to_wire() + struct.pack("!HH", question.rdtype, question.rdclass)
    records = [one for section in message.sections[1:] for one in section] + ([message.opt] if message.opt else [])
    for record in records:
        if record.rdtype in OURS:
            return "a type that dnspython takes as it is (RFC 3597, 4)"
        data = record[0].to_wire()
        out += record.name.to_wire()
        rdclass, ttl = record.rdclass, record.ttl
        if record.rdtype == 41:
            rdclass = record[0].rdclass if isinstance(record[0].rdclass, int) else int(record[0].rdclass)
        out += struct.pack("!HHIH", record.rdtype, rdclass, ttl, len(data)) + data
    return bytes(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    counts = {"read by both": 0, "refused by both": 0}
    done = 0
    while done < arguments.count:
        batch = []
        for _ in range(min(5000, arguments.count - done)):
            message = Builder(chance).message()
            batch.append(damage(message, chance) if chance.random() < 0.5 else message)
        done += len(batch)
        ran = subprocess.run([arguments.program, "dns-codec"], input="".join(one.hex() + "\n" for one in batch),
                             capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{arguments.program}: exit {ran.returncode}: {ran.stderr[-400:]}")
        for wire, line in zip(batch, ran.stdout.splitlines(), strict=True):
            expected, found = theirs(wire), None if line == "refused" else bytes.fromhex(line)
            if expected == "forbidden":
                # RFC 3597, 4: receivers SHOULD decompress RP, AFSDB, RT, SIG, PX, NXT, NAPTR and SRV; dnspython refuses.
                expected = found if found is None else f"a compressed name in one of {', '.join(LATER.values())}"
            if isinstance(expected, str):
                counts[expected] = counts.get(expected, 0) + 1
            elif expected == found:
                counts["read by both" if found is not None else "refused by both"] += 1
            else:
                print(f"message  {wire.hex()}\ndnspython {expected and expected.hex()}\nours      {line}")
                sys.exit(78)
    if min(counts["read by both"], counts["refused by both"]) < arguments.count // 20:
        sys.exit(f"one side is hardly tested: {counts}")
    print("dns-codec " + "; ".join(f"{name}: {count}" for name, count in sorted(counts.items())) + f"; total: {done}")


if __name__ == "__main__":
    main()

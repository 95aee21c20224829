#!/usr/bin/env python3
"""What zonemaster and dnsviz say of a zone that rustynetd serves: nothing but what is so for every zone of a mesh.

Run:  Tests/EndToEnd/dns_checkers.py PROGRAM       needs root, zonemaster-cli, dnsviz

The server listens at port 53 of addresses in a network namespace of its own. A finding that is not in EXPECTED is wrong, and
so is one of EXPECTED that does not come: then the checker did not look. A zone that is not there is the control. Ends
with 0, or 78, or 70 where something is missing.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests/Peers"), str(ROOT / "Tests/EndToEnd")]
import dns_servers  # noqa: E402
from dns_forwarding import Cases  # noqa: E402

FOUR, SIX = "100.64.0.1", "fd7a:115c:a1e0::1:1"
ONE_SERVER = "each node is the one server of its zone"
NO_ROOT = "the checker asks the servers of the root, which are not here"
EXPECTED = {
    "NAMESERVER_IP_PRIVATE_NETWORK": "the addresses of a mesh are private",
    "NOT_ENOUGH_NS_DEL": ONE_SERVER, "NOT_ENOUGH_NS_CHILD": ONE_SERVER, "NOT_ENOUGH_IPV4_NS_DEL": ONE_SERVER,
    "NOT_ENOUGH_IPV4_NS_CHILD": ONE_SERVER, "NOT_ENOUGH_IPV6_NS_DEL": ONE_SERVER, "NOT_ENOUGH_IPV6_NS_CHILD": ONE_SERVER,
    "NO_RESPONSE_PTR_QUERY": NO_ROOT, "NEITHER_DNSKEY_NOR_DS": "the zone is not signed: it stays within the mesh",
    "NOT_SIGNED": "as above", "RNAME_RFC822_INVALID": "the zone's name has one label, and nobody reads mail there",
    "SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER": "a denial holds a minute, because nodes come and go (P4-10)",
}


def zonemaster(zone):
    """The tags of what it finds at level NOTICE and above."""
    command = ["zonemaster-cli", "--raw", "--no-progress", "--level=notice", "--ns", f"ns.{zone}/{FOUR}", "--ns", f"ns.{zone}/{SIX}", zone]
    lines = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout.splitlines()
    return {line.split()[2].rstrip(">") for line in lines if len(line.split()) > 2}


def dnsviz(folder, zone, address):
    """What it finds at level WARNING and above, as JSON."""
    way = "-6" if ":" in address else "-4"
    server = f"[{address}]" if ":" in address else address
    probe = subprocess.run(["dnsviz", "probe", way, "-a", zone, "-A", "-x", f"{zone}+:ns.{zone}={server}", zone, f"node-00001.{zone}",
                            f"none.{zone}"], capture_output=True, timeout=120).stdout
    found = subprocess.run(["dnsviz", "grok", "-l", "warning"], input=probe, capture_output=True, timeout=60)
    return found.stdout.decode().strip(), probe


def inside(program):
    for command in ("link set lo up", f"addr add {FOUR}/32 dev lo", f"-6 addr add {SIX}/128 dev lo nodad"):
        subprocess.run(["ip", *command.split()], check=True)
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(20))
        server = dns_servers.ours(program, folder, 53, host=FOUR, listen=[f"{FOUR}:53", f"[{SIX}]:53"],
                                  allow=["100.64.0.0/10", "fd7a:115c:a1e0::/48"])
        try:
            found = zonemaster("rustynet")
            cases.check("zonemaster finds what is so for every mesh, and nothing else", found == set(EXPECTED),
                        (found - set(EXPECTED), set(EXPECTED) - found))
            cases.check("zonemaster: a zone that is not there is seen", "CANNOT_CONTINUE" in zonemaster("nowhere"))
            for address in FOUR, SIX:
                wrong, probe = dnsviz(folder, "rustynet", address)
                cases.check(f"dnsviz at {address} finds nothing", not wrong and "node-00001.rustynet." in json.loads(probe), wrong)
                cases.check(f"dnsviz at {address}: a zone that is not there is seen", dnsviz(folder, "nowhere", address)[0])
        finally:
            server.stop()
    print(f"dns-checkers: {cases.count - len(cases.wrong)} of {cases.count}; {len(EXPECTED)} findings explained")
    sys.exit(78 if cases.wrong else 0)


if __name__ == "__main__":
    dns_servers.in_own_network(__file__, inside, ["zonemaster-cli", "dnsviz"])

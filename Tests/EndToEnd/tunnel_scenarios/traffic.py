"""Packets go through, whole and counted."""
from Lab import traffic
from . import scenario
from .setups import INNER, Pair


def everything(lab, pair, streams=(1, 4, 5, 50)):
    megabytes = 64 if lab.full else 8
    for version in (4, 6):
        a, b = INNER[version]
        traffic.require_reach(pair.a, b)
        traffic.flood(pair.a, b, 1000)
        traffic.flood(pair.b, a, 1000)
        for count in streams:
            traffic.tcp(pair.a, pair.b, b, (megabytes << 20) // count, streams=count)
        traffic.tcp(pair.b, pair.a, a, megabytes << 20)
        for count in streams:
            traffic.udp(pair.a, pair.b, b, max(400 // count, 20), 1300, streams=count, window=8)


@scenario("ping, floods, TCP and UDP over IPv4 and IPv6, with 1, 4, 5 and 50 streams")
def all_kinds(lab):
    everything(lab, Pair(lab))


@scenario("the same over an outer IPv6")
def outer_ipv6(lab):
    everything(lab, Pair(lab, outer=6), streams=(1, 5))


@scenario("the same with a jumbo MTU inside and outside")
def jumbo(lab):
    everything(lab, Pair(lab, mtu=34816 - 80, wire_mtu=34816), streams=(1, 4))


@scenario("the same with the MTU 1408")
def mtu_1408(lab):
    everything(lab, Pair(lab, mtu=1408), streams=(1, 4))


@scenario("TCP survives a loss of two percent on the wire")
def lossy(lab):
    pair = Pair(lab)
    lab.lose(pair.b, "v0", 20)
    lab.lose(pair.a, "v0", 20)
    traffic.require_reach(pair.a, INNER[4][1])
    traffic.tcp(pair.a, pair.b, INNER[4][1], 4 << 20)


@scenario("the byte counters are exact: ten pings and what the handshake and the confirmation cost")
def counters(lab):
    pair = Pair(lab)
    # One ping that waits as long as it takes: a second one for a late answer would be counted too.
    assert traffic.ping(pair.a, INNER[4][1], 1, wait=20) == 1
    assert traffic.ping(pair.a, INNER[4][1], 10) == 10
    a, b = pair.wg_a.statistics(pair.wg_b.keys.public), pair.wg_b.statistics(pair.wg_a.keys.public)
    assert a["handshake"] > 0 and b["handshake"] > 0, "the time of the last handshake is zero"
    # An echo has 84 bytes, padded to 96, and 32 around it: 128. Eleven of them, and initiation 148, response 92.
    assert a["rx"] == 11 * 128 + 92, f"received {a['rx']}, not {11 * 128 + 92}"
    # The initiator may confirm with a keepalive of 32 bytes where nothing else waits.
    assert a["tx"] in (11 * 128 + 148, 11 * 128 + 148 + 32), f"sent {a['tx']}"
    assert (b["rx"], b["tx"]) == (a["tx"], a["rx"]), f"the other side counts {b}"

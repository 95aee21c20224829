"""Ours beside the other engine, in both roles."""
import time

from Lab import traffic
from Lab.network import NotRun, until
from Lab.tunnel import introduce, shared_key
from . import scenario
from .setups import INNER, Pair

NORMAL, FULL = 64 << 20, 1 << 30


def transfers(lab, engines, outer):
    psk = shared_key()
    pair = Pair(lab, outer=outer, engines=engines, psk=psk)
    for version in (4, 6):
        traffic.require_reach(pair.a, INNER[version][1])
        assert traffic.ping(pair.b, INNER[version][0], 5) == 5
    size = FULL if lab.full else NORMAL
    traffic.tcp(pair.a, pair.b, INNER[4][1], size // 2)
    traffic.tcp(pair.b, pair.a, INNER[6][0], size // 2)
    traffic.udp(pair.a, pair.b, INNER[6][1], 500, 1200)
    # The one who began may differ: a new handshake from the other side, then roaming.
    for device, other in ((pair.wg_a, pair.wg_b), (pair.wg_b, pair.wg_a)):
        device.peer(other.keys.public, remove=True)
    introduce(pair.wg_a, pair.wg_b, (pair.outer[0], None), pair.allowed, psk=psk)
    traffic.require_reach(pair.b, INNER[4][0])
    pair.wg_b.wg("set", "listen-port", 51088)
    traffic.require_reach(pair.b, INNER[4][0])
    until(lambda: pair.wg_a.statistics(pair.wg_b.keys.public)["endpoint"].endswith(":51088"), 10, "the port is followed")
    assert traffic.reaches(pair.a, INNER[4][1])


@scenario("ours and ours: data with checksums, preshared key, both directions, roaming")
def alone(lab):
    transfers(lab, (lab.engine, lab.engine), 4)


@scenario("ours begins with the other: data with checksums, preshared key, both directions, roaming", needs_other=True)
def as_initiator(lab):
    transfers(lab, (lab.engine, lab.other), 4)


@scenario("the other begins with ours: data with checksums, preshared key, both directions, roaming", needs_other=True)
def as_responder(lab):
    transfers(lab, (lab.other, lab.engine), 6)


@scenario("a session is renewed after two minutes while data flows (--full)", needs_other=True)
def rekey(lab):
    if not lab.full:
        raise NotRun("takes four minutes: --full")
    pair = Pair(lab, engines=(lab.engine, lab.other))
    traffic.require_reach(pair.a, INNER[4][1])
    first = pair.wg_a.statistics(pair.wg_b.keys.public)["handshake"]
    end, lost = time.monotonic() + 140, 0
    while time.monotonic() < end:
        lost += 10 - traffic.ping(pair.a, INNER[4][1], 10, interval=0.2)
    second = pair.wg_a.statistics(pair.wg_b.keys.public)["handshake"]
    assert 115 <= second - first <= 135, f"renewed after {second - first} s"
    assert lost == 0, f"{lost} packets were lost over it"

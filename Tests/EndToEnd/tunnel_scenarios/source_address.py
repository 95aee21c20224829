"""The source address of outer packets: it stays, it answers where it was asked, and it gives way."""
import time

from Lab import traffic
from Lab.network import until
from Lab.tunnel import Device, introduce
from . import scenario
from .setups import INNER

ELSEWHERE = "10.50.0.1"


class TwoWires:
    """Nodes a and b with two wires, so that a has two addresses from which it can reach b's."""

    def __init__(self, lab, version):
        self.a, self.b = lab.node("a"), lab.node("b")
        first, second = ((["10.0.0.1/24"], ["10.0.1.1/24"]), (["10.0.0.2/24"], ["10.0.1.2/24"])) \
            if version == 4 else ((["fd00::1/64"], ["fd00:1::1/64"]), (["fd00::2/64"], ["fd00:1::2/64"]))
        lab.wire(self.a, self.b, ("v0", "v0"), addresses=(first[0], second[0]))
        lab.wire(self.a, self.b, ("v1", "v1"), addresses=(first[1], second[1]))
        for node in (self.a, self.b):
            for name in ("all", "v0", "v1"):
                node.setting(f"net/ipv4/conf/{name}/rp_filter", 0)
                node.setting(f"net/ipv4/conf/{name}/promote_secondaries", 1)
        self.wg_a = Device(self.a, lab.engine, "wga", port=1, addresses=["10.8.0.1/24"])
        self.wg_b = Device(self.b, lab.engine, "wgb", port=2, addresses=["10.8.0.2/24"])
        self.outer = [one.split("/")[0] for one in (first[0][0], second[0][0])]
        self.second = [one.split("/")[0] for one in (first[1][0], second[1][0])]
        # One more address, which is no source of its own accord: it is secondary, or deprecated.
        self.extra = "10.0.0.10/24" if version == 4 else "fd00::10/64"
        self.a.ip("address", "add", self.extra, "dev", "v0", *(["nodad", "preferred_lft", "0"] if version == 6 else []))
        introduce(self.wg_a, self.wg_b, self.outer, [["10.8.0.1/32"], ["10.8.0.2/32"]])

    def seen(self):
        """Where b sees a."""
        return self.wg_b.statistics(self.wg_a.keys.public)["endpoint"]

    def ask_elsewhere(self, *route):
        """a reaches b at ELSEWHERE, an address of b that is on neither wire, over the first wire."""
        self.b.ip("address", "add", f"{ELSEWHERE}/32", "dev", "lo")
        self.a.ip("route", "add", f"{ELSEWHERE}/32", "via", "10.0.0.2", *route)
        self.wg_a.peer(self.wg_b.keys.public, endpoint=at(ELSEWHERE, 2))
        traffic.require_reach(self.a, INNER[4][1])

    def is_elsewhere(self):
        """Whether b still sends from there."""
        return self.wg_a.statistics(self.wg_b.keys.public)["endpoint"] == at(ELSEWHERE, 2)


def at(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def stays_and_gives_way(lab, version):
    wires = TwoWires(lab, version)
    b_key = wires.wg_b.keys.public
    traffic.require_reach(wires.a, INNER[4][1])
    assert wires.seen() == at(wires.outer[0], 1), f"begins at {wires.seen()}"
    # b answers to a at another of a's addresses: a sends from where it was asked.
    extra = wires.extra.split("/")[0]
    wires.wg_b.peer(wires.wg_a.keys.public, endpoint=at(extra, 1))
    until(lambda: traffic.reaches(wires.b, INNER[4][0]) and traffic.reaches(wires.a, INNER[4][1])
          and wires.seen() == at(extra, 1), 3, f"asked at {extra}, it answers from there")
    # That address is taken away: the next packets leave from one that is left.
    wires.a.ip("address", "del", wires.extra, "dev", "v0")
    until(lambda: traffic.reaches(wires.a, INNER[4][1]) and wires.seen() == at(wires.outer[0], 1), 8,
          "after the removal it is at the address that is left")
    assert wires.wg_a.statistics(b_key)["endpoint"] == at(wires.outer[1], 2)


@scenario("IPv4: the source address stays where it was asked, and gives way when it is removed")
def sticky_v4(lab):
    stays_and_gives_way(lab, 4)


@scenario("IPv6: the source address stays where it was asked, and gives way when it is removed")
def sticky_v6(lab):
    stays_and_gives_way(lab, 6)


@scenario("an answer goes to the one who asked, from the address that was asked, although another route is shorter")
def reply_to_sender(lab):
    wires = TwoWires(lab, 4)
    # b knows a by the address of the other wire only.
    wires.wg_a.peer(wires.wg_b.keys.public, endpoint=at(wires.second[1], 2))
    traffic.require_reach(wires.a, INNER[4][1])
    until(lambda: wires.seen().startswith("10.0.1.1:"), 3, "b sees the second wire")
    assert traffic.reaches(wires.b, INNER[4][0])
    assert wires.wg_a.statistics(wires.wg_b.keys.public)["endpoint"] == at(wires.second[1], 2)


@scenario("the peer's address may be one of another interface")
def address_elsewhere(lab):
    wires = TwoWires(lab, 4)
    wires.ask_elsewhere()
    assert wires.is_elsewhere(), "the answer came from elsewhere"


@scenario("a new and better route is taken")
def better_route(lab):
    wires = TwoWires(lab, 4)
    wires.ask_elsewhere("metric", "100")
    before = wires.a.counters("v1")["tx"]["packets"]
    wires.a.ip("route", "add", f"{ELSEWHERE}/32", "via", "10.0.1.2", "metric", "10")
    until(lambda: traffic.reaches(wires.a, INNER[4][1]) and wires.a.counters("v1")["tx"]["packets"] >= before + 3, 5,
          "packets leave by the new route", pause=0.2)


@scenario("a change of the network that does not concern a peer leaves its source address")
def unrelated_change(lab):
    wires = TwoWires(lab, 4)
    wires.ask_elsewhere()
    wires.b.ip("address", "add", "10.60.0.1/32", "dev", "lo")
    time.sleep(0.2)  # b's daemon has heard of it
    traffic.require_reach(wires.b, INNER[4][0])
    assert wires.is_elsewhere(), "b sends from elsewhere now"

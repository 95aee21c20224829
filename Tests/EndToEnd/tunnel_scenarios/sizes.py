"""How long packets may be: the MTU of the interface, what the way to a peer takes, and what TCP asks for."""
import re

from Lab import traffic
from Lab.capture import Capture, Packet
from Lab.network import LabError, NotRun, until
from Lab.tunnel import Device, Keys, introduce
from . import scenario
from .setups import INNER, Pair


def new_interface(lab, wire, engine=None):
    """A node on a wire of `wire` octets with an interface that keeps the MTU which the daemon gives it."""
    if lab.engine.name != "rustynetd":
        raise NotRun("only ours derives the MTU")
    a, b = lab.node("a"), lab.node("b")
    lab.wire(a, b, mtu=wire, addresses=(["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]))
    return Device(a, engine or lab.engine, "wga", mtu=None, addresses=["10.8.0.1/24"])


def becomes(device, mtu, why):
    until(lambda: device.node.mtu(device.interface) == mtu, 10, f"the MTU is {mtu}, {why}")


@scenario("a new interface has the MTU that the route to its peer leaves, at most 1408, and 1280 at least for IPv6")
def derived(lab):
    device, peer = new_interface(lab, 1500), Keys().public
    becomes(device, 1408, "without a peer")
    device.peer(peer, endpoint="10.9.0.2:5", allowed=["10.8.0.2/32"])
    becomes(device, 1408, "on a wire of 1500")
    device.node.ip("route", "add", "10.9.0.2/32", "dev", "v0", "mtu", "1400")
    becomes(device, 1320, "by a route of 1400")
    device.node.ip("route", "replace", "10.9.0.2/32", "dev", "v0", "mtu", "1300")
    becomes(device, 1220, "by a route of 1300, without IPv6")
    device.peer(peer, allowed=["10.8.0.2/32", "fd08::2/128"])
    becomes(device, 1280, "by a route of 1300, with IPv6")
    device.peer(Keys().public, endpoint="[fd09::2]:5", allowed=["10.8.0.3/32"])
    device.node.ip("route", "del", "10.9.0.2/32", "dev", "v0")
    becomes(device, 1408, "without that route")
    device.node.ip("link", "set", "v0", "mtu", "1440")
    becomes(device, 1360, "on a wire of 1440, over IPv6 too")
    device.node.ip("-6", "route", "add", "fd09::2/128", "dev", "v0", "mtu", "1390")
    becomes(device, 1310, "where the ways differ: the smallest")


@scenario("an MTU that somebody sets stays, whatever the routes say")
def chosen(lab):
    device, peer = new_interface(lab, 1500), Keys().public
    device.peer(peer, endpoint="10.9.0.2:5", allowed=["10.8.0.2/32"])
    device.node.ip("link", "set", "v0", "mtu", "1440")
    becomes(device, 1360, "on a wire of 1440: it follows")
    device.node.ip("link", "set", "wga", "mtu", "1390")
    device.node.ip("link", "set", "v0", "mtu", "1400")
    asked = Device(device.node, lab.engine.with_options("--mtu", 1390), "wgb", mtu=None)
    asked.peer(peer, endpoint="10.9.0.2:5", allowed=["10.8.0.2/32"])
    # The control: a third one, made after both, has followed the wire that they did not follow.
    third = Device(device.node, lab.engine, "wgc", mtu=None)
    third.peer(peer, endpoint="10.9.0.2:5", allowed=["10.8.0.2/32"])
    becomes(third, 1320, "on a wire of 1400")
    assert device.node.mtu("wga") == 1390, "the MTU that was set was changed"
    assert device.node.mtu("wgb") == 1390, "the MTU of --mtu was changed"


def fragments(frames):
    """Outer packets of IPv4 that are no whole ones."""
    return [one for one in frames if one[12:14] == b"\x08\x00" and int.from_bytes(one[20:22], "big") & 0x3fff]


@scenario("what may not be fragmented and is too long for the way to the peer is answered by ICMP, and TCP finds its size")
def way_too_narrow(lab):
    if lab.engine.name != "rustynetd":
        raise NotRun("only ours answers for the way outside")
    # The interface has more than the wire leaves: 1300 - 60 for IPv4 outside.
    pair = Pair(lab, mtu=1420, wire_mtu=1300)
    for version, size, expected in ((4, 1392, "mtu ?= ?1240"), (6, 1372, "mtu ?= ?1280")):
        traffic.require_reach(pair.a, INNER[version][1])
        done = pair.a.result("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s", size, INNER[version][1])
        assert re.search(expected, done.stdout + done.stderr), f"IPv{version}: nothing was said: {done.stdout[-300:]}"
    with Capture(pair.b, "v0") as wire:
        traffic.tcp(pair.a, pair.b, INNER[4][1], 1 << 20)
        traffic.tcp(pair.b, pair.a, INNER[4][0], 1 << 20)
        frames = wire.stop()
    seen = sum(len(one.payload) for one in map(Packet, frames) if one.is_udp)
    assert seen > 2 << 20, f"the capture saw {seen} octets of 2 MiB: nothing was shown"
    assert not fragments(frames), f"{len(fragments(frames))} outer fragments of TCP"
    # What its sender lets be fragmented goes, in fragments outside: the control of the line above.
    with Capture(pair.b, "v0") as wire:
        found = traffic.ping(pair.a, INNER[4][1], 2, extra=["-s", "1372", "-M", "dont"])
        frames = wire.stop()
    assert found == 2 and fragments(frames), f"{found} of 2 pings, {len(fragments(frames))} fragments"


@scenario("over IPv6 a path that is narrower further on is learnt, and answered by ICMP")
def narrow_further_on(lab):
    if lab.engine.name != "rustynetd":
        raise NotRun("only ours answers for the way outside")
    a, r, b = (lab.node(name) for name in ("a", "r", "b"))
    lab.wire(a, r, ("v0", "v0"), addresses=(["fd01::2/64"], ["fd01::1/64"]))
    lab.wire(b, r, ("v0", "v1"), mtu=1400, addresses=(["fd02::2/64"], ["fd02::1/64"]))
    for node, gateway in ((a, "fd01::1"), (b, "fd02::1")):
        node.ip("-6", "route", "add", "default", "via", gateway)
    r.setting("net/ipv6/conf/all/forwarding", 1)
    wg_a = Device(a, lab.engine, "wga", port=51001, mtu=1420, addresses=["10.8.0.1/24"])
    wg_b = Device(b, lab.engine, "wgb", port=51002, mtu=1420, addresses=["10.8.0.2/24"])
    introduce(wg_a, wg_b, ("fd01::2", "fd02::2"), (["10.8.0.1/32"], ["10.8.0.2/32"]))
    traffic.require_reach(a, "10.8.0.2")

    def is_answered():
        traffic.tcp(a, b, "10.8.0.2", 1 << 18)
        done = a.result("ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1392", "10.8.0.2")
        return re.search("mtu ?= ?1320", done.stdout + done.stderr)
    until(is_answered, 20, "1400 - 80 is answered", pause=0.5)
    traffic.require_reach(a, "10.8.0.2", extra=["-s", "1292", "-M", "do"])


class Behind:
    """Hosts c and d behind the ends of a tunnel of 1320 octets; no host is told that a packet was too long."""

    def __init__(self, lab, engine):
        self.a, self.b, self.c, self.d = (lab.node(name) for name in ("a", "b", "c", "d"))
        lab.wire(self.a, self.b, addresses=(["10.9.0.1/24"], ["10.9.0.2/24"]))
        lab.wire(self.c, self.a, ("v0", "v1"), addresses=(["10.1.0.2/24", "fd01::2/64"], ["10.1.0.1/24", "fd01::1/64"]))
        lab.wire(self.d, self.b, ("v0", "v1"), addresses=(["10.2.0.2/24", "fd02::2/64"], ["10.2.0.1/24", "fd02::1/64"]))
        ends = [Device(self.a, engine, "wga", port=51001, mtu=1320), Device(self.b, lab.engine, "wgb", port=51002, mtu=1320)]
        introduce(*ends, ("10.9.0.1", "10.9.0.2"), (["10.1.0.0/24", "fd01::/64"], ["10.2.0.0/24", "fd02::/64"]))
        for node, device, other in ((self.a, "wga", 2), (self.b, "wgb", 1)):
            node.setting("net/ipv4/ip_forward", 1)
            node.setting("net/ipv6/conf/all/forwarding", 1)
            node.ip("route", "add", f"10.{other}.0.0/24", "dev", device)
            node.ip("-6", "route", "add", f"fd0{other}::/64", "dev", device)
            node.rules("""table inet silent { chain out { type filter hook output priority 0;
                icmp type destination-unreachable drop
                icmpv6 type packet-too-big drop
              }
            }
            """)
        for node, number in ((self.c, 1), (self.d, 2)):
            node.ip("route", "add", "default", "via", f"10.{number}.0.1")
            node.ip("-6", "route", "add", "default", "via", f"fd0{number}::1")
        traffic.require_reach(self.c, "10.2.0.2")
        traffic.require_reach(self.c, "fd02::2")

    def passes(self, sender, receiver, target):
        try:
            traffic.tcp(sender, receiver, target, 1 << 20, seconds=4)
            return True
        except LabError:
            return False


@scenario("--clamp-mss on one end keeps connections of hosts behind both ends going where no ICMP tells them of the MTU")
def clamped(lab):
    hosts = Behind(lab, lab.engine.with_options("--clamp-mss"))
    for sender, receiver, targets in ((hosts.c, hosts.d, ("10.2.0.2", "fd02::2")), (hosts.d, hosts.c, ("10.1.0.2", "fd01::2"))):
        for target in targets:
            assert hosts.passes(sender, receiver, target), f"{sender.name} to {target} stands still"


@scenario("without --clamp-mss they stand still: what the scenario before shows is due to it")
def not_clamped(lab):
    hosts = Behind(lab, lab.engine)
    for target in ("10.2.0.2", "fd02::2"):
        assert not hosts.passes(hosts.c, hosts.d, target), f"it reaches {target}: nothing was shown"

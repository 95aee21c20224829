"""Who may speak, from where, and with which keys."""
import time

from Lab import traffic
from Lab.network import LabError, until
from Lab.capture import Capture, Packet
from Lab.tunnel import Device, Keys, introduce, shared_key
from . import scenario
from .setups import INNER, Pair


def roam(lab, version):
    pair = Pair(lab, outer=version)
    a, b, target = pair.a, pair.b, INNER[4][1]
    traffic.require_reach(a, target)
    first = pair.wg_b.statistics(pair.wg_a.keys.public)["endpoint"]
    # Another address, then another port: the other side follows what is authentic.
    old, new = (("10.9.0.1/24", "10.9.0.77/24"), ("fd09::1/64", "fd09::77/64"))[version == 6]
    a.ip("address", "del", old, "dev", "v0")
    a.address("v0", new)
    traffic.require_reach(a, target)

    def place():
        assert traffic.ping(a, target, 1) in (0, 1)
        return pair.wg_b.statistics(pair.wg_a.keys.public)["endpoint"]
    until(lambda: new.split("/")[0] in place(), 10, f"b follows a from {first} to {new}")
    assert traffic.reaches(b, INNER[4][0]), "the way back does not follow"
    pair.wg_a.wg("set", "listen-port", 51099)
    traffic.require_reach(a, target)
    until(lambda: place().endswith(":51099"), 10, "b follows a to another port")
    assert traffic.reaches(b, INNER[4][0]), "the way back does not follow the port"


@scenario("a peer that moves to another IPv4 address and port is followed")
def roaming_v4(lab):
    roam(lab, 4)


@scenario("a peer that moves to another IPv6 address and port is followed")
def roaming_v6(lab):
    roam(lab, 6)


@scenario("a datagram that is not authentic moves nobody")
def forged_roaming(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    before = pair.wg_b.statistics(pair.wg_a.keys.public)["endpoint"]
    with Capture(pair.b, "v0") as capture:
        assert traffic.reaches(pair.a, INNER[4][1])
        frames = capture.stop()
    data = [Packet(frame) for frame in frames]
    real = next(one.payload for one in data if one.is_udp and one.destination_port == 51002 and one.payload[0] == 4)
    pair.a.address("v0", "10.9.0.66/24")
    for forged in (real, real[:-1] + bytes([real[-1] ^ 1]), real[:8] + b"\xff" * 8 + real[16:]):
        traffic.send_datagram(pair.a, "10.9.0.2", 51002, forged, source=("10.9.0.66", 51001 + 5))
    assert traffic.reaches(pair.a, INNER[4][1])
    after = pair.wg_b.statistics(pair.wg_a.keys.public)["endpoint"]
    assert before == after, f"moved from {before} to {after}"


@scenario("a source that belongs to another peer by a longer prefix is dropped")
def cryptographic_routing(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    pair.wg_a.peer(pair.wg_b.keys.public, allowed=["10.8.0.0/24", "fd08::/64"])
    assert traffic.reaches(pair.b, INNER[4][0]), "the wider range does not reach"
    other = Keys()
    pair.wg_a.peer(other.public, allowed=["10.8.0.2/32"])
    before = pair.wg_a.statistics(pair.wg_b.keys.public)["rx"]
    assert not traffic.reaches(pair.b, INNER[4][0]), "a source of another peer came through"
    assert pair.wg_a.statistics(pair.wg_b.keys.public)["rx"] > before, "the packet never came: nothing was shown"
    pair.wg_a.peer(other.public, remove=True)
    assert traffic.reaches(pair.b, INNER[4][0]), "it does not reach again"


@scenario("a new private key takes hold at once, with a new handshake")
def key_change(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    new = Keys()
    pair.wg_a.wg("set", "private-key", pair.wg_a.secret(new.private))
    pair.wg_b.peer(pair.wg_a.keys.public, remove=True)
    pair.wg_b.peer(new.public, allowed=pair.allowed[0])
    begin = time.monotonic()
    traffic.require_reach(pair.a, INNER[4][1], 3)
    assert time.monotonic() - begin < 3
    assert pair.wg_b.statistics(new.public)["handshake"] > 0


@scenario("a preshared key must be the same on both sides, and may be removed")
def preshared_key(lab):
    psk = shared_key()
    pair = Pair(lab, psk=psk)
    traffic.require_reach(pair.a, INNER[4][1])
    assert "(none)" not in pair.wg_a.wg("show", "preshared-keys")
    # A second pair with different keys never completes; the one above is its positive control.
    pair.wg_a.peer(pair.wg_b.keys.public, remove=True)
    introduce(pair.wg_a, pair.wg_b, (None, pair.outer[1]), pair.allowed, psk=shared_key())
    pair.wg_b.peer(pair.wg_a.keys.public, psk=psk)
    assert not traffic.reaches(pair.a, INNER[4][1]), "different keys agree"
    for device, other in ((pair.wg_a, pair.wg_b), (pair.wg_b, pair.wg_a)):
        device.peer(other.keys.public, psk="")
    pair.wg_a.peer(pair.wg_b.keys.public, remove=True)
    pair.wg_a.peer(pair.wg_b.keys.public, endpoint="10.9.0.2:51002", allowed=pair.allowed[1])
    traffic.require_reach(pair.a, INNER[4][1])


@scenario("a peer with the device's own key is removed")
def own_key(lab):
    node = lab.node("a")
    device, other = Device(node, lab.engine, "wga"), Keys()
    device.peer(other.public, allowed=["10.1.0.0/24"])
    device.wg("set", "private-key", device.secret(other.private))
    assert device.wg("show", "peers") == "", "its own key is still a peer"
    device.peer(device.keys.public, allowed=["10.1.0.0/24"])
    assert device.wg("show", "peers") == device.keys.public
    # And it cannot be added.
    device.peer(other.public, allowed=["10.1.0.0/24"])
    assert device.wg("show", "peers") == device.keys.public, "its own key was added"


# The points of small order on Curve25519 and their non-canonical forms: RFC 7748, 7 and cr.yp.to/ecdh.html.
LOW_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@scenario("to none of the seven points of low order is a packet ever sent")
def low_order(lab):
    pair = Pair(lab)
    with Capture(pair.b, "v0") as capture:
        for number, point in enumerate(LOW_ORDER):
            text = f"public_key={point}\nendpoint=10.9.0.2:{52000 + number}\npersistent_keepalive_interval=1\n" \
                   f"allowed_ip=10.66.{number}.0/24"
            pair.wg_a.set(text)
            pair.a.ip("route", "replace", f"10.66.{number}.0/24", "dev", "wga")
            pair.a.result("ping", "-c", "1", "-W", "0.2", f"10.66.{number}.1")
        traffic.require_reach(pair.a, INNER[4][1])  # the control: to a real key packets go
        time.sleep(1.5)
        packets = [Packet(frame) for frame in capture.stop()]
    to_points = [one for one in packets if one.is_udp and 52000 <= one.destination_port < 52010]
    assert not to_points, f"{len(to_points)} packets, to the ports {sorted({one.destination_port for one in to_points})}"
    assert any(one.is_udp and one.destination_port == 51002 for one in packets), "the capture saw nothing at all"


@scenario("a keepalive each second keeps a NAT open whose entries last two")
def nat_keepalive(lab):
    a, r, b = (lab.node(name) for name in ("a", "r", "b"))
    lab.wire(a, r, ("v0", "in"), addresses=(["192.168.1.100/24"], ["192.168.1.1/24"]))
    lab.wire(r, b, ("out", "v0"), addresses=(["10.0.0.1/24"], ["10.0.0.100/24"]))
    a.ip("route", "add", "default", "via", "192.168.1.1")
    r.setting("net/ipv4/ip_forward", 1)
    r.rules("""table ip nat { chain post { type nat hook postrouting priority 100;
        ip saddr 192.168.1.0/24 oifname "out" masquerade
          }
        }
        """)
    for name in ("udp_timeout", "udp_timeout_stream"):
        try:
            r.setting(f"net/netfilter/nf_conntrack_{name}", 2)
        except OSError as error:
            raise LabError(f"conntrack timeout: {error}") from None
    wg_a = Device(a, lab.engine, "wga", port=1, addresses=["10.8.0.1/24"])
    wg_b = Device(b, lab.engine, "wgb", port=2, addresses=["10.8.0.2/24"])
    wg_a.peer(wg_b.keys.public, endpoint="10.0.0.100:2", allowed=["10.8.0.2/32"], keepalive=1)
    wg_b.peer(wg_a.keys.public, allowed=["10.8.0.1/32"])
    traffic.require_reach(a, "10.8.0.2")
    time.sleep(4)
    assert traffic.reaches(b, "10.8.0.1"), "the NAT has forgotten although keepalives are on"
    # The control: without keepalives the entry is gone, so the keepalives were what held it.
    wg_a.peer(wg_b.keys.public, keepalive=0)
    time.sleep(4)
    assert not traffic.reaches(b, "10.8.0.1"), "the NAT never forgets: nothing was shown"
    wg_a.peer(wg_b.keys.public, keepalive=1)
    until(lambda: traffic.reaches(b, "10.8.0.1"), 5, "keepalives open the NAT again")

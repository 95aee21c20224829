"""Where outer and inner packets go: routes, marks, source addresses, MTU."""
import os
import re
import shutil
import time

from Lab import traffic
from Lab.network import until
from Lab.capture import Capture, Packet
from Lab.tunnel import Device, Keys, introduce
from . import scenario
from .setups import INNER, Pair


@scenario("padding never makes a packet longer than the route's MTU")
def padding_and_mtu(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    # An inner packet of 1299 bytes would be padded to 1312; the outer one has 60 more than the inner.
    for inner, mtu, outer in ((1299, 1299, 1299 + 60), (1299, 1420, 1312 + 60), (1420, 1420, 1480), (1000, 1420, 1008 + 60)):
        pair.a.ip("link", "set", "wga", "mtu", mtu)
        # The other side answers with the same size and its own MTU; what a sends is what is looked at, once a has heard.
        until(lambda: outer in data_sizes(pair, inner), 10, f"{inner} bytes at the MTU {mtu} become {outer}")
        sizes = data_sizes(pair, inner)
        assert outer in sizes and max(sizes) <= outer, f"{inner} bytes at the MTU {mtu} became {sorted(sizes)}, not {outer}"


def data_sizes(pair, inner):
    """The lengths of outer packets from a to b while two pings of `inner` bytes are answered."""
    with Capture(pair.b, "v0") as capture:
        found = traffic.ping(pair.a, INNER[4][1], 2, extra=["-s", inner - 28, "-M", "do"])
        packets = [Packet(frame) for frame in capture.stop()]
    assert found == 2, f"{found} of 2 pings of {inner} bytes"
    return {len(one.frame) - 14 for one in packets if one.is_udp and one.destination_port == 51002 and one.payload[0] == 4}


@scenario("a tunnel carries another tunnel")
def tunnel_over_tunnel(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    inner_a = Device(pair.a, lab.engine, "wgc", port=51003, mtu=1340, addresses=["10.7.0.1/24", "fd07::1/64"])
    inner_b = Device(pair.b, lab.engine, "wgd", port=51004, mtu=1340, addresses=["10.7.0.2/24", "fd07::2/64"])
    introduce(inner_a, inner_b, INNER[4], [["10.7.0.1/32", "fd07::1/128"], ["10.7.0.2/32", "fd07::2/128"]])
    traffic.require_reach(pair.a, "10.7.0.2")
    traffic.flood(pair.a, "fd07::2", 300)
    traffic.tcp(pair.a, pair.b, "10.7.0.2", 4 << 20)


@scenario("a tunnel whose endpoint lies behind itself sends little and dies of nothing")
def routing_loop(lab):
    node = lab.node("a")
    device, other = Device(node, lab.engine, "wga", port=51001, addresses=["10.8.0.1/24"]), Keys()
    device.peer(other.public, endpoint="10.8.0.2:51002", allowed=["10.8.0.2/32"])
    node.result("ping", "-c", "10", "-i", "0.05", "-W", "1", "10.8.0.2")
    time.sleep(1)
    sent = device.statistics(other.public)["tx"]
    assert sent < 70_000, f"{sent} bytes went round"
    assert device.process.poll() is None and device.wg("show", "peers") == other.public


@scenario("two tunnels that each lie behind the other send little and die of nothing")
def onion_loop(lab):
    node = lab.node("a")
    first = Device(node, lab.engine, "wga", port=51001, addresses=["10.8.1.1/24"])
    second = Device(node, lab.engine, "wgb", port=51002, addresses=["10.8.2.1/24"])
    keys = Keys(), Keys()
    first.peer(keys[0].public, endpoint="10.8.2.2:5", allowed=["10.8.1.2/32"])
    second.peer(keys[1].public, endpoint="10.8.1.2:5", allowed=["10.8.2.2/32"])
    for target in ("10.8.1.2", "10.8.2.2"):
        node.result("ping", "-c", "10", "-i", "0.05", "-W", "1", target)
    for device, key in zip((first, second), keys):
        assert device.statistics(key.public)["tx"] < 70_000
        assert device.process.poll() is None


@scenario("a firewall mark carries outer packets past a rule that sends everything inside")
def policy_routing(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    pair.b.ip("address", "add", "172.30.0.1/32", "dev", "lo")
    pair.wg_a.peer(pair.wg_b.keys.public, allowed=["0.0.0.0/0", "::/0"])
    pair.wg_a.wg("set", "fwmark", "51820")
    pair.a.ip("route", "add", "default", "dev", "wga", "table", "51820")
    pair.a.ip("rule", "add", "not", "fwmark", "51820", "table", "51820")
    pair.a.ip("rule", "add", "table", "main", "suppress_prefixlength", "0")
    pair.a.ip("route", "add", "default", "via", "10.9.0.2")
    traffic.flood(pair.a, "172.30.0.1", 100)
    # The control: without the mark the outer packets go inside, and nothing arrives.
    pair.a.ip("rule", "add", "pref", "10", "to", "10.9.0.2", "lookup", "51820")
    pair.wg_a.wg("set", "fwmark", "0")
    pair.a.ip("rule", "del", "pref", "10")
    pair.a.ip("rule", "add", "pref", "10", "not", "fwmark", "51820", "to", "10.9.0.2", "lookup", "51820")
    assert not traffic.reaches(pair.a, "172.30.0.1"), "without the mark it goes through too: nothing was shown"
    pair.wg_a.wg("set", "fwmark", "51820")
    traffic.require_reach(pair.a, "172.30.0.1")


@scenario("wg-quick brings the device up and down, with a default route through it")
def wg_quick(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.wire(a, b, addresses=(["10.9.0.1/24"], ["10.9.0.2/24"]))
    wg_b, keys = Device(b, lab.engine, "wgb", port=51002, addresses=["10.8.0.2/24"]), Keys()
    wg_b.peer(keys.public, allowed=["10.8.0.1/32"])
    b.ip("address", "add", "172.30.0.1/32", "dev", "lo")
    path = f"{lab.folder}/wgq.conf"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="ascii") as file:
        file.write(f"[Interface]\nPrivateKey = {keys.private}\nAddress = 10.8.0.1/24\n[Peer]\nPublicKey = {wg_b.keys.public}\n"
                   "AllowedIPs = 0.0.0.0/0\nEndpoint = 10.9.0.2:51002\n")
    word = lab.engine.argv[0]
    if lab.engine.name == "rustynetd":  # as installed: the script beside the program
        word = shutil.copy(f"{lab.root}/scripts/rustynet-wg", lab.folder)
        os.symlink(os.path.abspath(lab.engine.argv[0]), f"{lab.folder}/rustynetd")
    environment = dict(os.environ, WG_QUICK_USERSPACE_IMPLEMENTATION=word, WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD="1")
    # A link of type wireguard must fail, so that wg-quick takes the program: there is no module here.
    up = a.result("wg-quick", "up", path, env=environment)
    assert up.returncode == 0, f"wg-quick up: {(up.stderr + up.stdout)[-500:]}"
    traffic.require_reach(a, "172.30.0.1")
    traffic.flood(a, "172.30.0.1", 100)
    assert "wgq" in a.links()
    down = a.result("wg-quick", "down", path, env=environment)
    assert down.returncode == 0, f"wg-quick down: {down.stderr[-500:]}"
    until(lambda: "wgq" not in a.links(), 10, "the device is gone after wg-quick down")
    until(lambda: not os.path.exists("/run/wireguard/wgq.sock"), 10, "the socket is gone after wg-quick down")
    assert "51820" not in a.ip("rule", "show"), "a rule is left"


@scenario("the sender learns by ICMP that there is no peer for an address")
def unreachable(lab):
    pair = Pair(lab)
    for version, tool in ((4, []), (6, [])):
        traffic.require_reach(pair.a, INNER[version][1])
    pair.wg_a.peer(pair.wg_b.keys.public, remove=True)
    for version, words in ((4, "Destination Host Unreachable|No route to host|Required key not available"),
                           (6, "Address unreachable|No route|Required key not available")):
        done = pair.a.result("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", INNER[version][1])
        assert re.search(words, done.stdout + done.stderr), f"IPv{version}: nothing was said: {done.stdout[-200:]}"


@scenario("ECN and DSCP: congestion shows through, a class of service does not")
def traffic_class(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    with Capture(pair.b, "v0") as outer, Capture(pair.b, "wgb") as inner:
        traffic.ping(pair.a, INNER[4][1], 3, extra=["-Q", str(0x88 | 1)])  # AF41, ECT(1)
        inner_frames, outer_frames = inner.stop(), [Packet(frame) for frame in outer.stop()]
    seen = {one.traffic_class for one in outer_frames if one.is_udp and one.destination_port == 51002 and one.payload[0] == 4}
    assert any(one[0] == 0x45 and one[1] == 0x89 for one in inner_frames), "the class did not come out: nothing was shown"
    assert 1 in seen and seen <= {0, 1}, f"outer data packets carry {sorted(seen)}"


@scenario("handshakes carry AF41")
def handshake_class(lab):
    pair = Pair(lab)
    with Capture(pair.b, "v0") as capture:
        traffic.require_reach(pair.a, INNER[4][1])
        packets = [Packet(frame) for frame in capture.stop()]
    classes = {one.traffic_class for one in packets if one.is_udp and one.payload and one.payload[0] in (1, 2)}
    assert classes == {0x88}, f"handshakes carry {sorted(classes)}"

"""Networks that `scripts/lab up` builds by name."""
from .tunnel import Device, introduce


def pair(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.wire(a, b, addresses=(["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]))
    return [a, b]


def line(lab):
    a, r, b = (lab.node(name) for name in ("a", "r", "b"))
    lab.wire(a, r, ("v0", "v0"), addresses=(["10.9.1.2/24"], ["10.9.1.1/24"]))
    lab.wire(b, r, ("v0", "v1"), addresses=(["10.9.2.2/24"], ["10.9.2.1/24"]))
    for node, gateway in ((a, "10.9.1.1"), (b, "10.9.2.1")):
        node.ip("route", "add", "default", "via", gateway)
    r.setting("net/ipv4/ip_forward", 1)
    return [a, r, b]


def bridge(lab):
    switch, ends = lab.node("s"), [lab.node(name) for name in ("a", "b", "c")]
    for number, node in enumerate(ends, 1):
        lab.wire(node, switch, ("v0", f"v{number}"), addresses=([f"10.9.0.{number}/24"], []))
    lab.bridge(switch, "br0", [f"v{number}" for number in (1, 2, 3)])
    return [switch, *ends]


TOPOLOGIES = {"pair": pair, "line": line, "bridge": bridge}


def tunnel_over(nodes, engine, mtu):
    """A tunnel between the two nodes of a pair."""
    devices = [Device(node, engine, f"wg{node.name}", port=51000 + side, mtu=mtu,
                      addresses=[f"10.8.0.{side}/24", f"fd08::{side}/64"]) for side, node in enumerate(nodes, 1)]
    introduce(*devices, ("10.9.0.1", "10.9.0.2"),
              [[f"10.8.0.{side}/32", f"fd08::{side}/128"] for side in (1, 2)])
    return devices

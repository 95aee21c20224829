"""What several scenarios start from."""
from Lab.tunnel import Device, introduce

OUTER = {4: ("10.9.0.1", "10.9.0.2", 24), 6: ("fd09::1", "fd09::2", 64)}
INNER = {4: ("10.8.0.1", "10.8.0.2"), 6: ("fd08::1", "fd08::2")}


class Pair:
    """Two nodes `a` and `b` on one wire, a device in each, and each the other's peer."""

    def __init__(self, lab, outer=4, mtu=1420, wire_mtu=1500, engines=None, psk=None, keepalive=None):
        first, second = engines or (lab.engine, lab.engine)
        self.lab = lab
        self.a, self.b = lab.node("a"), lab.node("b")
        self.outer = OUTER[outer][:2]
        lab.wire(self.a, self.b, mtu=wire_mtu, addresses=[
            [f"{OUTER[kind][side]}/{OUTER[kind][2]}" for kind in (4, 6)] for side in (0, 1)])
        inner = [[f"{INNER[4][side]}/24", f"{INNER[6][side]}/64"] for side in (0, 1)]
        self.wg_a = Device(self.a, first, "wga", port=51001, mtu=mtu, addresses=inner[0])
        self.wg_b = Device(self.b, second, "wgb", port=51002, mtu=mtu, addresses=inner[1])
        self.allowed = [[f"{INNER[4][side]}/32", f"{INNER[6][side]}/128"] for side in (0, 1)]
        introduce(self.wg_a, self.wg_b, self.outer, self.allowed, psk=psk, keepalive=keepalive)

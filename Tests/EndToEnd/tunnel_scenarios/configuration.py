"""What is set is what is dumped, and what is wrong is refused."""
import base64
import ipaddress
import os
import random
import re
import socket

from Lab import traffic
from Lab.network import until
from Lab.tunnel import SOCKETS, Device, Keys, introduce
from . import scenario

EINVAL = 22


def device(lab, name="wga"):
    return Device(lab.node("a"), lab.engine, name)


def random_key(seed):
    return base64.b64encode(seed.randbytes(31) + bytes([seed.randrange(128)])).decode()


def set_and_compare(wg, peers):
    """Sets peers with their ranges by `wg setconf`, and compares with what `wg show` says of them."""
    path = f"{wg.node.lab.folder}/large.conf"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="ascii") as file:
        file.write(f"[Interface]\nPrivateKey = {wg.keys.private}\n")
        for key, ranges in peers.items():
            file.write(f"[Peer]\nPublicKey = {key}\n")
            for start in range(0, len(ranges), 512):
                file.write(f"AllowedIPs = {','.join(ranges[start:start + 512])}\n")
    wg.wg("setconf", path)
    found = {}
    for line in wg.wg("show", "allowed-ips").splitlines():
        key, _, ranges = line.partition("\t")
        found[key] = set() if ranges == "(none)" else set(ranges.split(" "))
    assert found == {key: set(ranges) for key, ranges in peers.items()}, \
        f"{len(found)} of {len(peers)} peers, {sum(map(len, found.values()))} ranges: not what was set"
    shown = wg.wg("showconf")
    assert shown.count("[Peer]") == len(peers), "showconf has other peers"


@scenario("one peer with 255 x 256 x 2 ranges is set and dumped alike")
def one_peer_many_ranges(lab):
    ranges = [f"{kind}.{a}.{b}.0/24" for kind in (10, 11) for a in range(255) for b in range(256)]
    set_and_compare(device(lab), {Keys().public: ranges})


@scenario("40 peers with 52 ranges each are set and dumped alike")
def forty_peers(lab):
    seed = random.Random(40)
    set_and_compare(device(lab), {random_key(seed): [f"10.{peer}.{one}.0/24" for one in range(52)] for peer in range(40)})


@scenario("29 peers without a range are set and dumped alike")
def empty_peers(lab):
    seed = random.Random(29)
    set_and_compare(device(lab), {random_key(seed): [] for _ in range(29)})


@scenario("197 ranges of IPv6 on one peer, and the widest and the narrowest on others, are set and dumped alike")
def many_v6(lab):
    seed = random.Random(197)
    # Lengths from 16 to 128, so that the trie branches at every depth.
    ranges = [str(ipaddress.ip_network(((0xfd00 + one) << 112 | seed.getrandbits(112), 16 + one % 113), strict=False))
              for one in range(197)]
    set_and_compare(device(lab), {random_key(seed): ranges, random_key(seed): ["::/0", "0.0.0.0/0"],
                                  random_key(seed): ["fe80::1/128"]})


@scenario("a private key, a preshared key, a mark and a port are set, shown and removed")
def removal(lab):
    wg, other = device(lab), Keys()
    wg.wg("set", "fwmark", "0x1234")
    wg.peer(other.public, psk=Keys().private, keepalive=25, allowed=["10.1.0.0/16"])
    assert wg.wg("show", "fwmark") == "0x1234" and wg.wg("show", "private-key") == wg.keys.private
    assert "(none)" not in wg.wg("show", "preshared-keys") and "\t25" in wg.wg("show", "persistent-keepalive")
    wg.wg("set", "fwmark", "0", "private-key", "/dev/null")
    wg.peer(other.public, psk="", keepalive=0)
    assert wg.wg("show", "fwmark") == "off" and wg.wg("show", "private-key") == "(none)"
    assert wg.wg("show", "public-key") == "(none)"
    assert "(none)" in wg.wg("show", "preshared-keys") and "off" in wg.wg("show", "persistent-keepalive")


@scenario("a private key is clamped when it is set (RFC 7748, 5)")
def clamping(lab):
    wg = device(lab)
    raw = bytearray(b"\xff" * 32)
    wg.wg("set", "private-key", wg.secret(base64.b64encode(raw).decode()))
    raw[0], raw[31] = raw[0] & 248, (raw[31] & 127) | 64
    assert wg.wg("show", "private-key") == base64.b64encode(raw).decode(), "it is kept as it was given"
    assert wg.wg("show", "public-key") == Keys(base64.b64encode(raw).decode()).public


@scenario("a range moves to the peer that asked for it last")
def range_moves(lab):
    wg, first, second = device(lab), Keys().public, Keys().public
    wg.peer(first, allowed=["10.1.0.0/16", "10.2.0.0/16"])
    wg.peer(second, allowed=["10.2.0.0/16"])
    shown = dict(line.split("\t") for line in wg.wg("show", "allowed-ips").splitlines())
    assert shown == {first: "10.1.0.0/16", second: "10.2.0.0/16"}, str(shown)


@scenario("wg syncconf changes what differs and keeps what is the same")
def syncconf(lab):
    wg, keep, drop, add = device(lab), Keys().public, Keys().public, Keys().public
    wg.peer(keep, allowed=["10.1.0.0/16"], endpoint="127.0.0.1:9")
    wg.peer(drop, allowed=["10.2.0.0/16"])
    path = f"{lab.folder}/sync.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"[Interface]\nPrivateKey = {wg.keys.private}\nListenPort = {wg.port}\n[Peer]\nPublicKey = {keep}\n"
                   f"AllowedIPs = 10.1.0.0/16\nEndpoint = 127.0.0.1:9\n[Peer]\nPublicKey = {add}\nAllowedIPs = 10.3.0.0/16\n")
    wg.wg("syncconf", path)
    assert sorted(wg.wg("show", "peers").split()) == sorted([keep, add])


KEY = "77" * 32
REFUSED = {
    "an unknown key": "colour=blue",
    "a private key of 31 bytes": "private_key=" + "77" * 31,
    "a private key that is not hexadecimal": "private_key=" + "zz" * 32,
    "a port beyond 65535": "listen_port=65536",
    "a negative port": "listen_port=-1",
    "a peer's word before any peer": "allowed_ip=10.0.0.0/8",
    "a public key of 33 bytes": "public_key=" + "77" * 33,
    "a range of 33 bits": f"public_key={KEY}\nallowed_ip=10.0.0.0/33",
    "an endpoint without a port": f"public_key={KEY}\nendpoint=10.0.0.1",
    "an endpoint that is a name": f"public_key={KEY}\nendpoint=example.org:1",
    "a keepalive beyond 65535": f"public_key={KEY}\npersistent_keepalive_interval=65536",
    "a protocol version of 2": f"public_key={KEY}\nprotocol_version=2",
}


@scenario("what is malformed is refused with EINVAL, and the device goes on")
def refused(lab):
    wg = device(lab)
    assert wg.set("listen_port=51777\n" + f"public_key={KEY}\nallowed_ip=10.0.0.0/8") == 0, "what is right is refused: nothing is shown"
    wrong = [name for name, text in REFUSED.items() if abs(wg.set(text)) != EINVAL]
    assert wg.set("private_key") != 0, "a line without = is taken"
    wg.process.poll()
    assert wg.process.returncode is None, "the daemon ended"
    assert not wrong, f"not refused with EINVAL: {', '.join(wrong)}"
    assert wg.wg("show", "listen-port") == "51777"


@scenario("a port that is in use is refused, and the device goes on")
def port_in_use(lab):
    first = device(lab)
    second = Device(first.node, lab.engine, "wgb")
    assert second.set(f"listen_port={first.port}\npublic_key={KEY}") != 0, "two devices have one port"
    assert second.wg("show", "peers") == "", "the rest of what was refused was done"
    # Once the other has gone it is free again: the refusal was about the port.
    assert second.wg("show", "listen-port") != str(first.port)
    first.stop()
    assert second.set(f"listen_port={first.port}") == 0
    assert second.wg("show", "listen-port") == str(first.port), "the port that was refused before is not bound"
    # From one port to another and back, as fast as it goes: none of them is anybody else's.
    for port in (51701, 51702) * 20:
        assert second.set(f"listen_port={port}") == 0, f"{port} is in use"


@scenario("the socket is its owner's alone, in a folder of mode 0700 or better guarded")
def socket_mode(lab):
    wg = device(lab)
    mode = os.stat("/run/wireguard/wga.sock").st_mode & 0o777
    folder = os.stat("/run/wireguard").st_mode & 0o777
    assert mode & 0o077 == 0 or folder & 0o077 == 0, f"the socket has {mode:o} in a folder of {folder:o}"
    assert wg.process.poll() is None


def link_local(node, interface):
    """The address that the kernel made up, once it may be used."""
    def found():
        text = node.ip("-6", "address", "show", "dev", interface, "scope", "link", "-tentative")
        match = re.search("inet6 (fe80::[^/]+)/", text)
        return match and match[1]
    return until(found, 5, f"{interface} has a link-local address")


@scenario("a link-local endpoint is set with the name of its interface, shown alike, and reached")
def link_local_endpoint(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.wire(a, b)
    wg_a = Device(a, lab.engine, "wga", addresses=["10.8.0.1/24"])
    wg_b = Device(b, lab.engine, "wgb", addresses=["10.8.0.2/24"])
    introduce(wg_a, wg_b, (None, None), (["10.8.0.1/32"], ["10.8.0.2/32"]))
    endpoint = f"[{link_local(b, 'v0')}%v0]:{wg_b.port}"
    wg_a.peer(wg_b.keys.public, endpoint=endpoint)
    assert wg_a.wg("show", "endpoints").split("\t")[1] == endpoint
    traffic.require_reach(a, "10.8.0.2")
    assert wg_b.wg("show", "endpoints").split("\t")[1] == f"[{link_local(a, 'v0')}%v0]:{wg_a.port}"
    assert wg_a.set(f"public_key={KEY}\nendpoint=[fe80::1%nothing]:5") in (EINVAL, -EINVAL), "an interface that is not there is taken"


@scenario("two requests in one piece are both answered, in their order")
def pipelined(lab):
    wg = device(lab)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(f"{SOCKETS}/wga.sock")
        client.sendall(b"set=1\nlisten_port=51777\n\nset=1\nfwmark=7\n\nget=1\n\n")
        answer = b""
        while answer.count(b"\n\n") < 3:
            answer += client.recv(1 << 16)
    assert answer.startswith(b"errno=0\n\nerrno=0\n\n") and b"fwmark=7\n" in answer, repr(answer[:60])
    assert wg.wg("show", "listen-port") == "51777"


@scenario("clients that say nothing keep nobody from the socket")
def silent_clients(lab):
    wg, silent = device(lab), []

    def connects(client):
        try:
            client.connect(f"{SOCKETS}/wga.sock")
            return True
        except BlockingIOError:  # the queue of the socket is full
            return False
    for number in range(100):
        silent.append(socket.socket(socket.AF_UNIX))
        silent[-1].setblocking(False)
        until(lambda: connects(silent[-1]), 5, f"the client {number} is taken")
    done = wg.node.result("timeout", "5", "wg", "show", "wga", "listen-port")
    assert done.stdout.strip() == str(wg.port), f"wg show ended with {done.returncode}"
    for one in silent:
        one.close()


@scenario("a thousand peers with four ranges each are set, shown, and removed again in one request")
def thousand_peers(lab):
    seed = random.Random(1000)
    wg = device(lab)
    set_and_compare(wg, {random_key(seed): [f"10.{one // 64}.{one % 64}.{part * 64}/26" for part in range(4)] for one in range(1000)})
    assert wg.set("replace_peers=true") == 0
    assert wg.wg("show", "peers") == ""

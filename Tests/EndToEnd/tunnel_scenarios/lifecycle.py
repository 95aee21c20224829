"""Beginning and end: what is left when a daemon, its device or its namespace goes."""
import os
import signal
import threading
import time

from Lab import sandbox, traffic
from Lab.capture import Capture, Packet
from Lab.network import LabError, NotRun, until
from Lab.tunnel import SOCKETS, Device, introduce
from . import scenario
from .setups import INNER, Pair


def objects(node):
    """All that a tunnel may leave in a namespace or beside it."""
    return {"links": sorted(node.links()), "rules": node.ip("rule", "show"), "routes": node.ip("route", "show", "table", "all"),
            "nft": node.result("nft", "list", "ruleset").stdout, "sockets": sorted(os.listdir("/run/wireguard"))}


def transfer_in_background(pair):
    """A transfer that is going to be cut; what it says of that is of no interest."""
    def run():
        try:
            traffic.tcp(pair.a, pair.b, INNER[4][1], 4 << 30, seconds=4)
        except (LabError, OSError):
            pass
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until(lambda: pair.wg_b.statistics(pair.wg_a.keys.public)["rx"] > 4 << 20, 10, "the transfer has begun")
    return thread


@scenario("SIGTERM in the middle of a transfer leaves nothing")
def terminated(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    transfer_in_background(pair)
    for device in (pair.wg_a, pair.wg_b):
        code = device.stop(signal.SIGTERM)
        assert code in (0, 143, -signal.SIGTERM), f"it ended with {code}"
    for node in (pair.a, pair.b):
        left = objects(node)
        assert left["links"] == ["lo", "v0"] and not left["sockets"], f"left: {left['links']} {left['sockets']}"
        assert "wg" not in left["routes"] + left["rules"] + left["nft"]


@scenario("after SIGKILL in the middle of a transfer a restart is clean, and goes on")
def killed(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    transfer_in_background(pair)
    pair.wg_a.stop(signal.SIGKILL)
    again = Device(pair.a, lab.engine, "wga", keys=pair.wg_a.keys, port=51001, addresses=["10.8.0.1/24"])
    again.peer(pair.wg_b.keys.public, endpoint="10.9.0.2:51002", allowed=pair.allowed[1])
    traffic.require_reach(pair.a, INNER[4][1])
    again.stop(signal.SIGTERM)
    left = objects(pair.a)
    assert left["links"] == ["lo", "v0"] and left["sockets"] == ["wgb.sock"], f"left: {left['links']} {left['sockets']}"


@scenario("a daemon whose interface is removed ends, and leaves nothing")
def interface_removed(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    pair.a.ip("link", "del", "wga")
    try:
        pair.wg_a.process.wait(5)
    except Exception:
        raise LabError("it goes on without its interface") from None
    assert os.listdir("/run/wireguard") == ["wgb.sock"], f"left: {os.listdir('/run/wireguard')}"


@scenario("a namespace that is deleted takes every object with it")
def namespace_deleted(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    inode = os.fstat(pair.a.descriptor).st_ino
    pair.a.remove()
    pair.wg_a.stop(signal.SIGTERM)
    until(lambda: pair.b.links() == ["lo", "wgb"], 5, "the wire is gone with the namespace")
    until(lambda: not holders(inode), 5, "no process is left in the namespace")
    assert os.listdir("/run/wireguard") == ["wgb.sock"]


def holders(inode):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}/ns/net").st_ino == inode:
                found.append(pid)
        except OSError:
            continue
    return found


@scenario("down and up again, and the peers are as before")
def down_and_up(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    pair.a.ip("link", "set", "wga", "down")
    assert not traffic.reaches(pair.a, INNER[4][1])
    pair.a.ip("link", "set", "wga", "up")
    traffic.require_reach(pair.a, INNER[4][1])
    assert pair.wg_a.wg("show", "peers") == pair.wg_b.keys.public


@scenario("while the interface is down nothing is sent and nothing answered, not even a keepalive")
def down_is_silent(lab):
    pair = Pair(lab, keepalive=1)
    traffic.require_reach(pair.a, INNER[4][1])
    pair.a.ip("link", "set", "wga", "down")
    with Capture(pair.b, "v0") as capture:
        # Made anew, the other side has no session: it asks at once, and again after five seconds.
        pair.wg_b.peer(pair.wg_a.keys.public, remove=True)
        pair.wg_b.peer(pair.wg_a.keys.public, endpoint="10.9.0.1:51001", allowed=pair.allowed[0], keepalive=1)
        time.sleep(2.5)
        packets = [one for one in map(Packet, capture.stop()) if one.is_udp]
    assert any(one.source == "10.9.0.2" for one in packets), "the other side did not ask: nothing was shown"
    said = [one for one in packets if one.source == "10.9.0.1"]
    assert not said, f"{len(said)} packets, of the types {sorted({one.payload[0] for one in said})}"
    # Up again it calls by itself, since it has a persistent keepalive.
    before = pair.wg_b.statistics(pair.wg_a.keys.public)["handshake"]
    assert before == 0, "a handshake was completed"
    pair.a.ip("link", "set", "wga", "up")
    until(lambda: pair.wg_b.statistics(pair.wg_a.keys.public)["handshake"] > 0, 5, "it calls when it is up again")


@scenario("an interface that is moved to another namespace goes on; its outer packets stay where they were")
def moved_to_namespace(lab):
    a, b, c = (lab.node(name) for name in ("a", "b", "c"))
    lab.wire(a, b, addresses=(["10.9.0.1/24"], ["10.9.0.2/24"]))
    wg_a = Device(a, lab.engine, "wga", port=51001)
    wg_b = Device(b, lab.engine, "wgb", port=51002, addresses=["10.8.0.2/24"])
    introduce(wg_a, wg_b, ("10.9.0.1", "10.9.0.2"), (["10.8.0.1/32"], ["10.8.0.2/32"]))
    a.ip("link", "set", "wga", "netns", "c")
    # Another one of that name in the namespace that was left is none of ours.
    a.ip("link", "add", "wga", "type", "veth", "peer", "name", "wgx")
    c.address("wga", "10.8.0.1/24")
    c.ip("link", "set", "wga", "up")
    traffic.require_reach(c, "10.8.0.2")
    traffic.tcp(c, b, "10.8.0.2", 4 << 20)
    assert c.links() == ["lo", "wga"]


@scenario("an interface has no link-local address that nobody asked for, as the kernel's")
def no_made_up_address(lab):
    wg = Device(lab.node("a"), lab.engine, "wga", addresses=["fd08::1/64"])
    found = wg.node.ip("-6", "address", "show", "dev", "wga")
    assert "fd08::1" in found and "fe80" not in found, found


def refusal(node, engine, name, *before):
    """What a start that must fail printed, and its exit code."""
    done = node.result(*before, *engine.argv, name, seconds=15)
    lines = (done.stderr + done.stdout).strip().splitlines()
    assert done.returncode != 0, f"{name}: it was started"
    assert len(lines) == 1, f"{name}: {len(lines)} lines: {lines[:3]}"
    return lines[0], done.returncode


@scenario("what the system refuses is one line with its code, and leaves nothing")
def refusals(lab):
    if lab.engine.name != "rustynetd":
        raise NotRun("codes of ours")
    node = lab.node("a")
    node.ip("link", "add", "bridge0", "type", "bridge")
    before = objects(node)

    def expect(code, number, *words, name="wga"):
        line, status = refusal(node, lab.engine, name, *words)
        assert f"[{code}]" in line and status == number, f"{code}: {line} (exit {status})"
        assert objects(node) == before, f"{code}: something is left"
    expect("tunnel.privilege", 78, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    expect("tunnel.privilege", 78, "setpriv", "--bounding-set=-net_admin")
    expect("tunnel.interface-busy", 70, name="bridge0")
    expect("tunnel.internal", 70, "sh", "-c", 'ulimit -n 8; exec "$@"', "sh")
    for folder, flags, options, code in (
            ("/run/wireguard", 0, "mode=0700,nr_inodes=1", "tunnel.socket"),
            ("/run/wireguard", 1, "mode=0700", "tunnel.socket"), ("/dev/net", 0, "", "tunnel.no-tun")):
        sandbox.mount("tmpfs", folder, flags, options)
        try:
            expect(code, 70)
        finally:
            sandbox.call("umount2", folder.encode(), 2)
    for wrong in ("RUSTYNET_TUNNEL_OFFLOADS=no", "RUSTYNET_TUNNEL_CLAMP_MSS=yes", "RUSTYNET_TUNNEL_MTU=big", "RUSTYNET_TUNNEL_CIPHER=x"):
        expect("command.argument", 64, "env", wrong)
    # The control: with everything there, the same start succeeds.
    Device(node, lab.engine, "wga").stop()


@scenario("a daemon in the background holds nothing of the one who started it: no lock, no pipe")
def inherits_nothing(lab):
    if lab.engine.name != "rustynetd":
        raise NotRun("its command for the background is not known")
    node, lock = lab.node("a"), f"{lab.folder}/lock"
    command = [one for one in lab.engine.argv if one != "--foreground"]
    assert node.result("flock", "-n", lock, *command, "wga", seconds=20).returncode == 0
    assert os.listdir("/run/wireguard") == ["wga.sock"], "it is not there: nothing was shown"
    assert node.result("flock", "-n", lock, "true").returncode == 0, "the lock is held"
    # The control: a child that inherits the lock does hold it.
    node.result("flock", "-n", lock, "sh", "-c", "sleep 5 > /dev/null 2>&1 &")
    assert node.result("flock", "-n", lock, "true").returncode != 0, "the lock of a child is not seen"
    node.ip("link", "del", "wga")
    until(lambda: not os.listdir("/run/wireguard"), 10, "it ends with its interface")


@scenario("a second daemon for an interface that is there is refused, and harms nothing")
def second_daemon(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    with open(f"{lab.folder}/second.log", "wb") as log:
        second = pair.a.start(*lab.engine.argv, "wga", stdout=log, stderr=log)
    try:
        code = second.wait(5)
    except Exception:
        raise LabError("a second daemon runs on the same interface") from None
    assert code != 0, "it ended with 0"
    traffic.require_reach(pair.a, INNER[4][1])
    assert pair.wg_a.wg("show", "peers") == pair.wg_b.keys.public, "the first one's socket is gone"


@scenario("names that no interface can have are refused with one line and the right code")
def bad_names(lab):
    node = lab.node("a")
    for name in ("", "sixteen-bytes-xx", "a/b", "a b", "..", "-x"):
        done = node.result(*lab.engine.argv, name, seconds=10)
        assert done.returncode != 0, f"“{name}” was taken"
    assert node.links() == ["lo"] and not os.listdir("/run/wireguard")
    if lab.engine.name == "rustynetd":
        done = node.result(*lab.engine.argv, "sixteen-bytes-xx", seconds=10)
        assert done.returncode == 64 or done.returncode == 65, f"exit {done.returncode}"


@scenario("idle, a daemon wakes up seldom")
def idle(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    time.sleep(12)  # past the passive keepalive
    before = wakeups(pair.wg_a.process.pid)
    time.sleep(5)
    rate = (wakeups(pair.wg_a.process.pid) - before) / 5
    assert rate <= 1, f"{rate:g} wake-ups a second"


def wakeups(pid):
    """Voluntary and other switches of all threads of a process."""
    count = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            count += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return count

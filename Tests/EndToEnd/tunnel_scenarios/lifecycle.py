"""Beginning and end: what is left when a daemon, its device or its namespace goes."""
import os
import signal
import threading
import time

from Lab import traffic
from Lab.network import LabError, until
from Lab.tunnel import Device
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

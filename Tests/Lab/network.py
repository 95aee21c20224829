"""Nodes (network namespaces) and the wires between them, inside a sandbox."""
import contextlib
import json
import os
import signal
import subprocess
import threading
import time

from . import sandbox


class LabError(Exception):
    """Something did not come out as it should; the text says what."""


class NotRun(Exception):
    """Something that is needed is not here; the text says what."""


def until(condition, seconds=5.0, what="a condition", pause=0.02):
    """Waits until `condition()` is true and returns what it returned; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


class Node:
    """A network namespace. `with node:` moves the calling thread, and what it starts or opens, into it."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        lab.tool("ip", "netns", "add", name)
        self.descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.stack = threading.local()
        self.ip("link", "set", "lo", "up")

    def __enter__(self):
        if not hasattr(self.stack, "before"):
            self.stack.before = []
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.stack.before.append(before)
        sandbox.call("setns", self.descriptor, sandbox.NEW_NETWORK)
        return self

    def __exit__(self, *_):
        before = self.stack.before.pop()
        sandbox.call("setns", before, sandbox.NEW_NETWORK)
        os.close(before)

    def run(self, *argv, check=True, seconds=60, text_in=None):
        """Runs a command here and returns what it printed; with `check` it must end with 0."""
        with self:
            return self.lab.tool(*argv, check=check, seconds=seconds, text_in=text_in)

    def result(self, *argv, seconds=60, text_in=None, **options):
        """Runs a command here and returns the finished process, whatever its end."""
        try:
            with self:
                return subprocess.run([str(one) for one in argv], capture_output=True, text=True, timeout=seconds,
                                      input=text_in, **options)
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(map(str, argv))}: did not end within {seconds} s") from None

    def start(self, *argv, **options):
        """Starts a command here that is ended with the lab."""
        with self:
            process = subprocess.Popen([str(one) for one in argv], **options)
        self.lab.processes.append(process)
        return process

    def ip(self, *arguments, **options):
        return self.run("ip", *arguments, **options)

    def rules(self, text):
        """Loads an nftables rule set."""
        return self.run("nft", "-f", "-", text_in=text)

    def setting(self, name, value):
        """A sysctl of this namespace, such as net/ipv4/ip_forward."""
        with self, open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def address(self, interface, *addresses):
        for one in addresses:
            self.ip("address", "add", one, "dev", interface, *(["nodad"] if ":" in one else []))

    def mtu(self, interface):
        return json.loads(self.ip("-j", "link", "show", "dev", interface))[0]["mtu"]

    def links(self):
        return [one["ifname"] for one in json.loads(self.ip("-j", "link", "show"))]

    def counters(self, interface):
        """Bytes and packets of an interface, both ways."""
        stats = json.loads(self.ip("-j", "-s", "link", "show", "dev", interface))[0]["stats64"]
        return {way: stats[way] for way in ("rx", "tx")}

    def remove(self):
        """Deletes the namespace while the lab goes on; processes in it lose what they had."""
        os.close(self.descriptor)
        self.lab.nodes.remove(self)
        self.lab.tool("ip", "netns", "del", self.name)


class Lab:
    """Everything that one scenario made, and its end."""

    def __init__(self, folder):
        self.folder = folder
        self.nodes, self.processes, self.cleanups = [], [], []

    @staticmethod
    def tool(*argv, check=True, seconds=60, text_in=None):
        argv = [str(one) for one in argv]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, input=text_in)
        except FileNotFoundError:
            raise NotRun(f"needs the program {argv[0]}") from None
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(argv)}: did not end within {seconds} s") from None
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(argv)}: exit {done.returncode}: {(done.stderr + done.stdout).strip()[-400:]}")
        return done.stdout

    def node(self, name):
        self.nodes.append(Node(self, name))
        return self.nodes[-1]

    def wire(self, first, second, names=("v0", "v0"), mtu=1500, addresses=((), ())):
        """A veth pair between two nodes, up, with addresses."""
        self.tool("ip", "link", "add", names[0], "mtu", mtu, "netns", first.name, "type", "veth", "peer", "name",
                  names[1], "mtu", mtu, "netns", second.name)
        for node, name, own in zip((first, second), names, addresses):
            node.address(name, *own)
            node.ip("link", "set", name, "up")

    def bridge(self, node, name, ports):
        """A bridge in `node` over interfaces that are there already."""
        node.ip("link", "add", name, "type", "bridge")
        for port in ports:
            node.ip("link", "set", port, "master", name)
        node.ip("link", "set", name, "up")

    @staticmethod
    def lose(node, interface, per_mille):
        """Drops packets at random as they come in: the sender does not learn of it."""
        node.rules(f"""table netdev loss {{ chain ingress {{
            type filter hook ingress device "{interface}" priority 0;
            numgen random mod 1000 < {per_mille} drop
          }}
        }}
        """)

    def close(self):
        """Ends what was started, closes what was opened, deletes the namespaces."""
        for cleanup in reversed(self.cleanups):
            with contextlib.suppress(Exception):
                cleanup()
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for node in list(self.nodes):
            node.remove()
        for name in os.listdir("/run/wireguard"):
            os.unlink(f"/run/wireguard/{name}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

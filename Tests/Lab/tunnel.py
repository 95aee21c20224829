"""Tunnel devices: a daemon for each, configured with wg(8)."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from .network import LabError, NotRun, until

SOCKETS = "/run/wireguard"


class Engine:
    """A program that makes a device: the command, to which the interface's name is appended."""

    def __init__(self, name, argv):
        self.name, self.argv = name, argv

    def with_options(self, *options):
        """The same with more options, which only ours has."""
        if self.name != "rustynetd":
            raise NotRun(f"{self.name} has no {options[0]}")
        return Engine(self.name, [*self.argv, *map(str, options)])

    def missing(self):
        return None if shutil.which(self.argv[0]) else f"there is no program {self.argv[0]}"

    def start(self, node, interface):
        """Starts the daemon and waits for its socket."""
        log = open(os.path.join(node.lab.folder, f"{node.name}.{interface}.log"), "ab")
        environment = dict(os.environ, LOG_LEVEL="error", WG_PROCESS_FOREGROUND="1")
        process = node.start(*self.argv, interface, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        log.close()
        path = f"{SOCKETS}/{interface}.sock"

        def is_there():
            if process.poll() is not None:
                text = open(log.name, "rb").read().decode(errors="replace").strip()[-300:]
                raise LabError(f"{self.name} {interface}: exit {process.returncode}: {text}")
            return answers(path)
        until(is_there, 10, f"{self.name} answers on {path}")
        return process


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            return True
        except OSError:
            return False


def tool(*arguments, text_in=None):
    try:
        return subprocess.run(["wg", *arguments], input=text_in, capture_output=True, text=True, check=True).stdout.strip()
    except FileNotFoundError:
        raise NotRun("needs the program wg") from None


class Keys:
    """A key pair, by wg(8)."""

    def __init__(self, private=None):
        self.private = private or tool("genkey")
        self.public = tool("pubkey", text_in=self.private + "\n")


def shared_key():
    return tool("genpsk")


class Device:
    """One tunnel interface with its daemon; an `mtu` of None leaves it the one that it has."""

    def __init__(self, node, engine, interface, keys=None, port=0, mtu=1420, addresses=()):
        self.node, self.engine, self.interface = node, engine, interface
        self.keys = keys or Keys()
        self.process = engine.start(node, interface)
        self.wg("set", "listen-port", port, "private-key", self.secret(self.keys.private))
        node.address(interface, *addresses)
        node.ip("link", "set", interface, *(["mtu", mtu] if mtu else []), "up")
        self.port = int(self.wg("show", "listen-port"))

    def secret(self, text):
        """A key in a file of the scenario's folder, as wg(8) wants it."""
        path = os.path.join(self.node.lab.folder, f"key.{time.monotonic_ns()}")
        with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="ascii") as file:
            file.write(text + "\n")
        return path

    def wg(self, verb, *arguments, **options):
        return self.node.run("wg", verb, self.interface, *arguments, **options).strip()

    def peer(self, public, *, endpoint=None, allowed=(), psk=None, keepalive=None, remove=False):
        arguments = ["peer", public]
        if remove:
            arguments.append("remove")
        if psk is not None:
            arguments += ["preshared-key", self.secret(psk) if psk else "/dev/null"]
        if endpoint:
            arguments += ["endpoint", endpoint]
        if keepalive is not None:
            arguments += ["persistent-keepalive", keepalive]
        if allowed:
            arguments += ["allowed-ips", ",".join(allowed)]
        self.wg("set", *arguments)

    def uapi(self, text):
        """One transaction over the socket; the lines of the answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(f"{SOCKETS}/{self.interface}.sock")
            client.sendall(text.encode())
            answer = b""
            while not answer.endswith(b"\n\n"):
                piece = client.recv(1 << 20)
                if not piece:
                    break
                answer += piece
        return answer.decode().splitlines()

    def set(self, text):
        """`set=1` with lines; the errno of the answer."""
        return int(re.search(r"errno=(-?\d+)", "\n".join(self.uapi("set=1\n" + text + "\n\n")))[1])

    def get(self):
        return self.uapi("get=1\n\n")

    def statistics(self, public):
        """Received and sent bytes, seconds of the last handshake, and the endpoint of a peer."""
        for line in self.wg("show", "dump").splitlines()[1:]:
            fields = line.split("\t")
            if fields[0] == public:
                return {"endpoint": fields[2], "handshake": int(fields[4]), "rx": int(fields[5]), "tx": int(fields[6])}
        raise LabError(f"{self.interface} has no peer {public}")

    def stop(self, number=signal.SIGTERM, seconds=5):
        """Ends the daemon and returns its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.engine.name} did not end within {seconds} s of signal {number}") from None


def introduce(first, second, addresses, allowed, psk=None, keepalive=None):
    """Makes two devices each other's peer. `addresses`: the outer address of each, None where it is to be learnt."""
    for device, other, address, ranges in ((first, second, addresses[1], allowed[1]), (second, first, addresses[0], allowed[0])):
        endpoint = None
        if address:
            endpoint = f"[{address}]:{other.port}" if ":" in address else f"{address}:{other.port}"
        device.peer(other.keys.public, endpoint=endpoint, allowed=ranges, psk=psk, keepalive=keepalive)

"""The measurements: each builds its own laboratory, measures, and leaves nothing."""
import base64
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from Lab import traffic
from Lab.network import Lab, LabError, NotRun
from Lab.tunnel import Device, introduce

TICKS = os.sysconf("SC_CLK_TCK")
INNER = ("10.8.0.1", "10.8.0.2")
OUTER = ("10.9.0.1", "10.9.0.2")


class Tunnel:
    """Two nodes on one wire, and a tunnel between them when there is an engine."""

    def __init__(self, engine, mtu=1420, gso=True):
        self.folder = tempfile.mkdtemp(prefix="rustynet-bench.")
        self.lab = Lab(self.folder)
        self.a, self.b = self.lab.node("a"), self.lab.node("b")
        self.lab.wire(self.a, self.b, addresses=([f"{OUTER[0]}/24"], [f"{OUTER[1]}/24"]))
        if not gso:
            for node in (self.a, self.b):
                node.run("ethtool", "-K", "v0", "tx-udp-segmentation", "off")
        self.devices = []
        if engine:
            self.devices = [Device(node, engine, f"wg{node.name}", port=51000 + side, mtu=mtu,
                                   addresses=[f"{INNER[side]}/24"]) for side, node in enumerate((self.a, self.b))]
            introduce(*self.devices, OUTER, [[f"{one}/32"] for one in INNER])
            traffic.require_reach(self.a, INNER[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pids(self):
        return [one.process.pid for one in self.devices]

    def iperf(self, target, seconds, streams=1):
        """Received bits per second in 10^9, and received bytes."""
        server = self.b.start("iperf3", "-s", "-1", "-B", target, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        done = self.a.result("iperf3", "-c", target, "-t", seconds, "-P", streams, "-J", seconds=seconds + 20)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(5)
        try:
            end = json.loads(done.stdout)["end"]["sum_received"]
        except (ValueError, KeyError):
            raise LabError(f"iperf3: {done.stdout[-200:]}{done.stderr[-200:]}") from None
        return end["bits_per_second"] / 1e9, end["bytes"]


def cpu(pids):
    """User and system seconds of processes so far."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return round(int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024, 1)


def transfer(engine, mtu, gso, seconds):
    """Rates and CPU with 1 and 4 streams, and the mean round trip under the load of one."""
    result = {}
    with Tunnel(engine, mtu, gso) as tunnel:
        for streams in (1, 4):
            before = cpu(tunnel.pids)
            rate, count = tunnel.iperf(INNER[1], seconds, streams)
            result[streams] = {"gbps": rate, "cpu": (cpu(tunnel.pids) - before) / (count / 1e9)}
        server = tunnel.b.start("iperf3", "-s", "-1", "-B", INNER[1], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        load = tunnel.a.start("iperf3", "-c", INNER[1], "-t", "3", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        text = tunnel.a.result("ping", "-n", "-q", "-c", "200", "-i", "0.01", INNER[1]).stdout
        load.wait(10)
        server.wait(10)
        result["ping"] = float(re.search(r"= [\d.]+/([\d.]+)/", text)[1])
    return result


def memory_at_speed(engine, seconds):
    with Tunnel(engine) as tunnel:
        tunnel.iperf(INNER[1], seconds)
        return [rss(pid) for pid in tunnel.pids]


def memory_with_peers(engine, count):
    with Tunnel(engine) as tunnel:
        lines = []
        for number in range(count):
            lines.append(f"public_key={os.urandom(31).hex()}{number % 128:02x}\nendpoint=10.9.0.2:{2000 + number}\n"
                         f"allowed_ip=10.{100 + number // 250}.{number % 250}.0/24")
        if tunnel.devices[0].set("\n".join(lines)) != 0:
            raise LabError("a thousand peers are refused")
        time.sleep(1)
        return rss(tunnel.pids[0])


def wakeups(pid):
    count = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            count += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return count


def idle(engine):
    """Context switches of all threads in a second, and RSS, when nothing has happened for a while."""
    with Tunnel(engine) as tunnel:
        time.sleep(15)
        before = wakeups(tunnel.pids[0])
        time.sleep(15)
        return (wakeups(tunnel.pids[0]) - before) / 15, rss(tunnel.pids[0])


def ceiling(seconds):
    with Tunnel(None) as tunnel:
        return tunnel.iperf(OUTER[1], seconds)[0]


def crypto(size):
    text = subprocess.run(["openssl", "speed", "-evp", "chacha20-poly1305", "-bytes", str(size), "-seconds", "2"],
                          capture_output=True, text=True, check=True).stdout
    return float(re.search(r"([\d.]+)k\s*$", text.strip())[1]) * 1000 * 8 / 1e9


def generator(tunnel, bench, *arguments, first=False, **options):
    """`first`: it comes before everything else on these cores, as a flood from elsewhere would."""
    public = base64.b64decode(tunnel.devices[1].keys.public).hex()
    return tunnel.a.start(*(("nice", "-n", "-20") if first else ()), bench, "handshakes", *arguments, "--public-key", public, stdout=subprocess.PIPE, text=True, **options)


def sources(tunnel):
    """Makes 10.128.0.0/9 the generator's own, and b know the way there."""
    tunnel.a.ip("route", "add", "local", "10.128.0.0/9", "dev", "lo")
    tunnel.b.ip("route", "add", "10.128.0.0/9", "via", OUTER[0])
    for node in (tunnel.a, tunnel.b):
        node.setting("net/ipv4/conf/all/rp_filter", 0)


def handshakes(engine, bench, seconds, window, peers=500):
    """Accepted handshakes: a second of wall time, and a second of the daemon's CPU (which is one core's)."""
    if not os.path.exists(bench):
        raise NotRun(f"there is no program {bench}")
    with Tunnel(engine) as tunnel:
        sources(tunnel)
        keys = subprocess.run([bench, "handshakes", "--keys", "--peers", str(peers)], capture_output=True, text=True,
                              check=True).stdout.split()
        if tunnel.devices[1].set("\n".join(f"public_key={key}" for key in keys)) != 0:
            raise LabError("the peers are refused")
        responder = tunnel.pids[1]
        subprocess.run(["taskset", "-a", "-c", "-p", "0", str(responder)], check=True, capture_output=True)
        before = cpu([responder])
        process = generator(tunnel, bench, f"{OUTER[1]}:{tunnel.devices[1].port}", "--peers", peers, "--seconds", seconds,
                            "--window", window)
        text = process.communicate(timeout=seconds + 120)[0]
        spent = cpu([responder]) - before
        found = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", text)}
        if process.returncode != 0 or not found.get("answered"):
            raise LabError(f"no handshake was answered: {text}")
        return {"rate": int(found["answered_per_second"]), "per_core": int(found["answered"] / max(spent, 0.01)),
                "cookies": int(found["cookies"])}


def flood(engine, bench, seconds, rate, turns):
    """The rate of a transfer while initiations that nobody made flood the port, beside a flood of a closed port."""
    if not os.path.exists(bench):
        raise NotRun(f"there is no program {bench}")
    rates, sent = {"tunnel": [], "closed": []}, []
    with Tunnel(engine) as tunnel:
        sources(tunnel)
        for _ in range(turns):
            for name, port in (("tunnel", tunnel.devices[1].port), ("closed", 9)):
                process = generator(tunnel, bench, f"{OUTER[1]}:{port}", "--flood", rate, "--seconds", seconds + 2,
                                    first=True)
                time.sleep(0.7)
                rates[name].append(tunnel.iperf(INNER[1], seconds)[0])
                text = process.communicate(timeout=60)[0]
                sent.append(int(re.search(r"sent_per_second=(\d+)", text)[1]))
    shares = [one / other for one, other in zip(rates["tunnel"], rates["closed"])]
    return {"share": statistics.median(shares), "tunnel": statistics.median(rates["tunnel"]),
            "closed": statistics.median(rates["closed"]), "sent": min(sent)}


# Where a sample belongs, by its symbol and its object; the first that matches.
GROUPS = (
    ("ChaCha20 and Poly1305", r"chacha|poly1305|Poly1305|ChaCha"),
    ("EVP and the rest of libcrypto", r"libcrypto|EVP_|CRYPTO_"),
    ("kernel: copies", r"copy_(from|to)_iter|rep_movs|memcpy|copyin|copyout|copy_user|csum_partial"),
    ("kernel: the rest", r"\[k\]|kernel|vmlinux"),
    ("retain, release, allocation, exclusivity", r"swift_(retain|release|alloc|beginAccess)|malloc|free"),
    ("the engine's own code", r"."),
)


def profile(engine, seconds):
    """Shares of the daemons' CPU by where it is spent; needs perf."""
    if not shutil.which("perf"):
        raise NotRun("needs the program perf")
    with Tunnel(engine) as tunnel:
        data = os.path.join(tunnel.folder, "perf.data")
        recorder = subprocess.Popen(["perf", "record", "-q", "-F", "997", "-o", data, "-p", ",".join(map(str, tunnel.pids))],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tunnel.iperf(INNER[1], seconds)
        recorder.send_signal(2)
        recorder.wait(20)
        text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "dso,symbol", "-g", "none"],
                              capture_output=True, text=True, check=False).stdout
    shares = {name: 0.0 for name, _ in GROUPS}
    for share, rest in re.findall(r"^\s*([\d.]+)%\s+(.*)$", text, re.M):
        shares[next(name for name, pattern in GROUPS if re.search(pattern, rest))] += float(share)
    if sum(shares.values()) < 50:
        raise NotRun("perf shows no samples here")
    return [(round(share, 1), name) for name, share in shares.items()]

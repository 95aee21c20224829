#!/usr/bin/env python3
"""What clients of rustynetd may do over TCP, and what none of them can do to the others.

Run:  Tests/EndToEnd/dns_streams.py PROGRAM

Ends with 0, or 78 when a case is wrong. Each case that shows what a client is denied has beside it what it is given.
"""
import os
import pathlib
import resource
import signal
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Peers"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import dns_servers  # noqa: E402
from dns_compliance import SOA, Client, Reply, query  # noqa: E402
from dns_forwarding import Cases, Resolver, answer, question  # noqa: E402

PORT = 5340
PLAIN = query(0, None, SOA)


def framed(message):
    return struct.pack("!H", len(message)) + message


def connect(source="127.0.0.1", timeout=5):
    return socket.create_connection(("127.0.0.1", PORT), timeout, source_address=(source, 0))


def read(stream, count):
    """So many replies, or those until the end."""
    found, buffer = [], b""
    stream.settimeout(5)
    try:
        while len(found) < count:
            more = stream.recv(1 << 16)
            if not more:
                break
            buffer += more
            while len(buffer) >= 2 and len(buffer) >= 2 + struct.unpack("!H", buffer[:2])[0]:
                length = struct.unpack("!H", buffer[:2])[0]
                found.append(buffer[2:2 + length])
                buffer = buffer[2 + length:]
    except OSError:
        pass
    return found


def is_open(stream):
    """Whether the server has left the connection open."""
    stream.settimeout(0.05)
    try:
        return stream.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def pipelining(cases):
    """RFC 7766, 6.2.1: as many questions as a client likes, read when it likes, each answered once."""
    count = 100_000
    many = b"".join(framed(struct.pack("!H", n % 65536) + PLAIN[2:]) for n in range(count))
    with connect() as stream, stream.dup() as other:
        other.settimeout(30)
        threading.Thread(target=other.sendall, args=(many,), daemon=True).start()
        # The server must stop reading, not give up, while nobody takes its replies.
        time.sleep(1)
        replies = read(stream, count)
        cases.check("a hundred thousand questions of a client that reads late",
                    len(replies) == count and len({one[:2] for one in replies}) == 65536, len(replies))
    with connect() as stream:
        for octet in framed(PLAIN):
            stream.sendall(bytes([octet]))
            time.sleep(0.01)
        cases.check("a question octet by octet", len(read(stream, 1)) == 1)
        stream.sendall(framed(PLAIN)[:1])
        time.sleep(0.1)
        stream.sendall(framed(PLAIN)[1:] + framed(PLAIN)[:20])
        cases.check("half a length, then the rest and more", len(read(stream, 1)) == 1)
        stream.sendall(framed(PLAIN)[20:])
        cases.check("and the rest of that", len(read(stream, 1)) == 1)
    with connect() as stream:
        stream.sendall(framed(PLAIN) * 3)
        stream.shutdown(socket.SHUT_WR)
        cases.check("who has ended its half gets its replies, and the end", len(read(stream, 4)) == 3)
    with connect() as stream:
        stream.sendall(framed(PLAIN) * 3 + b"\0\x40cut")
        stream.shutdown(socket.SHUT_WR)
        cases.check("a message that is cut off at the end is nothing", len(read(stream, 4)) == 3)
    room = 65_535 - len(PLAIN) - 11 - 4
    longest = query(0, (1232, 0, 0, struct.pack("!HH", 12, room) + bytes(room)), SOA)
    with connect() as stream:
        stream.sendall(framed(longest))
        cases.check("a question of 65,535 octets", len(longest) == 65_535 and [Reply(one).code for one in read(stream, 1)] == [0])
    with connect() as stream:
        stream.sendall(b"\0\0" * 5 + framed(b"x") * 5 + framed(bytes(40)) + framed(PLAIN))
        cases.check("garbage between questions", Reply((read(stream, 2) or [bytes(12)])[-1]).code == 0)


def forwarded(cases, resolver):
    """Questions that wait for a resolver: out of order, no more at a time than allowed, all answered."""
    with connect() as stream:
        stream.sendall(framed(question("slow.example.com")) + framed(PLAIN))
        cases.check("who waits for a resolver is overtaken", [one[12] for one in read(stream, 2)] == [8, 4])
    count = 400
    with connect(timeout=20) as stream:
        stream.sendall(b"".join(framed(question(f"late-{n}.example.com")) for n in range(count)))
        asked, end = 0, time.monotonic() + 1.5
        while asked < 100 and time.monotonic() < end:
            time.sleep(0.1)
            asked = len([one for one in resolver.seen if one[0].startswith("late-")])
        cases.check("a hundred of a stream wait at a time", asked == 100, asked)
        cases.check("and all are answered", len(read(stream, count)) == count)
    with connect() as stream:
        stream.sendall(b"".join(framed(question(f"slow-{n}.example.com")) for n in range(5)))
        stream.shutdown(socket.SHUT_WR)
        cases.check("who has ended its half waits for resolvers too", len(read(stream, 6)) == 5)


def cpu_of(server, seconds):
    before = server.cpu()
    time.sleep(seconds)
    return (server.cpu() - before) / seconds


def gone(cases, server):
    """A client that is gone while a resolver is asked costs nothing."""
    stream = connect()
    stream.sendall(b"".join(framed(question(f"silent.x{n}.example.com")) for n in range(150)))
    time.sleep(0.2)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()
    used = cpu_of(server, 1)
    cases.check("a client that resets its stream while others are asked", used < 0.3, used)


def silent(cases, client):
    """Streams that say nothing, or hardly anything, end; whoever asks has room."""
    with connect() as idle, connect() as slow, connect() as asks:
        asks.sendall(framed(PLAIN))
        read(asks, 1)
        begin = time.monotonic()
        while time.monotonic() - begin < 6:
            slow.sendall(b"\1")
            try:
                asks.sendall(framed(PLAIN))
                read(asks, 1)
            except OSError:
                break
            time.sleep(0.25)
            if not is_open(slow):
                break
        cases.check("a silent stream is closed after the time", not is_open(idle))
        cases.check("so is one that sends octet by octet", time.monotonic() - begin < 5.5)
        cases.check("one that asks stays open", is_open(asks))
    crowd = []
    # From many addresses: no limit of one source is what ends them.
    for number in range(10_000):
        try:
            crowd.append(connect(f"127.1.{number // 200 % 250}.{number % 200 + 1}", 2))
        except OSError:
            break
        if number % 2500 == 2499:
            with connect("127.2.0.1") as stream:
                stream.sendall(framed(PLAIN))
                cases.check(f"a client is served beside {number + 1} silent ones", len(read(stream, 1)) == 1)
    cases.check("ten thousand connections", len(crowd) == 10_000, len(crowd))
    cases.check("UDP is served beside them", client.ask(PLAIN) is not None)
    for stream in crowd:
        stream.close()
    own = [connect("127.3.0.1") for _ in range(40)]
    time.sleep(0.2)
    cases.check("one source has 32 streams, the latest", [is_open(one) for one in own] == [False] * 8 + [True] * 32)
    for stream in own:
        stream.close()


def exhausted(cases, program, folder):
    """Without descriptors: no busy loop, and the silent make room."""
    settings = {"limits": {"rate": 0, "streams": 4096, "streams-per-source": 4096, "idle": 3600}}
    server = dns_servers.ours(program, folder, PORT, "few", **settings)
    try:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (40, 40))
        crowd = [connect() for _ in range(200)]
        time.sleep(0.3)
        used = cpu_of(server, 1)
        cases.check("no descriptor left: no busy loop", used < 0.2, used)
        with connect() as stream:
            stream.sendall(framed(PLAIN))
            cases.check("no descriptor left: a new client is served", len(read(stream, 1)) == 1)
        cases.check("no descriptor left: UDP is served", Client(PORT).ask(PLAIN) is not None)
        for stream in crowd:
            stream.close()
    finally:
        server.stop()


def limited(cases, program, folder):
    """Above its limit a source is refused over TCP, each time: nobody waits for a reply that never comes."""
    server = dns_servers.ours(program, folder, PORT, "slow", limits={"rate": 10, "burst": 10})
    try:
        with connect() as stream:
            stream.sendall(framed(PLAIN) * 50)
            codes = [Reply(one).code for one in read(stream, 50)]
            cases.check("above the limit: refused, not ignored", len(codes) == 50 and codes[-1] == 5 and codes[0] == 0, codes)
        with connect("127.0.0.2") as stream:
            stream.sendall(framed(PLAIN))
            cases.check("another source is served", [Reply(one).code for one in read(stream, 1)] == [0])
        path = folder / "slow.json"
        path.write_text(path.read_text().replace('"rate": 10, "burst": 10', '"rate": 0'))
        os.kill(server.process.pid, signal.SIGHUP)
        time.sleep(0.3)
        with connect() as stream:
            stream.sendall(framed(PLAIN) * 50)
            cases.check("the limit changes with SIGHUP", [Reply(one).code for one in read(stream, 50)] == [0] * 50)
    finally:
        server.stop()


class Late(Resolver):
    """Answers `slow` and `late` names after a moment."""

    def reply(self, wire, way):
        replies = super().reply(wire, way)
        first = self.seen[-1][0].split(".")[0]
        if first.startswith("slow"):
            time.sleep(0.3)
        if first.startswith("late"):
            threading.Timer(2, lambda peer=self.peer: self.datagrams.sendto(answer(wire), peer)).start()
            return []
        return replies

    def serve_datagrams(self):
        while True:
            wire, self.peer = self.datagrams.recvfrom(4096)
            for reply in self.reply(wire, "udp"):
                self.datagrams.sendto(reply, self.peer)


def main():
    program = sys.argv[1]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12_000), hard))
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(5))
        resolver = Late()
        server = dns_servers.ours(program, folder, PORT, limits={"rate": 0, "idle": 2},
                                  upstreams={"plain": {"servers": [f"127.0.0.1:{resolver.port}"]}}, routes={".": "plain"})
        try:
            pipelining(cases)
            forwarded(cases, resolver)
            gone(cases, server)
            silent(cases, Client(PORT))
            cases.check("it is still running", server.process.poll() is None)
        finally:
            server.stop()
        exhausted(cases, program, folder)
        limited(cases, program, folder)
    print(f"dns-streams: {cases.count - len(cases.wrong)} of {cases.count}")
    sys.exit(78 if cases.wrong else 0)


if __name__ == "__main__":
    main()

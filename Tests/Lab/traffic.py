"""Probes and transfers between nodes. Sockets are opened inside a node and used from here."""
import hashlib
import os
import re
import socket
import threading
import time

from .network import LabError, until

BLOCK = 1 << 18


def ping(node, target, count=3, interval=0.02, wait=2, extra=()):
    """Answered packets of `count`; also waits for the first handshake, which takes one round trip more."""
    argv = ["ping", "-n", "-q", "-c", count, "-i", interval, "-W", wait, *extra, target]
    return answered(node.result(*argv, seconds=count * max(interval, 0.2) + wait + 20).stdout)


def answered(text):
    match = re.search(r"(\d+) received", text)
    return int(match[1]) if match else 0


def reaches(node, target, extra=()):
    """Whether one ping is answered within a second."""
    return ping(node, target, count=1, wait=1, extra=extra) == 1


def require_reach(node, target, seconds=8, extra=()):
    until(lambda: reaches(node, target, extra), seconds, f"{node.name} reaches {target}")


def flood(node, target, count=1000, extra=()):
    """As fast as answers come, 100 a second at least; all must be answered."""
    text = node.result("ping", "-n", "-q", "-f", "-c", count, "-W", "2", *extra, target, seconds=120).stdout
    if answered(text) != count:
        raise LabError(f"flood of {target}: {answered(text)} of {count} answered")


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(node, address, port=0, kind=socket.SOCK_STREAM):
    with node:
        server = socket.socket(family(address), kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        if kind == socket.SOCK_STREAM:
            server.listen(128)
    server.settimeout(20)
    return server


def content(length, seed):
    """Reproducible bytes without a pattern that a codec could lose unseen."""
    block = hashlib.shake_256(seed).digest(BLOCK)
    sent = 0
    while sent < length:
        piece = block[:min(BLOCK, length - sent)]
        yield piece
        sent += len(piece)
        block = block[4099:] + block[:4099]


def tcp(sender, receiver, address, length, streams=1, seconds=120):
    """Sends `length` bytes a stream, in parallel; each side hashes, and the digests must agree. Bytes per second."""
    server = listen(receiver, address)
    port, results, errors = server.getsockname()[1], {}, []

    def receive():
        try:
            connection, _ = server.accept()
            connection.settimeout(seconds)
            name = connection.recv(8, socket.MSG_WAITALL)
            digest, count = hashlib.sha256(), 0
            while piece := connection.recv(BLOCK):
                digest.update(piece)
                count += len(piece)
            connection.sendall(digest.digest())
            connection.close()
            results[name] = count
        except OSError as error:
            errors.append(f"receiver: {error}")

    def send(number):
        try:
            with sender:
                client = socket.socket(family(address), socket.SOCK_STREAM)
            client.settimeout(seconds)
            client.connect((address, port))
            name = number.to_bytes(8, "big")
            client.sendall(name)
            digest = hashlib.sha256()
            for piece in content(length, name):
                digest.update(piece)
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            if client.recv(32, socket.MSG_WAITALL) != digest.digest():
                errors.append(f"stream {number}: the checksum differs")
            client.close()
        except OSError as error:
            errors.append(f"sender {number}: {error}")

    begin = time.monotonic()
    threads = [threading.Thread(target=receive, daemon=True) for _ in range(streams)]
    threads += [threading.Thread(target=send, args=(number,), daemon=True) for number in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 20)
    server.close()
    took = time.monotonic() - begin
    if errors or len(results) != streams or set(results.values()) != {length}:
        raise LabError(f"TCP to {address}, {streams} streams: {errors[:2]} {sorted(results.values())[:4]}")
    return streams * length / took


def udp(sender, receiver, address, count, size, streams=1, window=32, tolerated=0.02):
    """Paced datagrams with numbers and checksums, `window` in flight a stream. What comes must be what was sent; a share
    of `tolerated` may be lost. What has not come after five seconds is: on a busy machine a second is not long."""
    errors, lost = [], []

    def stream(number):
        server = listen(receiver, address, kind=socket.SOCK_DGRAM)
        server.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
        server.settimeout(5)
        with sender:
            client = socket.socket(family(address), socket.SOCK_DGRAM)
        try:
            client.connect(server.getsockname()[:2])
            for start in range(0, count, window):
                expected = {hashlib.shake_256(b"%d/%d" % (number, index)).digest(size)
                            for index in range(start, min(start + window, count))}
                for data in expected:
                    client.send(data)
                while expected:
                    try:
                        data = server.recv(65_536)
                    except TimeoutError:
                        lost.append(len(expected))
                        break
                    if data not in expected:
                        raise OSError(f"a datagram of {len(data)} bytes came that was not sent")
                    expected.remove(data)
        except OSError as error:
            errors.append(f"stream {number}: {error}")
        finally:
            client.close()
            server.close()

    threads = [threading.Thread(target=stream, args=(number,), daemon=True) for number in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors or sum(lost) > tolerated * streams * count:
        raise LabError(f"UDP to {address}, {streams} streams of {count}: {sum(lost)} lost, {errors[:2]}")


def send_datagram(node, address, port, data=b"x", source=None):
    with node:
        client = socket.socket(family(address), socket.SOCK_DGRAM)
    try:
        if source:
            client.bind(source)
        return client.sendto(data, (address, port))
    finally:
        client.close()


def nonce():
    """Bytes that nobody else sends: found in a capture, they came from here."""
    return b"canary-" + os.urandom(16).hex().encode()

#!/usr/bin/env python3
"""Counts allocations: a thousand more questions about the mesh must not cost one allocation more.

Run:  Tests/EndToEnd/dns_allocations.py PROGRAM       needs valgrind
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Peers"))
import dns_servers  # noqa: E402

PORT = 5355


def allocations(program, folder, rounds):
    """How often memory was asked for, from start to end, with so many rounds of questions."""
    command = ["valgrind", "--undef-value-errors=no", "--leak-check=no", os.path.abspath(program), "dns", "--config",
               str(folder / "rustynetd.json"), "--foreground"]
    with open(folder / "valgrind.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(1)
    questions = [b"\1\2\1\0\0\1\0\0\0\0\0\0" + name + kind for name, kind in (
        (b"\nnode-00001\x08rustynet\0", b"\0\1\0\1"), (b"\4none\x08rustynet\0", b"\0\x1c\0\1"),
        (b"\0012\0010\00264\003100\7in-addr\4arpa\0", b"\0\x0c\0\1"))]
    # With EDNS and a cookie.
    questions += [q[:11] + b"\1" + q[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08\1\2\3\4\5\6\7\x08" for q in questions]
    try:
        for _ in range(300):
            try:
                one.sendto(questions[0], ("127.0.0.1", PORT))
                one.recv(4096)
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError((folder / "valgrind.log").read_text()[-600:])
        stream = dns_servers.Streamed("127.0.0.1", PORT)
        for _ in range(rounds):
            for question in questions:
                one.sendto(question, ("127.0.0.1", PORT))
                one.recv(4096)
                stream.ask(question)
        stream.close()
    finally:
        process.terminate()
        process.wait(60)
    found = re.search(r"total heap usage: ([\d,]+) allocs", (folder / "valgrind.log").read_text())
    return int(found[1].replace(",", ""))


def main():
    if not shutil.which("valgrind"):
        print("not-run: valgrind is not here")
        sys.exit(70)
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        dns_servers.write_zones(folder, dns_servers.nodes(50))
        dns_servers.ours(sys.argv[1], folder, PORT).stop()
        few, many = (allocations(sys.argv[1], folder, rounds) for rounds in (10, 110))
    print(f"dns-allocations: {few} with 120 questions, {many} with 1,320: {(many - few) / 1200:.3f} a question")
    sys.exit(0 if many - few < 12 else 78)


if __name__ == "__main__":
    main()

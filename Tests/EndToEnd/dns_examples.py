#!/usr/bin/env python3
"""Runs the examples of documents/dns.md: its files are read, and its commands print what stands there.

Run:  Tests/EndToEnd/dns_examples.py PROGRAM
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tests/Peers"))
import dns_servers  # noqa: E402


def main():
    if not shutil.which("dig"):
        print("not-run: dig is not here (apt-get install bind9-dnsutils)")
        sys.exit(70)
    program = os.path.abspath(sys.argv[1])
    text = (ROOT / "documents/dns.md").read_text()
    wrong = count = 0
    with tempfile.TemporaryDirectory(prefix="rustynet-dns.") as name:
        folder = pathlib.Path(name)
        for file, content in re.findall(r"^```json (\S+)\n(.*?)^```$", text, re.M | re.S):
            (folder / file).write_text(content)
        server = dns_servers.Server("example", [program, "dns", "--config", "dns.json", "--foreground"], 5300, folder)
        try:
            for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
                for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
                    command, _, expected = part.partition("\n")
                    if command.endswith("--foreground"):
                        continue
                    count += 1
                    command = command.replace("rustynetd", program, 1) if command.startswith("rustynetd") else command
                    found = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True).stdout
                    lines = [one for one in found.splitlines() if not one.startswith(";;")]
                    if lines != expected.strip().splitlines():
                        wrong += 1
                        print(f"wrong: {command}\n  documented {expected.strip()!r}\n  found      {found.strip()!r}")
        finally:
            server.stop()
    print(f"dns-examples: {count - wrong} of {count}")
    sys.exit(78 if wrong or not count else 0)


if __name__ == "__main__":
    main()

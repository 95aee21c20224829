#!/usr/bin/env python3
"""Kill `rustynet-assure ledger append` at random points and check that nothing acknowledged is lost.

Usage: ledger_kill.py PATH-OF-rustynet-assure [APPENDS]

Two ways of dying take turns: SIGKILL after a random time, and, where strace is here, SIGKILL at the Nth fsync, write,
rename or unlink. An append is acknowledged when its line was read from standard output. After each death the
ledger must verify, and at the end every acknowledged entry must stand at the index that it was acknowledged with.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
APPENDS = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
PASSPHRASE = ["--passphrase-file", ""]
CALLS = ["fsync", "write", "rename", "openat", "unlink", "mkdir"]


def run(*arguments):
    return subprocess.run([PROGRAM, "ledger", *arguments], capture_output=True, text=True, check=False)


def must(*arguments):
    result = run(*arguments)
    if result.returncode != 0:
        sys.exit(f"FAILED {arguments}: {result.returncode} {result.stderr}")
    return result.stdout


def append(ledger, key, lines, how):
    """Runs one append and perhaps kills it; returns the receipt when one was printed as a whole."""
    command = [PROGRAM, "ledger", "append", ledger, "--key", key, *PASSPHRASE, "--lines", "--json", "-"]
    if how == "strace":
        call = random.choice(CALLS)
        when = random.randint(1, 8 if call != "openat" else 40)
        command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                   f"inject={call}:signal=KILL:when={when}"] + command
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    try:
        process.stdin.write("\n".join(lines).encode())
        process.stdin.close()
    except BrokenPipeError:
        pass
    if how == "kill":
        # Unsealing the key takes the first part of this; the rest falls into the append.
        time.sleep(random.uniform(0.05, 0.15))
        process.send_signal(signal.SIGKILL)
    output = process.stdout.read()
    problem = process.stderr.read().decode()
    code = process.wait()
    if code not in (0, -9, 137):
        sys.exit(f"FAILED append: exit code {code}: {problem}")
    # A line that was cut off acknowledges nothing.
    return json.loads(output) if output.endswith(b"\n") else None


def main():
    random.seed(int(os.environ.get("SEED", "1")))
    ways = ["none", "kill", "kill"] + (["strace", "strace"] if shutil.which("strace") else [])
    folder = tempfile.mkdtemp(prefix="ledger-kill.")
    PASSPHRASE[1] = f"{folder}/passphrase"
    ledger, key = f"{folder}/ledger", f"{folder}/key"
    with open(PASSPHRASE[1], "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write("no secret: this key lives as long as the test\n")
    made = subprocess.run([PROGRAM, "key", "generate", "--output", key, *PASSPHRASE], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"FAILED key generate: {made.stderr}")
    public = must("init", ledger, "--origin", "kill.example/log", "--key", key, *PASSPHRASE).strip()
    acknowledged, deaths, since = {}, 0, None
    for number in range(APPENDS):
        lines = [f"{number}.{place}." + "x" * random.choice([1, 10, 1000])
                 for place in range(random.choice([1, 1, 2, 5, 300, 2500]))]
        receipt = append(ledger, key, lines, random.choice(ways))
        if receipt is None:
            deaths += 1
        else:
            for place, line in enumerate(lines):
                acknowledged[receipt["first"] + place] = line
        if receipt is None and deaths % 20 == 0:
            arguments = ["verify", ledger, "--public-key", public]
            must(*arguments, *(["--since", since] if since else []))
            since = f"{folder}/since"
            shutil.copy(f"{ledger}/checkpoint", since)
    must("checkpoint", ledger, "--key", key, *PASSPHRASE)
    must("verify", ledger, "--public-key", public, *(["--since", since] if since else []))
    must("fsck", ledger, "--public-key", public, "--repair")
    state = json.loads(must("fsck", ledger, "--public-key", public, "--json"))
    if state["state"] != "clean":
        sys.exit(f"FAILED: fsck after a repair: {state}")
    entries = read_entries(ledger, state["size"])
    lost = [index for index, line in acknowledged.items() if index >= len(entries) or entries[index] != line.encode()]
    if lost:
        sys.exit(f"FAILED: {len(lost)} acknowledged entries are not in the ledger, the first is {min(lost)}")
    print(f"appends={APPENDS} deaths={deaths} acknowledged={len(acknowledged)} entries={len(entries)} lost=0")
    if deaths < APPENDS // 10:
        sys.exit("FAILED: too few deaths to say anything")
    shutil.rmtree(folder)


def read_entries(ledger, size):
    """All entries, from the bundles and by C2SP tlog-tiles alone, not through the program under test."""
    entries = []
    for bundle in range((size + 255) // 256):
        width = min(256, size - bundle * 256)
        path, rest = f"{bundle % 1000:03}", bundle // 1000
        while rest:
            path, rest = f"x{rest % 1000:03}/{path}", rest // 1000
        name = f"{ledger}/tile/entries/{path}" + ("" if width == 256 else f".p/{width}")
        with open(name, "rb") as file:
            data = file.read()
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2:2 + length])
            data = data[2 + length:]
    return entries


if __name__ == "__main__":
    main()

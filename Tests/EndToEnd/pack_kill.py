#!/usr/bin/env python3
"""Kills `rustynet-assure evidence pack` at random points: its output is absent, the old pack or the new one, never half.

Run:  Tests/EndToEnd/pack_kill.py ASSURE EVIDENCE [KILLS]

EVIDENCE is the evidence folder of a finished release, such as artifacts/release/evidence; it is only read. HOME and
XDG_STATE_HOME stay as the caller has them: the pack is signed with the caller's preview key. KILLS is 200 by default.
Each run starts from no pack or from an old one, in turn. Half of the kills come after a random time, half at a random
system call that concerns the file (under strace, where it is there). A pack that was left behind must be one of the
complete ones, byte for byte; what a kill leaves besides must not be called *.pack, and the next run must succeed.
Ends with 0, 78 when a rule was broken, 70 when nothing could be run, 64 for usage.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

CALLS = ("openat", "fchmod", "write", "fsync", "rename", "close")


def digest(path):
    with open(path, "rb") as file:
        return file.read()


class Killer:
    def __init__(self, assure, evidence, folder):
        self.assure, self.folder = assure, folder
        self.output = os.path.join(folder, "evidence.pack")
        self.evidence = {}
        for name in ("old", "new"):
            self.evidence[name] = os.path.join(folder, name)
            shutil.copytree(evidence, self.evidence[name])
        with open(os.path.join(self.evidence["old"], "note-of-the-test.txt"), "w", encoding="utf-8") as file:
            file.write("one member more\n" * 4096)
        self.complete = {name: self.pack(name) for name in ("old", "new")}
        if self.complete["old"] == self.complete["new"] or self.pack("new") != self.complete["new"]:
            raise RuntimeError("the same evidence does not give the same pack, or other evidence does")
        self.can_trace = shutil.which("strace") is not None and subprocess.run(
            ["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0

    def command(self, name):
        return [self.assure, "evidence", "pack", self.evidence[name], "--output", self.output]

    def pack(self, name):
        result = subprocess.run(self.command(name), capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return digest(self.output)

    def duration(self):
        start = time.monotonic()
        self.pack("new")
        return time.monotonic() - start

    def kill_after(self, seconds):
        """Whether the process was still there to be killed."""
        process = subprocess.Popen(self.command("new"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        return process.wait() < 0

    def kill_at(self, call, number):
        result = subprocess.run(
            ["strace", "-f", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={number}", *self.command("new")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return result.returncode in (-9, 137)

    def calls(self):
        """How often each system call happens in a run that is not killed."""
        trace = os.path.join(self.folder, "trace")
        subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=" + ",".join(CALLS), *self.command("new")],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        with open(trace, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        os.remove(trace)
        return {call: count for call in CALLS if (count := sum(f" {call}(" in line for line in lines))}

    def judge(self, before):
        """What is wrong with what was left, or nothing; and which of the three it was."""
        for name in os.listdir(self.folder):
            if name.endswith(".pack") and name != "evidence.pack":
                return f"the leftover {name} could be mistaken for a pack", None
        if not os.path.lexists(self.output):
            return (None, "absent") if before is None else ("the old pack is gone", None)
        content = digest(self.output)
        if content == self.complete["new"]:
            return None, "new"
        if before is not None and content == before:
            return None, "old"
        return f"{len(content)} bytes that are neither the old pack nor the new one", None

    def leftovers(self):
        names = [name for name in os.listdir(self.folder) if name not in ("old", "new", "evidence.pack")]
        for name in names:
            os.remove(os.path.join(self.folder, name))
        return len(names)


def main(assure, evidence, kills):
    chance = random.Random(20261122)
    seen = {"absent": 0, "old": 0, "new": 0}
    failures, killed, leftovers = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="rustynet-kill-") as folder:
        try:
            killer = Killer(os.path.abspath(assure), os.path.abspath(evidence), folder)
            length = max(killer.duration() for _ in range(3))
        except (RuntimeError, OSError) as error:
            print(f"not-run: {error}", file=sys.stderr)
            return 70
        calls = killer.calls() if killer.can_trace else {}
        for number in range(kills):
            before = killer.complete["old"] if number % 2 else None
            if os.path.lexists(killer.output):
                os.remove(killer.output)
            if before is not None:
                with open(killer.output, "wb") as file:
                    file.write(before)
            if calls and number % 4 >= 2:
                call = chance.choice(list(calls))
                # Most calls come before the pack is written; those at the end are the ones that matter.
                back = chance.randrange(min(12, calls[call]))
                at = f"{call} {calls[call] - back} of {calls[call]}"
                killed += killer.kill_at(call, calls[call] - back)
            else:
                seconds = chance.uniform(0, length * 1.05)
                at = f"{seconds * 1000:.1f} ms"
                killed += killer.kill_after(seconds)
            problem, state = killer.judge(before)
            if problem:
                failures.append(f"kill {number + 1} at {at}, {'an old pack' if before else 'no pack'} before: {problem}")
            else:
                seen[state] += 1
            leftovers += killer.leftovers()
        if killer.pack("new") != killer.complete["new"]:
            failures.append("after all kills the pack is another one")
    for failure in failures:
        print(f"FAILED {failure}")
    if killed == 0 or seen["absent"] + seen["old"] == 0:
        failures.append("control")
        print("FAILED control: no kill came before the pack was written, so nothing was proved")
    print(f"pack_kill: {kills} runs, {killed} killed: {seen['absent']} without a pack, {seen['old']} with the old, "
          f"{seen['new']} with the new; {leftovers} temporary files left; {len(failures)} failed")
    return 78 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or not sys.argv[-1].isdigit() and len(sys.argv) == 4:
        print("usage: pack_kill.py ASSURE EVIDENCE [KILLS]", file=sys.stderr)
        sys.exit(64)
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 200))

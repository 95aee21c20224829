"""Networks that stand after the command that built them: a holder process keeps each, and with it ends everything.

The holder's file in /run/rustynet-lab is locked for as long as it lives, so a file that is not locked is of one that
died; whoever looks removes it. There is nothing else to remove: the network itself went with the holder.
"""
import fcntl
import json
import os
import re
import select
import signal
import time

from . import sandbox

FOLDER = "/run/rustynet-lab"


class Standing:
    def __init__(self, name, pid, nodes):
        self.name, self.pid, self.nodes = name, pid, nodes

    @property
    def inner(self):
        """Process 1 of the network's process namespace, as it is called outside."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])


def is_name(text):
    return re.fullmatch(r"[A-Za-z0-9-]{1,32}", text) is not None


def path(name):
    return f"{FOLDER}/{name}"


def all():
    """Those whose holder lives; files of others are removed."""
    found = []
    for name in sorted(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else []:
        with open(path(name), "r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read()
                if text:
                    found.append(Standing(name, **json.loads(text)))
                continue
            os.unlink(path(name))
    return found


def hold(name, build, owner=None):
    """Builds a network in a holder process and returns what `build` names; raises what went wrong there."""
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    if any(one.name == name for one in all()):
        raise OSError(f"there is a network “{name}” already")
    report, ours = os.pipe()
    if os.fork() == 0:
        os.close(report)
        holder(name, build, owner, ours)
    os.close(ours)
    with os.fdopen(report, encoding="utf-8") as file:
        answer = json.loads(file.readline() or '{"error": "the holder died"}')
    if "error" in answer:
        raise OSError(answer["error"])
    return answer["nodes"]


def holder(name, build, owner, report):
    """The process that keeps the network. Does not return."""
    os.setsid()
    watched = os.pidfd_open(owner) if owner else None
    file = open(path(name), "w", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    outer = os.getpid()
    silent = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    try:
        sandbox.enter()
        _, nodes = build()
        file.write(json.dumps({"pid": outer, "nodes": nodes}))
        file.flush()
        answer = {"nodes": nodes}
    except BaseException as error:  # noqa: BLE001: it is told to the one who asked
        answer = {"error": str(error)}
    os.write(report, json.dumps(answer).encode() + b"\n")
    os.close(report)
    if "nodes" in answer:
        # As process 1 it collects what ends in the network, until it is told to end or its owner does.
        signal.signal(signal.SIGCHLD, lambda *_: reap())
        while not (watched and select.select([watched], [], [], 0)[0]):
            if watched:
                select.select([watched], [], [], 3600)
            else:
                time.sleep(3600)
    os._exit(0)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end(name):
    """Ends a network; whether there was one."""
    for one in all():
        if one.name == name:
            descriptor = os.pidfd_open(one.pid)
            os.kill(one.inner, signal.SIGKILL)
            select.select([descriptor], [], [], 10)
            os.close(descriptor)
            all()
            return True
    return False

"""A place for a lab: private mount, process and network namespaces that vanish with the process, however it ends.

Whoever enters gets a child that is process 1 of its own process namespace. When that child ends, also by SIGKILL, the
kernel kills everything in it; with the last process go its mounts, with them the named network namespaces in /run/netns,
and with those every interface, route and rule. So nothing has to be swept, and no name can meet one of the machine's.
"""
import ctypes
import os
import signal
import sys
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x20000000, 0x40000000
PRIVATE, RECURSIVE = 1 << 18, 1 << 14
DIE_WITH_PARENT = 1
# Folders that name things machine-wide; inside they are empty and ours.
SCRATCH = "/run/rustynet-scratch"
OWN_FOLDERS = ("/run/netns", "/run/wireguard", SCRATCH)


def call(name, *arguments):
    """A function of the C library that answers −1 and errno."""
    if getattr(LIBC, name)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def mount(kind, folder, flags=0, options=""):
    call("mount", kind.encode(), folder.encode(), kind.encode(), flags, options.encode())


def missing():
    """Why there can be no lab here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun cannot be opened: {error.strerror}"
    return None


def enter():
    """Goes on inside the place. The caller's process stays outside, waits, and ends as the inner one ends."""
    for folder in OWN_FOLDERS:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    call("unshare", NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK)
    call("mount", b"none", b"/", None, RECURSIVE | PRIVATE, None)
    alive, ours = os.pipe()
    inner = os.fork()
    if inner:
        os.close(alive)
        os.write(ours, b"1")
        wait_outside(inner)
    os.close(ours)
    call("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.read(alive, 1) != b"1":  # the parent died before it could be watched
        os._exit(70)
    os.close(alive)
    mount("proc", "/proc")
    for folder in OWN_FOLDERS:
        mount("tmpfs", folder, 0, "mode=0700")
    tempfile.tempdir = SCRATCH
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # process 1 ignores what it does not handle
        signal.signal(number, lambda signum, frame: sys.exit(128 + signum))


def wait_outside(inner):
    """Forwards what asks for an end, waits, and ends alike. Does not return."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda signum, frame: os.kill(inner, signum))
    while True:
        try:
            _, status = os.waitpid(inner, 0)
        except InterruptedError:
            continue
        sys.stdout.flush()
        os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))

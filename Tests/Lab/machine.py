#!/usr/bin/env python3
"""Runs a script inside a small virtual machine with Debian's cloud kernel, under plain emulation.

Run:  scripts/lab vm [--limit SECONDS] [--program FILE[=NAME]]… [--file FILE=PATH]… [--module NAME]… [--memory MB]
                     [--output FILE] SCRIPT [ARGUMENT …]

For what this host's kernel does not have, such as its WireGuard module. Nothing but Debian packages is needed: no /dev/kvm,
no disk image, no root. The kernel is fetched once by `apt-get download` into .build/lab; machine and tools are built there
once for each set of modules, programs are added for each run with the libraries that they load.

SCRIPT is run by dash in /lab, where the --file's are (absolute PATHs are taken as they are); --program's are in the PATH.
What it prints is passed on line by line; what it writes to /dev/ttyS1 comes to the file --output.

Ends with 0 when the script did; with 78 when it failed, when the machine stopped without saying how the script ended, and at
the time limit; with 70 and a last line `not-run: REASON` where there can be no machine; with 64 for wrong usage.
"""
import argparse
import gzip
import hashlib
import os
import pathlib
import re
import secrets
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".build/lab"
GUEST = pathlib.Path(__file__).parent / "guest"
META_PACKAGE = "linux-image-cloud-amd64"
# What the lab's scripts use; the rest is busybox.
MODULES = ["veth", "tun", "wireguard"]
TOOLS = ["/bin/dash", "/usr/sbin/ip", "/usr/bin/wg", "/usr/bin/iperf3", "/usr/bin/ping", "/usr/bin/timeout", "/usr/bin/env",
         "/usr/bin/unshare"]
# Name of a program, and the Debian package that has it.
NEEDED = {
    "qemu-system-x86_64": "qemu-system-x86", "cpio": "cpio", "modprobe": "kmod", "depmod": "kmod", "ip": "iproute2",
    "wg": "wireguard-tools", "iperf3": "iperf3", "ping": "iputils-ping", "dpkg-deb": "dpkg", "apt-get": "apt",
}
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NotRun(Exception):
    """There can be no machine here."""


def which(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":" + SEARCH)


def check_tools():
    missing = sorted({package for name, package in NEEDED.items() if not which(name)})
    if not is_static(which("busybox")):
        missing.append("busybox-static")
    if os.uname().machine != "x86_64":
        raise NotRun(f"the machine is built for x86_64, not for {os.uname().machine}")
    if missing:
        raise NotRun(f"not installed: {' '.join(missing)} (scripts/setup --tests installs them)")


def is_static(program):
    """Whether a program needs no library: the busybox that is process 1's only friend."""
    return program is not None and "not a dynamic executable" in run("ldd", program, check=False)


def run(*arguments, check=True, **options):
    """Output and errors of a tool as text."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "LC_ALL": "C", "PATH": os.environ.get("PATH", "") + ":" + SEARCH}, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stdout.strip()[-300:]}")
    return done.stdout


def kernel_package():
    """The package of the newest cloud kernel: its name has the ABI number, which moves with every security update."""
    found = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", META_PACKAGE, check=False))
    return found and found.group(1)


def fetch_kernel():
    """The folder of an unpacked kernel package: one that is there, or a new one. The newest counts."""
    package = kernel_package()
    kernels = CACHE / "kernels"
    if package and (kernels / package / "complete").exists():
        return kernels / package
    known = sorted((path.parent for path in kernels.glob("*/complete")), key=lambda path: path.stat().st_mtime)
    try:
        if not package:
            raise RuntimeError(f"apt knows no {META_PACKAGE}; run apt-get update")
        return unpack_kernel(package, kernels)
    except (RuntimeError, OSError) as error:
        if known:
            print(f"lab: using {known[-1].name}: {error}", file=sys.stderr)
            return known[-1]
        raise NotRun(f"no kernel: {error}") from error


def unpack_kernel(package, kernels):
    kernels.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(dir=kernels, prefix="new."))
    try:
        # apt downloads as its own user where it can; a folder that it may write to keeps it from complaining.
        work.chmod(0o755)
        run("apt-get", "download", "-q", package, cwd=work)
        run("dpkg-deb", "-x", str(next(work.glob("*.deb"))), str(work))
        for deb in work.glob("*.deb"):
            deb.unlink()
        run("depmod", "-b", str(work), version(work))
        (work / "complete").touch()
        shutil.rmtree(kernels / package, ignore_errors=True)
        work.rename(kernels / package)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return kernels / package


def version(kernel):
    return next((kernel / "lib/modules").iterdir()).name


def module_files(kernel, names):
    """The files of modules with all that they need, in the order of loading."""
    files = []
    for name in names:
        listing = run("modprobe", "-d", str(kernel), "-S", version(kernel), "--show-depends", name)
        for line in listing.splitlines():
            word, _, path = line.partition(" ")
            if word == "insmod" and path.strip() not in files:
                files.append(path.strip())
    return files


def libraries(program):
    """What the loader loads for a program, with the loader; empty for a static one."""
    listing = run("ldd", str(program), check=False)
    if "not found" in listing:
        raise NotRun(f"{program}: {'; '.join(line.strip() for line in listing.splitlines() if 'not found' in line)}")
    return [pathlib.Path(path) for path in re.findall(r"(/\S+)(?= \(0x)", listing)]


def place(source, root, path):
    target = root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy(pathlib.Path(source).resolve(), target)


def place_program(source, root, path):
    place(source, root, path)
    (root / str(path).lstrip("/")).chmod(0o755)
    for library in libraries(source):
        place(library, root, library)


def archive(folder, target):
    """Packs a folder as an initramfs. Sorted, so that equal folders make equal files."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    packed = subprocess.run([which("cpio"), "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=folder, check=True,
                            input="\n".join([".", *names]).encode(), stdout=subprocess.PIPE).stdout
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    temporary.write_bytes(gzip.compress(packed, 1, mtime=0))
    temporary.rename(target)


def base_image(kernel, modules):
    """The initramfs with tools and modules, built once for each set of them."""
    state = hashlib.sha256()
    for item in [kernel.name, *modules, (GUEST / "init").read_text(), pathlib.Path(__file__).read_text()]:
        state.update(item.encode() + b"\0")
    for tool in TOOLS:
        state.update(f"{tool} {os.stat(tool).st_mtime_ns}\0".encode())
    target = CACHE / f"base-{state.hexdigest()[:16]}.cpio.gz"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        root = pathlib.Path(folder)
        for name in ["applets", "bin", "dev", "lab", "modules", "proc", "run", "sys", "tmp", "etc", "var"]:
            (root / name).mkdir()
        (root / "var/run").symlink_to("/run")
        (root / "bin/sh").symlink_to("dash")
        place_program(which("busybox"), root, "/bin/busybox")
        for applet in run("busybox", "--list").split():
            (root / "applets" / applet).symlink_to("/bin/busybox")
        for tool in TOOLS:
            place_program(tool, root, tool)
        for number, file in enumerate(module_files(kernel, modules)):
            place(file, root, f"/modules/{number:03}-{pathlib.Path(file).name}")
        place_program(GUEST / "init", root, "/init")
        archive(root, target)
    for old in CACHE.glob("base-*.cpio.gz"):
        # Another lab may be reading a young one.
        if old != target and time.time() - old.stat().st_mtime > 86400:
            old.unlink(missing_ok=True)
    return target


def own_image(options, folder):
    """The second initramfs, of this run: script, files, programs."""
    root = folder / "root"
    (root / "lab").mkdir(parents=True)
    arguments = shlex.join(options.arguments)
    (root / "lab/run").write_text(f"exec sh ./script {arguments}\n")
    shutil.copy(options.script, root / "lab/script")
    for item in options.file:
        source, _, path = item.partition("=")
        place(source, root, path if path.startswith("/") else f"/lab/{path or pathlib.Path(source).name}")
    for item in options.program:
        source, _, name = item.partition("=")
        place_program(which(source) or source, root, f"/usr/bin/{name or pathlib.Path(source).name}")
    archive(root, folder / "own.cpio.gz")
    return folder / "own.cpio.gz"


def boot(kernel, images, options, folder):
    """Runs the machine and returns the status of its script; None when it did not say."""
    nonce = secrets.token_hex(8)
    initramfs = folder / "initramfs"
    # The kernel unpacks archives one behind the other; each begins at four bytes.
    with initramfs.open("wb") as whole:
        for image in images:
            data = image.read_bytes()
            whole.write(data + bytes(-len(data) % 4))
    command = [
        which("qemu-system-x86_64"), "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
        "-m", str(options.memory), "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio",
        "-serial", f"file:{options.output}" if options.output else "null", "-no-reboot",
        "-kernel", str(next(kernel.glob("boot/vmlinuz-*"))), "-initrd", str(initramfs),
        "-append", f"console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on lab.nonce={nonce}",
    ]
    begin = time.monotonic()
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        status = follow(machine, nonce, begin + options.limit)
        if status is None and machine.poll() is None:
            print(f"lab: the machine did not end within {options.limit} s", file=sys.stderr)
        elif machine.wait(max(1, begin + options.limit - time.monotonic())) != 0 and status is None:
            print(f"lab: qemu ended with {machine.returncode}", file=sys.stderr)
    except subprocess.TimeoutExpired:
        pass  # the script has ended, and switching off is all that was left
    finally:
        if machine.poll() is None:
            machine.kill()
        machine.wait()
    print(f"lab: {time.monotonic() - begin:.1f} s from switching on to off", file=sys.stderr)
    return status


def follow(machine, nonce, deadline):
    """Passes on what the machine prints; returns the status behind the marker, None at its end or at the deadline."""
    marker = re.compile(rb"^LAB-END " + nonce.encode() + rb" (\d+)\s*$")
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(machine.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            piece = os.read(machine.stdout.fileno(), 65536)
            if not piece:
                return None
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                line = line.rstrip(b"\r")
                if found := marker.match(line):
                    return int(found.group(1))
                print(line.decode(errors="backslashreplace"), flush=True)
    return None


def parse(argv):
    parser = argparse.ArgumentParser(prog="lab vm", add_help=True, exit_on_error=True,
                                     usage=__doc__.split("Run:")[1].split("\n\n")[0].strip().replace("scripts/", ""))
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--memory", type=int, default=1024)
    parser.add_argument("--output")
    for name in ("program", "file", "module"):
        parser.add_argument(f"--{name}", action="append", default=[])
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args(argv)


def main(argv):
    try:
        options = parse(argv)
    except SystemExit as error:
        return 64 if error.code else 0
    for path in [options.script, *(item.partition("=")[0] for item in options.file)]:
        if not os.path.isfile(path):
            print(f"lab: no such file: {path}", file=sys.stderr)
            return 64
    for item in options.program:
        if not which(item.partition("=")[0]):
            print(f"lab: no such program: {item.partition('=')[0]}", file=sys.stderr)
            return 64
    # A lab that is killed politely takes its machine and its files along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        check_tools()
        CACHE.mkdir(parents=True, exist_ok=True)
        kernel = fetch_kernel()
        modules = MODULES + [name for name in options.module if name not in MODULES]
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="run.") as folder:
            images = [base_image(kernel, modules), own_image(options, pathlib.Path(folder))]
            status = boot(kernel, images, options, pathlib.Path(folder))
    except NotRun as reason:
        print(f"not-run: {reason}")
        return 70
    if status is None:
        print("lab: the script did not end", file=sys.stderr)
    elif status == 70:
        return 70
    return 0 if status == 0 else 78


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

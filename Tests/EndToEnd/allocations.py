#!/usr/bin/env python3
"""A decision by the shipped roles allocates nothing: 200,000 decisions more, not one call of the allocator more.

Run:  Tests/EndToEnd/allocations.py BENCH     (the release build)

Ends with 0, 78 when decisions allocate, 64 for usage, 70 when there is no C compiler. The control: twice as many users must
need more calls, or the counter counts nothing.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "Fixtures", "allocation-count.c")


def count(bench, library, *arguments):
    result = subprocess.run([bench, "authz", *arguments], capture_output=True, text=True, env={"LD_PRELOAD": library})
    found = re.search(r"^allocations=(\d+)$", result.stderr, re.MULTILINE)
    if result.returncode != 0 or not found:
        sys.exit(f"{bench}: exit {result.returncode}: {result.stderr[-300:]}")
    return int(found[1])


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    compiler = shutil.which("cc") or shutil.which("clang") or shutil.which("gcc")
    if not compiler:
        print("not-run: there is no C compiler")
        return 70
    with tempfile.TemporaryDirectory(prefix="rustynet-allocations.") as folder:
        library = os.path.join(folder, "count.so")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", library, SOURCE], check=True)
        bench = os.path.abspath(sys.argv[1])
        few = count(bench, library, "--decisions", "100000")
        many = count(bench, library, "--decisions", "300000")
        control = count(bench, library, "--decisions", "100000", "--users", "2000")
    print(f"{few} calls with 100,000 decisions, {many} with 300,000, {control} with twice as many users")
    # The text of the figures may be of another length; nothing else may differ.
    fits = abs(many - few) <= 8 and control > few + 1000
    print("a decision allocates nothing" if fits else "decisions allocate")
    return 0 if fits else 78


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The examples of a page of documents/, run as they stand there.

Run:  Tests/Fixtures/page.py PAGE PROGRAM     in an empty folder

A fenced block with a file's name behind its language is written to that file; a block `console` is run line by line: what
the page shows behind a command must be what comes, on standard output and standard error together. Prints how many commands
were run; ends with 78 where something else came, and where there was none.
"""
import os
import re
import subprocess
import sys


def main():
    page, program = sys.argv[1:3]
    binary = os.path.abspath(program)
    folder = os.path.dirname(binary)
    count, wrong = 0, 0
    for language, name, body in re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", open(page, encoding="utf-8").read(), re.M | re.S):
        if name:
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "w", encoding="utf-8") as file:
                file.write(body)
        elif language == "console":
            for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", body, re.M):
                result = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
                count += 1
                if expected and result.stdout != expected or not expected and result.returncode != 0:
                    wrong += 1
                    print(f"$ {command}\nexpected:\n{expected}came ({result.returncode}):\n{result.stdout}")
    print(f"{count} commands, {wrong} wrong")
    return 0 if count and not wrong else 78


if __name__ == "__main__":
    sys.exit(main())

"""Runs the examples of documents/network-policy.md: the policy is the fixture, and each command prints what the page shows."""
import os
import re
import subprocess
import sys

page = open(sys.argv[1], encoding="utf-8").read()
policy = re.search("```hujson\n(.*?)```", page, re.S)[1]
if policy != open("policy.hujson", encoding="utf-8").read():
    sys.exit("the policy of the page is not the fixture")
count = 1
for block in re.findall("```console\n(.*?)```", page, re.S):
    for part in block.split("$ rustynet ")[1:]:
        command, _, wanted = part.partition("\n")
        done = subprocess.run([os.environ["RUSTYNET"], *command.split()], capture_output=True, text=True)
        if done.stdout != wanted:
            sys.exit(f"{command}\n--- the page\n{wanted}--- the program\n{done.stdout}{done.stderr}")
        count += 1
print(f"{count} examples")

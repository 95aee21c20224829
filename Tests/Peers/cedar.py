#!/usr/bin/env python3
"""cedarpy, which is the official engine, and we decide the same random requests by the same random policies.

Run:  Tests/Peers/setup && .build/peers/bin/python Tests/Peers/cedar.py BENCH [--full] [--seed N] [--decisions N] [--keep]

At least 5,000 decisions, 100,000 with --full: decision, reasons, erroring policies, and whether the policies validate; and
for a changed text of each policy set whether it parses at all. The cases follow from the seed. They are written in the shape
of the corpus with the peer's answers, and judged by `rustynet-bench vectors cedar`. Ends with 0, 78 when an answer differs
(--keep leaves the cases), 64 for usage, 70 when the peer is not installed.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import cedarpy
except ImportError as error:
    print(f"not-run: the peer is not installed ({error}); see Tests/Peers/setup", file=sys.stderr)
    sys.exit(70)

from cedar_cases import Case, mutate

REQUESTS, POLICIES = 16, 6
FAILED = re.compile(r"policy `(policy\d+)`")


def parses(text):
    try:
        cedarpy.PolicySet.from_str(text)
        return True
    except Exception:
        return False


def write(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
        file.write(content)
    return name


def answers(requests, policies, entities, schema):
    results = []
    for result in cedarpy.is_authorized_batch(requests, policies, entities, schema):
        errors = result.diagnostics.errors
        ids = [FAILED.search(str(error)) for error in errors]
        if result.decision == cedarpy.Decision.NoDecision or not all(ids):
            raise SystemExit(f"cedar.py: the peer gave no decision: {errors}")
        results.append({"decision": result.decision.value.lower(), "reason": sorted(result.diagnostics.reasons),
                        "errors": sorted({found[1] for found in ids})})
    return results


def generate(folder, seed, number, counts):
    case = Case(f"{seed}/{number}")
    text = "\n".join(case.policy() for _ in range(case.random.randint(1, POLICIES)))
    entities = json.dumps(case.entities_json(), ensure_ascii=case.random.random() < 0.5)
    isJSON = case.random.random() < 0.3
    schema = json.dumps(case.schema_json()) if isJSON else case.schema_text()
    requests = [case.request() for _ in range(REQUESTS)]
    peer = answers(requests, text, entities, schema)
    valid = cedarpy.validate_policies(text, schema).validation_passed
    changed = mutate(text, case.random)
    name = f"{number:06}"
    write(folder, f"{name}.json", json.dumps({
        "policies": write(folder, f"{name}.cedar", text), "entities": write(folder, f"{name}.entities.json", entities),
        "schema": write(folder, f"{name}.cedarschema", schema), "shouldValidate": valid,
        "requests": [dict(request, **answer) for request, answer in zip(requests, peer)]}))
    write(folder, f"{name}.text.json", json.dumps({
        "policies": write(folder, f"{name}.text.cedar", changed), "shouldParse": parses(changed)}))
    counts["decisions"] += len(peer)
    counts["allowed"] += sum(answer["decision"] == "allow" for answer in peer)
    counts["with errors"] += sum(bool(answer["errors"]) for answer in peer)
    counts["valid sets"] += valid
    counts["sets"] += 1
    counts["texts that parse"] += parses(changed)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("bench")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", default="5")
    parser.add_argument("--decisions", type=int)
    parser.add_argument("--keep", action="store_true")
    try:
        arguments = parser.parse_args()
    except SystemExit:
        print(__doc__, file=sys.stderr)
        return 64
    wanted = arguments.decisions or (100_000 if arguments.full else 5_000)
    counts = {"decisions": 0, "allowed": 0, "with errors": 0, "sets": 0, "valid sets": 0, "texts that parse": 0}
    folder = tempfile.mkdtemp(prefix="rustynet-cedar.")
    status = 78
    try:
        number = 0
        while counts["decisions"] < wanted:
            generate(folder, arguments.seed, number, counts)
            number += 1
        result = subprocess.run([arguments.bench, "vectors", "cedar", "--failures", folder], capture_output=True, text=True)
        lines = result.stdout.splitlines()
        for line in lines[:-1][:20]:
            print(line[:1000])
        agrees = any(re.fullmatch(r"validation agree=\d+ disagree=0", line) for line in lines)
        print(", ".join(f"{count} {name}" for name, count in counts.items()))
        print(f"seed {arguments.seed}: {lines[-1] if lines else result.stderr.strip()[-300:]}")
        status = 0 if result.returncode == 0 and agrees else 78
    finally:
        if arguments.keep and status:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return status


if __name__ == "__main__":
    sys.exit(main())

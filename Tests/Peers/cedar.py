#!/usr/bin/env python3
"""cedarpy, which is the official engine, and we decide the same random requests by the same random policies.

Run:  Tests/Peers/setup && .build/peers/bin/python Tests/Peers/cedar.py BENCH [--full] [--seed N] [--decisions N] [--keep]

At least 5,000 decisions, 100,000 with --full: decision, reasons, erroring policies, and whether the policies validate; and
for texts of policies, schemas and entities, of which many are wrong, whether they load at all. The cases follow from the
seed. They are written in the shape of the corpus with the peer's answers, and judged by `rustynet-bench vectors cedar`. Ends
with 0, 78 when an answer differs (--keep leaves the cases), 64 for usage, 70 when the peer is not installed.
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
from cedar_texts import Machines, People, entity_text
from cedar_wild import Wild, mutated_tokens

REQUESTS, POLICIES = 16, 6
FAILED = re.compile(r"policy `(policy\d+)`")


def loads(load, *arguments, **named):
    """Whether the peer reads the text."""
    try:
        load(*arguments, **named)
        return True
    except ValueError:
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
    """A case with its requests, and texts that mostly do not load."""
    isWild = number % 3 == 2
    case = Wild(f"{seed}/{number}") if isWild else Case(f"{seed}/{number}")
    r = case.random
    text = "\n".join(case.policy() for _ in range(r.randint(1, POLICIES)))
    entities = json.dumps(case.entities_json(), ensure_ascii=r.random() < 0.5)
    isJSON = r.random() < 0.3
    schema = json.dumps(case.schema_json()) if isJSON else case.schema_text()
    requests = [case.request() for _ in range(REQUESTS)]
    name = f"{number:06}"
    files = {"schema": write(folder, f"{name}.cedarschema", schema)}
    if loads(cedarpy.PolicySet.from_str, text):
        peer = answers(requests, text, entities, schema)
        valid = cedarpy.validate_policies(text, schema).validation_passed
        write(folder, f"{name}.json", json.dumps({
            "policies": write(folder, f"{name}.cedar", text), "entities": write(folder, f"{name}.entities.json", entities), **files,
            "shouldValidate": valid, "requests": [dict(request, **answer) for request, answer in zip(requests, peer)]}))
        counts["decisions"] += len(peer)
        counts["allowed"] += sum(answer["decision"] == "allow" for answer in peer)
        counts["with errors"] += sum(bool(answer["errors"]) for answer in peer)
        counts["valid sets"] += valid
        counts["sets"] += 1
    elif not isWild:
        raise SystemExit(f"cedar.py: the peer does not parse the policies of case {number}")
    changed = case.spaced(text) if isWild and r.random() < 0.3 else mutated_tokens(text, r) if r.random() < 0.5 else mutate(text, r)
    texts = [("policies", changed, loads(cedarpy.PolicySet.from_str, changed), {})]
    people, machines, facts = People(r).text(), Machines(r).text(), entity_text(case, r)
    texts.append(("schema", people, loads(cedarpy.Schema.from_str, people), {}))
    texts.append(("schema", machines, loads(cedarpy.Schema.from_json_str, machines), {}))
    texts.append(("entities", facts, loads(cedarpy.Entities.from_json_str, facts, schema=schema), files))
    for place, (kind, content, parses, more) in enumerate(texts):
        if "?principal" in content or "?resource" in content:
            continue  # Templates are refused here.
        file = write(folder, f"{name}.text{place}.{kind}", content)
        write(folder, f"{name}.text{place}.json", json.dumps({kind: file, "shouldParse": parses, **more}))
        counts["texts"] += 1
        counts["that load"] += parses


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
    counts = {"decisions": 0, "allowed": 0, "with errors": 0, "sets": 0, "valid sets": 0, "texts": 0, "that load": 0}
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

#!/usr/bin/env python3
"""Asks in-toto-attestation what it thinks of a provenance statement of ours.

Run, after Tests/Peers/setup:  .build/peers/bin/python Tests/Peers/provenance.py STATEMENT.json

The statement and its predicate must be accepted, and each of the broken copies rejected. Exit codes are those of the
project: 0, 65 malformed, 70 the peer is not installed.
"""
import json
import sys

from shared import set_at

try:
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement
except ImportError as error:
    print(f"not-run: the peer is not installed ({error})", file=sys.stderr)
    sys.exit(70)


def refusal(document):
    """Why the peer refuses the document; None if it does not."""
    try:
        # Unknown fields are an error for this parser, so that a misspelt field of ours shows.
        message = json_format.ParseDict(document, statement_pb2.Statement())
        Statement.copy_from_pb(message).validate()
        json_format.ParseDict(document["predicate"], provenance_pb2.Provenance())
    except (json_format.ParseError, ValueError, KeyError) as error:
        return str(error)
    return None


def main(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    definition = ["predicate", "buildDefinition"]
    controls = {
        "another type": set_at(document, ["_type"], "https://in-toto.io/Statement/v9"),
        "no subject": set_at(document, ["subject"], []),
        "a subject without a digest": set_at(document, ["subject", 0, "digest"], {}),
        "no predicate type": set_at(document, ["predicateType"], ""),
        "a build type that is a number": set_at(document, definition + ["buildType"], {"a": 1}),
        "an unknown field": set_at(document, definition + ["nonsense"], 1),
        "a digest that is a number": set_at(document, definition + ["resolvedDependencies", 0, "digest"], 7),
    }
    failures = []
    reason = refusal(document)
    if reason is not None:
        failures.append(f"the peer rejects the statement: {reason}")
    failures += [f"the peer accepts {name}" for name, broken in controls.items() if refusal(broken) is None]
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{path}: 1 statement, {len(controls)} controls, {len(failures)} failures")
    return 65 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: provenance.py STATEMENT.json", file=sys.stderr)
        sys.exit(64)
    sys.exit(main(sys.argv[1]))

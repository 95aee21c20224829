#!/usr/bin/env python3
"""Asks cyclonedx-python-lib and packageurl-python what they think of an SBOM of ours.

Run, after Tests/Peers/setup:  .build/peers/bin/python Tests/Peers/cyclonedx.py SBOM.json

The document must be accepted, and each of the broken copies of it rejected: a validator that accepts everything would
pass the first half alone. Exit codes are those of the project: 0, 65 malformed, 70 the peer is not installed.
"""
import json
import os
import sys

from shared import set_at

# This file is called like the package that it wants to import; the folder of a script comes first in the search.
sys.path = [folder for folder in sys.path if os.path.abspath(folder) != os.path.dirname(os.path.abspath(__file__))]

try:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL
except ImportError as error:
    print(f"not-run: the peer is not installed ({error})", file=sys.stderr)
    sys.exit(70)


def controls(document):
    """Copies that break one rule of the schema each, by name."""
    return {
        "an unknown field": set_at(document, ["nonsense"], 1),
        "a serial number that is no UUID": set_at(document, ["serialNumber"], "urn:uuid:1"),
        "a short hash": set_at(document, ["components", 0, "hashes", 0, "content"], "00"),
        "an unknown type of component": set_at(document, ["components", 0, "type"], "thing"),
        "a time that is none": set_at(document, ["metadata", "timestamp"], "yesterday"),
        "an unknown aggregate": set_at(document, ["compositions", 0, "aggregate"], "mostly"),
        "a bom-ref of no characters": set_at(document, ["components", 0, "bom-ref"], ""),
    }


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    document = json.loads(text)
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    failures = []
    error = validator.validate_str(text)
    if error is not None:
        failures.append(f"the peer rejects the document: {error}")
    for name, broken in controls(document).items():
        if validator.validate_str(json.dumps(broken)) is None:
            failures.append(f"the peer accepts {name}")
    purls = [component["purl"] for component in document["components"] if "purl" in component]
    for purl in purls:
        spelled = PackageURL.from_string(purl).to_string()
        if spelled != purl:
            failures.append(f"the peer writes {spelled} for {purl}")
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{path}: 1 document, {len(controls(document))} controls, {len(purls)} purls, {len(failures)} failures")
    return 65 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: cyclonedx.py SBOM.json", file=sys.stderr)
        sys.exit(64)
    sys.exit(main(sys.argv[1]))

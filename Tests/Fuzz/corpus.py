#!/usr/bin/env python3
"""Writes the seed of the fuzz target `pack` anew: a container in the one canonical form that is read.

Run:  Tests/Fuzz/corpus.py      (the layout is that of documents/specs/evidence-pack.md)
"""
import base64
import json
import pathlib

BLOCK = 512


def header(name, size):
    field = bytearray(BLOCK)
    for offset, text in [(0, name), (100, "0000644"), (108, "0000000"), (116, "0000000"), (124, f"{size:011o}"),
                         (136, "00000000000"), (148, " " * 8), (156, "0"), (257, "ustar"), (263, "00"),
                         (329, "0000000"), (337, "0000000")]:
        field[offset:offset + len(text)] = text.encode()
    field[148:156] = f"{sum(field):06o}".encode() + b"\0 "
    return bytes(field)


def container(members):
    body = b""
    for name, content in sorted(members.items()):
        body += header(name, len(content)) + content + bytes(-len(content) % BLOCK)
    return body + bytes(2 * BLOCK)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


manifest = {"type": "rustynet-evidence-pack/v1", "profile": "release", "created": "2026-11-22T16:05:00Z", "members": []}
envelope = {
    "payload": base64.b64encode(canonical(manifest)).decode(),
    "payloadType": "application/vnd.rustynet.evidence-pack.v1+json",
    "signatures": [{"sig": base64.b64encode(bytes(64)).decode()}],
}
verdict = {"time": "2026-11-22T16:05:00Z", "sequence": 1, "commit": "c" * 40, "outcome": "passed", "title": "RELEASE PASSED",
           "subjects": [{"name": "tool", "digest": {"sha256": "0" * 64}}]}
folder = pathlib.Path(__file__).parent / "Corpus/pack"
folder.mkdir(parents=True, exist_ok=True)
(folder / "container").write_bytes(container({
    "manifest.json": canonical(envelope) + b"\n", "verdict.json": canonical(verdict), "ledger/leaves": bytes(64)}))
(folder / "two-members").write_bytes(container({"a": b"x", "b/c": b"y" * 600}))

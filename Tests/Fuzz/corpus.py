#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets `pack`, `certificate` and `bundle` anew: a container in the one canonical form
that is read, the certificates of the trusted roots, and bundles around them that verify nothing.

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


def write(target, name, content):
    folder = pathlib.Path(__file__).parent / "Corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


trust = pathlib.Path(__file__).parents[2] / "attestations/trust/sigstore"
root = json.loads((trust / "production.trusted_root.json").read_text())
certificates = [one["rawBytes"] for kind in ("certificateAuthorities", "timestampAuthorities")
                for authority in root[kind] for one in authority["certChain"]["certificates"]]
for number, one in enumerate(certificates):
    write("certificate", f"authority-{number}", base64.b64decode(one))
blocks = "".join(f"-----BEGIN CERTIFICATE-----\n{one}\n-----END CERTIFICATE-----\n" for one in certificates[:2])
write("certificate", "blocks", blocks.encode())


def base(value):
    return base64.b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


def entry(kind, version, spec):
    body = {"apiVersion": version, "kind": kind, "spec": spec}
    checkpoint = f"rekor.sigstore.dev - 1\n1\n{base(bytes(32))}\n\n\u2014 rekor.sigstore.dev {base(bytes(68))}\n"
    return {"logIndex": "1", "logId": root["tlogs"][0]["logId"], "kindVersion": {"kind": kind, "version": version},
            "integratedTime": "1710869186", "inclusionPromise": {"signedEntryTimestamp": base(bytes(70))},
            "inclusionProof": {"logIndex": "0", "rootHash": base(bytes(32)), "treeSize": "1", "hashes": [],
                               "checkpoint": {"envelope": checkpoint}}, "canonicalizedBody": base(body)}


sha = {"algorithm": "sha256", "value": "00" * 32}
pem = base(f"-----BEGIN CERTIFICATE-----\n{certificates[0]}\n-----END CERTIFICATE-----\n".encode())
material = {"certificate": {"rawBytes": certificates[0]}}
statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a", "digest": {"sha256": "00" * 32}}],
             "predicateType": "https://slsa.dev/provenance/v1", "predicate": {}}
dsse = {"payload": base(statement), "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": base(bytes(70))}]}
record = entry("hashedrekord", "0.0.1", {"data": {"hash": sha}, "signature": {
    "content": base(bytes(70)), "publicKey": {"content": pem}}})
record2 = entry("hashedrekord", "0.0.2", {"hashedRekordV002": {
    "data": {"algorithm": "SHA2_256", "digest": base(bytes(32))}, "signature": {
        "content": base(bytes(70)), "verifier": {"x509Certificate": {"rawBytes": certificates[0]}}}}})
logged = entry("dsse", "0.0.1", {"payloadHash": sha, "signatures": [{"signature": base(bytes(70)), "verifier": pem}]})
intoto = entry("intoto", "0.0.2", {"content": {"payloadHash": sha, "envelope": {"signatures": [
    {"sig": base(base(bytes(70)).encode()), "publicKey": pem}]}}})
version3 = "application/vnd.dev.sigstore.bundle.v0.3+json"
message = {"messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": base(bytes(32))},
                                "signature": base(bytes(70))}}
for name, bundle in {
    "message": {"mediaType": version3, "verificationMaterial": {**material, "tlogEntries": [record, record2]}, **message},
    "envelope": {"mediaType": version3, "verificationMaterial": {**material, "tlogEntries": [logged, intoto]},
                 "dsseEnvelope": dsse},
    "chain": {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1", "verificationMaterial": {
        "x509CertificateChain": {"certificates": [{"rawBytes": one} for one in certificates[1:3]]},
        "tlogEntries": [record], "timestampVerificationData": {"rfc3161Timestamps": []}}, **message},
    "pypi": {"version": 1, "verification_material": {"certificate": certificates[0], "transparency_entries": [logged]},
             "envelope": {"statement": base(statement), "signature": base(bytes(70))}},
    "npm": {"attestations": [{"predicateType": "https://slsa.dev/provenance/v1", "bundle": {
        "mediaType": version3, "verificationMaterial": {**material, "tlogEntries": [intoto]}, "dsseEnvelope": dsse}}]},
    "root": root,
}.items():
    write("bundle", name, json.dumps(bundle).encode())

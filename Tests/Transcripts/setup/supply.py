#!/usr/bin/env python3
"""Inputs of the transcripts about provenance, summaries and policies.

supply.py make              writes provenance.json, summary.json, policy.json and waived.json, with times around now
supply.py seal FROM TO      puts an ECDSA signature by p256.key (openssl) in the place of an envelope's own
"""
import base64
import datetime
import json
import subprocess
import sys

COMMIT = "d37a7f740ee7404914456f24dcd90e865a0509e8"
SOURCE = "git+https://github.com/o/r"


def time(**shift):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**shift)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write(name, value):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(value, file)


def make():
    write("provenance.json", {
        "buildDefinition": {
            "buildType": "urn:rustynet:build:swiftpm:v1",
            "externalParameters": {"source": {"uri": SOURCE, "ref": "refs/tags/v1.2.3"}},
            "resolvedDependencies": [
                {"name": "source", "uri": SOURCE + "@refs/tags/v1.2.3", "digest": {"gitCommit": COMMIT}}]},
        "runDetails": {"builder": {"id": "https://ci.example/builder@v1.0.0"},
                       "metadata": {"invocationId": "https://ci.example/runs/7", "finishedOn": time(hours=-2)}}})
    write("summary.json", {
        "verifier": {"id": "https://verifier.example/v1"}, "timeVerified": time(hours=-1),
        "resourceUri": "https://example.org/tool",
        "policy": {"uri": "https://example.org/p", "digest": {"sha256": "0" * 64}},
        "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_3"]})
    builder = [{"role": "builder", "threshold": 1}]
    policy = {
        "type": "rustynet-supply-policy/v1", "version": 1, "issued": time(days=-1),
        "expires": time(days=300),
        "attestations": [
            {"id": "provenance", "predicateType": "https://slsa.dev/provenance/v1", "roles": builder,
             "provenance": {"builder": "https://ci.example/builder@v1.0.0", "source": "github.com/o/r", "tag": "v1.2.3"}},
            {"id": "summary", "predicateType": "https://slsa.dev/verification_summary/v1", "roles": builder,
             "maximumAgeSeconds": 86400,
             "summary": {"verifier": "https://verifier.example/v1", "resource": "https://example.org/tool",
                         "levels": ["SLSA_BUILD_LEVEL_2"]}}],
        "joins": [{"id": "one-subject", "on": "subject", "attestations": ["provenance", "summary"]}]}
    write("policy.json", policy)
    waiver = {"of": "summary", "owner": "security", "reason": "the verifier is down", "expires": time(days=1)}
    write("waived.json", dict(policy, joins=[], waivers=[waiver]))


def seal(source, target):
    envelope = json.load(open(source, encoding="utf-8"))
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    open("signed", "wb").write(b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload)) + payload)
    subprocess.run(["openssl", "dgst", "-sha256", "-sign", "p256.key", "-out", "signature", "signed"], check=True)
    envelope["signatures"] = [{"sig": base64.b64encode(open("signature", "rb").read()).decode()}]
    write(target, envelope)


if __name__ == "__main__":
    make() if sys.argv[1] == "make" else seal(*sys.argv[2:4])

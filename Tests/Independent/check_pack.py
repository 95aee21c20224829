#!/usr/bin/env python3
"""Checks an evidence pack without a line of the code that made it; securesystemslib verifies the signatures.
.build/peers/bin/python Tests/Independent/check_pack.py PACK TRUST [--fingerprint sha256:HEX] [--profile preview] [--as-of TIME]

TRUST is the auditor's own signed trust.json. Signatures, digests, proofs, gate definitions, comparisons of numbers and the
outcome are done again; what else a gate's judge said is taken from the verdict. One line a check; ends with 0, 78 refused,
65 malformed, 64 usage, 70 securesystemslib is not installed (Tests/Peers/setup)."""
import argparse, base64, calendar, hashlib, io, json, re, sys, tarfile, time
try:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature, SSlibKey
except ImportError as error:
    sys.exit(print(f"not-run: {error}; see Tests/Peers/setup", file=sys.stderr) or 70)
RESULTS, TYPES = [], "application/vnd.rustynet.{}.v1+json"
ROLES = {"policy.json": ["root"], "dependency-exceptions.json": ["security", "engineering"], "vsa.json": ["verifier"],
         "svr.json": ["verifier"], "provenance.json": ["builder"], "sbom.dsse.json": ["builder"]}
PLAIN = {"policy.json": TYPES.format("release-policy"), "dependency-exceptions.json": TYPES.format("dependency-exceptions")}
NEEDED = {*("tests sbom provenance build dependencies exceptions algorithms primitives layers secrets format markers documents lean-binaries soak "
            "sign-offs hardware-keys backend-agility").split()}  # without these gates nothing is a release, whoever signed the policy
def check(name, holds, detail=""):
    RESULTS.append(bool(holds))
    print(f"{'passed' if holds else 'FAILED'} {name} {str(detail)[:250]}".encode("unicode_escape").decode())
def require(holds, what):
    if not holds: raise ValueError(what)
def sha256(data): return "sha256:" + hashlib.sha256(data).hexdigest()
def decode(text): return base64.b64decode(text, validate=True)
def seconds(text): return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
def is_logged(name): return name.startswith("records/") or name in ROLES or name in ("trust.json", "verdict.json")
def load(data):
    return json.loads(data, object_pairs_hook=lambda p: dict(p) if len(dict(p)) == len(p) else require(False, "a key stands twice"))
def canonical(value):
    # RFC 8785: our documents hold only strings, integers and booleans under ASCII keys, for which this is its form.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

def container(data):
    """The members of a ustar archive in its only spelling: it is written anew and compared."""
    archive, again = tarfile.open(fileobj=io.BytesIO(data), mode="r:"), b""
    members = {one.name: archive.extractfile(one).read() for one in archive if one.isreg()}
    for name, content in sorted(members.items()):
        (entry := tarfile.TarInfo(name)).size = len(content)
        header = bytearray(entry.tobuf(tarfile.USTAR_FORMAT))
        header[329:345] = b"0000000\0" * 2  # tarfile leaves the device numbers empty, POSIX writes zero
        header[148:154] = b"%06o" % tarfile.calc_chksums(header)[0]
        again += header + content + bytes(-len(content) % 512)
    require(again + bytes(1024) == data, "the container is not in its canonical form")
    return members

def usable(key, profile, now):
    return key["use"] == profile and seconds(key["validFrom"]) <= now <= seconds(key["validUntil"]) and not (
        "revokedSince" in key and seconds(key["revokedSince"]) <= now)
def verifies(key, signature, data):
    public = SSlibKey("k", "ed25519", "ed25519", {"public": decode(key["public"]).hex()})
    try: public.verify_signature(Signature("k", signature.hex()), data)
    except UnverifiedSignatureError: return False
    return True
def signed(trust, envelope, role, now, profile):
    """Whether enough different principals of the role signed with usable keys; key ids are never looked at."""
    rule, data = trust["roles"][role], Envelope(decode(envelope["payload"]), envelope["payloadType"], {}).pae()
    names = {person["name"] for person in trust["principals"] if person["name"] in rule["principals"]
             for key in person["keys"] if usable(key, profile, now)
             for one in envelope["signatures"] if verifies(key, decode(one["sig"]), data)}
    return 1 <= rule["threshold"] <= len(names)
def read_trust(data, now, profile, name):
    trust = load(decode((envelope := load(data))["payload"]))
    form = {"threshold": (rule := trust["roles"]["root"])["threshold"], "principals": [
        {"name": p["name"], "keys": sorted(key["public"] for key in p["keys"])}
        for p in sorted(trust["principals"], key=lambda p: p["name"]) if p["name"] in rule["principals"]]}
    check(name, envelope["payloadType"] == TYPES.format("trust") and signed(trust, envelope, "root", now, profile)
          and trust["profile"] == profile and seconds(trust["issued"]) - 300 <= now < seconds(trust["expires"]), "signed by its root")
    return trust, sha256(canonical(form))

def node(left, right): return hashlib.sha256(b"\1" + left + right).digest()
def root(leaves):
    half = 1 << max(len(leaves) - 1, 1).bit_length() - 1
    return node(root(leaves[:half]), root(leaves[half:])) if len(leaves) > 1 else leaves[0]
def included(hash_, index, last, path):  # RFC 9162 §2.1.3.2
    require(0 <= index <= last, "an index outside the tree")
    for other in path:
        if index & 1 or index == last:
            hash_ = node(other, hash_)
            while index and not index & 1: index, last = index >> 1, last >> 1
        else: hash_ = node(hash_, other)
        index, last = index >> 1, last >> 1
    return hash_ if last == 0 else None
def ledger(members, trust, now, profile, verdict):
    text, _, lines = (note := members["ledger/checkpoint"]).rpartition(b"\n\n")
    origin, size, top = text.decode().split("\n")[:3]
    good, leaves = False, members["ledger/leaves"]
    for mark, name, raw in ((m, n, decode(b)) for m, n, b in map(str.split, lines.decode().splitlines())):
        for key in (k for p in trust["principals"] if p["name"] in trust["roles"]["log"]["principals"] for k in p["keys"]):
            identity = hashlib.sha256(origin.encode() + b"\n\1" + decode(key["public"])).digest()[:4]
            good |= (mark, name, raw[:4]) == ("—", origin, identity) and usable(key, profile, now) and verifies(key, raw[4:], text + b"\n")
    check("ledger.checkpoint", good and origin.startswith("preview/") == (profile == "preview"), origin)
    top_again = root([leaves[at:at + 32] for at in range(0, len(leaves), 32)])
    check("ledger.leaves", len(leaves) == 32 * int(size) and top_again == decode(top), f"{size} leaves")
    for name in filter(is_logged, sorted(members)):
        proof, _, checkpoint = members[f"ledger/proofs/{name}.tlog-proof"].decode().partition("\n\n")
        head, index, *path = proof.split("\n")
        entry = canonical({"type": "rustynet-ledger-entry/v1", "name": name, "digest": sha256(members[name])})
        found = included(hashlib.sha256(b"\0" + entry).digest(), number := int(index[6:]), int(size) - 1, [*map(decode, path)])
        check(f"ledger.{name}", head == "c2sp.org/tlog-proof@v1" and checkpoint.encode() == note and found == decode(top)
              and (name != "verdict.json" or number == verdict["sequence"]), f"entry {number}")

def numbers(members, statements, verdict, limits):
    """Every comparison of numbers again, from the signed facts; the verdict must say the same of each."""
    now, age = seconds(verdict["time"]), limits["evidence.maximum-age-seconds"]
    def agree(name, holds, detail):
        said = [one["outcome"] == "passed" for one in gate["checks"] if one["id"] == name]
        check(f"{gate['id']}.{name}", said and all(said) == bool(holds), f"{detail}; the verdict: {'passed' if all(said) else 'failed'}")
    for gate in verdict["gates"]:
        yaml = members[f"gates/{gate['id']}.yaml"].decode()
        records = [statements[f"records/gates/{gate['id']}.json"]["predicate"]]
        if "notRun" in (facts := records[0]["facts"]):
            check(f"{gate['id']}.not-run", gate["outcome"] != "passed", "nothing was observed")
        else:
            agree("sample", facts["sample"] >= (least := int(re.search(r"^minimum:\n  count: (\d+)$", yaml, re.M)[1])), least)
            if "\nkind: tests\n" in yaml:
                records.append(statements[re.search(r"^  record: (\S+)$", yaml, re.M)[1]]["predicate"])
                results = records[1]["facts"]
                agree("passed", len(results["passed"]) >= limits["tests.minimum"], f"{len(results['passed'])} tests")
                agree("exit", {command["exitCode"] for command in records[1]["commands"]} == {0}, "exit codes")
                check(f"{gate['id']}.all", gate["outcome"] != "passed" or not results["failed"] + results["notRun"], "none failed, none left out")
            if "\nkind: sbom\n" in yaml:
                agree("components", len(load(members["sbom.cdx.json"])["components"]) >= limits["sbom.minimum-components"], "components")
        for prefix, r in zip(("", "tests."), records):
            agree(prefix + "record.fresh", -300 <= now - seconds(r["finished"]) <= age, f"at most {age} s old")
            agree(prefix + "record.commit", r["source"]["commit"] == verdict["commit"], verdict["commit"])
            agree(prefix + "record.clean", r["source"]["clean"] is True, "clean tree")
def outcomes(verdict, policy):
    valid = [d for d in policy["deferred"] if seconds(verdict["time"]) <= seconds(d["expires"])]
    counted, good = [], verdict["gates"] != []
    for gate in verdict["gates"]:
        seen = {one["outcome"] for one in gate["checks"]}
        own = "failed" if "failed" in seen else "passed" if seen == {"passed"} else "not-run"
        covered = [d for d in valid if d["gate"] == gate["id"] and d["requirement"] in gate["requirements"]]
        if deferred := own == "not-run" and {*gate["requirements"]} <= {d["requirement"] for d in covered}: counted += covered
        check(f"outcome.{gate['id']}", (own, deferred) == (gate["outcome"], gate["deferred"]), own + " deferred" * deferred)
        good &= own == "passed" or deferred
    check("outcome", verdict["outcome"] == ("passed" if good else "refused") and verdict["deferred"] == counted, verdict["title"])
    check("verdict", good and verdict["title"].startswith(f"{policy['profile'].upper()} PASSED"), f"{len(counted)} deferred")
def main(pack, trust, fingerprint, profile, as_of):
    now = seconds(as_of) if as_of else int(time.time())
    members = container(open(pack, "rb").read())
    envelope = load(members["manifest.json"])
    manifest = load(decode(envelope["payload"]))
    require(canonical(envelope) + b"\n" == members.pop("manifest.json") and canonical(manifest) == decode(envelope["payload"])
            and [set(one) for one in envelope["signatures"]] == [{"sig"}], "the manifest is not canonical")
    check("profile", manifest["profile"] == profile, f"asked for {profile}, found {manifest['profile']}")
    profile, verdict, statements = manifest["profile"], load(members["verdict.json"]), {}
    trust, identity = read_trust(open(trust, "rb").read(), now, profile, "trust")
    own, own_identity = read_trust(members["trust.json"], seconds(verdict["time"]), profile, "trust.own")
    policy, sbom = load(members["policy.json"]), load(members["sbom.cdx.json"])
    for name, roles in sorted({**{n: ["builder"] for n in members if n.startswith("records/")}, **ROLES}.items()):
        document = load(members[name])
        if name in PLAIN and "payload" not in document: continue
        statements[name] = load(decode(document["payload"]))
        check(f"signature.{name}", document["payloadType"] == PLAIN.get(name, "application/vnd.in-toto+json")
              and all(signed(trust, document, role, now, profile) for role in roles), " and ".join(roles))
        if name not in PLAIN: check(f"subjects.{name}", statements[name]["subject"] == verdict["subjects"] != [])
    policy = statements.get("policy.json", policy)
    ids, digest, limits = [gate["id"] for gate in policy["gates"]], sha256(canonical(policy)), policy["limits"]
    vsa, svr = statements["vsa.json"]["predicate"], statements["svr.json"]["predicate"]
    for name, holds, detail in (
        ("trust.fingerprint", fingerprint in (None, identity), identity),
        ("trust.root", own_identity == identity and own["version"] <= trust["version"], "of the pack's own trust file"),
        ("manifest.signature", envelope["payloadType"] == TYPES.format("evidence-pack") and signed(trust, envelope, "builder", now, profile), ""),
        ("manifest.members", manifest["members"] == [
            {"name": name, "size": len(data), "digest": sha256(data)} for name, data in sorted(members.items())], len(members)),
        ("policy.digest", verdict["policy"] == {"digest": digest, "version": policy["version"]}, digest),
        ("policy.profile", policy["profile"] == verdict["profile"] == profile and (profile == "preview" or "policy.json" in statements
                                                                                   and not policy["deferred"] and NEEDED <= {*ids}), profile),
        ("policy.valid", seconds(policy["issued"]) - 300 <= now < seconds(policy["expires"]), policy["expires"]),
        ("policy.gates", [gate["id"] for gate in verdict["gates"]] == ids != [], ids),
        ("policy.subjects", sorted(s["name"] for s in verdict["subjects"]) == sorted(policy["subjects"]), policy["subjects"]),
        ("definitions", all(sha256(members[f"gates/{g['id']}.yaml"]) == g["definition"] for g in policy["gates"]), ids),
        ("verdict.trust", verdict["trust"] == sha256(canonical(own)), verdict["trust"]),
        ("verdict.fresh", -300 <= now - seconds(verdict["time"]) <= limits["evidence.maximum-age-seconds"], verdict["time"]),
        ("sbom.signed", statements["sbom.dsse.json"]["predicate"] == sbom, "the signed bill of materials is the plain one"),
        ("vsa.result", vsa["verificationResult"] == "PASSED" and vsa["timeVerified"] == verdict["time"], vsa["verificationResult"]),
        ("vsa.policy", vsa["policy"]["digest"] == svr["verifier"]["policies"][0]["digest"] == {"sha256": digest[7:]}, digest),
        ("vsa.inputs", {i["uri"]: "sha256:" + i["digest"]["sha256"] for i in vsa["inputAttestations"]}
         == {n: sha256(data) for n, data in members.items() if is_logged(n) and n not in ("vsa.json", "svr.json")}, ""),
        ("svr.properties", set(svr["properties"]) == {"RUSTYNET_GATE_" + gate["id"].upper().replace("-", "_")
                                                      for gate in verdict["gates"] if gate["outcome"] == "passed"} != set(), ""),
    ): check(name, holds, detail)
    ledger(members, trust, now, profile, verdict)
    numbers(members, statements, verdict, limits)
    outcomes(verdict, policy)
    print(f"{len(RESULTS)} checks, {RESULTS.count(False)} failed as of {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now))}")
    return 0 if all(RESULTS) else 78

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: sys.exit(print(f"usage: {message}", file=sys.stderr) or 64)
    for name in ("pack", "trust", "--fingerprint", "--profile", "--as-of"): parser.add_argument(name)
    parser.set_defaults(profile="release")
    try: sys.exit(main(**vars(parser.parse_args())))
    except (OSError, tarfile.TarError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        sys.exit(print(f"malformed: {type(error).__name__} {str(error)!r}", file=sys.stderr) or 65)

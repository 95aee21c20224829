#!/usr/bin/env python3
"""A whole Sigstore instance of our own, and bundles that it signed: right ones, and wrong ones with one fault each.

    python3 Tests/Fixtures/sigstore_instance.py Tests/Fixtures/sigstore-instance

writes `trusted_root.json`, `cases.jsonl` (one case in a line: name, what must be said of it, the bundle) and
`npm.jsonl` (the same with what a package registry lists). The private keys live only as long as the program runs. It
needs the package `cryptography` and the program `openssl`, which makes the timestamps: their time is that of the run,
and so is every other.
"""

import base64
import copy
import ctypes
import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier as OID

NOW = datetime.datetime.utcnow().replace(microsecond=0)
SECONDS = int((NOW - datetime.datetime(1970, 1, 1)).total_seconds())
DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)
EMAIL, WEB = "ada@example.org", "https://ci.example/workflow@refs/heads/main"
ISSUER = "https://issuer.example"
ARTIFACT = b"an artifact\n"
FULCIO = "1.3.6.1.4.1.57264.1."
SCT = OID("1.3.6.1.4.1.11129.2.4.2")
STATEMENT = "application/vnd.in-toto+json"


def b64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).digest()


def spki(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def sign(key, data, hash=None):
    hash = hash or hashes.SHA256()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(padding.MGF1(hash), hash.digest_size), hash)
    return key.sign(data, ec.ECDSA(hash))


def sign_prehashed(key, data):
    """Ed25519ph, by libsodium: neither `cryptography` nor this OpenSSL has it."""
    sodium = ctypes.CDLL("libsodium.so.23")
    raw = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    raw += key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    state = ctypes.create_string_buffer(sodium.crypto_sign_ed25519ph_statebytes())
    signature = ctypes.create_string_buffer(64)
    sodium.crypto_sign_ed25519ph_init(state)
    sodium.crypto_sign_ed25519ph_update(state, data, ctypes.c_ulonglong(len(data)))
    sodium.crypto_sign_ed25519ph_final_create(state, signature, None, raw)
    return signature.raw


def p256():
    return ec.generate_private_key(ec.SECP256R1())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def tlv(tag, content):
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def utf8(text):
    return tlv(0x0C, text.encode())


def certificate(subject, key, issuer, signer, start, end, extensions):
    builder = x509.CertificateBuilder(
        subject_name=subject, issuer_name=issuer, public_key=key.public_key(),
        serial_number=x509.random_serial_number(), not_valid_before=start, not_valid_after=end)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def usage(**given):
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{one: given.get(one, False) for one in names})


class CA:
    """A root and an issuing certificate."""

    def __init__(self, label, start=NOW - 3000 * DAY, end=NOW + 3000 * DAY):
        self.root_key, self.key = p256(), p256()
        self.root_name, self.name = name(label + " root"), name(label + " issuing")
        authority = [(x509.BasicConstraints(True, None), True), (usage(key_cert_sign=True, crl_sign=True), True)]
        self.root = certificate(
            self.root_name, self.root_key, self.root_name, self.root_key, NOW - 4000 * DAY, NOW + 4000 * DAY, authority)
        self.issuing = certificate(
            self.name, self.key, self.root_name, self.root_key, start, end,
            [(x509.BasicConstraints(True, 0), True), (usage(key_cert_sign=True, crl_sign=True), True),
             (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)])
        self.chain = [self.issuing, self.root]

    def leaf(self, key, names=None, purposes=(ExtendedKeyUsageOID.CODE_SIGNING,), digital=True, authority=False,
             issuer=ISSUER, legacy=ISSUER, start=NOW - MINUTE, end=NOW + 9 * MINUTE, extra=(), log=None,
             stamp=SECONDS * 1000, log_extensions=b"", log_over=None, signer=None, signer_name=None):
        extensions = [(x509.BasicConstraints(authority, None), True)] if authority else []
        extensions += [(usage(digital_signature=digital, content_commitment=not digital,
                              key_cert_sign=authority), True)]
        if purposes:
            extensions.append((x509.ExtendedKeyUsage(purposes), False))
        if names is None:
            names = [x509.RFC822Name(EMAIL)]
        if names:
            extensions.append((x509.SubjectAlternativeName(names), True))
        if legacy is not None:
            extensions.append((x509.UnrecognizedExtension(OID(FULCIO + "1"), legacy.encode()), False))
        if issuer is not None:
            extensions.append((x509.UnrecognizedExtension(OID(FULCIO + "8"), utf8(issuer)), False))
        extensions += list(extra)
        builder = x509.CertificateBuilder(
            subject_name=x509.Name([]), issuer_name=signer_name or self.name, public_key=key.public_key(),
            serial_number=x509.random_serial_number(), not_valid_before=start, not_valid_after=end)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        signer = signer or self.key
        if log is not None:
            body = log_over or builder.sign(signer, hashes.SHA256()).tbs_certificate_bytes
            signed = (b"\0\0" + stamp.to_bytes(8, "big") + b"\0\1" + sha256(spki(signer))
                      + len(body).to_bytes(3, "big") + body + len(log_extensions).to_bytes(2, "big") + log_extensions)
            signature = sign(log.key, signed)
            one = (b"\0" + log.id + stamp.to_bytes(8, "big") + len(log_extensions).to_bytes(2, "big") + log_extensions
                   + b"\4\3" + len(signature).to_bytes(2, "big") + signature)
            several = len(one).to_bytes(2, "big") + one
            value = tlv(4, len(several).to_bytes(2, "big") + several)
            builder = builder.add_extension(x509.UnrecognizedExtension(SCT, value), False)
        return builder.sign(signer, hashes.SHA256())


class Log:
    """A log of entries (Rekor 1 with ECDSA, Rekor 2 with Ed25519) or of certificates.

    `apart`: its id is not the one that its lines in checkpoints begin with. `pss`: its key is RSA, for PSS.
    """

    def __init__(self, host, second=False, apart=False, pss=False):
        self.host, self.second, self.apart, self.pss = host, second, apart, pss
        self.key = rsa.generate_private_key(65537, 2048) if pss else (
            ed25519.Ed25519PrivateKey.generate() if second else p256())
        self.id = sha256(spki(self.key))
        if second and not apart:
            self.id = self.line_id()

    def line_id(self):
        if not self.second:
            return self.id
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return sha256(self.host.encode() + b"\n\x01" + raw)

    def trusted(self, start=NOW - 100 * DAY, end=None):
        valid = {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ")}
        if end:
            valid["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
        details = "PKIX_RSA_PSS_2048_SHA256" if self.pss else (
            "PKIX_ED25519" if self.second else "PKIX_ECDSA_P256_SHA_256")
        return {
            "baseUrl": "https://" + self.host, "hashAlgorithm": "SHA2_256", "logId": {"keyId": b64(self.id)},
            "checkpointKeyId": b64(self.line_id()[:4]) if self.apart else None,
            "publicKey": {"rawBytes": b64(spki(self.key)), "validFor": valid, "keyDetails": details}}

    def checkpoint(self, size, root, origin=None, signer=None, line=None, before=""):
        origin = origin or (self.host if self.second else self.host + " - 4711")
        text = "%s\n%d\n%s\n" % (origin, size, b64(root))
        signature = sign((signer or self).key, text.encode())
        return "%s\n%s\u2014 %s %s\n" % (text, before, line or self.host, b64((self.line_id() if self.apart else self.id)[:4] + signature))

    def entry(self, body, kind, promise=True, proof=True, time=SECONDS, promised=None, index=None, **note):
        """The second of three leaves; a promise is about the place in all trees of a log."""
        index = index or (1042 if promise else 1)
        raw = compact(body)
        leaves = [sha256(b"\0first"), sha256(b"\0" + raw), sha256(b"\0third")]
        root = sha256(b"\1" + sha256(b"\1" + leaves[0] + leaves[1]) + leaves[2])
        entry = {"logIndex": str(index), "logId": {"keyId": b64(self.id)},
                 "kindVersion": {"kind": kind[0], "version": kind[1]}, "canonicalizedBody": b64(raw)}
        if promise:
            entry["integratedTime"] = str(time)
            signed = compact({"body": b64(raw), "integratedTime": promised or time, "logID": self.id.hex(),
                              "logIndex": index})
            entry["inclusionPromise"] = {"signedEntryTimestamp": b64(sign(self.key, signed))}
        if proof:
            entry["inclusionProof"] = {
                "logIndex": "1", "treeSize": "3", "rootHash": b64(root), "hashes": [b64(leaves[0]), b64(leaves[2])],
                "checkpoint": {"envelope": self.checkpoint(3, root, **note)}}
        return entry


class TSA:
    """A time-stamp authority; openssl writes its tokens."""

    def __init__(self, label):
        self.root_key, self.key = p256(), p256()
        authority = [(x509.BasicConstraints(True, None), True), (usage(key_cert_sign=True, crl_sign=True), True)]
        self.root = certificate(
            name(label + " root"), self.root_key, name(label + " root"), self.root_key, NOW - 900 * DAY,
            NOW + 3000 * DAY, authority)
        self.signer = certificate(
            name(label), self.key, name(label + " root"), self.root_key, NOW - 900 * DAY, NOW + 3000 * DAY,
            [(x509.BasicConstraints(False, None), True), (usage(digital_signature=True), True),
             (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)])

    def stamp(self, data):
        with tempfile.TemporaryDirectory() as folder:
            def path(one):
                return os.path.join(folder, one)

            def write(one, content):
                with open(path(one), "wb") as file:
                    file.write(content)
            write("data", data)
            write("signer.pem", pem(self.signer))
            write("key.pem", self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            write("serial", b"01\n")
            write("ts.cnf", ("[tsa]\nserial=%s\ncrypto_device=builtin\nsigner_digest=sha256\ndefault_policy=1.2.3.4\n"
                             "digests=sha256\ness_cert_id_alg=sha256\n" % path("serial")).encode())
            run = lambda *words: subprocess.run(
                ["openssl", "ts", *words], check=True, capture_output=True, cwd=folder)
            run("-query", "-data", "data", "-sha256", "-cert", "-out", "query")
            run("-reply", "-queryfile", "query", "-config", "ts.cnf", "-section", "tsa", "-inkey", "key.pem",
                "-signer", "signer.pem", "-out", "reply")
            with open(path("reply"), "rb") as file:
                return b64(file.read())


REKOR, REKOR2, OLD = Log("rekor.example"), Log("log2025.example", second=True), Log("old.rekor.example")
APART, PSS = Log("log2026.example", second=True, apart=True), Log("pss.example", pss=True)
CT, STAMPER, ENDED_STAMPER = Log("ct.example"), TSA("stamper"), TSA("ended stamper")
STRANGER, STRANGE_CT, STRANGE_STAMPER = Log("rekor.example"), Log("ct.example"), TSA("stamper")
FULCIO_CA, STRANGE_CA, EXPIRED_CA = CA("fulcio"), CA("fulcio"), CA("expired", end=NOW - DAY)
# One with the name of the right one, and one of which the root alone is trusted.
ENDED_CA, DECOY_CA, ROOTED_CA = CA("ended"), CA("fulcio"), CA("rooted")
KEY, OTHER_KEY, OWN_KEY = p256(), p256(), p256()
KEY384, EDWARDS = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()


def validity(end=None):
    return {"start": (NOW - 100 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end": end and end.strftime("%Y-%m-%dT%H:%M:%SZ")}


def authority(chain, end=None):
    return {"subject": {"organization": "example", "commonName": "example"}, "uri": "https://example.org",
            "certChain": {"certificates": [{"rawBytes": b64(der(one))} for one in chain]}, "validFor": validity(end)}


ROOT = {
    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    # Logs stand twice where they were trusted twice; an authority without a chain, or with a wrong one, takes nobody
    # with it.
    "tlogs": [REKOR.trusted(NOW - 200 * DAY, NOW - 101 * DAY), REKOR2.trusted(NOW - 200 * DAY, NOW - 101 * DAY),
              REKOR.trusted(), REKOR2.trusted(), OLD.trusted(end=NOW - DAY), APART.trusted(), PSS.trusted()],
    "ctlogs": [CT.trusted()],
    "certificateAuthorities": [authority([]), authority(EXPIRED_CA.chain), authority(ENDED_CA.chain, NOW - DAY),
                               authority(DECOY_CA.chain), authority(FULCIO_CA.chain), authority([ROOTED_CA.root])],
    "timestampAuthorities": [authority([]), authority([STAMPER.signer, FULCIO_CA.root]),
                             authority([ENDED_STAMPER.signer, ENDED_STAMPER.root], NOW - DAY),
                             authority([STAMPER.signer, STAMPER.root])],
}


def leaf(ca=FULCIO_CA, key=KEY, log=CT, **given):
    return ca.leaf(key, log=log, **given)


LEAF = leaf()


def verifier_pem(signer):
    if isinstance(signer, x509.Certificate):
        return b64(pem(signer))
    return b64(signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def verifier_raw(signer):
    if isinstance(signer, x509.Certificate):
        return {"x509Certificate": {"rawBytes": b64(der(signer))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    return {"publicKey": {"rawBytes": b64(spki(signer))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}


def body(kind, signature, signer, data):
    """The body of an entry; `data` is the message, or the payload."""
    spec = {
        ("hashedrekord", "0.0.1"): lambda: {
            "data": {"hash": {"algorithm": "sha256", "value": sha256(data).hex()}},
            "signature": {"content": b64(signature), "publicKey": {"content": verifier_pem(signer)}}},
        ("hashedrekord", "0.0.2"): lambda: {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": b64(sha256(data))},
            "signature": {"content": b64(signature), "verifier": verifier_raw(signer)}}},
        ("dsse", "0.0.1"): lambda: {
            "envelopeHash": {"algorithm": "sha256", "value": "00" * 32},
            "payloadHash": {"algorithm": "sha256", "value": sha256(data).hex()},
            "signatures": [{"signature": b64(signature), "verifier": verifier_pem(signer)}]},
        ("dsse", "0.0.2"): lambda: {"dsseV002": {
            "payloadHash": {"algorithm": "SHA2_256", "digest": b64(sha256(data))},
            "signatures": [{"content": b64(signature), "verifier": verifier_raw(signer)}]}},
        ("intoto", "0.0.2"): lambda: {"content": {
            "envelope": {"payloadType": STATEMENT, "signatures": [
                {"publicKey": verifier_pem(signer), "sig": b64(b64(signature).encode())}]},
            "hash": {"algorithm": "sha256", "value": "00" * 32},
            "payloadHash": {"algorithm": "sha256", "value": sha256(data).hex()}}},
    }[kind]()
    return {"apiVersion": kind[1], "kind": kind[0], "spec": spec}


def statement(digests=None, **members):
    return compact(dict({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.org/test/v1", "predicate": {},
        "subject": [{"name": "artifact", "digest": digests or {"sha256": sha256(ARTIFACT).hex()}}]}, **members))


def pae(payload_type, payload):
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def bundle(kind=("hashedrekord", "0.0.1"), certificate=LEAF, key=KEY, own=None, version="0.3", log=None, stamps=None,
           payload=None, payload_type=STATEMENT, signed=None, logged=None, others=(), data=ARTIFACT, **entry):
    """A bundle that is right but for what is asked for."""
    log = log or (REKOR2 if kind[1] == "0.0.2" and kind[0] != "intoto" else REKOR)
    signer = own or certificate
    if kind[0] == "hashedrekord":
        signature, over = signed or sign(own or key, data), data
        content = {"messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": b64(sha256(data))}, "signature": b64(signature)}}
    else:
        over = payload if payload is not None else statement()
        signature = signed or sign(own or key, pae(payload_type, over))
        content = {"dsseEnvelope": {
            "payloadType": payload_type, "payload": b64(over), "signatures": [{"sig": b64(signature)}]}}
    if log.second:
        entry.setdefault("promise", False)
    if stamps is None:
        stamps = [STAMPER.stamp(signature)] if log.second else []
    facts = dict({"kind": kind, "signature": signature, "signer": signer, "data": over}, **(logged or {}))
    material = {"tlogEntries": [log.entry(body(**facts), kind, **entry)]}
    if own:
        material["publicKey"] = {"hint": "a key"}
    elif version in ("0.1", "0.2"):
        material["x509CertificateChain"] = {"certificates": [
            {"rawBytes": b64(der(one))} for one in [certificate, *others]]}
    else:
        material["certificate"] = {"rawBytes": b64(der(certificate))}
    if stamps:
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": one} for one in stamps]}
    media = "application/vnd.dev.sigstore.bundle.v0.3+json" if version == "0.3" else (
        "application/vnd.dev.sigstore.bundle+json;version=" + version)
    return dict({"mediaType": media, "verificationMaterial": material}, **content)


CASES, NPM = [], []
Null = object()
PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
PROVENANCE = "https://slsa.dev/provenance/v1"


def case(title, codes, document, identity=EMAIL, issuer=ISSUER, key=None):
    """`codes`: of everything that did not pass, and nothing else; empty for what must pass."""
    CASES.append({"name": title, "codes": sorted(codes if isinstance(codes, list) else [codes]),
                  "key": key and b64(spki(key)), "identity": identity, "issuer": issuer, "bundle": document})


def changed(document, **places):
    """A copy with other values at places such as `verificationMaterial__tlogEntries__0__logIndex`."""
    document = copy.deepcopy(document)
    for place, value in places.items():
        *way, last = [int(one) if one.isdigit() else one for one in place.split("__")]
        holder = document
        for one in way:
            holder = holder[one]
        if value is None:
            del holder[last]
        else:
            holder[last] = None if value is Null else value
    return document


ENTRY = "verificationMaterial__tlogEntries__0__"
KINDS = [("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2"), ("dsse", "0.0.1"), ("dsse", "0.0.2"),
         ("intoto", "0.0.2")]


def kinds():
    for kind in KINDS:
        text = " ".join(kind)
        case(text, [], bundle(kind))
        case(text + ": the entry is of another signature", "log.entry-signature",
             bundle(kind, logged={"signature": sign(KEY, b"other")}))
        case(text + ": the entry is of another certificate", "log.entry-verifier",
             bundle(kind, logged={"signer": leaf()}))
        case(text + ": the entry is about other bytes", "log.entry-digest", bundle(kind, logged={"data": b"other"}))
        case(text + ": the entry claims another version", "log.kind",
             changed(bundle(kind), **{ENTRY + "kindVersion": {"kind": kind[0], "version": "0.0.9"}}))
        case(text + ": with a key", [], bundle(kind, own=OWN_KEY), key=OWN_KEY)
        case(text + ": with another key than the verifier's", [
            "log.entry-verifier", "signature.first", "signature.invalid"], bundle(kind, own=OTHER_KEY), key=OWN_KEY)
    for version in ("0.0.1", "0.0.2"):
        record, data = ("hashedrekord", version), pae(STATEMENT, statement())
        text = "an envelope as hashedrekord " + version
        log = REKOR2 if version == "0.0.2" else REKOR
        given = {"kind": ("dsse", version), "log": log}

        def logged(**facts):
            return changed(bundle(logged=dict({"kind": record, "data": data}, **facts), **given),
                           **{ENTRY + "kindVersion": {"kind": record[0], "version": version}})
        case(text, [], logged())
        case(text + ": the entry is about another envelope", "log.entry-digest", logged(data=pae("text/plain", b"")))
        case(text + ": the entry is about the payload", "log.entry-digest", logged(data=statement()))
        case(text + ": the entry is of another signature over it", "log.entry-signature",
             logged(signature=sign(KEY, data)))
    p384 = dict(key=KEY384, certificate=leaf(key=KEY384))
    for title, hash in [("SHA-256, as clients did in 2023", hashes.SHA256()), ("SHA-384", hashes.SHA384())]:
        case("a P-384 key over " + title, [], bundle(signed=sign(KEY384, ARTIFACT, hash), **p384))
        case("a P-384 key over an envelope's " + title, [], bundle(
            ("dsse", "0.0.1"), signed=sign(KEY384, pae(STATEMENT, statement()), hash), **p384))
    case("a P-384 key over SHA-512", ["signature.first", "signature.invalid"], bundle(
        signed=sign(KEY384, ARTIFACT, hashes.SHA512()), **p384))
    for title, signature in [("the file", EDWARDS.sign(ARTIFACT)),
                             ("the digest of the file", sign_prehashed(EDWARDS, ARTIFACT))]:
        case("an Ed25519 key over " + title, [], bundle(own=EDWARDS, signed=signature), key=EDWARDS)
        case("an Ed25519 certificate over " + title, [], bundle(signed=signature, certificate=leaf(key=EDWARDS)))
    case("an Ed25519 key over the digest of another file", ["signature.first", "signature.invalid"], bundle(
        own=EDWARDS, signed=sign_prehashed(EDWARDS, b"other")), key=EDWARDS)
    case("an Ed25519 key over the digest as if it were the file", ["signature.first", "signature.invalid"], bundle(
        own=EDWARDS, signed=EDWARDS.sign(hashlib.sha512(ARTIFACT).digest())), key=EDWARDS)
    case("an Ed25519 key over an envelope", [], bundle(("dsse", "0.0.1"), own=EDWARDS), key=EDWARDS)
    case("an Ed25519 key over the digest of an envelope", ["signature.first", "signature.invalid"], bundle(
        ("dsse", "0.0.1"), own=EDWARDS, signed=sign_prehashed(EDWARDS, pae(STATEMENT, statement()))), key=EDWARDS)
    case("a P-256 key over SHA-384", ["signature.first", "signature.invalid"], bundle(
        signed=sign(KEY, ARTIFACT, hashes.SHA384())))
    case("an entry about an envelope for a message", "log.entry-kind",
         changed(bundle(logged={"kind": ("dsse", "0.0.1")}),
                 **{ENTRY + "kindVersion": {"kind": "dsse", "version": "0.0.1"}}))
    case("both a message and an envelope", "bundle.content",
         dict(bundle(), dsseEnvelope=bundle(("dsse", "0.0.1"))["dsseEnvelope"]))


def contents():
    dsse = ("dsse", "0.0.1")
    case("a statement about something else", "subject.digest", bundle(dsse, payload=statement({"sha256": "00" * 32})))
    case("a statement whose strong digest is another", "subject.digest", bundle(dsse, payload=statement(
        {"sha256": sha256(ARTIFACT).hex(), "sha512": "00" * 64})))
    case("a statement with a weak digest alone", "subject.digest", bundle(dsse, payload=statement(
        {"sha1": hashlib.sha1(ARTIFACT).hexdigest()})))
    case("a statement without a subject", "statement.no-subject", bundle(dsse, payload=statement(subject=[])))
    case("a statement of a version that nobody knows", "statement.type", bundle(dsse, payload=statement(
        _type="https://in-toto.io/Statement/v2")))
    untyped = json.loads(statement())
    del untyped["_type"]
    case("a statement without a type", "json.missing-field", bundle(dsse, payload=compact(untyped)))
    case("a subject without a name and with a weak digest beside the right one", [], bundle(dsse, payload=statement(
        subject=[{"uri": "pkg:github/o/p@v1", "digest": {"sha1": "00" * 20}},
                 {"name": "artifact", "digest": {"sha256": sha256(ARTIFACT).hex()}}])))
    case("a key id that is null", [], changed(bundle(dsse), dsseEnvelope__signatures__0__keyid=Null))
    case("an envelope of another type", "dsse.payload-type", bundle(dsse, payload_type="text/plain"))
    good = bundle(dsse)
    case("an envelope with two signatures", "bundle.signatures", changed(
        good, dsseEnvelope__signatures=good["dsseEnvelope"]["signatures"] * 2))
    case("an envelope without a signature", "dsse.no-signature", changed(good, dsseEnvelope__signatures=[]))
    case("a message of another digest", "bundle.digest", changed(
        bundle(), messageSignature__messageDigest__digest=b64(sha256(b"other"))))
    case("a signature over something else", ["signature.first", "signature.invalid"],
         bundle(signed=sign(KEY, b"other")))
    case("no log entry", ["log.missing", "time.unknown"], changed(
        bundle(), verificationMaterial__tlogEntries=[]))


def identities():
    case("a URI", [], bundle(certificate=leaf(names=[x509.UniformResourceIdentifier(WEB)])), identity=WEB)
    other = x509.OtherName(OID(FULCIO + "7"), utf8("ada"))
    case("a name of Fulcio's own kind", [], bundle(certificate=leaf(names=[other])), identity="ada")
    foreign = x509.OtherName(OID("1.3.6.1.4.1.311.20.2.3"), utf8("ada"))
    case("a name of a kind that is not Fulcio's", "certificate.name", bundle(certificate=leaf(names=[foreign])),
         identity="ada")
    case("the issuer in its older form alone", [], bundle(certificate=leaf(issuer=None)))
    case("another name", "identity.name", bundle(), identity="ada@example.net")
    case("a name with more after it", "identity.name",
         bundle(certificate=leaf(names=[x509.RFC822Name(EMAIL + ".evil.example")])))
    case("another issuer", "identity.issuer", bundle(), issuer=ISSUER + "/")
    case("two names", "certificate.name", bundle(certificate=leaf(
        names=[x509.RFC822Name(EMAIL), x509.RFC822Name("eve@example.org")])))
    case("no name", "certificate.name", bundle(certificate=leaf(names=[])))
    case("no issuer", "certificate.issuer", bundle(certificate=leaf(issuer=None, legacy=None)))
    case("two issuers", "certificate.issuer", bundle(certificate=leaf(legacy="https://other.example")))
    composed, apart = "https://caf\u00e9.example", "https://cafe\u0301.example"
    case("two spellings of one issuer", "certificate.issuer",
         bundle(certificate=leaf(issuer=composed, legacy=apart)), issuer=composed)
    case("another spelling of the issuer", "identity.issuer", bundle(certificate=leaf(issuer=composed, legacy=None)),
         issuer=apart)
    case("another spelling of the name", "identity.name", bundle(certificate=leaf(
        names=[x509.OtherName(OID(FULCIO + "7"), utf8("caf\u00e9"))])), identity="cafe\u0301")


def certificates():
    case("for servers", "certificate.usage", bundle(certificate=leaf(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))))
    case("for nothing in particular", "certificate.usage", bundle(certificate=leaf(purposes=())))
    case("not for signatures", "certificate.usage", bundle(certificate=leaf(digital=False)))
    case("of an authority", "certificate.usage", bundle(certificate=leaf(authority=True)))
    case("with a critical extension that nobody knows", "certificate.chain", bundle(certificate=leaf(
        extra=[(x509.UnrecognizedExtension(OID("1.2.3.4.5"), b"\5\0"), True)])))
    case("of another authority of the same name", "certificate.chain", bundle(certificate=leaf(STRANGE_CA)))
    case("of an authority that the bundle brings", "certificate.chain", bundle(
        certificate=leaf(STRANGE_CA), version="0.2", others=[STRANGE_CA.issuing]))
    case("with the root in the bundle", "bundle.root-certificate", bundle(
        version="0.2", others=FULCIO_CA.chain))
    case("with the root that is trusted in a bundle of version 0.1", [], bundle(version="0.1", others=[
        FULCIO_CA.root, FULCIO_CA.issuing]))
    case("with a root that is not trusted in a bundle of version 0.1", "bundle.root-certificate", bundle(
        version="0.1", others=[STRANGE_CA.root]))
    namesake = certificate(
        ROOTED_CA.name, OTHER_KEY, ROOTED_CA.root_name, ROOTED_CA.root_key, NOW - DAY, NOW + DAY,
        [(x509.BasicConstraints(True, 0), True), (usage(key_cert_sign=True, crl_sign=True), True)])
    for title, others in [("before", [namesake, ROOTED_CA.issuing]), ("after", [ROOTED_CA.issuing, namesake])]:
        case("with a certificate of its issuer's name %s the issuer's" % title, [], bundle(
            version="0.2", certificate=leaf(ROOTED_CA), others=others))
    case("with the intermediate in the bundle", [], bundle(version="0.2", others=[FULCIO_CA.issuing]))
    middle = leaf()
    case("issued by a signing certificate", "certificate.chain", bundle(
        version="0.2", others=[middle], key=OTHER_KEY, certificate=leaf(
            key=OTHER_KEY, signer=KEY, signer_name=middle.subject)))
    case("of an authority whose certificate has expired", "authority.expired", bundle(certificate=leaf(EXPIRED_CA)))
    case("of an authority that is trusted no more", "authority.validity", bundle(certificate=leaf(ENDED_CA)))
    case("expired when it signed", "certificate.expired", bundle(
        certificate=leaf(start=NOW - 20 * MINUTE, end=NOW - 10 * MINUTE)))
    case("no certificate log", "certificate.sct", bundle(certificate=leaf(log=None)))
    case("another certificate log", "certificate.sct", bundle(certificate=leaf(log=STRANGE_CT)))
    case("the certificate log saw another certificate", "certificate.sct", bundle(certificate=leaf(
        log_over=leaf().tbs_certificate_bytes)))
    case("the certificate log saw it before it was trusted", "certificate.sct", bundle(certificate=leaf(stamp=1)))
    case("the certificate log saw it at the end of time", "certificate.sct", bundle(
        certificate=leaf(stamp=2**64 - 1)))
    case("the certificate log's timestamp has extensions", [], bundle(certificate=leaf(log_extensions=b"\0\0\0")))


def logs():
    good, dsse = bundle(), bundle(("dsse", "0.0.1"))
    case("a promise alone", [], bundle(version="0.1", proof=False))
    case("version 0.3 without a proof", "log.proof", bundle(proof=False))
    checkpoint = ENTRY + "inclusionProof__checkpoint"
    for version, codes in [("0.1", []), ("0.2", "json.missing-field"), ("0.3", "json.missing-field")]:
        case("version %s with a proof without a checkpoint" % version, codes, changed(
            bundle(version=version), **{checkpoint: None}))
    case("version 0.1 with a checkpoint that is empty", [], changed(
        bundle(version="0.1"), **{checkpoint + "__envelope": ""}))
    case("a log whose lines begin with another id", [], bundle(("dsse", "0.0.2"), log=APART))
    case("a log whose lines should begin with another id", "log.checkpoint-unsigned", apart())
    case("a log that signs with RSA-PSS", [], bundle(log=PSS))
    case("version 0.1 without a promise", "log.promise", bundle(version="0.1", promise=False))
    changes = {ENTRY + "integratedTime": str(SECONDS - 2)}
    case("the time was changed", ["log.promise", "time.unknown"], changed(good, **changes))
    case("the promise is of another time, and nobody else says when", ["log.promise", "time.unknown"],
         bundle(promised=SECONDS - 1))
    case("the index was changed", ["log.promise", "time.unknown"], changed(good, **{ENTRY + "logIndex": "7"}))
    case("a time that no promise covers", "time.unknown", changed(
        bundle(promise=False), **{ENTRY + "integratedTime": str(SECONDS)}))
    case("a log that nobody knows", ["log.unknown", "time.unknown"], bundle(log=STRANGER))
    case("a log that is trusted no more", ["log.validity", "time.unknown"], bundle(log=OLD))
    signature = sign(KEY, ARTIFACT)
    case("a log that is trusted no more, and a timestamp", "log.validity", bundle(
        log=OLD, promise=False, signed=signature, stamps=[STAMPER.stamp(signature)]))
    case("a key, and a log that is trusted no more without a time", "log.validity",
         bundle(log=OLD, promise=False, own=OWN_KEY), key=OWN_KEY)
    case("the promise of a key of the same name", ["log.checkpoint-signature", "log.promise", "time.unknown"],
         stolen())
    case("the checkpoint is signed by another key", "log.checkpoint-signature", bundle(signer=STRANGER))
    case("the checkpoint is of another log", "log.origin", bundle(origin="evil.example - 4711"))
    case("the checkpoint is of a log whose name goes on", "log.origin", bundle(origin="rekor.example.evil - 1"))
    case("the checkpoint is signed under another name", "log.checkpoint-unsigned", bundle(line="evil.example"))
    case("the checkpoint has a witness beside it", [], bundle(
        before="\u2014 witness.example " + b64(b"abcd" + b"x" * 64) + "\n"))
    case("the checkpoint has a wrong second signature of the log", "log.checkpoint-signature", bundle(
        before="\u2014 rekor.example " + b64(REKOR.id[:4] + b"x" * 64) + "\n"))
    proof = ENTRY + "inclusionProof__"
    case("another root", "log.checkpoint", changed(good, **{proof + "rootHash": b64(sha256(b"x"))}))
    case("another size", "log.checkpoint", changed(good, **{proof + "treeSize": "4"}))
    for title, code, value in [("another place in the tree", "root", "0"), ("a place after the tree", "index", "3"),
                               ("the last place that a number has", "index", str(2**63 - 1))]:
        case(title, "merkle." + code, changed(good, **{proof + "logIndex": value}))
    hashes_ = good["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"]
    case("a proof that is too short", "merkle.proof-length", changed(good, **{proof + "hashes": hashes_[:1]}))
    case("a proof that is too long", "merkle.proof-length", changed(good, **{proof + "hashes": hashes_ + hashes_[:1]}))
    for title, value in [("a number below zero", "-1"), ("a number that is too large", str(2**63)),
                         ("a number with a zero before it", "01"), ("a number with a sign", "+1")]:
        case(title, "sigstore.number", changed(good, **{proof + "logIndex": value}))
    case("a time that cannot be", "log.time", changed(good, **{ENTRY + "integratedTime": str(2**63 - 1)}))
    case("another index than that of the proof", "log.index", bundle(("dsse", "0.0.2"), index=7))
    two = changed(good, verificationMaterial__tlogEntries=(
        good["verificationMaterial"]["tlogEntries"] + dsse["verificationMaterial"]["tlogEntries"]))
    case("a second entry about something else", "log.entry-signature", two)


def apart():
    """The line of a checkpoint begins as the id of the log does, and its trusted root says that it must not."""
    APART.apart = False
    try:
        return bundle(("dsse", "0.0.2"), log=APART)
    finally:
        APART.apart = True


def stolen():
    """An entry of a stranger under the id of the log that is trusted."""
    real, STRANGER.id = STRANGER.id, REKOR.id
    try:
        return bundle(log=STRANGER)
    finally:
        STRANGER.id = real


def timestamps():
    kind = ("dsse", "0.0.2")
    case("a timestamp over something else", ["time.unknown", "timestamp.imprint"],
         bundle(kind, stamps=[STAMPER.stamp(b"other")]))
    signature = sign(KEY, ARTIFACT)
    record = ("hashedrekord", "0.0.2")
    case("a timestamp of another authority of the same name", ["time.unknown", "timestamp.signer"],
         bundle(record, signed=signature, stamps=[STRANGE_STAMPER.stamp(signature)]))
    case("a wrong timestamp beside a right one", "timestamp.signer", bundle(
        record, signed=signature, stamps=[STAMPER.stamp(signature), STRANGE_STAMPER.stamp(signature)]))
    case("a wrong timestamp beside a promise", "timestamp.imprint", bundle(stamps=[STAMPER.stamp(b"other")]))
    case("two timestamps", [], bundle(record, signed=signature, stamps=[STAMPER.stamp(signature)] * 2))
    # Another authority of the trusted root, without certificates, is trusted at that time.
    case("a timestamp of an authority that is trusted no more", ["time.unknown", "timestamp.authority-time"],
         bundle(record, signed=signature, stamps=[ENDED_STAMPER.stamp(signature)]))
    case("no timestamp and no promise", "time.unknown", bundle(record, stamps=[]))
    case("a timestamp after the certificate", "certificate.expired", bundle(
        record, certificate=leaf(start=NOW - 20 * MINUTE, end=NOW - 10 * MINUTE)))


def attestation(kind, package="@o/p", named="@o/p", listed=None):
    """What a registry lists of a package: a statement about `named` whose subject is `package`."""
    subject = {"name": "pkg:npm/%s@1.0.0" % package.replace("@", "%40"), "digest": {"sha256": sha256(ARTIFACT).hex()}}
    predicate = {"name": named, "version": "1.0.0"} if kind == PUBLISH else {}
    document = bundle(("dsse", "0.0.1"), own=OWN_KEY if kind == PUBLISH else None, payload=statement(
        predicateType=kind, subject=[subject], predicate=predicate))
    return {"predicateType": listed or kind, "bundle": document}


def registry():
    def one(title, codes, *attestations):
        NPM.append({"name": title, "codes": codes, "key": b64(spki(OWN_KEY)), "identity": EMAIL, "issuer": ISSUER,
                    "bundle": {"attestations": list(attestations)}})
    publish, built = attestation(PUBLISH), attestation(PROVENANCE)
    one("published and built", [], publish, built)
    one("in the other order", [], built, publish)
    one("published alone", ["npm.missing"], publish)
    one("built alone", ["npm.missing"], built)
    one("something that is no provenance", ["npm.missing"], publish, attestation("https://example.org/test/v1"))
    one("listed under another type", ["npm.predicate-type"], publish, attestation(
        "https://example.org/test/v1", listed=PROVENANCE))
    other = attestation(PROVENANCE, package="other")
    one("built as another package", ["npm.package"], publish, other)
    one("built as another package, before one that is right", ["npm.package"], publish, other, built)
    other = attestation(PUBLISH, package="other", named="other")
    one("published as another package, before one that is right", ["npm.package"], other, publish, built)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for part in [kinds, contents, identities, certificates, logs, timestamps, registry]:
        part()
    names = [one["name"] for one in CASES]
    assert len(set(names)) == len(names), "a name stands twice"
    with open(os.path.join(folder, "trusted_root.json"), "wb") as file:
        file.write(compact(ROOT) + b"\n")
    for title, cases in [("cases", CASES), ("npm", NPM)]:
        with open(os.path.join(folder, title + ".jsonl"), "wb") as file:
            for one in cases:
                file.write(compact(one) + b"\n")
        print("%s: %d cases" % (title, len(cases)))


if __name__ == "__main__":
    main(sys.argv[1])

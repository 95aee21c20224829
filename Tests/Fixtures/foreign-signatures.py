#!/usr/bin/env python3
"""Makes the signatures of others in Tests/Fixtures/foreign-signatures anew, with new keys that are thrown away.

Run:  .build/peers/bin/python Tests/Fixtures/foreign-signatures.py [FOLDER]

It needs ssh-keygen, minisign and openssl, and for the security keys the Python package cryptography (Tests/Peers/setup).
Security keys are played here: what a token signs is put together from OpenSSH PROTOCOL.u2f and PROTOCOL.sshsig, and
ssh-keygen must accept it. What each peer cannot verify itself is not written.
"""
import base64
import hashlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MESSAGE = b"The quick brown fox signs the lazy dog.\n"
SSH = {"ed25519": ["-t", "ed25519"], "ecdsa256": ["-t", "ecdsa", "-b", "256"], "ecdsa384": ["-t", "ecdsa", "-b", "384"],
       "rsa": ["-t", "rsa", "-b", "2048"]}


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr.decode()}")
    return done.stdout


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def armour(blob):
    text = base64.b64encode(blob).decode()
    lines = [text[start:start + 70] for start in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


class SecurityKey:
    """A FIDO token for SSH, as far as signing goes."""

    def __init__(self, kind, application="ssh:"):
        self.application = application
        if kind == "ed25519":
            self.name, self.private = "sk-ssh-ed25519@openssh.com", ed25519.Ed25519PrivateKey.generate()
            point = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.blob = string(self.name) + string(point) + string(application)
        else:
            self.name, self.private = "sk-ecdsa-sha2-nistp256@openssh.com", ec.generate_private_key(ec.SECP256R1())
            point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self.blob = string(self.name) + string("nistp256") + string(point) + string(application)

    def line(self):
        return f"{self.name} {base64.b64encode(self.blob).decode()}"

    def sign(self, message, namespace, flags=1, counter=7):
        head = b"SSHSIG" + string(namespace) + string("") + string("sha512") + string(hashlib.sha512(message).digest())
        body = (hashlib.sha256(self.application.encode()).digest() + bytes([flags]) + struct.pack(">I", counter)
                + hashlib.sha256(head).digest())
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            raw = self.private.sign(body)
        else:
            r, s = utils.decode_dss_signature(self.private.sign(body, ec.ECDSA(hashes.SHA256())))
            raw = mpint(r) + mpint(s)
        inner = string(self.name) + string(raw) + bytes([flags]) + struct.pack(">I", counter)
        return armour(b"SSHSIG" + struct.pack(">I", 1) + string(self.blob) + string(namespace) + string("")
                      + string("sha512") + string(inner))


def ssh(folder, keys):
    signers = ["# who may sign; the comment lines and the order are part of what is tested"]
    for name, options in SSH.items():
        run("ssh-keygen", "-q", "-N", "", "-C", name, "-f", keys / name, *options)
        sort, blob, _ = (keys / f"{name}.pub").read_text().split()
        signers.append(f'{name}@example.org namespaces="file,git" {sort} {blob} a comment')
        for hash in ("sha256", "sha512"):
            signature = run("ssh-keygen", "-Y", "sign", "-q", "-f", keys / name, "-n", "file", "-O", f"hashalg={hash}",
                            stdin=MESSAGE)
            (folder / f"{name}-{hash}.sshsig").write_bytes(signature)
    for kind in ("ed25519", "ecdsa"):
        token = SecurityKey(kind)
        signers.append(f"sk-{kind}@example.org {token.line()}")
        (folder / f"sk-{kind}.sshsig").write_text(token.sign(MESSAGE, "file"))
        (folder / f"sk-{kind}-untouched.sshsig").write_text(token.sign(MESSAGE, "file", flags=0))
    sort, blob = (keys / "ed25519.pub").read_text().split()[:2]
    signers += [
        f'"*@wild.example,!eve@wild.example" {sort} {blob}',
        f'late@example.org valid-after="20270101Z" {sort} {blob}',
        f'early@example.org valid-before="20260101120000Z" {sort} {blob}',
        f'authority@example.org cert-authority {sort} {blob}',
    ]
    (folder / "allowed_signers").write_text("\n".join(signers) + "\n")
    for path in sorted(folder.glob("*.sshsig")):
        identity = path.stem.removesuffix("-untouched").removesuffix("-sha256").removesuffix("-sha512") + "@example.org"
        run("ssh-keygen", "-Y", "verify", "-f", folder / "allowed_signers", "-I", identity, "-n", "file", "-s", path,
            stdin=MESSAGE)


def minisign(folder, keys):
    message = folder / "message"
    run("minisign", "-G", "-W", "-f", "-p", folder / "minisign.pub", "-s", keys / "minisign.key")
    for name, options in (("prehashed", []), ("legacy", ["-l"])):
        signature = folder / f"{name}.minisig"
        run("minisign", "-S", "-W", *options, "-s", keys / "minisign.key", "-t", f"a trusted comment, {name}", "-m", message,
            "-x", signature)
        run("minisign", "-V", "-q", "-p", folder / "minisign.pub", "-m", message, "-x", signature)


def openssl(folder, keys):
    message = folder / "message"
    sorts = {"rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
             "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "ed25519": ["-algorithm", "ED25519"]}
    for name, options in sorts.items():
        run("openssl", "genpkey", *options, "-out", keys / f"{name}.key")
        run("openssl", "pkey", "-in", keys / f"{name}.key", "-pubout", "-out", folder / f"{name}.pem")
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:sha256"]
    made = {"rsa-pkcs1-sha256": ("rsa", "sha256", []), "rsa-pkcs1-sha512": ("rsa", "sha512", []),
            "rsa-pss-sha256": ("rsa", "sha256", [*pss, "-sigopt", "rsa_pss_saltlen:digest"]),
            "rsa-pss-maximum": ("rsa", "sha256", [*pss, "-sigopt", "rsa_pss_saltlen:max"]),
            "ecdsa-p256-sha256": ("p256", "sha256", []), "ecdsa-p384-sha384": ("p384", "sha384", [])}
    for name, (key, hash, options) in made.items():
        run("openssl", "dgst", f"-{hash}", "-sign", keys / f"{key}.key", *options, "-out", folder / f"{name}.sig", message)
    run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", keys / "ed25519.key", "-in", message, "-out",
        folder / "ed25519.sig")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else os.path.splitext(os.path.abspath(__file__))[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "message").write_bytes(MESSAGE)
    with tempfile.TemporaryDirectory() as keys:
        for make in (ssh, minisign, openssl):
            make(folder, pathlib.Path(keys))


if __name__ == "__main__":
    main()

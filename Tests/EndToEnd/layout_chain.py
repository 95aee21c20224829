#!/usr/bin/env python3
"""Writes a small in-toto supply chain: a signed layout, its links and its product. Keys are made with openssl.

Run:  Tests/EndToEnd/layout_chain.py FOLDER [--inspect PROGRAM ARGUMENT …]

FOLDER gets root.layout, owner.pub, stranger.pub, foo.tar and the links: ada writes foo.py, bob packs it. The product of
the last step is named by the parameter {name} where the folder's name ends with `-parameter`.
"""
import hashlib
import json
import os
import subprocess
import sys


def openssl(*arguments, data=None):
    return subprocess.run(("openssl", *arguments), input=data, check=True, capture_output=True).stdout


def canonical(value):
    """The canonical JSON of OLPC: nothing is escaped but quotation marks and backslashes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("\\n", "\n").encode()


class Signer:
    def __init__(self, name):
        self.file = f"{name}.pem"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        self.pem = openssl("pkey", "-in", self.file, "-pubout")
        raw = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:]
        self.key = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": raw.hex()}}
        self.id = hashlib.sha256(canonical(self.key)).hexdigest()

    def sign(self, content, path):
        with open("message", "wb") as file:
            file.write(canonical(content))
        signature = openssl("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", "message")
        os.remove("message")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"signed": content, "signatures": [{"keyid": self.id, "sig": signature.hex()}]}, file)


def artifact(text):
    return {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def main():
    folder, inspect = sys.argv[1], sys.argv[3:]
    os.makedirs(folder)
    os.chdir(folder)
    owner, ada, bob, stranger = (Signer(name) for name in ("owner", "ada", "bob", "stranger"))
    made = "{name}.tar" if folder.endswith("-parameter") else "foo.tar"

    def step(name, signer, materials, products):
        return {"_type": "step", "name": name, "threshold": 1, "pubkeys": [signer.id], "expected_command": [],
                "expected_materials": materials, "expected_products": products}

    layout = {
        "_type": "layout", "expires": "2027-01-01T00:00:00Z", "readme": "a line\nand \"another\"",
        "keys": {one.id: dict(one.key, keyid=one.id) for one in (ada, bob)},
        "steps": [
            step("write", ada, [["DISALLOW", "*"]], [["CREATE", "foo.py"], ["DISALLOW", "*"]]),
            step("pack", bob, [["MATCH", "foo.py", "WITH", "PRODUCTS", "FROM", "write"], ["DISALLOW", "*"]],
                 [["CREATE", made], ["DISALLOW", "*"]])],
        "inspect": [{"_type": "inspection", "name": "look", "run": inspect, "expected_products": [["ALLOW", "*"]],
                     "expected_materials": [["MATCH", "foo.tar", "WITH", "PRODUCTS", "FROM", "pack"], ["DISALLOW", "foo*"]]}]
        if inspect else []}
    owner.sign(layout, "root.layout")
    for name, signer, materials, products in (("write", ada, {}, {"foo.py": artifact("code")}),
                                              ("pack", bob, {"foo.py": artifact("code")}, {"foo.tar": artifact("archive")})):
        signer.sign({"_type": "link", "name": name, "command": [], "byproducts": {}, "environment": {},
                     "materials": materials, "products": products}, f"{name}.{signer.id[:8]}.link")
    for signer, name in ((owner, "owner.pub"), (stranger, "stranger.pub")):
        with open(name, "wb") as file:
            file.write(signer.pem)
    for signer in (owner, ada, bob, stranger):
        os.remove(signer.file)
    os.makedirs("product")
    with open("product/foo.tar", "w", encoding="utf-8") as file:
        file.write("archive")


main()

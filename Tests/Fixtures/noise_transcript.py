#!/usr/bin/env python3
"""Prints transcripts of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, KDF and MAC answers, without a line of our code.

Written from Noise revision 34 and the WireGuard whitepaper over pyca/cryptography and hashlib. The answers stand in
Sources/Tunnel/WireGuard/SelfTest+Vectors.swift; run it again and compare when they change."""
import hashlib, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def H(data): return hashlib.blake2s(data).digest()
def HMAC(key, data): return hmac.new(key, data, hashlib.blake2s).digest()


def KDF(n, key, data):
    secret, out, last = HMAC(key, data), [], b""
    for i in range(n):
        last = HMAC(secret, last + bytes([i + 1]))
        out.append(last)
    return out


def public(secret): return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
def DH(secret, remote): return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(remote))


class State:
    def __init__(self, prologue, responder):
        self.ck = H(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
        self.h, self.k = self.ck, None
        self.mix_hash(prologue)
        self.mix_hash(responder)

    def mix_hash(self, data): self.h = H(self.h + data)
    def mix_key(self, data): self.ck, self.k = KDF(2, self.ck, data)

    def mix_key_and_hash(self, data):
        self.ck, middle, self.k = KDF(3, self.ck, data)
        self.mix_hash(middle)

    def seal(self, text):
        out = ChaCha20Poly1305(self.k).encrypt(bytes(12), text, self.h)
        self.mix_hash(out)
        return out


def transcript(prologue, i, r, ei, er, psk, first, second):
    s = State(prologue, public(r))
    s.mix_hash(public(ei)); s.mix_key(public(ei))
    s.mix_key(DH(ei, public(r)))
    identity = s.seal(public(i))
    s.mix_key(DH(i, public(r)))
    payload = s.seal(first)
    s.mix_hash(public(er)); s.mix_key(public(er))
    s.mix_key(DH(er, public(ei)))
    s.mix_key(DH(er, public(i)))
    s.mix_key_and_hash(psk)
    answer = s.seal(second)
    sending, receiving = KDF(2, s.ck, b"")
    return {"identity": identity, "payload": payload, "answer": answer, "sending": sending, "receiving": receiving,
            "transcript": s.h}


def show(title, values):
    print("#", title)
    for name, value in values.items():
        print(f"  {name}: {value.hex()}")


# The keys of the vectors that several Noise libraries share.
I, R = bytes(range(32)), bytes(range(1, 33))
EI, ER = bytes(range(0x20, 0x40)), bytes(range(0x41, 0x61))
PSK = b"!verysecretverysecretverysecret!"
show("with payloads", transcript(b"notsecret", I, R, EI, ER, PSK, b"test_msg_0", b"test_msg_1"))
show("WireGuard's own", transcript(b"WireGuard v1 zx2c4 Jason@zx2c4.com", I, R, EI, ER, bytes(32),
     bytes.fromhex("400000006553f10a01000000"), b""))
show("KDF test-key, test-input", dict(zip("123", KDF(3, b"test-key", b"test-input"))))
show("KDF empty", dict(zip("123", KDF(3, b"", b""))))
show("hash abc", {"": H(b"abc")})
show("MAC of 0..115 under 0..31", {"": hashlib.blake2s(bytes(range(116)), key=bytes(range(32)), digest_size=16).digest()})
show("HMAC of 'Hi There' under 20 x 0b", {"": HMAC(b"\x0b" * 20, b"Hi There")})

"""The vectors of Project Wycheproof (src/services/crypto/testdata/wycheproof.txt) through a server's Verify. Their keys are
public ones; a key directory has private halves, and of a disabled version a server keeps the public half alone. So each key
becomes a disabled version, whose private numbers are ones. Left out are three RSA keys of one vector each, whose
exponent is 3: a server does not load such."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import pathlib
import subprocess

import crypto_client
import saker_e2e as e2e
from crypto_client import Client, pb

VECTORS = e2e.ROOT / "src/services/crypto/testdata/wycheproof.txt"
PASSPHRASE = "of the test"
USUAL_EXPONENT = bytes.fromhex("0203010001")


@dataclasses.dataclass
class Vector:
    version: int  # of the set's key
    number: str
    verdict: str
    message: bytes
    signature: bytes


@dataclasses.dataclass
class Set:
    source: str
    algorithm: str
    key_type: str
    form: str
    keys: list[bytes] = dataclasses.field(default_factory=list)  # SubjectPublicKeyInfo
    vectors: list[Vector] = dataclasses.field(default_factory=list)


def from_hex(text: str) -> bytes:
    return b"" if text == "-" else bytes.fromhex(text)


def read_sets() -> list[Set]:
    sets: list[Set] = []
    for line in VECTORS.read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        word, *rest = line.split()
        if word == "set":
            sets.append(Set(*rest))
        elif word == "key":
            usable = "ECDSA" in sets[-1].algorithm or rest[0].endswith(USUAL_EXPONENT.hex())
            if usable:
                sets[-1].keys.append(bytes.fromhex(rest[0]))
        elif usable:
            verdict, message, signature = rest
            sets[-1].vectors.append(
                Vector(len(sets[-1].keys), word, verdict, from_hex(message), from_hex(signature))
            )
    return sets


# ---- DER


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 128 + size]) + len(body).to_bytes(size, "big") + body


def content(data: bytes) -> tuple[bytes, bytes]:
    """What the first element holds, and what comes behind it."""
    size, start = data[1], 2
    if size >= 128:
        start += size - 128
        size = int.from_bytes(data[2:start], "big")
    return data[start : start + size], data[start + size :]


ZERO, ONE = der(2, b"\0"), der(2, b"\1")


def private_key(spki: bytes) -> bytes:
    """PKCS#8 (RFC 5208) whose public half is this one."""
    info, _ = content(spki)
    _, behind = content(info)
    algorithm = info[: len(info) - len(behind)]
    bits = content(behind)[0][1:]
    if bits[0] == 4:  # a point: RFC 5915 section 3
        key = der(0x30, ONE, der(4, b"\1"), der(0xA1, der(3, b"\0", bits)))
    else:  # modulus and exponent: RFC 8017 section A.1.2
        key = der(0x30, ZERO, content(bits)[0], ONE * 6)
    return der(0x30, ZERO, algorithm, der(4, key))


def encrypted(spki: bytes) -> str:
    """Few iterations: nothing is secret about it."""
    command = ["openssl", "pkcs8", "-topk8", "-inform", "DER", "-v2", "aes-256-cbc", "-iter", "1",
               "-passout", f"pass:{PASSPHRASE}"]  # fmt: skip
    return subprocess.run(command, input=private_key(spki), capture_output=True, check=True).stdout.decode()


class Wycheproof(e2e.TestCase):
    def write_key(self, folder: pathlib.Path, name: str, vectors: Set) -> None:
        lines = [f'type = "{vectors.key_type}"', f'algorithms = ["{vectors.algorithm}"]']
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for number, private in enumerate(pool.map(encrypted, vectors.keys), start=1):
                lines += ["[[version]]", f"number = {number}", 'state = "disabled"', 'public = "from the private one"',
                          f'private = """\n{private}"""']  # fmt: skip
        crypto_client.write_private(folder / f"{name}.key", "\n".join(lines) + "\n")

    def verdict(self, client: Client, name: str, vectors: Set, vector: Vector) -> bool:
        request = pb.VerifyRequest(
            key_name=name, key_version=vector.version, algorithm=pb.Algorithm.Value(vectors.algorithm),
            signature_format=pb.SignatureFormat.Value(f"SIGNATURE_FORMAT_{vectors.form.upper()}"),
            message=vector.message, signature=vector.signature,
        )  # fmt: skip
        return client.call("Verify", request).valid

    @e2e.once
    def test_valid_signatures_are_accepted_and_all_others_refused(self) -> None:
        """`acceptable` is a PKCS#1 v1.5 signature without the NULL in its DigestInfo: refused (docs/crypto.md)."""
        sets = read_sets()
        folder = self.directory / "keys"
        folder.mkdir(mode=0o700)
        for at, vectors in enumerate(sets):
            self.write_key(folder, f"set-{at}", vectors)
        passphrase = crypto_client.write_private(self.directory / "passphrase", PASSPHRASE + "\n")
        server = e2e.Server("--key-dir", str(folder), "--key-passphrase-file", passphrase)
        counts: collections.Counter[str] = collections.Counter()
        with server, Client(server.grpc_address) as client:
            for at, vectors in enumerate(sets):
                for vector in vectors.vectors:
                    counts[vector.verdict] += 1
                    valid = self.verdict(client, f"set-{at}", vectors, vector)
                    self.assertEqual(valid, vector.verdict == "valid", f"{vectors.source} {vector.number}")
        self.assertEqual(counts, {"valid": 1036, "invalid": 1904, "acceptable": 4})
        self.assertEqual(len(sets), 11)


if __name__ == "__main__":
    e2e.main()

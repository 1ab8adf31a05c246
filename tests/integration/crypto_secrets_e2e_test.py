"""Nothing of a private key is in the server's memory once the key is destroyed, nor ever in what it
writes. The keys are made by openssl here, so that their numbers are known."""

from __future__ import annotations

import re
import signal
import subprocess

import crypto_client
import saker_e2e as e2e
from crypto_client import Client, pb

ALGORITHMS = {
    "rsa": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], pb.RSA_PSS_SHA256),
    "p256": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], pb.ECDSA_P256_SHA256),
    "p384": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], pb.ECDSA_P384_SHA384),
}


def secret_numbers(pem: str) -> dict[str, int]:
    """What `openssl pkey -text` shows of a private key: the scalar, or p, q, d and the exponents."""
    text = subprocess.run(
        ["openssl", "pkey", "-in", pem, "-text", "-noout"], capture_output=True, text=True, check=True
    ).stdout
    wanted = ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient")
    found = re.findall(r"^(\w+):\n((?:    [0-9a-f:]+\n)+)", text, re.MULTILINE)
    return {name: int(re.sub(r"[\s:]", "", body), 16) for name, body in found if name in wanted}


def needles(pem: str) -> dict[str, bytes]:
    """Both byte orders, of which 24 bytes from the middle are enough to be no accident."""
    out = {}
    for name, number in secret_numbers(pem).items():
        size = (number.bit_length() + 7) // 8
        middle = size // 2 - 12
        for order in ("big", "little"):
            out[f"{name} {order}"] = number.to_bytes(size, order)[middle : middle + 24]
    return out


# A sanitizer's own memory, of terabytes.
SHADOW_BYTES = 1 << 34


def memory_of(pid: int) -> bytes:
    """All that the process can write to; shared and special mappings left out."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, permissions, *rest = line.split()
            if "w" not in permissions or rest[-1] in ("[vvar]", "[vsyscall]"):
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            if end - start > SHADOW_BYTES:
                continue
            try:
                mem.seek(start)
                parts.append(mem.read(end - start))
            except OSError:
                continue
    return b"\0".join(parts)


class Secrets(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = str(self.directory / "keys")
        self.passphrase = crypto_client.write_private(
            self.directory / "passphrase", "a passphrase that is looked for too\n"
        )
        self.pems = {}
        for name, (arguments, _) in ALGORITHMS.items():
            pem = str(self.directory / f"{name}.pem")
            subprocess.run(
                ["openssl", "genpkey", *arguments, "-out", pem], check=True, capture_output=True
            )
            self.pems[name] = pem
            self.assert_run(
                "keystore", "import", self.keys, name, "--in", pem,
                "--passphrase-file", self.passphrase,
            )  # fmt: skip
        # One that stays, because a directory without usable keys is none.
        self.assert_run(
            "keystore", "generate", self.keys, "other=ec-p256", "--passphrase-file", self.passphrase
        )

    def found(self, pid: int, wanted: dict[str, bytes]) -> set[str]:
        memory = memory_of(pid)
        return {name for name, needle in wanted.items() if needle in memory}

    def sign_with_all(self, server: e2e.Server) -> None:
        with Client(server.grpc_address) as client:
            for name, (_, algorithm) in ALGORITHMS.items():
                for _ in range(20):
                    client.sign(name, algorithm=algorithm)
                with_digest = pb.SignRequest(key_name=name, algorithm=algorithm, message=b"x" * 1000)
                client.call("SignBatch", pb.SignBatchRequest(requests=[with_digest] * 20))

    @e2e.once
    def test_a_destroyed_key_leaves_nothing_in_memory(self) -> None:
        audit, log = self.directory / "audit.log", self.directory / "server.log"
        server = e2e.Server(
            "--key-dir", self.keys, "--key-passphrase-file", self.passphrase,
            "--audit", str(audit), "--log-file", str(log), "--log-level", "debug",
        )  # fmt: skip
        self.addCleanup(server.kill)
        try:
            memory_of(server.process.pid)
        except PermissionError:
            self.skipTest("no CAP_SYS_PTRACE: an undumpable process cannot be looked into")
        self.sign_with_all(server)
        wanted = {
            f"{key} {name}": needle
            for key, pem in self.pems.items()
            for name, needle in needles(pem).items()
        }
        live = self.found(server.process.pid, wanted)
        for key in self.pems:  # the search finds what is there
            self.assertTrue(any(name.startswith(key) for name in live), live)
        self.assertFalse(
            self.found(server.process.pid, {"passphrase": b"a passphrase that is looked for too"})
        )
        for key in self.pems:
            self.assert_run("keystore", "destroy", self.keys, key, "1")
        server.send_signal(signal.SIGHUP)
        self.assertTrue(e2e.eventually(lambda: "keys read again" in log.read_text()))
        self.assertEqual(self.found(server.process.pid, wanted), set())
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        written = audit.read_bytes() + log.read_bytes() + server.stderr.encode()
        for name, needle in wanted.items():
            for text in (needle, needle.hex().encode(), needle.hex().upper().encode()):
                self.assertNotIn(text, written, name)


if __name__ == "__main__":
    e2e.main()

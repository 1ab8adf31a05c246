"""Nothing of a private key is in the server's memory once the key is destroyed or disabled, nor ever in
what it writes. The keys are made by openssl here, so that their numbers are known."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import crypto_client
import saker_e2e as e2e
from crypto_client import Client, pb

ALGORITHMS = {
    "rsa2048": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], pb.RSA_PSS_SHA256),
    "rsa3072": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"], pb.RSA_PSS_SHA384),
    "rsa4096": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"], pb.RSA_PKCS1_V15_SHA512),
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


def middle(data: bytes, size: int) -> bytes:
    """As much from the middle as is no accident where it is found."""
    start = max(0, len(data) // 2 - size // 2)
    return data[start : start + size]


def needles(pem: str) -> dict[str, bytes]:
    """The key's numbers in both byte orders, which are also what DER has of them, and its PEM text."""
    out = {}
    for name, number in secret_numbers(pem).items():
        size = (number.bit_length() + 7) // 8
        for order in ("big", "little"):
            out[f"{name} {order}"] = middle(number.to_bytes(size, order), 24)
    text = pathlib.Path(pem).read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if not line.startswith("-")]
    # The private numbers are in the middle of an RSA key's lines, and begin in an EC key's first.
    line = lines[len(lines) // 2] if len(lines) > 10 else lines[0]
    out["pem"] = line.encode()[-24:]
    return out


# A sanitizer's own memory, of terabytes.
SHADOW_BYTES = 1 << 34
NOTHING = bytes(1 << 16)


def without_zeros(data: bytes) -> bytes:
    """Without the blocks that hold nothing, which are most."""
    blocks = (data[at : at + len(NOTHING)] for at in range(0, len(data), len(NOTHING)))
    return b"".join(block for block in blocks if block != NOTHING)


def memory_of(pid: int) -> bytes:
    """All that can be read of the process, and is not zero."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, permissions, *rest = line.split()
            if "r" not in permissions or rest[-1] in ("[vvar]", "[vsyscall]"):
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            if end - start > SHADOW_BYTES:
                continue
            try:
                mem.seek(start)
                parts.append(without_zeros(mem.read(end - start)))
            except OSError:
                continue
    return b"\0".join(parts)


class Secrets(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        """The keys, once: large ones take seconds."""
        made = tempfile.TemporaryDirectory(prefix="saker-secrets-")
        cls.addClassCleanup(made.cleanup)
        cls.pems = {name: f"{made.name}/{name}.pem" for name in ALGORITHMS}
        for name, (arguments, _) in ALGORITHMS.items():
            subprocess.run(
                ["openssl", "genpkey", *arguments, "-out", cls.pems[name]], check=True, capture_output=True
            )

    def setUp(self) -> None:
        super().setUp()
        self.keys = str(self.directory / "keys")
        self.passphrase = crypto_client.write_private(
            self.directory / "passphrase", "a passphrase that is looked for too\n"
        )
        secret = ["--passphrase-file", self.passphrase]
        for name, pem in self.pems.items():
            self.assert_run("keystore", "import", self.keys, name, "--in", pem, *secret)
        # One that stays, because a directory without usable keys is none.
        self.assert_run("keystore", "generate", self.keys, "other=ec-p256", *secret)

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

    def start_and_sign(self) -> e2e.Server:
        self.audit, self.log = self.directory / "audit.log", self.directory / "server.log"
        server = e2e.Server(
            "--key-dir", self.keys, "--key-passphrase-file", self.passphrase,
            "--audit", str(self.audit), "--log-file", str(self.log), "--log-level", "debug",
        )  # fmt: skip
        self.addCleanup(server.kill)
        self.sign_with_all(server)
        self.wanted = {
            f"{key} {name}": needle
            for key, pem in self.pems.items()
            for name, needle in needles(pem).items()
        }
        return server

    def assert_keys_are_there(self, server: e2e.Server) -> None:
        """The control: the search finds what is there, and a passphrase is not."""
        live = self.found(server.process.pid, self.wanted)
        for key in self.pems:
            self.assertTrue(any(name.startswith(key) for name in live), live)
        self.assertFalse(
            self.found(server.process.pid, {"passphrase": b"a passphrase that is looked for too"})
        )
        print(f"found while they live: {', '.join(sorted(live))}")

    def change_all(self, server: e2e.Server, action: str) -> None:
        before = self.log.read_text().count("keys read again")
        for key in self.pems:
            self.assert_run("keystore", action, self.keys, key, "1")
        server.send_signal(signal.SIGHUP)
        self.assertTrue(
            e2e.eventually(lambda: self.log.read_text().count("keys read again") > before)
        )

    def assert_nothing_was_written(self, server: e2e.Server) -> None:
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        written = self.audit.read_bytes() + self.log.read_bytes() + server.stderr.encode()
        for name, needle in self.wanted.items():
            for text in (needle, needle.hex().encode(), needle.hex().upper().encode()):
                self.assertNotIn(text, written, name)

    @e2e.once
    def test_the_search_finds_every_form_where_it_is(self) -> None:
        """A process that has read the key's files is found out, number and text."""
        for pem in self.pems.values():
            wanted = needles(pem)
            held = b"|".join(wanted.values())
            self.assertEqual(self.found(os.getpid(), wanted), set(wanted), len(held))

    @e2e.once
    def test_a_destroyed_key_leaves_nothing_in_memory(self) -> None:
        server = self.start_and_sign()
        self.assert_keys_are_there(server)
        self.change_all(server, "destroy")
        self.assertEqual(self.found(server.process.pid, self.wanted), set())
        self.assert_nothing_was_written(server)

    @e2e.once
    def test_a_disabled_key_is_in_memory_only_when_it_signs_again(self) -> None:
        server = self.start_and_sign()
        self.assert_keys_are_there(server)
        self.change_all(server, "disable")
        self.assertEqual(self.found(server.process.pid, self.wanted), set())
        self.change_all(server, "enable")
        self.sign_with_all(server)
        self.assert_keys_are_there(server)
        self.assert_nothing_was_written(server)

    @e2e.once
    def test_a_ring_that_was_read_again_leaves_no_text_behind(self) -> None:
        """Reloads keep the numbers of keys that sign, and nothing of what they were read from."""
        server = self.start_and_sign()
        for _ in range(3):
            self.change_all(server, "enable")
        live = self.found(server.process.pid, self.wanted)
        self.assertFalse([name for name in live if name.endswith("pem")], live)
        self.assert_nothing_was_written(server)


# What a server does to itself, too: /proc then shows its memory to CAP_SYS_PTRACE alone (proc(5)).
UNDUMPABLE = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print(flush=True); input()"


def may_look_into_servers() -> bool:
    command = [sys.executable, "-c", UNDUMPABLE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            return bool(memory_of(process.pid))
        except PermissionError:
            return False
        finally:
            process.kill()


def main() -> None:
    if not may_look_into_servers():
        print("skipped: no CAP_SYS_PTRACE: an undumpable process cannot be looked into")
        sys.exit(e2e.EXIT_SKIPPED)
    e2e.main()


if __name__ == "__main__":
    main()

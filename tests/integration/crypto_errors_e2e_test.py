"""Every row of the table of errors in docs/crypto.md, which is where status and message come from: by the call that it names,
in batches, and by Verify."""

from __future__ import annotations

import re

import grpc

import crypto_client
import saker_e2e as e2e
from crypto_client import Client, pb

ROWS = re.compile(r"^\| `([a-z-]+)` \| [^|]+ \| ([A-Z_]+) \| `(.*)` \|$", re.MULTILINE)
STATUS_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
P256 = pb.ECDSA_P256_SHA256


def sign(**fields):
    if "key_type" not in fields:
        fields.setdefault("key_name", "ec")
    fields.setdefault("algorithm", P256)
    if "digest" not in fields:
        fields.setdefault("message", b"x")
    return "Sign", pb.SignRequest(**fields)


def verify(**fields):
    fields = {"key_name": "ec", "algorithm": P256, "message": b"x", "signature": b"x"} | fields
    return "Verify", pb.VerifyRequest(**fields)


def stream(*requests, **start):
    start = {"key_name": "ec", "algorithm": P256} | start
    first = pb.SignStreamRequest(start=pb.SignStreamStart(**start))
    return "SignStream", [first, *requests]


def without(field: str, call):
    call[1].ClearField(field)
    return call


# The server has the keys ec (three versions: disabled, destroyed, enabled), gone (one version,
# destroyed), old (one version, disabled), rsa (PSS with SHA-256 only) and limited.
def calls() -> dict:
    data = pb.SignStreamRequest
    return {
        "no-key": without("key_name", sign()),
        "key-type-number": sign(key_type=99),
        "resource-name": sign(key_name="keys/ec/versions/x"),
        "two-versions": sign(key_name="keys/ec/versions/1", key_version=3),
        "unknown-key": sign(key_name="none"),
        "unknown-type": sign(key_type=pb.RSA_4096),
        "unknown-version": sign(key_version=4),
        "no-algorithm": sign(algorithm=0),
        "algorithm-number": sign(algorithm=99),
        "wrong-algorithm": sign(algorithm=pb.RSA_PSS_SHA256),
        "algorithm-not-listed": sign(key_name="rsa", algorithm=pb.RSA_PSS_SHA512),
        "signature-format": sign(signature_format=9),
        "disabled": sign(key_version=1),
        "destroyed": verify(key_version=2),
        "none-enabled": sign(key_name="old"),
        "none-left": ("GetPublicKey", pb.GetPublicKeyRequest(key_name="gone")),
        "no-input": without("message", sign()),
        "digest-length": sign(digest=b"x" * 31),
        "message-length": sign(message=b"x" * 65537),
        "input-checksum": sign(input_crc32c=1),
        "signature-checksum": verify(signature_crc32c=1),
        "page-token": ("ListKeys", pb.ListKeysRequest(page_token="none")),
        "batch-size": ("SignBatch", pb.SignBatchRequest(requests=[sign()[1]] * 1025)),
        "stream-start": ("SignStream", [data(data=b"x")]),
        "stream-second-start": stream(stream()[1][0]),
        "stream-piece": stream(data(data=b"x" * 1_048_577)),
        "stream-size": stream(data(data=b"x" * 200_001)),
        "stream-checksum": stream(data(data=b"x", input_crc32c=1)),
        "over-rate": sign(key_name="limited"),
    }


# Rows that are a mistake of signing alone: verifying with that version, or that request, is none.
SIGNING_ALONE = {"disabled", "none-enabled"}


def as_verification(request):
    """The same request to Verify."""
    fields = {field.name: value for field, value in request.ListFields()}
    return pb.VerifyRequest(**fields, signature=b"x")


POLICY = """
[[rule]]
callers = ["any"]
keys = ["limited"]
operations = ["sign", "verify"]
rate = "1/h"
[[rule]]
callers = ["any"]
keys = ["*"]
operations = ["list", "get", "sign", "verify"]
"""


class Errors(e2e.TestCase):
    def make_keys(self) -> list[str]:
        keys = str(self.directory / "keys")
        passphrase = crypto_client.write_private(self.directory / "passphrase", "p\n")

        def keystore(action: str, *arguments: str) -> None:
            extra = ["--passphrase-file", passphrase] if action in ("generate", "rotate") else []
            self.assert_run("keystore", action, keys, *arguments, *extra)

        for name in ("ec", "old", "gone", "limited"):
            keystore("generate", f"{name}=ec-p256")
        keystore("generate", "rsa=rsa-2048", "--algorithm", "RSA_PSS_SHA256")
        keystore("rotate", "ec")
        keystore("rotate", "ec")
        keystore("disable", "ec", "1")
        keystore("destroy", "ec", "2")
        keystore("disable", "old", "1")
        keystore("destroy", "gone", "1")
        return ["--key-dir", keys, "--key-passphrase-file", passphrase]

    def setUp(self) -> None:
        super().setUp()
        documented = (e2e.ROOT / "docs/crypto.md").read_text()
        self.rows = {name: (status, text) for name, status, text in ROWS.findall(documented)}
        policy = self.write("policy.toml", POLICY)
        self.server = e2e.Server(*self.make_keys(), "--policy", policy, "--max-sign-stream", "200000")
        self.addCleanup(self.server.kill)
        self.client = Client(self.server.grpc_address)
        self.addCleanup(self.client.channel.close)
        self.client.sign("limited")

    def of_sign(self) -> dict:
        """The rows whose mistake is one of Sign, also where the table's is asked of Verify."""
        asked = calls() | {"destroyed": sign(key_version=2)}
        return {name: request for name, (method, request) in asked.items() if method == "Sign"}

    @e2e.once
    def test_every_row(self) -> None:
        self.assertEqual(sorted(self.rows), sorted(calls()), "the table and this test differ")
        for name, (method, request) in calls().items():
            with self.subTest(name):
                with self.assertRaises(grpc.RpcError) as caught:
                    if method == "SignStream":
                        self.client.sign_stream(request)
                    else:
                        self.client.call(method, request)
                error = caught.exception
                self.assertEqual((error.code().name, error.details()), self.rows[name])

    @e2e.once
    def test_items_of_a_batch_have_the_status_that_sign_ends_with(self) -> None:
        """All mistakes in one batch, each between two requests that are none."""
        mistakes = self.of_sign()
        self.assertGreaterEqual(len(mistakes), 18)
        good = sign()[1]
        requests = [good]
        for request in mistakes.values():
            requests += [request, good]
        results = self.client.call("SignBatch", pb.SignBatchRequest(requests=requests)).results
        self.assertEqual(len(results), len(requests))
        for name, result in zip(mistakes, results[1::2]):
            with self.subTest(name):
                status = STATUS_NAMES[result.code], result.message
                self.assertEqual((status, result.HasField("reply")), (self.rows[name], False))
        for result in results[::2]:
            self.assertEqual((result.code, result.reply.key_version), (0, 3))

    @e2e.once
    def test_verify_ends_likewise(self) -> None:
        for name, request in self.of_sign().items():
            with self.subTest(name):
                try:
                    self.client.call("Verify", as_verification(request))
                    self.assertIn(name, SIGNING_ALONE)
                except grpc.RpcError as error:
                    self.assertEqual((error.code().name, error.details()), self.rows[name])
                    self.assertNotIn(name, SIGNING_ALONE)


if __name__ == "__main__":
    e2e.main()

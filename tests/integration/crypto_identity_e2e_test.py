"""Policy by what a client's certificate says: SPIFFE IDs, DNS names, certificates that no rule knows, and rates of each."""

from __future__ import annotations

import json
import pathlib
import subprocess

import grpc

import saker_e2e as e2e
from crypto_client import Client, pb
from tls_case import TlsCase

# The payments service by its SPIFFE ID, hosts of batch by their DNS names.
POLICY = """
[[rule]]
callers = ["spiffe://saker.test/payments/*"]
keys = ["pay"]
operations = ["list", "get", "sign", "verify"]
rate = "1/h"
burst = 3
[[rule]]
callers = ["dns:*.batch.saker.test"]
keys = ["batch"]
operations = ["list", "get", "sign", "verify"]
"""
KEYS = ["--key", "pay=ec-p256", "--key", "batch=ec-p256"]

PAYMENTS = "URI:spiffe://saker.test/payments/1"
OTHER_PAYMENTS = "URI:spiffe://saker.test/payments/2"
BATCH = "DNS:night.batch.saker.test"
# What looks like one of the above, and is not.
STRANGERS = {
    "another path": "URI:spiffe://saker.test/payroll/1",
    "another trust domain": "URI:spiffe://saker.test.example/payments/1",
    "the ID as a DNS name": "DNS:payments.saker.test",
    "a URI that is no SPIFFE ID": "URI:https://saker.test/payments/1",
    "a name under another domain": "DNS:night.batch.saker.test.example",
    "the DNS name as a URI": "URI:dns:night.batch.saker.test",
}


class Identity(TlsCase):
    def issue(self, file: str, names: str) -> grpc.ChannelCredentials:
        """A client's certificate of the CA with these names alone."""
        key, request, certificate = (str(self.own / f"{file}.{end}") for end in ("key", "csr", "pem"))
        ca = ["-CA", str(self.own / "ca.pem"), "-CAkey", str(self.own / "ca.key")]
        for arguments in (
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
             "-out", request, "-subj", f"/CN={file}", "-addext", f"subjectAltName={names}",
             "-addext", "extendedKeyUsage=clientAuth"],
            ["x509", "-req", "-in", request, *ca, "-days", "1", "-copy_extensions", "copy", "-out", certificate],
        ):  # fmt: skip
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
        files = (self.own / "ca.pem", pathlib.Path(key), pathlib.Path(certificate))
        return grpc.ssl_channel_credentials(*(path.read_bytes() for path in files))

    def start(self, *arguments: str) -> e2e.Server:
        return self.serve_mutual(*self.policy(), *arguments)

    def policy(self) -> list[str]:
        return [*KEYS, "--policy", self.write("policy.toml", POLICY)]

    def answer(self, client: Client, key: str) -> tuple[int, str]:
        """Status and message of a signature."""
        try:
            client.sign(key)
        except grpc.RpcError as error:
            return error.code().value[0], error.details()
        return 0, ""

    def listed(self, client: Client) -> list[str]:
        return [key.name for key in client.call("ListKeys", pb.ListKeysRequest()).keys]

    def test_each_certificate_has_the_keys_of_its_rule(self) -> None:
        log = self.directory / "audit.log"
        server = self.start("--audit", str(log))
        for file, names, mine, other in (("uri", PAYMENTS, "pay", "batch"), ("dns", BATCH, "batch", "pay")):
            with self.subTest(names), Client(server.grpc_address, self.issue(file, names)) as client:
                self.assertEqual(self.answer(client, mine), (0, ""))
                self.assertEqual(self.answer(client, other), (5, f'no key "{other}"'))
                self.assertEqual(self.listed(client), [mine])
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        records = [json.loads(line) for line in log.read_text().splitlines()]
        identities = ["spiffe://saker.test/payments/1", "dns:night.batch.saker.test"]
        self.assertEqual([record["identity"] for record in records], identities)

    @e2e.once
    def test_a_certificate_that_no_rule_knows_finds_no_key(self) -> None:
        """It comes from the same CA, and is answered for a key that there is like for one that there is not."""
        server = self.start()
        for number, (what, names) in enumerate(STRANGERS.items()):
            credentials = self.issue(f"stranger{number}", names)
            with self.subTest(what), Client(server.grpc_address, credentials) as client:
                for key in ("pay", "batch", "none"):
                    self.assertEqual(self.answer(client, key), (5, f'no key "{key}"'))
                self.assertEqual(self.listed(client), [])
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    @e2e.once
    def test_without_a_certificate_there_is_no_key(self) -> None:
        """Where certificates may be shown and need not."""
        server = self.serve("--tls-client-ca", str(self.own / "ca.pem"), *self.policy())
        anonymous = grpc.ssl_channel_credentials((self.own / "ca.pem").read_bytes())
        with Client(server.grpc_address, anonymous) as client:
            self.assertEqual(self.answer(client, "pay"), (5, 'no key "pay"'))
            self.assertEqual(self.listed(client), [])
        with Client(server.grpc_address, self.issue("uri", PAYMENTS)) as client:
            self.assertEqual(self.answer(client, "pay"), (0, ""))

    @e2e.once
    def test_one_of_several_names_is_enough(self) -> None:
        server = self.start()
        credentials = self.issue("both", f"DNS:elsewhere.saker.test,{BATCH},{PAYMENTS}")
        with Client(server.grpc_address, credentials) as client:
            self.assertEqual(self.answer(client, "pay"), (0, ""))
            self.assertEqual(self.answer(client, "batch"), (0, ""))
            self.assertEqual(self.listed(client), ["pay", "batch"])

    @e2e.once
    def test_rates_are_of_identities(self) -> None:
        """Not of connections nor of certificates: a renewed one finds the bucket as the old one left it."""
        server = self.start()
        over = (e2e.RESOURCE_EXHAUSTED, 'over the rate for key "pay"')
        for file, names, answers in (
            ("first", PAYMENTS, [(0, "")] * 2),
            ("renewed", PAYMENTS, [(0, ""), over, over]),
            ("other", OTHER_PAYMENTS, [(0, "")] * 3 + [over]),
            ("again", PAYMENTS, [over]),
        ):
            with self.subTest(file), Client(server.grpc_address, self.issue(file, names)) as client:
                self.assertEqual([self.answer(client, "pay") for _ in answers], answers)


if __name__ == "__main__":
    e2e.main()

"""A PKCS#11 token that fails: sessions lost, token removed, PIN refused (tests/support/faulty_token.cc)."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import grpc

import crypto_client
import saker_e2e as e2e
import soft_token
import token_case
from crypto_client import Client, pb
from token_case import TokenCase

FAULTY_MODULE = os.environ.get("SAKER_FAULTY_TOKEN", "")

# Mechanisms of PKCS #11, section 6.
CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_ECDSA = 0x1, 0xD, 0x1041


@e2e.once
class Faults(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.fault = self.directory / "fault"
        self.logins = self.directory / "logins"
        self.env = {
            "SAKER_TOKEN_BEHIND": soft_token.MODULE,
            "SAKER_TOKEN_FAULT": str(self.fault),
            "SAKER_TOKEN_LOGINS": str(self.logins),
        }
        self.token.generate("pay", "EC:prime256v1", 1)
        self.token.generate("rsa", "rsa:2048", 2)

    def login_results(self) -> list[int]:
        return [int(line) for line in self.logins.read_text().split()]

    def set_fault(self, word: str) -> None:
        temporary = self.directory / "fault.new"
        temporary.write_text(word)
        temporary.rename(self.fault)

    def serve_faulty(self, *arguments: str) -> e2e.Server:
        return self.serve(*self.flags(FAULTY_MODULE), *arguments, env=self.env)

    def signs(self, client: Client) -> bool:
        try:
            client.sign("pay")
            return True
        except grpc.RpcError as error:
            self.assertEqual(error.code().value[0], e2e.UNAVAILABLE)
            return False

    def test_lost_sessions_are_opened_anew(self) -> None:
        server = self.serve_faulty()
        with Client(server.grpc_address) as client:
            client.sign("pay")
            self.set_fault("sessions")
            details = self.assert_status(e2e.UNAVAILABLE, client.sign, "pay")
            self.assertEqual(details, "the token that has the key cannot be reached")
            self.assertTrue(e2e.eventually(lambda: self.signs(client)))
            client.sign("rsa", algorithm=pb.RSA_PSS_SHA256)
            self.assert_logged(server, "token 'signing' is lost (CKR_SESSION_HANDLE_INVALID)")
            self.assert_logged(server, "token 'signing' is back")
            self.assertEqual(self.login_results(), [0, 0])
            # A reload finds out too, and needs no second one.
            self.set_fault("sessions")
            self.assert_status(e2e.UNAVAILABLE, client.sign, "pay")
            self.reload(server, "keys read again from token 'signing'")
            client.sign("pay")
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def test_removed_and_put_back(self) -> None:
        server = self.serve_faulty("--metrics", "127.0.0.1:0")
        with Client(server.grpc_address) as client:
            client.sign("pay")
            self.set_fault("removed")
            for _ in range(20):
                self.assertFalse(self.signs(client))
            self.assert_logged(server, "token 'signing' is lost (CKR_DEVICE_REMOVED)")
            self.assert_logged(server, "no token is there")
            self.assertEqual(self.metric(server), 0)
            self.reload(server, "the keys stay as they were: ")
            key = client.call("GetPublicKey", pb.GetPublicKeyRequest(key_name="pay"))
            self.assertIn("BEGIN PUBLIC", key.pem)
            self.set_fault("")
            self.assertTrue(e2e.eventually(lambda: self.signs(client)))
            self.assertEqual(self.metric(server), 1)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def metric(self, server: e2e.Server, series: str = "saker_token_works") -> int:
        url = server.ready_lines[-1].removeprefix("metrics on ")
        page = subprocess.run(["curl", "-s", url], capture_output=True, text=True, check=True).stdout
        values = [line.split()[1] for line in page.splitlines() if line.startswith(f"{series} ")]
        self.assertEqual(len(values), 1, page)
        return int(float(values[0]))

    def test_keys_that_cannot_be_read_are_not_left_out(self) -> None:
        """What a device that fails for a moment does not show is there all the same."""
        server = self.serve_faulty()
        with Client(server.grpc_address) as client:
            self.set_fault("attributes")
            self.reload(server, "cannot read its keys: CKR_DEVICE_ERROR")
            self.assert_logged(server, "the keys stay as they were: ")
            self.assertNotIn("keys read again", server.stderr)
            self.assertNotIn("is not on the token", server.stderr)
            self.set_fault("")
            self.assertTrue(e2e.eventually(lambda: self.signs(client)))
            self.reload(server, "keys read again from token 'signing'")
            client.sign("pay")
            client.sign("rsa", algorithm=pb.RSA_PSS_SHA256)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def test_a_reload_that_is_not_answered_keeps_no_signal_waiting(self) -> None:
        server = self.serve_faulty("--crypto-threads", "1")
        with Client(server.grpc_address) as client:
            client.sign("pay")
            self.set_fault("silent")
            server.send_signal(signal.SIGHUP)
            self.assertTrue(e2e.eventually((self.directory / "fault.asked").exists))
            client.sign("pay")
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        self.assertIn("what is read again on SIGHUP does not answer", server.stderr)

    def test_a_token_that_fails_every_signature_is_unavailable(self) -> None:
        server = self.serve_faulty("--metrics", "127.0.0.1:0")
        with Client(server.grpc_address) as client:
            self.set_fault("broken")
            for _ in range(5):
                self.assertFalse(self.signs(client))
            self.assert_logged(server, "token 'signing' is lost (CKR 0x80000007)")
            self.assertEqual(self.login_results(), [0])
            counted = self.metric(server, 'saker_crypto_signatures_total{algorithm="ECDSA_P256_SHA256"}')
            self.assertEqual(counted, 0)
            self.set_fault("")
            self.assertTrue(e2e.eventually(lambda: self.signs(client)))
            counted = self.metric(server, 'saker_crypto_signatures_total{algorithm="ECDSA_P256_SHA256"}')
            self.assertEqual(counted, 1)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def test_a_token_that_signs_wrongly_is_not_served(self) -> None:
        """The error names the key and the algorithm."""
        for mechanism, what in (
            (CKM_ECDSA, "keys/pay/versions/1 with ECDSA_P256_SHA256"),
            (CKM_RSA_PKCS, "keys/rsa/versions/1 with RSA_PKCS1_V15_SHA256"),
            (CKM_RSA_PKCS_PSS, "keys/rsa/versions/1 with RSA_PSS_SHA256"),
        ):
            with self.subTest(what):
                self.set_fault(f"wrong-{mechanism}")
                self.refuse(*self.flags(FAULTY_MODULE), stderr=f"self-test of {what} failed: verify\n", env=self.env)

    def test_a_token_that_signs_wrongly_later_is_not_read_again(self) -> None:
        server = self.serve_faulty()
        with Client(server.grpc_address) as client:
            first = client.call("GetPublicKey", pb.GetPublicKeyRequest(key_name="pay")).key.thumbprint
            self.token.generate("new", "EC:prime256v1", 3)
            self.set_fault(f"wrong-{CKM_ECDSA}")
            self.reload(server, "the keys stay as they were: self-test of keys/new/versions/1 with ECDSA_P256_SHA256 failed")
            self.set_fault("")
            self.assert_status(e2e.NOT_FOUND, client.sign, "new")
            self.reload(server, "keys read again from token 'signing'")
            client.sign("new")
            self.assertEqual(client.call("GetPublicKey", pb.GetPublicKeyRequest(key_name="pay")).key.thumbprint, first)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def test_a_refused_pin_is_shown_once(self) -> None:
        flags = self.flags(FAULTY_MODULE)
        crypto_client.write_private(pathlib.Path(self.pin), "9999\n")
        self.refuse(*flags, stderr="which is not tried again: CKR_PIN_INCORRECT", env=self.env)
        self.assertEqual(len(self.login_results()), 1)
        # While it runs too: the login is gone with its sessions, and the PIN has changed meanwhile.
        crypto_client.write_private(pathlib.Path(self.pin), "4321\n")
        server = self.serve_faulty()
        with Client(server.grpc_address) as client:
            client.sign("pay")
            self.assertEqual(len(self.login_results()), 2)
            crypto_client.write_private(pathlib.Path(self.pin), "9999\n")
            self.set_fault("sessions")
            self.assertFalse(self.signs(client))
            refused = "refuses the PIN of"
            self.assertTrue(
                e2e.eventually(lambda: not self.signs(client) and refused in server.stderr)
            )
            attempts = server.stderr.count(refused)
            self.assertTrue(
                e2e.eventually(lambda: not self.signs(client) and self.tried_again(server))
            )
            self.assertEqual(len(self.login_results()), 3, server.stderr)
            self.assertGreaterEqual(server.stderr.count(refused), attempts)
            crypto_client.write_private(pathlib.Path(self.pin), "4321\n")
            self.assertTrue(e2e.eventually(lambda: self.signs(client)))
            self.assertEqual(self.login_results()[-1], 0)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def tried_again(self, server: e2e.Server) -> bool:
        """The second attempt says so in other words than the first, without the token's answer."""
        return "which is not tried again\n" in server.stderr

    def test_a_pin_that_is_about_to_be_locked_is_not_tried(self) -> None:
        flags = self.flags(FAULTY_MODULE)
        for word, stderr in (
            ("final-try", "one more wrong PIN would lock it"),
            ("locked", "its PIN is locked"),
        ):
            self.set_fault(word)
            self.refuse(*flags, stderr=stderr, env=self.env)
        self.assertFalse(self.logins.exists())

    def test_a_key_that_is_gone_is_an_error_of_its_own(self) -> None:
        server = self.serve_faulty()
        with Client(server.grpc_address) as client:
            client.sign("pay")
            self.token.delete("pay", "privkey")
            self.set_fault("sessions")
            self.assertFalse(self.signs_rsa(client))
            self.assertTrue(e2e.eventually(lambda: self.signs_rsa(client)))
            details = self.assert_status(e2e.INTERNAL, client.sign, "pay")
            self.assertEqual(details, "the key is no longer on its token")
            self.assertTrue(self.signs_rsa(client))
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def signs_rsa(self, client: Client) -> bool:
        try:
            client.sign("rsa", algorithm=pb.RSA_PSS_SHA256)
            return True
        except grpc.RpcError as error:
            self.assertEqual(error.code().value[0], e2e.UNAVAILABLE)
            return False


if __name__ == "__main__":
    if not FAULTY_MODULE:
        print("skipped: SAKER_FAULTY_TOKEN names no module")
        sys.exit(e2e.EXIT_SKIPPED)
    token_case.main()

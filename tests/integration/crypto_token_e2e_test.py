"""Keys on a PKCS#11 token, made there and never seen outside; openssl checks their signatures."""

from __future__ import annotations

import os
import shutil
import subprocess

import crypto_client
import saker_e2e as e2e
import soft_token
import token_case
from crypto_client import Client, pb
from token_case import TokenCase

KEYS = (  # label, type, ID
    ("rsa", "rsa:2048", 1),
    ("rsa3", "rsa:3072", 2),
    ("rsa4", "rsa:4096", 3),
    ("p256", "EC:prime256v1", 4),
    ("p384", "EC:secp384r1", 5),
)
RSA = [
    f"RSA_{padding}_SHA{bits}" for padding in ("PKCS1_V15", "PSS") for bits in ("256", "384", "512")
]
ALGORITHMS = [
    *((key, algorithm) for key in ("rsa", "rsa3", "rsa4") for algorithm in RSA),
    ("p256", "ECDSA_P256_SHA256"),
    ("p384", "ECDSA_P384_SHA384"),
]


class Keys(TokenCase):
    def openssl_verifies(self, server: e2e.Server, key: str, algorithm: str, signature: str) -> bool:
        pem = str(self.directory / "key.pem")
        self.assert_run("keys", "get", server.address, "--key", key, "--format", "pem", "--out", pem)
        digest = algorithm.rsplit("_", 1)[1].lower()
        command = ["openssl", "dgst", f"-{digest}", "-verify", pem, "-signature", signature]
        if "PSS" in algorithm:
            command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        done = subprocess.run([*command, self.message], capture_output=True, check=False)
        return done.returncode == 0

    def test_every_algorithm_of_every_type(self) -> None:
        for key in KEYS:
            self.token.generate(*key)
        self.message = self.write("message", b"to be signed on a token " * 1000)
        signature = str(self.directory / "signature")
        server = self.serve()
        verified = 0
        for key, algorithm in ALGORITHMS:
            for form in ("der", "p1363") if "ECDSA" in algorithm else ("der",):
                choice = ["--key", key, "--algorithm", algorithm, "--signature-format", form]
                with self.subTest(key=key, algorithm=algorithm, form=form):
                    self.assert_run(
                        "sign", server.address, *choice, "--in", self.message, "--out", signature
                    )
                    self.assert_run(
                        "verify", server.address, *choice, "--in", self.message,
                        "--signature", signature,
                    )  # fmt: skip
                    if form == "der":
                        self.assertTrue(self.openssl_verifies(server, key, algorithm, signature))
                        verified += 1
        self.assertEqual(verified, 20)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    @e2e.once
    def test_the_private_half_stays_on_the_token(self) -> None:
        self.token.generate("p256", "EC:prime256v1", 1)
        self.token.generate("loose", "EC:prime256v1", 2, "--extractable")
        objects = self.token.tool("--list-objects", "--type", "privkey")
        self.assertIn("never extractable", objects)
        server = self.serve()
        self.assert_logged(server, "key labelled 'loose': used, but it may leave the token")
        self.assertNotIn("'p256'", server.stderr)
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    @e2e.once
    def test_labels_are_names_and_versions(self) -> None:
        self.token.generate("pay", "EC:prime256v1", 1)
        self.token.generate("keys/pay/versions/3", "EC:prime256v1", 2)
        self.token.generate("a name with blanks", "EC:prime256v1", 3)
        self.token.generate("big", "EC:secp521r1", 4)
        self.token.generate("pss", "rsa:2048", 5, "--allowed-mechanisms", "RSA-PKCS-PSS")
        self.token.generate("alone", "EC:prime256v1", 6)
        self.token.delete("alone", "pubkey")
        server = self.serve()
        for remark in (
            "'a name with blanks': its label is no name of a key",
            "'big': its curve is not supported",
            "'alone': its public half is not on the token",
        ):
            self.assert_logged(server, remark)
        with Client(server.grpc_address) as client:
            infos = client.call("ListKeys", pb.ListKeysRequest()).keys
            self.assertEqual([info.name for info in infos], ["pay", "pss"])
            self.assertEqual([v.version for v in infos[0].versions], [1, 3])
            self.assertEqual(len(infos[1].algorithms), 3)
            self.assertEqual(client.sign("pay").key_version, 3)
            self.assertEqual(client.sign("pay", key_version=1).key_version, 1)
            self.assert_status(e2e.NOT_FOUND, client.sign, "pay", key_version=2)

    @e2e.once
    def test_states_and_changes_on_the_token(self) -> None:
        self.token.generate("pay", "EC:prime256v1", 1)
        self.token.generate("other", "EC:prime256v1", 9)
        audit = self.directory / "audit.log"
        server = self.serve(*self.flags(), "--audit", str(audit))
        again = "keys read again from token 'signing'"
        with Client(server.grpc_address) as client:
            signature = client.sign("pay").signature
            self.token.set_may_sign("pay", False)
            self.reload(server, again)
            details = self.assert_status(e2e.FAILED_PRECONDITION, client.sign, "pay")
            self.assertEqual(details, 'version 1 of key "pay" is disabled')
            verify = pb.VerifyRequest(
                key_name="pay", algorithm=pb.ECDSA_P256_SHA256, message=b"message",
                signature=signature,
            )  # fmt: skip
            self.assertTrue(client.call("Verify", verify).valid)
            self.token.set_may_sign("pay", True)
            self.token.generate("pay/2", "EC:prime256v1", 2)
            self.token.generate("keys/pay/versions/2", "EC:prime256v1", 3)
            self.reload(server, again)
            self.assertEqual(client.sign("pay").key_version, 2)
            self.token.delete("keys/pay/versions/2", "privkey")
            self.reload(server, again)
            self.assertEqual(client.sign("pay").key_version, 1)
            self.token.generate("pay", "EC:prime256v1", 4)
            self.reload(server, "the keys stay as they were")
            self.assertIn("two private keys are version 1", server.stderr)
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        self.assertEqual(audit.read_text().count('"result":"OK"'), 3)

    @e2e.once
    def test_policy_and_the_bench_on_all_workers(self) -> None:
        self.token.generate("pay", "EC:prime256v1", 1)
        self.token.generate("hidden", "EC:prime256v1", 2)
        policy = self.write(
            "policy.toml",
            '[[rule]]\ncallers = ["any"]\nkeys = ["pay"]\noperations = ["list", "get", "sign", "verify"]\n',
        )
        server = self.serve(*self.flags(), "--policy", policy, "--crypto-threads", "4")
        with Client(server.grpc_address) as client:
            self.assert_status(e2e.NOT_FOUND, client.sign, "hidden")
        report = self.assert_json(
            "bench", "sign", server.address, "--key", "pay", "--algorithm", "ECDSA_P256_SHA256",
            "-n", "2000", "-c", "2", "-m", "8", "--verify-every", "1",
        )  # fmt: skip
        self.assertEqual((report["calls"], report["errors"]), (2000, 0))
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    @e2e.once
    def test_a_credential_of_the_service_manager_and_a_configuration_file(self) -> None:
        self.token.generate("pay", "EC:prime256v1", 1)
        shutil.copy(self.pin, self.directory / "saker-pkcs11-pin")
        config = self.write("saker.toml", f'pkcs11_module = "{soft_token.MODULE}"\n')
        server = self.serve(
            "--config", config, "--pkcs11-module", soft_token.MODULE,
            env={"CREDENTIALS_DIRECTORY": str(self.directory)},
        )  # fmt: skip
        self.assertIn("pay", self.assert_run("keys", "list", server.address).stdout)
        shown = self.assert_run("serve", *self.flags(), "--check-config").stdout
        for line in (
            f'pkcs11_module = "{soft_token.MODULE}"', 'pkcs11_token = "signing"',
            f'pkcs11_pin_file = "{self.pin}"',
        ):  # fmt: skip
            self.assertIn(line, shown.replace("'", '"'))


@e2e.once
class Mistakes(TokenCase):
    def test_what_keeps_a_server_from_starting(self) -> None:
        module = ["--pkcs11-module", soft_token.MODULE]
        pin = ["--pkcs11-pin-file", self.pin]
        label = ["--pkcs11-token", "signing"]
        wrong = crypto_client.write_private(self.directory / "wrong", "9999\n")
        self.refuse(*module, *label, *pin, stderr="token 'signing' has no key to sign with")
        self.token.generate("no name", "EC:prime256v1", 1)
        self.refuse(
            *module, *label, *pin, stderr="key labelled 'no name': its label is no name of a key"
        )
        self.token.generate("pay", "EC:prime256v1", 2)
        none = str(self.directory / "none.so")
        for arguments, stderr in (
            (["--pkcs11-module", none, *pin], f"PKCS#11 module {none}: cannot open"),
            (["--pkcs11-module", "libz.so.1", *pin], "libz.so.1: is no PKCS#11 module"),
            (["--pkcs11-module", self.pin, *pin], f"PKCS#11 module {self.pin}: "),
            ([*module, "--pkcs11-token", "x", *pin], "no token is labelled 'x': there is 'signing'"),
            ([*module, *label, "--pkcs11-pin-file", wrong], f"refuses the PIN of {wrong}"),
            ([*module, *label, "--pkcs11-pin-file", none], f"cannot read {none}"),
            ([*module, *label], "a token needs --pkcs11-pin-file, or the credential"),
            ([*pin], "need --pkcs11-module"),
            ([*module, *pin, "--key", "ec-p256"], "neither --key nor --key-dir goes with it"),
            ([*module, *pin, "--key-dir", none], "neither --key nor --key-dir goes with it"),
        ):
            with self.subTest(arguments=arguments):
                self.refuse(*arguments, stderr=stderr)
        os.chmod(self.pin, 0o644)
        self.refuse(*module, *label, *pin, stderr="may be read by others")
        os.chmod(self.pin, 0o600)
        self.token.add_token("second")
        self.refuse(*module, *pin, stderr="more than one token: name one with --pkcs11-token")
        self.token.add_token("signing")
        self.refuse(*module, *label, *pin, stderr="more than one token is labelled 'signing'")


if __name__ == "__main__":
    token_case.main()

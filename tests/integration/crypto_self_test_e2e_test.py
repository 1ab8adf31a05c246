"""Self-tests: a server whose libraries compute wrongly (tests/support/faulty_crypto.cc) does not start, and says what failed.
A token that does: crypto_token_faults_e2e_test.py."""

from __future__ import annotations

import os
import sys

import crypto_client
import saker_e2e as e2e

FAULTY_CRYPTO = os.environ.get("SAKER_FAULTY_CRYPTO", "")

# Every fault: the key that the server has, and what is said.
KNOWN = "the signature is not the known one"
FAULTS = {
    "sign-rsa": ("ec-p256", f"RSA_PKCS1_V15_SHA256 failed: {KNOWN}"),
    "verify": ("ec-p256", "RSA_PKCS1_V15_SHA256 failed: verification of a known signature"),
    "digest": ("ec-p256", "RSA_PKCS1_V15_SHA256 failed: verification of a known signature"),
    "sign-p384": ("ec-p256", f"ECDSA_P384_SHA384 failed: {KNOWN}"),
    "verify-p384": ("ec-p256", "ECDSA_P384_SHA384 failed: verification of a known signature"),
    # Where signatures are never the same, only the test of each key can tell.
    "sign-p256": ("pay=ec-p256", "keys/pay/versions/1 with ECDSA_P256_SHA256 failed: verify"),
}


@e2e.once
class SelfTest(e2e.TestCase):
    def faulty(self, fault: str) -> dict[str, str]:
        return {"LD_PRELOAD": FAULTY_CRYPTO, "SAKER_CRYPTO_FAULT": fault}

    def refuse(self, fault: str, what: str, *arguments: str) -> None:
        """Exit code 2, one line, and nothing that says it would listen."""
        done = self.assert_run(
            "serve", "--listen", "127.0.0.1:0", *arguments,
            code=e2e.EXIT_USAGE, stderr=f"saker: self-test of {what}\n", env=self.faulty(fault),
        )  # fmt: skip
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)

    def test_each_fault_keeps_the_server_from_starting(self) -> None:
        for fault, (key, what) in FAULTS.items():
            with self.subTest(fault):
                self.refuse(fault, what, "--key", key)

    def test_a_key_directory_too(self) -> None:
        keys = str(self.directory / "keys")
        passphrase = crypto_client.write_private(self.directory / "passphrase", "p\n")
        secret = ["--passphrase-file", passphrase]
        self.assert_run("keystore", "generate", keys, "first=ec-p384", *secret)
        self.assert_run("keystore", "generate", keys, "second=ec-p256", *secret)
        self.assert_run("keystore", "rotate", keys, "second", *secret)
        self.assert_run("keystore", "disable", keys, "second", "1")
        what = "keys/second/versions/2 with ECDSA_P256_SHA256 failed: verify"
        self.refuse("sign-p256", what, "--key-dir", keys, "--key-passphrase-file", passphrase)

    def test_without_a_fault_it_starts(self) -> None:
        """The control: it is not the preloaded library as such."""
        with e2e.Server("--key", "ec-p384", env=self.faulty("none")) as server:
            self.assert_run("keys", "list", server.address)


def main() -> None:
    if not FAULTY_CRYPTO or e2e.SANITIZED:
        print("skipped: no library to preload" if not FAULTY_CRYPTO else "skipped: sanitizers come first themselves")
        sys.exit(e2e.EXIT_SKIPPED)
    e2e.main()


if __name__ == "__main__":
    main()

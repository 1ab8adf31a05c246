"""What tests of keys on a token begin with: a SoftHSM token, its PIN, servers that sign with it."""

from __future__ import annotations

import signal
import sys

import grpc

import crypto_client
import saker_e2e as e2e
import soft_token
from soft_token import SoftToken


class TokenCase(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pin = crypto_client.write_private(self.directory / "pin", "4321\n")
        self.token = SoftToken(self.directory)

    def flags(self, module: str = soft_token.MODULE) -> list[str]:
        return [
            "--pkcs11-module", module, "--pkcs11-token", "signing", "--pkcs11-pin-file", self.pin
        ]  # fmt: skip

    def serve(self, *arguments: str, env: dict[str, str] | None = None) -> e2e.Server:
        server = e2e.Server(
            *(arguments or self.flags()), env=self.token.environment | (env or {})
        )
        self.addCleanup(server.kill)
        return server

    def refuse(self, *arguments: str, stderr: str, env: dict[str, str] | None = None) -> None:
        """The server does not start: exit code 2 and one line."""
        done = self.assert_run(
            "serve", "--listen", "127.0.0.1:0", *arguments,
            code=e2e.EXIT_USAGE, stderr=stderr, env=self.token.environment | (env or {}),
        )  # fmt: skip
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def reload(self, server: e2e.Server, expected: str) -> None:
        before = server.stderr.count(expected)
        server.send_signal(signal.SIGHUP)
        self.assertTrue(
            e2e.eventually(lambda: server.stderr.count(expected) > before), server.stderr
        )

    def assert_logged(self, server: e2e.Server, text: str) -> None:
        self.assertTrue(e2e.eventually(lambda: text in server.stderr), server.stderr)

    def assert_status(self, code: int, function, *arguments, **options) -> str:
        with self.assertRaises(grpc.RpcError) as caught:
            function(*arguments, **options)
        self.assertEqual(caught.exception.code().value[0], code, caught.exception)
        return caught.exception.details()


def main() -> None:
    if why := soft_token.why_not():
        print(f"skipped: {why}")
        sys.exit(e2e.EXIT_SKIPPED)
    e2e.main()

"""What tests of TLS begin with: a certificate authority, and servers with a certificate of it."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import tempfile

import saker_e2e as e2e

MAKE_CA = str(e2e.ROOT / "tools/make-ca.sh")
ECHO = "/saker.echo.v1.Echo/Echo"


def make_ca(directory: pathlib.Path) -> None:
    subprocess.run([MAKE_CA, str(directory)], check=True, capture_output=True, timeout=60)


class TlsCase(e2e.TestCase):
    """One CA for the class; `self.own`: a copy of it that a test may change."""

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory(prefix="saker-tls-")
        cls.addClassCleanup(directory.cleanup)
        cls.ca = pathlib.Path(directory.name)
        make_ca(cls.ca)

    def setUp(self) -> None:
        super().setUp()
        self.own = self.directory / "tls"
        shutil.copytree(self.ca, self.own)

    def serve(self, *arguments: str, **options: object) -> e2e.Server:
        files = ("--tls-cert", str(self.own / "server.pem"), "--tls-key", str(self.own / "server.key"))
        server = e2e.Server(*files, *arguments, **options)
        self.addCleanup(server.kill)
        return server

    def serve_mutual(self, *arguments: str) -> e2e.Server:
        ca = ("--tls-client-ca", str(self.own / "ca.pem"), "--require-client-cert")
        return self.serve(*ca, *arguments)

    def grpc_request(self, server: e2e.Server) -> list[str]:
        """What makes h2load call Echo."""
        frame = self.write("frame", b"\x00\x00\x00\x00\x07\x0a\x05hello")
        return ["-d", frame, "-H", "content-type: application/grpc", "-H", "te: trailers",
                f"https://{server.address}{ECHO}"]  # fmt: skip

    @property
    def trust(self) -> list[str]:
        return ["--tls", "--ca", str(self.ca / "ca.pem")]

    @property
    def client(self) -> list[str]:
        files = ["--tls-cert", str(self.ca / "client.pem"), "--tls-key", str(self.ca / "client.key")]
        return [*self.trust, *files]

    def assert_log(self, server: e2e.Server, text: str) -> None:
        self.assertTrue(e2e.eventually(lambda: text in server.stderr), f"{text}: {server.stderr}")

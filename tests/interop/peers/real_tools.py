#!/usr/bin/env python3
"""Tools that people use with gRPC servers, against `saker serve`: grpcurl, ghz, grpc_health_probe, with nothing but what
their own first pages say, plain and with TLS. They are built into build/interop/bin.

    tests/interop/peers/real_tools.py [--saker FILE] [unittest options]"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
BIN = ROOT / "build/interop/bin"
TOOLS = {
    "grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4",
    "ghz": "github.com/bojand/ghz/cmd/ghz@v0.93.0",
    "grpc-health-probe": "github.com/grpc-ecosystem/grpc-health-probe@v0.4.62",
}
SAKER = str(ROOT / "build/release/saker")
ECHO = "saker.echo.v1.Echo"
CALL_S = 60.0

# Exit codes of grpc_health_probe, by its README.
PROBE_CONNECT_FAILED, PROBE_RPC_FAILED = 2, 3


def build() -> str | None:
    """Why the tools cannot be built; None: they are there. Versions are in TOOLS, sums in Go's own database of them."""
    if shutil.which("go") is None:
        return "not on this machine: go"
    BIN.mkdir(parents=True, exist_ok=True)
    for name, module in TOOLS.items():
        stamp = BIN / f"{name}.version"
        if stamp.exists() and stamp.read_text(encoding="ascii") == module:
            continue
        done = subprocess.run(["go", "install", module], env=os.environ | {"GOBIN": str(BIN)}, check=False)
        if done.returncode != 0:
            return f"go install {module} failed"
        stamp.write_text(module, encoding="ascii")
    return None


@contextlib.contextmanager
def serve(listen: str, *flags: str) -> Iterator[str]:
    """The address of a `saker serve`, as it printed it."""
    command = [SAKER, "serve", "--listen", listen, "--key", "ec-p256", "--threads", "1", *flags]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        try:
            yield server.stdout.readline().removeprefix("listening on ").split()[0]
        finally:
            server.terminate()
            server.wait(CALL_S)
            server.stdout.close()


def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / name), *words], capture_output=True, text=True, timeout=CALL_S, check=False)


class Tools(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="saker-tools."))
        cls.tcp = cls.enterClassContext(serve("127.0.0.1:0"))
        cls.unix = cls.enterClassContext(serve(f"unix:{cls.folder}/saker.sock")).removeprefix("unix:")
        files = certificates.make(ROOT / "build/interop/tls")
        cls.ca = str(files / "ca.pem")
        pair = ["--tls-cert", str(files / "server1.pem"), "--tls-key", str(files / "server1.key")]
        cls.tls = cls.enterClassContext(serve("127.0.0.1:0", *pair))
        cls.tls_unix = cls.enterClassContext(serve(f"unix:{cls.folder}/tls.sock", *pair)).removeprefix("unix:")

    def succeed(self, name: str, *words: str) -> str:
        done = run(name, *words)
        self.assertEqual(done.returncode, 0, f"{name} {' '.join(words)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_grpcurl_lists_services(self) -> None:
        for where in ([self.tcp], ["-unix", self.unix]):
            services = self.succeed("grpcurl", "-plaintext", *where, "list").split()
            for service in (ECHO, "saker.crypto.v1.Crypto", "grpc.health.v1.Health"):
                self.assertIn(service, services)

    def test_grpcurl_lists_methods(self) -> None:
        methods = self.succeed("grpcurl", "-plaintext", self.tcp, "list", ECHO).split()
        self.assertEqual(methods, [f"{ECHO}.{name}" for name in ("Echo", "EchoCollect", "EchoExpand", "EchoStream")])

    def test_grpcurl_describes(self) -> None:
        text = self.succeed("grpcurl", "-plaintext", self.tcp, "describe", f"{ECHO}.EchoStream")
        self.assertIn("rpc EchoStream ( stream .saker.echo.v1.EchoRequest ) returns ( stream .saker.echo.v1.EchoReply )", text)
        text = self.succeed("grpcurl", "-plaintext", self.tcp, "describe", "saker.echo.v1.EchoRequest")
        self.assertIn("bytes payload", text)

    def test_grpcurl_calls(self) -> None:
        for where in ([self.tcp], ["-unix", self.unix]):
            text = self.succeed("grpcurl", "-plaintext", "-d", '{"payload":"aGVsbG8=","sequence":7}', *where, f"{ECHO}/Echo")
            reply = json.loads(text)
            self.assertEqual((reply["payload"], reply["sequence"]), ("aGVsbG8=", "7"))

    def test_grpcurl_streams(self) -> None:
        requests = '{"payload":"YQ=="}{"payload":"Yg=="}{"payload":"Yw=="}'
        text = self.succeed("grpcurl", "-plaintext", "-d", requests, self.tcp, f"{ECHO}/EchoStream")
        self.assertEqual([text.count(f'"payload": "{each}"') for each in ("YQ==", "Yg==", "Yw==")], [1, 1, 1])
        collected = json.loads(self.succeed("grpcurl", "-plaintext", "-d", requests, self.tcp, f"{ECHO}/EchoCollect"))
        self.assertEqual(int(collected["messages"]), 3)

    def test_grpcurl_tells_a_status(self) -> None:
        done = run("grpcurl", "-plaintext", "-d", '{"expand_count":4000000000}', self.tcp, f"{ECHO}/EchoExpand")
        self.assertEqual(done.returncode, 64 + 3, done.stderr)
        self.assertIn("Code: InvalidArgument", done.stderr)

    def test_ghz_loads(self) -> None:
        for where in (self.tcp, f"unix://{self.unix}"):
            text = self.succeed("ghz", "--insecure", "--call", f"{ECHO}.Echo", "-d", '{"payload":"aGVsbG8="}', "-n", "2000",
                                "-c", "10", "--format", "json", where)
            report = json.loads(text)
            self.assertEqual(report["statusCodeDistribution"], {"OK": 2000}, report.get("errorDistribution"))

    def test_ghz_loads_streams(self) -> None:
        text = self.succeed("ghz", "--insecure", "--call", f"{ECHO}.EchoStream", "-d",
                            '[{"payload":"YQ=="},{"payload":"Yg=="}]', "-n", "200", "-c", "4", "--format", "json", self.tcp)
        self.assertEqual(json.loads(text)["statusCodeDistribution"], {"OK": 200})

    def test_health_probe(self) -> None:
        for where in (self.tcp, f"unix://{self.unix}"):
            done = run("grpc-health-probe", f"-addr={where}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("status: SERVING", done.stderr)
            self.assertEqual(run("grpc-health-probe", f"-addr={where}", f"-service={ECHO}").returncode, 0)
        unknown = run("grpc-health-probe", f"-addr={self.tcp}", "-service=nobody.Knows")
        self.assertEqual(unknown.returncode, PROBE_RPC_FAILED, unknown.stderr)

    def test_grpcurl_with_tls(self) -> None:
        for where in ([self.tls], ["-unix", "-authority", "localhost", self.tls_unix]):
            self.assertIn(ECHO, self.succeed("grpcurl", "-cacert", self.ca, *where, "list").split())
            text = self.succeed("grpcurl", "-cacert", self.ca, "-d", '{"payload":"aGVsbG8="}', *where, f"{ECHO}/Echo")
            self.assertEqual(json.loads(text)["payload"], "aGVsbG8=")
        self.succeed("grpcurl", "-insecure", self.tls, "list")
        self.assertNotEqual(run("grpcurl", self.tls, "list").returncode, 0, "a certificate of nobody's")
        wrong = run("grpcurl", "-cacert", self.ca, "-authority", "elsewhere.test", self.tls, "list")
        self.assertIn("elsewhere.test", wrong.stderr)
        self.assertNotEqual(wrong.returncode, 0)

    def test_ghz_with_tls(self) -> None:
        for where in (self.tls, f"unix://{self.tls_unix}"):
            text = self.succeed("ghz", "--cacert", self.ca, "--cname", certificates.SERVER_NAME, "--call", f"{ECHO}.Echo",
                                "-d", '{"payload":"aGVsbG8="}', "-n", "2000", "-c", "10", "--connections", "4", "--format",
                                "json", where)
            report = json.loads(text)
            self.assertEqual(report["statusCodeDistribution"], {"OK": 2000}, report.get("errorDistribution"))

    def test_health_probe_with_tls(self) -> None:
        flags = ["-tls", f"-tls-ca-cert={self.ca}", f"-tls-server-name={certificates.SERVER_NAME}"]
        for where in (self.tls, f"unix://{self.tls_unix}"):
            done = run("grpc-health-probe", f"-addr={where}", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("status: SERVING", done.stderr)
        plain = run("grpc-health-probe", f"-addr={self.tls}", "-connect-timeout=3s")
        self.assertEqual(plain.returncode, PROBE_CONNECT_FAILED, plain.stderr)


def main() -> None:
    global SAKER
    if "--saker" in sys.argv:
        at = sys.argv.index("--saker")
        SAKER = sys.argv[at + 1]
        del sys.argv[at : at + 2]
    problem = build()
    if problem:
        sys.exit(f"real_tools: {problem}")
    unittest.main()


if __name__ == "__main__":
    main()
